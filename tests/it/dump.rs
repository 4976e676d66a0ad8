//! The debug dump: everything of one moment, whoever writes meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::appends::row;
use crate::harness::Cluster;
use crate::questions::asked_id;

/// The parts of a dump, in their order.
const SECTIONS: [&str; 19] = [
    "format",
    "generated_at",
    "workspaceID",
    "seq",
    "epoch",
    "config",
    "executor",
    "todo",
    "phases",
    "sessions",
    "questions",
    "outcomes",
    "budgets",
    "reservations",
    "ledger",
    "locks",
    "mailboxes",
    "caches",
    "events",
];

#[tokio::test]
async fn a_dump_names_every_section_even_empty() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    let dump = a.get("debug-dump").ok(200).await;
    assert_eq!(dump["format"], "downbeat.dump/1");
    assert_eq!(dump["workspaceID"], *a.workspace);
    assert_eq!(dump["seq"], 0);
    for section in SECTIONS.iter().chain(&["log"]) {
        assert!(dump.get(section).is_some(), "{section} is missing in {dump}");
    }
    assert_eq!(dump["events"]["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_during_writes_is_one_point_in_time() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.patch("config", &json!({"questions": {"max_pending_per_session": 100}})).ok(200).await;
    // Long enough to take the dump several pages.
    for _ in 0..6 {
        a.emit_many(500).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    // One writer each, so that the order of what it did is known: an event, then a row, then a question asked or answered.
    let writers: Vec<_> = [a.clone(), b.clone()]
        .into_iter()
        .enumerate()
        .map(|(n, api)| {
            let stop = stop.clone();
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let mark = api.post("events", &json!({"type": format!("writer.{n}"), "payload": {}})).ok(201).await["seq"].clone();
                    let mut row = row(&format!("call_{n}"));
                    row["mark"] = mark;
                    api.post("log", &row).ok(201).await;
                    let id = asked_id(&api, &format!("ses_{n}")).await;
                    api.post(&format!("questions/{id}/answer"), &json!({"answers": [["Approve"]]})).ok(200).await;
                }
            })
        })
        .collect();
    for n in 0..12 {
        let dump = if n % 2 == 0 { &a } else { &b }.get("debug-dump").ok(200).await;
        check(&dump);
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
}

fn check(dump: &Value) {
    let events = dump["events"]["items"].as_array().unwrap();
    let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    let latest = dump["seq"].as_u64().unwrap();
    assert_eq!(seqs, (1..=latest).collect::<Vec<_>>(), "a prefix without a hole");
    assert_eq!((&dump["events"]["oldest_seq"], &dump["events"]["latest_seq"]), (&json!(1), &json!(latest)));

    let rows: Vec<_> = dump["log"]["items"].as_array().unwrap().iter().map(|item| &item["row"]).collect();
    for n in 0..2 {
        let kind = format!("writer.{n}");
        let marks: Vec<_> = events.iter().filter(|event| event["type"] == *kind).map(|event| &event["seq"]).collect();
        let call = format!("call_{n}");
        let rows: Vec<_> = rows.iter().filter(|row| row["callID"] == *call).map(|row| &row["mark"]).collect();
        assert!(rows.len() == marks.len() || rows.len() + 1 == marks.len(), "{} rows after {} events", rows.len(), marks.len());
        assert_eq!(rows, marks[..rows.len()]);
    }

    // No event without its state, no state without its event.
    let ids =
        |kind: &str| -> Vec<&Value> { events.iter().filter(|event| event["type"] == kind).map(|event| &event["payload"]["id"]).collect() };
    let (asked, answered) = (ids("question.asked"), ids("question.answered"));
    let mut open: Vec<_> = asked.iter().filter(|id| !answered.contains(id)).map(|id| id.as_str().unwrap()).collect();
    let mut pending: Vec<_> = dump["questions"].as_array().unwrap().iter().map(id_of).collect();
    open.sort_unstable();
    pending.sort_unstable();
    assert_eq!(pending, open);
    assert_eq!(dump["outcomes"].as_array().unwrap().len(), answered.len());
}

/// A question's id, whether the dump holds it as the API shows it or with more around it.
fn id_of(question: &Value) -> &str {
    question["id"].as_str().or_else(|| question["question"]["id"].as_str()).unwrap()
}
