//! The heartbeat of all streams: one task and a wheel of slots, not a timer a reader.
//!
//! A beat that nobody looks at until the next one means that the socket takes nothing: after the stall limit the stream is told
//! to end as a slow consumer, and one beat later its connection is cut. Age and drain go through the same wheel.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::seq::SliceRandom;
use slab::Slab;
use tokio::time::Instant;

use super::signal::{Ending, Signal, Tether};
use crate::lifecycle::Lifecycle;

/// Slots of the wheel: a turn of it is one heartbeat interval.
const SLOTS: usize = 100;
/// Streams end within this part of the drain time, so that the last ones still get their frame.
const DRAIN_PART: f64 = 0.9;

struct Entry {
    signal: Arc<Signal>,
    tether: Arc<Tether>,
    ends_at: Option<Instant>,
    stuck: u32,
}

type Slot = Mutex<Slab<Entry>>;

struct Wheel {
    slots: Vec<Slot>,
    heartbeat: Duration,
    /// Beats not looked at after which a reader is slow.
    patience: u32,
}

/// The wheel. Cheap to clone.
#[derive(Clone)]
pub struct Pulse(Arc<Wheel>);

/// A stream's place in the wheel; dropped, it is out.
pub struct Beating {
    wheel: Arc<Wheel>,
    slot: usize,
    key: usize,
}

impl Pulse {
    /// A wheel that beats every `heartbeat` and calls a reader slow that took nothing for `stall`.
    pub fn new(heartbeat: Duration, stall: Duration) -> Self {
        let patience = (stall.as_secs_f64() / heartbeat.as_secs_f64().max(0.001)).ceil().max(1.0) as u32;
        Self(Arc::new(Wheel { slots: (0..SLOTS).map(|_| Slot::default()).collect(), heartbeat, patience }))
    }

    /// Adds a stream, which is told to end at `ends_at`.
    pub fn add(&self, signal: Arc<Signal>, tether: Arc<Tether>, ends_at: Option<Instant>) -> Beating {
        let slot = rand::random_range(0..SLOTS);
        let entry = Entry { signal, tether, ends_at, stuck: 0 };
        let key = self.slot(slot).map_or(0, |mut entries| entries.insert(entry));
        Beating { wheel: Arc::clone(&self.0), slot, key }
    }

    fn slot(&self, slot: usize) -> Option<std::sync::MutexGuard<'_, Slab<Entry>>> {
        self.0.slots.get(slot).map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Turns the wheel until the hard stop.
    pub async fn run(self, life: Lifecycle) {
        let mut ticks = tokio::time::interval(self.0.heartbeat.div_f64(SLOTS as f64));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        for slot in (0..SLOTS).cycle() {
            tokio::select! {
                () = life.hard().cancelled() => return,
                _ = ticks.tick() => self.beat(slot),
            }
        }
    }

    fn beat(&self, slot: usize) {
        let Some(mut entries) = self.slot(slot) else { return };
        let now = Instant::now();
        for (_, entry) in entries.iter_mut() {
            if entry.ends_at.is_some_and(|at| now >= at) {
                entry.signal.end(Ending::MaxAge);
            }
            if entry.signal.beat() {
                entry.stuck += 1;
                if entry.stuck == self.0.patience {
                    entry.signal.end(Ending::SlowConsumer);
                } else if entry.stuck > self.0.patience {
                    entry.tether.cut();
                }
            } else {
                entry.stuck = 0;
            }
        }
    }

    /// Streams open now.
    pub fn open(&self) -> usize {
        (0..SLOTS).filter_map(|slot| self.slot(slot)).map(|entries| entries.len()).sum()
    }

    /// Ends every stream, spread evenly over `time`, in random order.
    pub async fn drain(&self, time: Duration) {
        let mut signals: Vec<_> = (0..SLOTS)
            .filter_map(|slot| self.slot(slot))
            .flat_map(|entries| entries.iter().map(|(_, entry)| Arc::clone(&entry.signal)).collect::<Vec<_>>())
            .collect();
        signals.shuffle(&mut rand::rng());
        let started = Instant::now();
        let step = time.mul_f64(DRAIN_PART).div_f64(signals.len().max(1) as f64);
        for (number, signal) in signals.into_iter().enumerate() {
            tokio::time::sleep_until(started + step.mul_f64(number as f64)).await;
            signal.end(Ending::Draining);
        }
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        if let Some(slot) = self.wheel.slots.get(self.slot) {
            slot.lock().unwrap_or_else(PoisonError::into_inner).try_remove(self.key);
        }
    }
}
