//! Parts of the log's columns that never change again, kept so that paging through a filter does not fetch them again and again.
//!
//! A cache only: whatever is in it is in Redis too. Bounded by bytes. What one query has used is not given up for another part of
//! the same query: a scan of more than fits then finds again what did fit, instead of chasing its own tail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::domain::ids::WorkspaceId;
use crate::store::columns::Column;
use crate::store::keys::Generation;

/// Part of a block's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A column of 8 bytes a row.
    Cells(Column),
    /// A window of the titles and targets, by its number.
    Text(u32),
}

/// The history that a part belongs to: with another epoch or base, the same key in Redis holds other rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct History {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The generation.
    pub generation: Generation,
    /// The epoch, as stored.
    pub epoch: String,
    /// The sequence number before row 0.
    pub base: u64,
}

/// The parts kept.
#[derive(Debug)]
pub struct Cache {
    most_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    histories: HashMap<Arc<History>, HashMap<(u64, Part), Entry>>,
    bytes: usize,
    turn: u64,
}

#[derive(Debug)]
struct Entry {
    bytes: Bytes,
    used: u64,
}

/// What an entry costs beside its bytes.
const OVERHEAD: usize = 256;

impl Cache {
    /// A cache of at most `most_bytes`.
    pub fn new(most_bytes: usize) -> Self {
        Self { most_bytes, kept: Mutex::default() }
    }

    /// A query begins; its number goes with all it asks.
    pub fn begin(&self) -> u64 {
        let mut kept = self.lock();
        kept.turn += 1;
        kept.turn
    }

    /// A part, if it is here.
    pub fn get(&self, turn: u64, history: &Arc<History>, block: u64, part: Part) -> Option<Bytes> {
        let mut kept = self.lock();
        let entry = kept.histories.get_mut(history)?.get_mut(&(block, part))?;
        entry.used = entry.used.max(turn);
        Some(entry.bytes.clone())
    }

    /// Keeps a part that will not change, if there is room or somebody else's to be had.
    pub fn put(&self, turn: u64, history: &Arc<History>, block: u64, part: Part, bytes: &Bytes) {
        let mut kept = self.lock();
        let size = bytes.len() + OVERHEAD;
        while kept.bytes + size > self.most_bytes {
            if !kept.drop_oldest(turn) {
                return;
            }
        }
        let entry = Entry { bytes: bytes.clone(), used: turn };
        let before = kept.histories.entry(Arc::clone(history)).or_default().insert((block, part), entry);
        kept.bytes += size;
        kept.bytes -= before.map_or(0, |before| before.bytes.len() + OVERHEAD);
    }

    /// Forgets a workspace: Redis turned out to know less than was seen.
    pub fn forget(&self, workspace: &WorkspaceId) {
        let mut kept = self.lock();
        kept.histories.retain(|history, _| history.workspace != *workspace);
        kept.bytes = kept.histories.values().flat_map(HashMap::values).map(|entry| entry.bytes.len() + OVERHEAD).sum();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Drops the part that was last used longest ago, before `turn`. There are a few hundred parts: looking at all is cheap.
    fn drop_oldest(&mut self, turn: u64) -> bool {
        let all = self.histories.iter().flat_map(|(history, parts)| parts.iter().map(move |(place, entry)| (entry.used, history, *place)));
        let oldest = all.filter(|(used, ..)| *used < turn).min_by_key(|(used, ..)| *used);
        let Some((history, place)) = oldest.map(|(_, history, place)| (Arc::clone(history), place)) else {
            return false;
        };
        if let Some(parts) = self.histories.get_mut(&history) {
            self.bytes -= parts.remove(&place).map_or(0, |entry| entry.bytes.len() + OVERHEAD);
            if parts.is_empty() {
                self.histories.remove(&history);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(name: &str) -> Arc<History> {
        let workspace = WorkspaceId::parse(name).unwrap();
        Arc::new(History { workspace, generation: Generation(1), epoch: "00000001".into(), base: 0 })
    }

    const PART: Part = Part::Text(0);

    fn part() -> Bytes {
        vec![7; 1000].into()
    }

    #[test]
    fn the_longest_unused_goes_first_and_bytes_are_bounded() {
        let cache = Cache::new(4 * (1000 + OVERHEAD));
        let mine = history("a");
        for block in 0..4 {
            cache.put(cache.begin(), &mine, block, PART, &part());
        }
        assert!(cache.get(cache.begin(), &mine, 0, PART).is_some());
        cache.put(cache.begin(), &history("b"), 0, PART, &part());
        let held = |block| cache.get(0, &mine, block, PART).is_some();
        assert_eq!((0..4).map(held).collect::<Vec<_>>(), [true, false, true, true]);
        assert!(cache.lock().bytes <= cache.most_bytes);
    }

    #[test]
    fn a_scan_of_more_than_fits_finds_again_what_fitted() {
        let cache = Cache::new(4 * (1000 + OVERHEAD));
        let mine = history("a");
        for _ in 0..3 {
            let turn = cache.begin();
            for block in 0..8 {
                if cache.get(turn, &mine, block, PART).is_none() {
                    cache.put(turn, &mine, block, PART, &part());
                }
            }
        }
        assert_eq!((0..8).filter(|block| cache.get(0, &mine, *block, PART).is_some()).count(), 4);
    }

    #[test]
    fn a_workspace_can_be_forgotten() {
        let cache = Cache::new(1 << 20);
        for name in ["a", "b"] {
            cache.put(cache.begin(), &history(name), 0, PART, &part());
        }
        cache.forget(&WorkspaceId::parse("a").unwrap());
        assert!(cache.get(0, &history("a"), 0, PART).is_none());
        assert!(cache.get(0, &history("b"), 0, PART).is_some());
        assert_eq!(cache.lock().bytes, 1000 + OVERHEAD);
    }
}
