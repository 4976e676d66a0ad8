//! The rows a query found, as bits, and the arithmetic of its pages: ranks, cursors, what comes before and after.

use std::ops::Range;

use super::bits::Bits;
use super::layout::Layout;
use crate::store::columns::BLOCK;

/// Which end of the log comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// Which part of the found rows is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// A page by its number, from 1.
    Page(u64),
    /// The rows next to a cursor: those right after `after`, or right before `before`; with both, those between, from where the
    /// order begins.
    Cursor {
        /// Log seq, exclusive.
        after: Option<u64>,
        /// Log seq, exclusive.
        before: Option<u64>,
    },
}

/// What a page holds, in ranks of the found rows, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The ranks.
    pub ranks: Range<u64>,
    /// The number of the page that begins there.
    pub page: u64,
    /// Whether older rows were found; between two cursors, there.
    pub older: bool,
    /// Whether newer rows were found; between two cursors, there.
    pub newer: bool,
}

/// The rows found.
#[derive(Clone, Debug)]
pub struct Found {
    layout: Layout,
    /// Without a filter, all of the layout.
    hits: Option<Vec<Hits>>,
}

#[derive(Clone, Debug)]
struct Hits {
    block: u64,
    bits: Bits,
    /// How many rows were found in the blocks before.
    before: u64,
}

impl Found {
    /// Every row.
    pub fn all(layout: Layout) -> Self {
        Self { layout, hits: None }
    }

    /// The rows of these blocks, which come in order.
    pub fn some(layout: Layout, blocks: Vec<(u64, Bits)>) -> Self {
        let mut hits = blocks.into_iter().map(|(block, bits)| Hits { block, bits, before: 0 }).collect();
        sum_up(&mut hits);
        Self { layout, hits: Some(hits) }
    }

    /// How many rows.
    pub fn total(&self) -> u64 {
        match &self.hits {
            None => self.layout.count(),
            Some(hits) => hits.last().map_or(0, |last| last.before + last.bits.count()),
        }
    }

    /// How many of the rows stand before `seq`.
    pub fn rank(&self, seq: u64) -> u64 {
        let row = self.layout.row(seq);
        let Some(hits) = &self.hits else {
            return self.layout.rank(row);
        };
        let at = hits.partition_point(|hit| hit.block <= row / BLOCK);
        let Some(hit) = at.checked_sub(1).and_then(|at| hits.get(at)) else {
            return 0;
        };
        let mut bits = hit.bits.clone();
        bits.keep(0..(row - hit.block * BLOCK).min(BLOCK) as u32);
        hit.before + bits.count()
    }

    /// The sequence numbers of these ranks, oldest first.
    pub fn seqs(&self, ranks: Range<u64>) -> Vec<u64> {
        let Some(hits) = &self.hits else {
            return self.layout.rows(ranks).map(|row| self.layout.seq(row)).collect();
        };
        let first = hits.partition_point(|hit| hit.before <= ranks.start).saturating_sub(1);
        let skipped = hits.get(first).map_or(0, |hit| ranks.start.saturating_sub(hit.before));
        let rows = hits.iter().skip(first).flat_map(|hit| hit.bits.rows().map(|row| hit.block * BLOCK + u64::from(row)));
        let count = ranks.end.saturating_sub(ranks.start);
        rows.skip(skipped as usize).take(count as usize).map(|row| self.layout.seq(row)).collect()
    }

    /// Forgets the rows before `seq`, which retention has dropped meanwhile.
    pub fn drop_before(&mut self, seq: u64) {
        let row = self.layout.row(seq);
        self.layout = self.layout.within(row, u64::MAX);
        if let Some(hits) = &mut self.hits {
            for hit in hits.iter_mut() {
                let gone = row.saturating_sub(hit.block * BLOCK).min(BLOCK) as u32;
                hit.bits.keep(gone..BLOCK as u32);
            }
            sum_up(hits);
        }
    }

    /// The page that is asked for. `limit` is at least 1.
    pub fn pick(&self, order: Order, at: At, limit: u64) -> Pick {
        let total = self.total();
        let (mut bounds, mut from_oldest) = (0..total, order == Order::Ascending);
        let mut skip = 0;
        match at {
            At::Page(page) => skip = page.saturating_sub(1).saturating_mul(limit).min(total),
            At::Cursor { after, before } => {
                bounds.start = after.map_or(0, |seq| self.rank(seq.saturating_add(1)));
                bounds.end = before.map_or(total, |seq| self.rank(seq)).max(bounds.start);
                if after.is_some() != before.is_some() {
                    from_oldest = after.is_some();
                }
            }
        }
        let ranks = if from_oldest {
            let start = bounds.start + skip;
            start..start.saturating_add(limit).min(bounds.end)
        } else {
            let end = bounds.end - skip;
            end.saturating_sub(limit).max(bounds.start)..end
        };
        if matches!(at, At::Cursor { after: None, .. } | At::Cursor { before: None, .. }) {
            // One cursor is where to begin, not a bound.
            bounds = 0..total;
        }
        let before = match order {
            Order::Ascending => ranks.start,
            Order::Descending => total - ranks.end,
        };
        let page = match at {
            At::Page(page) => page,
            At::Cursor { .. } => before / limit + 1,
        };
        Pick { page, older: ranks.start > bounds.start, newer: ranks.end < bounds.end, ranks }
    }
}

