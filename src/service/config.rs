//! The configuration of a workspace.

use serde_json::Value;

use super::{Act, Attempts, Error, Service, act};
use crate::auth::{Caller, Scope};
use crate::domain::config;
use crate::domain::ids::WorkspaceId;
use crate::store::{Commit, Look, Outcome};

/// The configuration at one point in time.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigView {
    /// The whole document.
    pub doc: Value,
    /// Its version, 0 before the first change; the `ETag`.
    pub version: u64,
}

/// What the client believes the version is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Whatever it is.
    Any,
    /// One of these; empty where the client named nothing that could be one.
    Versions(Vec<u64>),
}

impl IfMatch {
    fn holds(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

impl Service {
    /// The configuration; `{}` on a fresh workspace.
    pub async fn config(&self, caller: &Caller, workspace: &WorkspaceId) -> Result<ConfigView, Error> {
        caller.must(Scope::Read)?;
        let view = self.store.view(workspace, Look::default()).await?;
        Ok(ConfigView { doc: view.config, version: view.config_version })
    }

    /// Merges `patch` into the configuration. Patches made at the same time are applied one after the other, none is lost.
    pub async fn patch_config(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        patch: &Value,
        if_match: &IfMatch,
        act: &Act,
    ) -> Result<ConfigView, Error> {
        caller.must(Scope::Operate)?;
        let mut attempts = Attempts::new();
        loop {
            attempts.next().await?;
            let view = self.store.view(workspace, Look::default()).await?;
            if !if_match.holds(view.config_version) {
                return Err(Error::PreconditionFailed);
            }
            let patched = config::patch(&view.config, view.config_version, patch)?;
            let shown = ConfigView { doc: patched.doc.clone(), version: patched.version };
            if !patched.changed {
                return Ok(shown);
            }
            let txn = patched.to_txn(view.config_version, view.now);
            if patched.retention_changed {
                self.store.announce_timers(workspace, None).await?;
            }
            let commit = Commit { expect: txn.expect, writes: txn.writes, events: act::traced(txn.events, act), ..Commit::default() };
            match self.commit(workspace, commit).await? {
                Outcome::Done(_) => {
                    if patched.retention_changed {
                        self.store.announce_timers(workspace, None).await?;
                    }
                    return Ok(shown);
                }
                Outcome::Conflict => {}
                Outcome::Repeated(_) | Outcome::Mismatch => return Err(act::unnamed()),
            }
        }
    }
}
