//! What a caller may send and hold open; beyond it the answer is 400, 413 or 429.

use super::settings::{Fault, Settings};

/// Bounds on what one caller may ask of the service.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest request body, in bytes. A dump to restore is streamed and not bound by it.
    pub body_bytes: usize,
    /// Largest event payload, in bytes of compact JSON.
    pub event_bytes: usize,
    /// Most events or log rows of one request.
    pub batch_items: usize,
    /// Deepest nesting of JSON objects and arrays.
    pub json_depth: usize,
    /// Most items of one page.
    pub log_page: usize,
    /// Most open streams of one workspace, over all replicas.
    pub workspace_streams: usize,
    /// Most open streams of this replica.
    pub replica_streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            event_bytes: 60 * 1024,
            batch_items: 500,
            json_depth: 32,
            log_page: 500,
            workspace_streams: 10_000,
            replica_streams: 50_000,
        }
    }
}

impl Limits {
    pub(super) fn settings(&mut self, settings: &mut Settings<'_>) {
        settings.section("Limits");
        settings.number(
            &mut self.body_bytes,
            ("DOWNBEAT_BODY_BYTES", "BYTES"),
            "Largest request body, in bytes; a restore is not bound by it",
            1024..=256 * 1024 * 1024,
        );
        settings.number(
            &mut self.event_bytes,
            ("DOWNBEAT_EVENT_BYTES", "BYTES"),
            "Largest event payload, in bytes",
            1024..=16 * 1024 * 1024,
        );
        settings.number(&mut self.batch_items, ("DOWNBEAT_BATCH_ITEMS", "ITEMS"), "Most events or log rows of one request", 1..=10_000);
        // serde_json itself gives up at 128.
        settings.number(&mut self.json_depth, ("DOWNBEAT_JSON_DEPTH", "LEVELS"), "Deepest nesting of JSON a caller may send", 2..=120);
        settings.number(&mut self.log_page, ("DOWNBEAT_LOG_PAGE", "ITEMS"), "Most items of one page", 1..=10_000);
        settings.number(
            &mut self.workspace_streams,
            ("DOWNBEAT_WORKSPACE_STREAMS", "STREAMS"),
            "Most open streams of one workspace, over all replicas",
            1..=10_000_000,
        );
        settings.number(
            &mut self.replica_streams,
            ("DOWNBEAT_REPLICA_STREAMS", "STREAMS"),
            "Most open streams of this replica; above it a stream is asked to come back later",
            1..=10_000_000,
        );
    }

    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        if self.event_bytes > self.body_bytes {
            faults.push(Fault {
                setting: "DOWNBEAT_EVENT_BYTES",
                message: format!(
                    "an event of {} bytes could never arrive, since DOWNBEAT_BODY_BYTES is {}",
                    self.event_bytes, self.body_bytes
                ),
            });
        }
    }
}
