//! The one transaction: what a decision is when it goes to Redis, how it is written for `commit.lua`, what comes back.

use redis::{Cmd, Value};

use super::codec;
use super::columns::Columns;
use super::error::Error;
use super::keys::{Generation, Keys};
use super::reply::Reader;
use crate::domain::event::NewEvent;
use crate::domain::ids::WorkspaceId;
use crate::domain::row::Row;
use crate::domain::txn::{Expect, Write};

/// The stored side of an `Idempotency-Key`: same key and fingerprint, same reply.
#[derive(Debug, Clone)]
pub struct Memo {
    /// The Redis key, from [`Keys::idempotency`].
    pub key: String,
    /// Hex digest of the request.
    pub fingerprint: String,
    /// How long the reply is kept, in seconds.
    pub ttl_seconds: u64,
    /// HTTP status of the reply.
    pub status: u16,
    /// JSON body of the reply; empty where it follows from the sequence numbers.
    pub body: String,
}

/// One decision: all of it happens, or nothing.
#[derive(Debug, Default)]
pub struct Commit {
    /// The generation the decision was made on; `None` if any will do (a plain append).
    pub generation: Option<Generation>,
    /// What must still hold.
    pub expect: Vec<Expect>,
    /// What changes.
    pub writes: Vec<Write>,
    /// Events to append.
    pub events: Vec<NewEvent>,
    /// Log rows to append.
    pub rows: Vec<Row>,
    /// W3C trace context of the request, stored with rows.
    pub traceparent: Option<String>,
    /// The request's idempotency record.
    pub memo: Option<Memo>,
}

impl Commit {
    /// The event, if that is all there is to it.
    fn lone_event(&self) -> Option<&NewEvent> {
        let bare = self.expect.is_empty() && self.writes.is_empty() && self.rows.is_empty() && self.memo.is_none();
        match self.events.as_slice() {
            [event] if bare => Some(event),
            _ => None,
        }
    }

    /// Bytes it brings, to bound a batch.
    pub fn weight(&self) -> usize {
        let events: usize = self.events.iter().map(|event| event.payload.as_str().len() + 64).sum();
        let rows: usize = self.rows.iter().map(|row| row.json.as_str().len() + 128).sum();
        256 + events + rows
    }
}

/// Where a decision's events and rows came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Seq of the first event.
    pub first_seq: u64,
    /// How many events.
    pub events: u64,
    /// Log seq of the first row.
    pub first_row: u64,
    /// How many rows.
    pub rows: u64,
    /// When, in epoch ms of the Redis server.
    pub at: u64,
}

/// A reply stored under an idempotency key earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// HTTP status.
    pub status: u16,
    /// Where the first request's events and rows came to stand.
    pub done: Done,
    /// The body as stored; empty where it follows from `done`.
    pub body: String,
}

impl Stored {
    /// Reads the record behind its fingerprint line: a line of numbers, then the body.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let corrupt = || Error::Corrupt("an idempotency record that cannot be read".into());
        let (numbers, body) = text.split_once('\n').ok_or_else(corrupt)?;
        let numbers: Vec<u64> = numbers.split(' ').map(str::parse).collect::<Result<_, _>>().map_err(|_| corrupt())?;
        let [status, first_seq, events, first_row, rows, at] = numbers[..] else { return Err(corrupt()) };
        let status = u16::try_from(status).map_err(|_| corrupt())?;
        Ok(Self { status, done: Done { first_seq, events, first_row, rows, at }, body: body.to_owned() })
    }
}

/// What became of one decision.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It happened.
    Done(Done),
    /// The same request had happened before: this was its reply.
    Repeated(Stored),
    /// The idempotency key was used for another request.
    Mismatch,
    /// A precondition does not hold any more; load and decide again.
    Conflict,
}

/// What a call of the script tells about the workspace.
#[derive(Debug)]
pub struct Answer {
    /// The present generation.
    pub generation: Generation,
    /// Newest event.
    pub seq: u64,
    /// Newest row.
    pub lseq: u64,
    /// One a decision; `None` when the generation was stale and nothing was done.
    pub outcomes: Option<Vec<Outcome>>,
}

/// What every call carries besides its decisions.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// The generation the keys are built for.
    pub generation: Generation,
    /// Highest seq and log seq this replica has seen.
    pub fence: (u64, u64),
    /// The epoch to take should history be lost.
    pub new_epoch: u32,
    /// Apply retention even when nothing is added.
    pub force_retention: bool,
}

/// Keys and arguments of one call, as `commit.lua` documents them.
#[derive(Debug)]
pub struct Call {
    /// KEYS.
    pub keys: Vec<String>,
    /// ARGV back to back, and where each ends: no allocation an argument.
    arguments: Vec<u8>,
    ends: Vec<usize>,
}

