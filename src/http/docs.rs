//! `/openapi.json`, and `/docs`: the document as a page, from files that are part of the binary.

use std::sync::{Arc, LazyLock};

use axum::extract::{Path, Request};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;

use super::openapi;
use super::state::State;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    // A tree of strings and numbers: serialising it cannot fail.
    let text = openapi::document().to_json().unwrap_or_default();
    Bytes::from(text)
});

static PAGE: LazyLock<Arc<utoipa_swagger_ui::Config<'static>>> = LazyLock::new(|| {
    Arc::new(
        utoipa_swagger_ui::Config::new(["/openapi.json"]).try_it_out_enabled(true).display_request_duration(true).validator_url("none"),
    )
});

const NO_SNIFF: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

/// Routes that are no operations of the API.
pub fn routes() -> axum::Router<State> {
    axum::Router::new()
        .route("/openapi.json", get(document))
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|request: Request| async move { file("", &request) }))
        .route("/docs/{*file}", get(|Path(path): Path<String>, request: Request| async move { file(&path, &request) }))
}

async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone()).into_response()
}

fn file(path: &str, request: &Request) -> Response {
    match utoipa_swagger_ui::serve(path, Arc::clone(&PAGE)) {
        Ok(Some(file)) => ([(header::CONTENT_TYPE, file.content_type.as_str()), NO_SNIFF], file.bytes.into_owned()).into_response(),
        Ok(None) => super::nothing_there(request.uri().path()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
