//! Agents' own events.

use serde_json::json;

use super::act::{self, KEPT_SECONDS_INGEST};
use super::{Act, Error, Reply, Service};
use crate::auth::{Caller, Scope};
use crate::domain::event::NewEvent;
use crate::domain::ids::WorkspaceId;
use crate::store::{Commit, Done, Outcome};

/// What is to be published: checked, none of a reserved type.
#[derive(Debug)]
pub struct PublishBody {
    /// At least one.
    pub events: Vec<NewEvent>,
    /// Whether it was one event by itself, which is answered differently.
    pub single: bool,
}

impl Service {
    /// Appends events: all of them, with contiguous numbers, or none.
    pub async fn publish(&self, caller: &Caller, workspace: &WorkspaceId, body: PublishBody, act: &Act) -> Result<Reply, Error> {
        caller.must(Scope::Ingest)?;
        let PublishBody { events, single } = body;
        let kind = single.then(|| events.first().map(|event| event.kind.clone())).flatten();
        let commit = Commit {
            events: act::traced(events, act),
            // The reply follows from the numbers, which the record has.
            memo: self.memo(caller, workspace, act, KEPT_SECONDS_INGEST, 201, ""),
            ..Commit::default()
        };
        let (done, replayed) = match self.commit(workspace, commit).await? {
            Outcome::Done(done) => (done, false),
            // A purge, say, under the same key is another request, and so a mismatch; a record of this request is numbers.
            Outcome::Repeated(stored) => (stored.done, true),
            Outcome::Mismatch => return Err(Error::IdempotencyMismatch),
            Outcome::Conflict => return Err(act::unconditional()),
        };
        let body = match kind {
            Some(kind) => one(kind.as_str(), done),
            None => many(done),
        };
        Ok(Reply { status: 201, body, replayed })
    }
}

/// A type holds nothing that JSON escapes.
fn one(kind: &str, done: Done) -> String {
    format!(r#"{{"seq":{},"type":"{kind}","timestamp":{}}}"#, done.first_seq, done.at)
}

fn many(done: Done) -> String {
    let last_seq = (done.first_seq + done.events).saturating_sub(1);
    json!({ "first_seq": done.first_seq, "last_seq": last_seq }).to_string()
}
