//! One keep-alive connection: a request goes out whole, its reply comes in whole, then the next.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::framing::{Fed, Framing};
use super::head::Head;
use super::{Base, Error};

/// A connection that takes one request at a time. A future of [`Connection::exchange`] that is dropped half-way leaves a reply
/// unread: such a connection must be dropped too.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    authority: String,
    inbox: Vec<u8>,
}

/// A whole reply.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// When the server asks to be tried again.
    pub retry_after: Option<Duration>,
    /// The connection can take another request.
    pub keep_alive: bool,
    /// The body's bytes; empty if it has none.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects. There is no time limit but the system's.
    pub async fn open(base: &Base) -> Result<Self, Error> {
        let socket = connect(base).await?;
        Ok(Self { socket, authority: base.authority().to_owned(), inbox: Vec::new() })
    }

    /// Sends `request`, head and body, and waits for the whole reply.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Reply, Error> {
        self.socket.write_all(request).await.map_err(|source| self.failed(source))?;
        let (mut head, used) = self.read_head().await?;
        let mut body = Vec::new();
        let mut rest = self.inbox.split_off(used);
        loop {
            let fed = head.framing.feed(&rest, &mut |bytes: &[u8]| body.extend_from_slice(bytes));
            if matches!(fed.map_err(|what| self.malformed(what))?, Fed::Over(_)) {
                break;
            }
            rest.clear();
            let read = self.socket.read_buf(&mut rest).await.map_err(|source| self.failed(source))?;
            if read == 0 {
                if matches!(head.framing, Framing::UntilClose) {
                    break;
                }
                return Err(self.closed());
            }
        }
        Ok(Reply { status: head.status, retry_after: head.retry_after, keep_alive: head.keep_alive, body })
    }

    /// Reads until the head is whole; says how many bytes of the inbox it took. What came behind it stays in the inbox.
    async fn read_head(&mut self) -> Result<(Head, usize), Error> {
        self.inbox.clear();
        loop {
            let read = self.socket.read_buf(&mut self.inbox).await.map_err(|source| self.failed(source))?;
            if read == 0 {
                return Err(self.closed());
            }
            if let Some(found) = Head::parse(&self.inbox).map_err(|what| self.malformed(what))? {
                return Ok(found);
            }
        }
    }

    /// Gives up request and reply and keeps the bare socket, with the bytes that came behind the head: for a reply without end.
    pub(super) async fn into_stream(mut self, request: &[u8]) -> Result<(TcpStream, Head, Vec<u8>), Error> {
        self.socket.write_all(request).await.map_err(|source| self.failed(source))?;
        let (head, used) = self.read_head().await?;
        let early = self.inbox.split_off(used);
        Ok((self.socket, head, early))
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::Socket { authority: self.authority.clone(), source }
    }

    fn closed(&self) -> Error {
        Error::Closed { authority: self.authority.clone() }
    }

    fn malformed(&self, what: &'static str) -> Error {
        Error::Malformed { authority: self.authority.clone(), what }
    }
}

async fn connect(base: &Base) -> Result<TcpStream, Error> {
    let failed = |source| Error::Socket { authority: base.authority().to_owned(), source };
    let socket = TcpStream::connect(base.endpoint()).await.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    Ok(socket)
}
