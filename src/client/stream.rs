//! The reading end of an event stream, made to cost little beside the server that is measured: the bytes of a read are looked at in
//! one buffer that all streams of a thread share, and never copied.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

use super::framing::{Fed, Framing};
use super::{Base, Connection, Error};

/// One read takes at most so much; a reader that fell behind catches up in few reads.
const BUFFER_BYTES: usize = 256 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Whether a stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// Read again.
    Yes,
    /// The server ended it in good order.
    No,
}

/// An open stream of events.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    authority: String,
    framing: Framing,
    /// What came together with the head, until the first read.
    early: Vec<u8>,
}

impl Stream {
    /// Asks for the stream at `path` and waits for the head of its reply. `last_event_id` goes out as the header of that name.
    pub async fn open(base: &Base, path: &str, last_event_id: Option<&str>) -> Result<Self, Error> {
        let cursor = last_event_id.map(|id| format!("Last-Event-ID: {id}"));
        let mut headers = vec!["Accept: text/event-stream"];
        headers.extend(cursor.as_deref());
        let request = base.head("GET", path, &headers, 0);
        let (socket, head, early) = Connection::open(base).await?.into_stream(&request).await?;
        let authority = base.authority().to_owned();
        if head.status != 200 {
            return Err(Error::NoStream { authority, status: head.status });
        }
        Ok(Self { socket, authority, framing: head.framing, early })
    }

    /// Waits for bytes, reads once, and hands the body's to `take`. It may be dropped while it waits; nothing is lost.
    pub async fn read(&mut self, mut take: impl FnMut(&[u8])) -> Result<More, Error> {
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            return self.feed(&early, &mut take);
        }
        poll_fn(|context| BUFFER.with_borrow_mut(|buffer| self.poll(context, buffer, &mut take))).await
    }

    // Polled by hand, since the shared buffer can be borrowed for the length of one poll only. `try_read` behind `readable` would do the
    // same with a second system call a wake-up, to learn that nothing is left.
    fn poll(&mut self, context: &mut Context<'_>, buffer: &mut Vec<u8>, take: &mut impl FnMut(&[u8])) -> Poll<Result<More, Error>> {
        buffer.resize(BUFFER_BYTES, 0);
        let mut read = ReadBuf::new(buffer);
        if let Err(source) = ready!(Pin::new(&mut self.socket).poll_read(context, &mut read)) {
            return Poll::Ready(Err(Error::Socket { authority: self.authority.clone(), source }));
        }
        Poll::Ready(match (read.filled(), &self.framing) {
            ([], Framing::UntilClose) => Ok(More::No),
            ([], Framing::Length(_) | Framing::Chunked(_)) => Err(Error::Closed { authority: self.authority.clone() }),
            (bytes, _) => self.feed(bytes, take),
        })
    }

    fn feed(&mut self, bytes: &[u8], take: &mut impl FnMut(&[u8])) -> Result<More, Error> {
        match self.framing.feed(bytes, take) {
            Ok(Fed::More) => Ok(More::Yes),
            Ok(Fed::Over(_)) => Ok(More::No),
            Err(what) => Err(Error::Malformed { authority: self.authority.clone(), what }),
        }
    }
}
