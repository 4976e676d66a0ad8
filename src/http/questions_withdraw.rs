//! `DELETE …/orchestration/questions/{questionID}`.

use axum::extract::Request;
use axum::response::Response;

use super::act;
use super::openapi::{Errors, NoQuestion, QuestionPath};
use super::params::Params;
use super::problem::Problem;
use super::shapes::Cancelled;
use super::state::State;
use super::workspace::{Question, Workspace};
use crate::auth::Caller;

/// Withdraw a question
///
/// The asking agent needs no answer any more. Whoever waits for the outcome gets `cancelled`.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/questions/{questionID}",
    operation_id = "questionsWithdraw",
    tag = "Questions",
    params(QuestionPath),
    responses(
        (status = 200, description = "Withdrawn", body = Cancelled, example = json!({"cancelled": true})),
        NoQuestion,
        Errors,
    )
)]
pub async fn withdraw(
    state: State,
    caller: Caller,
    Workspace(workspace): Workspace,
    Question(id): Question,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _body) = request.into_parts();
    Params::none(parts.uri.query())?;
    state.service.withdraw(&caller, &workspace, &id, &act::without_key(&parts)).await?;
    Ok(super::ok(r#"{"cancelled":true}"#))
}
