//! Downbeat: the orchestration service of AI-agent platforms. Events, delivery and orchestration state over Redis.

pub mod bench;
pub mod client;
pub mod config;
pub mod demo;
pub mod domain;
pub mod lifecycle;
pub mod store;
pub mod telemetry;
