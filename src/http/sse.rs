//! The body of a stream: shared frames as they are, control frames in between, heartbeats. Renders nothing per event.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;
use serde_json::{Value, json};

use crate::domain::cursor::{GapReason, Notice, ResetReason};
use crate::stream::{Beating, Counted, Ending, Joined, Kind, Reader, Signal, Turn};
use crate::telemetry::metrics::{self, OpenStream, Outcome, Record};

/// A browser waits this long before it connects again, in ms; drawn for each stream, so that many do not come at once.
const RETRY_MS: std::ops::Range<u32> = 2_000..5_000;
/// The same when this replica cannot serve the stream now.
const RETRY_LATER_MS: std::ops::Range<u32> = 3_000..10_000;

/// The live body of one stream.
pub struct Stream {
    reader: Reader,
    signal: Arc<Signal>,
    prelude: Option<Bytes>,
    ended: bool,
    open: OpenStream,
    record: Record,
    _counted: Counted,
    _beating: Beating,
}

impl Stream {
    /// The body for a reader that has joined.
    pub fn new(joined: Joined, heartbeat: Duration) -> Self {
        let prelude = prelude(&joined, heartbeat);
        let record = match joined.reader.kind() {
            Kind::Events => Record::Event,
            Kind::Log => Record::Log,
        };
        Self {
            signal: Arc::clone(joined.reader.signal()),
            reader: joined.reader,
            prelude: Some(prelude),
            ended: false,
            open: metrics::stream_opened(record),
            record,
            _counted: joined.counted,
            _beating: joined.beating,
        }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(prelude) = self.prelude.take() {
            return Poll::Ready(Some(prelude));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        // Registered before looking: what comes after the look wakes us.
        self.signal.register(cx.waker());
        if let Some(why) = self.signal.ending() {
            self.ended = true;
            self.open.ends_with(outcome(why));
            return Poll::Ready(Some(control("stream.reconnect", None, &json!({"reason": why.as_str()})).into()));
        }
        if self.signal.take_beat() {
            return Poll::Ready(Some(Bytes::from_static(b":\n")));
        }
        self.reader.poll_turn(cx).map(|turn| {
            Some(match turn {
                Turn::Frames { bytes, entries } => {
                    metrics::frames_sent(self.record, entries);
                    bytes
                }
                Turn::CaughtUp { seq } => control("stream.caught_up", None, &json!({"seq": seq})).into(),
                Turn::Gap { requested_seq, oldest_seq, latest_seq, reason } => gap(requested_seq, oldest_seq, latest_seq, reason).into(),
                Turn::Reset { latest_seq, epoch, reason } => reset(latest_seq, &epoch.to_string(), reason).into(),
            })
        })
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.get_mut().next(cx).map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn outcome(why: Ending) -> Outcome {
    match why {
        Ending::Draining => Outcome::Draining,
        Ending::MaxAge => Outcome::MaxAge,
        Ending::SlowConsumer => Outcome::SlowConsumer,
        Ending::TokenExpired => Outcome::TokenExpired,
    }
}

fn prelude(joined: &Joined, heartbeat: Duration) -> Bytes {
    let bounds = joined.position.bounds;
    let payload = json!({
        "epoch": bounds.epoch.to_string(),
        "oldest_seq": bounds.oldest_seq,
        "latest_seq": bounds.latest_seq,
        "heartbeat_ms": heartbeat.as_millis() as u64,
    });
    // Only where the reader has no cursor: it now has one, should the connection break before the first event.
    let id = matches!(joined.start.notice, Notice::Live).then(|| format!("{}.{}", bounds.latest_seq, bounds.epoch));
    let mut text = format!("retry: {}\n", rand::random_range(RETRY_MS));
    text.push_str(&control("stream.ready", id.as_deref(), &payload));
    match joined.start.notice {
        Notice::Live | Notice::Replay => {}
        Notice::Gap { requested_seq, reason } => {
            text.push_str(&gap(requested_seq, bounds.oldest_seq, bounds.latest_seq, reason));
        }
        Notice::Reset { reason } => text.push_str(&reset(bounds.latest_seq, &bounds.epoch.to_string(), reason)),
    }
    text.into()
}

fn gap(requested_seq: u64, oldest_seq: u64, latest_seq: u64, reason: GapReason) -> String {
    let payload = json!({"requested_seq": requested_seq, "oldest_seq": oldest_seq, "latest_seq": latest_seq, "reason": reason.as_str()});
    control("stream.gap", None, &payload)
}

fn reset(latest_seq: u64, epoch: &str, reason: ResetReason) -> String {
    control("stream.reset", None, &json!({"reason": reason.as_str(), "latest_seq": latest_seq, "epoch": epoch}))
}

/// A control frame. It has no number; an `id` only where it gives the reader its first cursor.
fn control(event: &str, id: Option<&str>, payload: &Value) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {event}\ndata: {}\n\n", json!({"type": event, "payload": payload}))
}

/// The answer whose body is a stream.
pub fn response(body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The answer to a stream request that this replica cannot serve now: a browser tries again after it, and after no other status.
pub fn come_back(why: Ending) -> Response {
    let retry = rand::random_range(RETRY_LATER_MS);
    let frame = control("stream.reconnect", None, &json!({"reason": why.as_str()}));
    response(Body::from(format!("retry: {retry}\n{frame}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_frames_carry_no_number() {
        let frame = control("stream.caught_up", None, &json!({"seq": 7}));
        assert_eq!(frame, "event: stream.caught_up\ndata: {\"type\":\"stream.caught_up\",\"payload\":{\"seq\":7}}\n\n");
    }

    #[test]
    fn a_first_cursor_comes_as_id() {
        assert!(control("stream.ready", Some("0.00000001"), &json!({})).starts_with("id: 0.00000001\nevent: stream.ready\n"));
    }
}
