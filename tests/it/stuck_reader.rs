//! A reader that never reads: it slows nobody, costs little, is ended, and can come back.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Api, Frame, Process, Redis, bounded, in_time, workspace};

const STUCK: u8 = 40;
const EVENTS: u64 = 1200;
/// Large enough that what the kernel holds for a reader is far less than all events together: 1,200 × 8 KiB.
const PAYLOAD: usize = 8 * 1024;
const STALL: Duration = Duration::from_secs(2);

/// Asks for a stream and reads nothing of it.
async fn stuck(api: &Api, route: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let address: SocketAddr = api.http.address();
    socket.connect(&address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut socket = TcpStream::from_std(socket.into()).unwrap();
    let request = format!("GET {} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n", api.path(route));
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stuck_readers_slow_nobody_and_are_ended_within_bounded_memory() {
    let redis = Redis::private();
    let settings = [
        format!("--redis-url={}", redis.url().expose()),
        format!("--stream-stall-seconds={}", STALL.as_secs()),
        "--heartbeat-ms=500".to_owned(),
        "--ring-bytes=131072".to_owned(),
        "--send-buffer-bytes=32768".to_owned(),
    ];
    let (a, b) = tokio::join!(Process::start(&settings), Process::start(&settings));
    let workspace = workspace();
    let (watched, writing) = (a.api(&workspace), b.api(&workspace));
    let mut healthy = watched.stream("events").await;
    healthy.control("stream.ready").await;
    let mut sockets = Vec::new();
    for _ in 0..STUCK {
        sockets.push(stuck(&watched, "events").await);
    }
    in_time(Duration::from_secs(10), "all readers to be counted", async || (writing.count().await == 1 + i64::from(STUCK)).then_some(()))
        .await;
    let before = a.memory().await;

    let reading = tokio::spawn(async move {
        let seqs: Vec<_> = healthy.events(EVENTS as usize).await.iter().map(Frame::seq).collect();
        (healthy, seqs)
    });
    let batch = json!({"events": vec![json!({"type": "work.fat", "payload": {"fill": "x".repeat(PAYLOAD)}}); 20]});
    for _ in 0..EVENTS / 20 {
        writing.post("events", &batch).ok(201).await;
    }
    let (_healthy, seqs) = bounded("the healthy reader", reading).await.unwrap();
    assert_eq!(seqs, (1..=EVENTS).collect::<Vec<_>>());

    // Forty queues of all that was written would be 390 MB; a cursor each is nothing.
    within_memory(&a, before).await;
    ended(sockets, &writing).await;

    // Nor does a replay that nobody takes load the history for them.
    let mut sockets = Vec::new();
    for _ in 0..STUCK {
        sockets.push(stuck(&watched, "events?since_seq=0").await);
    }
    in_time(Duration::from_secs(10), "all replays to be counted", async || (writing.count().await == 1 + i64::from(STUCK)).then_some(()))
        .await;
    ended(sockets, &writing).await;
    within_memory(&a, before).await;
}

async fn within_memory(process: &Process, before: u64) {
    let grown = process.memory().await.saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{} MiB", grown / 1024 / 1024);
}

/// Waits until only the healthy reader is left, and looks at what the others were sent.
async fn ended(sockets: Vec<TcpStream>, counting: &Api) {
    in_time(STALL + Duration::from_secs(10), "the stuck readers to be ended", async || (counting.count().await == 1).then_some(())).await;
    for mut socket in sockets {
        let mut received = Vec::new();
        // A reset is an end as well.
        let _ = bounded("the end of a stuck connection", socket.read_to_end(&mut received)).await;
        let limit = 1024 * 1024;
        assert!(received.len() < limit, "{} bytes were waiting in the kernel for one reader", received.len());
        assert!(received.starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_was_ended_as_too_slow_can_resume() {
    let redis = Redis::shared();
    let settings = [
        format!("--redis-url={}", redis.url().expose()),
        "--stream-stall-seconds=1".to_owned(),
        "--heartbeat-ms=500".to_owned(),
        "--ring-bytes=131072".to_owned(),
        "--send-buffer-bytes=32768".to_owned(),
    ];
    let (a, b) = tokio::join!(Process::start(&settings), Process::start(&settings));
    let workspace = workspace();
    let (watched, writing) = (a.api(&workspace), b.api(&workspace));
    let mut stream = watched.stream("events").await;
    stream.control("stream.ready").await;
    let batch = json!({"events": vec![json!({"type": "work.fat", "payload": {"fill": "x".repeat(PAYLOAD)}}); 20]});
    // More than the buffers of both kernels hold: at most a few MiB at either end on loopback.
    let mut last = 0;
    for _ in 0..75 {
        last = writing.post("events", &batch).ok(201).await["last_seq"].as_u64().unwrap();
    }
    in_time(Duration::from_secs(20), "the reader to be given up", async || (writing.count().await == 0).then_some(())).await;
    let mut seqs = Vec::new();
    let mut told = None;
    while let Some(frame) = bounded("what had been sent", stream.frame()).await {
        if frame.is_control() {
            told = Some(frame);
        } else {
            seqs.push(frame.seq());
        }
    }
    assert!(*seqs.last().unwrap() < last, "it was not slow at all");
    // If the notice still reached it, it is the right one.
    if let Some(frame) = told {
        assert_eq!(frame.json(), json!({"type": "stream.reconnect", "payload": {"reason": "slow_consumer"}}));
    }
    let mut stream = writing.get("events").header("last-event-id", stream.last_event_id()).stream().await;
    stream.control("stream.ready").await;
    seqs.extend(stream.until(last).await.iter().map(Frame::seq));
    assert_eq!(seqs, (1..=last).collect::<Vec<_>>());
}
