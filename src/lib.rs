//! Downbeat: the orchestration service of AI-agent platforms. Events, delivery and orchestration state over Redis.

pub mod auth;
pub mod config;
pub mod domain;
pub mod http;
pub mod lifecycle;
pub mod service;
pub mod store;
pub mod telemetry;
