//! `GET …/orchestration/events`.

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

/// Follow the workspace's events
///
/// A Server-Sent Events stream of every orchestration event, numbered per workspace from 1 without gap or repeat. `id` of a frame
/// is `<seq>.<epoch>`; to resume, send it back as `Last-Event-ID` (a browser does) or its number as `since_seq`. Frames named
/// `stream.*` are about the stream itself and carry no number: `stream.ready` first, `stream.caught_up` where replay turns live,
/// `stream.gap` where what was asked for is gone, `stream.reset` where the cursor means nothing any more, `stream.reconnect` before
/// this side ends the stream. A line with a colon comes every `heartbeat_ms`. With `Accept: application/json` it answers one page instead.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/events",
    operation_id = "streamEvents",
    tag = "Observability",
    params(
        ("workspaceID" = String, Path, description = "Workspace identifier", example = "ws_01HXYZABCDEFGHJKMNPQRSTVW"),
        ("since_seq" = Option<u64>, Query, description = "Replay what comes behind this number; 0 for all that is kept. Absent: from now on"),
        ("types" = Option<String>, Query, description = "Only these types, with commas between; `todo.*` is every type below `todo.`", example = "todo.*,question.asked"),
        ("sessionID" = Option<String>, Query, description = "Only events whose payload has this `sessionID`"),
        ("entryID" = Option<String>, Query, description = "Only events whose payload has this `entryID`"),
        ("limit" = Option<u32>, Query, description = "Most events of a page, 1 to 500 (with `Accept: application/json` only)"),
        ("wait" = Option<u32>, Query, description = "Seconds to wait for the first event of a page, 0 to 30 (with `Accept: application/json` only)"),
        ("Last-Event-ID" = Option<String>, Header, description = "Resume behind this `id`; wins over `since_seq`"),
    ),
    responses(
        (status = 200, description = "The stream, or one page of it", content(
            (String = "text/event-stream", example = "event: todo.created\ndata: {\"seq\":1,\"type\":\"todo.created\",\"payload\":{}}\n\nevent: todo.dispatched\ndata: {\"seq\":2,\"type\":\"todo.dispatched\",\"payload\":{}}"),
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
    Request::parse(workspace, Kind::Events, &headers, &uri)?.answer(&state, tether).await
}
