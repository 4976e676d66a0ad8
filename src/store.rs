//! The only module that names Redis: keys, codec, scripts, the one transaction, streams, counts, timers.
//!
//! Everything a workspace is lives in Redis; what this module keeps in memory is a cache that can be lost at any time.

pub mod codec;
pub mod collect;
pub mod columns;
pub mod commit;
pub mod connection;
pub mod doorbell;
pub mod dump;
pub mod error;
pub mod feed;
pub mod keys;
mod known;
mod lane;
pub mod log;
mod purge;
mod questions;
mod reply;
pub mod restore;
pub mod retention;
mod script;
pub mod subscribers;
pub mod timers;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

pub use commit::{Commit, Done, Memo, Outcome, Stored};
pub use connection::Settings;
pub use error::Error;
pub use keys::{Generation, Keys, Kind};
pub use purge::Purged;
pub use questions::{Look, View};

use crate::domain::ids::WorkspaceId;
use crate::lifecycle::Lifecycle;
use connection::Connections;
use known::Memory;
use lane::{Lane, Shared};

/// Lanes for commits. A workspace keeps to one, so that its appends gather.
const LANES: usize = 4;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    connections: Connections,
    keys: Keys,
    memory: Arc<Memory>,
    lanes: Arc<[Lane]>,
    spread: RandomState,
    log: Arc<log::Log>,
}

impl Store {
    /// Prepares the store; connections are made when first used.
    pub fn open(settings: &Settings, prefix: &str, life: &Lifecycle) -> Result<Self, Error> {
        let shared = Shared { connections: Connections::open(settings)?, keys: Keys::new(prefix), memory: Arc::new(Memory::default()) };
        let lanes = (0..LANES)
            .map(|_| {
                let (lane, run) = Lane::new(shared.clone());
                life.spawn("commit lane", run);
                lane
            })
            .collect();
        let Shared { connections, keys, memory } = shared;
        Ok(Self { connections, keys, memory, lanes, spread: RandomState::new(), log: Arc::default() })
    }

    /// Commits a decision. Dropping the future does not take it back.
    pub async fn commit(&self, workspace: &WorkspaceId, commit: Commit) -> Result<Outcome, Error> {
        let lane = self.spread.hash_one(workspace) as usize % self.lanes.len();
        match self.lanes.get(lane) {
            Some(lane) => lane.send(workspace.clone(), commit).await,
            None => Err(Error::Closed),
        }
    }

    /// Lets Redis know the highest number that was delivered from a stream: if it has less, history was lost and the epoch moves.
    pub async fn fence(&self, workspace: &WorkspaceId, kind: Kind, seq: u64) -> Result<(), Error> {
        self.memory.of(workspace).saw_seq(kind, seq);
        self.commit(workspace, Commit::default()).await.map(drop)
    }

    /// The key space.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.connections.run::<String>(&redis::cmd("PING")).await.map(drop)
    }
}
