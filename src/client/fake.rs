//! A service small enough to read, for the tests of the clients: it takes events, tool calls and questions over a real socket, and sends
//! its streams in awkward chunks. It can be told to fail.

mod wire;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Base;
use wire::{Request, read_request, reply, text, write_chunks};

/// A running fake; dropping it ends its connections.
pub(crate) struct Fake {
    pub(crate) base: Base,
    pub(crate) state: Arc<State>,
    _tasks: JoinSet<()>,
}

/// What the fake holds, and how it shall fail.
#[derive(Default)]
pub(crate) struct State {
    /// So many of the next requests are answered with 503 and not carried out.
    pub(crate) refuse: AtomicUsize,
    /// So many of the next requests are carried out, and their connection is cut in place of a reply.
    pub(crate) cut: AtomicUsize,
    /// So many of the next streams leave out every tenth event and send every twelfth twice.
    pub(crate) lie: AtomicUsize,
    /// Every write is refused for good.
    pub(crate) forbid: AtomicBool,
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    /// Per workspace, the frames; the first has seq 1.
    frames: HashMap<String, Vec<String>>,
    /// Every write that was carried out: method, route and body.
    writes: Vec<(String, String, Value)>,
    replies: HashMap<String, String>,
    /// What `GET outcome` says; 204 while there is none.
    outcome: Option<Value>,
}

impl Fake {
    pub(crate) async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?).parse()?;
        let state = Arc::new(State::default());
        let mut tasks = JoinSet::new();
        let accepting = Arc::clone(&state);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let state = Arc::clone(&accepting);
                connections.spawn(async move { state.serve(socket).await.unwrap_or_default() });
            }
        });
        Ok(Self { base, state, _tasks: tasks })
    }
}

impl State {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writes whose route starts with `route`, as method and body.
    pub(crate) fn writes(&self, route: &str) -> Vec<(String, Value)> {
        let inner = self.inner();
        let of_route = inner.writes.iter().filter(|(_, at, _)| at.starts_with(route));
        of_route.map(|(method, _, body)| (method.clone(), body.clone())).collect()
    }

    /// Resolves every question, those to come included.
    pub(crate) fn resolve(&self, outcome: Value) {
        self.inner().outcome = Some(outcome);
        self.changed.notify_waiters();
    }

    async fn serve(&self, mut socket: TcpStream) -> io::Result<()> {
        let mut inbox = Vec::new();
        while let Some(request) = read_request(&mut socket, &mut inbox).await? {
            if spend(&self.refuse) {
                socket.write_all(&reply(503, "{\"name\":\"ServiceUnavailableError\"}", "Retry-After: 0\r\n")).await?;
                continue;
            }
            if request.method == "GET" && request.route == "events" {
                return self.stream(socket, &request).await;
            }
            let text = self.answer(&request).await;
            if spend(&self.cut) {
                return Ok(());
            }
            socket.write_all(text.as_bytes()).await?;
        }
        Ok(())
    }

    async fn answer(&self, request: &Request) -> String {
        if request.method == "GET" && request.route == "events/connections" {
            return text(200, "{\"count\":0}");
        }
        if request.method == "GET" {
            return self.outcome().await;
        }
        if self.forbid.load(Ordering::Relaxed) {
            return text(400, "{\"name\":\"BadRequestError\",\"data\":{\"code\":\"reserved_type\"}}");
        }
        let mut inner = self.inner();
        if let Some(first) = request.key.as_ref().and_then(|key| inner.replies.get(key)) {
            return first.clone();
        }
        inner.writes.push((request.method.clone(), request.route.clone(), request.body.clone()));
        let reply = match (request.method.as_str(), request.route.as_str()) {
            ("POST", "events") => inner.append(request),
            ("POST", "questions") => text(201, "{\"question\":{\"id\":\"que_1\"}}"),
            ("POST", "log") => text(201, "{\"items\":[]}"),
            _ => text(200, "{}"),
        };
        if let Some(key) = &request.key {
            inner.replies.insert(key.clone(), reply.clone());
        }
        drop(inner);
        self.changed.notify_waiters();
        reply
    }

    async fn outcome(&self) -> String {
        let resolved = self.changed.notified();
        if self.inner().outcome.is_none() {
            // The time limit only keeps a test from hanging; a waiter asks again.
            let _ = tokio::time::timeout(Duration::from_millis(200), resolved).await;
        }
        self.inner().outcome.as_ref().map_or_else(|| text(204, ""), |outcome| text(200, &outcome.to_string()))
    }

    async fn stream(&self, mut socket: TcpStream, request: &Request) -> io::Result<()> {
        let lies = spend(&self.lie);
        let latest = self.inner().frames.get(&request.workspace).map_or(0, Vec::len);
        let since = request.query.strip_prefix("since_seq=").and_then(|text| text.parse().ok());
        let live = request.cursor.is_none() && since.is_none();
        let mut next = request.cursor.or(since).unwrap_or(latest);
        let id = if live { format!("id: {latest}.0000000a\n") } else { String::new() };
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let ready = format!("retry: 2000\n\nevent: stream.ready\n{id}data: {{\"type\":\"stream.ready\",\"payload\":{{}}}}\n\n:\n");
        socket.write_all(head.as_bytes()).await?;
        write_chunks(&mut socket, &ready).await?;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let waiting = self.waiting(&request.workspace, next, lies);
            if waiting.1 == next {
                changed.await;
            } else {
                write_chunks(&mut socket, &waiting.0).await?;
                next = waiting.1;
            }
        }
    }

    /// The frames from `next` on, and where they end.
    fn waiting(&self, workspace: &str, next: usize, lies: bool) -> (String, usize) {
        let inner = self.inner();
        let frames = inner.frames.get(workspace).map_or(&[][..], Vec::as_slice);
        let mut text = String::new();
        for (index, frame) in frames.iter().enumerate().skip(next) {
            let times = match index + 1 {
                seq if lies && seq.is_multiple_of(10) => 0,
                seq if lies && seq.is_multiple_of(12) => 2,
                _ => 1,
            };
            (0..times).for_each(|_| text.push_str(frame));
        }
        (text, frames.len().max(next))
    }
}

impl Inner {
    fn append(&mut self, request: &Request) -> String {
        let batch = request.body["events"].as_array();
        let single = batch.is_none();
        let events = batch.cloned().unwrap_or_else(|| vec![request.body.clone()]);
        let frames = self.frames.entry(request.workspace.clone()).or_default();
        let first = frames.len() + 1;
        for event in events {
            let seq = frames.len() + 1;
            let kind = event["type"].as_str().unwrap_or_default().to_owned();
            let data = json!({"seq": seq, "type": kind, "payload": event["payload"], "timestamp": 1});
            frames.push(format!("id: {seq}.0000000a\nevent: {kind}\ndata: {data}\n\n"));
        }
        let last = frames.len();
        let body = if single { json!({"seq": last}) } else { json!({"first_seq": first, "last_seq": last}) };
        text(201, &body.to_string())
    }
}

/// Takes one from a count of faults to come, if there is one.
fn spend(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}
