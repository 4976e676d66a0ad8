//! Filling a workspace from a dump: everything goes into a generation of its own, which becomes the present one in one step.
//!
//! Until then nobody reads it, and a timer has it collected should its writer be gone; each batch puts the timer off.

mod rows;

use std::collections::HashMap;

use serde_json::Value;

use self::rows::Rows;
use super::codec;
use super::collect::Garbage;
use super::commit::{Memo, Stored};
use super::connection::noted;
use super::error::Error;
use super::keys::{Generation, Kind};
use super::reply::Reader;
use super::{Store, script};
use crate::domain::config::Settings;
use crate::domain::cursor::Epoch;
use crate::domain::event::NewEvent;
use crate::domain::ids::{QuestionId, SessionId, WorkspaceId};
use crate::domain::question::{Outcome, Question};
use crate::domain::row::Row;
use crate::domain::txn::Timer;

/// How long a generation that is being filled stays without a further batch, in ms.
const ABANDONED_AFTER_MS: u64 = 60 * 60 * 1000;
/// How long the replaced generation's keys stay, in ms: a dump under way may end.
const COLLECT_AFTER_MS: u64 = 60_000;
/// How long pending questions of a generation that is not the present one stay, in seconds.
const QUESTIONS_SECONDS: u64 = 24 * 60 * 60;

/// A part of a dump. Events and rows come in the order of their numbers.
#[derive(Debug)]
pub enum Piece {
    /// A pending question.
    Question(Question),
    /// An outcome, with the seq of the event that told it.
    Outcome(u64, Outcome),
    /// An event: its number, its time, itself.
    Event(u64, u64, NewEvent),
    /// The first number the log's generation may have given.
    FirstRow(u64),
    /// A row: its number, its time, its trace context, itself.
    Row(u64, u64, Option<String>, Row),
}

/// What of a dump is written at the end.
#[derive(Debug)]
pub struct Rest {
    /// Newest event.
    pub seq: u64,
    /// The first event since the last purge.
    pub first_seq: u64,
    /// Newest row.
    pub log_seq: u64,
    /// The history the numbers belong to.
    pub epoch: Option<Epoch>,
    /// The configuration, its version and what it says; `None` if there is none.
    pub config: Option<(Value, u64, Settings)>,
    /// Fields of the executor's state.
    pub executor: Vec<(String, String)>,
}

/// How a restore began.
pub enum Begun {
    /// Here everything goes.
    Staging(Box<Staging>),
    /// The workspace holds something and is not to be overwritten.
    NotEmpty,
    /// There is a reply under this idempotency key.
    Known,
}

/// How a restore ended.
#[derive(Debug)]
pub enum Restored {
    /// It is there; the newest event's number.
    Done(u64),
    /// The same request had been made before.
    Repeated(Stored),
    /// The idempotency key was used for another request.
    Mismatch,
    /// Somebody wrote to the workspace meanwhile.
    NotEmpty,
    /// A purge or another restore came between.
    Changed,
}

/// A generation that is being filled.
pub struct Staging {
    store: Store,
    workspace: WorkspaceId,
    seen: Generation,
    own: Generation,
    force: bool,
    event_bytes: u64,
    rows: Rows,
    sessions: HashMap<SessionId, Vec<QuestionId>>,
    deadlines: Vec<(u64, String)>,
}

impl Store {
    /// Begins a restore. `record` is the key of the request's idempotency record.
    pub async fn restore(&self, workspace: &WorkspaceId, force: bool, record: Option<&str>) -> Result<Begun, Error> {
        let keys = [
            self.keys.meta(workspace),
            self.keys.config(workspace),
            self.keys.timers(workspace),
            record.map_or_else(|| self.keys.meta(workspace), str::to_owned),
        ];
        self.announce_timers(workspace, None).await?;
        let value = self.connections.script(&script::RESTORE_OPEN, &keys, |command| {
            command.arg(u8::from(force)).arg(u8::from(record.is_some())).arg(ABANDONED_AFTER_MS);
        });
        let mut reply = Reader::new(value.await?)?;
        match reply.int()? {
            0 => Ok(Begun::NotEmpty),
            1 => {
                let (seen, own) = (Generation(reply.int()?), Generation(reply.int()?));
                self.announce_timers(workspace, None).await?;
                Ok(Begun::Staging(Box::new(Staging {
                    store: self.clone(),
                    workspace: workspace.clone(),
                    seen,
                    own,
                    force,
                    event_bytes: 0,
                    rows: Rows::new(self.keys.stream(workspace, own, Kind::Log), self.keys.columns(workspace, own)),
                    sessions: HashMap::new(),
                    deadlines: Vec::new(),
                })))
            }
            _there_is_a_record => Ok(Begun::Known),
        }
    }

