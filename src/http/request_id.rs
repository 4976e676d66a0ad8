//! What happens around every request: it gets an id, is counted, logged if it failed, and a panic becomes a 500 like any other bug.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
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
    log(&method, route, status, &id, response.extensions_mut().remove::<Cause>().as_ref());
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

/// A request that went as it should is a line only for those who debug; there are thousands a second. So are those put off while Redis is
/// away: one a second speaks for all.
fn log(method: &Method, route: Option<&str>, status: StatusCode, id: &RequestId, cause: Option<&Cause>) {
    let (id, route) = (id.as_str(), route.unwrap_or("none"));
    let error = || cause.map_or_else(|| "none".to_owned(), |Cause(cause)| chain(cause.as_ref()));
    match status {
        StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(request.id = id, %method, http.route = route, error = error(), "a request failed: this is a bug");
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            if let Some(others) = PUT_OFF.speak() {
                let error = error();
                tracing::warn!(request.id = id, %method, http.route = route, error, requests.others = others, "requests are put off");
            }
        }
        _ => tracing::debug!(request.id = id, %method, http.route = route, http.status = status.as_u16(), "answered"),
    }
}

/// How long one line about a request put off speaks for others.
const SILENCE: Duration = Duration::from_secs(1);
static PUT_OFF: Voice = Voice(Mutex::new(None));

/// Speaks once in a while for many: when it last spoke, and for how many it has not.
struct Voice(Mutex<Option<(Instant, u64)>>);

impl Voice {
    /// `Some` when it is time to speak: for how many others.
    fn speak(&self) -> Option<u64> {
        let now = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *last {
            Some((spoke, silent)) if now.duration_since(*spoke) < SILENCE => {
                *silent += 1;
                None
            }
            other => other.replace((now, 0)).map(|(_, silent)| silent).or(Some(0)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn broken() -> &'static str {
        panic!("the handler's own words")
    }

    async fn send(id: Option<&str>) -> (StatusCode, Option<String>, String) {
        let router =
            Router::new().route("/fine", get(|| async { "fine" })).route("/broken", get(broken)).layer(axum::middleware::from_fn(track));
        let mut request = Request::get(if id == Some("broken") { "/broken" } else { "/fine" });
        if let Some(id) = id {
            request = request.header("X-Request-Id", id);
        }
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let id = response.headers().get(&X_REQUEST_ID).map(|id| id.to_str().unwrap().to_owned());
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, id, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_request_id_is_echoed_and_made_where_there_is_none() {
        assert_eq!(send(Some("abc-1")).await.1.as_deref(), Some("abc-1"));
        let (first, second) = (send(None).await.1.unwrap(), send(None).await.1.unwrap());
        assert_eq!(first.len(), 32);
        assert_ne!(first, second);
        assert_ne!(send(Some("a b")).await.1.as_deref(), Some("a b"));
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_names_the_request_and_nothing_else() {
        let (status, id, body) = send(Some("broken")).await;
        assert_eq!((status, id.as_deref()), (StatusCode::INTERNAL_SERVER_ERROR, Some("broken")));
        assert!(body.contains(r#""name":"InternalError""#) && body.contains(r#""request_id":"broken""#), "{body}");
        assert!(!body.contains("own words"), "{body}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_voice_speaks_for_many() {
        let voice = Voice(Mutex::new(None));
        assert_eq!([voice.speak(), voice.speak(), voice.speak()], [Some(0), None, None]);
        tokio::time::advance(SILENCE).await;
        assert_eq!([voice.speak(), voice.speak()], [Some(2), None]);
    }
}
