//! `POST …/orchestration/events`.

mod wire;

use axum::extract::Request;
use axum::response::Response;

use super::openapi::{BodyErrors, Errors, KeyErrors, KeyHeader, WorkspacePath};
use super::params::Params;
use super::problem::Problem;
use super::state::State;
use super::workspace::Workspace;
use super::{act, body};
use crate::auth::Caller;

/// Publish events
///
/// One event, or several at once: all of them are appended, with contiguous numbers, or none. Types that begin with `todo.`, `question.`,
/// `budget.`, `executor.`, `phase.`, `session.`, `config.`, `lock.`, `vault.`, `import.`, `orchestration.`, `stream.` or `tool.` are the
/// service's own. With an `Idempotency-Key` a retry within 10 minutes gets the first reply again.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/events",
    operation_id = "publishEvents",
    tag = "Observability",
    params(WorkspacePath, KeyHeader),
    request_body(content = wire::Publish, examples(
        ("one" = (summary = "One event", value = json!({"type": "build.started", "payload": {"sessionID": "01HXYZABCDEFGHJKMNPQRSTVW"}}))),
        ("several" = (summary = "Several, all or none", value = json!({"events": [{"type": "build.started", "payload": {}}, {"type": "build.finished", "payload": {}}]}))),
    )),
    responses(
        (status = 201, description = "Appended: the event's number and time, or the first and last number", body = wire::Published, examples(
            ("one" = (summary = "One event", value = json!({"seq": 2, "type": "build.started", "timestamp": 1_717_691_432_000_u64}))),
            ("several" = (summary = "Several", value = json!({"first_seq": 3, "last_seq": 4}))),
        )),
        Errors,
        BodyErrors,
        KeyErrors,
    )
)]
pub async fn publish(state: State, caller: Caller, Workspace(workspace): Workspace, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Params::none(parts.uri.query())?;
    let bytes = body::read(body, state.limits.body_bytes).await?;
    body::must_be_json(&parts.headers)?;
    let events = wire::parse(body::text(&bytes, &state.limits)?, &state.limits)?;
    let act = act::of(&parts, &bytes)?;
    Ok(super::reply(state.service.publish(&caller, &workspace, events, &act).await?))
}
