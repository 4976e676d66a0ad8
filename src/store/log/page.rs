//! One page of the log, with the number of all rows that were found.

use super::bits::Bits;
use super::found::{At, Found, Order};
use super::plan::{Gone, Plan};
use super::scan::Scan;
use super::{ATTEMPTS, Head, rows};
use crate::domain::ids::WorkspaceId;
use crate::domain::logquery::LogFilter;
use crate::store::Store;
use crate::store::error::Error;
use crate::store::feed::Entry;

/// What is asked of the log.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which rows.
    pub filter: LogFilter,
    /// In which order.
    pub order: Order,
    /// Which of them.
    pub at: At,
    /// How many at most; at least 1.
    pub limit: u64,
}

/// Some of the rows found.
#[derive(Debug)]
pub struct Page {
    /// In the order asked for.
    pub rows: Vec<Entry>,
    /// How many rows the filter lets through, cursors aside.
    pub total: u64,
    /// The page's number, as it was asked for or as it follows from the cursor.
    pub page: u64,
    /// Whether rows follow in the order asked for.
    pub next: bool,
    /// Whether rows come before in the order asked for.
    pub previous: bool,
}

impl Store {
    /// A page of the log, as one point in time.
    pub async fn log_page(&self, workspace: &WorkspaceId, query: &Query) -> Result<Page, Error> {
        let plan = Plan::of(&query.filter);
        for _attempt in 0..ATTEMPTS {
            let head = self.log_head(workspace).await?;
            let Some(found) = self.find(&head, plan.as_ref()).await? else {
                continue;
            };
            if let Some(page) = self.page_of(workspace, query, &head, found).await? {
                return Ok(page);
            }
        }
        Err(Error::Contended)
    }

    /// The rows that the plan wants; `None` if some lost their columns meanwhile.
    async fn find(&self, head: &Head, plan: Option<&Plan>) -> Result<Option<Found>, Error> {
        let Some(plan) = plan else {
            return Ok(Some(Found::all(head.layout.clone())));
        };
        let mut blocks: Vec<(u64, Bits)> = Vec::new();
        for (block, rows) in head.layout.blocks() {
            match blocks.last_mut() {
                Some((last, bits)) if *last == block => bits.add_all(rows),
                Some(_) | None => {
                    let mut bits = Bits::none();
                    bits.add_all(rows);
                    blocks.push((block, bits));
                }
            }
        }
        let scan = Scan::new(self, &head.history, &head.layout);
        match scan.run(plan, blocks).await? {
            Ok(blocks) => Ok(Some(Found::some(head.layout.clone(), blocks))),
            Err(Gone) => Ok(None),
        }
    }

    /// Reads the page's rows. If retention has dropped some, the same bits less the dropped rows tell the page again, at once:
    /// to search again would only lose the race again.
    async fn page_of(&self, workspace: &WorkspaceId, query: &Query, head: &Head, mut found: Found) -> Result<Option<Page>, Error> {
        let stream = self.log_stream(&head.history);
        for _attempt in 0..ATTEMPTS {
            let pick = found.pick(query.order, query.at, query.limit);
            let seqs = found.seqs(pick.ranks.clone());
            let mut rows =
                if seqs.is_empty() { Vec::new() } else { rows::fetch(&mut self.connections.pooled().await?, &stream, &seqs).await? };
            if rows.len() == seqs.len() {
                let (next, previous) = match query.order {
                    Order::Ascending => (pick.newer, pick.older),
                    Order::Descending => {
                        rows.reverse();
                        (pick.older, pick.newer)
                    }
                };
                return Ok(Some(Page { rows, total: found.total(), page: pick.page, next, previous }));
            }
            let now = self.log_head(workspace).await?;
            if now.history != head.history {
                return Ok(None);
            }
            found.drop_before(now.first);
        }
        Ok(None)
    }
}
