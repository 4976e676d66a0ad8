//! `GET …/orchestration/questions`.

use axum::http::Uri;
use axum::response::Response;
use serde_json::json;

use super::openapi::{Errors, WorkspacePath};
use super::params::Params;
use super::problem::Problem;
use super::shapes::Questions;
use super::state::State;
use super::workspace::Workspace;
use crate::auth::Caller;
use crate::domain::question::Question;

/// List the pending questions
///
/// Every unanswered question raised by any orchestrated session in the workspace, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/questions",
    operation_id = "questionsList",
    tag = "Questions",
    params(WorkspacePath),
    responses(
        (status = 200, description = "The pending questions", body = Questions, example = json!({
            "questions": [{
                "id": "que_01HXYZABCDEFGHJKMNPQRSTVW",
                "sessionID": "01HXYZABCDEFGHJKMNPQRSTVW",
                "questions": [{
                    "question": "Which deployment target should I use for the new service?",
                    "header": "Deploy target",
                    "options": [
                        {"label": "AWS us-east-1", "description": "Production-grade region with full feature parity."},
                        {"label": "GCP europe-west1", "description": "Lower latency for EU users; some services are stubs."},
                    ],
                    "multiple": false,
                    "custom": true,
                }],
                "tool": {"messageID": "msg_01HXYZMESSAGEID", "callID": "call_01HXYZCALLID"},
            }],
        })),
        Errors,
    )
)]
pub async fn list(state: State, caller: Caller, Workspace(workspace): Workspace, uri: Uri) -> Result<Response, Problem> {
    Params::none(uri.query())?;
    let questions = state.service.questions(&caller, &workspace).await?;
    let questions: Vec<_> = questions.iter().map(Question::to_json).collect();
    Ok(super::ok(json!({ "questions": questions }).to_string()))
}
