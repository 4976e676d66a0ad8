//! How the process stops: first softly, when streams are asked to move elsewhere, then for good. Also the one place
//! that spawns tasks, so that stopping can wait for all of them, and the latches that say whether work is welcome.

mod readiness;
mod signals;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::readiness::{Readiness, Reason};

/// The life of one service in this process; clones share it.
#[derive(Clone, Default)]
pub struct Lifecycle(Arc<Shared>);

#[derive(Default)]
struct Shared {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    readiness: Readiness,
    failed: AtomicBool,
    last_words: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (draining, stopped) = (self.0.soft.is_cancelled(), self.0.hard.is_cancelled());
        let mut life = f.debug_struct("Lifecycle");
        life.field("tasks", &self.tasks()).field("draining", &draining).field("stopped", &stopped).finish_non_exhaustive()
    }
}

impl Lifecycle {
    /// A life that has just begun: nothing spawned, nothing stopped, not ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the drain begins: take no new long work, end what is open within the drain time.
    pub fn soft(&self) -> &CancellationToken {
        &self.0.soft
    }

    /// Cancelled when the drain is over: end now.
    pub fn hard(&self) -> &CancellationToken {
        &self.0.hard
    }

    /// The latches behind `/readyz`.
    pub fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// Begins the drain: not ready from this moment. Calling it again changes nothing.
    pub fn drain(&self) {
        self.0.readiness.drain();
        self.0.soft.cancel();
    }

    /// Ends the drain, begun or not.
    pub fn stop(&self) {
        self.drain();
        self.0.hard.cancel();
    }

    /// Whether a task the service cannot do without has died, so that the process should not exit with 0.
    pub fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Spawns a task that shutdown waits for. It is not aborted by a stop: a task that may outlive a drain watches
    /// [`hard`](Self::hard). A panic ends this task alone and is logged under `name`.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        self.0.tasks.spawn(async move {
            // Nothing of the task is looked at after its panic, so no broken state can be seen.
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!(task.name = name, "a task panicked; this is a bug");
            }
        })
    }

    /// Spawns a loop the service is worthless without. If it panics, or returns before the stop, the process drains
    /// and exits with an error, so that its supervisor starts a whole one.
    pub fn spawn_essential(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        let life = self.clone();
        self.0.tasks.spawn(async move {
            let outcome = AssertUnwindSafe(task).catch_unwind().await;
            if outcome.is_err() || !life.soft().is_cancelled() {
                tracing::error!(task.name = name, task.panicked = outcome.is_err(), "a task the service needs has ended; draining");
                life.0.failed.store(true, Ordering::Relaxed);
                life.drain();
            }
        })
    }

    /// Waits until every task has ended, at most for `limit`. Returns how many are left, 0 if none.
    pub async fn finished(&self, limit: Duration) -> usize {
        self.0.tasks.close();
        let _ = tokio::time::timeout(limit, self.0.tasks.wait()).await;
        self.0.tasks.len()
    }

    /// Tasks now running, for tests and metrics.
    pub fn tasks(&self) -> usize {
        self.0.tasks.len()
    }

    /// Registers what must still be done when a second signal exits at once. It runs on the way out and must not block.
    pub fn at_sudden_exit(&self, last_words: impl FnOnce() + Send + 'static) {
        self.last_words().push(Box::new(last_words));
    }

    fn last_words(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn FnOnce() + Send>>> {
        self.0.last_words.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
