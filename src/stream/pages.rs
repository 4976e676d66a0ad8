//! Pages of history, rendered once and shared by all who replay the same part at the same time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::oneshot;

use super::frame::{self, Frame};
use crate::domain::cursor::Epoch;
use crate::domain::ids::WorkspaceId;
use crate::lifecycle::Lifecycle;
use crate::store::feed::{self, Position};
use crate::store::{Error, Generation, Kind};

/// Pages start at multiples of this, so that readers with nearby cursors share them.
const ALIGN: u64 = 16;

/// A page, ready to send.
#[derive(Debug)]
pub struct Rendered {
    /// Where the stream stood when the page was read.
    pub position: Position,
    /// Its frames, in order.
    pub frames: Vec<Frame>,
    /// Their bytes, back to back.
    pub bytes: Bytes,
    /// Whether the stream goes on behind the page.
    pub full: bool,
}

impl Rendered {
    /// Index of the first frame numbered `seq` or later.
    pub fn index_of(&self, seq: u64) -> usize {
        self.frames.partition_point(|frame| frame.seq < seq)
    }

    /// The bytes of one frame.
    pub fn frame_bytes(&self, frame: &Frame) -> &[u8] {
        self.bytes.get(frame.start as usize..frame.end() as usize).unwrap_or_default()
    }
}

/// A page on its way; clones share it.
pub type Fetch = Shared<BoxFuture<'static, Result<Arc<Rendered>, Error>>>;

/// Which page: the epoch too, since what was kept before history was lost may never have been.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    workspace: WorkspaceId,
    kind: Kind,
    generation: Generation,
    epoch: Epoch,
    from: u64,
}

#[derive(Default)]
struct Shelf {
    under_way: HashMap<Key, Fetch>,
    kept: HashMap<Key, Arc<Rendered>>,
    order: VecDeque<Key>,
    bytes: usize,
}

/// Where entries come from: a stream's from some number on.
pub type Source = Box<dyn Fn(WorkspaceId, Kind, u64) -> BoxFuture<'static, Result<feed::Page, Error>> + Send + Sync>;

/// The pages of a replica: those under way, and a bounded number of whole ones.
pub struct Pages {
    source: Source,
    life: Lifecycle,
    capacity: usize,
    shelf: Mutex<Shelf>,
}

impl Pages {
    /// Keeps up to `capacity` bytes of whole pages.
    pub fn new(source: Source, capacity: usize, life: Lifecycle) -> Arc<Self> {
        Arc::new(Self { source, life, capacity, shelf: Mutex::default() })
    }

    /// The page with entry `seq`, if it exists by then. Generation and epoch are the caller's; the page may tell of others.
    pub fn fetch(self: &Arc<Self>, workspace: &WorkspaceId, kind: Kind, generation: Generation, epoch: Epoch, seq: u64) -> Fetch {
        let from = (seq - seq % ALIGN).max(1);
        let key = Key { workspace: workspace.clone(), kind, generation, epoch, from };
        let mut held = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = held.kept.get(&key) {
            return std::future::ready(Ok(Arc::clone(page))).boxed().shared();
        }
        if let Some(fetch) = held.under_way.get(&key) {
            return fetch.clone();
        }
        let pages = Arc::clone(self);
        let own = key.clone();
        let (done, answer) = oneshot::channel();
        // A task of its own: whoever asked may go away, and a connection must not stay behind in a future nobody polls.
        self.life.spawn("page", async move {
            let answer = pages.read(&own).await;
            pages.settle(own, answer.as_ref().ok());
            let _ = done.send(answer);
        });
        let fetch = answer.map(|answer| answer.unwrap_or(Err(Error::Closed))).boxed().shared();
        held.under_way.insert(key, fetch.clone());
        fetch
    }

    async fn read(&self, key: &Key) -> Result<Arc<Rendered>, Error> {
        let page = (self.source)(key.workspace.clone(), key.kind, key.from).await?;
        let epoch = frame::epoch_text(page.position.bounds.epoch);
        let mut bytes = Vec::with_capacity(page.entries.iter().map(|entry| entry.line.len() + 96).sum());
        let mut frames = Vec::with_capacity(page.entries.len());
        for entry in &page.entries {
            frames.push(frame::render(&mut bytes, key.kind, &epoch, entry.seq, feed::parts(&entry.line)?));
        }
        Ok(Arc::new(Rendered { position: page.position, frames, bytes: bytes.into(), full: page.full }))
    }

    /// The page is there: the next one who asks reads anew, or gets it from the shelf if it can never change.
    fn settle(&self, key: Key, page: Option<&Arc<Rendered>>) {
        let mut held = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        held.under_way.remove(&key);
        let Some(page) =
            page.filter(|page| page.full && page.position.generation == key.generation && page.position.bounds.epoch == key.epoch)
        else {
            return;
        };
        held.bytes += page.bytes.len();
        held.kept.insert(key.clone(), Arc::clone(page));
        held.order.push_back(key);
        while held.bytes > self.capacity {
            let Some(oldest) = held.order.pop_front() else { break };
            if let Some(gone) = held.kept.remove(&oldest) {
                held.bytes -= gone.bytes.len();
            }
        }
    }

    /// Forgets all: history was lost, so nothing kept can be trusted.
    pub fn forget(&self) {
        let mut held = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        held.kept.clear();
        held.order.clear();
        held.bytes = 0;
    }
}
