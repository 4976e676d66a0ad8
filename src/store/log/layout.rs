//! Where the log's rows stand: from sequence numbers to row numbers, blocks and ranks, and back. Arithmetic only.
//!
//! Rows of a generation are numbered from 0: row = seq − base − 1. What is kept is one range of row numbers, less the holes that
//! a loss of history left, so that counting and finding the n-th row of an unfiltered log needs no index.

use std::ops::Range;

use crate::store::columns::BLOCK;

/// The rows that are kept, at one point in time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The sequence number before row 0.
    base: u64,
    /// Row numbers that are kept, in order, none empty, none touching.
    runs: Vec<Range<u64>>,
}

impl Layout {
    /// The layout that `meta` tells: `first` is the oldest kept seq (0 when there never was one), `last` the newest number given
    /// out, `holes` the row numbers skipped, as `from:to,` each. `None` if that cannot be.
    pub fn read(base: u64, first: u64, last: u64, holes: &str) -> Option<Self> {
        let mut layout = Self { base, runs: Vec::new() };
        if first == 0 {
            return Some(layout);
        }
        let (mut from, end) = (first.checked_sub(base + 1)?, last.checked_sub(base)?);
        for hole in holes.split_terminator(',') {
            let (start, stop) = hole.split_once(':')?;
            let (start, stop): (u64, u64) = (start.parse().ok()?, stop.parse().ok()?);
            layout.push(from..start.min(end));
            from = from.max(stop);
        }
        layout.push(from..end);
        Some(layout)
    }

    fn push(&mut self, run: Range<u64>) {
        if run.start < run.end {
            self.runs.push(run);
        }
    }

    /// The row of a sequence number; what is not above the base counts as row 0.
    pub fn row(&self, seq: u64) -> u64 {
        seq.saturating_sub(self.base + 1)
    }

    /// The sequence number of a row.
    pub fn seq(&self, row: u64) -> u64 {
        self.base + 1 + row
    }

    /// How many rows are kept.
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|run| run.end - run.start).sum()
    }

    /// How many rows stand before `row`.
    pub fn rank(&self, row: u64) -> u64 {
        self.runs.iter().map(|run| run.end.min(row).saturating_sub(run.start)).sum()
    }

    /// The rows of these ranks, oldest first.
    pub fn rows(&self, ranks: Range<u64>) -> impl Iterator<Item = u64> + '_ {
        let mut before = 0;
        self.runs.iter().flat_map(move |run| {
            let length = run.end - run.start;
            let low = ranks.start.clamp(before, before + length) - before;
            let high = ranks.end.clamp(before, before + length) - before;
            before += length;
            run.start + low..run.start + high
        })
    }

    /// Without the rows before `row` and those from `end` on.
    #[must_use]
    pub fn within(&self, row: u64, end: u64) -> Self {
        let mut layout = Self { base: self.base, runs: Vec::new() };
        for run in &self.runs {
            layout.push(run.start.max(row)..run.end.min(end));
        }
        layout
    }

    /// The blocks that hold rows, each with the row numbers inside of it, oldest first. A block with a hole in it comes once a run.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = (u64, Range<u32>)> + '_ {
        self.runs.iter().flat_map(|run| {
            (run.start / BLOCK..=(run.end - 1) / BLOCK).map(move |block| {
                let inside = |row: u64| (row.max(block * BLOCK) - block * BLOCK).min(BLOCK) as u32;
                (block, inside(run.start)..inside(run.end))
            })
        })
    }

    /// Whether the block has got all its rows, so that its columns never change again.
    pub fn is_complete(&self, block: u64) -> bool {
        self.runs.last().is_some_and(|run| run.end >= (block + 1) * BLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write as _;

    #[test]
    fn an_empty_log_has_no_rows() {
        let never = Layout::read(0, 0, 0, "").unwrap();
        let trimmed = Layout::read(10, 21, 20, "").unwrap();
        for layout in [never, trimmed] {
            assert_eq!((layout.count(), layout.blocks().count(), layout.rows(0..9).count()), (0, 0, 0));
        }
    }

    #[test]
    fn a_hole_is_no_rows() {
        // Rows 0, 1 and then 65,536 and 65,537: seqs 101, 102, 65637, 65638.
        let layout = Layout::read(100, 101, 65_638, "2:65536,").unwrap();
        assert_eq!(layout.count(), 4);
        assert_eq!(layout.rows(1..3).map(|row| layout.seq(row)).collect::<Vec<_>>(), [102, 65_637]);
        assert_eq!(layout.rank(layout.row(60_000)), 2);
        assert_eq!(layout.blocks().collect::<Vec<_>>(), [(0, 0..2), (1, 0..2)]);
        assert!(layout.is_complete(0));
        assert!(!layout.is_complete(1));
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        assert_eq!(Layout::read(10, 5, 20, ""), None);
        assert_eq!(Layout::read(0, 1, 20, "x:3,"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn ranks_rows_and_blocks_agree_with_a_list(
            base in 0u64..1000, first in 0u64..200_000, length in 0u64..300_000, cuts in proptest::collection::vec((1u64..70_000, 1u64..90_000), 0..4),
            ranks in (0u64..300_000, 0u64..600), window in (0u64..400_000, 0u64..400_000),
        ) {
            // Holes begin after some rows and end before the newest.
            let (mut at, mut holes, mut text) = (first, Vec::new(), String::new());
            for (rows, gap) in cuts {
                holes.push(at + rows..at + rows + gap);
                write!(text, "{}:{},", at + rows, at + rows + gap).unwrap();
                at += rows + gap;
            }
            let end = at + length;
            let list: Vec<u64> = (first..end).filter(|row| !holes.iter().any(|hole| hole.contains(row))).collect();
            let layout = Layout::read(base, base + 1 + first, base + end, &text).unwrap();
            prop_assert_eq!(layout.count(), list.len() as u64);
            let picked: Vec<u64> = list.iter().copied().skip(ranks.0 as usize).take(ranks.1 as usize).collect();
            prop_assert_eq!(layout.rows(ranks.0..ranks.0 + ranks.1).collect::<Vec<_>>(), picked);
            prop_assert_eq!(layout.rank(window.0), list.iter().filter(|row| **row < window.0).count() as u64);
            let blocks: Vec<u64> = layout.blocks().flat_map(|(block, rows)| rows.map(move |row| block * BLOCK + u64::from(row))).collect();
            prop_assert_eq!(&blocks, &list);
            let inside: Vec<u64> = list.iter().copied().filter(|row| (window.0..window.1).contains(row)).collect();
            let part = layout.within(window.0, window.1);
            prop_assert_eq!(part.rows(0..u64::MAX).collect::<Vec<_>>(), inside);
        }
    }
}
