//! What the two streams share: cursor and filter of the request, SSE or pages, and what a replica says that cannot serve it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;

use super::params::Params;
use super::problem::Problem;
use super::sse;
use super::state::State;
use crate::domain::cursor::{self, Position};
use crate::domain::fault::{Fault, Faults};
use crate::domain::filter::EventFilter;
use crate::domain::ids::WorkspaceId;
use crate::service::Error;
use crate::stream::{Ending, Kind, Refused, Tether, Wanted};

/// What a stream request may say in its query.
const PARAMETERS: [&str; 6] = ["since_seq", "types", "sessionID", "entryID", "limit", "wait"];
/// Entries of a page, and the most of one.
const PAGE: u64 = 500;
/// The longest poll, in seconds.
const WAIT_SECONDS: u64 = 30;
/// How long a client should wait that found the workspace full of readers, in seconds.
const FULL_RETRY_SECONDS: u32 = 10;

/// A stream request, taken apart.
pub struct Request {
    workspace: WorkspaceId,
    kind: Kind,
    cursor: Option<Position>,
    filter: EventFilter,
    form: Form,
}

enum Form {
    /// Frames, for as long as both sides like.
    Live {
        /// The client says itself that it reads event streams, as every browser does.
        says_so: bool,
    },
    /// One page.
    Page { limit: usize, wait: Duration },
}

impl Request {
    /// Reads headers and query.
    pub fn parse(workspace: WorkspaceId, kind: Kind, headers: &HeaderMap, uri: &Uri) -> Result<Self, Problem> {
        let params = Params::parse(uri.query(), &PARAMETERS)?;
        let mut cursors = Vec::new();
        for value in headers.get_all("last-event-id") {
            let text = value.to_str().map_err(|_| Problem::from(Fault::new(cursor::LAST_EVENT_ID, "must be <seq> or <seq>.<epoch>")))?;
            cursors.push(text);
        }
        let cursor = cursor::resume(&cursors, params.one("since_seq")?)?;
        let types: Vec<_> = params.all("types").collect();
        let filter = EventFilter::parse(&types, params.one("sessionID")?, params.one("entryID")?)?;
        let limit = params.number("limit", 1..=PAGE)?;
        let wait = params.number("wait", 0..=WAIT_SECONDS)?;
        let form = match accepted(headers) {
            Accepted::Pages => Form::Page { limit: limit.unwrap_or(PAGE) as usize, wait: Duration::from_secs(wait.unwrap_or(0)) },
            Accepted::Stream { says_so } => {
                let mut faults = Faults::default();
                for (name, given) in [("limit", limit.is_some()), ("wait", wait.is_some())] {
                    if given {
                        faults.push(name, "goes with Accept: application/json, which asks for a page instead of a stream");
                    }
                }
                faults.or(Form::Live { says_so })?
            }
        };
        Ok(Self { workspace, kind, cursor, filter, form })
    }

    /// Answers it.
    pub async fn answer(self, state: &State, tether: Arc<Tether>) -> Result<Response, Problem> {
        match self.form {
            Form::Page { limit, wait } => {
                let wanted = Wanted { cursor: self.cursor, filter: Some(self.filter).filter(|filter| !filter.is_all()), limit, wait };
                page(state, &self.workspace, self.kind, wanted).await
            }
            Form::Live { says_so } => {
                if state.life.readiness().is_draining() || state.hub.open_streams() >= state.limits.replica_streams {
                    return Ok(sse::come_back(Ending::Draining));
                }
                match state.hub.join(&self.workspace, self.kind, self.cursor, Some(self.filter), tether).await {
                    Ok(joined) => {
                        let heartbeat = state.hub.settings().heartbeat;
                        Ok(sse::response(Body::new(sse::Stream::new(joined, heartbeat))))
                    }
                    Err(Refused::Full) => Err(Problem::too_many_requests(
                        FULL_RETRY_SECONDS,
                        "the workspace has as many open streams as it may; close one or come back",
                    )),
                    // A browser would give up for ever on a 503.
                    Err(Refused::Store(_)) if says_so => Ok(sse::come_back(Ending::Draining)),
                    Err(Refused::Store(error)) => Err(Error::from(error).into()),
                }
            }
        }
    }
}

enum Accepted {
    Stream { says_so: bool },
    Pages,
}

fn accepted(headers: &HeaderMap) -> Accepted {
    let mut pages = false;
    for value in headers.get_all(header::ACCEPT) {
        let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
        for kind in text.split(',').filter_map(|part| part.split(';').next()).map(str::trim) {
            match kind {
                "text/event-stream" => return Accepted::Stream { says_so: true },
                "application/json" => pages = true,
                _anything_else => {}
            }
        }
    }
    if pages { Accepted::Pages } else { Accepted::Stream { says_so: false } }
}

async fn page(state: &State, workspace: &WorkspaceId, kind: Kind, wanted: Wanted) -> Result<Response, Problem> {
    let at_once = Wanted { wait: Duration::ZERO, ..wanted.clone() };
    let batch = tokio::select! {
        batch = state.hub.batch(workspace, kind, wanted) => batch,
        // A replica that drains sends its waiters away with what there is: they ask another one.
        () = state.life.soft().cancelled() => state.hub.batch(workspace, kind, at_once).await,
    };
    let batch = batch.map_err(Error::from)?;
    let bounds = batch.bounds;
    let mut body = String::with_capacity(batch.json.len() + 160);
    body.push_str(r#"{"events":["#);
    body.push_str(&String::from_utf8(batch.json).map_err(|_not_utf8| Problem::internal(None))?);
    // Writing to a String cannot fail.
    let _ = write!(
        body,
        r#"],"meta":{{"epoch":"{}","oldest_seq":{},"latest_seq":{},"next_seq":{},"gap":{}}}}}"#,
        bounds.epoch, bounds.oldest_seq, bounds.latest_seq, batch.next_seq, batch.gap
    );
    let mut response = super::ok(body);
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(response)
}
