//! The log's columns come from Redis, a few at a time, or from the cache, and are judged while the next ones are on their way.

use std::sync::Arc;

use bytes::Bytes;
use redis::Value;
use tokio::sync::mpsc;

use super::cache::{History, Part};
use super::layout::Layout;
use super::plan::{Blocks, Gone, Of, Piece, Plan};
use crate::store::columns::TEXT_LETTER;
use crate::store::error::Error;
use crate::store::{Store, log};

/// Bytes of a window of titles and targets.
const WINDOW: usize = 128 * 1024;
/// Columns, or windows, asked for in one go; it bounds what a query holds.
const CELLS_AT_ONCE: usize = 8;
const WINDOWS_AT_ONCE: usize = 16;
/// Pieces that wait for their judge.
const WAITING: usize = 16;

/// A part of a column that is wanted.
#[derive(Clone, Copy, Debug)]
struct Want {
    at: usize,
    block: u64,
    part: Part,
    of: Of,
}

/// One run of a plan over one history.
pub struct Scan<'a> {
    store: &'a Store,
    history: &'a Arc<History>,
    layout: &'a Layout,
    turn: u64,
}

impl<'a> Scan<'a> {
    /// Begins a run.
    pub fn new(store: &'a Store, history: &'a Arc<History>, layout: &'a Layout) -> Self {
        Self { store, history, layout, turn: store.log.cache.begin() }
    }

    /// Drops the rows from `blocks` that the plan does not want. `Err(Gone)` if rows have no columns any more.
    pub async fn run(&self, plan: &Plan, mut blocks: Blocks) -> Result<Result<Blocks, Gone>, Error> {
        let _permit = self.store.log.permits.acquire().await.map_err(|_| Error::Closed)?;
        if !plan.tests.is_empty() {
            let wants: Vec<Want> = (0..)
                .zip(&blocks)
                .flat_map(|(at, (block, _))| {
                    (0..).zip(plan.tests.iter()).map(move |(number, test)| Want {
                        at,
                        block: *block,
                        part: Part::Cells(test.column),
                        of: Of::Test(number),
                    })
                })
                .collect();
            blocks = match self.judge(plan, blocks, &wants, CELLS_AT_ONCE).await? {
                Ok(blocks) => blocks,
                Err(gone) => return Ok(Err(gone)),
            };
        }
        if plan.words.is_some() {
            blocks.retain(|(_, bits)| !bits.is_empty());
            let Some(wants) = self.windows(&blocks).await? else {
                return Ok(Err(Gone));
            };
            return self.judge(plan, blocks, &wants, WINDOWS_AT_ONCE).await;
        }
        Ok(Ok(blocks))
    }

    /// The windows of the blocks' titles and targets; `None` if a block has none.
    async fn windows(&self, blocks: &Blocks) -> Result<Option<Vec<Want>>, Error> {
        let mut pipeline = redis::pipe();
        for (block, _) in blocks {
            pipeline.cmd("STRLEN").arg(self.key(*block, TEXT_LETTER));
        }
        let lengths: Vec<usize> = if blocks.is_empty() { Vec::new() } else { self.store.connections.pipeline(&pipeline).await? };
        let mut wants = Vec::new();
        for ((at, (block, _)), length) in (0..).zip(blocks).zip(lengths) {
            let count = length.div_ceil(WINDOW) as u32;
            if count == 0 {
                return Ok(None);
            }
            wants.extend((0..count).map(|window| Want {
                at,
                block: *block,
                part: Part::Text(window),
                of: Of::Words { last: window + 1 == count },
            }));
        }
        Ok(Some(wants))
    }

    /// Sends what is wanted, in order, to a thread that judges it.
    async fn judge(&self, plan: &Plan, blocks: Blocks, wants: &[Want], at_once: usize) -> Result<Result<Blocks, Gone>, Error> {
        let (send, pieces) = mpsc::channel(WAITING);
        let judge = plan.clone();
        let judged = tokio::task::spawn_blocking(move || judge.judge(blocks, pieces));
        let mut connection = None;
        'all: for wants in wants.chunks(at_once) {
            for piece in self.fetch(&mut connection, wants).await? {
                if send.send(piece).await.is_err() {
                    // The judge has seen enough: rows are gone.
                    break 'all;
                }
            }
        }
        drop(send);
        judged.await.map_err(|error| Error::Corrupt(format!("a scan of the log failed: {error}")))
    }

    async fn fetch(&self, connection: &mut Option<deadpool_redis::Connection>, wants: &[Want]) -> Result<Vec<Piece>, Error> {
        let mut held: Vec<Option<Bytes>> =
            wants.iter().map(|want| self.store.log.cache.get(self.turn, self.history, want.block, want.part)).collect();
        let mut pipeline = redis::pipe();
        for (want, _) in wants.iter().zip(&held).filter(|(_, held)| held.is_none()) {
            match want.part {
                Part::Cells(column) => pipeline.cmd("GET").arg(self.key(want.block, column.letter())),
                Part::Text(window) => {
                    let from = window as usize * WINDOW;
                    pipeline.cmd("GETRANGE").arg(self.key(want.block, TEXT_LETTER)).arg(from).arg(from + WINDOW - 1)
                }
            };
        }
        if !pipeline.is_empty() {
            let connection = match connection {
                Some(connection) => connection,
                none => none.insert(self.store.connections.pooled().await?),
            };
            let mut fetched = log::query::<Vec<Value>>(&pipeline, connection).await?.into_iter();
            for (want, held) in wants.iter().zip(&mut held).filter(|(_, held)| held.is_none()) {
                let bytes = match fetched.next() {
                    Some(Value::BulkString(bytes)) => Bytes::from(bytes),
                    Some(Value::Nil) => Bytes::new(),
                    other => {
                        return Err(Error::Corrupt(format!("{other:?} where a column was expected")));
                    }
                };
                if self.layout.is_complete(want.block) && !bytes.is_empty() {
                    self.store.log.cache.put(self.turn, self.history, want.block, want.part, &bytes);
                }
                *held = Some(bytes);
            }
        }
        let pieces = wants.iter().zip(held).map(|(want, bytes)| Piece { at: want.at, of: want.of, bytes: bytes.unwrap_or_default() });
        Ok(pieces.collect())
    }

    fn key(&self, block: u64, letter: char) -> String {
        let prefix = self.store.keys.columns(&self.history.workspace, self.history.generation);
        format!("{prefix}{block}{letter}")
    }
}
