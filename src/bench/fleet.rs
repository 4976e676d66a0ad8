//! The readers of a run: each a task on a socket of its own, which follows one workspace, checks what it gets, and reconnects as a browser
//! would when its stream ends. A reader shares only counters with the others.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Error;
use super::histogram::Histogram;
use super::report::{Report, Unit};
use super::site::{Site, wait_until};
use super::tally::{News, Tally};
use crate::client::{self, More, Stream};

/// So many readers connect at a time, so that the service's listen queue does not overflow before the measurement.
const OPENING: usize = 64;
const READY_SECONDS: u64 = 60;
/// Between the end of a stream and the next attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// Readers that follow their workspaces until this is dropped.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) watch: Arc<Watch>,
    _readers: JoinSet<()>,
}

/// What all readers count together.
#[derive(Debug)]
pub(super) struct Watch {
    site: Arc<Site>,
    since: Option<u64>,
    opening: Semaphore,
    slots: Vec<Slot>,
    ready: AtomicUsize,
    delivered: AtomicU64,
    duplicates: AtomicU64,
    missing: AtomicU64,
    gaps: AtomicU64,
    resets: AtomicU64,
    reconnects: AtomicU64,
    /// Lag of the events sent since [`Watch::measure`].
    pub(super) lag: Histogram,
    measured_from: AtomicU64,
    fault: Mutex<Option<client::Error>>,
}

/// Where one reader stands.
#[derive(Debug, Default)]
struct Slot {
    last: AtomicU64,
    /// When it read that, on the run's clock.
    at: AtomicU64,
}

impl Fleet {
    /// Starts `readers` readers, the same number in each workspace (or one more), live or from behind `since`.
    pub(super) fn start(site: &Arc<Site>, readers: usize, since: Option<u64>) -> Self {
        let watch = Arc::new(Watch {
            site: Arc::clone(site),
            since,
            opening: Semaphore::new(OPENING),
            slots: std::iter::repeat_with(Slot::default).take(readers).collect(),
            ready: AtomicUsize::new(0),
            delivered: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            resets: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            lag: Histogram::new(),
            measured_from: AtomicU64::new(u64::MAX),
            fault: Mutex::new(None),
        });
        let mut tasks = JoinSet::new();
        for reader in 0..readers {
            tasks.spawn(Arc::clone(&watch).follow(reader));
        }
        Self { watch, _readers: tasks }
    }

    /// Waits until every reader has its first frame.
    pub(super) async fn ready(&self) -> Result<(), Error> {
        let readers = self.watch.slots.len();
        let ready = || self.watch.ready.load(Ordering::Relaxed);
        if wait_until(Duration::from_secs(READY_SECONDS), || ready() >= readers).await {
            return Ok(());
        }
        let fault = self.watch.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = fault.as_ref().map_or_else(|| "none".to_owned(), client::Error::in_full);
        Err(Error::NotReady { ready: ready(), readers, seconds: READY_SECONDS, fault })
    }

    /// Waits until every reader has had the last event of its workspace, given as `latest`, but no longer than `limit`. What is not had
    /// then counts as missing. Returns when the last reader got there, on the run's clock.
    pub(super) async fn caught_up(&self, latest: &[u64], limit: Duration) -> u64 {
        let behind = |reader: usize| {
            let last = self.watch.slots[reader].last.load(Ordering::Relaxed);
            latest[reader % latest.len()].saturating_sub(last)
        };
        let readers = 0..self.watch.slots.len();
        wait_until(limit, || readers.clone().all(|reader| behind(reader) == 0)).await;
        let missing: u64 = readers.map(behind).sum();
        self.watch.missing.fetch_add(missing, Ordering::Relaxed);
        self.watch.slots.iter().map(|slot| slot.at.load(Ordering::Relaxed)).max().unwrap_or(0)
    }
}

impl Watch {
    /// From now on lag counts.
    pub(super) fn measure(&self) {
        self.measured_from.store(self.site.now(), Ordering::Relaxed);
    }

    /// Events delivered, each reader's counted.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Events that need no more waiting for: delivered or known to be missing.
    pub(super) fn settled(&self) -> u64 {
        self.delivered() + self.missing.load(Ordering::Relaxed)
    }

    /// How many readers follow a workspace, given by its place in the site's list.
    pub(super) fn readers_of(&self, workspace: usize) -> u64 {
        let (readers, workspaces) = (self.slots.len(), self.site.workspaces.len());
        (readers / workspaces + usize::from(workspace < readers % workspaces)) as u64
    }

    /// Adds what went wrong, which should be nothing.
    pub(super) fn report_faults(&self, report: &mut Report) {
        for (key, label, count) in [
            ("duplicates", "duplicates", &self.duplicates),
            ("missing", "missing", &self.missing),
            ("gap_frames", "stream.gap frames", &self.gaps),
            ("reset_frames", "stream.reset frames", &self.resets),
            ("reconnects", "reconnects", &self.reconnects),
        ] {
            report.add(key, label, count.load(Ordering::Relaxed) as f64, Unit::Fault);
        }
    }

    async fn follow(self: Arc<Self>, reader: usize) {
        let workspaces = self.site.workspaces.len();
        let mut tally = Tally::new(self.since);
        let mut attempt = reader % workspaces + reader / workspaces;
        let mut ready = false;
        loop {
            if let Err(fault) = self.connection(reader, attempt, &mut tally, &mut ready).await {
                *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
            }
            if ready {
                self.reconnects.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(PAUSE).await;
            tally.reconnected();
            attempt += 1;
        }
    }

    /// Follows one stream to its end. The replica is the `attempt`-th in turn, so that a reader of a lost one moves on.
    async fn connection(&self, reader: usize, attempt: usize, tally: &mut Tally, ready: &mut bool) -> Result<(), client::Error> {
        let base = &self.site.bases[attempt % self.site.bases.len()];
        let workspace = &self.site.workspaces[reader % self.site.workspaces.len()];
        let route = self.since.map_or_else(|| "events".to_owned(), |since| format!("events?since_seq={since}"));
        let mut stream = {
            // Fails only if the semaphore is closed, which nobody does.
            let _permit = self.opening.acquire().await;
            Stream::open(base, &base.path(workspace, &route), tally.cursor().as_deref()).await?
        };
        loop {
            let mut news = News::default();
            let more = stream.read(|piece| self.take(piece, tally, &mut news)).await?;
            self.count(reader, &news, tally);
            if news.ready && !std::mem::replace(ready, true) {
                self.ready.fetch_add(1, Ordering::Relaxed);
            }
            if more == More::No {
                return Ok(());
            }
        }
    }

    fn take(&self, piece: &[u8], tally: &mut Tally, news: &mut News) {
        let now = self.site.now();
        let from = self.measured_from.load(Ordering::Relaxed);
        tally.feed(piece, news, |sent| {
            if sent >= from {
                self.lag.record(now.saturating_sub(sent));
            }
        });
    }

    fn count(&self, reader: usize, news: &News, tally: &Tally) {
        if let Some(last) = tally.last() {
            self.slots[reader].last.store(last, Ordering::Relaxed);
        }
        if news.delivered > 0 {
            self.slots[reader].at.store(self.site.now(), Ordering::Relaxed);
            self.delivered.fetch_add(news.delivered, Ordering::Relaxed);
        }
        for (total, new) in
            [(&self.duplicates, news.duplicates), (&self.missing, news.missing), (&self.gaps, news.gaps), (&self.resets, news.resets)]
        {
            if new > 0 {
                total.fetch_add(new, Ordering::Relaxed);
            }
        }
    }
}
