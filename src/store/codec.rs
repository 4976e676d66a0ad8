//! The stored shapes: how entities stand in Redis hashes, and how conditions and changes are written for `commit.lua`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::keys::{Generation, Keys};
use crate::domain::ids::{QuestionId, SessionId, WorkspaceId};
use crate::domain::question::{Answers, Choice, Outcome, OutcomeKind, Prompt, Question, ToolRef};
use crate::domain::txn::{Expect, Timer, Write};

/// How long outcomes are kept: 24 h.
pub const OUTCOME_KEPT_MS: u64 = 24 * 60 * 60 * 1000;

/// An argument of a script call: text, or a key that goes to KEYS and is named by its index.
#[derive(Debug)]
pub enum Part {
    /// A key.
    Key(String),
    /// An argument.
    Text(String),
}

fn text(value: impl Into<String>) -> Part {
    Part::Text(value.into())
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredPrompt {
    question: String,
    header: String,
    options: Vec<(String, String)>,
    multiple: bool,
    custom: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredQuestion {
    id: String,
    session: String,
    prompts: Vec<StoredPrompt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<(String, String)>,
    asked_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredOutcome {
    question: StoredQuestion,
    kind: StoredKind,
    by: String,
    at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredKind {
    Answered(Vec<Vec<String>>),
    Rejected(Option<String>),
    Cancelled,
    Expired,
}

impl From<&Question> for StoredQuestion {
    fn from(question: &Question) -> Self {
        let prompt = |prompt: &Prompt| StoredPrompt {
            question: prompt.question.clone(),
            header: prompt.header.clone(),
            options: prompt.options.iter().map(|choice| (choice.label.clone(), choice.description.clone())).collect(),
            multiple: prompt.multiple,
            custom: prompt.custom,
        };
        Self {
            id: question.id.as_str().to_owned(),
            session: question.session_id.as_str().to_owned(),
            prompts: question.prompts.iter().map(prompt).collect(),
            tool: question.tool.as_ref().map(|tool| (tool.message_id.clone(), tool.call_id.clone())),
            asked_at: question.asked_at,
            expires_at: question.expires_at,
        }
    }
}

impl StoredQuestion {
    fn into_domain(self) -> Result<Question, Error> {
        let prompt = |prompt: StoredPrompt| Prompt {
            question: prompt.question,
            header: prompt.header,
            options: prompt.options.into_iter().map(|(label, description)| Choice { label, description }).collect(),
            multiple: prompt.multiple,
            custom: prompt.custom,
        };
        Ok(Question {
            id: QuestionId::parse(&self.id).map_err(|_| corrupt("question id"))?,
            session_id: SessionId::parse(&self.session).map_err(|_| corrupt("session id"))?,
            prompts: self.prompts.into_iter().map(prompt).collect(),
            tool: self.tool.map(|(message_id, call_id)| ToolRef { message_id, call_id }),
            asked_at: self.asked_at,
            expires_at: self.expires_at,
        })
    }
}

fn corrupt(what: &str) -> Error {
    Error::Corrupt(format!("a stored {what} cannot be read"))
}

fn json<T: Serialize>(value: &T) -> String {
    // Plain structs of strings and numbers: serialising them cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// A pending question: its session, a space, JSON.
pub fn question_text(question: &Question) -> String {
    format!("{} {}", question.session_id.as_str(), json(&StoredQuestion::from(question)))
}

/// Reads [`question_text`].
pub fn question(stored: &str) -> Result<Question, Error> {
    let (_session, body) = stored.split_once(' ').ok_or_else(|| corrupt("question"))?;
    serde_json::from_str::<StoredQuestion>(body).map_err(|_| corrupt("question"))?.into_domain()
}

/// An outcome: when it came about in ms, a space, JSON.
pub fn outcome_text(outcome: &Outcome) -> String {
    let kind = match &outcome.kind {
        OutcomeKind::Answered(answers) => StoredKind::Answered(answers.0.clone()),
        OutcomeKind::Rejected { reason } => StoredKind::Rejected(reason.clone()),
        OutcomeKind::Cancelled => StoredKind::Cancelled,
        OutcomeKind::Expired => StoredKind::Expired,
    };
    let stored =
        StoredOutcome { question: StoredQuestion::from(&outcome.question), kind, by: outcome.resolved_by.clone(), at: outcome.resolved_at };
    format!("{} {}", outcome.resolved_at, json(&stored))
}

/// Reads [`outcome_text`].
pub fn outcome(stored: &str) -> Result<Outcome, Error> {
    let (_at, body) = stored.split_once(' ').ok_or_else(|| corrupt("outcome"))?;
    let stored: StoredOutcome = serde_json::from_str(body).map_err(|_| corrupt("outcome"))?;
    let kind = match stored.kind {
        StoredKind::Answered(answers) => OutcomeKind::Answered(Answers(answers)),
        StoredKind::Rejected(reason) => OutcomeKind::Rejected { reason },
        StoredKind::Cancelled => OutcomeKind::Cancelled,
        StoredKind::Expired => OutcomeKind::Expired,
    };
    Ok(Outcome { question: stored.question.into_domain()?, kind, resolved_by: stored.by, resolved_at: stored.at })
}

/// The ids of a session's pending questions: with spaces between, '' for none.
pub fn ids_text(ids: &[QuestionId]) -> String {
    ids.iter().map(QuestionId::as_str).collect::<Vec<_>>().join(" ")
}

/// Reads [`ids_text`].
pub fn ids(stored: &str) -> Result<Vec<QuestionId>, Error> {
    stored.split_whitespace().map(|id| QuestionId::parse(id).map_err(|_| corrupt("question id"))).collect()
}

/// The configuration document as stored; '' is the empty one.
pub fn document(stored: &str) -> Result<Value, Error> {
    if stored.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_str(stored).map_err(|_| corrupt("configuration"))
}

/// A timer as a member of the timers set.
pub fn timer_text(timer: &Timer) -> String {
    match timer {
        Timer::QuestionDeadline(id) => format!("q {}", id.as_str()),
        Timer::Retention => "retention".to_owned(),
    }
}

/// A condition, as `commit.lua` reads it.
pub fn expect(keys: &Keys, workspace: &WorkspaceId, generation: Generation, expect: &Expect) -> Vec<Part> {
    match expect {
        Expect::QuestionPending(id) => {
            vec![text("p"), Part::Key(keys.questions(workspace, generation)), text(id.as_str())]
        }
        Expect::SessionQuestions(session, ids) => {
            vec![text("e"), Part::Key(keys.session_questions(workspace, generation)), text(session.as_str()), text(ids_text(ids))]
        }
        Expect::ConfigVersion(version) => vec![
            text("e"),
            Part::Key(keys.config(workspace)),
            text("version"),
            text(if *version == 0 { String::new() } else { version.to_string() }),
        ],
    }
}

/// A change, as one or more operations that `commit.lua` reads.
pub fn write(keys: &Keys, workspace: &WorkspaceId, generation: Generation, write: &Write) -> Vec<Vec<Part>> {
    let set = |key: String, field: &str, value: String| vec![text("hs"), Part::Key(key), text(field), text(value)];
    let drop = |key: String, field: &str| vec![text("hd"), Part::Key(key), text(field)];
    match write {
        Write::PutQuestion(question) => {
            vec![set(keys.questions(workspace, generation), question.id.as_str(), question_text(question))]
        }
        Write::RemoveQuestion(id) => vec![drop(keys.questions(workspace, generation), id.as_str())],
        Write::SessionQuestions(session, ids) if ids.is_empty() => {
            vec![drop(keys.session_questions(workspace, generation), session.as_str())]
        }
        Write::SessionQuestions(session, ids) => {
            vec![set(keys.session_questions(workspace, generation), session.as_str(), ids_text(ids))]
        }
        Write::Outcome(outcome) => {
            let (hash, order) = (keys.outcomes(workspace, generation), keys.outcome_order(workspace, generation));
            let id = outcome.question.id.as_str();
            let cutoff = outcome.resolved_at.saturating_sub(OUTCOME_KEPT_MS);
            vec![
                set(hash.clone(), id, outcome_text(outcome)),
                vec![text("zs"), Part::Key(order.clone()), text(id)],
                vec![text("pr"), Part::Key(order), Part::Key(hash), text(cutoff.to_string())],
            ]
        }
        Write::SetTimer { at, timer } => {
            vec![vec![text("za"), Part::Key(keys.timers(workspace)), text(at.to_string()), text(timer_text(timer))]]
        }
        Write::ClearTimer(timer) => vec![vec![text("zr"), Part::Key(keys.timers(workspace)), text(timer_text(timer))]],
        Write::Config { version, doc, settings } => {
            let limit = |field: &str, value: Option<u64>| {
                vec![text("ms"), text(field), text(value.map(|number| number.to_string()).unwrap_or_default())]
            };
            vec![
                set(keys.config(workspace), "version", version.to_string()),
                set(keys.config(workspace), "doc", doc.to_string()),
                limit("en", Some(settings.events.max_count)),
                limit("ea", settings.events.max_age_ms),
                limit("eb", settings.events.max_bytes),
                limit("ln", Some(settings.log.max_count)),
                limit("la", settings.log.max_age_ms),
                limit("lb", settings.log.max_bytes),
            ]
        }
    }
}
