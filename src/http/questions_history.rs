//! `GET …/orchestration/questions/history`.

use axum::http::Uri;
use axum::response::Response;
use serde_json::json;

use super::openapi::{Errors, WorkspacePath};
use super::params::Params;
use super::problem::Problem;
use super::shapes::QuestionHistory;
use super::state::State;
use super::workspace::Workspace;
use crate::auth::Caller;
use crate::domain::question::Outcome;

/// Items of a page unless the client says otherwise.
const LIMIT: u64 = 50;
/// The highest page that can be asked for: its first item has a number that every JSON reader keeps exact.
const LAST_PAGE: u64 = 1 << 32;

/// List the resolved questions
///
/// With who resolved them, when and how; newest first. They are kept for 24 hours.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/questions/history",
    operation_id = "questionsHistory",
    tag = "Questions",
    params(
        WorkspacePath,
        ("page" = Option<u64>, Query, description = "From 1, which is the default"),
        ("limit" = Option<u64>, Query, description = "Items of a page, 1 to 500; 50 by default"),
    ),
    responses((status = 200, description = "A page of resolved questions", body = QuestionHistory), Errors)
)]
pub async fn history(state: State, caller: Caller, Workspace(workspace): Workspace, uri: Uri) -> Result<Response, Problem> {
    let params = Params::parse(uri.query(), &["page", "limit"])?;
    let page = params.number("page", 1..=LAST_PAGE)?.unwrap_or(1);
    let most = state.limits.log_page as u64;
    let limit = params.number("limit", 1..=most)?.unwrap_or(LIMIT.min(most));
    let history = state.service.question_history(&caller, &workspace, page, limit).await?;
    let items: Vec<_> = history.outcomes.iter().map(Outcome::to_history_json).collect();
    let pages = history.total.div_ceil(limit);
    let meta = json!({ "page": page, "limit": limit, "total": history.total, "pages": pages });
    Ok(super::ok(json!({ "items": items, "meta": meta }).to_string()))
}
