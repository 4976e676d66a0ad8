//! Collecting a purged generation: its keys are unlinked, a bounded number at a time; Redis frees their memory in the background.
//!
//! Nobody writes to it any more and readers have had their time, so the steps need no order and may be repeated. What was asked in it stays
//! by its own TTL: those who wait for an answer are told from it that the question was cancelled.

use super::Store;
use super::columns::{self, Column};
use super::error::Error;
use super::keys::{Generation, Kind};
use crate::domain::ids::WorkspaceId;

/// Blocks of the log's columns unlinked in one command; nine keys each.
const BLOCKS: u64 = 64;

/// A purged generation that is to be collected, as its timer tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Garbage {
    generation: Generation,
    /// The blocks its log rows are in, the last one excluded.
    blocks: (u64, u64),
}

impl Garbage {
    /// Reads a timer: `g <generation> <first row kept> <last row> <number before the log's first>`.
    pub fn parse(timer: &str) -> Option<Self> {
        let numbers: Vec<u64> = timer.strip_prefix("g ")?.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [generation, first, last, base] = numbers[..] else { return None };
        let block = |seq: u64| seq.saturating_sub(base + 1) / columns::BLOCK;
        // Without a row there are no columns.
        let blocks = if first == 0 { (0, 0) } else { (block(first), block(last.max(first)) + 1) };
        Some(Self { generation: Generation(generation), blocks })
    }

    /// Writes the timer that [`Garbage::parse`] reads.
    pub fn timer(generation: Generation, first: u64, last: u64, base: u64) -> String {
        format!("g {generation} {first} {last} {base}")
    }
}

impl Store {
    /// Removes the keys of a purged generation. Dying between, it is done again from the start.
    pub async fn collect(&self, workspace: &WorkspaceId, present: Generation, garbage: Garbage) -> Result<(), Error> {
        let generation = garbage.generation;
        if generation == present {
            return Err(Error::Corrupt(format!("generation {generation} is to be collected, but it is the present one")));
        }
        let (mut block, end) = garbage.blocks;
        let prefix = self.keys.columns(workspace, generation);
        while block < end {
            let to = end.min(block + BLOCKS);
            let letters = Column::ALL.map(Column::letter).into_iter().chain([columns::TEXT_LETTER]);
            let keys = (block..to).flat_map(|block| letters.clone().map(move |letter| (block, letter)));
            self.unlink(&keys.map(|(block, letter)| format!("{prefix}{block}{letter}")).collect::<Vec<_>>()).await?;
            block = to;
        }
        self.unlink(&[
            self.keys.stream(workspace, generation, Kind::Events),
            self.keys.stream(workspace, generation, Kind::Log),
            self.keys.session_questions(workspace, generation),
            self.keys.outcomes(workspace, generation),
            self.keys.outcome_order(workspace, generation),
        ])
        .await
    }

    async fn unlink(&self, keys: &[String]) -> Result<(), Error> {
        self.connections.run::<u64>(redis::cmd("UNLINK").arg(keys)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_names_the_blocks_between_its_rows() {
        let of = |timer| Garbage::parse(timer).map(|garbage| (garbage.generation.0, garbage.blocks));
        assert_eq!(of("g 7 0 0 0"), Some((7, (0, 0))));
        assert_eq!(of("g 1 1 1 0"), Some((1, (0, 1))));
        assert_eq!(of("g 1 65537 65537 0"), Some((1, (1, 2))));
        assert_eq!(of("g 3 101 65636 100"), Some((3, (0, 1))));
        assert_eq!(of("g 3 101 65637 100"), Some((3, (0, 2))));
        for wrong in ["", "retention", "q que_1", "g", "g 1", "g 1 2 3 x", "g 1 2 3 4 5"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
