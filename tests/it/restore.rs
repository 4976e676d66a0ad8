//! Restore: the reads then equal the source's, and the numbers go on.

use serde_json::json;

use crate::appends::row;
use crate::harness::{Api, Cluster};
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
