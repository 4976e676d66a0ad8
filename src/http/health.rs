//! `GET /api/v1/workspaces/health`.

use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::Errors;
use super::problem::Problem;
use super::state::State;

/// The service works.
#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    /// Whether Redis answers.
    #[schema(example = "ok")]
    redis: &'static str,
}

/// Whether the service works
///
/// Asks Redis; if that does not answer, the reply is a 503 like every other's.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/health",
    operation_id = "health",
    tag = "Health",
    responses((status = 200, description = "It works", body = Health), Errors)
)]
pub async fn health(state: State) -> Result<Response, Problem> {
    state.service.healthy().await?;
    Ok(super::ok(r#"{"status":"ok","redis":"ok"}"#))
}
