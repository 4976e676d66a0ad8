//! Timers: what is due when, a sorted set a workspace, found through a few index sets over all workspaces.
//!
//! The index is another slot than the workspace and so no part of a commit. It is written before the commit (a crash between
//! leaves an entry that finds nothing) and again after it (an entry that was looked at too early comes back). Whoever looks puts
//! the entry off by a lease first, and changes it afterwards only if it still is at that lease: an announcement made meanwhile
//! is about a timer that the look may have missed, and stays.

use super::Store;
use super::codec;
use super::error::Error;
use super::keys::{Generation, TIMER_BUCKETS};
use super::reply::Reader;
use super::script;
use crate::domain::ids::WorkspaceId;
use crate::domain::txn::Timer;

/// How long a replica that took a due workspace has before another looks, in ms.
const LEASE_MS: u64 = 2_000;
/// Workspaces and timers taken at once.
const MOST: usize = 256;

/// A workspace whose timers are this caller's to look at.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Until when, by Redis time, epoch ms: where it now stands in the index.
    lease: u64,
}

/// The due timers of one workspace.
#[derive(Debug)]
pub struct Due {
    /// Redis time, epoch ms.
    pub now: u64,
    /// The present generation.
    pub generation: Generation,
    /// When the next timer is due; `None` without one.
    pub next: Option<u64>,
    /// As stored: see [`codec::timer_text`]; `g …` collects a purged generation.
    pub timers: Vec<String>,
}

impl Due {
    /// Whether there may be more than were read.
    pub fn is_full(&self) -> bool {
        self.timers.len() >= MOST
    }
}

impl Store {
    /// Lets the jobs look at the workspace at `at` (epoch ms), or now. Only "now" is sure to survive a look that is under way.
    pub async fn announce_timers(&self, workspace: &WorkspaceId, at: Option<u64>) -> Result<(), Error> {
        let mut command = redis::cmd("ZADD");
        command.arg(self.keys.due_of(workspace)).arg("LT").arg(at.unwrap_or(0)).arg(workspace.as_str());
        self.connections.run::<i64>(&command).await.map(drop)
    }

    /// Workspaces with due timers; each is this caller's for a lease of 2 s.
    pub async fn due_workspaces(&self) -> Result<Vec<Taken>, Error> {
        let mut found = Vec::new();
        for bucket in 0..TIMER_BUCKETS {
            let keys = [self.keys.due(bucket)];
            let value = self.connections.script(&script::TIMERS_DUE, &keys, |command| {
                command.arg(LEASE_MS).arg(MOST);
            });
            let mut reply = Reader::new(value.await?)?;
            let lease = reply.int()? + LEASE_MS;
            while reply.left() > 0 {
                let workspace = WorkspaceId::parse(&reply.text()?);
                found.extend(workspace.ok().map(|workspace| Taken { workspace, lease }));
            }
        }
        Ok(found)
    }

    /// The due timers of a workspace.
    pub async fn due_timers(&self, workspace: &WorkspaceId) -> Result<Due, Error> {
        let keys = [self.keys.timers(workspace), self.keys.meta(workspace)];
        let value = self.connections.script(&script::TIMERS_READ, &keys, |command| {
            command.arg(MOST);
        });
        let mut reply = Reader::new(value.await?)?;
        let (now, generation, next) = (reply.int()?, Generation(reply.int()?), reply.int()?);
        let mut timers = Vec::with_capacity(reply.left());
        while reply.left() > 0 {
            timers.push(reply.text()?);
        }
        Ok(Due { now, generation, next: Some(next).filter(|next| *next > 0), timers })
    }

    /// The jobs have looked: the workspace comes back at `next`, or goes from the index when nothing is left. Nothing happens if
    /// it was announced, or taken by another replica, since it was taken.
    pub async fn timers_done(&self, taken: &Taken, next: Option<u64>) -> Result<(), Error> {
        let keys = [self.keys.due_of(&taken.workspace)];
        let value = self.connections.script(&script::TIMERS_DONE, &keys, |command| {
            command.arg(taken.workspace.as_str()).arg(taken.lease).arg(next.unwrap_or(0));
        });
        value.await.map(drop)
    }

    /// Sets a timer outside a commit: a job's own next round.
    pub async fn set_timer(&self, workspace: &WorkspaceId, at: u64, timer: &Timer) -> Result<(), Error> {
        let mut command = redis::cmd("ZADD");
        command.arg(self.keys.timers(workspace)).arg(at).arg(codec::timer_text(timer));
        self.connections.run::<i64>(&command).await.map(drop)
    }

    /// Moves a timer to `next`, or removes it; only if it still is due at `at`, for otherwise somebody has set it anew.
    pub async fn settle_timer(&self, workspace: &WorkspaceId, timer: &Timer, at: u64, next: Option<u64>) -> Result<(), Error> {
        let keys = [self.keys.timers(workspace)];
        let value = self.connections.script(&script::TIMERS_DONE, &keys, |command| {
            command.arg(codec::timer_text(timer)).arg(at).arg(next.unwrap_or(0));
        });
        value.await.map(drop)
    }

    /// Removes a timer as stored.
    pub async fn clear_timer(&self, workspace: &WorkspaceId, stored: &str) -> Result<(), Error> {
        let mut command = redis::cmd("ZREM");
        command.arg(self.keys.timers(workspace)).arg(stored);
        self.connections.run::<i64>(&command).await.map(drop)
    }
}
