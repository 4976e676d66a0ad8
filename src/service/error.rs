//! Why a use case did not happen.

use std::borrow::Cow;

use crate::auth::Forbidden;
use crate::domain::fault::Faults;
use crate::store;

/// The reasons, closed: what a client is told and with which status follows from the variant alone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The request is well formed, but what stands in it is wrong.
    #[error("the request is not valid: {0}")]
    Invalid(Faults),
    /// The request would emit events of types that only the service itself emits.
    #[error("the request uses reserved event types: {0}")]
    Reserved(Faults),
    /// The request cannot be read.
    #[error("{message}")]
    BadRequest {
        /// Stable machine name.
        code: Cow<'static, str>,
        /// For people.
        message: String,
    },
    /// The body is not of a kind this endpoint reads.
    #[error("the body must be JSON, and its Content-Type must say so")]
    UnsupportedMediaType,
    /// The body is too large.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// An event's payload is too large.
    #[error("{path} is larger than {limit} bytes")]
    EventTooLarge {
        /// Where it stands in the body.
        path: String,
        /// In bytes.
        limit: usize,
    },
    /// The caller may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// There is no such thing, or not for this caller.
    #[error("{message}")]
    NotFound {
        /// Stable machine name.
        code: Cow<'static, str>,
        /// For people.
        message: String,
    },
    /// It does not fit what is.
    #[error("{message}")]
    Conflict {
        /// Stable machine name.
        code: Cow<'static, str>,
        /// For people.
        message: String,
    },
    /// The `If-Match` of the request is not what there is.
    #[error("the configuration has changed: its ETag is not what If-Match names")]
    PreconditionFailed,
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    IdempotencyMismatch,
    /// A quota is used up.
    #[error("too many requests")]
    TooManyRequests {
        /// When to come back, in seconds.
        retry_after: u32,
    },
    /// Redis is away, refuses writes, or the same data was changed again and again meanwhile.
    #[error("the service cannot do this now")]
    Unavailable(#[source] store::Error),
    /// A bug.
    #[error("internal error")]
    Internal(#[source] store::Error),
}

impl Error {
    /// A [`Error::BadRequest`].
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::BadRequest { code: code.into(), message: message.into() }
    }

    /// A [`Error::NotFound`].
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::NotFound { code: code.into(), message: message.into() }
    }

    /// A [`Error::Conflict`].
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code: code.into(), message: message.into() }
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(_)
            | store::Error::Timeout
            | store::Error::Refusing(_)
            | store::Error::Contended
            | store::Error::Closed => Self::Unavailable(error),
            store::Error::Corrupt(_) => Self::Internal(error),
        }
    }
}
