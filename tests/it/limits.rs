//! What is too much is refused, each with its own status, and changes nothing.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::appends::row;
use crate::harness::{Cluster, bounded};

fn event(payload: Value) -> Value {
    let mut event = json!({"type": "work.done"});
    event["payload"] = payload;
    event
}

/// An object nested `depth` deep.
fn nested(depth: usize) -> String {
    format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth))
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for route in ["events", "log", "questions"] {
        let body = json!({"fill": "x".repeat(1024 * 1024)});
        let answer = a.post(route, &body).send().await;
        assert_eq!(answer.ok(413)["name"], "PayloadTooLargeError", "{route}");
    }
    let answer = a.patch("config", &json!({"fill": "x".repeat(1024 * 1024)})).send().await;
    assert_eq!(answer.ok(413)["name"], "PayloadTooLargeError");
    assert!(b.history().await.is_empty());
}

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_off_at_the_limit() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut socket = TcpStream::connect(a.http.address()).await.unwrap();
    let mut head = String::new();
    write!(head, "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n", a.path("events")).unwrap();
    head.push_str("transfer-encoding: chunked\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    bounded("the refusal", async {
        let (mut from, mut to) = socket.split();
        let send = async {
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
            // Never ends by itself; a closed connection ends it.
            while to.write_all(chunk.as_bytes()).await.is_ok() {}
        };
        let receive = async {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer).await {
                reply.extend_from_slice(&buffer[..length]);
                if reply.windows(20).any(|part| part == b"PayloadTooLargeError") {
                    break;
                }
            }
        };
        tokio::select! {
            () = send => {}
            () = receive => {}
        }
    })
    .await;
    let reply = String::from_utf8_lossy(&reply);
    // A server may also just close on a sender that does not stop; it must not have taken it.
    assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 413"), "{reply}");
    assert!(b.history().await.is_empty());
}

#[tokio::test]
async fn another_content_type_is_415() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let body = event(json!({})).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"] {
        let answer = a.act("events").header("content-type", kind).body(body.clone()).send().await;
        assert_eq!(answer.ok(415)["name"], "UnsupportedMediaTypeError", "{kind}");
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        a.act("events").header("content-type", kind).body(body.clone()).ok(201).await;
    }
    let answer = a.patch("config", &json!({})).send().await;
    assert_eq!(answer.status, 200);
    let patch = |kind: &str| a.call(http::Method::PATCH, "config").header("content-type", kind).body("{\"a\":1}");
    patch("application/merge-patch+json").ok(200).await;
    assert_eq!(patch("application/json-patch+json").send().await.status, 415);
    assert_eq!(b.history().await.iter().filter(|event| event["type"] == "work.done").count(), 2);
}

#[tokio::test]
async fn json_nested_too_deep_is_400() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let body = |depth| format!("{{\"type\":\"work.done\",\"payload\":{}}}", nested(depth));
    let post = |body: String| a.act("events").header("content-type", "application/json").body(body);
    post(body(31)).ok(201).await;
    for depth in [32, 100, 20_000] {
        let answer = post(body(depth)).send().await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError", "{depth}");
    }
    let brackets = "[".repeat(200_000);
    assert_eq!(post(brackets).send().await.status, 400);
    assert_eq!(b.history().await.len(), 1);
}

#[tokio::test]
async fn a_payload_beyond_sixty_kibibytes_is_refused() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let fill = |bytes: usize| event(json!({"x": "y".repeat(bytes - 8)}));
    a.post("events", &fill(60 * 1024)).ok(201).await;
    let answer = a.post("events", &fill(60 * 1024 + 1)).send().await;
    assert!([400, 413].contains(&answer.status), "{}", answer.text());
    let mut stream = b.stream("events?since_seq=0").await;
    stream.control("stream.ready").await;
    assert_eq!(stream.event().await.payload()["x"].as_str().unwrap().len(), 60 * 1024 - 8);
    stream.control("stream.caught_up").await;
    // Live, where the notification is too large for a message of Redis.
    let seq = a.post("events", &fill(50 * 1024)).ok(201).await["seq"].as_u64().unwrap();
    assert_eq!(stream.event().await.seq(), seq);
    // Blanks do not count, since they are not stored.
    let spaced = format!("{{\"type\":\"work.done\",\"payload\":{{{}}}}}", " ".repeat(100_000));
    a.act("events").header("content-type", "application/json").body(spaced).ok(201).await;
}

#[tokio::test]
async fn a_batch_beyond_five_hundred_is_refused() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let events = |count: usize| json!({"events": vec![event(json!({})); count]});
    let rows = |count: usize| json!({"items": (0..count).map(|n| row(&format!("call_{n}"))).collect::<Vec<_>>()});
    assert_eq!(a.post("events", &events(500)).ok(201).await, json!({"first_seq": 1, "last_seq": 500}));
    assert_eq!(a.post("log", &rows(500)).ok(201).await["items"].as_array().unwrap().len(), 500);
    for (route, body) in [("events", events(501)), ("log", rows(501)), ("events", events(0)), ("log", rows(0))] {
        let answer = a.post(route, &body).send().await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError", "{route}");
    }
    assert_eq!(b.emit(0).await, 501);
    assert_eq!(b.get("log").ok(200).await["meta"]["total"], 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_streams_than_a_workspace_may_have_are_refused() {
    let cluster = Cluster::with(crate::harness::Redis::shared(), |config| config.limits.workspace_streams = 4).await;
    let (a, b) = cluster.workspace();
    let mut streams = Vec::new();
    for n in 0..4 {
        let mut stream = if n % 2 == 0 { &a } else { &b }.stream("events").await;
        stream.control("stream.ready").await;
        streams.push(stream);
    }
    // Asked for as an EventSource does it may be sent away softly; it must not be served.
    let answer = a.get("events").header("accept", "text/event-stream").send().await;
    match answer.status {
        429 => {
            assert_eq!(answer.json()["name"], "TooManyRequestsError");
            assert!(!answer.header("retry-after").is_empty());
        }
        200 => assert!(answer.text().contains("stream.reconnect"), "{}", answer.text()),
        other => panic!("{other}: {}", answer.text()),
    }
    let (other, _) = cluster.workspace();
    other.stream("events").await.control("stream.ready").await;
}
