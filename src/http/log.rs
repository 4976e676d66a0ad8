//! `GET …/orchestration/log`.

mod export;
mod query;

use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use serde_json::json;
use utoipa::ToSchema;

use self::query::{Asked, Format};
use super::openapi::{Errors, WorkspacePath};
use super::problem::Problem;
use super::state::State;
use super::workspace::Workspace;
use crate::auth::Caller;
use crate::service::{At, LogPage, LogQuery, Order};

/// A tool call. Further members are kept as they came.
#[derive(ToSchema)]
#[schema(as = ToolCall)]
#[expect(dead_code, reason = "describes the rows; they are stored and shown as text")]
pub struct LogItem {
    /// The tool that was called.
    #[schema(max_length = 256, example = "fs.read")]
    tool: String,
    /// The agent's session.
    #[schema(rename = "sessionID", example = "01HXYZABCDEFGHJKMNPQRSTVW")]
    session_id: String,
    /// The call.
    #[schema(rename = "callID", max_length = 256, example = "call_01HXYZBROWSEFILE")]
    call_id: String,
    /// The TODO entry it worked on.
    #[schema(rename = "entryID", nullable = false, example = "entry_01HXYZREADFILE")]
    entry_id: Option<String>,
    /// What it did, in words.
    #[schema(nullable = false, example = "Read package.json")]
    title: Option<String>,
    /// When, epoch milliseconds by the agent's clock.
    #[schema(example = 1_717_691_432_000_u64)]
    timestamp: u64,
    /// How long it took, in milliseconds.
    #[schema(nullable = false, minimum = 0, example = 142)]
    duration: Option<f64>,
    /// How it ended: `ok`, `error`, `intercepted`, `cancelled` or another word.
    #[schema(max_length = 256, example = "ok")]
    status: String,
    /// What was corrected about it.
    #[schema(nullable = false)]
    corrections: Option<Vec<serde_json::Value>>,
    /// What it did it to.
    #[schema(nullable = false, example = "/workspace/repo/package.json")]
    target: Option<String>,
    /// The agent that called.
    #[schema(rename = "agentName", max_length = 256, example = "build-agent")]
    agent_name: String,
    /// The container it ran in.
    #[schema(nullable = false, max_length = 256, example = "ctr_01HXYZ")]
    container_id: Option<String>,
    /// The workspace; set by the service.
    #[schema(rename = "workspaceID", read_only, example = "ws_01HXYZABCDEFGHJKMNPQRSTVW")]
    workspace_id: String,
}

/// Tool calls.
#[derive(ToSchema)]
#[schema(as = ToolCalls)]
#[expect(dead_code, reason = "describes the reply; it is written as text")]
pub struct Records {
    /// As stored.
    items: Vec<LogItem>,
}

/// A page of the log.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the reply; it is written as text")]
struct LogReply {
    /// In the order asked for.
    items: Vec<LogItem>,
    meta: LogMeta,
}

/// Where the page stands.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the reply; it is written as text")]
struct LogMeta {
    /// Its number, from 1.
    page: u64,
    /// Items of a page at most.
    limit: u64,
    /// Rows that the filters let through, on all pages.
    total: u64,
    /// How many pages they fill.
    pages: u64,
    /// With `after` or `before`: the number of the first item here.
    #[schema(nullable = false)]
    first_seq: Option<u64>,
    /// With `after` or `before`: the number of the last item here; go on from it.
    #[schema(nullable = false)]
    last_seq: Option<u64>,
}

