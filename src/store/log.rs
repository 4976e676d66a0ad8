//! Reading the log: pages, counts and walks of a million rows, filtered by their columns.
//!
//! Every query looks at the head of the log once and then at rows up to it, which never change; what appends come meanwhile are not
//! seen. Only retention can take away what a query has counted on: it then looks again. Correct without the cache.

mod bits;
mod cache;
mod cells;
mod found;
mod layout;
mod page;
mod plan;
mod rows;
mod scan;
mod walk;
mod words;

use std::sync::Arc;

use redis::FromRedisValue;
use tokio::sync::Semaphore;

pub use found::{At, Order};
pub use page::{Page, Query};
pub use rows::entries;
pub use walk::Walk;

use self::cache::{Cache, History};
use self::layout::Layout;
use super::Store;
use super::connection::noted;
use super::error::Error;
use super::keys::{Generation, Kind};
use crate::domain::ids::WorkspaceId;

/// Bytes of complete columns that a replica keeps.
const CACHE_BYTES: usize = 128 * 1024 * 1024;
/// Scans of columns at once; others wait. With what one scan holds, this bounds the memory of all.
const SCANS: usize = 4;
/// How often a query looks again because retention was faster.
const ATTEMPTS: usize = 8;

/// What the queries of one replica share.
#[derive(Debug)]
pub struct Log {
    cache: Cache,
    permits: Semaphore,
}

impl Default for Log {
    fn default() -> Self {
        Self { cache: Cache::new(CACHE_BYTES), permits: Semaphore::new(SCANS) }
    }
}

/// Where the log stands at one point in time.
#[derive(Clone, Debug)]
struct Head {
    history: Arc<History>,
    layout: Layout,
    /// The oldest row's number; one past the newest if none is kept, 0 if none ever was.
    first: u64,
}

/// `gen`, `epoch`, `lseq`, `lfirst`, `lbase`, `lholes` of `meta`.
type Fields = (Option<u64>, Option<String>, Option<u64>, Option<u64>, Option<u64>, Option<String>);

impl Store {
    async fn log_head(&self, workspace: &WorkspaceId) -> Result<Head, Error> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.keys.meta(workspace)).arg(&["gen", "epoch", "lseq", "lfirst", "lbase", "lholes"]);
        let (generation, epoch, last, first, base, holes): Fields = self.connections.run(&command).await?;
        let (last, first, base) = (last.unwrap_or(0), first.unwrap_or(0), base.unwrap_or(0));
        let known = self.memory.of(workspace);
        if last < known.seq(Kind::Log) {
            // Redis has lost history. The next append moves the epoch, but until then the same names may stand for other rows.
            self.log.cache.forget(workspace);
        }
        known.saw_seq(Kind::Log, last);
        let layout = Layout::read(base, first, last, &holes.unwrap_or_default())
            .ok_or_else(|| Error::Corrupt("a log numbered in a way that cannot be".into()))?;
        let history = Arc::new(History {
            workspace: workspace.clone(),
            generation: Generation(generation.unwrap_or(1)),
            epoch: epoch.unwrap_or_default(),
            base,
        });
        Ok(Head { history, layout, first })
    }

    fn log_stream(&self, history: &History) -> String {
        self.keys.stream(&history.workspace, history.generation, Kind::Log)
    }
}

/// A pipeline on a connection of the pool.
pub async fn query<T: FromRedisValue>(pipeline: &redis::Pipeline, connection: &mut deadpool_redis::Connection) -> Result<T, Error> {
    pipeline.query_async(connection).await.map_err(noted)
}
