//! The log's columns: what makes a filtered page of a million rows cheap.
//!
//! Rows of a generation are numbered from 0 and stand in blocks of 65,536. For each block and field there is one string of
//! 8 bytes a row, so that a filter reads one short string a block instead of the rows, and one string of titles and targets.
//! A value is kept as the first 8 bytes of its SHA-256: two different values of one workspace meet with a chance of 2^-64.

use sha2::{Digest, Sha256};

use crate::domain::row::{Row, RowFacts};

/// Rows of a block.
pub const BLOCK: u64 = 65_536;
/// Bytes of one row in a column.
pub const WIDTH: usize = 8;
/// Ends a row's text; `\u{1f}` stands between title and target.
pub const ROW_END: char = '\u{1e}';
/// Stands between a row's title and target.
pub const FIELD_END: char = '\u{1f}';

/// A column of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// `timestamp`, big-endian ms.
    Timestamp,
    /// `tool`.
    Tool,
    /// `status`.
    Status,
    /// `agentName`.
    Agent,
    /// `sessionID`.
    Session,
    /// `callID`.
    Call,
    /// `entryID`.
    Entry,
    /// `container_id`.
    Container,
}

impl Column {
    /// All, in the order in which `commit.lua` takes them.
    pub const ALL: [Self; 8] =
        [Self::Timestamp, Self::Tool, Self::Status, Self::Agent, Self::Session, Self::Call, Self::Entry, Self::Container];

    /// The letter in the column's key.
    pub fn letter(self) -> char {
        match self {
            Self::Timestamp => 't',
            Self::Tool => 'T',
            Self::Status => 'S',
            Self::Agent => 'A',
            Self::Session => 's',
            Self::Call => 'c',
            Self::Entry => 'e',
            Self::Container => 'k',
        }
    }

    fn cell(self, facts: &RowFacts) -> [u8; WIDTH] {
        let value = match self {
            Self::Timestamp => return facts.timestamp.to_be_bytes(),
            Self::Tool => Some(&facts.tool),
            Self::Status => Some(&facts.status),
            Self::Agent => Some(&facts.agent_name),
            Self::Session => Some(&facts.session_id),
            Self::Call => Some(&facts.call_id),
            Self::Entry => facts.entry_id.as_ref(),
            Self::Container => facts.container_id.as_ref(),
        };
        value.map_or([0; WIDTH], |value| digest(value))
    }
}

/// The letter in the key of a block's titles and targets.
pub const TEXT_LETTER: char = 'x';

/// How a value stands in a column; never all zero, which is "absent".
pub fn digest(value: &str) -> [u8; WIDTH] {
    let mut cell = [0; WIDTH];
    for (to, from) in cell.iter_mut().zip(Sha256::digest(value)) {
        *to = from;
    }
    if cell == [0; WIDTH] {
        cell[WIDTH - 1] = 1;
    }
    cell
}

/// What some rows add to the columns.
#[derive(Debug)]
pub struct Columns {
    /// One string a column, in the order of [`Column::ALL`].
    pub values: [Vec<u8>; 8],
    /// Titles and targets.
    pub text: String,
}

impl Columns {
    /// The columns of `rows`, in their order.
    pub fn of(rows: &[Row]) -> Self {
        let values = Column::ALL.map(|column| rows.iter().flat_map(|row| column.cell(&row.facts)).collect());
        let mut text = String::new();
        for row in rows {
            push_words(&mut text, row.facts.title.as_deref());
            text.push(FIELD_END);
            push_words(&mut text, row.facts.target.as_deref());
            text.push(ROW_END);
        }
        Self { values, text }
    }
}

fn push_words(text: &mut String, words: Option<&str>) {
    text.extend(words.unwrap_or_default().chars().map(|c| if c == ROW_END || c == FIELD_END { ' ' } else { c }));
}
