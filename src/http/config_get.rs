//! `GET …/orchestration/config`.

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::openapi::{Errors, WorkspacePath};
use super::params::Params;
use super::problem::Problem;
use super::state::State;
use super::workspace::Workspace;
use crate::auth::Caller;
use crate::service::ConfigView;

/// Get the configuration
///
/// The current orchestration configuration of the workspace; `{}` before the first change. Its `ETag` goes into the `If-Match` of a change.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/config",
    operation_id = "getConfig",
    tag = "Configuration",
    params(
        WorkspacePath,
        ("If-None-Match" = Option<String>, Header, description = "An `ETag`: if it still holds, the reply is 304 without a body"),
    ),
    responses(
        (status = 200, description = "The configuration", content_type = "application/json", body = super::shapes::Config,
            headers(("ETag" = String, description = "The version of the configuration, in quotes")), example = json!({})),
        (status = 304, description = "The configuration is what `If-None-Match` names"),
        Errors,
    )
)]
pub async fn get(state: State, caller: Caller, Workspace(workspace): Workspace, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    Params::none(uri.query())?;
    let view = state.service.config(&caller, &workspace).await?;
    let tag = etag(view.version);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let same = |known: &str| known.trim() == "*" || known.trim().trim_start_matches("W/") == tag;
    if known.flat_map(|value| value.split(',')).any(same) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(shown(&view))
}

/// A configuration with its `ETag`.
pub fn shown(view: &ConfigView) -> Response {
    let mut response = super::ok(view.doc.to_string());
    if let Ok(tag) = HeaderValue::try_from(etag(view.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn etag(version: u64) -> String {
    format!("\"{version}\"")
}
