//! The public interface: one endpoint, one file. A handler extracts, calls one use case and answers; statuses of errors are the business of
//! [`problem`] alone.

pub mod problem;
pub mod state;

pub mod act;
pub mod body;
mod caller;
pub mod params;
mod post;
pub mod request_id;
pub mod workspace;

mod docs;
pub mod openapi;
pub mod shapes;

mod health;

mod config_get;
mod config_patch;

mod connections;
mod events_publish;
mod events_stream;
mod log;
mod log_stream;
mod record;

mod questions_answer;
mod questions_ask;
mod questions_get;
mod questions_history;
mod questions_list;
mod questions_outcome;
mod questions_reject;
mod questions_withdraw;

mod dump;
mod purge;
mod restore;

mod sse;
mod streaming;

pub mod admin;
pub mod server;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Reply;
use problem::{Cause, Problem};
use state::State;

/// The `Content-Type` of everything but streams, exports and the documentation.
pub const JSON: &str = "application/json";

/// Everything the public listener answers.
pub fn router(state: State) -> axum::Router {
    let (router, _document) = routes().split_for_parts();
    router
        .merge(docs::routes())
        .fallback(async |request: Request| nothing_there(request.uri().path()))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(axum::middleware::from_fn(request_id::track))
        .with_state(state)
}

/// The operations, each with its description.
fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(openapi::scaffold())
        .routes(routes!(health::health))
        .routes(routes!(config_get::get, config_patch::patch))
        .routes(routes!(events_stream::stream, events_publish::publish))
        .routes(routes!(connections::connections))
        .routes(routes!(log::log, record::record))
        .routes(routes!(log_stream::stream))
        .routes(routes!(questions_list::list, questions_ask::ask))
        .routes(routes!(questions_history::history))
        .routes(routes!(questions_get::get, questions_withdraw::withdraw))
        .routes(routes!(questions_answer::answer))
        .routes(routes!(questions_reject::reject))
        .routes(routes!(questions_outcome::outcome))
        .routes(routes!(dump::dump))
        .routes(routes!(restore::restore))
        .routes(routes!(purge::purge))
}

/// 404 for a path that is no resource.
fn nothing_there(path: &str) -> Problem {
    let shown: String = path.chars().take(256).collect();
    Problem::not_found("no_such_path", format!("{shown} is not a resource"))
}

/// 200 with a JSON text.
pub fn ok(body: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, JSON)], body.into()).into_response()
}

/// 200 with a value as JSON.
pub fn json(value: &impl Serialize) -> Result<Response, Problem> {
    match serde_json::to_vec(value) {
        Ok(text) => Ok(ok(text)),
        Err(error) => Err(Problem::internal(Some(Cause(Arc::new(error))))),
    }
}

/// What a use case answered to a POST.
pub fn reply(reply: Reply) -> Response {
    let mut response = ok(reply.body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    if reply.replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

#[cfg(test)]
mod tests;
