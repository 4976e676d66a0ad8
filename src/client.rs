//! The HTTP/1.1 and Server-Sent-Events client of the two subcommands that talk to a running service, `demo` and `bench`. It owns
//! sockets and wire framing; it must never use a type of the service's own modules, so that it meets the service as a stranger would.

pub mod arguments;
mod base;
mod connection;
#[cfg(test)]
pub(crate) mod fake;
mod framing;
mod head;
mod lines;
mod stream;

pub use base::Base;
pub use connection::{Connection, Reply};
pub use lines::{Field, Lines};
pub use stream::{More, Stream};

/// Why a request got no whole reply.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket failed: refused, reset, unreachable.
    #[error("the connection to {authority} failed")]
    Socket {
        /// Whom we talked to, `host:port`.
        authority: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The other side closed before its reply was whole.
    #[error("{authority} closed the connection in the middle of a reply")]
    Closed {
        /// Whom we talked to, `host:port`.
        authority: String,
    },
    /// The bytes that came are not HTTP/1.1.
    #[error("{authority} does not speak HTTP/1.1: {what}")]
    Malformed {
        /// Whom we talked to, `host:port`.
        authority: String,
        /// Which part was wrong.
        what: &'static str,
    },
    /// A stream was asked for and something else than 200 came.
    #[error("{authority} answered {status} to a stream request")]
    NoStream {
        /// Whom we talked to, `host:port`.
        authority: String,
        /// The HTTP status.
        status: u16,
    },
}

impl Error {
    /// The message together with its cause, for one line on a terminal.
    pub fn in_full(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}
