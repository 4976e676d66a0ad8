//! The whole filtered log, a few rows at a time: what an export reads, at the pace of who takes it.
//!
//! A walk sees the rows that were there when it began. Rows that retention drops before their turn are left out only where the log
//! then begins: in front of the first row given, or after the last of a walk from the newest. Otherwise the walk fails.

use std::collections::VecDeque;
use std::ops::Range;

use super::bits::Bits;
use super::found::Order;
use super::plan::Plan;
use super::scan::Scan;
use super::{ATTEMPTS, Head, rows};
use crate::domain::ids::WorkspaceId;
use crate::domain::logquery::LogFilter;
use crate::store::Store;
use crate::store::error::Error;
use crate::store::feed::Entry;

/// Bytes to read at once, as far as rows are of like size.
const STEP_BYTES: usize = 256 * 1024;
/// Rows to read at once before their size is known, and at most.
const FIRST_STEP: usize = 64;
const MOST: usize = 1024;

/// A walk over the log.
pub struct Walk {
    store: Store,
    head: Head,
    order: Order,
    plan: Option<Plan>,
    /// Blocks not yet looked at, in the walk's order.
    blocks: VecDeque<(u64, Range<u32>)>,
    /// Numbers of rows found and not yet read, in the walk's order.
    found: VecDeque<u64>,
    step: usize,
    begun: bool,
}

impl Store {
    /// Begins a walk over the rows that `filter` lets through, between the cursors (log seq, exclusive).
    pub async fn log_walk(
        &self,
        workspace: &WorkspaceId,
        filter: &LogFilter,
        order: Order,
        (after, before): (Option<u64>, Option<u64>),
    ) -> Result<Walk, Error> {
        let head = self.log_head(workspace).await?;
        let from = after.map_or(0, |seq| head.layout.row(seq.saturating_add(1)));
        let end = before.map_or(u64::MAX, |seq| head.layout.row(seq));
        let mut blocks: VecDeque<_> = head.layout.within(from, end).blocks().collect();
        if order == Order::Descending {
            blocks.make_contiguous().reverse();
        }
        let plan = Plan::of(filter);
        Ok(Walk { store: self.clone(), head, order, plan, blocks, found: VecDeque::new(), step: FIRST_STEP, begun: false })
    }
}

impl Walk {
    /// The next rows; `None` at the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Result<Option<Vec<Entry>>, Error> {
        for _attempt in 0..ATTEMPTS {
            if !self.search().await? {
                return Ok(None);
            }
            if let Some(rows) = self.read().await? {
                self.begun = true;
                return Ok(Some(rows));
            }
            self.drop_trimmed().await?;
        }
        Err(Error::Contended)
    }

    /// Looks at blocks until rows are found; false when there are none left. A block whose columns are gone stays, with nothing found.
    async fn search(&mut self) -> Result<bool, Error> {
        while self.found.is_empty() {
            let Some((block, rows)) = self.blocks.pop_front() else { return Ok(false) };
            let mut bits = Bits::none();
            bits.add_all(rows.clone());
            if let Some(plan) = &self.plan {
                let scan = Scan::new(&self.store, &self.head.history, &self.head.layout);
                let Ok(mut blocks) = scan.run(plan, vec![(block, bits)]).await? else {
                    self.blocks.push_front((block, rows));
                    return Ok(true);
                };
                // A block without hits may have been left out.
                bits = blocks.pop().map_or_else(Bits::none, |(_, bits)| bits);
            }
            self.take(block, &bits);
        }
        Ok(true)
    }

    fn take(&mut self, block: u64, bits: &Bits) {
        let first = self.head.layout.seq(block * crate::store::columns::BLOCK);
        self.found = bits.rows().map(|row| first + u64::from(row)).collect();
        if self.order == Order::Descending {
            self.found.make_contiguous().reverse();
        }
    }

    /// Reads the next rows found, all of them or none.
    async fn read(&mut self) -> Result<Option<Vec<Entry>>, Error> {
        if self.found.is_empty() {
            return Ok(None);
        }
        let mut seqs: Vec<u64> = self.found.iter().take(self.step).copied().collect();
        if self.order == Order::Descending {
            seqs.reverse();
        }
        let stream = self.store.log_stream(&self.head.history);
        let mut rows = rows::fetch(&mut self.store.connections.pooled().await?, &stream, &seqs).await?;
        if rows.len() < seqs.len() {
            return Ok(None);
        }
        self.found.drain(..seqs.len());
        if self.order == Order::Descending {
            rows.reverse();
        }
        let bytes: usize = rows.iter().map(|row| row.line.len()).sum();
        self.step = (STEP_BYTES * rows.len() / bytes.max(1)).clamp(1, MOST);
        Ok(Some(rows))
    }

    /// Leaves out what retention has dropped, where that makes no hole.
    async fn drop_trimmed(&mut self) -> Result<(), Error> {
        let now = self.store.log_head(&self.head.history.workspace).await?;
        let purged = now.history != self.head.history;
        if purged || (self.begun && self.order == Order::Ascending) {
            return Err(Error::Contended);
        }
        self.found.retain(|seq| *seq >= now.first);
        let row = self.head.layout.row(now.first);
        self.blocks = std::mem::take(&mut self.blocks)
            .into_iter()
            .filter_map(|(block, rows)| {
                let gone = row.saturating_sub(block * crate::store::columns::BLOCK).min(u64::from(rows.end)) as u32;
                let rows = rows.start.max(gone)..rows.end;
                (!rows.is_empty()).then_some((block, rows))
            })
            .collect();
        Ok(())
    }
}
