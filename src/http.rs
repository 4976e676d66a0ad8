//! The HTTP side: one endpoint one file. It never names Redis.

pub mod admin;
