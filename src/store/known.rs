//! What this replica has seen of each workspace: the generation, and the highest sequence numbers.
//!
//! The numbers are the fence: passed with every commit, they let Redis notice that it has forgotten acknowledged writes.
//! A cache, not state: lost with the replica, it is learnt again from the next reply.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::keys::{Generation, Kind};
use crate::domain::ids::WorkspaceId;

/// Workspaces remembered at most; over it, those not used since the last overflow are forgotten.
const MOST: usize = 100_000;

/// What is known of one workspace.
#[derive(Debug)]
pub struct Known {
    generation: AtomicU64,
    seq: AtomicU64,
    lseq: AtomicU64,
    used: AtomicU64,
}

impl Known {
    /// The generation last heard of; 1 before anything was.
    pub fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Relaxed))
    }

    /// Takes note of a generation. Older ones are late messages and change nothing.
    pub fn saw_generation(&self, generation: Generation) {
        self.generation.fetch_max(generation.0, Ordering::Relaxed);
    }

    /// Forgets a generation that Redis no longer knows (it was flushed): takes what Redis says now.
    pub fn reset_generation(&self, generation: Generation) {
        self.generation.store(generation.0, Ordering::Relaxed);
    }

    /// The highest number seen of a stream.
    pub fn seq(&self, kind: Kind) -> u64 {
        self.slot(kind).load(Ordering::Relaxed)
    }

    /// Takes note of a number.
    pub fn saw_seq(&self, kind: Kind, seq: u64) {
        self.slot(kind).fetch_max(seq, Ordering::Relaxed);
    }

    fn slot(&self, kind: Kind) -> &AtomicU64 {
        match kind {
            Kind::Events => &self.seq,
            Kind::Log => &self.lseq,
        }
    }
}

/// The cache of [`Known`] by workspace.
#[derive(Debug, Default)]
pub struct Memory {
    workspaces: Mutex<HashMap<WorkspaceId, Arc<Known>>>,
    round: AtomicU64,
}

impl Memory {
    /// What is known of `workspace`; made on first use.
    pub fn of(&self, workspace: &WorkspaceId) -> Arc<Known> {
        let round = self.round.load(Ordering::Relaxed);
        let mut workspaces = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = workspaces.get(workspace) {
            known.used.store(round, Ordering::Relaxed);
            return Arc::clone(known);
        }
        if workspaces.len() >= MOST {
            workspaces.retain(|_, known| known.used.load(Ordering::Relaxed) >= round);
            self.round.fetch_add(1, Ordering::Relaxed);
        }
        let known =
            Arc::new(Known { generation: AtomicU64::new(1), seq: AtomicU64::new(0), lseq: AtomicU64::new(0), used: AtomicU64::new(round) });
        workspaces.insert(workspace.clone(), Arc::clone(&known));
        known
    }
}
