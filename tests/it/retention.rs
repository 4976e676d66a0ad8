//! Both streams keep what they are told to keep: by count, age and bytes, busy or quiet.

use serde_json::{Value, json};

use crate::appends::row;
use crate::harness::{Api, Cluster, eventually};

async fn set(api: &Api, stream: &str, limits: Value) {
    api.patch("config", &json!({"retention": {stream: limits}})).ok(200).await;
}

async fn bounds(api: &Api, route: &str) -> (u64, u64) {
    let page = api.page(&format!("{route}?since_seq=0&limit=1")).await;
    (page["meta"]["oldest_seq"].as_u64().unwrap(), page["meta"]["latest_seq"].as_u64().unwrap())
}

/// Rows `from..=to`, one batch.
async fn log(api: &Api, from: u64, to: u64) {
    let rows: Vec<_> = (from..=to).map(|n| row(&format!("call_{n}"))).collect();
    api.post("log", &json!({"items": rows})).ok(201).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_append_itself_keeps_the_count() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    set(&a, "events", json!({"max_count": 50})).await;
    set(&a, "log", json!({"max_count": 30})).await;
    for n in 0..60 {
        let latest = if n % 2 == 0 { &a } else { &b }.emit(n).await;
        let (oldest, seen) = bounds(&b, "events").await;
        assert_eq!((oldest, seen), (latest.saturating_sub(49).max(1), latest));
    }
    log(&a, 1, 100).await;
    assert_eq!(bounds(&b, "log/stream").await, (71, 100));
    let page = b.get("log?limit=100").ok(200).await;
    assert_eq!(page["meta"]["total"], 30);
    assert_eq!(page["items"][0]["callID"], "call_71");
    assert_eq!(b.get("log?callID=call_70").ok(200).await["meta"]["total"], 0, "an index does not remember it");
    assert_eq!(b.get("log?callID=call_71").ok(200).await["meta"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lowered_limit_is_reached_on_a_quiet_workspace() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for _ in 0..12 {
        a.emit_many(500).await;
    }
    log(&a, 1, 200).await;
    set(&b, "events", json!({"max_count": 10})).await;
    set(&b, "log", json!({"max_count": 5})).await;
    let (_, latest) = bounds(&a, "events").await;
    eventually("both limits to be reached with no further write", async || {
        let events = bounds(&a, "events").await;
        let rows = bounds(&a, "log/stream").await;
        (events == (latest - 9, latest) && rows == (196, 200)).then_some(())
    })
    .await;
    assert_eq!(b.get("log").ok(200).await["meta"]["total"], 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_old_goes_though_nobody_writes() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.emit_many(30).await;
    log(&a, 1, 20).await;
    set(&b, "events", json!({"max_age_ms": 1500})).await;
    set(&b, "log", json!({"max_age_ms": 1500})).await;
    let (_, latest) = bounds(&a, "events").await;
    eventually("everything to be too old", async || {
        let none = bounds(&a, "events").await == (latest + 1, latest) && bounds(&a, "log/stream").await == (21, 20);
        none.then_some(())
    })
    .await;
    let mut stream = a.stream("events?since_seq=3").await;
    stream.control("stream.ready").await;
    let gap = stream.control("stream.gap").await;
    assert_eq!(gap, json!({"requested_seq": 3, "oldest_seq": latest + 1, "latest_seq": latest, "reason": "trimmed"}));
    stream.control("stream.caught_up").await;
    assert_eq!(b.emit(1).await, latest + 1);
    assert_eq!(stream.event().await.seq(), latest + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_are_a_bound_too() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    set(&a, "events", json!({"max_bytes": 100_000})).await;
    set(&a, "log", json!({"max_bytes": 50_000})).await;
    let payload = json!({"fill": "x".repeat(1000)});
    let mut fat = row("call_fat");
    fat["fill"] = json!("y".repeat(1000));
    for n in 0..200 {
        let api = if n % 2 == 0 { &a } else { &b };
        api.post("events", &json!({"type": "work.fat", "payload": payload})).ok(201).await;
        api.post("log", &fat).ok(201).await;
    }
    let (oldest, latest) = bounds(&b, "events").await;
    let kept = (latest + 1 - oldest) * 1010;
    assert!((70_000..=110_000).contains(&kept), "{kept} bytes of events");
    let (oldest, latest) = bounds(&b, "log/stream").await;
    let kept = (latest + 1 - oldest) * 1150;
    assert!((30_000..=60_000).contains(&kept), "{kept} bytes of rows");
    // One that is larger than the bound alone is still there until the next.
    set(&a, "events", json!({"max_bytes": 500})).await;
    let seq = a.post("events", &json!({"type": "work.fat", "payload": payload})).ok(201).await["seq"].as_u64().unwrap();
    // An append trims in bounded steps; the job that the patch set off does the rest.
    eventually("all but the newest are gone", async || (bounds(&b, "events").await == (seq, seq)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_readers_are_not_disturbed_by_trimming() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    set(&a, "events", json!({"max_count": 5})).await;
    let mut stream = b.stream("events").await;
    stream.control("stream.ready").await;
    for round in 0..20 {
        let seq = a.emit(round).await;
        assert_eq!(stream.event().await.seq(), seq);
    }
}
