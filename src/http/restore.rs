//! `POST …/orchestration/restore`.

use axum::extract::Request;
use axum::response::Response;
use futures_util::TryStreamExt;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::dump::Document;
use super::openapi::{Errors, KeyErrors, KeyHeader, WorkspacePath};
use super::params::Params;
use super::problem::Problem;
use super::shapes::Restored;
use super::state::State;
use super::workspace::Workspace;
use super::{act, body};
use crate::auth::Caller;
use crate::service::Upload;

/// Restore a debug dump
///
/// Makes the workspace what the dump says, all of it or nothing. The body is read as a stream and may be larger than other bodies; one item
/// may have 256 KiB. The workspace must be empty, or `force=true` replaces what is there. Numbers go on from the dump's.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/restore",
    operation_id = "restore",
    tag = "Maintenance",
    params(
        WorkspacePath,
        KeyHeader,
        ("force" = Option<bool>, Query, description = "Replace what the workspace holds."),
    ),
    request_body = Document,
    responses(
        (status = 200, description = "It is restored", body = Restored, example = json!({ "restored": true, "seq": 1 })),
        (status = 409, description = "The workspace is not empty, or was purged meanwhile", body = super::problem::Envelope),
        Errors,
        KeyErrors,
    )
)]
pub async fn restore(state: State, caller: Caller, Workspace(workspace): Workspace, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let force = Params::parse(parts.uri.query(), &["force"])?.flag("force")?;
    body::must_be_json(&parts.headers)?;
    let (act, digest) = act::streamed(&parts)?;
    let stream = body.into_data_stream().map_err(std::io::Error::other);
    let reader = Box::new(SyncIoBridge::new(StreamReader::new(Box::pin(stream))));
    let upload = Upload { reader, digest, depth: state.limits.json_depth };
    Ok(super::reply(state.service.restore(&caller, &workspace, force, upload, act).await?))
}
