//! Who follows a workspace.

use super::{Error, Service};
use crate::auth::{Caller, Scope};
use crate::domain::ids::WorkspaceId;
use crate::store::subscribers::Readers;

/// The live readers of a workspace over all replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// Replica by replica; those with none are left out.
    pub replicas: Vec<Readers>,
}

impl Connections {
    /// Readers of `events`.
    pub fn events(&self) -> u64 {
        self.replicas.iter().map(|replica| replica.events).sum()
    }

    /// Readers of `log/stream`.
    pub fn log_stream(&self) -> u64 {
        self.replicas.iter().map(|replica| replica.log).sum()
    }
}

impl Service {
    /// Counts the live readers of a workspace.
    pub async fn connections(&self, caller: &Caller, workspace: &WorkspaceId) -> Result<Connections, Error> {
        caller.must(Scope::Read)?;
        let mut replicas = self.store.readers(workspace).await?;
        replicas.sort_by(|a, b| a.replica.cmp(&b.replica));
        Ok(Connections { replicas })
    }
}
