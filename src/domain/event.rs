//! Events: what happened in a workspace, numbered by the store. This module knows their names and what stands in them before they have a
//! number; which names only the service may use is settled here too.

use std::{borrow::Cow, fmt};

use super::json::Compact;

/// The longest event type, in characters.
pub const MAX_TYPE: usize = 64;
/// The largest payload unless configured otherwise, in bytes of its compact text. Decisions keep to it too.
pub const MAX_PAYLOAD: usize = 60 * 1024;
/// The largest part of a request that an event of the service's own repeats; what is left is for the event's other fields.
pub const MAX_REPEATED: usize = MAX_PAYLOAD - 1024;

/// Types beginning so are the service's own.
pub const RESERVED_PREFIXES: [&str; 13] = [
    "todo.",
    "question.",
    "budget.",
    "executor.",
    "phase.",
    "session.",
    "config.",
    "lock.",
    "vault.",
    "import.",
    "orchestration.",
    "stream.",
    "tool.",
];

/// A question waits for an answer.
pub const QUESTION_ASKED: &str = "question.asked";
/// A question has been answered.
pub const QUESTION_ANSWERED: &str = "question.answered";
/// A person refused to answer a question.
pub const QUESTION_REJECTED: &str = "question.rejected";
/// The asker withdrew a question.
pub const QUESTION_CANCELLED: &str = "question.cancelled";
/// The deadline of a question passed.
pub const QUESTION_EXPIRED: &str = "question.expired";
/// The configuration changed.
pub const CONFIG_UPDATED: &str = "config.updated";
/// The workspace was cleared; the first event after that.
pub const ORCHESTRATION_PURGED: &str = "orchestration.purged";

/// The type of an event: `^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$`, at most 64 characters, and so safe in an SSE line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventType(Cow<'static, str>);

/// Text that is not an event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be lower-case words of a-z 0-9 _ joined by dots, the first beginning with a letter, 64 characters at most")]
pub struct InvalidType;

impl EventType {
    /// The type that `text` names.
    pub fn parse(text: &str) -> Result<Self, InvalidType> {
        if is_type(text) { Ok(Self(Cow::Owned(text.to_owned()))) } else { Err(InvalidType) }
    }

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether only the service may emit it.
    pub fn is_reserved(&self) -> bool {
        RESERVED_PREFIXES.iter().any(|prefix| self.0.starts_with(prefix))
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_type(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    text.len() <= MAX_TYPE && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split('.').all(word)
}

/// An event before it has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its type.
    pub kind: EventType,
    /// A JSON object.
    pub payload: Compact,
    /// The trace that caused it, as the W3C header has it.
    pub traceparent: Option<String>,
}

/// An event that the service itself emits; `kind` is one of this module's constants.
pub fn service_event(kind: &'static str, payload: Compact) -> NewEvent {
    debug_assert!(is_type(kind), "{kind} is not an event type");
    NewEvent { kind: EventType(Cow::Borrowed(kind)), payload, traceparent: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn types_are_dotted_lower_case_words() {
        for text in ["a", "build.started", "a_1.2.b__", "x9", &format!("a{}", "b".repeat(63))] {
            assert_eq!(EventType::parse(text).unwrap().as_str(), text);
        }
        for text in ["", ".", "a.", ".a", "a..b", "A", "1a", "_a", "a b", "a-b", "a\n", "é", &"b".repeat(65)] {
            assert_eq!(EventType::parse(text), Err(InvalidType), "{text:?}");
        }
    }

    #[test]
    fn the_services_own_prefixes_are_reserved() {
        for text in ["todo.created", "question.x.y", "stream.ready", "tool.call", "orchestration.purged"] {
            assert!(EventType::parse(text).unwrap().is_reserved(), "{text}");
        }
        for text in ["todo", "todos.created", "build.todo.created", "questions.asked"] {
            assert!(!EventType::parse(text).unwrap().is_reserved(), "{text}");
        }
    }

    #[test]
    fn every_type_the_service_emits_is_one_and_reserved() {
        let kinds = [
            QUESTION_ASKED,
            QUESTION_ANSWERED,
            QUESTION_REJECTED,
            QUESTION_CANCELLED,
            QUESTION_EXPIRED,
            CONFIG_UPDATED,
            ORCHESTRATION_PURGED,
        ];
        for kind in kinds {
            let event = service_event(kind, Compact::from_value(&serde_json::json!({})));
            assert_eq!(EventType::parse(kind), Ok(event.kind.clone()));
            assert!(event.kind.is_reserved());
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_is_safe_in_an_sse_line(text in "[a-z0-9_.:\r\n ]{0,70}") {
            if let Ok(kind) = EventType::parse(&text) {
                prop_assert!(!kind.as_str().contains(['\n', '\r', ':', ' ']));
                prop_assert!((1..=MAX_TYPE).contains(&kind.as_str().len()));
            }
        }

        #[test]
        fn every_match_of_the_pattern_parses(text in "[a-z][a-z0-9_]{0,9}(\\.[a-z0-9_]{1,9}){0,5}") {
            prop_assert!(EventType::parse(&text).is_ok());
        }
    }
}
