//! A filter made ready to run over the columns, and the processor's side of running it: what Redis sends is judged piece by piece
//! on a thread of its own, so that the executor is not held up.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::bits::Bits;
use super::cells::Test;
use super::words::{Search, Words};
use crate::domain::logquery::LogFilter;
use crate::store::columns::WIDTH;

/// A compiled filter.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Conditions on columns of 8 bytes a row.
    pub tests: Arc<[Test]>,
    /// Conditions on titles and targets.
    pub words: Option<Arc<Words>>,
}

/// The rows that are still in, block by block.
pub type Blocks = Vec<(u64, Bits)>;

/// Part of a column of a block.
#[derive(Debug)]
pub struct Piece {
    /// Which of the blocks, by its place in the list.
    pub at: usize,
    /// Which of the tests; for titles and targets, whether this window is the last.
    pub of: Of,
    /// What the column holds.
    pub bytes: Bytes,
}

/// What a piece is for.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// A test, by its place in the plan.
    Test(usize),
    /// Titles and targets; the last window says so.
    Words {
        /// Whether no more windows of this block come.
        last: bool,
    },
}

/// Rows that should be there are not: retention or a purge has taken their columns away.
#[derive(Debug)]
pub struct Gone;

impl Plan {
    /// The plan of a filter; `None` for one that lets every row through.
    pub fn of(filter: &LogFilter) -> Option<Self> {
        let plan = Self { tests: Test::of(filter).into(), words: Words::of(filter).map(Arc::new) };
        (!plan.tests.is_empty() || plan.words.is_some()).then_some(plan)
    }

    /// Judges pieces until there are no more. The windows of a block come in order and together.
    pub fn judge(&self, mut blocks: Blocks, mut pieces: mpsc::Receiver<Piece>) -> Result<Blocks, Gone> {
        let mut search: Option<Search<'_>> = None;
        while let Some(piece) = pieces.blocking_recv() {
            let Some((_, bits)) = blocks.get_mut(piece.at) else {
                continue;
            };
            match (piece.of, &self.words) {
                (Of::Test(number), _) => {
                    if piece.bytes.len() < bits.end() as usize * WIDTH {
                        return Err(Gone);
                    }
                    if let Some(test) = self.tests.get(number) {
                        test.keep(&piece.bytes, bits);
                    }
                }
                (Of::Words { last }, Some(words)) => {
                    let mut now = search.take().unwrap_or_else(|| words.search());
                    now.window(&piece.bytes);
                    if !last {
                        search = Some(now);
                    } else if now.count() < bits.end() {
                        return Err(Gone);
                    } else {
                        now.keep(bits);
                    }
                }
                (Of::Words { .. }, None) => {}
            }
        }
        Ok(blocks)
    }
}

#[cfg(test)]
mod tests;
