//! The query of `GET log`.

use axum::http::Uri;

use crate::domain::fault::{Fault, Faults};
use crate::domain::logquery::LogFilter;
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::service::{At, LogQuery, Order};

/// Items of a page unless the client says otherwise.
const LIMIT: u64 = 50;
/// The highest page that can be asked for: its first item has a number that every JSON reader keeps exact.
const LAST_PAGE: u64 = 1 << 32;

const KNOWN: [&str; 17] = [
    "page",
    "limit",
    "order",
    "after",
    "before",
    "format",
    "tool",
    "status",
    "sessionID",
    "callID",
    "entryID",
    "agentName",
    "container_id",
    "target",
    "since",
    "until",
    "q",
];

/// How the rows are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A page of them.
    Page,
    /// All, a JSON object a line.
    JsonLines,
    /// All, as comma-separated values.
    Csv,
}

/// What a client asks.
#[derive(Debug)]
pub struct Asked {
    /// Of the log.
    pub query: LogQuery,
    /// How to show it.
    pub format: Format,
}

impl Asked {
    /// Reads the query. `now_ms` is what relative times count from.
    pub fn parse(query: Option<&str>, now_ms: u64, most: u64) -> Result<Self, Problem> {
        let params = Params::parse(query, &KNOWN)?;
        let mut filter = LogFilter::default();
        let mut faults = Faults::default();
        for (name, value) in params.iter() {
            if let Err(fault) = filter.take(name, value, now_ms) {
                faults.add(fault);
            }
        }
        faults.or(())?;
        let order = match params.one("order")? {
            None | Some("asc") => Order::Ascending,
            Some("desc") => Order::Descending,
            Some(_) => return Err(Fault::new("order", "must be asc or desc").into()),
        };
        let format = match params.one("format")? {
            None | Some("json") => Format::Page,
            Some("jsonl") => Format::JsonLines,
            Some("csv") => Format::Csv,
            Some(_) => return Err(Fault::new("format", "must be json, jsonl or csv").into()),
        };
        let (page, limit) = (params.number("page", 1..=LAST_PAGE)?, params.number("limit", 1..=most)?);
        let (after, before) = (params.number("after", 0..=u64::MAX)?, params.number("before", 0..=u64::MAX)?);
        if format != Format::Page && (page.is_some() || limit.is_some()) {
            let name = if page.is_some() { "page" } else { "limit" };
            return Err(Fault::new(name, "does not go with this format, which has all rows").into());
        }
        let at = match (page, after, before) {
            (page, None, None) => At::Page(page.unwrap_or(1)),
            (None, after, before) => At::Cursor { after, before },
            (Some(_), _, _) => return Err(Fault::new("page", "does not go with after and before").into()),
        };
        let limit = limit.unwrap_or(LIMIT.min(most));
        Ok(Self { query: LogQuery { filter, order, at, limit }, format })
    }
}

/// The same request for rows beside a cursor.
pub fn beside(uri: &Uri, after: Option<u64>, before: Option<u64>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if !["page", "after", "before"].contains(&&*name) {
            query.append_pair(&name, &value);
        }
    }
    for (name, seq) in [("after", after), ("before", before)] {
        if let Some(seq) = seq {
            query.append_pair(name, &seq.to_string());
        }
    }
    format!("{}?{}", uri.path(), query.finish())
}
