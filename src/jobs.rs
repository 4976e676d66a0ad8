//! What happens without a request: deadlines pass, entries grow too old, purged generations are collected. Loops that take no input, may be
//! repeated at any point and run on every replica; which of them acts is settled by Redis.

mod timers;

use crate::lifecycle::Lifecycle;
use crate::service::Service;
use crate::store::Store;

/// Starts the background loops of a replica. They end with the drain's end: an expiry must not wait for the next replica.
pub fn start(service: Service, store: Store, life: &Lifecycle) {
    life.spawn_essential("due timers", timers::run(service, store, life.clone()));
}
