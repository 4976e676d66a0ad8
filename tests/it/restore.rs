//! Restore: the reads then equal the source's, and the numbers go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use serde_json::json;
use tokio::task::JoinSet;

use crate::appends::row;
use crate::harness::{Api, Call, Cluster};
use crate::questions::{ask, asked_id};

async fn fill(api: &Api) {
    api.patch("config", &json!({"mine": [1, {"two": null}], "questions": {"max_pending_per_session": 4}})).ok(200).await;
    for _ in 0..3 {
        api.emit_many(400).await;
    }
    let rows: Vec<_> = (0..300).map(|n| row(&format!("call_{n}"))).collect();
    api.post("log", &json!({"items": rows})).ok(201).await;
    let id = asked_id(api, "ses_1").await;
    api.post(&format!("questions/{id}/reject"), &json!({"reason": "so it is"})).ok(200).await;
    asked_id(api, "ses_1").await;
    asked_id(api, "ses_2").await;
    let mut body = ask("ses_1");
    body["expires_in_ms"] = json!(600_000);
    api.post("questions", &body).ok(201).await;
}

/// The log names its workspace in every row.
fn without(workspace: &str, text: &str) -> String {
    text.replace(workspace, "WORKSPACE")
}

const READS: [&str; 9] = [
    "config",
    "questions",
    "questions/history",
    "log?limit=500",
    "log?callID=call_7",
    "log?order=desc&limit=3",
    "log?format=jsonl",
    "events?since_seq=0&limit=500",
    "events?since_seq=900&limit=500",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reads_of_a_restored_workspace_equal_the_sources() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    fill(&a).await;
    let dump = a.get("debug-dump").send().await;
    assert_eq!(dump.status, 200);
    let (target, other) = cluster.workspace();
    let restore = |api: &Api| api.act("restore").header("content-type", "application/json").body(dump.body.clone());
    let reply = restore(&target).ok(200).await;
    assert_eq!(reply["restored"], true);
    assert_eq!(reply["seq"], dump.json()["seq"]);

    for route in READS {
        let source = b.get(route).header("accept", "application/json").send().await;
        let restored = other.get(route).header("accept", "application/json").send().await;
        assert_eq!(source.status, 200, "{route}");
        let (mut source, mut restored) = (without(&a.workspace, &source.text()), without(&target.workspace, &restored.text()));
        if route.starts_with("events") {
            // The epoch names a history of Redis; a restored one may be another.
            let epoch = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["meta"]["epoch"].as_str().unwrap().to_owned();
            source = source.replace(&epoch(&source), "EPOCH");
            restored = restored.replace(&epoch(&restored), "EPOCH");
        }
        assert_eq!(restored, source, "{route}");
    }

    // Numbers go on, and the state is alive: a pending question can be answered, a full session cannot ask.
    let seq = reply["seq"].as_u64().unwrap();
    assert!(other.emit(1).await > seq);
    let list = other.get("questions").ok(200).await;
    let id = list["questions"][0]["id"].as_str().unwrap();
    target.post(&format!("questions/{id}/answer"), &json!({"answers": [["Approve"]]})).ok(200).await;

    // A second restore would overwrite what is there.
    let answer = restore(&other).send().await;
    assert_eq!(answer.ok(409)["name"], "ConflictError");
    let forced = other.act("restore?force=true").header("content-type", "application/json").body(dump.body.clone()).ok(200).await;
    assert_eq!(forced["restored"], true);
    assert_eq!(target.get("questions").ok(200).await, b.get("questions").ok(200).await);
    assert!(target.emit(2).await > forced["seq"].as_u64().unwrap());
}

#[tokio::test]
async fn what_is_no_dump_changes_nothing() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let dump = b.get("debug-dump").ok(200).await;
    let mut newer = dump.clone();
    newer["format"] = json!("downbeat.dump/2");
    for body in [json!({}).to_string(), json!([]).to_string(), "{".to_owned(), newer.to_string(), String::new()] {
        let answer = a.act("restore").header("content-type", "application/json").body(body.clone()).send().await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError", "{body}");
    }
    // Cut in the middle of the events.
    let (source, _) = cluster.workspace();
    source.emit_many(300).await;
    let whole = source.get("debug-dump").send().await.text();
    let cut = whole[..whole.find("\"seq\":200").unwrap()].to_owned();
    let answer = a.act("restore").header("content-type", "application/json").body(cut).send().await;
    assert_eq!(answer.ok(400)["name"], "BadRequestError");
    assert!(b.history().await.is_empty(), "half a dump is none");
}

fn restored(api: &Api, route: &str, dump: &Bytes) -> Call {
    api.act(route).header("content-type", "application/json").body(dump.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_larger_than_other_bodies_is_restored() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let batch = json!({"events": vec![json!({"type": "work.fat", "payload": {"fill": "x".repeat(8000)}}); 100]});
    for _ in 0..6 {
        a.post("events", &batch).ok(201).await;
    }
    let dump = b.get("debug-dump").send().await.body;
    assert!(dump.len() > 4 * 1024 * 1024);
    let (target, other) = cluster.workspace();
    assert_eq!(restored(&target, "restore", &dump).ok(200).await, json!({"restored": true, "seq": 600}));
    let history = other.history().await;
    assert_eq!(history.len(), 600);
    assert_eq!(history, a.history().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forced_restore_under_writers_and_readers_uses_no_number_twice() {
    let cluster = Cluster::two().await;
    let (source, _) = cluster.workspace();
    source.emit_many(30).await;
    let dump = source.get("debug-dump").send().await.body;

    let (a, b) = cluster.workspace();
    a.emit_many(100).await;
    let mut open = b.stream("events").await;
    open.control("stream.ready").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for n in 0..4 {
        let (api, stop) = (if n % 2 == 0 { a.clone() } else { b.clone() }, stop.clone());
        writers.spawn(async move {
            let mut seqs = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                seqs.push(api.emit(n).await);
            }
            seqs
        });
    }
    for _ in 0..3 {
        assert_eq!(restored(&a, "restore?force=true", &dump).ok(200).await["restored"], true);
    }
    stop.store(true, Ordering::Relaxed);
    let mut seqs = writers.join_all().await.concat();
    seqs.sort_unstable();
    let answered = seqs.len();
    seqs.dedup();
    assert_eq!(seqs.len(), answered, "a number was given twice");

    // What is there is the dump and what was written after it, the same on both replicas.
    let history = a.history().await;
    assert_eq!(history, b.history().await);
    assert_eq!(history[..30], source.history().await);
    let last = a.emit(9).await;
    assert!(last > *seqs.last().unwrap() && last > 100);
    // The open reader was told that this is another history, and goes on in it.
    let mut told = 0;
    loop {
        let frame = open.next().await;
        match &*frame.event {
            "stream.reset" => told += 1,
            "work.done" if frame.seq() == last => break,
            _ => {}
        }
    }
    assert!(told >= 1);
}
