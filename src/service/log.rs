//! Reading the tool-call log, page by page or whole.

use super::{Error, Service};
use crate::auth::{Caller, Scope};
use crate::domain::ids::WorkspaceId;
use crate::domain::logquery::LogFilter;
use crate::store;
use crate::store::feed::{self, Entry};
use crate::store::log::{Order, Walk};

pub use crate::store::log::Query as LogQuery;

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Its number in the log.
    pub seq: u64,
    /// The row as stored: a JSON object.
    pub json: String,
}

/// Some of the rows that a query found.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// In the order asked for.
    pub rows: Vec<LogRow>,
    /// How many rows the filter lets through.
    pub total: u64,
    /// The page's number.
    pub page: u64,
    /// Whether rows follow in this order.
    pub next: bool,
    /// Whether rows come before in this order.
    pub previous: bool,
}

/// The whole filtered log, on its way out.
pub struct LogExport(Walk);

impl Service {
    /// A page of the log.
    pub async fn log_page(&self, caller: &Caller, workspace: &WorkspaceId, query: &LogQuery) -> Result<LogPage, Error> {
        caller.must(Scope::Read)?;
        let page = self.store.log_page(workspace, query).await?;
        let rows = page.rows.iter().map(row).collect::<Result<_, _>>()?;
        Ok(LogPage { rows, total: page.total, page: page.page, next: page.next, previous: page.previous })
    }

    /// All rows that `filter` lets through between the cursors (log seq, exclusive).
    pub async fn log_export(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        filter: &LogFilter,
        order: Order,
        cursors: (Option<u64>, Option<u64>),
    ) -> Result<LogExport, Error> {
        caller.must(Scope::Read)?;
        Ok(LogExport(self.store.log_walk(workspace, filter, order, cursors).await?))
    }
}

impl LogExport {
    /// The next rows, a few hundred kilobytes of them; `None` at the end. An error means that the rows before it are not all there are.
    pub async fn next(&mut self) -> Result<Option<Vec<LogRow>>, Error> {
        let Some(rows) = self.0.next().await? else { return Ok(None) };
        Ok(Some(rows.iter().map(row).collect::<Result<_, _>>()?))
    }
}

fn row(entry: &Entry) -> Result<LogRow, store::Error> {
    Ok(LogRow { seq: entry.seq, json: feed::parts(&entry.line)?.payload.to_owned() })
}
