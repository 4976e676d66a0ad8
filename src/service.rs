//! The use cases: each checks the caller's scope, loads, lets the domain decide, commits, and decides again if somebody else came first.
//! No HTTP here: a use case takes parsed ids and gives values, replies or an [`Error`]; which status that is, the HTTP side knows.

mod act;
mod error;

mod config;
mod connections;
mod dump;
mod events;
mod log;
mod maintenance;
mod questions;
mod record;
mod resolve;
mod restore;

use std::sync::Arc;
use std::time::Duration;

pub use act::{Act, Idempotency, Reply};
pub use config::{ConfigView, IfMatch};
pub use connections::Connections;
pub use dump::DumpText;
pub use error::Error;
pub use events::PublishBody;
pub use log::{LogExport, LogPage, LogQuery, LogRow};
pub use questions::History;
pub use resolve::Expiry;
pub use restore::Upload;

pub use crate::store::log::{At, Order};

use crate::config::Limits;
use crate::domain::ids::WorkspaceId;
use crate::store::{self, Commit, Outcome, Store};
use crate::telemetry::metrics::{self, Record};

/// How often a decision is made again because its ground changed under it, before the caller is asked to come back. Of any number that
/// decide at once one succeeds each time, so this is how many may come before an unlucky one.
const ATTEMPTS: u32 = 40;
/// Attempts made at once, before they are spread over time.
const PROMPT_ATTEMPTS: u32 = 3;

/// The use cases of one replica. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    store: Store,
    limits: Arc<Limits>,
}

impl Service {
    /// Use cases over `store`, refusing what is beyond `limits`.
    pub fn new(store: Store, limits: Arc<Limits>) -> Self {
        Self { store, limits }
    }

    /// What callers may send.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether Redis answers.
    pub async fn healthy(&self) -> Result<(), Error> {
        Ok(self.store.ping().await?)
    }

    /// Commits a decision and counts what it appended.
    async fn commit(&self, workspace: &WorkspaceId, commit: Commit) -> Result<Outcome, Error> {
        let outcome = self.store.commit(workspace, commit).await?;
        if let Outcome::Done(done) = &outcome {
            for (record, appended) in [(Record::Event, done.events), (Record::Log, done.rows)] {
                if appended > 0 {
                    metrics::appended(record, appended);
                }
            }
        }
        Ok(outcome)
    }
}

/// The attempts at a decision: each but the first few waits a moment, so that those who disturb each other part.
struct Attempts(u32);

impl Attempts {
    fn new() -> Self {
        Self(0)
    }

    /// Waits until the next attempt may be made; fails when there were enough.
    async fn next(&mut self) -> Result<(), Error> {
        self.0 += 1;
        if self.0 > ATTEMPTS {
            return Err(store::Error::Contended.into());
        }
        if self.0 > PROMPT_ATTEMPTS {
            let most = u64::from(self.0) * 2;
            tokio::time::sleep(Duration::from_millis(rand::random_range(1..most))).await;
        }
        Ok(())
    }
}
