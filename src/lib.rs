//! Downbeat: the orchestration service of AI-agent platforms. Events, delivery and orchestration state over Redis.

pub mod app;
pub mod auth;
pub mod bench;
pub mod client;
pub mod config;
pub mod demo;
pub mod domain;
pub mod embedded;
pub mod http;
pub mod jobs;
pub mod lifecycle;
pub mod service;
pub mod store;
pub mod stream;
pub mod telemetry;
