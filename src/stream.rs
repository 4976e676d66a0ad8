//! Live delivery: what was appended to a workspace's streams, to every reader of this replica.
//!
//! Owns the subscriber connection, a ring of ready-made frames for each stream that somebody reads, pages of history shared by
//! those who replay, and the count of readers. It must never decide or write orchestration state, and no reader may slow
//! another: a reader owns a cursor, not a queue.

mod batch;
mod counts;
mod frame;
mod hub;
mod pages;
mod pulse;
mod reader;
mod ring;
mod signal;
mod subscriber;
mod sweep;
mod topic;

pub use batch::{Batch, Wanted};
pub use counts::Counted;
pub use hub::{Hub, Joined, Refused, Settings, Watch};
pub use pages::Rendered;
pub use pulse::Beating;
pub use reader::{Reader, Turn};
pub use signal::{Ending, Signal, Tether};

pub use crate::store::Kind;
