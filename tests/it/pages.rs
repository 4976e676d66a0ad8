//! The streams as JSON pages: the same history, a limit, and a wait for what is not there yet.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Cluster, bounded};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_lead_through_the_history() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.emit_many(25).await;
    let mut since = 0;
    let mut sizes = Vec::new();
    for n in 0..4 {
        let api = if n % 2 == 0 { &b } else { &a };
        let page = api.page(&format!("events?since_seq={since}&limit=10")).await;
        let meta = &page["meta"];
        assert_eq!((&meta["oldest_seq"], &meta["latest_seq"], &meta["gap"]), (&json!(1), &json!(25), &json!(false)));
        assert_eq!(meta["epoch"].as_str().unwrap().len(), 8);
        let seqs: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (since + 1..=since + seqs.len() as u64).collect::<Vec<_>>());
        sizes.push(seqs.len());
        since = meta["next_seq"].as_u64().unwrap();
    }
    assert_eq!(sizes, [10, 10, 5, 0]);
    assert_eq!(since, 25);
}

#[tokio::test]
async fn a_page_of_a_fresh_workspace_is_empty() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    for route in ["events", "events?since_seq=0", "log/stream?since_seq=0"] {
        let page = a.page(route).await;
        assert_eq!(page["events"].as_array().map(Vec::len), Some(0), "{page}");
        assert_eq!(page["meta"]["latest_seq"], 0);
        assert_eq!(page["meta"]["next_seq"], 0);
        assert_eq!(page["meta"]["gap"], false);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_says_that_something_is_missing() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.patch("config", &json!({"retention": {"events": {"max_count": 5}}})).ok(200).await;
    let latest = a.emit_many(20).await;
    let page = b.page("events?since_seq=3").await;
    assert_eq!(page["meta"]["gap"], true);
    assert_eq!(page["meta"]["oldest_seq"], latest - 4);
    assert_eq!(page["events"][0]["seq"], latest - 4);
    let page = b.page("events?since_seq=100").await;
    assert_eq!(page["meta"]["gap"], true, "a cursor ahead of everything is no place to go on from: {page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_ends_with_the_first_event() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let latest = a.emit_many(3).await;
    let waiting = {
        let b = b.clone();
        tokio::spawn(async move { b.page(&format!("events?since_seq={latest}&wait=15")).await })
    };
    // Written before or after the waiter has begun: both must end it.
    let seq = a.emit(9).await;
    let begin = Instant::now();
    let page = bounded("the page", waiting).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10), "the event ended the wait, not its time");
    assert_eq!(page["events"][0]["seq"], seq);
    assert_eq!(page["meta"]["next_seq"], seq);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_passes_over_what_the_filter_leaves_out() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let waiting = {
        let b = b.clone();
        tokio::spawn(async move { b.page("events?since_seq=0&types=wanted&wait=15").await })
    };
    a.emit_many(5).await;
    let reply = a.post("events", &json!({"type": "wanted", "payload": {}})).ok(201).await;
    let page = bounded("the page", waiting).await.unwrap();
    assert_eq!(page["events"][0]["seq"], reply["seq"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_sees_nothing_ends_in_time() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    let begin = Instant::now();
    let page = a.page("events?since_seq=0&wait=1").await;
    let took = begin.elapsed();
    assert_eq!(page["events"], json!([]));
    assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(6), "{took:?}");
}

#[tokio::test]
async fn limits_of_a_page_are_checked() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    for query in ["limit=0", "limit=501", "limit=x", "wait=31", "wait=-1", "wait=x"] {
        let answer = a.get(&format!("events?since_seq=0&{query}")).header("accept", "application/json").send().await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError", "{query}");
    }
}
