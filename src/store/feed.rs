//! Reading a stream: where it stands, and pages of it, each as one point in time.

use super::Store;
use super::connection::Connections;
use super::error::Error;
use super::keys::{Generation, Kind};
use super::reply::Reader;
use super::script;
use crate::domain::cursor::{Bounds, Epoch};
use crate::domain::ids::WorkspaceId;

/// Entries of a page at most.
pub const PAGE_ENTRIES: usize = 128;
/// Bytes after which a page reads no further step of 16 entries.
pub const PAGE_BYTES: usize = 256 * 1024;

/// Where a stream stood at one point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The present generation.
    pub generation: Generation,
    /// Epoch, oldest and newest.
    pub bounds: Bounds,
}

/// An entry as stored: `<ms> <bytes before> <type> <traceparent or -> <payload>`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number in its stream.
    pub seq: u64,
    /// The stored line.
    pub line: Vec<u8>,
}

/// The parts of an entry's line.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// When Redis took it, epoch ms, in decimal.
    pub at: &'a str,
    /// The event's type.
    pub kind: &'a str,
    /// W3C trace context of the request that caused it.
    pub traceparent: Option<&'a str>,
    /// JSON on one line.
    pub payload: &'a str,
}

/// Takes a stored line apart.
pub fn parts(line: &[u8]) -> Result<Parts<'_>, Error> {
    let corrupt = || Error::Corrupt("a stream entry that cannot be read".into());
    let line = std::str::from_utf8(line).map_err(|_| corrupt())?;
    let mut parts = line.splitn(5, ' ');
    let mut next = || parts.next().ok_or_else(corrupt);
    let (at, _before, kind, trace, payload) = (next()?, next()?, next()?, next()?, next()?);
    Ok(Parts { at, kind, traceparent: Some(trace).filter(|trace| *trace != "-"), payload })
}

/// Entries from some number on.
#[derive(Debug)]
pub struct Page {
    /// Where the stream stood when the page was read.
    pub position: Position,
    /// In order; the numbers have holes only where Redis lost history.
    pub entries: Vec<Entry>,
    /// Whether a limit ended the page; else the stream's end did.
    pub full: bool,
}

/// What this replica states when one of its streams opens.
#[derive(Debug, Clone, Copy)]
pub struct Count<'a> {
    /// Random name of this run of this replica.
    pub incarnation: &'a str,
    /// Order of this replica's statements.
    pub version: u64,
    /// Readers of events, the new one included.
    pub events: u64,
    /// Readers of the log, the new one included.
    pub log: u64,
    /// How long the statement holds, in ms.
    pub lease_ms: u64,
    /// Most readers of this stream over all replicas.
    pub limit: u64,
}

/// How opening a stream went.
#[derive(Debug)]
pub enum Opened {
    /// It is counted, and stood here.
    At(Position),
    /// The workspace has its limit of readers; nothing was counted.
    Full,
}

impl Store {
    /// Reads where a stream stands and, with `count`, counts a reader in the same step.
    pub async fn open_stream(&self, workspace: &WorkspaceId, kind: Kind, count: Option<Count<'_>>) -> Result<Opened, Error> {
        let known = self.memory.of(workspace);
        for _attempt in 0..4 {
            let generation = known.generation();
            let keys = [self.keys.meta(workspace), self.keys.stream(workspace, generation, kind), self.keys.readers(workspace)];
            let epoch = format!("{:08x}", rand::random::<u32>());
            let value = self.connections.script(&script::STREAM_OPEN, &keys, |command| {
                command.arg(generation.0).arg(&epoch).arg(kind.seq_field());
                match count {
                    Some(count) => command
                        .arg(count.incarnation)
                        .arg(count.version)
                        .arg(count.events)
                        .arg(count.log)
                        .arg(count.lease_ms)
                        .arg(count.limit),
                    None => command.arg("").arg(0).arg(0).arg(0).arg(0).arg(0),
                };
                command.arg(match kind {
                    Kind::Events => 1,
                    Kind::Log => 2,
                });
            });
            let mut reply = Reader::new(value.await?)?;
            match reply.int()? {
                0 => known.reset_generation(Generation(reply.int()?)),
                1 => {
                    let position = position(&mut reply)?;
                    known.saw_seq(kind, position.bounds.latest_seq);
                    return Ok(Opened::At(position));
                }
                _over_the_limit => return Ok(Opened::Full),
            }
        }
        Err(Error::Contended)
    }

