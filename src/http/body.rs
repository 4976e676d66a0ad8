//! Request bodies: read within the limit, then judged. Reading and judging are two steps, so that an endpoint can look first whether what
//! the body is about exists.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use crate::config::Limits;
use crate::domain::json;
use crate::service::Error;

/// The whole body, at most `limit` bytes of it.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Error> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Error::TooLarge { limit });
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::TooLarge { limit }),
        // The client went away or broke off: nobody will read the answer.
        Err(_) => Err(Error::bad_request("incomplete_body", "the body ended before it was complete")),
    }
}

/// Refuses a body that does not say it is JSON.
pub fn must_be_json(headers: &HeaderMap) -> Result<(), Error> {
    must_be(headers, &["application/json"])
}

/// Refuses a body whose type is not among `types`.
pub fn must_be(headers: &HeaderMap, types: &[&str]) -> Result<(), Error> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).map(str::trim);
    if essence.is_some_and(|essence| types.iter().any(|known| essence.eq_ignore_ascii_case(known))) {
        Ok(())
    } else {
        Err(Error::UnsupportedMediaType)
    }
}

/// The document that a body is.
pub fn value(bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let text = text(bytes, limits)?;
    serde_json::from_str(text).map_err(|error| malformed(&error.into()))
}

/// The text of a body, not deeper than allowed; not yet known to be JSON.
pub fn text<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(&json::Fault::NotUtf8 { offset: error.valid_up_to() }))?;
    if json::depth(bytes) > limits.json_depth {
        return Err(malformed(&json::Fault::TooDeep { limit: limits.json_depth }));
    }
    Ok(text)
}

/// A body that is no JSON, with the place where it goes wrong.
pub fn malformed(fault: &json::Fault) -> Error {
    Error::bad_request("malformed_json", fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_json() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            must_be_json(&headers).is_ok()
        };
        assert!(of("application/json"));
        assert!(of("Application/JSON; charset=utf-8"));
        assert!(!of("text/plain"));
        assert!(!of("application/x-www-form-urlencoded"));
        assert!(must_be_json(&HeaderMap::new()).is_err());
    }

    #[test]
    fn malformed_json_is_told_where() {
        let error = value(b"{\"a\":\n  nope}", &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("line 2 column 4"), "{error}");
        let deep = "[".repeat(33) + &"]".repeat(33);
        let error = value(deep.as_bytes(), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("deeper than 32"), "{error}");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_announced_or_not() {
        assert_eq!(read(Body::from("12345"), 5).await.unwrap(), "12345");
        assert!(matches!(read(Body::from("123456"), 5).await, Err(Error::TooLarge { limit: 5 })));
        let chunks = futures_util::stream::iter(["123", "456"].map(Ok::<_, std::io::Error>));
        assert!(matches!(read(Body::from_stream(chunks), 5).await, Err(Error::TooLarge { limit: 5 })));
    }
}
