//! Reading everything of a workspace as one point in time, in bounded memory, at the pace of who takes it.
//!
//! The small state and the bounds of the rest are taken in one step. Entries of the streams never change and outcomes only leave,
//! so that reading them later, up to the bounds, shows the same moment. A purge meanwhile leaves the generation's keys alone for a
//! minute. What retention drops before its turn is missing in front of what is read; if that would make a hole, reading fails.

mod tape;

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use self::tape::Tape;
use super::codec::{self, OUTCOME_KEPT_MS};
use super::error::Error;
use super::feed::Entry;
use super::keys::{Generation, Kind};
use super::reply::Reader;
use super::{Store, script};
use crate::domain::cursor::Epoch;
use crate::domain::ids::WorkspaceId;
use crate::domain::question::{Outcome, Question};

/// How long after the beginning a purged generation is certainly still there: purges collect after a minute.
const CERTAIN: Duration = Duration::from_secs(50);
/// Outcomes read at once.
const OUTCOMES: usize = 256;

/// What was taken in one step.
#[derive(Debug)]
pub struct Still {
    /// When, epoch ms of the Redis server.
    pub at: u64,
    /// The epoch; `None` if nobody ever asked for it.
    pub epoch: Option<Epoch>,
    /// Newest event; 0 if there never was one.
    pub seq: u64,
    /// The first number of this generation's events.
    pub first_seq: u64,
    /// Newest row of the log.
    pub log_seq: u64,
    /// The first number of this generation's rows.
    pub first_row: u64,
    /// The configuration.
    pub config: Value,
    /// Its version; 0 if there is none.
    pub config_version: u64,
    /// Fields of the executor's state.
    pub executor: Vec<(String, String)>,
    /// Pending questions, oldest first.
    pub questions: Vec<Question>,
}

/// A dump under way.
pub struct Dump {
    store: Store,
    workspace: WorkspaceId,
    generation: Generation,
    begun: Instant,
    still: Still,
    /// The seq of the last outcome read; outcomes are ordered by the seq of their event.
    outcome: u64,
    events: Tape,
    rows: Tape,
}

impl Store {
    /// Begins a dump.
    pub async fn dump(&self, workspace: &WorkspaceId) -> Result<Dump, Error> {
        let known = self.memory.of(workspace);
        for _attempt in 0..4 {
            let generation = known.generation();
            let begun = Instant::now();
            let keys = [
                self.keys.meta(workspace),
                self.keys.config(workspace),
                self.keys.executor(workspace),
                self.keys.questions(workspace, generation),
            ];
            let value = self.connections.script(&script::DUMP_OPEN, &keys, |command| {
                command.arg(generation.0);
            });
            let mut reply = Reader::new(value.await?)?;
            if reply.int()? == 0 {
                known.reset_generation(Generation(reply.int()?));
                continue;
            }
            let _present = reply.int()?;
            let still = still(&mut reply)?;
            let events = Tape::new(self.keys.stream(workspace, generation, Kind::Events), still.first_seq, still.seq);
            let rows = Tape::new(self.keys.stream(workspace, generation, Kind::Log), still.first_row, still.log_seq);
            return Ok(Dump { store: self.clone(), workspace: workspace.clone(), generation, begun, still, outcome: 0, events, rows });
        }
        Err(Error::Contended)
    }
}

fn still(reply: &mut Reader) -> Result<Still, Error> {
    let at = reply.int()?;
    let epoch = reply.optional()?.map(|text| Epoch::parse(&text)).transpose();
    let epoch = epoch.map_err(|_| Error::Corrupt("an epoch that cannot be read".into()))?;
    let (seq, first_seq, log_seq, first_row) = (reply.int()?, reply.int()? + 1, reply.int()?, reply.int()? + 1);
    let config = codec::document(&reply.text()?)?;
    let config_version = reply.text()?.parse().unwrap_or(0);
    let (mut fields, mut executor) = (reply.array()?, Vec::new());
    while fields.left() > 0 {
        executor.push((fields.text()?, fields.text()?));
    }
    executor.sort();
    let (mut stored, mut questions) = (reply.array()?, Vec::new());
    while stored.left() > 0 {
        questions.push(codec::question(&stored.text()?)?);
    }
    questions.sort_by(|a, b| (a.asked_at, a.id.as_str()).cmp(&(b.asked_at, b.id.as_str())));
    Ok(Still { at, epoch, seq, first_seq, log_seq, first_row, config, config_version, executor, questions })
}

impl Dump {
    /// What was taken in one step.
    pub fn still(&self) -> &Still {
        &self.still
    }

    /// The next outcomes with the seq of the event that each came with, oldest first; `None` after the last.
    pub async fn outcomes(&mut self) -> Result<Option<Vec<(u64, Outcome)>>, Error> {
        let order = self.store.keys.outcome_order(&self.workspace, self.generation);
        let mut command = redis::cmd("ZRANGE");
        command.arg(order).arg(format!("({}", self.outcome)).arg(self.still.seq).arg("BYSCORE").arg("LIMIT").arg(0).arg(OUTCOMES);
        command.arg("WITHSCORES");
        let mut ids: Vec<(String, f64)> = self.store.connections.run(&command).await?;
        if ids.len() == OUTCOMES {
            // More may share the last one's seq: they all come with the next page.
            let cut = ids.last().map(|(_, seq)| *seq);
            ids.retain(|(_, seq)| Some(*seq) != cut);
        }
        let Some((_, last)) = ids.last() else {
            self.must_be_there().await?;
            return Ok(None);
        };
        self.outcome = *last as u64;
        let mut command = redis::cmd("HMGET");
        command.arg(self.store.keys.outcomes(&self.workspace, self.generation));
        for (id, _) in &ids {
            command.arg(id);
        }
        let stored: Vec<Option<String>> = self.store.connections.run(&command).await?;
        let mut outcomes = Vec::with_capacity(ids.len());
        // One that is gone has passed its 24 hours meanwhile, as have those that nobody has dropped yet.
        for (text, (_, seq)) in stored.into_iter().zip(ids).filter_map(|(text, id)| Some((text?, id))) {
            let outcome = codec::outcome(&text)?;
            if outcome.resolved_at + OUTCOME_KEPT_MS > self.still.at {
                outcomes.push((seq as u64, outcome));
            }
        }
        Ok(Some(outcomes))
    }

    /// The next events; `None` after the last.
    pub async fn events(&mut self) -> Result<Option<Vec<Entry>>, Error> {
        let page = self.events.next(&self.store.connections).await?;
        if self.events.found_nothing() {
            self.must_be_there().await?;
        }
        Ok(page)
    }

    /// The next rows; `None` after the last.
    pub async fn rows(&mut self) -> Result<Option<Vec<Entry>>, Error> {
        let page = self.rows.next(&self.store.connections).await?;
        if self.rows.found_nothing() {
            self.must_be_there().await?;
        }
        Ok(page)
    }

    /// Fails if the generation may have been collected: nothing found could then mean that it is gone.
    async fn must_be_there(&self) -> Result<(), Error> {
        if self.begun.elapsed() > CERTAIN && self.store.generation(&self.workspace).await? != self.generation {
            return Err(Error::Contended);
        }
        Ok(())
    }
}
