//! The OpenAPI document, from the code: every operation comes from its handler's own description.
//!
//! The groups of error replies that operations share stand here: each is a type to name in `responses(…)`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, OpenApi};

use super::problem::Envelope;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Downbeat",
        description = "Orchestration service of AI-agent platforms: events, tool-call log, questions and configuration of a workspace, live over SSE.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This service")),
    tags(
        (name = "Configuration", description = "The workspace's own settings; they survive a purge."),
        (name = "Observability", description = "Events, the tool-call log, and their live streams."),
        (name = "Questions", description = "Prompts that agents raise and people decide."),
        (name = "Maintenance", description = "Debug dump, restore, purge."),
        (name = "Health", description = "Whether the service works."),
    ),
    components(schemas(Envelope)),
)]
struct Scaffold;

/// The document of every route of [`super::router`].
pub fn document() -> utoipa::openapi::OpenApi {
    super::routes().into_openapi()
}

/// The document before any operation.
pub(super) fn scaffold() -> utoipa::openapi::OpenApi {
    Scaffold::openapi()
}

/// What any operation may answer: 400, 500, 503.
pub struct Errors;
/// What an operation with a body may answer besides: 413, 415.
pub struct BodyErrors;
/// What an operation on a question may answer besides: 404.
pub struct NoQuestion;
/// What a POST may answer besides, for its `Idempotency-Key`: 422.
pub struct KeyErrors;

impl IntoResponses for Errors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[
            (400, "Malformed request: a wrong body, parameter, cursor or filter; `data.errors` names the places"),
            (500, "A bug of the service; `data.request_id` is how its operator finds it"),
            (503, "Redis is away or refuses writes; come back after `Retry-After` seconds"),
        ])
    }
}

impl IntoResponses for BodyErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[(413, "The body is too large"), (415, "The body is not JSON by its `Content-Type`")])
    }
}

impl IntoResponses for KeyErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[(422, "The `Idempotency-Key` was used for another request")])
    }
}

impl IntoResponses for NoQuestion {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let example = json!({ "name": "NotFoundError", "data": { "message": "Question que_01HXYZABCDEFGHJKMNPQRSTVW not found" } });
        let response = error("There is no such question, or it is not pending", Some(example));
        BTreeMap::from([("404".to_owned(), RefOr::T(response))])
    }
}

/// `{workspaceID}` of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WorkspacePath {
    /// Workspace identifier
    #[param(rename = "workspaceID", pattern = "^[A-Za-z0-9_-]{1,64}$", example = "ws_01HXYZABCDEFGHJKMNPQRSTVW")]
    pub workspace_id: String,
}

/// `{workspaceID}` and `{questionID}` of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct QuestionPath {
    /// Workspace identifier
    #[param(rename = "workspaceID", pattern = "^[A-Za-z0-9_-]{1,64}$", example = "ws_01HXYZABCDEFGHJKMNPQRSTVW")]
    pub workspace_id: String,
    /// Question identifier
    #[param(rename = "questionID", example = "que_01HXYZABCDEFGHJKMNPQRSTVW")]
    pub question_id: String,
}

/// `Idempotency-Key` of a POST.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct KeyHeader {
    /// Names the request, 1 to 128 visible ASCII characters: the same key with the same request gets the first reply again.
    #[param(rename = "Idempotency-Key", nullable = false)]
    pub idempotency_key: Option<String>,
}

/// Error replies with the one envelope, by status.
pub fn errors(all: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    all.iter().map(|(status, description)| (status.to_string(), RefOr::T(error(description, None)))).collect()
}

fn error(description: &str, example: Option<Value>) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).example(example).build();
    ResponseBuilder::new().description(description).content(super::JSON, content).build()
}
