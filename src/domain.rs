//! The rules of the service: ids, entities, decisions. Everything here is a pure function of its arguments: no clock, no randomness, no
//! Redis, no HTTP. A decision ends as a [`txn::Txn`], which the store commits in one step; what comes from outside is parsed here into
//! types that cannot be wrong, and what is wrong with it is told as [`fault::Faults`], all of it at once.

pub mod fault;
pub mod json;
mod wire;

pub mod ids;
pub mod when;

pub mod cursor;
pub mod event;
pub mod filter;

pub mod logquery;
pub mod row;

pub mod config;
pub mod question;
pub mod txn;

#[cfg(test)]
mod testing;
