//! Every Redis key and channel of the service is built here, from typed ids, and nowhere else.
//!
//! `{workspace}` is the hash tag: all keys of a workspace live in one Cluster slot, so every script is legal there.
//! Keys that a purge clears carry the generation; `meta`, `config`, readers, timers and idempotency records do not.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::ids::{IdempotencyKey, WorkspaceId};

/// The number of a workspace's life between two purges; 1 at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which of a workspace's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Orchestration events, numbered by `seq`.
    Events,
    /// Tool calls, numbered by `lseq`.
    Log,
}

impl Kind {
    /// The field of `meta` that holds the stream's newest sequence number.
    pub fn seq_field(self) -> &'static str {
        match self {
            Self::Events => "seq",
            Self::Log => "lseq",
        }
    }
}

/// The key space of one deployment: everything begins with its prefix.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

/// How many index sets the workspaces with timers are spread over.
pub const TIMER_BUCKETS: u64 = 4;

impl Keys {
    /// A key space under `prefix` (`DOWNBEAT_KEY_PREFIX`).
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    fn key(&self, workspace: &WorkspaceId, rest: &str) -> String {
        format!("{}:{{{}}}:{rest}", self.prefix, workspace.as_str())
    }

    fn tagged(&self, workspace: &WorkspaceId, generation: Generation, rest: &str) -> String {
        format!("{}:{{{}}}:g{generation}:{rest}", self.prefix, workspace.as_str())
    }

    /// Hash: sequence numbers, epoch, generation, retention limits, log numbering. Never purged.
    pub fn meta(&self, workspace: &WorkspaceId) -> String {
        self.key(workspace, "meta")
    }

    /// Hash: `doc`, `version`. Never purged.
    pub fn config(&self, workspace: &WorkspaceId) -> String {
        self.key(workspace, "config")
    }

    /// Hash: replica incarnation → version, event readers, log readers, lease end.
    pub fn readers(&self, workspace: &WorkspaceId) -> String {
        self.key(workspace, "readers")
    }

    /// Sorted set: what is due when in this workspace.
    pub fn timers(&self, workspace: &WorkspaceId) -> String {
        self.key(workspace, "timers")
    }

    /// String with TTL: fingerprint and reply of one `Idempotency-Key`.
    pub fn idempotency(&self, workspace: &WorkspaceId, scope: &str, key: &IdempotencyKey) -> String {
        let digest = Sha256::digest(format!("{scope}\n{}", key.as_str()));
        let short = u128::from_be_bytes(std::array::from_fn(|at| digest[at]));
        self.key(workspace, &format!("idem:{short:032x}"))
    }

    /// Stream of events or of log rows; entry id = `<seq>-0`.
    pub fn stream(&self, workspace: &WorkspaceId, generation: Generation, kind: Kind) -> String {
        match kind {
            Kind::Events => self.tagged(workspace, generation, "events"),
            Kind::Log => self.tagged(workspace, generation, "log"),
        }
    }

    /// Prefix of the log's column strings: block number and column letter follow.
    pub fn columns(&self, workspace: &WorkspaceId, generation: Generation) -> String {
        self.tagged(workspace, generation, "c")
    }

    /// Hash: question id → pending question.
    pub fn questions(&self, workspace: &WorkspaceId, generation: Generation) -> String {
        self.tagged(workspace, generation, "questions")
    }

    /// Hash: session id → ids of its pending questions.
    pub fn session_questions(&self, workspace: &WorkspaceId, generation: Generation) -> String {
        self.tagged(workspace, generation, "session-questions")
    }

    /// Hash: question id → outcome.
    pub fn outcomes(&self, workspace: &WorkspaceId, generation: Generation) -> String {
        self.tagged(workspace, generation, "outcomes")
    }

    /// Sorted set: question ids by the seq of the event that resolved them.
    pub fn outcome_order(&self, workspace: &WorkspaceId, generation: Generation) -> String {
        self.tagged(workspace, generation, "outcome-order")
    }

    /// Hash: state of the executor; kept through a purge, which pauses it.
    pub fn executor(&self, workspace: &WorkspaceId) -> String {
        self.key(workspace, "executor")
    }

    /// Sorted set of workspaces by the time their earliest timer is due; one of [`TIMER_BUCKETS`].
    pub fn due(&self, bucket: u64) -> String {
        format!("{}:due:{bucket}", self.prefix)
    }

    /// The index set a workspace's timers are found through.
    pub fn due_of(&self, workspace: &WorkspaceId) -> String {
        let sum = workspace.as_str().bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        self.due(sum % TIMER_BUCKETS)
    }

    /// Channel on which the appends of one stream of one workspace are announced.
    pub fn channel(&self, workspace: &WorkspaceId, kind: Kind) -> String {
        match kind {
            Kind::Events => self.key(workspace, "events"),
            Kind::Log => self.key(workspace, "log"),
        }
    }

    /// Channel on which a replica hears its own probe.
    pub fn probe_channel(&self, incarnation: &str) -> String {
        format!("{}:probe:{incarnation}", self.prefix)
    }

    /// The workspace and stream a channel belongs to, if it is one of [`Keys::channel`].
    pub fn parse_channel(&self, channel: &str) -> Option<(WorkspaceId, Kind)> {
        let rest = channel.strip_prefix(&self.prefix)?.strip_prefix(":{")?;
        let (workspace, kind) = rest.split_once("}:")?;
        let kind = match kind {
            "events" => Kind::Events,
            "log" => Kind::Log,
            _other_channel => return None,
        };
        Some((WorkspaceId::parse(workspace).ok()?, kind))
    }
}