    /// Where a stream stands.
    pub async fn stream_position(&self, workspace: &WorkspaceId, kind: Kind) -> Result<Position, Error> {
        match self.open_stream(workspace, kind, None).await? {
            Opened::At(position) => Ok(position),
            Opened::Full => Err(Error::Corrupt("a count refused where none was asked for".into())),
        }
    }

    /// Entries from `from` on, at most [`PAGE_ENTRIES`] and about [`PAGE_BYTES`].
    pub async fn stream_page(&self, workspace: &WorkspaceId, kind: Kind, from: u64) -> Result<Page, Error> {
        let known = self.memory.of(workspace);
        for _attempt in 0..4 {
            let generation = known.generation();
            match self.stream_page_of(workspace, kind, generation, from).await? {
                Ok(page) => return Ok(page),
                Err(present) => known.reset_generation(present),
            }
        }
        Err(Error::Contended)
    }

    async fn stream_page_of(
        &self,
        workspace: &WorkspaceId,
        kind: Kind,
        generation: Generation,
        from: u64,
    ) -> Result<Result<Page, Generation>, Error> {
        let keys = [self.keys.meta(workspace), self.keys.stream(workspace, generation, kind)];
        let connections: &Connections = &self.connections;
        let value = connections
            .script_apart(&script::STREAM_PAGE, &keys, |command| {
                command.arg(generation.0).arg(kind.seq_field()).arg(from).arg(PAGE_ENTRIES).arg(PAGE_BYTES);
            })
            .await?;
        let mut reply = Reader::new(value)?;
        if reply.int()? == 0 {
            return Ok(Err(Generation(reply.int()?)));
        }
        let position = position(&mut reply)?;
        let full = reply.int()? == 1;
        let mut entries = Vec::with_capacity(reply.left() / 2);
        while reply.left() > 0 {
            entries.push(Entry { seq: reply.int()?, line: reply.bytes()? });
        }
        Ok(Ok(Page { position, entries, full }))
    }

    /// The newest numbers of several streams, for those that exist; one round trip.
    pub async fn heads(&self, streams: &[(WorkspaceId, Kind)]) -> Result<Vec<Option<Head>>, Error> {
        let mut pipeline = redis::pipe();
        for (workspace, kind) in streams {
            pipeline.cmd("HMGET").arg(self.keys.meta(workspace)).arg("gen").arg("epoch").arg(kind.seq_field());
        }
        let rows: Vec<(Option<u64>, Option<String>, Option<u64>)> = self.connections.pipeline(&pipeline).await?;
        Ok(rows
            .into_iter()
            .map(|(generation, epoch, seq)| {
                let epoch = Epoch::parse(&epoch?).ok()?;
                Some(Head { generation: Generation(generation.unwrap_or(1)), epoch, seq: seq.unwrap_or(0) })
            })
            .collect())
    }
}

/// Where a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The present generation.
    pub generation: Generation,
    /// The present epoch.
    pub epoch: Epoch,
    /// The newest number.
    pub seq: u64,
}

fn position(reply: &mut Reader) -> Result<Position, Error> {
    let generation = Generation(reply.int()?);
    let epoch = reply.text()?;
    // A page of a workspace nobody ever wrote to has no epoch yet.
    let epoch = if epoch.is_empty() {
        Epoch::from(0)
    } else {
        Epoch::parse(&epoch).map_err(|_| Error::Corrupt("an epoch that cannot be read".into()))?
    };
    let (latest_seq, oldest_seq, generation_first_seq) = (reply.int()?, reply.int()?, reply.int()?);
    Ok(Position { generation, bounds: Bounds { epoch, oldest_seq, latest_seq, generation_first_seq } })
}
