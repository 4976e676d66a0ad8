//! Reading closed JSON bodies: every reader here notes what is wrong and goes on, so that one pass finds all faults.

use serde_json::{Map, Value};

use super::fault::{Faults, join};

/// The largest integer that every JSON reader keeps exact.
pub(super) const MAX_SAFE: u64 = 1 << 53;
/// The most characters of a client's own words that a fault repeats.
const QUOTED: usize = 64;

/// An object of a body, and where it stands.
pub(super) struct Body<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> Body<'a> {
    /// Opens the object `value`. What is not among `known` is a fault that names it.
    pub(super) fn closed(value: &'a Value, path: String, known: &[&str], faults: &mut Faults) -> Option<Self> {
        let body = Self::open(value, path, faults)?;
        for name in body.members.keys().filter(|name| !known.contains(&name.as_str())) {
            faults.push(body.path(&shortened(name)), "is not a known field");
        }
        Some(body)
    }

    /// Opens the object `value`, whatever its members.
    pub(super) fn open(value: &'a Value, path: String, faults: &mut Faults) -> Option<Self> {
        let Value::Object(members) = value else {
            faults.push(path, "must be an object");
            return None;
        };
        Some(Self { members, path })
    }

    /// Where the member `name` stands.
    pub(super) fn path(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// A member that may be left out; `null` is the same as left out.
    pub(super) fn optional(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// A member that must be there.
    pub(super) fn required(&self, name: &str, faults: &mut Faults) -> Option<&'a Value> {
        let value = self.optional(name);
        if value.is_none() {
            faults.push(self.path(name), "is missing");
        }
        value
    }

    /// An array that must be there.
    pub(super) fn list(&self, name: &str, faults: &mut Faults) -> Option<&'a [Value]> {
        let value = self.required(name, faults)?;
        let list = value.as_array().map(Vec::as_slice);
        if list.is_none() {
            faults.push(self.path(name), "must be an array");
        }
        list
    }

    /// A string that must be there.
    pub(super) fn text(&self, name: &str, faults: &mut Faults) -> Option<&'a str> {
        text(self.required(name, faults)?, self.path(name), faults)
    }

    /// A boolean, or `default` if it is left out.
    pub(super) fn flag(&self, name: &str, default: bool, faults: &mut Faults) -> bool {
        let Some(value) = self.optional(name) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            faults.push(self.path(name), "must be true or false");
            default
        })
    }

    /// An integer of `least..=most` that may be left out.
    pub(super) fn integer(&self, name: &str, least: u64, most: u64, faults: &mut Faults) -> Option<u64> {
        let value = self.optional(name)?;
        let integer = value.as_u64().filter(|integer| (least..=most).contains(integer));
        if integer.is_none() {
            faults.push(self.path(name), format!("must be an integer from {least} to {most}"));
        }
        integer
    }
}

/// The string that `value` is.
pub(super) fn text<'a>(value: &'a Value, path: String, faults: &mut Faults) -> Option<&'a str> {
    let text = value.as_str();
    if text.is_none() {
        faults.push(path, "must be a string");
    }
    text
}

/// What keeps `text` from being a name (a tool, a call, an agent): empty, longer than `most` characters, or with control characters.
pub(super) fn name_fault(text: &str, most: usize) -> Option<String> {
    let fits = !text.is_empty() && text.chars().take(most + 1).count() <= most && !text.chars().any(char::is_control);
    (!fits).then(|| format!("must be 1 to {most} characters without control characters"))
}

/// The beginning of a client's own words, short enough for a message.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
