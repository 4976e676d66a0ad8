//! Tests on the columns of 8 bytes a row: a filter's conditions, compiled, and the tight loop that marks a block's rows.

use std::ops::RangeInclusive;

use super::bits::Bits;
use crate::domain::logquery::LogFilter;
use crate::store::columns::{Column, WIDTH, digest};

/// One condition on one column.
#[derive(Clone, Debug)]
pub struct Test {
    /// The column.
    pub column: Column,
    accept: Accept,
}

#[derive(Clone, Debug)]
enum Accept {
    /// One of a few cells, as the machine reads them.
    Few(Vec<u64>),
    /// One of many cells, sorted, behind a table of the cells' first 12 bits: cells are digests, so nearly all rows end there.
    Many(Vec<u64>, Box<[u64; 64]>),
    /// A time of this range.
    Times(RangeInclusive<u64>),
}

/// Values that are compared one by one; more are looked up.
const FEW: usize = 4;

impl Test {
    /// The conditions of a filter on the columns, its `q` and `target` left out. All must hold.
    pub fn of(filter: &LogFilter) -> Vec<Self> {
        let lists = [
            (Column::Tool, &filter.tool),
            (Column::Status, &filter.status),
            (Column::Agent, &filter.agent_name),
            (Column::Session, &filter.session_id),
            (Column::Call, &filter.call_id),
            (Column::Entry, &filter.entry_id),
            (Column::Container, &filter.container_id),
        ];
        let mut tests: Vec<Self> = lists
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(column, values)| Self { column, accept: Accept::values(values) })
            .collect();
        if filter.since.is_some() || filter.until.is_some() {
            let times = filter.since.unwrap_or(0)..=filter.until.unwrap_or(u64::MAX);
            tests.push(Self { column: Column::Timestamp, accept: Accept::Times(times) });
        }
        tests
    }

    /// Drops the rows from `bits` whose cell is not accepted. Rows without a cell are dropped too.
    pub fn keep(&self, cells: &[u8], bits: &mut Bits) {
        match &self.accept {
            Accept::Few(wanted) => match wanted.as_slice() {
                [one] => keep(cells, bits, |cell| cell == *one),
                more => keep(cells, bits, |cell| more.contains(&cell)),
            },
            Accept::Many(wanted, table) => keep(cells, bits, |cell| {
                let (word, bit) = place(cell);
                table[word] & bit != 0 && wanted.binary_search(&cell).is_ok()
            }),
            Accept::Times(times) => keep(cells, bits, |cell| times.contains(&u64::from_be(cell))),
        }
    }
}

impl Accept {
    fn values(values: &[String]) -> Self {
        let mut cells: Vec<u64> = values.iter().map(|value| u64::from_ne_bytes(digest(value))).collect();
        if cells.len() <= FEW {
            return Self::Few(cells);
        }
        cells.sort_unstable();
        let mut table = Box::new([0; 64]);
        for cell in &cells {
            let (word, bit) = place(*cell);
            table[word] |= bit;
        }
        Self::Many(cells, table)
    }
}

/// The table's word and bit of a cell.
fn place(cell: u64) -> (usize, u64) {
    ((cell >> 58) as usize, 1 << (cell >> 52 & 63))
}

/// Looks at 64 rows a step, and at none of a step whose rows are all out already.
fn keep(cells: &[u8], bits: &mut Bits, accepts: impl Fn(u64) -> bool) {
    let (cells, _incomplete) = cells.as_chunks::<WIDTH>();
    let mut steps = cells.chunks(64);
    for word in bits.words_mut() {
        let step = steps.next().unwrap_or_default();
        if *word == 0 {
            continue;
        }
        let mut accepted = 0;
        for (bit, cell) in step.iter().enumerate() {
            accepted |= u64::from(accepts(u64::from_ne_bytes(*cell))) << bit;
        }
        *word &= accepted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(test: &Test, cells: &[[u8; 8]]) -> Vec<u32> {
        let mut bits = Bits::none();
        bits.add_all(0..cells.len() as u32 + 10);
        test.keep(&cells.concat(), &mut bits);
        bits.rows().collect()
    }

    #[test]
    fn few_and_many_values_accept_the_same_way() {
        for count in [1, 2, 4, 5, 64] {
            let tool: Vec<String> = (0..count).map(|number| format!("tool{number}")).collect();
            let tests = Test::of(&LogFilter { tool, ..LogFilter::default() });
            let [test] = tests.as_slice() else { panic!("one list is one test") };
            let cells: Vec<[u8; 8]> = (0..200).map(|row| digest(&format!("tool{}", row % 100))).collect();
            let wanted: Vec<u32> = (0..200).filter(|row| row % 100 < count).collect();
            assert_eq!(kept(test, &cells), wanted, "{count} values");
        }
    }

    #[test]
    fn times_are_inclusive_and_open_at_either_end() {
        let cells: Vec<[u8; 8]> = (0..10u64).map(u64::to_be_bytes).collect();
        let test = |since, until| Test::of(&LogFilter { since, until, ..LogFilter::default() }).remove(0);
        assert_eq!(kept(&test(Some(3), Some(5)), &cells), [3, 4, 5]);
        assert_eq!(kept(&test(None, Some(1)), &cells), [0, 1]);
        assert_eq!(kept(&test(Some(8), None), &cells), [8, 9]);
        assert_eq!(kept(&test(Some(5), Some(3)), &cells), [0; 0]);
    }

    #[test]
    fn no_value_accepts_an_absent_one() {
        let filter = LogFilter { entry_id: vec!["e".into()], ..LogFilter::default() };
        assert_eq!(kept(&Test::of(&filter)[0], &[[0; 8], digest("e")]), [1]);
    }
}
