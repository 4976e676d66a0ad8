//! The count of live readers: a hash a workspace, a field a replica, an absolute number with a lease.
//!
//! Each field is written by its replica alone, so a count heals itself at the next statement, whatever was lost.

use redis::Value;

use super::Store;
use super::error::Error;
use super::reply::Reader;
use super::script;
use crate::domain::ids::WorkspaceId;

/// How long a statement holds without a renewal, in ms: a replica killed is gone from the count by then.
pub const LEASE_MS: u64 = 15_000;

/// The readers of one workspace at one replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readers {
    /// The replica's incarnation.
    pub replica: String,
    /// Readers of `events`.
    pub events: u64,
    /// Readers of `log/stream`.
    pub log: u64,
}

/// One statement of this replica about one workspace.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Order of this replica's statements.
    pub version: u64,
    /// Readers of `events`.
    pub events: u64,
    /// Readers of `log/stream`.
    pub log: u64,
}

impl Store {
    /// States this replica's counts, many workspaces in one write.
    pub async fn state_readers(&self, incarnation: &str, statements: &[Statement]) -> Result<(), Error> {
        let write = |text: bool| {
            let mut pipeline = redis::pipe();
            for one in statements {
                let keys = [self.keys.readers(&one.workspace)];
                let mut command =
                    if text { script::SUBSCRIBERS_WRITE.call_with_text(&keys) } else { script::SUBSCRIBERS_WRITE.call(&keys) };
                command.arg(incarnation).arg(one.version).arg(one.events).arg(one.log).arg(LEASE_MS);
                pipeline.add_command(command);
            }
            pipeline
        };
        match self.connections.pipeline::<Vec<Value>>(&write(false)).await {
            // The server does not know the script (it was restarted): the statements are absolute, so all are made again.
            Err(Error::Corrupt(reason)) if reason.contains("NOSCRIPT") || reason.contains("NoScript") => {
                self.connections.pipeline::<Vec<Value>>(&write(true)).await.map(drop)
            }
            answer => answer.map(drop),
        }
    }

    /// The live readers of a workspace, replica by replica; replicas with none are left out.
    pub async fn readers(&self, workspace: &WorkspaceId) -> Result<Vec<Readers>, Error> {
        let keys = [self.keys.readers(workspace)];
        let mut reply = Reader::new(self.connections.script(&script::SUBSCRIBERS_READ, &keys, |_command| {}).await?)?;
        let mut live = Vec::with_capacity(reply.left() / 3);
        while reply.left() > 0 {
            let one = Readers { replica: reply.text()?, events: reply.int()?, log: reply.int()? };
            if one.events + one.log > 0 {
                live.push(one);
            }
        }
        Ok(live)
    }
}
