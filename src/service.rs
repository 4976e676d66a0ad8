//! The use cases: each checks the caller's scope, loads, lets the domain decide, commits, and decides again if somebody else came first.
//! No HTTP here: a use case takes parsed ids and gives values, replies or an [`Error`]; which status that is, the HTTP side knows.

mod act;
mod error;

use std::sync::Arc;

pub use act::{Act, Idempotency, Reply};
pub use error::Error;

use crate::config::Limits;
use crate::store::Store;

/// How often a decision is made again because its ground changed under it, before the caller is asked to come back.
const ATTEMPTS: usize = 8;

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
}
