//! What a decision comes to: conditions, changes and events that the store commits as one atomic step or not at all. If a condition no longer
//! holds, the service loads again and decides again.

use serde_json::Value;

use super::{
    config::Settings,
    event::NewEvent,
    ids::{QuestionId, SessionId},
    question::{Outcome, Question},
};

/// One atomic step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Txn {
    /// All must hold, or nothing happens.
    pub expect: Vec<Expect>,
    /// Applied in order.
    pub writes: Vec<Write>,
    /// Appended in order, with contiguous numbers.
    pub events: Vec<NewEvent>,
}

impl Txn {
    /// Whether committing it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.events.is_empty()
    }

    /// The question that this transaction asks, if it asks one.
    pub fn asked(&self) -> Option<&Question> {
        self.writes.iter().find_map(|write| match write {
            Write::PutQuestion(question) => Some(question),
            Write::RemoveQuestion(_)
            | Write::SessionQuestions(..)
            | Write::Outcome(_)
            | Write::SetTimer { .. }
            | Write::ClearTimer(_)
            | Write::Config { .. } => None,
        })
    }
}

/// What must still be so at the commit.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// The question waits for an answer.
    QuestionPending(QuestionId),
    /// The session's pending questions are exactly these, oldest first; empty means that nothing is stored.
    SessionQuestions(SessionId, Vec<QuestionId>),
    /// The configuration has this version; 0 means that there is none yet.
    ConfigVersion(u64),
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// The question waits for an answer from now on.
    PutQuestion(Question),
    /// The question waits no longer.
    RemoveQuestion(QuestionId),
    /// The session's pending questions are these from now on, oldest first.
    SessionQuestions(SessionId, Vec<QuestionId>),
    /// How a question ended; kept for those who wait for it, and in the history.
    Outcome(Outcome),
    /// `timer` is due at `at`, epoch milliseconds, in place of any earlier time of its.
    SetTimer {
        /// Epoch milliseconds.
        at: u64,
        /// What is due.
        timer: Timer,
    },
    /// `timer` is no longer due.
    ClearTimer(Timer),
    /// The configuration is this from now on.
    Config {
        /// The version of `doc`.
        version: u64,
        /// The whole configuration.
        doc: Value,
        /// `doc`, read.
        settings: Settings,
    },
}

/// Something that is due at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The question expires.
    QuestionDeadline(QuestionId),
    /// The streams are to be trimmed to their retention.
    Retention,
}
