//! `POST …/orchestration/questions/{questionID}/answer`.

use axum::extract::Request;
use axum::response::Response;

use super::openapi::{BodyErrors, Errors, KeyErrors, KeyHeader, NoQuestion, QuestionPath};
use super::post::Post;
use super::problem::Problem;
use super::shapes::{Answer, Answered};
use super::state::State;
use super::workspace::{Question, Workspace};
use crate::auth::Caller;

/// Answer a question
///
/// An array of arrays of strings, one inner array for each prompt of the question: labels of its options, or free text where `custom`
/// allows it, more than one only where `multiple` does; an empty one leaves its prompt unanswered. The first answer wins; a later one
/// gets a 404 with the code `question_already_answered`, but the winner's identical retry gets the same 200.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/questions/{questionID}/answer",
    operation_id = "questionsAnswer",
    tag = "Questions",
    params(QuestionPath, KeyHeader),
    request_body(content = Answer, example = json!({"answers": [["Approve"]]})),
    responses(
        (status = 200, description = "Answered", body = Answered, example = json!({"answered": true})),
        NoQuestion,
        Errors,
        BodyErrors,
        KeyErrors,
    )
)]
pub async fn answer(
    state: State,
    caller: Caller,
    Workspace(workspace): Workspace,
    Question(id): Question,
    request: Request,
) -> Result<Response, Problem> {
    let Post { act, body } = Post::read(&state, request, false).await?;
    Ok(super::reply(state.service.answer(&caller, &workspace, &id, body, &act).await?))
}
