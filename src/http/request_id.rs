//! What happens around every request: it gets an id, is counted, logged if it failed, and a panic becomes a 500 like any other bug.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::problem::{Cause, Problem};
use crate::domain::ids::RequestId;
use crate::telemetry::metrics;

/// The header that carries the id, both ways.
pub static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps every handler of the router. The id is in the request's extensions as [`RequestId`].
pub async fn track(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (id, echo) = take_or_make(&request);
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    // Nothing of the handler is looked at after its panic, so no broken state can be seen.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_panic| Problem::internal(None).into_response());
    let status = response.status();
    let route = route.as_ref().map(MatchedPath::as_str);
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        *response.body_mut() = Body::from(Problem::internal(None).to_json(Some(id.as_str())));
    }
    log(&method, route, status, &id, response.extensions_mut().remove::<Cause>());
    if let Some(echo) = echo {
        response.headers_mut().insert(X_REQUEST_ID.clone(), echo);
    }
    metrics::endpoint(&method, route).answered(status, started.elapsed());
    response
}

fn take_or_make(request: &Request) -> (RequestId, Option<HeaderValue>) {
    let given = request.headers().get(&X_REQUEST_ID);
    let taken = given.and_then(|value| RequestId::parse(value.to_str().ok()?).ok());
    match taken {
        Some(id) => (id, given.cloned()),
        None => make(),
    }
}

#[expect(clippy::expect_used, reason = "32 hexadecimal digits are a request id, for all numbers")]
fn make() -> (RequestId, Option<HeaderValue>) {
    let text = format!("{:032x}", rand::random::<u128>());
    let id = RequestId::parse(&text).expect("a request id");
    (id, HeaderValue::try_from(text).ok())
}

/// A request that went as it should is a line only for those who debug; there are thousands a second.
fn log(method: &axum::http::Method, route: Option<&str>, status: StatusCode, id: &RequestId, cause: Option<Cause>) {
    let (route, status) = (route.unwrap_or("none"), status.as_u16());
    let cause = cause.as_ref().map(|Cause(cause)| chain(cause.as_ref()));
    let cause = cause.as_deref().unwrap_or("none");
    match status {
        500 => {
            tracing::error!(request.id = id.as_str(), %method, http.route = route, error = cause, "a request failed: a bug");
        }
        503 => {
            tracing::warn!(request.id = id.as_str(), %method, http.route = route, error = cause, "a request was put off");
        }
        _ => {
            tracing::debug!(request.id = id.as_str(), %method, http.route = route, http.status = status, "answered");
        }
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
