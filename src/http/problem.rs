//! The one error envelope, and the only place where an error gets its HTTP status:
//! `{"name":"NotFoundError","data":{"message":"…","code":"…","errors":[…]}}`.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::fault::{Fault, Faults};
use crate::service;

/// What a client is told to wait when it is not known how long it will take, in seconds.
const RETRY_SECONDS: u32 = 1;

/// Why a request got no answer.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    errors: Vec<Fault>,
    retry_after: Option<u32>,
    cause: Option<Cause>,
}

/// What is behind a 5xx. It travels beside the response to where requests are logged, never to the client.
#[derive(Debug, Clone)]
pub struct Cause(pub Arc<dyn StdError + Send + Sync>);

impl Problem {
    fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: code.into(), message: message.into(), errors: Vec::new(), retry_after: None, cause: None }
    }

    /// 400.
    pub fn bad_request(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 400 with every fault that was found.
    pub fn faults(faults: Faults) -> Self {
        let message = match faults.0.as_slice() {
            [fault] => fault.to_string(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
            [] => "the request is not valid".to_owned(),
        };
        Self { errors: faults.0, ..Self::bad_request("validation_failed", message) }
    }

    /// 404.
    pub fn not_found(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 405; the router names the allowed methods.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this resource does not know that method")
    }

    /// 503.
    pub fn unavailable(cause: Option<Cause>) -> Self {
        Self {
            retry_after: Some(RETRY_SECONDS),
            cause,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the service cannot do this now; try again")
        }
    }

    /// 429.
    pub fn too_many_requests(retry_after: u32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message) }
    }

    /// 500: a bug. The text is always the same.
    pub fn internal(cause: Option<Cause>) -> Self {
        Self {
            cause,
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "something is wrong with the service; its operator finds this request in the logs by its id",
            )
        }
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body; `request_id` is shown in a 500.
    pub fn to_json(&self, request_id: Option<&str>) -> String {
        let body = Envelope {
            name: name(self.status),
            data: Data { message: &self.message, code: &self.code, errors: self.errors.iter().map(WireFault::from).collect(), request_id },
        };
        // Strings only: serialising them cannot fail.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

impl From<service::Error> for Problem {
    fn from(error: service::Error) -> Self {
        use service::Error as E;
        let text = error.to_string();
        match error {
            E::Invalid(faults) => Self::faults(faults),
            E::Reserved(faults) => Self { code: "reserved_type".into(), ..Self::faults(faults) },
            E::EventTooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "event_too_large", text),
            E::BadRequest { code, message } => Self::bad_request(code, message),
            E::UnsupportedMediaType => Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text),
            E::TooLarge { limit: _ } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", text),
            E::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "scope_missing", text),
            E::NotFound { code, message } => Self::not_found(code, message),
            E::Conflict { code, message } => Self::new(StatusCode::CONFLICT, code, message),
            E::PreconditionFailed => Self::new(StatusCode::PRECONDITION_FAILED, "etag_mismatch", text),
            E::IdempotencyMismatch => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch", text),
            E::TooManyRequests { retry_after } => Self::too_many_requests(retry_after, text),
            E::Unavailable(cause) => Self::unavailable(Some(Cause(Arc::new(cause)))),
            E::Internal(cause) => Self::internal(Some(Cause(Arc::new(cause)))),
        }
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        Self::faults(faults)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::faults(fault.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CONTENT_TYPE, super::JSON)], self.to_json(None)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

fn name(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "BadRequestError",
        StatusCode::UNAUTHORIZED => "UnauthorizedError",
        StatusCode::FORBIDDEN => "ForbiddenError",
        StatusCode::NOT_FOUND => "NotFoundError",
        StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowedError",
        StatusCode::CONFLICT => "ConflictError",
        StatusCode::PRECONDITION_FAILED => "PreconditionFailedError",
        StatusCode::PAYLOAD_TOO_LARGE => "PayloadTooLargeError",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "UnsupportedMediaTypeError",
        StatusCode::UNPROCESSABLE_ENTITY => "IdempotencyMismatchError",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequestsError",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailableError",
        _ => "InternalError",
    }
}

/// Every error has this shape.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct Envelope<'a> {
    /// One of a closed set, by status: `BadRequestError`, `NotFoundError`, `ConflictError`, …
    #[schema(example = "NotFoundError")]
    name: &'static str,
    data: Data<'a>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ErrorData)]
struct Data<'a> {
    /// For people.
    #[schema(example = "Question que_01HXYZABCDEFGHJKMNPQRSTVW not found")]
    message: &'a str,
    /// For machines: a stable `snake_case` name.
    #[schema(example = "question_not_found")]
    code: &'a str,
    /// Every fault of a request that is not valid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<WireFault<'a>>,
    /// Of an `InternalError`: the request's id, by which the operator finds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<&'a str>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ErrorFault)]
struct WireFault<'a> {
    /// Where in the request: a path into the body, or the name of a parameter or header.
    #[schema(example = "answers[0][1]")]
    path: &'a str,
    /// What is wrong there.
    #[schema(example = "is not among the options")]
    message: &'a str,
}

impl<'a> From<&'a Fault> for WireFault<'a> {
    fn from(fault: &'a Fault) -> Self {
        Self { path: &fault.path, message: &fault.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Error;
    use crate::store;

    #[test]
    fn the_seeds_envelope_with_a_code() {
        let error = Error::not_found("question_not_found", "Question que_1 not found");
        assert_eq!(
            Problem::from(error).to_json(None),
            r#"{"name":"NotFoundError","data":{"message":"Question que_1 not found","code":"question_not_found"}}"#
        );
    }

    #[test]
    fn validation_names_every_path() {
        let mut faults = Faults::one("tool", "is missing");
        faults.push("status", "must be a string");
        assert_eq!(
            Problem::faults(faults).to_json(None),
            concat!(
                r#"{"name":"BadRequestError","data":{"message":"tool: is missing (and 1 more)","code":"validation_failed","#,
                r#""errors":[{"path":"tool","message":"is missing"},{"path":"status","message":"must be a string"}]}}"#
            )
        );
    }

    #[test]
    fn redis_away_is_503_with_retry_after_and_tells_nothing() {
        let response = Problem::from(Error::from(store::Error::Timeout)).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert!(response.extensions().get::<Cause>().is_some());
    }

    #[test]
    fn what_redis_said_never_reaches_the_wire() {
        let error = Error::from(store::Error::Corrupt("db:{secret}:meta".into()));
        let problem = Problem::from(error);
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.to_json(Some("r1")).contains("secret"));
        assert!(problem.to_json(Some("r1")).contains(r#""request_id":"r1""#));
    }
}
