//! What every handler can reach.

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::auth::Caller;
use crate::config::Limits;
use crate::lifecycle::Lifecycle;
use crate::service::Service;
use crate::stream::Hub;

/// The service as the handlers see it; a handler takes it as an argument. It is cloned several times a request, and a clone is one count.
#[derive(Clone)]
pub struct State(Arc<Shared>);

/// What the handlers of one replica share.
pub struct Shared {
    /// The use cases.
    pub service: Service,
    /// What callers may send.
    pub limits: Arc<Limits>,
    /// Live delivery.
    pub hub: Hub,
    /// Whether this replica is leaving.
    pub life: Lifecycle,
    /// The caller of every request while authentication is off.
    pub(super) anonymous: Caller,
}

impl State {
    /// What the handlers of one replica share.
    pub fn new(service: Service, limits: Arc<Limits>, hub: Hub, life: Lifecycle) -> Self {
        Self(Arc::new(Shared { service, limits, hub, life, anonymous: Caller::anonymous() }))
    }
}

impl Deref for State {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl FromRequestParts<State> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, state: &State) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}