    /// The reply stored under an idempotency key: `Some(None)` if it was to another request.
    pub async fn stored(&self, record: &str, fingerprint: &str) -> Result<Option<Option<Stored>>, Error> {
        let text: Option<String> = self.connections.run(redis::cmd("GET").arg(record)).await?;
        match text.as_deref().map(|text| text.split_once('\n')) {
            None => Ok(None),
            Some(Some((known, rest))) if known == fingerprint => Stored::parse(rest).map(|stored| Some(Some(stored))),
            Some(Some(_another)) => Ok(Some(None)),
            Some(None) => Err(Error::Corrupt("an idempotency record that cannot be read".into())),
        }
    }
}

impl Staging {
    /// Writes some pieces.
    pub async fn write(&mut self, pieces: Vec<Piece>) -> Result<(), Error> {
        let (store, workspace, own) = (&self.store, &self.workspace, self.own);
        let keys = &store.keys;
        let timers = keys.timers(workspace);
        let (questions, outcomes) = (keys.questions(workspace, own), keys.outcomes(workspace, own));
        let order = keys.outcome_order(workspace, own);
        let events = keys.stream(workspace, own, Kind::Events);
        let mut pipe = redis::pipe();
        let mut batch = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Question(question) => {
                    pipe.cmd("HSET").arg(&questions).arg(question.id.as_str()).arg(codec::question_text(&question)).ignore();
                    pipe.cmd("EXPIRE").arg(&questions).arg(QUESTIONS_SECONDS).ignore();
                    if let Some(at) = question.expires_at {
                        self.deadlines.push((at, codec::timer_text(&Timer::QuestionDeadline(question.id.clone()))));
                    }
                    self.sessions.entry(question.session_id).or_default().push(question.id);
                }
                Piece::Outcome(seq, outcome) => {
                    let id = outcome.question.id.as_str();
                    pipe.cmd("HSET").arg(&outcomes).arg(id).arg(codec::outcome_text(&outcome)).ignore();
                    pipe.cmd("ZADD").arg(&order).arg(seq).arg(id).ignore();
                }
                Piece::Event(seq, at, event) => {
                    let (kind, payload) = (event.kind.as_str(), event.payload.as_str());
                    let trace = event.traceparent.as_deref().unwrap_or("-");
                    let line = format!("{at} {} {kind} {trace} {payload}", self.event_bytes);
                    self.event_bytes += (kind.len() + payload.len()) as u64;
                    pipe.cmd("XADD").arg(&events).arg(format!("{seq}-0")).arg("e").arg(line).ignore();
                }
                Piece::FirstRow(first) => self.rows.begin(first),
                Piece::Row(seq, at, trace, row) => batch.push((seq, at, trace, row)),
            }
        }
        let before = self.columns_timer();
        self.rows.append(batch, &mut pipe);
        let mut whole = redis::pipe();
        let until = self.now().await? + ABANDONED_AFTER_MS;
        whole.cmd("ZADD").arg(&timers).arg("XX").arg(until).arg(self.timer()).ignore();
        let after = self.columns_timer();
        if let Some(after) = &after {
            whole.cmd("ZADD").arg(&timers).arg(until).arg(after).ignore();
        }
        if let Some(before) = before.filter(|before| Some(before) != after.as_ref()) {
            whole.cmd("ZREM").arg(&timers).arg(before).ignore();
        }
        for command in pipe.cmd_iter() {
            whole.add_command(command.clone()).ignore();
        }
        self.run(&whole).await
    }

    /// Makes it the present generation.
    pub async fn finish(&self, rest: &Rest, memo: Option<&Memo>) -> Result<Restored, Error> {
        let (store, workspace) = (&self.store, &self.workspace);
        let keys = &store.keys;
        let mut pipe = redis::pipe();
        for (session, ids) in &self.sessions {
            pipe.cmd("HSET").arg(keys.session_questions(workspace, self.own)).arg(session.as_str()).arg(codec::ids_text(ids)).ignore();
        }
        if !self.sessions.is_empty() {
            self.run(&pipe).await?;
        }
        let known = store.memory.of(workspace);
        let keys = [
            keys.meta(workspace),
            keys.config(workspace),
            keys.timers(workspace),
            keys.executor(workspace),
            keys.questions(workspace, self.own),
            keys.questions(workspace, self.seen),
            memo.map_or_else(|| keys.meta(workspace), |memo| memo.key.clone()),
        ];
        store.announce_timers(workspace, None).await?;
        let layout = self.rows.layout(rest.log_seq);
        let (doc, version, limits) = config(rest);
        let epoch = format!("{:08x}", rand::random::<u32>());
        let value = store.connections.script(&script::RESTORE_FLIP, &keys, |command| {
            command.arg(self.seen.0).arg(self.own.0).arg(u8::from(self.force));
            command.arg(rest.epoch.map(|epoch| epoch.to_string()).unwrap_or_default()).arg(&epoch);
            command.arg(rest.seq).arg(rest.first_seq.saturating_sub(1)).arg(self.event_bytes);
            command.arg(layout.newest).arg(layout.base).arg(&layout.holes).arg(layout.first).arg(layout.bytes);
            command.arg(&doc).arg(&version).arg(&limits);
            command.arg(store.keys.channel(workspace, Kind::Events)).arg(store.keys.channel(workspace, Kind::Log));
            command.arg(self.timer()).arg(self.columns_timer().unwrap_or_default()).arg(COLLECT_AFTER_MS).arg(QUESTIONS_SECONDS);
            command.arg(known.seq(Kind::Events)).arg(known.seq(Kind::Log));
            command.arg(memo.map_or("", |memo| &memo.fingerprint)).arg(memo.map_or(0, |memo| memo.ttl_seconds));
            command.arg(rest.executor.len());
            for (field, value) in &rest.executor {
                command.arg(field).arg(value);
            }
            command.arg(self.deadlines.len());
            for (at, timer) in &self.deadlines {
                command.arg(at).arg(timer);
            }
        });
        let mut reply = Reader::new(value.await?)?;
        let restored = match reply.int()? {
            0 => {
                known.reset_generation(Generation(reply.int()?));
                Restored::Changed
            }
            1 => {
                known.saw_generation(Generation(reply.int()?));
                store.announce_timers(workspace, None).await?;
                return Ok(Restored::Done(reply.int()?));
            }
            2 => Restored::Repeated(Stored::parse(&reply.text()?)?),
            3 => Restored::Mismatch,
            _somebody_wrote => Restored::NotEmpty,
        };
        self.abandon().await?;
        Ok(restored)
    }

    /// Has what was written collected soon.
    pub async fn abandon(&self) -> Result<(), Error> {
        let timers = self.store.keys.timers(&self.workspace);
        let mut pipe = redis::pipe();
        for timer in [Some(self.timer()), self.columns_timer()].into_iter().flatten() {
            pipe.cmd("ZADD").arg(&timers).arg("XX").arg(0).arg(timer).ignore();
        }
        self.run(&pipe).await?;
        self.store.announce_timers(&self.workspace, None).await
    }

    fn timer(&self) -> String {
        Garbage::timer(self.own, 0, 0, 0)
    }

    /// Names the blocks of the columns written so far, so that they are collected too.
    fn columns_timer(&self) -> Option<String> {
        let (first, last, base) = self.rows.span()?;
        Some(Garbage::timer(self.own, first, last, base))
    }

    async fn now(&self) -> Result<u64, Error> {
        let (seconds, micros): (u64, u64) = self.store.connections.run(&redis::cmd("TIME")).await?;
        Ok(seconds * 1000 + micros / 1000)
    }

    async fn run(&self, pipe: &redis::Pipeline) -> Result<(), Error> {
        pipe.query_async(&mut self.store.connections.pooled().await?).await.map_err(noted)
    }
}

/// Document, version and limits as the script takes them.
fn config(rest: &Rest) -> (String, String, [String; 6]) {
    let Some((doc, version, settings)) = &rest.config else { return Default::default() };
    let limit = |value: Option<u64>| value.map(|number| number.to_string()).unwrap_or_default();
    let (events, log) = (&settings.events, &settings.log);
    let limits = [
        limit(Some(events.max_count)),
        limit(events.max_age_ms),
        limit(events.max_bytes),
        limit(Some(log.max_count)),
        limit(log.max_age_ms),
        limit(log.max_bytes),
    ];
    (doc.to_string(), version.to_string(), limits)
}
