//! The OpenAPI document, from the code: every operation comes from its handler's own description.
//!
//! The groups of error replies that operations share stand here: each is a type to name in `responses(…)`.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, OpenApi};

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

/// Error replies with the one envelope, by status.
pub fn errors(all: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let one = |(status, description): &(u16, &str)| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
        let response = ResponseBuilder::new().description(*description).content("application/json", content).build();
        (status.to_string(), RefOr::T(response))
    };
    all.iter().map(one).collect()
}
