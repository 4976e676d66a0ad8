//! Purge: one step for every reader, however busy the workspace is, and numbers that go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::appends::row;
use crate::harness::{Cluster, Frame, bounded};
use crate::questions::{asked_id, pending};

fn purged() -> Value {
    json!({"purged": ["todos", "events", "budgets", "tool_logs", "session_ids", "caches"]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_during_writes_is_one_step_to_every_reader() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.emit_many(100).await;
    let mut live = b.stream("events").await;
    let ready = live.control("stream.ready").await;
    let joined = ready["latest_seq"].as_u64().unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for n in 0..8 {
        let api = if n % 2 == 0 { a.clone() } else { b.clone() };
        let stop = stop.clone();
        writers.spawn(async move {
            let mut last = 0;
            while !stop.load(Ordering::Relaxed) {
                last = api.emit(n).await;
            }
            last
        });
    }
    for _ in 0..5 {
        assert_eq!(a.act("purge").ok(200).await, purged());
        // From the reply on, no replica shows anything of before.
        let page = b.page("events?since_seq=0&limit=3").await;
        let (oldest, gap) = (page["meta"]["oldest_seq"].as_u64().unwrap(), &page["meta"]["gap"]);
        assert_eq!(page["events"][0]["type"], "orchestration.purged", "{page}");
        assert_eq!(page["events"][0]["seq"], oldest);
        assert_eq!(gap, true);
    }
    stop.store(true, Ordering::Relaxed);
    let last = writers.join_all().await.into_iter().max().unwrap();

    // The open stream stayed open and brought every number once, in order. What a purge took from it before it was sent is gone, for
    // nothing of before may be shown: then it says so, and goes on with the purge.
    let (mut next, mut purges) = (joined + 1, Vec::new());
    while next <= last {
        let frame = live.next().await;
        if frame.event == "stream.gap" {
            let gap = frame.payload();
            assert_eq!((&gap["reason"], &gap["requested_seq"]), (&json!("purged"), &json!(next - 1)));
            next = gap["oldest_seq"].as_u64().unwrap();
            let frame = live.event().await;
            assert_eq!((frame.seq(), &*frame.event), (next, "orchestration.purged"));
            purges.push(next);
        } else {
            assert_eq!(frame.seq(), next, "{frame:?}");
            if frame.event == "orchestration.purged" {
                purges.push(next);
            }
        }
        next += 1;
    }
    assert_eq!(purges.len(), 5);

    // What is kept begins with the last purge, on both replicas.
    for api in [&a, &b] {
        let kept: Vec<_> = api.history().await.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(kept, (purges[4]..=last).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_clears_everything_but_the_config() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let config = json!({"mine": {"kept": true}, "questions": {"max_pending_per_session": 2}});
    a.patch("config", &config).ok(200).await;
    let mut log_stream = b.stream("log/stream").await;
    log_stream.control("stream.ready").await;
    a.post("log", &json!({"items": [row("call_1"), row("call_2")]})).ok(201).await;
    assert_eq!(log_stream.events(2).await[1].seq(), 2);
    let resolved = asked_id(&a, "ses_1").await;
    b.post(&format!("questions/{resolved}/answer"), &json!({"answers": [["Approve"]]})).ok(200).await;
    let waiting = asked_id(&a, "ses_1").await;

    let before = a.page("events?since_seq=0&limit=1").await["meta"]["latest_seq"].as_u64().unwrap();
    assert_eq!(b.act("purge").ok(200).await, purged());
    for api in [&a, &b] {
        assert_eq!(api.get("config").ok(200).await, config);
        assert_eq!(api.get("log").ok(200).await["meta"]["total"], 0);
        assert!(pending(api).await.is_empty());
        assert_eq!(api.get("questions/history").ok(200).await["meta"]["total"], 0);
        let history = api.history().await;
        assert_eq!(history.len(), 1);
        assert_eq!((&history[0]["seq"], &history[0]["type"]), (&json!(before + 1), &json!("orchestration.purged")));
    }
    let answer = a.post(&format!("questions/{waiting}/answer"), &json!({"answers": [["Approve"]]})).send().await;
    assert_eq!(answer.status, 404);
    // The session may ask again, and the log's numbers go on.
    asked_id(&b, "ses_1").await;
    a.post("log", &row("call_3")).ok(201).await;
    let frame = log_stream.event().await;
    assert_eq!((frame.seq(), &frame.json()["callID"]), (3, &json!("call_3")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_agents_are_told_that_their_questions_are_cancelled() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut waiting = JoinSet::new();
    let mut ids = Vec::new();
    for n in 0..4 {
        let id = asked_id(&a, &format!("ses_{n}")).await;
        let (api, route) = (if n % 2 == 0 { a.clone() } else { b.clone() }, format!("questions/{id}/outcome?wait=15"));
        waiting.spawn(async move { api.get(&route).ok(200).await });
        ids.push(id);
    }
    b.act("purge").ok(200).await;
    for outcome in bounded("the outcomes", waiting.join_all()).await {
        assert_eq!(outcome["outcome"], "cancelled");
    }
    // An agent that asks late, or again, hears the same.
    for id in ids {
        assert_eq!(a.get(&format!("questions/{id}/outcome")).ok(200).await["outcome"], "cancelled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_leaves_the_readers_and_their_count() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut one = a.stream("events").await;
    let mut two = b.stream("events").await;
    assert_eq!(a.count().await, 2);
    a.act("purge").ok(200).await;
    a.act("purge").ok(200).await;
    assert_eq!(b.count().await, 2);
    for stream in [&mut one, &mut two] {
        stream.control("stream.ready").await;
        let seqs: Vec<_> = stream.events(2).await.iter().map(Frame::seq).collect();
        assert_eq!(seqs, [1, 2]);
    }
}

#[tokio::test]
async fn the_first_event_of_a_fresh_workspace_may_be_its_purge() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    assert_eq!(a.act("purge").ok(200).await, purged());
    assert_eq!(b.post("purge", &json!({})).ok(200).await, purged(), "an empty body is no other request");
    assert_eq!(a.emit(0).await, 3);
}
