//! `POST …/orchestration/questions/{questionID}/reject`.

use axum::extract::Request;
use axum::response::Response;

use super::openapi::{BodyErrors, Errors, KeyErrors, KeyHeader, NoQuestion, QuestionPath};
use super::post::Post;
use super::problem::Problem;
use super::shapes::{Reject, Rejected};
use super::state::State;
use super::workspace::{Question, Workspace};
use crate::auth::Caller;

/// Reject a question
///
/// A person refuses to decide; the asking agent is told, with the reason if there is one. The body may be left out.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/questions/{questionID}/reject",
    operation_id = "questionsReject",
    tag = "Questions",
    params(QuestionPath, KeyHeader),
    request_body(content = Reject, example = json!({"reason": "Not before the release."})),
    responses(
        (status = 200, description = "Rejected", body = Rejected, example = json!({"rejected": true})),
        NoQuestion,
        Errors,
        BodyErrors,
        KeyErrors,
    )
)]
pub async fn reject(
    state: State,
    caller: Caller,
    Workspace(workspace): Workspace,
    Question(id): Question,
    request: Request,
) -> Result<Response, Problem> {
    let Post { act, body } = Post::read(&state, request, true).await?;
    Ok(super::reply(state.service.reject(&caller, &workspace, &id, body, &act).await?))
}