fn sum_up(hits: &mut Vec<Hits>) {
    let mut before = 0;
    for hit in hits {
        hit.before = before;
        before += hit.bits.count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows 0.. of a log whose base is 100, in two blocks far apart, and the same as a list of seqs.
    fn found(first: Vec<u32>, second: Vec<u32>) -> (Found, Vec<u64>) {
        let layout = Layout::read(100, 101, 100 + 4 * BLOCK, "").unwrap();
        let (mut blocks, mut seqs) = (Vec::new(), Vec::new());
        for (block, rows) in [(0, first), (1, Vec::new()), (3, second)] {
            let mut bits = Bits::none();
            for row in rows {
                bits.add(row);
            }
            seqs.extend(bits.rows().map(|row| 101 + block * BLOCK + u64::from(row)));
            blocks.push((block, bits));
        }
        (Found::some(layout, blocks), seqs)
    }

    fn shown(found: &Found, order: Order, at: At, limit: u64) -> Vec<u64> {
        let mut seqs = found.seqs(found.pick(order, at, limit).ranks);
        if order == Order::Descending {
            seqs.reverse();
        }
        seqs
    }

    proptest! {
        #[test]
        fn pages_and_cursors_agree_with_a_list(
            first in proptest::collection::vec(0u32..65_536, 0..30), second in proptest::collection::vec(0u32..65_536, 0..30),
            page in 1u64..8, limit in 1u64..20, cursor in (0u64..270_000, 0u64..270_000), gone in 0u64..270_000, descending: bool,
        ) {
            let order = if descending { Order::Descending } else { Order::Ascending };
            let (mut found, mut list) = found(first, second);
            for trimmed in [0, gone] {
                found.drop_before(trimmed);
                list.retain(|seq| *seq >= trimmed);
                prop_assert_eq!(found.total(), list.len() as u64);
                prop_assert_eq!(found.rank(cursor.0), list.iter().filter(|seq| **seq < cursor.0).count() as u64);
                let ordered: Vec<u64> = if descending { list.iter().rev().copied().collect() } else { list.clone() };
                let wanted: Vec<u64> = ordered.iter().copied().skip(((page - 1) * limit) as usize).take(limit as usize).collect();
                prop_assert_eq!(shown(&found, order, At::Page(page), limit), wanted);

                let (after, before) = cursor;
                let mut above: Vec<u64> = list.iter().copied().filter(|seq| *seq > after).take(limit as usize).collect();
                let mut below: Vec<u64> = list.iter().rev().copied().filter(|seq| *seq < before).take(limit as usize).collect();
                if descending { above.reverse(); } else { below.reverse(); }
                prop_assert_eq!(shown(&found, order, At::Cursor { after: Some(after), before: None }, limit), above);
                prop_assert_eq!(shown(&found, order, At::Cursor { after: None, before: Some(before) }, limit), below);
                let between: Vec<u64> = ordered.iter().copied().filter(|seq| *seq > after && *seq < before).take(limit as usize).collect();
                prop_assert_eq!(shown(&found, order, At::Cursor { after: Some(after), before: Some(before) }, limit), between);
            }
        }
    }

    #[test]
    fn a_walk_along_cursors_meets_every_row_once_and_counts_its_pages() {
        let found = Found::all(Layout::read(0, 1, 25, "").unwrap());
        let (mut after, mut seen, mut pages) = (0, Vec::new(), Vec::new());
        loop {
            let pick = found.pick(Order::Ascending, At::Cursor { after: Some(after), before: None }, 10);
            pages.push((pick.page, pick.older, pick.newer));
            seen.extend(found.seqs(pick.ranks));
            after = *seen.last().unwrap();
            if !pick.newer {
                break;
            }
        }
        assert_eq!(seen, (1..=25).collect::<Vec<_>>());
        assert_eq!(pages, [(1, false, true), (2, true, true), (3, true, false)]);
    }

    #[test]
    fn a_page_past_the_end_is_empty() {
        let found = Found::all(Layout::read(0, 1, 25, "").unwrap());
        for order in [Order::Ascending, Order::Descending] {
            let pick = found.pick(order, At::Page(u64::MAX), 500);
            assert!(pick.ranks.is_empty());
            assert_eq!((pick.page, pick.older || pick.newer), (u64::MAX, true));
        }
    }
}
