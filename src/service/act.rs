//! What comes with every request that changes something: the name by which its retry is known, and the trace it belongs to.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Error, Service};
use crate::auth::Caller;
use crate::domain::event::NewEvent;
use crate::domain::ids::{IdempotencyKey, WorkspaceId};
use crate::store::{Memo, Stored};

/// How long the reply to an `Idempotency-Key` is kept, in seconds.
pub const KEPT_SECONDS: u64 = 24 * 60 * 60;
/// The same for events and log rows, whose volume is high.
pub const KEPT_SECONDS_INGEST: u64 = 10 * 60;

/// The circumstances of a request that changes something.
#[derive(Debug, Clone, Default)]
pub struct Act {
    /// The name of the request, if the client gave it one.
    pub idempotency: Option<Idempotency>,
    /// W3C trace context, stored with what the request causes.
    pub traceparent: Option<String>,
}

/// The `Idempotency-Key` of a request.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// As the client chose it.
    pub key: IdempotencyKey,
    /// SHA-256 of the request: method, path with query, body.
    pub fingerprint: [u8; 32],
}

/// What a POST answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
    /// Whether it is the stored reply to the same request made earlier.
    pub replayed: bool,
}

impl Reply {
    /// A first reply.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), replayed: false }
    }
}

impl Idempotency {
    /// The fingerprint as stored.
    pub fn hex(&self) -> String {
        self.fingerprint.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// A refusal as stored under an idempotency key.
#[derive(Serialize, Deserialize)]
struct StoredRefusal<'a> {
    code: Cow<'a, str>,
    message: Cow<'a, str>,
}

impl Service {
    /// The record that remembers the reply to this act, if the client gave it a name. Names are the caller's own: two callers may choose the same.
    pub(super) fn memo(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        act: &Act,
        ttl_seconds: u64,
        status: u16,
        body: impl Into<String>,
    ) -> Option<Memo> {
        let idempotency = act.idempotency.as_ref()?;
        let keys = self.store.keys();
        Some(Memo {
            key: keys.idempotency(workspace, caller.subject(), &idempotency.key),
            fingerprint: idempotency.hex(),
            ttl_seconds,
            status,
            body: body.into(),
        })
    }
}

/// The record's form of a refusal: its status and its body. None for an error that is no decision and is not stored.
pub(super) fn refusal(error: &Error) -> Option<(u16, String)> {
    let (status, code, message) = match error {
        Error::NotFound { code, message } => (404, code, message),
        Error::Conflict { code, message } => (409, code, message),
        Error::Invalid(_)
        | Error::Reserved(_)
        | Error::EventTooLarge { .. }
        | Error::BadRequest { .. }
        | Error::UnsupportedMediaType
        | Error::TooLarge { .. }
        | Error::Forbidden(_)
        | Error::PreconditionFailed
        | Error::IdempotencyMismatch
        | Error::TooManyRequests { .. }
        | Error::Unavailable(_)
        | Error::Internal(_) => return None,
    };
    let body = StoredRefusal { code: Cow::Borrowed(code), message: Cow::Borrowed(message) };
    // Two strings: serialising them cannot fail.
    Some((status, serde_json::to_string(&body).unwrap_or_default()))
}

/// A commit that expects nothing was told that what it expects does not hold: a bug.
pub(super) fn unconditional() -> Error {
    crate::store::Error::Corrupt("a conflict where nothing was expected".into()).into()
}

/// A commit without an idempotency record was told about one: a bug.
pub(super) fn unnamed() -> Error {
    crate::store::Error::Corrupt("a stored reply where none was asked for".into()).into()
}

/// The events of a decision, with the trace of the request that caused them.
pub(super) fn traced(mut events: Vec<NewEvent>, act: &Act) -> Vec<NewEvent> {
    for event in &mut events {
        event.traceparent.clone_from(&act.traceparent);
    }
    events
}

/// The stored reply again, be it a reply or a refusal.
pub(super) fn again(stored: Stored) -> Result<Reply, Error> {
    if stored.status < 400 {
        return Ok(Reply { status: stored.status, body: stored.body, replayed: true });
    }
    let refusal: StoredRefusal<'static> =
        serde_json::from_str(&stored.body).map_err(|_| crate::store::Error::Corrupt("a stored refusal that cannot be read".into()))?;
    let (code, message) = (refusal.code, refusal.message.into_owned());
    match stored.status {
        404 => Err(Error::NotFound { code, message }),
        _conflict => Err(Error::Conflict { code, message }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Done;

    fn stored(status: u16, body: &str) -> Stored {
        let done = Done { first_seq: 0, events: 0, first_row: 0, rows: 0, at: 0 };
        Stored { status, done, body: body.to_owned() }
    }

    #[test]
    fn a_stored_refusal_comes_back_as_it_was() {
        for error in
            [Error::not_found("question_not_found", "Question que_1 not found"), Error::conflict("question_pending", "says \"wait\"\n")]
        {
            let (status, body) = refusal(&error).unwrap();
            let back = again(stored(status, &body)).unwrap_err();
            assert_eq!(refusal(&back), Some((status, body)));
            assert_eq!(back.to_string(), error.to_string());
        }
    }

    #[test]
    fn a_stored_reply_comes_back_as_it_was() {
        let reply = again(stored(201, "{\"question\":{}}")).unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (201, "{\"question\":{}}"));
        assert!(reply.replayed);
    }

    #[test]
    fn what_is_no_decision_is_not_stored() {
        assert!(refusal(&Error::PreconditionFailed).is_none());
        assert!(refusal(&Error::from(crate::store::Error::Timeout)).is_none());
    }
}
