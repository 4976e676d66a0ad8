//! `GET …/orchestration/questions/{questionID}/outcome`.

use std::time::Duration;

use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::openapi::{Errors, NoQuestion, QuestionPath};
use super::params::Params;
use super::problem::Problem;
use super::shapes::QuestionOutcome;
use super::state::State;
use super::workspace::{Question, Workspace};
use crate::auth::Caller;
use crate::domain::ids::{QuestionId, WorkspaceId};
use crate::domain::question::Outcome;
use crate::service::Error;
use crate::stream::Kind;

/// The longest wait, in seconds.
const WAIT_SECONDS: u64 = 60;
/// Between two looks of one waiter, however much happens in the workspace.
const PAUSE: Duration = Duration::from_millis(50);

/// Wait for a question's outcome
///
/// What the asking agent calls: how its question ended, or 204 if it is still pending after `wait` seconds. Outcomes are kept for 24 hours.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/questions/{questionID}/outcome",
    operation_id = "questionsOutcome",
    tag = "Questions",
    params(
        QuestionPath,
        ("wait" = Option<u32>, Query, description = "Seconds to wait for the outcome, 0 to 60; at once if left out"),
    ),
    responses(
        (status = 200, description = "How it ended", body = QuestionOutcome, example = json!({
            "outcome": "answered", "answers": [["Approve"]], "resolved_by": "anonymous", "resolved_at": 1_717_691_432_000_u64,
        })),
        (status = 204, description = "It is still pending"),
        NoQuestion,
        Errors,
    )
)]
pub async fn outcome(
    state: State,
    caller: Caller,
    Workspace(workspace): Workspace,
    Question(id): Question,
    uri: Uri,
) -> Result<Response, Problem> {
    let wait = Params::parse(uri.query(), &["wait"])?.number("wait", 0..=WAIT_SECONDS)?;
    let wait = Duration::from_secs(wait.unwrap_or(0));
    Ok(match find(&state, &caller, &workspace, &id, wait).await? {
        Some(outcome) => super::ok(outcome.to_json().to_string()),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Subscribes before it looks, so that what happens in between is heard. A replica that drains sends its waiters away at once: they ask
/// another one.
async fn find(state: &State, caller: &Caller, workspace: &WorkspaceId, id: &QuestionId, wait: Duration) -> Result<Option<Outcome>, Error> {
    let service = &state.service;
    let until = Instant::now() + wait;
    // Most ask about a question that has ended or does not exist, or do not wait: they cost no subscription.
    let outcome = service.outcome(caller, workspace, id).await?;
    if outcome.is_some() || wait.is_zero() {
        return Ok(outcome);
    }
    let mut watch = state.hub.watch(workspace, Kind::Events).await?;
    loop {
        let outcome = service.outcome(caller, workspace, id).await?;
        if outcome.is_some() {
            return Ok(outcome);
        }
        let next_look = Instant::now() + PAUSE;
        tokio::select! {
            () = watch.changed() => {}
            () = tokio::time::sleep_until(until) => return Ok(None),
            () = state.life.soft().cancelled() => return Ok(None),
        }
        tokio::time::sleep_until(next_look.min(until)).await;
    }
}
