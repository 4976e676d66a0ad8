//! How questions end. A question ends once: each of these expects it to be pending still, and who comes second is told that it is gone.

use serde_json::Value;

use super::act::{self, KEPT_SECONDS};
use super::questions::{not_found, repeated};
use super::{Act, Attempts, Error, Reply, Service};
use crate::auth::{Caller, Scope};
use crate::domain::ids::{QuestionId, WorkspaceId};
use crate::domain::question::{self, Answers, Outcome, OutcomeKind, Question, Refusal};
use crate::domain::txn::Txn;
use crate::store::{self, Commit, Look, Memo, View};

const ANSWERED: &str = r#"{"answered":true}"#;
const REJECTED: &str = r#"{"rejected":true}"#;

/// Which question is to end, and on whose behalf.
struct Wish<'a> {
    workspace: &'a WorkspaceId,
    id: &'a QuestionId,
    act: &'a Act,
    record: Option<Memo>,
}

/// What came of a wish.
enum Ended {
    /// The question ended by it.
    Now,
    /// The same request had been made before; this was its reply.
    Before(Result<Reply, Error>),
    /// The question is not pending.
    Gone(View),
    /// The domain would not have it, seeing this.
    Refused(Refusal, View),
}

/// What came of expiring a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It is pending no more, by this or by anything else.
    Over,
    /// It is due later, epoch ms; never without a deadline.
    Later(Option<u64>),
}

impl Service {
    /// Answers a question. The first answer wins; its identical retry by the same caller gets the same reply and changes nothing.
    pub async fn answer(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        id: &QuestionId,
        body: Result<Value, Error>,
        act: &Act,
    ) -> Result<Reply, Error> {
        caller.must(Scope::Answer)?;
        // A wrong body is told only once it is known that the question waits for one.
        let answers = body.and_then(|body| Ok(Answers::from_wire(&body)?));
        let record = self.memo(caller, workspace, act, KEPT_SECONDS, 200, ANSWERED);
        let wish = Wish { workspace, id, act, record };
        let decide = |question: &Question, view: &View| {
            let (by, pending) = (caller.subject(), &view.session_questions);
            let answers = answers.clone()?;
            Ok(question::answer(question, answers, by, view.now, pending))
        };
        match self.end(&wish, decide).await? {
            Ended::Now => Ok(Reply::new(200, ANSWERED)),
            Ended::Before(reply) => reply,
            Ended::Gone(view) => {
                let won = view.outcome.as_ref().zip(answers.as_ref().ok());
                if won.is_some_and(|(outcome, answers)| is_by(outcome, caller, answers)) {
                    return self.confirm(wish, ANSWERED).await;
                }
                self.refuse(workspace, wish.record, gone(&view, id)).await
            }
            Ended::Refused(refusal, _) => Err(refused(refusal)),
        }
    }

    /// Refuses to answer a question.
    pub async fn reject(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        id: &QuestionId,
        body: Result<Value, Error>,
        act: &Act,
    ) -> Result<Reply, Error> {
        caller.must(Scope::Answer)?;
        let reason = body.and_then(|body| Ok(question::reason_from_wire(&body)?));
        let record = self.memo(caller, workspace, act, KEPT_SECONDS, 200, REJECTED);
        let wish = Wish { workspace, id, act, record };
        let decide = |question: &Question, view: &View| {
            let (by, pending) = (caller.subject(), &view.session_questions);
            let reason = reason.clone()?;
            Ok(question::reject(question, reason, by, view.now, pending))
        };
        match self.end(&wish, decide).await? {
            Ended::Now => Ok(Reply::new(200, REJECTED)),
            Ended::Before(reply) => reply,
            Ended::Gone(view) => self.refuse(workspace, wish.record, gone(&view, id)).await,
            Ended::Refused(refusal, _) => Err(refused(refusal)),
        }
    }

    /// Withdraws a question: the asker needs no answer any more.
    pub async fn withdraw(&self, caller: &Caller, workspace: &WorkspaceId, id: &QuestionId, act: &Act) -> Result<(), Error> {
        caller.must(Scope::Ingest)?;
        let wish = Wish { workspace, id, act, record: None };
        let decide = |question: &Question, view: &View| {
            let (by, pending) = (caller.subject(), &view.session_questions);
            Ok(question::cancel(question, by, view.now, pending))
        };
        match self.end(&wish, decide).await? {
            Ended::Now => Ok(()),
            Ended::Before(_) => Err(act::unnamed()),
            Ended::Gone(view) => Err(gone(&view, id)),
            Ended::Refused(refusal, _) => Err(refused(refusal)),
        }
    }

