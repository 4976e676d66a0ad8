//! The operator's listener: is the process alive, should it get traffic, what does it count. It answers without Redis
//! and has no authentication; who reaches it is the network's to decide.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};

use crate::lifecycle::Readiness;

const PROMETHEUS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
static ALIVE: LazyLock<Value> = LazyLock::new(|| json!({ "alive": true }));

/// `/livez`, `/readyz` and `/metrics`.
pub fn router(readiness: Readiness, registry: PrometheusHandle) -> Router {
    Router::new()
        .route("/livez", get(async || json_reply(StatusCode::OK, &ALIVE)))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(metrics).with_state(registry))
}

/// 200 while the replica should get traffic, else 503 with every reason why not.
async fn ready(State(readiness): State<Readiness>) -> Response {
    let reasons: Vec<_> =
        readiness.reasons().into_iter().map(|reason| json!({ "code": reason.code(), "message": reason.message() })).collect();
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_reply(status, &json!({ "ready": reasons.is_empty(), "reasons": reasons }))
}

async fn metrics(State(registry): State<PrometheusHandle>) -> Response {
    ([(CONTENT_TYPE, PROMETHEUS_TEXT)], registry.render()).into_response()
}

fn json_reply(status: StatusCode, body: &Value) -> Response {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json")), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, format!("{body}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use crate::lifecycle::Lifecycle;
    use crate::telemetry::metrics;

    async fn get(life: &Lifecycle, path: &str) -> (StatusCode, String) {
        let router = super::router(life.readiness().clone(), metrics::registry());
        let reply = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = reply.status();
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_lists_every_reason_until_none_is_left() {
        let life = Lifecycle::new();
        let (status, body) = get(&life, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.starts_with(r#"{"ready":false,"reasons":[{"code":"redis","message":"#), "{body}");
        assert!(body.contains(r#"{"code":"delivery","#), "{body}");

        life.readiness().set_redis(true);
        life.readiness().set_delivery(true);
        assert_eq!(get(&life, "/readyz").await, (StatusCode::OK, "{\"ready\":true,\"reasons\":[]}\n".to_owned()));

        life.drain();
        let (status, body) = get(&life, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains(r#"{"code":"draining","#), "{body}");
    }

    #[tokio::test]
    async fn liveness_depends_on_nothing() {
        let life = Lifecycle::new();
        life.stop();
        assert_eq!(get(&life, "/livez").await, (StatusCode::OK, "{\"alive\":true}\n".to_owned()));
    }

    #[tokio::test]
    async fn metrics_are_the_registry_of_the_process() {
        let (status, body) = get(&Lifecycle::new(), "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("downbeat_build_info{"), "{body}");
    }
}
