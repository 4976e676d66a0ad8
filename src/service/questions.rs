//! Asking questions, and looking at them. How they end is in `resolve`.

use serde_json::{Value, json};

use super::act::{self, KEPT_SECONDS};
use super::{Act, Attempts, Error, Reply, Service};
use crate::auth::{Caller, Scope};
use crate::domain::config::Settings;
use crate::domain::ids::{QuestionId, WorkspaceId};
use crate::domain::question::{self, Ask, Outcome, Question, Refusal};
use crate::store::{self, Commit, Look, Memo, View};

/// A page of resolved questions.
#[derive(Debug)]
pub struct History {
    /// How many there are.
    pub total: u64,
    /// Newest first.
    pub outcomes: Vec<Outcome>,
}

impl Service {
    /// Asks a question.
    pub async fn ask(&self, caller: &Caller, workspace: &WorkspaceId, body: Result<Value, Error>, act: &Act) -> Result<Reply, Error> {
        caller.must(Scope::Ingest)?;
        let ask = Ask::from_wire(&body?)?;
        let record = self.memo(caller, workspace, act, KEPT_SECONDS, 201, "");
        let random = rand::random();
        let mut attempts = Attempts::new();
        loop {
            attempts.next().await?;
            let look = Look { question: None, session: Some(&ask.session_id), memo: key(record.as_ref()) };
            let view = self.store.view(workspace, look).await?;
            if let Some(reply) = repeated(&view, record.as_ref())? {
                return reply;
            }
            let settings =
                Settings::read(&view.config).map_err(|_| store::Error::Corrupt("a stored configuration that is not valid".into()))?;
            let id = QuestionId::mint(view.now, random);
            let pending = &view.session_questions;
            let txn = match question::ask(ask.clone(), id, view.now, pending, &settings) {
                Ok(txn) => txn,
                Err(refusal) => {
                    return self.refuse(workspace, record, refused(&refusal)).await;
                }
            };
            let asked = txn.asked();
            let body = json!({ "question": asked.map(Question::to_json) }).to_string();
            let has_deadline = asked.is_some_and(|question| question.expires_at.is_some());
            // Before, so that a crash behind the commit leaves the deadline to be found; and after, should somebody have looked in between.
            if has_deadline {
                self.store.announce_timers(workspace, None).await?;
            }
            let commit = Commit {
                generation: Some(view.generation),
                expect: txn.expect,
                writes: txn.writes,
                events: act::traced(txn.events, act),
                memo: record.clone().map(|record| Memo { body: body.clone(), ..record }),
                ..Commit::default()
            };
            match self.commit(workspace, commit).await? {
                store::Outcome::Done(_) => {
                    if has_deadline {
                        self.store.announce_timers(workspace, None).await?;
                    }
                    return Ok(Reply::new(201, body));
                }
                store::Outcome::Repeated(stored) => return act::again(stored),
                store::Outcome::Mismatch => return Err(Error::IdempotencyMismatch),
                store::Outcome::Conflict => {}
            }
        }
    }

    /// Every pending question, oldest first.
    pub async fn questions(&self, caller: &Caller, workspace: &WorkspaceId) -> Result<Vec<Question>, Error> {
        caller.must(Scope::Read)?;
        Ok(self.store.questions(workspace).await?)
    }

    /// A pending question.
    pub async fn question(&self, caller: &Caller, workspace: &WorkspaceId, id: &QuestionId) -> Result<Question, Error> {
        caller.must(Scope::Read)?;
        let look = Look { question: Some(id), ..Look::default() };
        let view = self.store.view(workspace, look).await?;
        view.question.ok_or_else(|| not_found(id))
    }

    /// How a question ended; `None` while it is pending.
    pub async fn outcome(&self, caller: &Caller, workspace: &WorkspaceId, id: &QuestionId) -> Result<Option<Outcome>, Error> {
        caller.must(Scope::Read)?;
        let look = Look { question: Some(id), ..Look::default() };
        let view = self.store.view(workspace, look).await?;
        if view.question.is_some() {
            return Ok(None);
        }
        match view.outcome {
            Some(outcome) => Ok(Some(outcome)),
            None => match self.store.purged_question(workspace, id).await? {
                Some(outcome) => Ok(Some(outcome)),
                None => Err(not_found(id)),
            },
        }
    }

    /// Resolved questions, newest first: `limit` of them from page `page` on, which counts from 1.
    pub async fn question_history(&self, caller: &Caller, workspace: &WorkspaceId, page: u64, limit: u64) -> Result<History, Error> {
        caller.must(Scope::Read)?;
        let skip = page.saturating_sub(1).saturating_mul(limit);
        let (total, outcomes) = self.store.outcomes(workspace, skip, limit).await?;
        Ok(History { total, outcomes })
    }

    /// Answers with a refusal; under an idempotency key it is stored first, so that the same request gets it again.
    pub(super) async fn refuse(&self, workspace: &WorkspaceId, record: Option<Memo>, error: Error) -> Result<Reply, Error> {
        let (Some(record), Some((status, body))) = (record, act::refusal(&error)) else {
            return Err(error);
        };
        match self.remember(workspace, record, status, body).await? {
            Some(reply) => reply,
            None => Err(error),
        }
    }

    /// Stores a reply that changes nothing. `Some`: the same request came to another one meanwhile.
    pub(super) async fn remember(
        &self,
        workspace: &WorkspaceId,
        record: Memo,
        status: u16,
        body: String,
    ) -> Result<Option<Result<Reply, Error>>, Error> {
        let memo = Memo { status, body, ..record };
        let commit = Commit { memo: Some(memo), ..Commit::default() };
        match self.commit(workspace, commit).await? {
            store::Outcome::Done(_) => Ok(None),
            store::Outcome::Repeated(stored) => Ok(Some(act::again(stored))),
            store::Outcome::Mismatch => Err(Error::IdempotencyMismatch),
            store::Outcome::Conflict => Err(act::unconditional()),
        }
    }
}

/// The Redis key of the request's record.
pub(super) fn key(record: Option<&Memo>) -> Option<&str> {
    record.map(|record| record.key.as_str())
}

/// The reply to the same request made earlier.
pub(super) fn repeated(view: &View, record: Option<&Memo>) -> Result<Option<Result<Reply, Error>>, Error> {
    let Some(record) = record else {
        return Ok(None);
    };
    Ok(match view.repeated(&record.fingerprint)? {
        None => None,
        Some(Some(stored)) => Some(act::again(stored)),
        Some(None) => Some(Err(Error::IdempotencyMismatch)),
    })
}

/// A question that is not there, whatever became of it.
pub(super) fn not_found(id: &QuestionId) -> Error {
    Error::not_found("question_not_found", format!("Question {id} not found"))
}

fn refused(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::QuestionPending { pending } => {
            let ids: Vec<_> = pending.iter().map(QuestionId::as_str).collect();
            Error::conflict("question_pending", format!("The session has a question pending already: {}", ids.join(", ")))
        }
        Refusal::Answers(faults) => Error::Invalid(faults.clone()),
        Refusal::Resolved | Refusal::NotDue => store::Error::Corrupt("asking was refused as if it were answering".into()).into(),
    }
}
