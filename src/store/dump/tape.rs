//! A stream from one number to another, page by page, without a silent hole.

use redis::Value;

use crate::store::connection::Connections;
use crate::store::error::Error;
use crate::store::feed::Entry;
use crate::store::log;

/// Bytes of a page, as far as entries are of like size.
const PAGE_BYTES: usize = 256 * 1024;
/// Entries of the first page, and at most.
const FIRST_PAGE: usize = 64;
const MOST: usize = 2048;

/// A stream being read.
#[derive(Debug)]
pub struct Tape {
    stream: String,
    next: u64,
    last: u64,
    begun: bool,
    found_nothing: bool,
    page: usize,
}

impl Tape {
    /// Reads `stream` from `first` to `last`.
    pub fn new(stream: String, first: u64, last: u64) -> Self {
        Self { stream, next: first, last, begun: false, found_nothing: false, page: FIRST_PAGE }
    }

    /// Whether there should have been entries and none was there: all dropped, or the stream itself is gone.
    pub fn found_nothing(&self) -> bool {
        self.found_nothing
    }

    /// The next entries; `None` after the last. Fails if entries not yet read were dropped behind one that was.
    pub async fn next(&mut self, connections: &Connections) -> Result<Option<Vec<Entry>>, Error> {
        if self.next > self.last {
            return Ok(None);
        }
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("XRANGE").arg(&self.stream).arg("-").arg("+").arg("COUNT").arg(1);
        pipeline.cmd("XRANGE").arg(&self.stream).arg(format!("{}-0", self.next)).arg(format!("{}-0", self.last));
        pipeline.arg("COUNT").arg(self.page);
        let (oldest, found): (Value, Value) = log::query(&pipeline, &mut connections.pooled().await?).await?;
        let (mut head, mut entries) = (Vec::new(), Vec::new());
        log::entries(oldest, &mut head)?;
        log::entries(found, &mut entries)?;
        // Numbers may jump where Redis lost history, so it is the oldest entry that tells whether anything was dropped.
        if self.begun && head.first().is_none_or(|oldest| oldest.seq > self.next) {
            return Err(Error::Contended);
        }
        let Some(last) = entries.last() else {
            self.found_nothing = !self.begun;
            self.next = self.last + 1;
            return Ok(None);
        };
        self.begun = true;
        self.next = last.seq + 1;
        let bytes: usize = entries.iter().map(|entry| entry.line.len()).sum();
        self.page = (PAGE_BYTES * entries.len() / bytes.max(1)).clamp(1, MOST);
        Ok(Some(entries))
    }
}