    /// Ends a question whose deadline has passed by the clock of Redis. The service's own act: nobody calls it.
    pub async fn expire(&self, workspace: &WorkspaceId, id: &QuestionId) -> Result<Expiry, Error> {
        let wish = Wish { workspace, id, act: &Act::default(), record: None };
        let decide = |question: &Question, view: &View| {
            let pending = &view.session_questions;
            Ok(question::expire(question, view.now, pending))
        };
        match self.end(&wish, decide).await? {
            Ended::Now | Ended::Gone(_) => Ok(Expiry::Over),
            Ended::Before(_) => Err(act::unnamed()),
            Ended::Refused(Refusal::NotDue, view) => {
                let deadline = view.question.and_then(|question| question.expires_at);
                Ok(Expiry::Later(deadline))
            }
            Ended::Refused(refusal, _) => Err(refused(refusal)),
        }
    }

    /// Decides and commits until it is done, or the question is found gone.
    async fn end(&self, wish: &Wish<'_>, decide: impl Fn(&Question, &View) -> Result<Result<Txn, Refusal>, Error>) -> Result<Ended, Error> {
        let mut attempts = Attempts::new();
        loop {
            attempts.next().await?;
            let look = Look { question: Some(wish.id), session: None, memo: wish.record.as_ref().map(|record| record.key.as_str()) };
            let view = self.store.view(wish.workspace, look).await?;
            if let Some(reply) = repeated(&view, wish.record.as_ref())? {
                return Ok(Ended::Before(reply));
            }
            let Some(question) = &view.question else {
                return Ok(Ended::Gone(view));
            };
            let txn = match decide(question, &view)? {
                Ok(txn) => txn,
                Err(refusal) => return Ok(Ended::Refused(refusal, view)),
            };
            let commit = Commit {
                generation: Some(view.generation),
                expect: txn.expect,
                writes: txn.writes,
                events: act::traced(txn.events, wish.act),
                memo: wish.record.clone(),
                ..Commit::default()
            };
            match self.commit(wish.workspace, commit).await? {
                store::Outcome::Done(_) => return Ok(Ended::Now),
                store::Outcome::Repeated(stored) => return Ok(Ended::Before(act::again(stored))),
                store::Outcome::Mismatch => return Err(Error::IdempotencyMismatch),
                store::Outcome::Conflict => {}
            }
        }
    }

    /// Gives the winner's reply again, and remembers it under the key of this request.
    async fn confirm(&self, wish: Wish<'_>, body: &'static str) -> Result<Reply, Error> {
        if let Some(record) = wish.record {
            let other = self.remember(wish.workspace, record, 200, body.to_owned()).await?;
            if let Some(reply) = other {
                return reply;
            }
        }
        Ok(Reply::new(200, body))
    }
}

/// Whether it was this caller who answered, and just so.
fn is_by(outcome: &Outcome, caller: &Caller, answers: &Answers) -> bool {
    match &outcome.kind {
        OutcomeKind::Answered(given) => given == answers && outcome.resolved_by == caller.subject(),
        OutcomeKind::Rejected { .. } | OutcomeKind::Cancelled | OutcomeKind::Expired => false,
    }
}

/// The question is not pending: the message is always the same, the code tells a late answer from a wrong id.
fn gone(view: &View, id: &QuestionId) -> Error {
    let message = format!("Question {id} not found");
    match view.outcome.as_ref().map(|outcome| &outcome.kind) {
        Some(OutcomeKind::Answered(_)) => Error::not_found("question_already_answered", message),
        Some(OutcomeKind::Rejected { .. } | OutcomeKind::Cancelled | OutcomeKind::Expired) => {
            Error::not_found("question_already_resolved", message)
        }
        None => not_found(id),
    }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Answers(faults) => Error::Invalid(faults),
        // Question and list were read in one step and written in one step: they cannot disagree.
        Refusal::QuestionPending { .. } | Refusal::Resolved | Refusal::NotDue => {
            store::Error::Corrupt("a pending question that its session does not know".into()).into()
        }
    }
}
