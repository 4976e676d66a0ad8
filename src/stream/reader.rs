//! A reader: a cursor into one stream. Live tail, replay and catching up are one path: take from the ring if the next frame is
//! there, fetch a page if it is older, wait if it is yet to come.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Sleep;

use super::pages::{Fetch, Pages, Rendered};
use super::signal::Signal;
use super::subscriber::Suspicions;
use super::topic::{State, Topic};
use crate::domain::cursor::{Epoch, GapReason, ResetReason};
use crate::domain::filter::EventFilter;
use crate::store::feed::Position;
use crate::store::{Generation, Kind};

/// Wait before a failed page is asked for again.
const RETRY: Duration = Duration::from_millis(250);
/// A filtered reader hands over what it has found after this many bytes.
const FILTERED_BYTES: usize = 64 * 1024;
/// A filtered reader looks at this many frames under the topic's lock at most.
const FILTERED_FRAMES: u64 = 512;

/// What a reader has to say next.
#[derive(Debug)]
pub enum Turn {
    /// Whole frames, back to back.
    Frames {
        /// The bytes.
        bytes: Bytes,
        /// How many entries of the stream they cover, filtered ones included.
        entries: u64,
    },
    /// Replay has turned live behind this number.
    CaughtUp {
        /// The last number replayed.
        seq: u64,
    },
    /// Entries the reader wanted are gone; it goes on from the oldest.
    Gap {
        /// The cursor.
        requested_seq: u64,
        /// The oldest kept.
        oldest_seq: u64,
        /// The newest.
        latest_seq: u64,
        /// Why.
        reason: GapReason,
    },
    /// The reader's cursor means nothing any more; it goes on live.
    Reset {
        /// The newest.
        latest_seq: u64,
        /// The present epoch.
        epoch: Epoch,
        /// Why.
        reason: ResetReason,
    },
}

/// A cursor into a stream.
pub struct Reader {
    pub(super) topic: Arc<Topic>,
    pages: Arc<Pages>,
    suspicions: Suspicions,
    signal: Arc<Signal>,
    filter: Option<EventFilter>,
    next_seq: u64,
    generation: Generation,
    epoch: Epoch,
    /// Newest number when the reader came: below it, the stream has more than the topic may have heard of.
    known_seq: u64,
    replaying: bool,
    /// The last page had nothing for it.
    missed: bool,
    fetch: Option<Fetch>,
    pause: Option<Pin<Box<Sleep>>>,
}

/// How a reader begins.
pub struct Begin {
    /// Where the stream stood when the reader was counted.
    pub position: Position,
    /// The first number it wants.
    pub next_seq: u64,
    /// Whether to say where replay turns live.
    pub replaying: bool,
    /// What it wants; `None` for all.
    pub filter: Option<EventFilter>,
}

enum Step {
    Turn(Turn),
    Fetch(u64),
    Wait,
    Again,
}

impl Reader {
    pub(super) fn new(topic: Arc<Topic>, pages: Arc<Pages>, suspicions: Suspicions, signal: Arc<Signal>, begin: Begin) -> Self {
        Self {
            topic,
            pages,
            suspicions,
            signal,
            filter: begin.filter.filter(|filter| !filter.is_all()),
            next_seq: begin.next_seq,
            generation: begin.position.generation,
            epoch: begin.position.bounds.epoch,
            known_seq: begin.position.bounds.latest_seq,
            replaying: begin.replaying,
            missed: false,
            fetch: None,
            pause: None,
        }
    }

