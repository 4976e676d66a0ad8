//! JSON documents kept as they came. [`Compact`] is checked text on one line, which is what an SSE `data:` line, a stored event and a reply
//! need; numbers, escapes and the order of members are the client's own. [`RawObject`] opens the outermost object without touching the values.

mod object;

use std::fmt;

use serde_json::{Value, value::RawValue};

pub use object::{RawObject, members, string};

/// Why a text is not accepted as JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not UTF-8 from byte `offset` on.
    #[error("not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Counted from 0.
        offset: usize,
    },
    /// Arrays and objects inside of each other beyond the limit.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The deepest nesting allowed.
        limit: usize,
    },
    /// Not JSON.
    #[error("malformed JSON: {reason}")]
    Syntax {
        /// What was expected, with line and column.
        reason: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A `\u` escape that is half a character. Many readers refuse such a document, so it is not let in.
    #[error("half of a surrogate pair at byte {offset}")]
    LoneSurrogate {
        /// Counted from 0.
        offset: usize,
    },
    /// JSON, but not an object.
    #[error("must be a JSON object")]
    NotAnObject,
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Syntax { reason: error.to_string(), line: error.line(), column: error.column() }
    }
}

/// Valid JSON on one line, without insignificant whitespace, otherwise exactly as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Compact(String);

impl Compact {
    /// Checks `bytes` and takes the whitespace out. `max_depth` counts arrays and objects inside of each other: `[]` is 1 deep.
    pub fn parse(bytes: &[u8], max_depth: usize) -> Result<Self, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|error| Fault::NotUtf8 { offset: error.valid_up_to() })?;
        if depth(bytes) > max_depth {
            return Err(Fault::TooDeep { limit: max_depth });
        }
        Self::from_raw(serde_json::from_str(text)?)
    }

    /// The same, for a document that must be an object.
    pub fn object(bytes: &[u8], max_depth: usize) -> Result<Self, Fault> {
        let compact = Self::parse(bytes, max_depth)?;
        if compact.is_object() { Ok(compact) } else { Err(Fault::NotAnObject) }
    }

    /// A part of a document that is already known to be JSON.
    pub fn from_raw(raw: &RawValue) -> Result<Self, Fault> {
        strip(raw.get()).map(Self)
    }

    /// The text of a value.
    pub fn from_value(value: &Value) -> Self {
        Self(value.to_string())
    }

    /// Text that this module's caller put together from checked parts.
    pub(super) fn trusted(text: String) -> Self {
        Self(text)
    }

    /// Whether the document is an object.
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, given away.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Compact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How deep arrays and objects stand inside of each other; a cheap scan that does not ask whether the text is JSON otherwise.
pub fn depth(bytes: &[u8]) -> usize {
    let (mut now, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                now += 1;
                deepest = deepest.max(now);
            }
            b'}' | b']' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// `text`, which is valid JSON, without the whitespace between its tokens.
fn strip(text: &str) -> Result<String, Fault> {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut kept) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at)?,
            b' ' | b'\t' | b'\n' | b'\r' => {
                out.push_str(&text[kept..at]);
                at += 1;
                kept = at;
            }
            _ => at += 1,
        }
    }
    out.push_str(&text[kept..]);
    Ok(out)
}

/// Where the string that starts at `open` is over.
fn string_end(bytes: &[u8], open: usize) -> Result<usize, Fault> {
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return Ok(at + 1),
            b'\\' => match unit(bytes, at) {
                Some(0xD800..=0xDBFF) if matches!(unit(bytes, at + 6), Some(0xDC00..=0xDFFF)) => {
                    at += 12;
                }
                Some(0xD800..=0xDFFF) => return Err(Fault::LoneSurrogate { offset: at }),
                Some(_) => at += 6,
                None => at += 2,
            },
            _ => at += 1,
        }
    }
    Ok(at)
}

/// The UTF-16 unit that a `\u` escape at `at` names, if one stands there.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
