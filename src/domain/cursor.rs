//! Where a reader stands in a stream, and where it goes on. One table, [`start`], settles resuming, gaps and resets for both streams, whether
//! they are read as SSE or as pages.

use std::{fmt, str::FromStr};

use super::fault::Fault;

/// The header a browser resumes with.
pub const LAST_EVENT_ID: &str = "Last-Event-ID";
/// The parameter a client resumes with.
pub const SINCE_SEQ: &str = "since_seq";

/// Names one history of a workspace; another one begins only when Redis lost part of the last. Written as 8 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(u32);

impl From<u32> for Epoch {
    fn from(bits: u32) -> Self {
        Self(bits)
    }
}

impl From<Epoch> for u32 {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

impl FromStr for Epoch {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        if text.len() != 8 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(InvalidPosition);
        }
        u32::from_str_radix(text, 16).map(Self).map_err(|_| InvalidPosition)
    }
}

impl Epoch {
    /// The epoch that `text` names.
    pub fn parse(text: &str) -> Result<Self, InvalidPosition> {
        text.parse()
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The last event a reader has seen; 0 for none. This is also the `id:` of a frame: `<seq>.<epoch>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The event's number.
    pub seq: u64,
    /// The history it belongs to, if the reader knows.
    pub epoch: Option<Epoch>,
}

/// Text that is not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a non-negative integer, or one followed by a dot and the epoch")]
pub struct InvalidPosition;

impl Position {
    /// The position that `12` or `12.9f3ac1d2` names. An integer beyond 64 bits counts as the largest there is: it is ahead of everything.
    pub fn parse(text: &str) -> Result<Self, InvalidPosition> {
        let (seq, epoch) = match text.split_once('.') {
            Some((seq, epoch)) => (seq, Some(epoch.parse()?)),
            None => (text, None),
        };
        if seq.is_empty() || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidPosition);
        }
        Ok(Self { seq: seq.parse().unwrap_or(u64::MAX), epoch })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.epoch {
            Some(epoch) => write!(f, "{}.{epoch}", self.seq),
            None => write!(f, "{}", self.seq),
        }
    }
}

/// What a reader asks to go on from; none means live only. The header wins over the parameter, for a browser's URL never changes on
/// reconnect; the last of several headers counts, also where a proxy joined them with commas; an empty one is as if absent.
pub fn resume(last_event_id: &[&str], since_seq: Option<&str>) -> Result<Option<Position>, Fault> {
    let header = last_event_id.last().and_then(|line| line.rsplit(',').next()).map(str::trim).filter(|id| !id.is_empty());
    if let Some(id) = header {
        return Position::parse(id).map(Some).map_err(|error| Fault::new(LAST_EVENT_ID, error.to_string()));
    }
    let Some(text) = since_seq else {
        return Ok(None);
    };
    match Position::parse(text) {
        Ok(position) if position.epoch.is_none() => Ok(Some(position)),
        Ok(_) | Err(InvalidPosition) => Err(Fault::new(SINCE_SEQ, "must be a non-negative integer")),
    }
}

/// What a stream holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The present history.
    pub epoch: Epoch,
    /// The first event kept; `latest_seq + 1` when none is.
    pub oldest_seq: u64,
    /// The newest number given out; 0 when none was.
    pub latest_seq: u64,
    /// The first number of the present generation; what stands below it was purged.
    pub generation_first_seq: u64,
}

/// Where a reader goes on, and what it is told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The first event it gets.
    pub next_seq: u64,
    /// What it is told.
    pub notice: Notice,
}

/// What a reader is told before its first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It gets what happens from now on.
    Live,
    /// It gets everything after its cursor.
    Replay,
    /// Some of what it asked for is no longer kept; it goes on from the oldest.
    Gap {
        /// Its cursor.
        requested_seq: u64,
        /// Why.
        reason: GapReason,
    },
    /// Its cursor means nothing here; it goes on live.
    Reset {
        /// Why.
        reason: ResetReason,
    },
}

/// Why events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// Retention let go of them.
    Trimmed,
    /// The workspace was purged.
    Purged,
}

impl GapReason {
    /// As the wire has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Purged => "purged",
        }
    }
}

/// Why a cursor means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// It is above the newest number.
    Ahead,
    /// It belongs to another history.
    Epoch,
}

impl ResetReason {
    /// As the wire has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::Epoch => "epoch",
        }
    }
}

/// Where a reader with this cursor goes on.
pub fn start(cursor: Option<&Position>, bounds: &Bounds) -> Start {
    let live = bounds.latest_seq + 1;
    let Some(cursor) = cursor else {
        return Start { next_seq: live, notice: Notice::Live };
    };
    let reset = |reason| Start { next_seq: live, notice: Notice::Reset { reason } };
    if cursor.epoch.is_some_and(|epoch| epoch != bounds.epoch) {
        reset(ResetReason::Epoch)
    } else if cursor.seq > bounds.latest_seq {
        reset(ResetReason::Ahead)
    } else if cursor.seq + 1 >= bounds.oldest_seq {
        Start { next_seq: cursor.seq + 1, notice: Notice::Replay }
    } else {
        let purged = cursor.seq + 1 < bounds.generation_first_seq;
        let reason = if purged { GapReason::Purged } else { GapReason::Trimmed };
        Start { next_seq: bounds.oldest_seq, notice: Notice::Gap { requested_seq: cursor.seq, reason } }
    }
}

#[cfg(test)]
mod tests;
