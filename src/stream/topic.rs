//! One stream of one workspace that somebody at this replica reads.
//!
//! Fed by the doorbell; where that leaves a hole, the ring starts anew behind it and readers fetch what they miss as pages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::frame;
use super::ring::Ring;
use super::signal::Signal;
use crate::domain::ids::WorkspaceId;
use crate::store::Kind;
use crate::store::doorbell::News;
use crate::store::feed::{self, Head};

/// A stream as this replica knows it.
#[derive(Debug)]
pub struct Topic {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Which stream of it.
    pub kind: Kind,
    state: Mutex<State>,
}

/// What a topic knows, under its lock.
#[derive(Debug)]
pub struct State {
    /// The newest of everything heard; `None` until the first news or bounds.
    pub head: Option<Head>,
    /// First number of the present epoch's news, if it began while this topic was here.
    pub epoch_first_seq: u64,
    /// First number of the present generation, if it began while this topic was here and nothing was missed.
    pub generation_first_seq: Option<u64>,
    /// The newest frames.
    pub ring: Ring,
    waiting: Vec<Arc<Signal>>,
    news: u64,
}

impl State {
    /// `signal` is woken at the next change.
    pub fn wait(&mut self, signal: &Arc<Signal>) {
        self.waiting.push(Arc::clone(signal));
    }

    /// How often something changed.
    pub fn changes(&self) -> u64 {
        self.news
    }

    fn turn_page(&mut self, head: Head, first_seq: u64) {
        let Some(old) = self.head else {
            self.ring.reset(first_seq);
            self.head = Some(head);
            return;
        };
        if old.epoch != head.epoch {
            self.epoch_first_seq = first_seq;
            self.generation_first_seq = None;
            self.ring.reset(first_seq);
            self.head = Some(head);
            return;
        }
        if old.generation != head.generation {
            // Only news that follow right on what is known tell where the new generation begins.
            let contiguous = self.ring.next_seq() == first_seq;
            self.generation_first_seq = contiguous.then_some(first_seq);
            if !contiguous {
                // What readers miss, they ask for. Else the ring goes on: whoever was reading still gets what came before the purge;
                // whoever comes now begins behind it, since bounds and pages are Redis's.
                self.ring.reset(first_seq);
            }
        }
        self.head = Some(Head { seq: old.seq.max(head.seq), ..head });
    }
}

impl Topic {
    /// A topic that knows nothing yet.
    pub fn new(workspace: WorkspaceId, kind: Kind, ring_bytes: usize) -> Self {
        let state = State {
            head: None,
            epoch_first_seq: 0,
            generation_first_seq: None,
            ring: Ring::new(ring_bytes, 0),
            waiting: Vec::new(),
            news: 0,
        };
        Self { workspace, kind, state: Mutex::new(state) }
    }

    /// What is known, locked. Never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the doorbell brought. Returns `false` when it looks as if Redis had forgotten something: let somebody check.
    pub fn apply(&self, news: &News) -> bool {
        let epoch = frame::epoch_text(news.head.epoch);
        let mut bytes = Vec::with_capacity(news.lines.len() * 2);
        let mut frames = Vec::new();
        let known = self.lock().ring.next_seq();
        for (seq, line) in news.entries() {
            match feed::parts(line) {
                // An overtaken epoch is sorted out under the lock; a known number is not rendered for nothing.
                Ok(parts) if seq >= known || self.epoch_differs(news.head) => {
                    frames.push(frame::render(&mut bytes, self.kind, &epoch, seq, parts));
                }
                Ok(_known_already) => {}
                Err(error) => {
                    tracing::error!(%error, "a published entry cannot be read; readers will fetch it");
                    frames.clear();
                    break;
                }
            }
        }
        let mut state = self.lock();
        if state.head.is_some_and(|head| head.epoch == news.head.epoch && head.generation > news.head.generation) {
            return true;
        }
        let same_epoch = state.head.is_none_or(|head| head.epoch == news.head.epoch);
        let forgotten = same_epoch && state.head.is_some_and(|head| news.head.seq + 1 < head.seq && news.first_seq <= head.seq);
        state.turn_page(news.head, news.first_seq);
        if frames.is_empty() {
            if news.head.seq >= state.ring.next_seq() {
                state.ring.reset(news.head.seq + 1);
            }
        } else {
            state.ring.push(&Bytes::from(bytes), frames);
        }
        Self::wake(state);
        !forgotten
    }

    fn epoch_differs(&self, head: Head) -> bool {
        self.lock().head.is_some_and(|known| known.epoch != head.epoch)
    }

    /// Takes what Redis says the stream's head is: heals a lost message, a lost purge, a moved epoch.
    pub fn observe(&self, head: Head) {
        let mut state = self.lock();
        let news = match state.head {
            Some(known) => {
                head.epoch != known.epoch
                    || head.generation > known.generation
                    || (head.generation == known.generation && head.seq >= state.ring.next_seq())
            }
            None => true,
        };
        if !news {
            return;
        }
        let same = state.head.is_some_and(|known| known.generation == head.generation);
        state.turn_page(head, head.seq + 1);
        if !same {
            // Where the generation began is not known from here: readers ask.
            state.generation_first_seq = None;
        }
        if head.seq >= state.ring.next_seq() {
            state.ring.reset(head.seq + 1);
        }
        Self::wake(state);
    }

    fn wake(mut state: MutexGuard<'_, State>) {
        state.news += 1;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for signal in waiting {
            signal.wake();
        }
    }
}
