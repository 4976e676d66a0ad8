//! An `EventSource` of our own, after the WHATWG rules and stricter where the contract is: it keeps every byte, knows which frames
//! brought an id, and fails on what a lenient reader would forgive.

mod follower;
mod parser;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::wait::bounded;

pub use self::follower::Follower;
use self::parser::Parser;

/// One dispatched event.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The event's type, `message` if the frame had none.
    pub event: String,
    /// The data, its lines joined.
    pub data: String,
    /// The id, if this frame brought one.
    pub id: Option<String>,
    /// The cursor a browser would send if its stream ended behind this frame.
    pub last_event_id: String,
    /// The frame's own bytes, its blank line included.
    pub raw: String,
}

impl Frame {
    /// The data as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error} in {:?}", self.raw))
    }

    /// The payload of an event or a control frame.
    pub fn payload(&self) -> Value {
        self.json()["payload"].take()
    }

    /// The number in the frame's id, which every frame of history or news has.
    pub fn seq(&self) -> u64 {
        let id = self.id.as_deref().unwrap_or_else(|| panic!("no id in {:?}", self.raw));
        id.split('.').next().unwrap().parse().unwrap()
    }

    /// Whether it speaks of the stream itself.
    pub fn is_control(&self) -> bool {
        self.event.starts_with("stream.")
    }
}

/// An open stream. Dropping it closes the connection at once.
pub struct Stream {
    /// The reply's headers.
    pub headers: HeaderMap,
    /// All bytes of the body so far.
    pub raw: Vec<u8>,
    last_event_id: String,
    body: Incoming,
    parser: Parser,
    frames: VecDeque<Frame>,
    ended: Option<End>,
    driver: JoinHandle<hyper::Result<()>>,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As HTTP ends a body.
    Clean,
    /// The connection broke.
    Broken,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Stream {
    /// Sends `request` on a new connection; anything but a granted event stream is a failure of the test.
    pub async fn open(address: SocketAddr, request: Request<Full<Bytes>>) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        let (mut connection, driver) = handshake(TokioIo::new(socket)).await.map_err(io::Error::other)?;
        let driver = tokio::spawn(driver);
        let uri = request.uri().clone();
        let (head, body) = connection.send_request(request).await.map_err(io::Error::other)?.into_parts();
        if head.status != 200 {
            let text = body.collect().await.map_err(io::Error::other)?.to_bytes();
            panic!("{} for the stream {uri}: {}", head.status, String::from_utf8_lossy(&text));
        }
        assert_eq!(head.headers["content-type"], "text/event-stream", "{uri}");
        Ok(Self {
            headers: head.headers,
            raw: Vec::new(),
            last_event_id: String::new(),
            body,
            parser: Parser::default(),
            frames: VecDeque::new(),
            ended: None,
            driver,
        })
    }

    /// The next frame of any kind; `None` when the stream has ended.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                self.last_event_id.clone_from(&frame.last_event_id);
                return Some(frame);
            }
            if self.ended.is_some() {
                return None;
            }
            self.read().await;
        }
    }

    /// The next frame, which must come in time.
    pub async fn next(&mut self) -> Frame {
        match bounded("the next frame", self.frame()).await {
            Some(frame) => frame,
            None => panic!("the stream ended; its last bytes: {:?}", self.tail()),
        }
    }

    /// The next frame, which must be the control frame `name`; its payload.
    pub async fn control(&mut self, name: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame.event, name, "{frame:?}");
        let body = frame.json();
        assert_eq!(body["type"], name, "{frame:?}");
        frame.payload()
    }

    /// The next frame, which must not be a control frame.
    pub async fn event(&mut self) -> Frame {
        let frame = self.next().await;
        assert!(!frame.is_control(), "a control frame where an event was due: {frame:?}");
        frame
    }

    /// The next `count` events, with no control frame between them.
    pub async fn events(&mut self, count: usize) -> Vec<Frame> {
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            events.push(self.event().await);
        }
        events
    }

    /// Events up to the one with `seq`; control frames between them are passed over.
    pub async fn until(&mut self, seq: u64) -> Vec<Frame> {
        let mut events = Vec::new();
        loop {
            let frame = self.next().await;
            if frame.is_control() {
                continue;
            }
            let last = frame.seq() >= seq;
            events.push(frame);
            if last {
                return events;
            }
        }
    }

    /// The next event of this type; others are passed over.
    pub async fn find(&mut self, event: &str) -> Frame {
        loop {
            let frame = self.next().await;
            if frame.event == event {
                return frame;
            }
        }
    }

    /// All frames until the stream ends, and how it ended.
    pub async fn rest(&mut self) -> (Vec<Frame>, End) {
        let mut frames = Vec::new();
        while let Some(frame) = bounded("the end of the stream", self.frame()).await {
            frames.push(frame);
        }
        (frames, self.ended.unwrap())
    }

    /// Waits until `count` heartbeats have come since the stream began. Frames that come meanwhile are kept.
    pub async fn heartbeats(&mut self, count: usize) {
        bounded("heartbeats", async {
            while self.parser.comments < count {
                assert_eq!(self.ended, None, "the stream ended");
                self.read().await;
            }
        })
        .await;
    }

    /// Comment lines so far.
    pub fn comments(&self) -> usize {
        self.parser.comments
    }

    /// The last `retry`, in milliseconds.
    pub fn retry(&self) -> Option<u64> {
        self.parser.retry
    }

    /// The cursor a browser would send if its stream ended behind the frames taken so far.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The body so far as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.raw).unwrap()
    }

    /// Waits for at least one more chunk of the body, or its end.
    pub async fn read(&mut self) {
        match self.body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.raw.extend_from_slice(&data);
                    self.frames.extend(self.parser.feed(&data));
                }
            }
            Some(Err(_)) => self.ended = Some(End::Broken),
            None => self.ended = Some(End::Clean),
        }
    }

    fn tail(&self) -> String {
        String::from_utf8_lossy(&self.raw[self.raw.len().saturating_sub(400)..]).into_owned()
    }
}
