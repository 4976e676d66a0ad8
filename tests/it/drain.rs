//! Leaving in good order: not ready at once, still serving, streams asked to move over the drain time, exit code 0.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::sse::End;
use crate::harness::{Cluster, Follower, Process, Redis, bounded, eventually, workspace};

const DRAIN: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_spreads_the_readers_over_the_drain_time_and_exits_well() {
    let redis = Redis::shared();
    let settings = [format!("--redis-url={}", redis.url().expose()), format!("--drain-seconds={}", DRAIN.as_secs())];
    let (mut leaving, other) = tokio::join!(Process::start(&settings), Process::start(&settings));
    let workspace = workspace();
    let (first, second) = (leaving.api(&workspace), other.api(&workspace));

    let mut streams = Vec::new();
    for n in 0..30 {
        let mut stream = first.stream(if n % 3 == 0 { "log/stream" } else { "events" }).await;
        stream.control("stream.ready").await;
        streams.push(stream);
    }
    let mut follower = Follower::start(&[first.clone(), second.clone()], "events?since_seq=0").await;
    leaving.terminate().await;
    let begin = Instant::now();
    eventually("readiness to go", async || {
        let answer = leaving.admin.get("/readyz").send().await;
        (answer.status == 503).then_some(())
    })
    .await;
    assert!(begin.elapsed() < Duration::from_secs(2), "at once, not with the drain: {:?}", begin.elapsed());
    assert_eq!(leaving.admin.get("/livez").send().await.status, 200);

    // Who comes now is served and asked to come back later.
    let late = first.stream("events?since_seq=0").await.rest().await;
    assert_eq!(late.0.last().unwrap().payload(), json!({"reason": "draining"}));
    let seq = first.emit(1).await;

    let mut ends = JoinSet::new();
    for mut stream in streams {
        ends.spawn(async move {
            let (frames, end) = stream.rest().await;
            let last = frames.last().unwrap();
            assert_eq!((&*last.event, last.payload()), ("stream.reconnect", json!({"reason": "draining"})));
            assert_eq!((last.id.as_deref(), end), (None, End::Clean));
            begin.elapsed()
        });
    }
    let mut ends = ends.join_all().await;
    ends.sort_unstable();
    // Evenly over three seconds: the middle two thirds take at least one of them, whatever the machine does.
    let spread = ends[25].saturating_sub(ends[4]);
    assert!(spread > Duration::from_secs(1), "{ends:?}");
    assert!(ends[29] < DRAIN + Duration::from_secs(3), "{ends:?}");

    let status = leaving.ended().await;
    assert_eq!(status.code(), Some(0));
    let last = second.emit(2).await;
    follower.until(last).await;
    assert_eq!(follower.seqs(), [seq, last], "the reader that moved missed nothing");
    assert_eq!(second.count().await, 1, "nobody is counted twice or left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_asked_of_a_draining_replica_is_sent_away_with_200() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    let mut live = a.stream("events").await;
    live.control("stream.ready").await;
    cluster.a.drain();
    for route in ["events", "events?since_seq=0", "log/stream"] {
        let mut stream = a.stream(route).await;
        let (frames, end) = stream.rest().await;
        assert_eq!(frames.len(), 1, "{frames:?}");
        assert_eq!(frames[0].json(), json!({"type": "stream.reconnect", "payload": {"reason": "draining"}}));
        assert_eq!((frames[0].id.as_deref(), end), (None, End::Clean));
        assert!(stream.retry().unwrap() > 2000, "later than after a plain end: {:?}", stream.retry());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_exits_at_once() {
    let redis = Redis::shared();
    let mut process = Process::start([format!("--redis-url={}", redis.url().expose()), "--drain-seconds=60".to_owned()]).await;
    let mut stream = process.api(&workspace()).stream("events").await;
    stream.control("stream.ready").await;
    process.terminate().await;
    eventually("readiness to go", async || {
        let answer = process.admin.get("/readyz").send().await;
        (answer.status == 503).then_some(())
    })
    .await;
    process.terminate().await;
    process.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_without_readers_does_not_wait_for_the_drain_time() {
    let redis = Redis::shared();
    let mut process = Process::start([format!("--redis-url={}", redis.url().expose()), "--drain-seconds=3600".to_owned()]).await;
    process.api(&workspace()).emit(1).await;
    process.terminate().await;
    let status = process.ended().await;
    assert_eq!(status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_wait_are_answered_before_the_exit() {
    let redis = Redis::shared();
    let mut process = Process::start([format!("--redis-url={}", redis.url().expose()), "--drain-seconds=2".to_owned()]).await;
    let api = process.api(&workspace());
    let id = crate::questions::asked_id(&api, "ses_1").await;
    let outcome = tokio::spawn(api.get(&format!("questions/{id}/outcome?wait=60")).try_send());
    let page = tokio::spawn(api.get("events?since_seq=1&wait=30").header("accept", "application/json").try_send());
    // Both have been taken when what came after them on connections of their own is answered.
    for _ in 0..3 {
        api.get("config").ok(200).await;
    }
    process.terminate().await;
    let (outcome, page) = (bounded("the outcome", outcome).await.unwrap(), bounded("the page", page).await.unwrap());
    let (outcome, page) = (outcome.expect("an answer, not a broken connection"), page.expect("an answer, not a broken connection"));
    assert!([204, 503].contains(&outcome.status), "{}", outcome.text());
    assert!([200, 503].contains(&page.status), "{}", page.text());
    assert_eq!(process.ended().await.code(), Some(0));
}
