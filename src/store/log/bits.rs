//! A block's rows as bits: which of 65,536 rows are meant.

use std::ops::Range;

use crate::store::columns::BLOCK;

/// 64-bit words of a block.
pub const WORDS: usize = BLOCK as usize / 64;

/// A set of rows of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits(Box<[u64; WORDS]>);

impl Bits {
    /// No row.
    pub fn none() -> Self {
        Self(Box::new([0; WORDS]))
    }

    /// Adds a row. Rows beyond the block are no rows.
    pub fn add(&mut self, row: u32) {
        if let Some(word) = self.0.get_mut(row as usize / 64) {
            *word |= 1 << (row % 64);
        }
    }

    /// Adds a range of rows.
    pub fn add_all(&mut self, rows: Range<u32>) {
        for (word, mask) in self.0.iter_mut().zip(masks(rows)) {
            *word |= mask;
        }
    }

    /// Keeps the rows of this range only.
    pub fn keep(&mut self, rows: Range<u32>) {
        for (word, mask) in self.0.iter_mut().zip(masks(rows)) {
            *word &= mask;
        }
    }

    /// Keeps the rows that are in `other` too.
    pub fn intersect(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0.iter()) {
            *word &= other;
        }
    }

    /// How many rows.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// One past the last row; 0 if there is none.
    pub fn end(&self) -> u32 {
        let last = self.0.iter().rposition(|word| *word != 0);
        last.map_or(0, |at| at as u32 * 64 + 64 - self.0[at].leading_zeros())
    }

    /// The words, 64 rows each, lowest bit first.
    pub fn words_mut(&mut self) -> &mut [u64; WORDS] {
        &mut self.0
    }

    /// The rows, lowest first.
    pub fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().zip(0u32..).flat_map(|(word, at)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        })
    }
}

/// The bits of `rows`, word by word.
fn masks(rows: Range<u32>) -> impl Iterator<Item = u64> {
    let below = |row: u32, word: u32| match row.saturating_sub(word * 64) {
        bits @ 0..64 => (1u64 << bits) - 1,
        _all => u64::MAX,
    };
    (0..).map(move |word| below(rows.end, word) & !below(rows.start, word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn bits_behave_as_a_set(
            single in proptest::collection::vec(0u32..65_536, 0..40),
            add in (0u32..65_537, 0u32..300), keep in (0u32..65_537, 0u32..65_537), other in (0u32..65_537, 0u32..65_537),
        ) {
            let range = add.0..(add.0 + add.1).min(65_536);
            let mut set: BTreeSet<u32> = single.iter().copied().chain(range.clone()).collect();
            let mut bits = Bits::none();
            bits.add_all(range);
            for row in single {
                bits.add(row);
            }
            prop_assert_eq!(bits.rows().collect::<Vec<_>>(), set.iter().copied().collect::<Vec<_>>());

            let mut more = Bits::none();
            more.add_all(other.0..other.1);
            bits.keep(keep.0..keep.1);
            bits.intersect(&more);
            set.retain(|row| (keep.0..keep.1).contains(row) && (other.0..other.1).contains(row));
            prop_assert_eq!(bits.rows().collect::<Vec<_>>(), set.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(bits.count(), set.len() as u64);
            prop_assert_eq!(bits.is_empty(), set.is_empty());
            prop_assert_eq!(bits.end(), set.last().map_or(0, |row| row + 1));
        }
    }

    #[test]
    fn rows_beyond_the_block_are_no_rows() {
        let mut bits = Bits::none();
        bits.add(65_536);
        bits.add_all(65_530..70_000);
        assert_eq!(bits.count(), 6);
    }
}
