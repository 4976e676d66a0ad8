//! Pages of history, rendered once and shared by all who replay the same part at the same time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::frame::{self, Frame};
use crate::domain::cursor::Epoch;
use crate::domain::ids::WorkspaceId;
use crate::store::feed::{self, Position};
use crate::store::{Error, Generation, Kind, Store};

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

/// The pages of a replica: those under way, and a bounded number of whole ones.
pub struct Pages {
    store: Store,
    capacity: usize,
    shelf: Mutex<Shelf>,
}

impl Pages {
    /// Keeps up to `capacity` bytes of whole pages.
    pub fn new(store: Store, capacity: usize) -> Arc<Self> {
        Arc::new(Self { store, capacity, shelf: Mutex::default() })
    }

    /// The page with entry `seq`, if it exists by then. Generation and epoch are the caller's; the page may tell of others.
    pub fn fetch(self: &Arc<Self>, workspace: &WorkspaceId, kind: Kind, generation: Generation, epoch: Epoch, seq: u64) -> Fetch {
        let from = (seq - seq % ALIGN).max(1);
        let key = Key { workspace: workspace.clone(), kind, generation, epoch, from };
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = shelf.kept.get(&key) {
            return std::future::ready(Ok(Arc::clone(page))).boxed().shared();
        }
        if let Some(fetch) = shelf.under_way.get(&key) {
            return fetch.clone();
        }
        let pages = Arc::clone(self);
        let own = key.clone();
        let fetch = async move {
            let answer = pages.read(&own).await;
            pages.settle(own, answer.as_ref().ok());
            answer
        }
        .boxed()
        .shared();
        shelf.under_way.insert(key, fetch.clone());
        fetch
    }

    async fn read(&self, key: &Key) -> Result<Arc<Rendered>, Error> {
        let page = self.store.stream_page(&key.workspace, key.kind, key.from).await?;
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
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.under_way.remove(&key);
        let Some(page) =
            page.filter(|page| page.full && page.position.generation == key.generation && page.position.bounds.epoch == key.epoch)
        else {
            return;
        };
        shelf.bytes += page.bytes.len();
        shelf.kept.insert(key.clone(), Arc::clone(page));
        shelf.order.push_back(key);
        while shelf.bytes > self.capacity {
            let Some(oldest) = shelf.order.pop_front() else { break };
            if let Some(gone) = shelf.kept.remove(&oldest) {
                shelf.bytes -= gone.bytes.len();
            }
        }
    }

    /// Forgets all: history was lost, so nothing kept can be trusted.
    pub fn forget(&self) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.kept.clear();
        shelf.order.clear();
        shelf.bytes = 0;
    }
}
