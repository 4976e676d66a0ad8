//! The fake's half of HTTP/1.1: requests in, replies and chunks out.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) struct Request {
    pub(super) method: String,
    pub(super) workspace: String,
    pub(super) route: String,
    pub(super) query: String,
    pub(super) key: Option<String>,
    pub(super) cursor: Option<usize>,
    pub(super) body: Value,
}

pub(super) fn text(status: u16, body: &str) -> String {
    String::from_utf8_lossy(&reply(status, body, "")).into_owned()
}

pub(super) fn reply(status: u16, body: &str, headers: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

/// Writes a text in chunks that end in the middle of lines.
pub(super) async fn write_chunks(socket: &mut TcpStream, text: &str) -> io::Result<()> {
    let mut wire = Vec::new();
    for part in text.as_bytes().chunks(97) {
        wire.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        wire.extend_from_slice(part);
        wire.extend_from_slice(b"\r\n");
    }
    socket.write_all(&wire).await
}

pub(super) async fn read_request(socket: &mut TcpStream, inbox: &mut Vec<u8>) -> io::Result<Option<Request>> {
    loop {
        if let Some(end) = memchr::memmem::find(inbox, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&inbox[..end]).into_owned();
            let length = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if inbox.len() >= end + 4 + length {
                let body = serde_json::from_slice(&inbox[end + 4..end + 4 + length]).unwrap_or(Value::Null);
                inbox.drain(..end + 4 + length);
                return Ok(Some(request(&head, body)));
            }
        }
        if socket.read_buf(inbox).await? == 0 {
            return Ok(None);
        }
    }
}

fn request(head: &str, body: Value) -> Request {
    let mut line = head.split(' ');
    let method = line.next().unwrap_or_default().to_owned();
    let target = line.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut parts = path.trim_start_matches("/api/v1/workspaces/").splitn(3, '/');
    Request {
        method,
        workspace: parts.next().unwrap_or_default().to_owned(),
        route: parts.nth(1).unwrap_or_default().to_owned(),
        query: query.to_owned(),
        key: header(head, "idempotency-key"),
        cursor: header(head, "last-event-id").and_then(|id| id.split('.').next()?.parse().ok()),
        body,
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    lines.filter(|(at, _)| at.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
}
