//! Agents report their tool calls.

use super::act::{self, KEPT_SECONDS_INGEST};
use super::{Act, Error, Reply, Service};
use crate::auth::{Caller, Scope};
use crate::domain::ids::WorkspaceId;
use crate::domain::row::Row;
use crate::store::{Commit, Outcome};

impl Service {
    /// Appends rows to the log, all or none. Answers them as stored.
    pub async fn record(&self, caller: &Caller, workspace: &WorkspaceId, rows: Vec<Row>, act: &Act) -> Result<Reply, Error> {
        caller.must(Scope::Ingest)?;
        // What is stored follows from the request alone, so the record under the key needs no body.
        let body = stored(&rows);
        let memo = self.memo(caller, workspace, act, KEPT_SECONDS_INGEST, 201, "");
        let commit = Commit { rows, traceparent: act.traceparent.clone(), memo, ..Commit::default() };
        match self.commit(workspace, commit).await? {
            Outcome::Done(_) => Ok(Reply::new(201, body)),
            Outcome::Repeated(_) => Ok(Reply { status: 201, body, replayed: true }),
            Outcome::Mismatch => Err(Error::IdempotencyMismatch),
            Outcome::Conflict => Err(act::unconditional()),
        }
    }
}

fn stored(rows: &[Row]) -> String {
    let rows: Vec<&str> = rows.iter().map(|row| row.json.as_str()).collect();
    format!("{{\"items\":[{}]}}", rows.join(","))
}
