//! The decisions about a question. Each sees the session's pending questions as they were loaded and expects them unchanged at the commit.

use serde_json::{Map, Value};

use super::{Answers, Ask, Outcome, OutcomeKind, Question};
use crate::domain::{
    config::Settings,
    event::{NewEvent, QUESTION_ANSWERED, QUESTION_ASKED, QUESTION_CANCELLED, QUESTION_EXPIRED, QUESTION_REJECTED, service_event},
    fault::Faults,
    ids::QuestionId,
    json::Compact,
    txn::{Expect, Timer, Txn, Write},
};

/// Who resolves a question that nobody resolved: `resolved_by` of an expired one.
pub const SERVICE: &str = "service";

/// Why a decision about a question cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The session has as many pending questions as it may.
    #[error("the session has {} pending question(s) already", pending.len())]
    QuestionPending {
        /// These.
        pending: Vec<QuestionId>,
    },
    /// The answers do not fit the question.
    #[error("the answers do not fit the question: {0}")]
    Answers(Faults),
    /// The question is not among its session's pending ones: it was resolved meanwhile.
    #[error("the question is no longer pending")]
    Resolved,
    /// The question's deadline has not come, or it has none.
    #[error("the question is not due to expire")]
    NotDue,
}

/// Asks a question under `id`. `pending_of_session` are the session's pending questions, oldest first; `now` is in epoch milliseconds.
pub fn ask(ask: Ask, id: QuestionId, now: u64, pending_of_session: &[QuestionId], settings: &Settings) -> Result<Txn, Refusal> {
    if pending_of_session.len() >= settings.max_pending_per_session as usize {
        return Err(Refusal::QuestionPending { pending: pending_of_session.to_vec() });
    }
    let question = ask.into_question(id, now, settings);
    let session = question.session_id.clone();
    let mut pending = pending_of_session.to_vec();
    pending.push(question.id.clone());
    let mut txn = Txn {
        expect: vec![Expect::SessionQuestions(session.clone(), pending_of_session.to_vec())],
        writes: vec![Write::SessionQuestions(session, pending)],
        events: vec![service_event(QUESTION_ASKED, Compact::from_value(&question.to_json()))],
    };
    if let Some(at) = question.expires_at {
        txn.writes.push(Write::SetTimer { at, timer: Timer::QuestionDeadline(question.id.clone()) });
    }
    txn.writes.push(Write::PutQuestion(question));
    Ok(txn)
}

/// Answers a question.
pub fn answer(question: &Question, answers: Answers, by: &str, now: u64, pending_of_session: &[QuestionId]) -> Result<Txn, Refusal> {
    answers.check(question).map_err(Refusal::Answers)?;
    resolve(question, OutcomeKind::Answered(answers), by, now, pending_of_session)
}

/// Refuses to answer a question.
pub fn reject(question: &Question, reason: Option<String>, by: &str, now: u64, pending_of_session: &[QuestionId]) -> Result<Txn, Refusal> {
    resolve(question, OutcomeKind::Rejected { reason }, by, now, pending_of_session)
}

/// Withdraws a question.
pub fn cancel(question: &Question, by: &str, now: u64, pending_of_session: &[QuestionId]) -> Result<Txn, Refusal> {
    resolve(question, OutcomeKind::Cancelled, by, now, pending_of_session)
}

/// Ends a question whose deadline passed.
pub fn expire(question: &Question, now: u64, pending_of_session: &[QuestionId]) -> Result<Txn, Refusal> {
    if question.expires_at.is_none_or(|at| at > now) {
        return Err(Refusal::NotDue);
    }
    resolve(question, OutcomeKind::Expired, SERVICE, now, pending_of_session)
}

fn resolve(question: &Question, kind: OutcomeKind, by: &str, now: u64, pending_of_session: &[QuestionId]) -> Result<Txn, Refusal> {
    let (id, session) = (&question.id, &question.session_id);
    if !pending_of_session.contains(id) {
        return Err(Refusal::Resolved);
    }
    let rest = pending_of_session.iter().filter(|pending| *pending != id).cloned().collect();
    let event = resolved(question, &kind, by);
    let mut writes = vec![Write::RemoveQuestion(id.clone()), Write::SessionQuestions(session.clone(), rest)];
    if question.expires_at.is_some() {
        writes.push(Write::ClearTimer(Timer::QuestionDeadline(id.clone())));
    }
    writes.push(Write::Outcome(Outcome { question: question.clone(), kind, resolved_by: by.to_owned(), resolved_at: now }));
    Ok(Txn {
        expect: vec![Expect::QuestionPending(id.clone()), Expect::SessionQuestions(session.clone(), pending_of_session.to_vec())],
        writes,
        events: vec![event],
    })
}

fn resolved(question: &Question, kind: &OutcomeKind, by: &str) -> NewEvent {
    let mut payload = Map::new();
    payload.insert("id".into(), question.id.as_str().into());
    payload.insert("sessionID".into(), question.session_id.as_str().into());
    let kind = match kind {
        OutcomeKind::Answered(answers) => {
            payload.insert("answers".into(), answers.to_json());
            payload.insert("answered_by".into(), by.into());
            QUESTION_ANSWERED
        }
        OutcomeKind::Rejected { reason } => {
            if let Some(reason) = reason {
                payload.insert("reason".into(), reason.as_str().into());
            }
            payload.insert("rejected_by".into(), by.into());
            QUESTION_REJECTED
        }
        OutcomeKind::Cancelled => {
            payload.insert("cancelled_by".into(), by.into());
            QUESTION_CANCELLED
        }
        OutcomeKind::Expired => QUESTION_EXPIRED,
    };
    service_event(kind, Compact::from_value(&Value::Object(payload)))
}
