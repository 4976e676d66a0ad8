//! Query parameters. What an endpoint does not know is a 400 that names it, so that a misspelt filter never silently matches everything.

use std::ops::RangeInclusive;

use super::problem::Problem;
use crate::domain::fault::Fault;

/// The most parameters of one request.
const MOST: usize = 256;

/// The parameters of one request, in order, decoded.
#[derive(Debug, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query string. Anything not among `allowed` is refused; a parameter may stand more than once.
    pub fn parse(query: Option<&str>, allowed: &[&str]) -> Result<Self, Problem> {
        let Some(query) = query.filter(|query| !query.is_empty()) else {
            return Ok(Self::default());
        };
        let mut params = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !allowed.contains(&&*name) {
                let shown: String = name.chars().take(64).collect();
                return Err(Fault::new(shown, "is not a known parameter").into());
            }
            if params.len() == MOST {
                return Err(Problem::bad_request("too_many_parameters", "too many query parameters"));
            }
            params.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(params))
    }

    /// Refuses every parameter.
    pub fn none(query: Option<&str>) -> Result<(), Problem> {
        Self::parse(query, &[]).map(drop)
    }

    /// A parameter that may stand once; an empty value is a value.
    pub fn one<'a>(&'a self, name: &str) -> Result<Option<&'a str>, Problem> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Fault::new(name, "stands more than once").into());
        }
        Ok(first)
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A parameter that is an integer of `range`.
    pub fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Problem> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        // `parse` alone would take a plus sign.
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && range.contains(&number) => Ok(Some(number)),
            Ok(_) | Err(_) => {
                let (least, most) = range.into_inner();
                let message = if most == u64::MAX {
                    format!("must be an integer of at least {least}")
                } else {
                    format!("must be an integer from {least} to {most}")
                };
                Err(Fault::new(name, message).into())
            }
        }
    }

    /// A parameter that is `true` or `false`; left out it is false.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Fault::new(name, "must be true or false").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        result.unwrap_err().to_json(None)
    }

    #[test]
    fn an_unknown_parameter_is_named() {
        let text = refused(Params::parse(Some("limit=1&lmit=2"), &["limit"]));
        assert!(text.contains("lmit: is not a known parameter"), "{text}");
        assert!(Params::none(None).is_ok());
        assert!(Params::none(Some("")).is_ok());
        assert!(Params::none(Some("a")).is_err());
    }

    #[test]
    fn values_are_decoded_and_kept_in_order() {
        let params = Params::parse(Some("q=a%20b+c&q=%C3%A9&x="), &["q", "x"]).unwrap();
        assert_eq!(params.all("q").collect::<Vec<_>>(), ["a b c", "é"]);
        assert_eq!(params.one("x").unwrap(), Some(""));
        assert!(refused(params.one("q")).contains("more than once"));
    }

    #[test]
    fn numbers_are_digits_within_their_range() {
        let read = |query| Params::parse(Some(query), &["n"]).unwrap().number("n", 1..=500);
        assert_eq!(read("n=1").unwrap(), Some(1));
        assert_eq!(read("n=500").unwrap(), Some(500));
        for wrong in ["n=0", "n=501", "n=", "n=+1", "n=-1", "n=1.0", "n=1&n=2", "n=99999999999999999999"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_are_true_or_false() {
        let read = |query| Params::parse(query, &["f"]).unwrap().flag("f");
        assert!(!read(None).unwrap());
        assert!(read(Some("f=true")).unwrap());
        assert!(!read(Some("f=false")).unwrap());
        assert!(read(Some("f=yes")).is_err());
    }
}
