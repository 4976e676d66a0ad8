//! The number of readers: right before the first byte, right after the last, and right again after whatever breaks.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Api, Cluster, Process, Redis, in_time, workspace};

/// The contract gives a second; the rest is for the machine the tests share.
const AFTER_AN_END: Duration = Duration::from_secs(1 + 2);

async fn becomes(limit: Duration, api: &Api, count: i64) {
    in_time(limit, "the count", async || {
        let now = api.count().await;
        assert!(now >= 0, "{now}");
        (now == count).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_count_is_right_before_the_first_byte_and_soon_after_the_end() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    assert_eq!(a.get("events/connections").ok(200).await, json!({"count": 0}));
    let mut streams = Vec::new();
    for n in 1..=12 {
        let (reading, asking) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let mut stream = reading.stream("events?since_seq=0").await;
        stream.next().await;
        streams.push(stream);
        assert_eq!(asking.count().await, n, "seen by the replica that does not hold it");
        assert_eq!(reading.count().await, n, "seen by the replica that holds it");
    }
    for left in (0..12).rev() {
        streams.swap_remove(left as usize / 2);
        becomes(AFTER_AN_END, if left % 2 == 0 { &a } else { &b }, left).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_detail_tells_streams_and_replicas_apart() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut streams = vec![a.stream("events").await, a.stream("events").await, b.stream("events").await, b.stream("log/stream").await];
    for stream in &mut streams {
        stream.next().await;
    }
    let detail = a.get("events/connections?detail=true").ok(200).await;
    assert_eq!((&detail["count"], &detail["log_stream"]), (&json!(3), &json!(1)));
    let mut replicas: Vec<_> = detail["replicas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|replica| {
            assert!(replica["id"].as_str().is_some_and(|id| !id.is_empty()), "{detail}");
            (replica["events"].as_i64().unwrap(), replica["log_stream"].as_i64().unwrap())
        })
        .collect();
    replicas.sort_unstable();
    assert_eq!(replicas, [(1, 1), (2, 0)]);
    let (other, _) = cluster.workspace();
    assert_eq!(other.count().await, 0, "another workspace has its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_no_reader() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.emit(1).await;
    a.page("events?since_seq=0").await;
    assert_eq!(b.count().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_that_come_and_go_at_once_leave_nothing() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for _ in 0..3 {
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..60 {
            let api = if n % 2 == 0 { a.clone() } else { b.clone() };
            tasks.spawn(async move {
                let mut stream = api.stream("events").await;
                // Some leave before they have read anything.
                if n % 3 != 0 {
                    stream.next().await;
                }
                drop(stream);
            });
        }
        tasks.join_all().await;
        becomes(AFTER_AN_END, &a, 0).await;
        assert_eq!(b.count().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_killed_replica_are_gone_within_the_lease() {
    let redis = Redis::private();
    let url = format!("--redis-url={}", redis.url().expose());
    let (mut doomed, other) = tokio::join!(Process::start([&url]), Process::start([&url]));
    let workspace = workspace();
    let api = other.api(&workspace);
    let mut streams = Vec::new();
    for n in 0..5 {
        let mut stream = if n < 3 { doomed.api(&workspace) } else { api.clone() }.stream("events").await;
        stream.next().await;
        streams.push(stream);
    }
    assert_eq!(api.count().await, 5);
    doomed.kill().await;
    // The contract says 15 s.
    becomes(Duration::from_secs(15 + 2), &api, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_count_heals_after_redis_forgot_everything() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    let mut streams = vec![a.stream("events").await, b.stream("events").await, b.stream("events").await];
    for stream in &mut streams {
        stream.next().await;
    }
    assert_eq!(a.count().await, 3);
    let _: String = cluster.redis.run(&["FLUSHALL"]).await;
    // The contract says 30 s.
    becomes(Duration::from_secs(30 + 2), &a, 3).await;
    streams.truncate(1);
    becomes(AFTER_AN_END, &b, 1).await;
}
