//! Reading questions: what a decision looks at, the queue, outcomes and the history.

use serde_json::Value;

use super::Store;
use super::codec;
use super::commit::Stored;
use super::error::Error;
use super::keys::Generation;
use super::reply::Reader;
use super::script;
use crate::domain::ids::{QuestionId, SessionId, WorkspaceId};
use crate::domain::question::{Outcome, OutcomeKind, Question, SERVICE};

/// How many generations back an asked question is still known as cancelled by a purge.
const PURGES_REMEMBERED: u64 = 3;

/// What a decision about questions looks at, at one point in time.
#[derive(Debug)]
pub struct View {
    /// The generation it was read in.
    pub generation: Generation,
    /// Redis time, epoch ms: the clock of deadlines.
    pub now: u64,
    /// The question, if it is pending.
    pub question: Option<Question>,
    /// The pending questions of its session.
    pub session_questions: Vec<QuestionId>,
    /// The question's outcome, if it has one.
    pub outcome: Option<Outcome>,
    /// The configuration document.
    pub config: Value,
    /// Its version, 0 if there is none.
    pub config_version: u64,
    /// The idempotency record, fingerprint line first.
    pub record: Option<String>,
}

impl View {
    /// The stored reply of the same request: `None` if there was none, `Some(None)` if the key was used for another request.
    pub fn repeated(&self, fingerprint: &str) -> Result<Option<Option<Stored>>, Error> {
        let Some(record) = &self.record else { return Ok(None) };
        match record.split_once('\n') {
            Some((known, rest)) if known == fingerprint => Stored::parse(rest).map(|stored| Some(Some(stored))),
            Some(_) => Ok(Some(None)),
            None => Err(Error::Corrupt("an idempotency record that cannot be read".into())),
        }
    }
}

/// What to look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look<'a> {
    /// This question.
    pub question: Option<&'a QuestionId>,
    /// This session's questions; without it, those of the question's session.
    pub session: Option<&'a SessionId>,
    /// This idempotency record (a Redis key).
    pub memo: Option<&'a str>,
}

impl Store {
    /// Reads what a decision about questions or config looks at.
    pub async fn view(&self, workspace: &WorkspaceId, look: Look<'_>) -> Result<View, Error> {
        let known = self.memory.of(workspace);
        for _attempt in 0..4 {
            let generation = known.generation();
            let keys = [
                self.keys.meta(workspace),
                self.keys.questions(workspace, generation),
                self.keys.session_questions(workspace, generation),
                self.keys.outcomes(workspace, generation),
                self.keys.config(workspace),
                look.memo.map_or_else(|| self.keys.meta(workspace), str::to_owned),
            ];
            let value = self.connections.script(&script::QUESTION_LOAD, &keys, |command| {
                command
                    .arg(generation.0)
                    .arg(look.question.map_or("", QuestionId::as_str))
                    .arg(look.session.map_or("", SessionId::as_str))
                    .arg(if look.memo.is_some() { "1" } else { "0" });
            });
            let mut reply = Reader::new(value.await?)?;
            if reply.int()? == 0 {
                known.reset_generation(Generation(reply.int()?));
                continue;
            }
            return Ok(View {
                generation: Generation(reply.int()?),
                now: reply.int()?,
                question: reply.optional()?.map(|text| codec::question(&text)).transpose()?,
                session_questions: codec::ids(&reply.text()?)?,
                outcome: reply.optional()?.map(|text| codec::outcome(&text)).transpose()?,
                config: codec::document(&reply.text()?)?,
                config_version: reply.text()?.parse().unwrap_or(0),
                record: reply.optional()?,
            });
        }
        Err(Error::Contended)
    }

    /// Every pending question, oldest first.
    pub async fn questions(&self, workspace: &WorkspaceId) -> Result<Vec<Question>, Error> {
        let generation = self.generation(workspace).await?;
        let mut command = redis::cmd("HVALS");
        command.arg(self.keys.questions(workspace, generation));
        let stored: Vec<String> = self.connections.run(&command).await?;
        let mut questions: Vec<Question> = stored.iter().map(|text| codec::question(text)).collect::<Result<_, _>>()?;
        questions.sort_by(|a, b| (a.asked_at, a.id.as_str()).cmp(&(b.asked_at, b.id.as_str())));
        Ok(questions)
    }

    /// The outcome of a question that a purge took away while it was pending.
    pub async fn purged_question(&self, workspace: &WorkspaceId, id: &QuestionId) -> Result<Option<Outcome>, Error> {
        let generation = self.generation(workspace).await?;
        let earlier: Vec<Generation> = (1..=PURGES_REMEMBERED)
            .filter_map(|back| generation.0.checked_sub(back))
            .filter(|number| *number > 0)
            .map(Generation)
            .collect();
        let mut pipeline = redis::pipe();
        pipeline.cmd("HGET").arg(self.keys.meta(workspace)).arg("purged_at");
        for generation in &earlier {
            pipeline.cmd("HGET").arg(self.keys.questions(workspace, *generation)).arg(id.as_str());
        }
        let mut answers: Vec<Option<String>> = self.connections.pipeline(&pipeline).await?;
        let purged_at = answers.remove(0).and_then(|text| text.parse().ok()).unwrap_or(0);
        answers
            .into_iter()
            .flatten()
            .next()
            .map(|text| {
                let question = codec::question(&text)?;
                Ok(Outcome { question, kind: OutcomeKind::Cancelled, resolved_by: SERVICE.to_owned(), resolved_at: purged_at })
            })
            .transpose()
    }

    /// Resolved questions, newest first: how many there are, and `limit` of them after `skip`.
    pub async fn outcomes(&self, workspace: &WorkspaceId, skip: u64, limit: u64) -> Result<(u64, Vec<Outcome>), Error> {
        let generation = self.generation(workspace).await?;
        let order = self.keys.outcome_order(workspace, generation);
        let mut pipeline = redis::pipe();
        pipeline.cmd("ZCARD").arg(&order);
        pipeline.cmd("ZRANGE").arg(&order).arg(skip).arg(skip + limit.saturating_sub(1)).arg("REV");
        let (total, ids): (u64, Vec<String>) = self.connections.pipeline(&pipeline).await?;
        if ids.is_empty() || limit == 0 {
            return Ok((total, Vec::new()));
        }
        let mut command = redis::cmd("HMGET");
        command.arg(self.keys.outcomes(workspace, generation)).arg(&ids);
        let stored: Vec<Option<String>> = self.connections.run(&command).await?;
        let outcomes = stored.iter().flatten().map(|text| codec::outcome(text)).collect::<Result<_, _>>()?;
        Ok((total, outcomes))
    }

    /// The present generation, asked of Redis.
    pub async fn generation(&self, workspace: &WorkspaceId) -> Result<Generation, Error> {
        let mut command = redis::cmd("HGET");
        command.arg(self.keys.meta(workspace)).arg("gen");
        let generation = Generation(self.connections.run::<Option<u64>>(&command).await?.unwrap_or(1));
        self.memory.of(workspace).reset_generation(generation);
        Ok(generation)
    }
}