impl Call {
    /// Writes the call for `commits`, all for one workspace and generation.
    pub fn encode(keys: &Keys, workspace: &WorkspaceId, head: Head, commits: &[&Commit]) -> Self {
        use super::keys::Kind::{Events, Log};
        let mut call = Self {
            keys: vec![
                keys.meta(workspace),
                keys.stream(workspace, head.generation, Events),
                keys.stream(workspace, head.generation, Log),
                keys.columns(workspace, head.generation),
            ],
            arguments: Vec::with_capacity(256 + commits.iter().map(|commit| commit.weight()).sum::<usize>()),
            ends: Vec::with_capacity(8 + commits.len() * 4),
        };
        call.arg(head.generation.to_string());
        call.arg(head.fence.0.to_string());
        call.arg(head.fence.1.to_string());
        call.arg(format!("{:08x}", head.new_epoch));
        call.arg(keys.channel(workspace, Events));
        call.arg(keys.channel(workspace, Log));
        call.arg(if head.force_retention { "1" } else { "0" });
        call.arg(commits.len().to_string());
        for commit in commits {
            call.decision(keys, workspace, head.generation, commit);
        }
        call
    }

    /// Adds ARGV to a command.
    pub fn arguments(&self, command: &mut Cmd) {
        let mut start = 0;
        for end in &self.ends {
            command.arg(self.arguments.get(start..*end).unwrap_or_default());
            start = *end;
        }
    }

    fn arg(&mut self, value: impl AsRef<[u8]>) {
        self.arguments.extend_from_slice(value.as_ref());
        self.ends.push(self.arguments.len());
    }

    fn key(&mut self, key: String) -> String {
        let index = self.keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len() - 1
        });
        (index + 1).to_string()
    }

    fn decision(&mut self, keys: &Keys, workspace: &WorkspaceId, generation: Generation, commit: &Commit) {
        if let Some(event) = commit.lone_event() {
            self.arg("E");
            self.event(event);
            return;
        }
        self.arg("D");
        match &commit.memo {
            Some(memo) => {
                let index = self.key(memo.key.clone());
                self.arg(index);
                self.arg(memo.fingerprint.as_str());
                self.arg(memo.ttl_seconds.to_string());
                self.arg(memo.status.to_string());
                self.arg(memo.body.as_str());
            }
            None => ["0", "", "0", "0", ""].into_iter().for_each(|value| self.arg(value)),
        }
        self.arg(commit.expect.len().to_string());
        for expect in &commit.expect {
            for part in codec::expect(keys, workspace, generation, expect) {
                self.part(part);
            }
        }
        self.arg(commit.events.len().to_string());
        for event in &commit.events {
            self.event(event);
        }
        self.arg(commit.rows.len().to_string());
        for row in &commit.rows {
            self.arg(commit.traceparent.as_deref().unwrap_or("-"));
            self.arg(row.json.as_str());
        }
        if !commit.rows.is_empty() {
            let columns = Columns::of(&commit.rows);
            for column in columns.values {
                self.arg(column);
            }
            self.arg(columns.text);
        }
        let writes: Vec<_> = commit.writes.iter().flat_map(|write| codec::write(keys, workspace, generation, write)).collect();
        self.arg(writes.len().to_string());
        for part in writes.into_iter().flatten() {
            self.part(part);
        }
    }

    fn event(&mut self, event: &NewEvent) {
        self.arg(event.kind.as_str());
        self.arg(event.traceparent.as_deref().unwrap_or("-"));
        self.arg(event.payload.as_str());
    }

    fn part(&mut self, part: codec::Part) {
        match part {
            codec::Part::Key(key) => {
                let index = self.key(key);
                self.arg(index);
            }
            codec::Part::Text(text) => self.arg(text),
        }
    }
}

/// Reads the reply to a call of `count` decisions.
pub fn read(value: Value, count: usize) -> Result<Answer, Error> {
    let mut reply = Reader::new(value)?;
    if reply.int()? == 0 {
        return Ok(Answer { generation: Generation(reply.int()?), seq: 0, lseq: 0, outcomes: None });
    }
    let generation = Generation(reply.int()?);
    let _epoch = reply.bytes()?;
    let (seq, lseq, at) = (reply.int()?, reply.int()?, reply.int()?);
    let mut outcomes = Vec::with_capacity(count);
    for _ in 0..count {
        let mut one = match reply.next()? {
            Value::Int(seq) => {
                let first_seq = u64::try_from(seq).map_err(|_| Error::Corrupt(format!("a negative number: {seq}")))?;
                outcomes.push(Outcome::Done(Done { first_seq, events: 1, first_row: lseq + 1, rows: 0, at }));
                continue;
            }
            array => Reader::new(array)?,
        };
        outcomes.push(match one.text()?.as_str() {
            "C" => {
                let (first_seq, events, first_row, rows) = (one.int()?, one.int()?, one.int()?, one.int()?);
                Outcome::Done(Done { first_seq, events, first_row, rows, at })
            }
            "R" => Outcome::Repeated(Stored::parse(&one.text()?)?),
            "M" => Outcome::Mismatch,
            "X" => Outcome::Conflict,
            other => return Err(Error::Corrupt(format!("commit answered {other}"))),
        });
    }
    Ok(Answer { generation, seq, lseq, outcomes: Some(outcomes) })
}
