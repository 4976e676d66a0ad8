//! Tests on titles and targets: `q` anywhere in either, `target` from its beginning.
//!
//! A block's text comes in windows of bytes. Whole rows of it are searched at once, not one by one: a hit's row is the number of
//! row ends before it. Upper and lower case are alike for `q` as [`logquery::contains`] has it; ASCII, which is nearly all there
//! is, is folded in a small buffer that stays in the processor's cache.

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memrchr};

use super::bits::Bits;
use crate::domain::logquery::{self, LogFilter};
use crate::store::columns::{FIELD_END, ROW_END};

/// Bytes folded at once.
const FOLDED: usize = 64 * 1024;
/// The two characters beyond ASCII that fold into ASCII.
const INTO_ASCII: [&str; 2] = ["\u{130}", "\u{212a}"];

/// What a filter asks of titles and targets.
#[derive(Clone, Debug)]
pub struct Words {
    prefix: Option<Finder<'static>>,
    q: Option<Part>,
}

/// A compiled `q`.
#[derive(Clone, Debug)]
struct Part {
    text: String,
    folded: Finder<'static>,
    /// Whether folding ASCII alone finds it: nothing beyond ASCII in it has another case.
    plain: bool,
}

impl Words {
    /// What `filter` asks; `None` if nothing.
    pub fn of(filter: &LogFilter) -> Option<Self> {
        // As in the column, where the characters that end fields and rows stand as spaces.
        let clean = |text: &String| text.replace([FIELD_END, ROW_END], " ");
        let prefix = filter.target_prefix.as_ref().map(clean).map(|text| Finder::new(&format!("{FIELD_END}{text}")).into_owned());
        let q = filter.q.as_ref().map(clean).map(|text| {
            let folded = text.to_lowercase();
            let other_case = |c: char| !c.is_ascii() && (c.to_lowercase().ne([c]) || c.to_uppercase().ne([c]));
            let plain = !folded.chars().any(other_case);
            Part { folded: Finder::new(&folded).into_owned(), text, plain }
        });
        (prefix.is_some() || q.is_some()).then_some(Self { prefix, q })
    }

    /// Starts on a block.
    pub fn search(&self) -> Search<'_> {
        Search { words: self, row: 0, open: Vec::new(), folded: Vec::new(), prefix: Bits::none(), q: Bits::none() }
    }
}

/// A block being searched, window by window.
pub struct Search<'a> {
    words: &'a Words,
    /// The row that comes next.
    row: u32,
    /// The beginning of a row whose end the windows so far do not hold.
    open: Vec<u8>,
    folded: Vec<u8>,
    prefix: Bits,
    q: Bits,
}

impl Search<'_> {
    /// Takes the next window.
    pub fn window(&mut self, mut bytes: &[u8]) {
        let end = ROW_END as u8;
        if !self.open.is_empty() {
            let Some(at) = memchr(end, bytes) else {
                self.open.extend_from_slice(bytes);
                return;
            };
            let mut row = std::mem::take(&mut self.open);
            row.extend_from_slice(&bytes[..=at]);
            self.rows(&row);
            bytes = &bytes[at + 1..];
        }
        while let Some(at) = memrchr(end, &bytes[..bytes.len().min(FOLDED)]).or_else(|| memchr(end, bytes)) {
            self.rows(&bytes[..=at]);
            bytes = &bytes[at + 1..];
        }
        self.open.extend_from_slice(bytes);
    }

    /// How many whole rows came.
    pub fn count(&self) -> u32 {
        self.row
    }

    /// Keeps the rows that have all that is asked.
    pub fn keep(&self, bits: &mut Bits) {
        if self.words.prefix.is_some() {
            bits.intersect(&self.prefix);
        }
        if self.words.q.is_some() {
            bits.intersect(&self.q);
        }
    }

    fn rows(&mut self, rows: &[u8]) {
        if let Some(finder) = &self.words.prefix {
            mark(rows, self.row, finder, |row| self.prefix.add(row));
        }
        if let Some(part) = &self.words.q {
            if part.plain {
                self.folded.clear();
                self.folded.extend_from_slice(rows);
                self.folded.make_ascii_lowercase();
                mark(&self.folded, self.row, &part.folded, |row| self.q.add(row));
            }
            if !rows.is_ascii() {
                part.beyond_ascii(rows, self.row, &mut self.q);
            }
        }
        self.row += memchr_iter(ROW_END as u8, rows).count() as u32;
    }
}

impl Part {
    /// Marks the rows that folding ASCII alone does not find: one by one, so only those that need it.
    fn beyond_ascii(&self, rows: &[u8], first: u32, hits: &mut Bits) {
        let needs = |row: &[u8]| {
            if self.plain { INTO_ASCII.iter().any(|c| memchr::memmem::find(row, c.as_bytes()).is_some()) } else { !row.is_ascii() }
        };
        if !needs(rows) {
            return;
        }
        for (row, number) in rows.split(|byte| *byte == ROW_END as u8).zip(first..) {
            let Ok(text) = std::str::from_utf8(row) else {
                continue;
            };
            if needs(row) && text.split(FIELD_END).any(|field| logquery::contains(field, &self.text)) {
                hits.add(number);
            }
        }
    }
}

/// Calls `hit` with each row of `rows` that holds what `finder` finds, once; the first of them is row `row`.
fn mark(rows: &[u8], mut row: u32, finder: &Finder<'_>, mut hit: impl FnMut(u32)) {
    let mut left = rows;
    while let Some(at) = finder.find(left) {
        row += memchr_iter(ROW_END as u8, &left[..at]).count() as u32;
        hit(row);
        let Some(end) = memchr(ROW_END as u8, &left[at..]) else {
            return;
        };
        left = &left[at + end + 1..];
        row += 1;
    }
}
