//! Ids in paths.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use super::problem::Problem;
use super::state::State;
use crate::domain::fault::Fault;
use crate::domain::ids::{QuestionId, WorkspaceId};

/// `{workspaceID}` of the path. Text that cannot be one is a 400.
pub struct Workspace(pub WorkspaceId);

impl FromRequestParts<State> for Workspace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let text = param(parts, state, "workspaceID").await?;
        WorkspaceId::parse(&text).map(Self).map_err(|error| Fault::new("workspaceID", error.to_string()).into())
    }
}

/// `{questionID}` of the path. The service names questions, so text that cannot be one is a question that is not there: 404.
pub struct Question(pub QuestionId);

impl FromRequestParts<State> for Question {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let text = param(parts, state, "questionID").await?;
        QuestionId::parse(&text).map(Self).map_err(|_| {
            let shown: String = text.chars().take(64).collect();
            Problem::not_found("question_not_found", format!("Question {shown} not found"))
        })
    }
}

async fn param(parts: &mut Parts, state: &State, name: &str) -> Result<String, Problem> {
    let params =
        RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::bad_request("bad_path", "the path is not UTF-8"))?;
    let value = params.iter().find(|(known, _)| *known == name);
    Ok(value.map(|(_, value)| value.to_owned()).unwrap_or_default())
}
