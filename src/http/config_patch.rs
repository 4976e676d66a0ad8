//! `PATCH …/orchestration/config`.

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::Response;

use super::openapi::{BodyErrors, Errors, WorkspacePath};
use super::params::Params;
use super::problem::{Envelope, Problem};
use super::state::State;
use super::workspace::Workspace;
use super::{act, body, config_get};
use crate::auth::Caller;
use crate::service::IfMatch;

const TYPES: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// Change the configuration
///
/// Merges the body into the configuration as RFC 7396 says: members replace those of the same name, objects are merged, `null` removes.
/// The reply is the whole new configuration. Keys that the service knows are checked; any other is kept. Changes made at the same time
/// are applied one after the other. Each real change emits `config.updated`.
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/config",
    operation_id = "updateConfig",
    tag = "Configuration",
    params(
        WorkspacePath,
        ("If-Match" = Option<String>, Header, description = "An `ETag`: the change is made only if the configuration still has it"),
    ),
    request_body(content(
        (super::shapes::Config = "application/json", example = json!({"questions": {"max_pending_per_session": 3}})),
        (super::shapes::Config = "application/merge-patch+json", example = json!({"questions": {"max_pending_per_session": 3}})),
    )),
    responses(
        (status = 200, description = "The whole new configuration", content_type = "application/json", body = super::shapes::Config,
            headers(("ETag" = String, description = "The new version of the configuration, in quotes")), example = json!({})),
        (status = 412, description = "The configuration is not what `If-Match` names", body = Envelope),
        Errors,
        BodyErrors,
    )
)]
pub async fn patch(state: State, caller: Caller, Workspace(workspace): Workspace, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Params::none(parts.uri.query())?;
    let bytes = body::read(body, state.limits.body_bytes).await?;
    body::must_be(&parts.headers, &TYPES)?;
    let patch = body::value(&bytes, &state.limits)?;
    let (expected, act) = (if_match(&parts.headers), act::without_key(&parts));
    let view = state.service.patch_config(&caller, &workspace, &patch, &expected, &act).await?;
    Ok(config_get::shown(&view))
}

/// Weak tags and what is no tag of ours never match.
fn if_match(headers: &HeaderMap) -> IfMatch {
    let mut values = headers.get_all(header::IF_MATCH).iter().peekable();
    if values.peek().is_none() {
        return IfMatch::Any;
    }
    let mut versions = Vec::new();
    for tag in values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim) {
        if tag == "*" {
            return IfMatch::Any;
        }
        let digits = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        let version = digits.and_then(|digits| digits.parse::<u64>().ok().filter(|version| version.to_string() == digits));
        versions.extend(version);
    }
    IfMatch::Versions(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_is_strong_tags_or_a_star() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_MATCH, value.parse().unwrap());
            }
            if_match(&headers)
        };
        assert_eq!(read(&[]), IfMatch::Any);
        assert_eq!(read(&["*"]), IfMatch::Any);
        assert_eq!(read(&["\"3\""]), IfMatch::Versions(vec![3]));
        assert_eq!(read(&["\"3\", \"4\"", "\"5\""]), IfMatch::Versions(vec![3, 4, 5]));
        for nothing in ["W/\"3\"", "3", "\"03\"", "\"+3\"", "\"\"", "\"x\""] {
            assert_eq!(read(&[nothing]), IfMatch::Versions(vec![]), "{nothing}");
        }
    }
}
