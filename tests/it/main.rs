//! The service as its users meet it: a real redis-server, real sockets, and two replicas wherever two could disagree.
//! Nothing is skipped: a missing redis-server, node or python is a failure. Nothing sleeps for a time and hopes: every wait is for
//! a condition and has a bound.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic anywhere, and its tasks end with its runtime, not with a lifecycle"
)]

mod harness;

mod appends;
mod config;
mod connections;
mod cursors;
mod drain;
mod dump;
mod embedded;
mod envelope;
mod expiry;
mod filters;
mod foreign_clients;
mod frames;
mod history_lost;
mod idempotency;
mod joining;
mod limits;
mod log;
mod lost_notification;
mod moving;
mod outcomes;
mod pages;
mod purge;
mod questions;
mod redis_away;
mod redis_use;
mod restore;
mod retention;
mod stuck_reader;
