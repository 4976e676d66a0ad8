//! A POST with a JSON body, taken apart.

use axum::extract::Request;
use serde_json::Value;

use super::params::Params;
use super::problem::Problem;
use super::state::State;
use super::{act, body};
use crate::service::{Act, Error};

/// Headers and body of a POST.
pub struct Post {
    /// What its retry is known by, and its trace.
    pub act: Act,
    /// The document, or what is wrong with it. A use case looks first whether what it is about exists.
    pub body: Result<Value, Error>,
}

impl Post {
    /// Reads the request, which takes no query parameters. Where `optional`, no body at all is an empty object.
    pub async fn read(state: &State, request: Request, optional: bool) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        Params::none(parts.uri.query())?;
        let bytes = body::read(body, state.limits.body_bytes).await?;
        let act = act::of(&parts, &bytes)?;
        let body = if optional && bytes.is_empty() {
            Ok(Value::Object(serde_json::Map::new()))
        } else {
            body::must_be_json(&parts.headers).and_then(|()| body::value(&bytes, &state.limits))
        };
        Ok(Self { act, body })
    }
}
