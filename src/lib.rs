//! Downbeat: the orchestration service of AI-agent platforms. Events, delivery and orchestration state over Redis.

pub mod bench;
pub mod client;