    /// The signal that wakes this reader.
    pub fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    /// The number it wants next.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// What comes next. When pending, the reader's [`Signal`] is woken: its owner has registered its task there.
    pub fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            if let Some(fetch) = &mut self.fetch {
                let page = ready!(Pin::new(fetch).poll(cx));
                self.fetch = None;
                match page {
                    Ok(page) => match self.take_page(&page) {
                        Some(turn) => return Poll::Ready(turn),
                        None => continue,
                    },
                    Err(_noted_by_the_store) => {
                        self.pause = Some(Box::pin(tokio::time::sleep(RETRY)));
                        continue;
                    }
                }
            }
            match self.step() {
                Step::Turn(turn) => return Poll::Ready(turn),
                Step::Fetch(seq) => {
                    self.fetch = Some(self.pages.fetch(&self.topic.workspace, self.topic.kind, self.generation, self.epoch, seq));
                }
                Step::Wait => return Poll::Pending,
                Step::Again => {}
            }
        }
    }

    fn step(&mut self) -> Step {
        let topic = Arc::clone(&self.topic);
        let mut state = topic.lock();
        if let Some(head) = state.head {
            if head.epoch != self.epoch {
                // News of the epoch the reader came with may be older than the reader itself.
                let first = if state.epoch_first_seq > 0 { state.epoch_first_seq } else { state.ring.next_seq() };
                self.epoch = head.epoch;
                self.generation = head.generation;
                self.next_seq = first;
                self.known_seq = first.saturating_sub(1);
                return Step::Turn(Turn::Reset { latest_seq: first.saturating_sub(1), epoch: head.epoch, reason: ResetReason::Epoch });
            }
            if head.generation > self.generation {
                match state.generation_first_seq {
                    Some(first) if self.next_seq >= first => self.generation = head.generation,
                    // Before the purge, and still here.
                    Some(_) if self.next_seq >= state.ring.first_seq() => {}
                    Some(first) => {
                        self.generation = head.generation;
                        return Step::Turn(self.gap(first, head.seq.max(first), GapReason::Purged));
                    }
                    None => {
                        self.generation = head.generation;
                        return Step::Fetch(self.next_seq);
                    }
                }
            }
        }
        if self.next_seq >= state.ring.next_seq() {
            if self.next_seq <= self.known_seq {
                return Step::Fetch(self.next_seq);
            }
            if self.replaying {
                self.replaying = false;
                return Step::Turn(Turn::CaughtUp { seq: self.next_seq.saturating_sub(1) });
            }
            state.wait(&self.signal);
            return Step::Wait;
        }
        if self.next_seq < state.ring.first_seq() {
            return Step::Fetch(self.next_seq);
        }
        self.take_ring(&state)
    }

    fn take_ring(&mut self, state: &State) -> Step {
        let Some(filter) = &self.filter else {
            let Some(slice) = state.ring.from(self.next_seq) else { return Step::Fetch(self.next_seq) };
            let entries = slice.next_seq - self.next_seq;
            self.next_seq = slice.next_seq;
            return Step::Turn(Turn::Frames { bytes: slice.bytes, entries });
        };
        let before = self.next_seq;
        let until = state.ring.next_seq().min(before + FILTERED_FRAMES);
        let mut found = BytesMut::new();
        while self.next_seq < until && found.len() < FILTERED_BYTES {
            let Some((frame, bytes)) = state.ring.get(self.next_seq) else { break };
            if frame.wanted(filter, self.topic.kind, bytes) {
                found.extend_from_slice(bytes);
            }
            self.next_seq += 1;
        }
        if found.is_empty() {
            return Step::Again;
        }
        Step::Turn(Turn::Frames { bytes: found.freeze(), entries: self.next_seq - before })
    }

    fn take_page(&mut self, page: &Rendered) -> Option<Turn> {
        let Position { generation, bounds } = page.position;
        if bounds.epoch != self.epoch {
            self.pages.forget();
            self.topic.observe(crate::store::feed::Head { generation, epoch: bounds.epoch, seq: bounds.latest_seq });
            self.epoch = bounds.epoch;
            self.generation = generation;
            self.next_seq = bounds.latest_seq + 1;
            self.known_seq = bounds.latest_seq;
            return Some(Turn::Reset { latest_seq: bounds.latest_seq, epoch: bounds.epoch, reason: ResetReason::Epoch });
        }
        self.generation = self.generation.max(generation);
        if self.next_seq < bounds.oldest_seq {
            let reason = if self.next_seq < bounds.generation_first_seq { GapReason::Purged } else { GapReason::Trimmed };
            return Some(self.gap(bounds.oldest_seq, bounds.latest_seq, reason));
        }
        let first = page.index_of(self.next_seq);
        let (Some(from), Some(last)) = (page.frames.get(first), page.frames.last()) else {
            // Nothing there yet. If Redis has less than was seen, it has forgotten: somebody must move the epoch.
            // The first such page may have been read for somebody else, a moment too early.
            if self.missed {
                self.suspicions.raise(&self.topic);
                self.pause = Some(Box::pin(tokio::time::sleep(RETRY)));
            }
            self.missed = true;
            return None;
        };
        self.missed = false;
        let before = self.next_seq;
        self.next_seq = last.seq + 1;
        let entries = self.next_seq - before;
        let Some(filter) = &self.filter else {
            let bytes = page.bytes.slice(from.start as usize..last.end() as usize);
            return Some(Turn::Frames { bytes, entries });
        };
        let mut found = BytesMut::new();
        for frame in page.frames.get(first..).unwrap_or_default() {
            let bytes = page.frame_bytes(frame);
            if frame.wanted(filter, self.topic.kind, bytes) {
                found.extend_from_slice(bytes);
            }
        }
        (!found.is_empty()).then(|| Turn::Frames { bytes: found.freeze(), entries })
    }

    fn gap(&mut self, oldest_seq: u64, latest_seq: u64, reason: GapReason) -> Turn {
        let requested_seq = self.next_seq.saturating_sub(1);
        self.next_seq = oldest_seq;
        Turn::Gap { requested_seq, oldest_seq, latest_seq, reason }
    }

    /// Which stream it reads.
    pub fn kind(&self) -> Kind {
        self.topic.kind
    }
}

#[cfg(test)]
mod tests;
