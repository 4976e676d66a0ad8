//! Questions: prompts that an agent raised and a person decides. A question is pending from [`mod@ask`] until exactly one of [`answer`],
//! [`reject`], [`cancel`] and [`expire`] is committed; each of these is a transaction that expects it to be pending still, so the first wins.
//!
//! ```text
//!            ┌─ answer ─► answered
//! ask ─► pending ─ reject ─► rejected
//!            ├─ cancel ─► cancelled   (its asker, its session's end, a purge)
//!            └─ expire ─► expired
//! ```

mod ask;
mod decide;
mod resolution;
mod shape;

use super::ids::{QuestionId, SessionId};

pub use ask::Ask;
pub use decide::{Refusal, SERVICE, answer, ask, cancel, expire, reject};
pub use resolution::{Answers, reason_from_wire};

/// A question that waits, or waited, for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub id: QuestionId,
    /// The session that asks.
    pub session_id: SessionId,
    /// What it asks, at least one prompt.
    pub prompts: Vec<Prompt>,
    /// The tool call it came from.
    pub tool: Option<ToolRef>,
    /// Epoch milliseconds.
    pub asked_at: u64,
    /// When it expires, epoch milliseconds.
    pub expires_at: Option<u64>,
}

/// One thing to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The question in full.
    pub question: String,
    /// The question in a few words.
    pub header: String,
    /// What there is to choose from, labels unique.
    pub options: Vec<Choice>,
    /// Whether more than one may be chosen.
    pub multiple: bool,
    /// Whether free text may be answered.
    pub custom: bool,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What an answer names.
    pub label: String,
    /// What choosing it means.
    pub description: String,
}

/// The tool call that a question came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRef {
    /// The message the call stands in.
    pub message_id: String,
    /// The call.
    pub call_id: String,
}

/// How a question ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The question.
    pub question: Question,
    /// What became of it.
    pub kind: OutcomeKind,
    /// Who ended it: the subject of the caller, or [`SERVICE`].
    pub resolved_by: String,
    /// Epoch milliseconds.
    pub resolved_at: u64,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeKind {
    /// A person answered.
    Answered(Answers),
    /// A person refused to answer.
    Rejected {
        /// Why, in the person's words.
        reason: Option<String>,
    },
    /// It was withdrawn.
    Cancelled,
    /// Its deadline passed.
    Expired,
}

impl OutcomeKind {
    /// As the wire has it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Rejected { .. } => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

#[cfg(test)]
mod tests;
