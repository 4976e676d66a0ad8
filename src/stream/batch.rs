//! A stream read as pages: for programs that poll. The same cursors, filters and bounds as the live stream, and a long poll that
//! costs no Redis connection.

use std::time::Duration;

use tokio::time::Instant;

use super::hub::Hub;
use crate::domain::cursor::{self, Bounds, Notice, Position};
use crate::domain::filter::EventFilter;
use crate::domain::ids::WorkspaceId;
use crate::store::{Error, Kind};

/// Entries a filter looks at before it answers with what it has, so that one request cannot read a whole history.
const LOOKED_AT: u64 = 20_000;

/// What to read.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Behind this; without it, from now on.
    pub cursor: Option<Position>,
    /// Which entries; `None` for all.
    pub filter: Option<EventFilter>,
    /// Most entries.
    pub limit: usize,
    /// How long to wait for the first.
    pub wait: Duration,
}

/// What was read.
#[derive(Debug)]
pub struct Batch {
    /// The JSON of the entries, commas between.
    pub json: Vec<u8>,
    /// Where the stream stood.
    pub bounds: Bounds,
    /// The cursor to go on with.
    pub next_seq: u64,
    /// Whether entries behind the cursor are gone, or the cursor meant nothing.
    pub gap: bool,
}

impl Hub {
    /// Reads entries of a stream, waiting for the first if asked to.
    pub async fn batch(&self, workspace: &WorkspaceId, kind: Kind, wanted: Wanted) -> Result<Batch, Error> {
        let deadline = Instant::now() + wanted.wait;
        // Hears of news before the first look, so that none falls between looking and waiting.
        let mut watch = if wanted.wait.is_zero() { None } else { Some(self.watch(workspace, kind).await?) };
        let mut position = self.store.stream_position(workspace, kind).await?;
        let start = cursor::start(wanted.cursor.as_ref(), &position.bounds);
        let mut gap = match start.notice {
            Notice::Live | Notice::Replay => false,
            Notice::Gap { .. } | Notice::Reset { .. } => true,
        };
        let (mut next, epoch) = (start.next_seq, position.bounds.epoch);
        let (mut json, mut count, mut looked) = (Vec::new(), 0, 0);
        loop {
            while next <= position.bounds.latest_seq && count < wanted.limit && looked < LOOKED_AT {
                let page = self.page(workspace, kind, position, next).await?;
                if page.position.bounds.epoch != epoch {
                    gap = true;
                    position = page.position;
                    next = position.bounds.latest_seq + 1;
                    break;
                }
                if page.position.generation != position.generation {
                    position = page.position;
                }
                if next < page.position.bounds.oldest_seq {
                    gap = true;
                    next = page.position.bounds.oldest_seq;
                }
                let before = next;
                for frame in page.frames.get(page.index_of(next)..).unwrap_or_default() {
                    if count == wanted.limit {
                        break;
                    }
                    let bytes = page.frame_bytes(frame);
                    if wanted.filter.as_ref().is_none_or(|filter| frame.wanted(filter, kind, bytes)) {
                        if count > 0 {
                            json.push(b',');
                        }
                        json.extend_from_slice(frame.json(bytes));
                        count += 1;
                    }
                    next = frame.seq + 1;
                    looked += 1;
                }
                if next == before {
                    break;
                }
            }
            let done = count > 0 || looked >= LOOKED_AT || gap || Instant::now() >= deadline;
            let Some(watch) = watch.as_mut().filter(|_| !done) else { break };
            drop(tokio::time::timeout_at(deadline, watch.changed()).await);
            position = self.store.stream_position(workspace, kind).await?;
        }
        Ok(Batch { json, bounds: position.bounds, next_seq: next - 1, gap })
    }
}
