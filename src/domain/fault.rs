//! What is wrong with something a client sent: a path into it and a sentence. Every validation in the domain ends in these, so that one
//! reply can name all the faults of a request.

use std::fmt;

/// How many faults one validation keeps. A body can hold more mistakes than anyone wants to read, and the reply that names them is bounded.
pub const MAX_FAULTS: usize = 100;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A JSON path such as `questions[0].options[2].label`, or the name of a parameter or header; empty for the whole body.
    pub path: String,
    /// A sentence without the path: `must be a string`.
    pub message: String,
}

impl Fault {
    /// A fault at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for Fault {}

/// All faults of one request, in the order they were found, at most [`MAX_FAULTS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// The only fault there is.
    pub fn one(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self(vec![Fault::new(path, message)])
    }

    /// Adds a fault, unless there are [`MAX_FAULTS`] already.
    pub fn push(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.add(Fault::new(path, message));
    }

    /// Adds a fault, unless there are [`MAX_FAULTS`] already.
    pub fn add(&mut self, fault: Fault) {
        if self.0.len() < MAX_FAULTS {
            self.0.push(fault);
        }
    }

    /// Adds the faults of a part of the request.
    pub fn extend(&mut self, others: Faults) {
        others.0.into_iter().for_each(|fault| self.add(fault));
    }

    /// The same faults, seen from outside: their paths begin with `prefix` (`items[3]`).
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        for fault in &mut self.0 {
            fault.path = join(prefix, &fault.path);
        }
        self
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` if nothing is wrong, else the faults.
    pub fn or<T>(self, value: T) -> Result<T, Faults> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// `name` inside of `path`; either may be empty.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else if name.is_empty() || name.starts_with('[') {
        format!("{path}{name}")
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_join_members_and_indexes() {
        assert_eq!(join("", "a"), "a");
        assert_eq!(join("a", ""), "a");
        assert_eq!(join("a", "b"), "a.b");
        assert_eq!(join("a", "[1]"), "a[1]");
        assert_eq!(Faults::one("tool", "is missing").under("items[3]").to_string(), "items[3].tool: is missing");
    }

    #[test]
    fn the_number_of_faults_is_bounded() {
        let mut faults = Faults::default();
        (0..1000).for_each(|index| faults.push(format!("[{index}]"), "is wrong"));
        assert_eq!(faults.0.len(), MAX_FAULTS);
    }
}
