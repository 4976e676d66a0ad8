//! Whether this replica should get traffic, and if not, why. Set by whoever knows, read by `/readyz`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Latches of one replica; clones share them. A new one is not ready: nothing has answered yet.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Latches>);

#[derive(Debug, Default)]
struct Latches {
    redis: AtomicBool,
    delivery: AtomicBool,
    draining: AtomicBool,
}

/// Why a replica is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Redis does not answer, or refuses writes.
    Redis,
    /// What is published does not come round to this replica's readers.
    Delivery,
    /// The replica is shutting down.
    Draining,
}

impl Reason {
    /// The reason's stable machine name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Delivery => "delivery",
            Self::Draining => "draining",
        }
    }

    /// The reason in a sentence.
    pub fn message(self) -> &'static str {
        match self {
            Self::Redis => "Redis does not answer or refuses writes",
            Self::Delivery => "published events do not come round to this replica",
            Self::Draining => "this replica is shutting down",
        }
    }
}

impl Readiness {
    /// Whether Redis answers and takes writes.
    pub fn set_redis(&self, ok: bool) {
        self.0.redis.store(ok, Ordering::Relaxed);
    }

    /// Whether the delivery probe comes round.
    pub fn set_delivery(&self, ok: bool) {
        self.0.delivery.store(ok, Ordering::Relaxed);
    }

    /// Not ready until the end of the process.
    pub(super) fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the drain has begun.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// All reasons against traffic; none = ready.
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.is_draining() {
            reasons.push(Reason::Draining);
        }
        if !self.0.redis.load(Ordering::Relaxed) {
            reasons.push(Reason::Redis);
        }
        if !self.0.delivery.load(Ordering::Relaxed) {
            reasons.push(Reason::Delivery);
        }
        reasons
    }

    /// Whether nothing speaks against traffic.
    pub fn is_ready(&self) -> bool {
        self.reasons().is_empty()
    }
}
