//! `GET …/orchestration/questions/{questionID}`.

use axum::http::Uri;
use axum::response::Response;
use serde_json::json;

use super::openapi::{Errors, NoQuestion, QuestionPath};
use super::params::Params;
use super::problem::Problem;
use super::shapes::OneQuestion;
use super::state::State;
use super::workspace::{Question, Workspace};
use crate::auth::Caller;

/// Get a pending question
///
/// The full detail of a single pending question, including its options and the originating tool call reference.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/questions/{questionID}",
    operation_id = "questionsGetDetail",
    tag = "Questions",
    params(QuestionPath),
    responses(
        (status = 200, description = "The question", body = OneQuestion, example = json!({
            "question": {
                "id": "que_01HXYZABCDEFGHJKMNPQRSTVW",
                "sessionID": "01HXYZABCDEFGHJKMNPQRSTVW",
                "questions": [{
                    "question": "Approve the schema migration on the production database?",
                    "header": "Approve migration",
                    "options": [
                        {"label": "Approve", "description": "Run the migration now and proceed."},
                        {"label": "Reject", "description": "Cancel and roll back the orchestrator."},
                    ],
                    "multiple": false,
                    "custom": true,
                }],
                "tool": {"messageID": "msg_01HXYZMESSAGEID", "callID": "call_01HXYZCALLID"},
            },
        })),
        NoQuestion,
        Errors,
    )
)]
pub async fn get(
    state: State,
    caller: Caller,
    Workspace(workspace): Workspace,
    Question(id): Question,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::none(uri.query())?;
    let question = state.service.question(&caller, &workspace, &id).await?;
    Ok(super::ok(json!({ "question": question.to_json() }).to_string()))
}
