//! Who makes a request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::state::State;
use crate::auth::Caller;

impl FromRequestParts<State> for Caller {
    type Rejection = Infallible;

    /// Authentication is off, which only a service on loopback may do: everybody is the same caller.
    async fn from_request_parts(_parts: &mut Parts, state: &State) -> Result<Self, Infallible> {
        Ok(state.anonymous.clone())
    }
}
