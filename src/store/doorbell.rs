//! The one connection on which a replica hears what was appended. A message is a hint that carries the entries; the stream is
//! the truth: whoever sees a hole in the numbers reads the stream.

use futures_util::{Stream, StreamExt};

use super::Store;
use super::error::Error;
use super::feed::Head;
use super::keys::{Generation, Kind};
use crate::domain::cursor::Epoch;
use crate::domain::ids::WorkspaceId;

/// What came over the connection.
#[derive(Debug)]
pub enum Bell {
    /// Entries were appended to a stream.
    Appended {
        /// Of this workspace.
        workspace: WorkspaceId,
        /// This stream.
        kind: Kind,
        /// What was appended.
        news: News,
    },
    /// This replica's own probe came round.
    Probe(String),
}

/// Entries that were appended together.
#[derive(Debug)]
pub struct News {
    /// Generation, epoch and the last number appended. After a purge the log's is the number before the next row.
    pub head: Head,
    /// The first number appended.
    pub first_seq: u64,
    /// The stored lines; empty if they were too much for a message.
    pub lines: Vec<u8>,
}

impl News {
    /// The stored lines, one an entry.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let lines = Some(self.lines.as_slice()).filter(|lines| !lines.is_empty());
        (self.first_seq..).zip(lines.into_iter().flat_map(|lines| lines.split(|byte| *byte == b'\n')))
    }

    fn parse(payload: &[u8]) -> Option<Self> {
        let (head, lines) = match memchr::memchr(b'\n', payload) {
            Some(end) => (payload.get(..end)?, payload.get(end + 1..)?.to_vec()),
            None => (payload, Vec::new()),
        };
        let mut words = std::str::from_utf8(head).ok()?.split(' ');
        let generation = Generation(words.next()?.parse().ok()?);
        let epoch = Epoch::parse(words.next()?).ok()?;
        let first_seq: u64 = words.next()?.parse().ok()?;
        let count: u64 = words.next()?.parse().ok()?;
        Some(Self { head: Head { generation, epoch, seq: (first_seq + count).checked_sub(1)? }, first_seq, lines })
    }
}

/// Adds and drops subscriptions.
pub struct Subscriptions {
    sink: redis::aio::PubSubSink,
    store: Store,
}

impl Store {
    /// Opens the subscriber connection. It does not reconnect: when the stream of bells ends, open another.
    pub async fn doorbell(&self) -> Result<(Subscriptions, impl Stream<Item = Bell> + Send + 'static), Error> {
        let (sink, messages) = self.connections.subscriber().await?.split();
        let keys = self.keys.clone();
        let bells = messages.filter_map(move |message| {
            let channel = message.get_channel_name();
            let bell = match keys.parse_channel(channel) {
                Some((workspace, kind)) => News::parse(message.get_payload_bytes()).map(|news| Bell::Appended { workspace, kind, news }),
                None => Some(Bell::Probe(String::from_utf8_lossy(message.get_payload_bytes()).into_owned())),
            };
            std::future::ready(bell)
        });
        Ok((Subscriptions { sink, store: self.clone() }, bells))
    }

    /// Publishes a probe to this replica's own channel, over the connection that writes use.
    pub async fn probe(&self, incarnation: &str, token: &str) -> Result<(), Error> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(self.keys.probe_channel(incarnation)).arg(token);
        self.connections.run::<i64>(&command).await.map(drop)
    }
}

impl Subscriptions {
    /// Hears of these streams from the return on: Redis has acknowledged it.
    pub async fn add(&mut self, streams: &[(WorkspaceId, Kind)]) -> Result<(), Error> {
        let channels: Vec<_> = streams.iter().map(|(workspace, kind)| self.store.keys.channel(workspace, *kind)).collect();
        for some in channels.chunks(512) {
            self.store.connections.bounded(self.sink.subscribe(some)).await?;
        }
        Ok(())
    }

    /// Hears of these streams no more.
    pub async fn drop(&mut self, streams: &[(WorkspaceId, Kind)]) -> Result<(), Error> {
        let channels: Vec<_> = streams.iter().map(|(workspace, kind)| self.store.keys.channel(workspace, *kind)).collect();
        for some in channels.chunks(512) {
            self.store.connections.bounded(self.sink.unsubscribe(some)).await?;
        }
        Ok(())
    }

    /// Hears this replica's own probes.
    pub async fn add_probe(&mut self, incarnation: &str) -> Result<(), Error> {
        let channel = self.store.keys.probe_channel(incarnation);
        self.store.connections.bounded(self.sink.subscribe(channel)).await
    }
}
