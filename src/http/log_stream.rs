//! `GET …/orchestration/log/stream`.

use std::sync::Arc;

use axum::Extension;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::openapi::Errors;
use super::problem::Problem;
use super::state::State;
use super::streaming::Request;
use super::workspace::Workspace;
use crate::auth::{Caller, Scope};
use crate::service::Error;
use crate::stream::{Kind, Tether};

/// Follow the tool-call log
///
/// A Server-Sent Events stream of tool calls as they are recorded: each frame's data is the row as `GET log` has it. Numbered on its
/// own; cursors, control frames, heartbeats and pages are those of `GET events`.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/log/stream",
    operation_id = "streamLog",
    tag = "Observability",
    params(
        ("workspaceID" = String, Path, description = "Workspace identifier", example = "ws_01HXYZABCDEFGHJKMNPQRSTVW"),
        ("since_seq" = Option<u64>, Query, description = "Replay what comes behind this number; 0 for all that is kept. Absent: from now on"),
        ("types" = Option<String>, Query, description = "Only these types, with commas between; the log has one, `tool.call`"),
        ("sessionID" = Option<String>, Query, description = "Only rows with this `sessionID`"),
        ("entryID" = Option<String>, Query, description = "Only rows with this `entryID`"),
        ("limit" = Option<u32>, Query, description = "Most rows of a page, 1 to 500 (with `Accept: application/json` only)"),
        ("wait" = Option<u32>, Query, description = "Seconds to wait for the first row of a page, 0 to 30 (with `Accept: application/json` only)"),
        ("Last-Event-ID" = Option<String>, Header, description = "Resume behind this `id`; wins over `since_seq`"),
    ),
    responses(
        (status = 200, description = "The stream, or one page of it", content(
            (String = "text/event-stream", example = "event: tool.call\ndata: {\"tool\":\"fs.read\",\"callID\":\"call_01HXYZBROWSEFILE\",\"status\":\"ok\",\"timestamp\":1717691432000}\n\nevent: tool.call\ndata: {\"tool\":\"net.fetch\",\"callID\":\"call_01HXYZFETCHURL\",\"status\":\"intercepted\",\"timestamp\":1717691438000}"),
            (serde_json::Value = "application/json"),
        )),
        (status = 429, description = "The workspace has as many open streams as it may; come back after `Retry-After` seconds", body = super::problem::Envelope),
        Errors,
    )
)]
pub async fn stream(
    state: State,
    caller: Caller,
    Workspace(workspace): Workspace,
    Extension(tether): Extension<Arc<Tether>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    caller.must(Scope::Read).map_err(Error::from)?;
    Request::parse(workspace, Kind::Log, &headers, &uri)?.answer(&state, tether).await
}
