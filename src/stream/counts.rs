//! How many readers this replica has, workspace by workspace, and telling Redis.
//!
//! Statements are absolute and numbered, so none can drift and a late one changes nothing. Opening is stated by the script that
//! reads where the stream stands; closing, renewal and what could not be said go through [`Counts::run`].

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::domain::ids::WorkspaceId;
use crate::lifecycle::Lifecycle;
use crate::store::subscribers::Statement;
use crate::store::{Kind, Store};

/// How often every count is stated again: a third of the lease.
const RENEWAL: Duration = Duration::from_secs(5);
/// Statements of one write at most.
const AT_ONCE: usize = 512;
/// Wait after Redis could not be told.
const RETRY: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Table {
    readers: HashMap<WorkspaceId, (u64, u64)>,
    unsaid: HashSet<WorkspaceId>,
    version: u64,
}

impl Table {
    fn statement(&mut self, workspace: &WorkspaceId) -> Statement {
        self.version += 1;
        let (events, log) = self.readers.get(workspace).copied().unwrap_or_default();
        Statement { workspace: workspace.clone(), version: self.version, events, log }
    }
}

/// The counts of one replica.
pub struct Counts {
    incarnation: String,
    store: Store,
    table: Mutex<Table>,
    nudge: Notify,
}

/// A reader that counts until this is dropped.
pub struct Counted {
    counts: Arc<Counts>,
    workspace: WorkspaceId,
    kind: Kind,
}

impl Counts {
    /// No readers yet, under a random name for this run.
    pub fn new(store: Store) -> Arc<Self> {
        let incarnation = format!("{:016x}", rand::random::<u64>());
        Arc::new(Self { incarnation, store, table: Mutex::default(), nudge: Notify::new() })
    }

    /// The replica's name in the counts.
    pub fn incarnation(&self) -> &str {
        &self.incarnation
    }

    /// Counts a reader here; the statement is for the script that opens the stream.
    pub fn add(self: &Arc<Self>, workspace: &WorkspaceId, kind: Kind) -> (Counted, Statement) {
        let mut table = self.lock();
        let readers = table.readers.entry(workspace.clone()).or_default();
        *slot(readers, kind) += 1;
        let statement = table.statement(workspace);
        (Counted { counts: Arc::clone(self), workspace: workspace.clone(), kind }, statement)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells Redis: at once what has changed, every 5 s everything. At the hard stop it takes leave: all counts go to zero.
    pub async fn run(self: Arc<Self>, life: Lifecycle) {
        let mut renewal = tokio::time::interval(RENEWAL);
        renewal.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let renew = tokio::select! {
                () = life.hard().cancelled() => break,
                () = self.nudge.notified() => false,
                _ = renewal.tick() => true,
            };
            if !self.state(renew).await {
                tokio::time::sleep(RETRY).await;
                self.nudge.notify_one();
            }
        }
        self.lock().readers.values_mut().for_each(|readers| *readers = (0, 0));
        self.state(true).await;
    }

    async fn state(&self, all: bool) -> bool {
        let statements: Vec<_> = {
            let mut table = self.lock();
            let mut workspaces = std::mem::take(&mut table.unsaid);
            if all {
                workspaces.extend(table.readers.keys().cloned());
            }
            workspaces.iter().map(|workspace| table.statement(workspace)).collect()
        };
        for (number, some) in statements.chunks(AT_ONCE).enumerate() {
            if self.store.state_readers(&self.incarnation, some).await.is_err() {
                let left = statements.iter().skip(number * AT_ONCE);
                self.lock().unsaid.extend(left.map(|statement| statement.workspace.clone()));
                return false;
            }
        }
        let mut table = self.lock();
        for statement in &statements {
            // Zero was said: nothing to renew.
            if table.readers.get(&statement.workspace) == Some(&(0, 0)) && statement.events + statement.log == 0 {
                table.readers.remove(&statement.workspace);
            }
        }
        true
    }
}

fn slot(readers: &mut (u64, u64), kind: Kind) -> &mut u64 {
    match kind {
        Kind::Events => &mut readers.0,
        Kind::Log => &mut readers.1,
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut table = self.counts.lock();
        if let Some(readers) = table.readers.get_mut(&self.workspace) {
            let readers = slot(readers, self.kind);
            *readers = readers.saturating_sub(1);
        }
        table.unsaid.insert(self.workspace.clone());
        drop(table);
        self.counts.nudge.notify_one();
    }
}
