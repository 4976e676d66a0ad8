//! `POST …/orchestration/questions`.

use axum::extract::Request;
use axum::response::Response;

use super::openapi::{BodyErrors, Errors, KeyErrors, KeyHeader, WorkspacePath};
use super::post::Post;
use super::problem::{Envelope, Problem};
use super::shapes::{Ask, OneQuestion};
use super::state::State;
use super::workspace::Workspace;
use crate::auth::Caller;

/// Ask a question
///
/// An agent asks people to decide; the event `question.asked` carries the question. A session has one question pending at a time, unless
/// `questions.max_pending_per_session` of the configuration allows more. Without `expires_in_ms`, and without `questions.default_timeout_ms`
/// in the configuration, it waits for ever.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/questions",
    operation_id = "questionsAsk",
    tag = "Questions",
    params(WorkspacePath, KeyHeader),
    request_body(content = Ask),
    responses(
        (status = 201, description = "Asked", body = OneQuestion),
        (status = 409, description = "The session has as many questions pending as it may: `question_pending`", body = Envelope),
        Errors,
        BodyErrors,
        KeyErrors,
    )
)]
pub async fn ask(state: State, caller: Caller, Workspace(workspace): Workspace, request: Request) -> Result<Response, Problem> {
    let Post { act, body } = Post::read(&state, request, false).await?;
    Ok(super::reply(state.service.ask(&caller, &workspace, body, &act).await?))
}