/// Read the tool-call log
///
/// Every tool call made by orchestrated sessions, filtered and in pages. Values of one filter are alternatives (repeat it, or put commas
/// between), different filters must all hold. Pages shift while the log grows or is trimmed; the cursors `after` and `before` do not:
/// follow the `Link` header. With `format` it answers the whole filtered log as a file instead.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/log",
    operation_id = "getLog",
    tag = "Observability",
    params(
        WorkspacePath,
        ("page" = Option<u64>, Query, description = "From 1, which is the default"),
        ("limit" = Option<u64>, Query, description = "Items of a page, 1 to 500; 50 by default"),
        ("order" = Option<String>, Query, description = "`asc` for oldest first, which is the default, or `desc`"),
        ("after" = Option<u64>, Query, description = "The rows right behind this number of the log, in place of a page"),
        ("before" = Option<u64>, Query, description = "The rows right before this number of the log, in place of a page"),
        ("format" = Option<String>, Query, description = "`jsonl` or `csv`: all rows as a file, without `page` and `limit`. A CSV has the known members only"),
        ("tool" = Option<String>, Query, description = "The tool", example = "fs.read,fs.write"),
        ("status" = Option<String>, Query, description = "How the call ended"),
        ("sessionID" = Option<String>, Query, description = "The session"),
        ("callID" = Option<String>, Query, description = "The call"),
        ("entryID" = Option<String>, Query, description = "The TODO entry"),
        ("agentName" = Option<String>, Query, description = "The agent"),
        ("container_id" = Option<String>, Query, description = "The container"),
        ("target" = Option<String>, Query, description = "What the target begins with", example = "/workspace/repo/"),
        ("since" = Option<String>, Query, description = "Not before this `timestamp`: epoch milliseconds, RFC 3339, or how long ago", example = "15m"),
        ("until" = Option<String>, Query, description = "Not after this `timestamp`"),
        ("q" = Option<String>, Query, description = "Text in the title or the target, upper and lower case alike"),
    ),
    responses(
        (status = 200, description = "A page of the log, or all of it as a file", content(
            (LogReply = "application/json", example = json!({
                "items": [
                    {
                        "tool": "fs.read", "sessionID": "01HXYZABCDEFGHJKMNPQRSTVW", "callID": "call_01HXYZBROWSEFILE",
                        "entryID": "entry_01HXYZREADFILE", "title": "Read package.json", "timestamp": 1_717_691_432_000_u64, "duration": 142,
                        "status": "ok", "corrections": [], "target": "/workspace/repo/package.json", "agentName": "build-agent",
                        "container_id": "ctr_01HXYZ", "workspaceID": "ws_01HXYZABCDEFGHJKMNPQRSTVW",
                    },
                    {
                        "tool": "net.fetch", "sessionID": "01HXYZABCDEFGHJKMNPQRSTVW", "callID": "call_01HXYZFETCHURL",
                        "timestamp": 1_717_691_438_000_u64, "duration": 412, "status": "intercepted", "agentName": "research-agent",
                        "workspaceID": "ws_01HXYZABCDEFGHJKMNPQRSTVW",
                    },
                ],
                "meta": { "page": 1, "limit": 50, "total": 2, "pages": 1 },
            })),
            (String = "application/x-ndjson"),
            (String = "text/csv"),
        ), headers(("Link" = String, description = "The pages beside this one by cursor: `rel=\"next\"` and `rel=\"prev\"`"))),
        Errors,
    )
)]
pub async fn log(state: State, caller: Caller, Workspace(workspace): Workspace, uri: Uri) -> Result<Response, Problem> {
    let now_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
    let asked = Asked::parse(uri.query(), now_ms, state.limits.log_page as u64)?;
    match asked.format {
        Format::Page => {
            let page = state.service.log_page(&caller, &workspace, &asked.query).await?;
            Ok(shown(&page, &asked.query, &uri))
        }
        Format::JsonLines | Format::Csv => {
            let LogQuery { filter, order, at, limit: _ } = &asked.query;
            let cursors = match at {
                At::Page(_) => (None, None),
                At::Cursor { after, before } => (*after, *before),
            };
            let rows = state.service.log_export(&caller, &workspace, filter, *order, cursors).await?;
            Ok(export::respond(rows, asked.format, &workspace))
        }
    }
}

fn shown(page: &LogPage, query: &LogQuery, uri: &Uri) -> Response {
    let mut meta = json!({ "page": page.page, "limit": query.limit, "total": page.total, "pages": page.total.div_ceil(query.limit) });
    if let (At::Cursor { .. }, Some(first), Some(last)) = (query.at, page.rows.first(), page.rows.last()) {
        meta["first_seq"] = first.seq.into();
        meta["last_seq"] = last.seq.into();
    }
    let items: Vec<&str> = page.rows.iter().map(|row| row.json.as_str()).collect();
    let mut response = super::ok(format!("{{\"items\":[{}],\"meta\":{meta}}}", items.join(",")));
    if let Ok(links) = HeaderValue::try_from(links(page, query, uri))
        && !links.is_empty()
    {
        response.headers_mut().insert(header::LINK, links);
    }
    response
}

/// The pages beside this one, by cursor: they stay what they are while the log grows and is trimmed.
fn links(page: &LogPage, query: &LogQuery, uri: &Uri) -> String {
    let (Some(first), Some(last)) = (page.rows.first(), page.rows.last()) else { return String::new() };
    let (after, before) = match query.at {
        // With one cursor or none there is no bound to keep to.
        At::Page(_) | At::Cursor { after: None, .. } | At::Cursor { before: None, .. } => (None, None),
        At::Cursor { after, before } => (after, before),
    };
    let (next, previous) = match query.order {
        Order::Ascending => ((Some(last.seq), before), (after, Some(first.seq))),
        Order::Descending => ((after, Some(last.seq)), (Some(first.seq), before)),
    };
    let link = |(after, before), rel: &str| format!("<{}>; rel=\"{rel}\"", query::beside(uri, after, before));
    let next = page.next.then(|| link(next, "next"));
    let previous = page.previous.then(|| link(previous, "prev"));
    next.into_iter().chain(previous).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
