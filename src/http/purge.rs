//! `POST …/orchestration/purge`.

use axum::extract::Request;
use axum::response::Response;

use super::openapi::{Errors, KeyErrors, KeyHeader, WorkspacePath};
use super::params::Params;
use super::problem::Problem;
use super::shapes::Purged;
use super::state::State;
use super::workspace::Workspace;
use super::{act, body};
use crate::auth::Caller;

/// Purge the workspace
///
/// Pauses the executor and clears every piece of orchestration state for the workspace: TODO entries, events, budgets, tool logs, session
/// IDs, and in-memory caches. **Configuration is preserved.** It cannot be undone. Numbers of events go on, open streams stay open, and
/// the first event after it is `orchestration.purged`; agents that wait for a question's outcome get `cancelled`.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/purge",
    operation_id = "purge",
    tag = "Maintenance",
    params(WorkspacePath, KeyHeader),
    responses(
        (status = 200, description = "What was cleared", body = Purged, example = json!({
            "purged": ["todos", "events", "budgets", "tool_logs", "session_ids", "caches"],
        })),
        Errors,
        KeyErrors,
    )
)]
pub async fn purge(state: State, caller: Caller, Workspace(workspace): Workspace, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Params::none(parts.uri.query())?;
    // A purge has no body; what a client sends all the same is only part of what its key stands for.
    let bytes = body::read(body, state.limits.body_bytes).await?;
    let act = act::of(&parts, &bytes)?;
    Ok(super::reply(state.service.purge(&caller, &workspace, &act).await?))
}
