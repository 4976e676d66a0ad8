//! Identifiers. Each is a type of its own and cannot hold text outside of its alphabet, so that an id is safe in a key, a path, a header and
//! an SSE line without another look. Nothing may read meaning out of an id.

use std::{fmt, marker::PhantomData, sync::Arc};

use ulid::Ulid;

/// The longest id, in characters.
pub const MAX_ID: usize = 64;
/// The longest request id or idempotency key, in characters.
pub const MAX_TOKEN: usize = 128;

/// An id of 1 to 64 characters of `A-Z a-z 0-9 _ -`. `Kind` says what it names; cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<Kind> {
    text: Arc<str>,
    kind: PhantomData<Kind>,
}

/// Marks the id of a workspace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Workspace {}
/// Marks the id of an agent session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Session {}
/// Marks the id of an entry of the master TODO.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {}
/// Marks the id of a question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {}
/// Marks any other id that a client chooses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {}

/// The id of a workspace.
pub type WorkspaceId = Id<Workspace>;
/// The id of an agent session.
pub type SessionId = Id<Session>;
/// The id of an entry of the master TODO.
pub type EntryId = Id<Entry>;
/// The id of a question.
pub type QuestionId = Id<Question>;
/// Any other id that a client chooses.
pub type ClientId = Id<Client>;

/// Text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters of A-Z a-z 0-9 _ -")]
pub struct InvalidId;

impl<Kind> Id<Kind> {
    /// The id that `text` is.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=MAX_ID).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
            Ok(Self::new(text))
        } else {
            Err(InvalidId)
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn new(text: &str) -> Self {
        Self { text: Arc::from(text), kind: PhantomData }
    }
}

impl QuestionId {
    /// A new id: `que_` and the ULID of the time `ms` (epoch milliseconds) and 80 bits of `random`.
    pub fn mint(ms: u64, random: u128) -> Self {
        Self::new(&format!("que_{}", Ulid::from_parts(ms, random)))
    }
}

impl<Kind> fmt::Display for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<Kind> fmt::Debug for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The id of one HTTP request, taken from the client or made: 1 to 128 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

/// What a client names a POST by, so that a retry of it is no new act: 1 to 128 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Arc<str>);

/// Text that is neither a request id nor an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 visible ASCII characters")]
pub struct InvalidToken;

impl RequestId {
    /// The request id that `text` is.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        visible(text).map(Self)
    }

    /// The request id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl IdempotencyKey {
    /// The key that `text` is.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        visible(text).map(Self)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn visible(text: &str) -> Result<Arc<str>, InvalidToken> {
    let fits = (1..=MAX_TOKEN).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(Arc::from(text)) } else { Err(InvalidToken) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_hold_their_alphabet_and_nothing_else() {
        for text in ["a", "ws_01HXYZABCDEFGHJKMNPQRSTVW", "-", "A-z_9", &"x".repeat(64)] {
            assert_eq!(WorkspaceId::parse(text).unwrap().as_str(), text);
        }
        for text in ["", " ", "a b", "a.b", "a/b", "{a}", "a\n", "é", "a:b", "%41", &"x".repeat(65)] {
            assert_eq!(WorkspaceId::parse(text), Err(InvalidId), "{text:?}");
        }
    }

    #[test]
    fn minted_question_ids_are_ids_and_sort_by_time() {
        let first = QuestionId::mint(1_717_691_432_000, 0);
        let second = QuestionId::mint(1_717_691_432_001, 0);
        assert_eq!(first.as_str().len(), 30);
        assert!(first.as_str().starts_with("que_"));
        assert!(first < second);
        assert_ne!(first, QuestionId::mint(1_717_691_432_000, 1));
        assert_eq!(QuestionId::parse(first.as_str()), Ok(first));
    }

    #[test]
    fn tokens_are_visible_ascii() {
        assert_eq!(IdempotencyKey::parse("!~").unwrap().as_str(), "!~");
        assert_eq!(RequestId::parse(&"r".repeat(128)).unwrap().as_str().len(), 128);
        for text in ["", "a b", "a\t", "é", "\u{7f}", &"r".repeat(129)] {
            assert_eq!(RequestId::parse(text), Err(InvalidToken), "{text:?}");
            assert_eq!(IdempotencyKey::parse(text), Err(InvalidToken), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_is_unchanged_and_safe_in_a_key(text in "\\PC{0,70}") {
            if let Ok(id) = SessionId::parse(&text) {
                prop_assert_eq!(id.as_str(), &text);
                let safe = !text.contains([':', '{', '}', ' ', '\n', '/']);
                prop_assert!(safe);
            }
        }
    }
}
