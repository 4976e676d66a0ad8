//! `GET …/orchestration/debug-dump`.

use axum::body::Body;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use utoipa::ToSchema;

use super::openapi::{Errors, WorkspacePath};
use super::params::Params;
use super::problem::Problem;
use super::state::State;
use super::workspace::Workspace;
use crate::auth::Caller;

/// Everything of a workspace at one moment. Sections of which there is nothing are empty.
#[derive(ToSchema)]
#[schema(as = Dump)]
#[expect(dead_code, reason = "describes the document; it is written and read as text")]
pub struct Document {
    /// Which kind of document this is.
    #[schema(example = "downbeat.dump/1")]
    format: String,
    /// The moment, epoch milliseconds.
    generated_at: u64,
    #[schema(rename = "workspaceID")]
    workspace_id: String,
    /// The newest event.
    seq: u64,
    /// The history the numbers belong to.
    #[schema(example = "9f3ac1d2")]
    epoch: String,
    #[schema(value_type = Object)]
    config: serde_json::Value,
    config_version: u64,
    #[schema(value_type = Object)]
    executor: serde_json::Value,
    #[schema(value_type = Object)]
    todo: serde_json::Value,
    phases: Vec<serde_json::Value>,
    sessions: Vec<serde_json::Value>,
    /// Pending questions, with `asked_at` and `expires_at`.
    questions: Vec<serde_json::Value>,
    /// Resolved questions of the last 24 hours, each with the `seq` of the event that told it.
    outcomes: Vec<serde_json::Value>,
    #[schema(value_type = Object)]
    budgets: serde_json::Value,
    reservations: Vec<serde_json::Value>,
    ledger: Vec<serde_json::Value>,
    locks: Vec<serde_json::Value>,
    #[schema(value_type = Object)]
    mailboxes: serde_json::Value,
    /// Empty: indexes and timers follow from the rest.
    #[schema(value_type = Object)]
    caches: serde_json::Value,
    events: Stream<Event>,
    log: Stream<Call>,
}

/// What is kept of a stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the document; it is written and read as text")]
struct Stream<Item> {
    /// The first item's number; one past the newest if there is none.
    oldest_seq: u64,
    /// The newest number given out.
    latest_seq: u64,
    /// The first number since the last purge.
    first_seq: u64,
    items: Vec<Item>,
}

/// An event.
#[derive(ToSchema)]
#[schema(as = DumpEvent)]
#[expect(dead_code, reason = "describes the document; it is written and read as text")]
struct Event {
    seq: u64,
    #[schema(rename = "type")]
    kind: String,
    #[schema(value_type = Object)]
    payload: serde_json::Value,
    /// Epoch milliseconds.
    timestamp: u64,
    #[schema(nullable = false)]
    traceparent: Option<String>,
}

/// A row of the log.
#[derive(ToSchema)]
#[schema(as = DumpRow)]
#[expect(dead_code, reason = "describes the document; it is written and read as text")]
struct Call {
    seq: u64,
    /// When the service took it, epoch milliseconds.
    appended_at: u64,
    row: super::log::LogItem,
    #[schema(nullable = false)]
    traceparent: Option<String>,
}

/// Export the debug dump
///
/// Everything needed to reconstruct the workspace's live state, as one JSON object and one point in time: what is written meanwhile is not
/// in it. It is sent at the pace of the reader; should it not be possible to go on (retention was faster than a slow reader, Redis went
/// away), the body breaks off, so that a document that parses is whole. Events and rows that retention drops before their turn are
/// missing in front; `oldest_seq` tells where the items begin.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/debug-dump",
    operation_id = "getDebugDump",
    tag = "Maintenance",
    params(WorkspacePath),
    responses(
        (status = 200, description = "The dump", body = Document, example = json!({
            "format": "downbeat.dump/1", "generated_at": 1_717_691_440_000_u64, "workspaceID": "ws_01HXYZABCDEFGHJKMNPQRSTVW", "seq": 1,
            "epoch": "9f3ac1d2", "config": {}, "config_version": 0, "executor": {}, "todo": {}, "phases": [], "sessions": [], "questions": [],
            "outcomes": [], "budgets": {}, "reservations": [], "ledger": [], "locks": [], "mailboxes": {}, "caches": {},
            "events": { "oldest_seq": 1, "latest_seq": 1, "first_seq": 1, "items": [
                { "seq": 1, "type": "build.started", "payload": {}, "timestamp": 1_717_691_432_000_u64 },
            ] },
            "log": { "oldest_seq": 1, "latest_seq": 0, "first_seq": 1, "items": [] },
        })),
        Errors,
    )
)]
pub async fn dump(state: State, caller: Caller, Workspace(workspace): Workspace, uri: Uri) -> Result<Response, Problem> {
    Params::none(uri.query())?;
    let (head, text) = state.service.dump(&caller, &workspace).await?;
    let pieces = stream::try_unfold((Some(head), text), |(head, mut text)| async move {
        if let Some(head) = head {
            return Ok(Some((Bytes::from(head), (None, text))));
        }
        match text.next().await {
            Ok(piece) => Ok(piece.map(|piece| (Bytes::from(piece), (None, text)))),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a debug dump breaks off");
                Err(std::io::Error::other(error))
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, super::JSON.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"dump-{workspace}.json\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
