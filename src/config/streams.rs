//! How streams are kept alive, bounded and ended.

use std::time::Duration;

use super::settings::{Fault, Settings, Unit};

/// Pace and memory of the live streams.
#[derive(Debug, Clone)]
pub struct Streams {
    /// Time between two heartbeats of a silent stream.
    pub heartbeat: Duration,
    /// Age at which a stream is ended with `stream.reconnect`; zero = never.
    pub max_age: Duration,
    /// Time without any progress after which a reader is ended as too slow.
    pub stall: Duration,
    /// Bytes of recent frames a topic keeps for its readers.
    pub ring_bytes: usize,
    /// The kernel's send buffer of a stream's socket, in bytes; 0 leaves it to the system.
    pub send_buffer_bytes: usize,
    /// Bytes of rendered history this replica shares between readers that replay.
    pub replay_cache_bytes: usize,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(10),
            max_age: Duration::from_hours(1),
            stall: Duration::from_secs(30),
            ring_bytes: 256 * 1024,
            send_buffer_bytes: 128 * 1024,
            replay_cache_bytes: 32 * 1024 * 1024,
        }
    }
}

impl Streams {
    pub(super) fn settings(&mut self, settings: &mut Settings<'_>) {
        settings.section("Streams");
        settings.duration(
            &mut self.heartbeat,
            ("DOWNBEAT_HEARTBEAT_MS", Unit::Milliseconds),
            "Time between heartbeats of a stream, in milliseconds; keep it below the idle time-out of every proxy",
            50..=300_000,
        );
        settings.duration(
            &mut self.max_age,
            ("DOWNBEAT_STREAM_MAX_AGE_SECONDS", Unit::Seconds),
            "Age at which a stream is asked to reconnect, in seconds, so that load spreads again; 0 = never",
            0..=31_536_000,
        );
        settings.duration(
            &mut self.stall,
            ("DOWNBEAT_STREAM_STALL_SECONDS", Unit::Seconds),
            "Time a reader may take nothing while data waits for it, in seconds, before it is ended as too slow",
            1..=3600,
        );
        settings.number(
            &mut self.ring_bytes,
            ("DOWNBEAT_RING_BYTES", "BYTES"),
            "Recent frames kept in memory for each watched workspace, in bytes; slower readers are served from Redis",
            64 * 1024..=1024 * 1024 * 1024,
        );
        settings.number(
            &mut self.send_buffer_bytes,
            ("DOWNBEAT_SEND_BUFFER_BYTES", "BYTES"),
            "Kernel send buffer of a connection, in bytes; 0 leaves it to the system",
            0..=64 * 1024 * 1024,
        );
        settings.number(
            &mut self.replay_cache_bytes,
            ("DOWNBEAT_REPLAY_CACHE_BYTES", "BYTES"),
            "Rendered history shared by readers that replay, in bytes; 0 shares nothing",
            0..=16 * 1024 * 1024 * 1024,
        );
    }

    pub(super) fn check(&self, event_bytes: usize, faults: &mut Vec<Fault>) {
        if self.ring_bytes < event_bytes {
            faults.push(Fault {
                setting: "DOWNBEAT_RING_BYTES",
                message: format!("{} bytes do not hold one event of DOWNBEAT_EVENT_BYTES ({event_bytes})", self.ring_bytes),
            });
        }
    }
}
