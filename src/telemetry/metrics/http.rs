//! Requests, by method, matched route and status. An endpoint is found without allocating: requests are many.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use ::http::{Method, StatusCode};
use ::metrics::{Counter, Histogram, Label};

use super::{HTTP_DURATION, HTTP_REQUESTS, counter, histogram};

/// The statuses the service answers with; any other is counted as the last.
const STATUSES: [u16; 20] = [200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 429, 503, 500];
const OTHER_METHOD: &str = "other";
const NO_ROUTE: &str = "none";

type Known = HashMap<Box<str>, Vec<Arc<Endpoint>>>;
static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

/// The counters of one method of one route.
pub struct Endpoint {
    method: &'static str,
    route: Box<str>,
    by_status: [OnceLock<(Counter, Histogram)>; STATUSES.len()],
}

/// The counters of a method and the router's matched path, such as `/api/v1/workspaces/{workspaceID}/…`; `None` for a
/// request that matched nothing. Never pass the path as it came: every distinct one is kept for ever.
pub fn endpoint(method: &Method, route: Option<&str>) -> Arc<Endpoint> {
    let method = label(method);
    let route = route.unwrap_or(NO_ROUTE);
    if let Some(found) = find(&KNOWN.read().unwrap_or_else(PoisonError::into_inner), method, route) {
        return found;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    // Somebody may have come first between the two locks.
    if let Some(found) = find(&known, method, route) {
        return found;
    }
    let by_status = std::array::from_fn(|_| OnceLock::new());
    let made = Arc::new(Endpoint { method, route: route.into(), by_status });
    known.entry(route.into()).or_default().push(Arc::clone(&made));
    made
}

fn find(known: &Known, method: &str, route: &str) -> Option<Arc<Endpoint>> {
    known.get(route)?.iter().find(|endpoint| endpoint.method == method).map(Arc::clone)
}

impl Endpoint {
    /// A request was answered, `elapsed` after its head had been read.
    pub fn answered(&self, status: StatusCode, elapsed: Duration) {
        let place = STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len() - 1);
        let (requests, duration) = self.by_status[place].get_or_init(|| self.resolve(STATUSES[place]));
        requests.increment(1);
        duration.record(elapsed.as_secs_f64());
    }

    fn resolve(&self, status: u16) -> (Counter, Histogram) {
        let labels = || {
            vec![
                Label::from_static_parts("method", self.method),
                Label::new("route", self.route.to_string()),
                Label::new("status", status.to_string()),
            ]
        };
        (counter(HTTP_REQUESTS, labels()), histogram(HTTP_DURATION, labels()))
    }
}

fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER_METHOD,
    }
}
