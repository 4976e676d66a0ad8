//! A plain HTTP client: keep-alive connections that are used again, JSON in and out, and failure messages that show the reply.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::sse::Stream;
use super::wait::bounded;

/// A listener and the idle connections to it.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Http {
    /// A client of `address`.
    pub fn new(address: SocketAddr) -> Self {
        Self(Arc::new(Shared { address, idle: Mutex::default() }))
    }

    /// Where it connects to.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// A request for an absolute path.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let request = Request::builder().method(method).uri(path).header("host", self.0.address.to_string());
        Call { http: self.clone(), request, body: Bytes::new() }
    }

    /// `GET` of an absolute path.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    async fn connection(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        loop {
            let idle = self.0.idle.lock().unwrap().pop();
            let Some(mut connection) = idle else { break };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        let socket = TcpStream::connect(self.0.address).await?;
        socket.set_nodelay(true)?;
        let (connection, driver) = handshake(TokioIo::new(socket)).await.map_err(io::Error::other)?;
        tokio::spawn(driver);
        Ok(connection)
    }
}

/// The API of one workspace, as one replica serves it.
#[derive(Clone)]
pub struct Api {
    /// The replica.
    pub http: Http,
    /// The workspace.
    pub workspace: String,
}

impl Api {
    /// The API of `workspace` behind `http`.
    pub fn new(http: &Http, workspace: &str) -> Self {
        Self { http: http.clone(), workspace: workspace.to_owned() }
    }

    /// The absolute path of a route.
    pub fn path(&self, route: &str) -> String {
        format!("/api/v1/workspaces/{}/orchestration/{route}", self.workspace)
    }

    /// A request for a route.
    pub fn call(&self, method: Method, route: &str) -> Call {
        self.http.call(method, &self.path(route))
    }

    /// `GET`.
    pub fn get(&self, route: &str) -> Call {
        self.call(Method::GET, route)
    }

    /// `POST` with a JSON body.
    pub fn post(&self, route: &str, body: &Value) -> Call {
        self.call(Method::POST, route).json(body)
    }

    /// `POST` without a body.
    pub fn act(&self, route: &str) -> Call {
        self.call(Method::POST, route)
    }

    /// `PATCH` with a JSON body.
    pub fn patch(&self, route: &str, body: &Value) -> Call {
        self.call(Method::PATCH, route).json(body)
    }

    /// `DELETE`.
    pub fn delete(&self, route: &str) -> Call {
        self.call(Method::DELETE, route)
    }

    /// Opens a stream, which must be granted.
    pub async fn stream(&self, route: &str) -> Stream {
        self.get(route).stream().await
    }

    /// Appends one small event and returns its seq.
    pub async fn emit(&self, n: u64) -> u64 {
        let body = serde_json::json!({"type": "work.done", "payload": {"n": n}});
        self.post("events", &body).ok(201).await["seq"].as_u64().unwrap()
    }

    /// Appends `count` small events in one batch and returns the seq of the last.
    pub async fn emit_many(&self, count: u64) -> u64 {
        let events: Vec<_> = (1..=count).map(|n| serde_json::json!({"type": "work.done", "payload": {"n": n}})).collect();
        let reply = self.post("events", &serde_json::json!({"events": events})).ok(201).await;
        reply["last_seq"].as_u64().unwrap()
    }

    /// The number of readers of the events stream.
    pub async fn count(&self) -> i64 {
        self.get("events/connections").ok(200).await["count"].as_i64().unwrap()
    }

    /// One JSON page of a stream: `events` or `log/stream` with its query.
    pub async fn page(&self, route: &str) -> Value {
        self.get(route).header("accept", "application/json").ok(200).await
    }

    /// All retained events as JSON, over as many pages as it takes.
    pub async fn history(&self) -> Vec<Value> {
        let (mut events, mut since) = (Vec::new(), 0);
        loop {
            let mut page = self.page(&format!("events?since_seq={since}&limit=500")).await;
            since = page["meta"]["next_seq"].as_u64().unwrap();
            events.append(page["events"].as_array_mut().unwrap());
            if since >= page["meta"]["latest_seq"].as_u64().unwrap() {
                return events;
            }
        }
    }
}

/// A request that is being put together.
#[must_use]
pub struct Call {
    http: Http,
    request: http::request::Builder,
    body: Bytes,
}

impl Call {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sets the body as it is.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// The reply; a connection that fails is a failure of the test.
    pub async fn send(self) -> Answer {
        let what = format!("a reply of {}", self.http.address());
        bounded(&what, self.try_send()).await.unwrap()
    }

    /// The reply's body as JSON; another status is a failure of the test.
    pub async fn ok(self, status: u16) -> Value {
        self.send().await.ok(status)
    }

    /// The reply, or why there is none.
    pub async fn try_send(self) -> io::Result<Answer> {
        let mut connection = self.http.connection().await?;
        let request = self.request.body(Full::new(self.body)).unwrap();
        let reply = connection.send_request(request).await.map_err(io::Error::other)?;
        let (head, body) = reply.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        self.http.0.idle.lock().unwrap().push(connection);
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// Opens a stream, which must be granted.
    pub async fn stream(self) -> Stream {
        bounded("the head of a stream", self.try_stream()).await.unwrap()
    }

    /// Opens a stream on a connection of its own, or says why not.
    pub async fn try_stream(self) -> io::Result<Stream> {
        let request = self.request.header("accept", "text/event-stream");
        Stream::open(self.http.address(), request.body(Full::new(self.body)).unwrap()).await
    }
}

/// A whole reply.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; another status is a failure of the test.
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() {
            return Value::Null;
        }
        self.json()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in a {} reply: {}", self.status, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text, empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that it is the error envelope with this status, name and code, and returns it.
    pub fn problem(&self, status: u16, name: &str, code: &str) -> Value {
        let body = self.ok(status);
        assert_eq!(body["name"], name, "{body}");
        assert_eq!(body["data"]["code"], code, "{body}");
        assert!(body["data"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert!(self.header("content-type").starts_with("application/json"), "{:?}", self.headers);
        body
    }
}
