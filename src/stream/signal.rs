//! How a reader is woken and told things: one small shared object a reader, and one a connection to cut it by.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;

/// Why a stream ends from our side, as `stream.reconnect` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The replica is shutting down.
    Draining,
    /// The stream is as old as streams get.
    MaxAge,
    /// The reader does not keep up.
    SlowConsumer,
    /// The credential ran out.
    TokenExpired,
}

impl Ending {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::MaxAge => "max_age",
            Self::SlowConsumer => "slow_consumer",
            Self::TokenExpired => "token_expired",
        }
    }
}

const BEAT: u8 = 1;
const DRAINING: u8 = 2;
const MAX_AGE: u8 = 4;
const SLOW: u8 = 8;
const EXPIRED: u8 = 16;

/// Wakes one reader and carries what it is told until it looks.
#[derive(Debug, Default)]
pub struct Signal {
    waker: AtomicWaker,
    flags: AtomicU8,
}

impl Signal {
    /// The reader's task, to be woken from now on. Called before the reader looks for the last time and waits.
    pub fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Wakes the reader.
    pub fn wake(&self) {
        self.waker.wake();
    }

    /// A heartbeat is due. Returns whether the one before has not been looked at: the socket takes nothing.
    pub fn beat(&self) -> bool {
        let stuck = self.flags.fetch_or(BEAT, Ordering::AcqRel) & BEAT != 0;
        self.wake();
        stuck
    }

    /// The stream is to end.
    pub fn end(&self, why: Ending) {
        let flag = match why {
            Ending::Draining => DRAINING,
            Ending::MaxAge => MAX_AGE,
            Ending::SlowConsumer => SLOW,
            Ending::TokenExpired => EXPIRED,
        };
        self.flags.fetch_or(flag, Ordering::AcqRel);
        self.wake();
    }

    /// Whether a heartbeat is due; it is then no longer.
    pub fn take_beat(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & BEAT != 0 && self.flags.fetch_and(!BEAT, Ordering::AcqRel) & BEAT != 0
    }

    /// Why the stream is to end, if it is.
    pub fn ending(&self) -> Option<Ending> {
        let flags = self.flags.load(Ordering::Acquire);
        [(EXPIRED, Ending::TokenExpired), (SLOW, Ending::SlowConsumer), (DRAINING, Ending::Draining), (MAX_AGE, Ending::MaxAge)]
            .into_iter()
            .find_map(|(flag, why)| (flags & flag != 0).then_some(why))
    }
}

/// Cuts a connection whose socket takes nothing any more: its body cannot, since it is not asked.
#[derive(Debug, Default)]
pub struct Tether {
    waker: AtomicWaker,
    cut: AtomicBool,
}

impl Tether {
    /// Ends the connection at once.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether it is to end; else `waker` is woken when it is.
    pub fn is_cut(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        self.cut.load(Ordering::Acquire)
    }
}
