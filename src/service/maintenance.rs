//! The purge.

use serde_json::json;

use super::act::{self, KEPT_SECONDS};
use super::{Act, Error, Reply, Service};
use crate::auth::{Caller, Scope};
use crate::domain::ids::WorkspaceId;
use crate::domain::json::Compact;
use crate::store::Purged;
use crate::telemetry::metrics::{self, Record};

/// What a purge clears, as the API names it.
const PURGED: &str = r#"{"purged":["todos","events","budgets","tool_logs","session_ids","caches"]}"#;

impl Service {
    /// Pauses the executor and clears everything of the workspace but its configuration, in one step, however much it is.
    pub async fn purge(&self, caller: &Caller, workspace: &WorkspaceId, act: &Act) -> Result<Reply, Error> {
        caller.must(Scope::Admin)?;
        let payload = Compact::from_value(&json!({ "purged_by": caller.subject() }));
        let memo = self.memo(caller, workspace, act, KEPT_SECONDS, 200, PURGED);
        let traceparent = act.traceparent.as_deref();
        match self.store.purge(workspace, &payload, traceparent, memo.as_ref()).await? {
            Purged::Done => {
                metrics::appended(Record::Event, 1);
                Ok(Reply::new(200, PURGED))
            }
            Purged::Repeated(stored) => act::again(stored),
            Purged::Mismatch => Err(Error::IdempotencyMismatch),
        }
    }
}
