//! Tests of the router as a whole, without Redis: what is answered before anything is looked up.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::state::State;
use crate::config::Limits;
use crate::lifecycle::Lifecycle;
use crate::service::Service;
use crate::store::{self, Store};
use crate::stream::{self, Hub};

const BASE: &str = "/api/v1/workspaces/ws/orchestration";

struct Answer {
    status: StatusCode,
    allow: Option<String>,
    body: Value,
}

/// A router whose Redis is not there.
fn router() -> axum::Router {
    let life = Lifecycle::new();
    let settings = store::Settings { url: "redis://127.0.0.1:1".into(), timeout: Duration::from_millis(200), pool: 1 };
    let store = Store::open(&settings, "test", &life).unwrap();
    let streams = stream::Settings {
        heartbeat: Duration::from_secs(10),
        max_age: Duration::from_hours(1),
        stall: Duration::from_secs(30),
        ring_bytes: 64 * 1024,
        replay_cache_bytes: 64 * 1024,
        workspace_streams: 1,
    };
    let hub = Hub::start(store.clone(), streams, &life);
    let limits = Arc::new(Limits::default());
    super::router(State::new(Service::new(store, Arc::clone(&limits)), limits, hub, life))
}

async fn send(request: Request<Body>) -> Answer {
    let response = router().oneshot(request).await.unwrap();
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    let allow = response.headers().get(header::ALLOW).map(|allow| allow.to_str().unwrap().to_owned());
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, allow, body: serde_json::from_slice(&body).unwrap() }
}

fn post(path: &str, body: &'static str) -> Request<Body> {
    Request::post(format!("{BASE}{path}")).header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap()
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn what_is_no_resource_is_404_in_the_envelope() {
    for path in ["/", "/api", &format!("{BASE}/nothing"), "/docs/nothing"] {
        let answer = send(get(path)).await;
        assert_eq!((answer.status, answer.body["name"].as_str()), (StatusCode::NOT_FOUND, Some("NotFoundError")), "{path}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_known_names_those_that_are() {
    let request = Request::put(format!("{BASE}/events")).body(Body::empty()).unwrap();
    let answer = send(request).await;
    assert_eq!((answer.status, answer.body["name"].as_str()), (StatusCode::METHOD_NOT_ALLOWED, Some("MethodNotAllowedError")));
    let allow = answer.allow.unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[tokio::test]
async fn a_wrong_request_is_400_before_redis_is_asked() {
    let wrong = [
        get("/api/v1/workspaces/a.b/orchestration/config"),
        get(&format!("{BASE}/config?x=1")),
        get(&format!("{BASE}/events/connections?detail=yes")),
        get(&format!("{BASE}/questions/history?page=0")),
        get(&format!("{BASE}/questions/que_1/outcome?wait=61")),
        post("/events", "{"),
        post("/events", "{}"),
        post("/questions", r#"{"sessionID":"s"}"#),
    ];
    for request in wrong {
        let shown = format!("{} {}", request.method(), request.uri());
        let answer = send(request).await;
        assert_eq!((answer.status, answer.body["name"].as_str()), (StatusCode::BAD_REQUEST, Some("BadRequestError")), "{shown}");
    }
}

#[tokio::test]
async fn a_body_must_be_small_and_say_that_it_is_json() {
    let mut request = post("/events", "{}");
    request.headers_mut().remove(header::CONTENT_TYPE);
    assert_eq!(send(request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = post("/events", "").map(|_| Body::from(vec![b' '; 1024 * 1024 + 1]));
    assert_eq!(send(large).await.body["data"]["code"], "body_too_large");
}

#[tokio::test]
async fn without_redis_everything_is_503() {
    let requests = [
        get("/api/v1/workspaces/health"),
        get(&format!("{BASE}/config")),
        post("/events", r#"{"type":"a","payload":{}}"#),
        post("/questions/que_1/answer", "{"),
        post("/purge", ""),
    ];
    for request in requests {
        let shown = format!("{} {}", request.method(), request.uri());
        let answer = send(request).await;
        assert_eq!(
            (answer.status, answer.body["name"].as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, Some("ServiceUnavailableError")),
            "{shown}"
        );
    }
}

#[test]
fn every_operation_is_described_with_its_errors() {
    let document = serde_json::to_value(super::openapi::document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let shown = format!("{method} {path}");
            names.push(operation["operationId"].as_str().unwrap().to_owned());
            assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{shown}");
            for status in ["400", "500", "503"] {
                let schema = &operation["responses"][status]["content"]["application/json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Error", "{shown} {status}");
            }
            let key = operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == "Idempotency-Key"));
            assert_eq!(key, operation["responses"]["422"].is_object(), "{shown}");
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "operation ids stand for one operation each");
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = serde_json::to_value(super::openapi::document()).unwrap();
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
