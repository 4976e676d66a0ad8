//! Readers that lose their replica and go on at another: they miss nothing and see nothing twice.

use serde_json::json;

use crate::appends::row;
use crate::harness::{Follower, Process, Redis, workspace};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_moved_from_a_killed_replica_misses_and_repeats_nothing() {
    let redis = Redis::private();
    let url = format!("--redis-url={}", redis.url().expose());
    let (mut doomed, other) = tokio::join!(Process::start([&url]), Process::start([&url]));
    let workspace = workspace();
    let (first, second) = (doomed.api(&workspace), other.api(&workspace));
    second.emit_many(50).await;

    let mut followers = Vec::new();
    for since in ["?since_seq=0", "?since_seq=20", ""] {
        followers.push(Follower::start(&[first.clone(), second.clone()], &format!("events{since}")).await);
    }
    let mut rows = Follower::start(&[first.clone(), second.clone()], "log/stream?since_seq=0").await;

    let writing = {
        let second = second.clone();
        tokio::spawn(async move {
            let mut last = 0;
            for n in 0..400 {
                last = second.emit(n).await;
                if n % 4 == 0 {
                    second.post("log", &row(&format!("call_{n}"))).ok(201).await;
                }
            }
            last
        })
    };
    for follower in &mut followers {
        follower.until(120).await;
    }
    rows.until(20).await;
    doomed.kill().await;
    let last = writing.await.unwrap();
    let reading = async {
        for (follower, first) in followers.iter_mut().zip([1, 21, 51]) {
            follower.until(last).await;
            assert_eq!(follower.seqs(), (first..=last).collect::<Vec<_>>());
            assert_eq!(follower.connections, 2, "one move");
        }
        rows.until(100).await;
        assert_eq!(rows.seqs(), (1..=100).collect::<Vec<_>>());
    };
    reading.await;
    assert!(
        followers
            .iter()
            .all(|follower| { follower.controls.iter().all(|frame| ["stream.ready", "stream.caught_up"].contains(&&*frame.event)) })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_had_only_been_told_where_it_stands_can_move_too() {
    let redis = Redis::private();
    let url = format!("--redis-url={}", redis.url().expose());
    let (mut doomed, other) = tokio::join!(Process::start([&url]), Process::start([&url]));
    let workspace = workspace();
    let (first, second) = (doomed.api(&workspace), other.api(&workspace));
    second.emit_many(5).await;
    let mut stream = first.stream("events").await;
    stream.control("stream.ready").await;
    let cursor = stream.last_event_id().to_owned();
    doomed.kill().await;
    // Written while nobody was connected.
    second.post("events", &json!({"type": "while.away", "payload": {}})).ok(201).await;
    let mut stream = second.get("events").header("last-event-id", &cursor).stream().await;
    stream.control("stream.ready").await;
    let event = stream.event().await;
    assert_eq!((event.seq(), &*event.event), (6, "while.away"));
}
