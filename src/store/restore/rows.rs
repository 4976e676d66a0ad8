//! Rows of the log with their columns, whatever numbers they have: what is missing in a block is filled up, so that each row's cells stand
//! where its number says.

use std::fmt::Write as _;

use crate::domain::row::Row;
use crate::store::columns::{BLOCK, Column, Columns, FIELD_END, ROW_END, TEXT_LETTER, WIDTH};

/// The log as far as it is written.
#[derive(Debug)]
pub struct Rows {
    stream: String,
    columns: String,
    /// The number before the generation's first, once it is known.
    base: Option<u64>,
    first: u64,
    last: u64,
    holes: String,
    bytes: u64,
}

/// The log's fields of `meta`.
#[derive(Debug)]
pub struct Layout {
    /// `lseq`.
    pub newest: u64,
    /// `lbase`.
    pub base: u64,
    /// `lholes`.
    pub holes: String,
    /// `lfirst`.
    pub first: u64,
    /// `lcum`.
    pub bytes: u64,
}

impl Rows {
    /// An empty log.
    pub fn new(stream: String, columns: String) -> Self {
        Self { stream, columns, base: None, first: 0, last: 0, holes: String::new(), bytes: 0 }
    }

    /// The generation's numbers begin with `first`; without it they begin with the first row.
    pub fn begin(&mut self, first: u64) {
        self.base.get_or_insert(first.saturating_sub(1));
    }

    /// Appends rows, in the order of their numbers.
    pub fn append(&mut self, rows: Vec<(u64, u64, Option<String>, Row)>, pipe: &mut redis::Pipeline) {
        let mut run: Vec<Row> = Vec::new();
        let mut run_start = 0;
        for (seq, at, trace, row) in rows {
            let base = *self.base.get_or_insert(seq.saturating_sub(1));
            let index = seq.saturating_sub(base + 1);
            let gap = self.last != 0 && seq != self.last + 1;
            if !run.is_empty() && (gap || index % BLOCK == 0) {
                self.write_columns(run_start, &run, pipe);
                run.clear();
            }
            if run.is_empty() {
                run_start = index;
                self.fill(index, gap, base, pipe);
            }
            if self.first == 0 {
                self.first = seq;
            }
            self.last = seq;
            let json = row.json.as_str();
            let line = format!("{at} {} tool.call {} {json}", self.bytes, trace.as_deref().unwrap_or("-"));
            self.bytes += json.len() as u64;
            pipe.cmd("XADD").arg(&self.stream).arg(format!("{seq}-0")).arg("e").arg(line).ignore();
            run.push(row);
        }
        if !run.is_empty() {
            self.write_columns(run_start, &run, pipe);
        }
    }

    /// Puts empty texts where a block has no rows before `index`; cells are filled with zeros by Redis itself.
    fn fill(&mut self, index: u64, gap: bool, base: u64, pipe: &mut redis::Pipeline) {
        // The row after the last one written, or the beginning.
        let next = if self.last == 0 { 0 } else { self.last - base };
        if gap {
            // Writing to a String cannot fail.
            let _ = write!(self.holes, "{next}:{index},");
        }
        let have = next.max(index / BLOCK * BLOCK);
        if index > have {
            let empty: String = [FIELD_END, ROW_END].into_iter().collect();
            let texts = empty.repeat((index - have) as usize);
            pipe.cmd("APPEND").arg(self.key(index / BLOCK, TEXT_LETTER)).arg(texts).ignore();
        }
    }

    fn write_columns(&self, start: u64, run: &[Row], pipe: &mut redis::Pipeline) {
        let (block, offset) = (start / BLOCK, start % BLOCK);
        let columns = Columns::of(run);
        for (column, cells) in Column::ALL.into_iter().zip(columns.values) {
            pipe.cmd("SETRANGE").arg(self.key(block, column.letter())).arg(offset * WIDTH as u64).arg(cells).ignore();
        }
        pipe.cmd("APPEND").arg(self.key(block, TEXT_LETTER)).arg(columns.text).ignore();
    }

    fn key(&self, block: u64, letter: char) -> String {
        format!("{}{block}{letter}", self.columns)
    }

    /// The first row, the last one and the number before the generation's first; `None` without a row.
    pub fn span(&self) -> Option<(u64, u64, u64)> {
        Some((self.first, self.last, self.base?)).filter(|_| self.first != 0)
    }

    /// The fields of `meta`, where `newest` was the newest number given.
    pub fn layout(&self, newest: u64) -> Layout {
        let Some((first, last, base)) = self.span() else {
            return Layout { newest, base: newest, holes: String::new(), first: 0, bytes: 0 };
        };
        Layout { newest: last, base, holes: self.holes.clone(), first, bytes: self.bytes }
    }
}
