//! Acts on timers that are due: a question's deadline, retention, a purged generation.
//!
//! A timer stays until it was acted on, and what it does may be done twice: a replica that dies leaves its timers to the others, who find
//! them when its lease on the workspace has ended.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;

use crate::domain::ids::{QuestionId, WorkspaceId};
use crate::domain::txn::Timer;
use crate::lifecycle::Lifecycle;
use crate::service::{self, Expiry, Service};
use crate::store::collect::Garbage;
use crate::store::retention::Left;
use crate::store::timers::{Due, Taken};
use crate::store::{self, Store};

/// Between two looks, in ms, drawn anew each time so that replicas do not look in step. A deadline is kept within a second.
const PERIOD_MS: std::ops::Range<u64> = 200..300;
/// When a timer is tried again that could not be acted on, in ms.
const AGAIN_MS: u64 = 1_000;
/// When retention is tried again that was broken off, in ms.
const RETAIN_MS: u64 = 10_000;
/// Workspaces looked at side by side.
const SIDE_BY_SIDE: usize = 16;

/// Why a timer could not be acted on.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Service(#[from] service::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What became of a timer.
enum Act {
    /// It is over, and removed.
    Over,
    /// It stays, and is due by its own time.
    Later,
    /// It stays, and has more to do at once.
    More,
}

/// Looks for due timers until the stop.
pub async fn run(service: Service, store: Store, life: Lifecycle) {
    let hard = life.hard().clone();
    let mut failing = false;
    loop {
        let period = Duration::from_millis(rand::random_range(PERIOD_MS));
        if tokio::time::timeout(period, hard.cancelled()).await.is_ok() {
            return;
        }
        match store.due_workspaces().await {
            Ok(taken) => {
                failing = false;
                stream::iter(taken).for_each_concurrent(SIDE_BY_SIDE, |taken| look(&service, &store, taken)).await;
            }
            // Once, not four times a second: while Redis is away there is nothing else to say.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(error = &error as &dyn std::error::Error, "due timers cannot be looked for; deadlines wait");
            }
            Err(_) => {}
        }
    }
}

/// A failure leaves the workspace to its lease: it is looked at again when that has ended.
async fn look(service: &Service, store: &Store, taken: Taken) {
    if let Err(error) = act_on_all(service, store, &taken).await {
        tracing::warn!(workspace = %taken.workspace, error = &error as &dyn std::error::Error, "due timers could not be acted on; again soon");
    }
}

async fn act_on_all(service: &Service, store: &Store, taken: &Taken) -> Result<(), Error> {
    let due = store.due_timers(&taken.workspace).await?;
    let (mut more, mut failed) = (due.is_full(), false);
    for timer in &due.timers {
        match act(service, store, &taken.workspace, &due, timer).await {
            Ok(Act::Over | Act::Later) => {}
            Ok(Act::More) => more = true,
            Err(error) => {
                failed = true;
                let error: &dyn std::error::Error = &error;
                tracing::warn!(workspace = %taken.workspace, error, "a due timer could not be acted on; again soon");
            }
        }
    }
    // Acting may have set timers anew: ask again when the next one is.
    let next = if more {
        Some(due.now)
    } else if failed {
        Some(due.now + AGAIN_MS)
    } else if due.timers.is_empty() {
        due.next
    } else {
        let after = store.due_timers(&taken.workspace).await?;
        if after.timers.is_empty() { after.next } else { Some(after.now) }
    };
    Ok(store.timers_done(taken, next).await?)
}

async fn act(service: &Service, store: &Store, workspace: &WorkspaceId, due: &Due, timer: &str) -> Result<Act, Error> {
    if let Some(id) = timer.strip_prefix("q ").and_then(|id| QuestionId::parse(id).ok()) {
        if let Expiry::Later(Some(at)) = service.expire(workspace, &id).await? {
            store.set_timer(workspace, at, &Timer::QuestionDeadline(id)).await?;
            return Ok(Act::Later);
        }
        // Expiring removed it; after a purge, or when somebody else ended the question, it is still there.
        store.clear_timer(workspace, timer).await?;
        return Ok(Act::Over);
    }
    if let Some(garbage) = Garbage::parse(timer) {
        store.collect(workspace, due.generation, garbage).await?;
        store.clear_timer(workspace, timer).await?;
        return Ok(Act::Over);
    }
    if timer == store::codec::timer_text(&Timer::Retention) {
        return retain(store, workspace, due).await;
    }
    tracing::error!(%workspace, "a timer of an unknown kind is removed");
    store.clear_timer(workspace, timer).await?;
    Ok(Act::Over)
}

/// Puts the timer off first and settles it afterwards only if it is still there: limits changed meanwhile set it anew.
async fn retain(store: &Store, workspace: &WorkspaceId, due: &Due) -> Result<Act, Error> {
    let until = due.now + RETAIN_MS;
    store.set_timer(workspace, until, &Timer::Retention).await?;
    let (next, act) = match store.retain(workspace, due.now).await? {
        Left::More => (Some(due.now), Act::More),
        Left::Until(at) => (Some(at), Act::Later),
        Left::Nothing => (None, Act::Over),
    };
    store.settle_timer(workspace, &Timer::Retention, until, next).await?;
    Ok(act)
}
