//! The tool-call log over two replicas: what the live stream shows is in the log already, everywhere.

use serde_json::json;

use crate::appends::row;
use crate::harness::{Cluster, Frame};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_in_the_log_of_every_replica_before_its_frame_is_sent() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut on_a = a.stream("log/stream").await;
    let mut on_b = b.stream("log/stream").await;
    on_a.control("stream.ready").await;
    on_b.control("stream.ready").await;
    for n in 1..=25 {
        let call = format!("call_{n}");
        let writing = {
            let (api, row) = (if n % 2 == 0 { a.clone() } else { b.clone() }, row(&call));
            tokio::spawn(async move { api.post("log", &row).ok(201).await })
        };
        for (stream, other) in [(&mut on_a, &b), (&mut on_b, &a)] {
            let frame = stream.event().await;
            assert_eq!(frame.json()["callID"], *call);
            let found = other.get(&format!("log?callID={call}")).ok(200).await;
            assert_eq!(found["items"], json!([frame.json()]));
            assert_eq!(other.get("log?order=desc&limit=1").ok(200).await["items"][0], frame.json());
        }
        writing.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_the_pages_of_the_seed() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    assert_eq!(b.get("log").ok(200).await, json!({"items": [], "meta": {"page": 1, "limit": 50, "total": 0, "pages": 0}}));
    let rows: Vec<_> = (1..=120).map(|n| row(&format!("call_{n}"))).collect();
    a.post("log", &json!({"items": rows})).ok(201).await;
    let page = b.get("log").ok(200).await;
    assert_eq!(page["meta"], json!({"page": 1, "limit": 50, "total": 120, "pages": 3}));
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["callID"]), (50, &json!("call_1")), "oldest first");
    let page = b.get("log?page=3").ok(200).await;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][19]["callID"]), (20, &json!("call_120")));
    let page = b.get("log?page=2&limit=7&order=desc").ok(200).await;
    assert_eq!((&page["items"][0]["callID"], &page["meta"]["pages"]), (&json!("call_113"), &json!(18)));
    let page = b.get("log?page=99").ok(200).await;
    assert_eq!((&page["items"], &page["meta"]["total"]), (&json!([]), &json!(120)), "past the end");
    for query in ["page=0", "page=x", "limit=0", "limit=501", "order=up", "format=xml", "since=soon"] {
        let answer = b.get(&format!("log?{query}")).send().await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_of_the_log_pick_what_they_name() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut rows = Vec::new();
    for n in 0..60_u64 {
        let mut row = row(&format!("call_{n}"));
        row["tool"] = json!(["fs.read", "fs.write", "net.fetch"][n as usize % 3]);
        row["status"] = json!(if n % 10 == 0 { "error" } else { "ok" });
        row["sessionID"] = json!(format!("ses_{}", n % 4));
        row["timestamp"] = json!(1_717_691_432_000 + n * 1000);
        if n % 5 == 0 {
            row["entryID"] = json!(format!("entry_{}", n % 2));
            row["title"] = json!(format!("Read Package {n}"));
            row["target"] = json!(format!("/repo/src/{n}.rs"));
        }
        rows.push(row);
    }
    a.post("log", &json!({"items": rows})).ok(201).await;
    for (query, total) in [
        ("tool=fs.read", 20),
        ("tool=fs.read,net.fetch", 40),
        ("tool=fs.read&tool=fs.write", 40),
        ("status=error", 6),
        ("status=error&tool=fs.read", 2),
        ("sessionID=ses_1", 15),
        ("sessionID=ses_1,ses_2&status=ok", 27),
        ("entryID=entry_0", 6),
        ("callID=call_7", 1),
        ("agentName=build-agent", 60),
        ("agentName=nobody", 0),
        ("target=/repo/src/1", 2),
        ("target=/repo/", 12),
        ("q=package", 12),
        ("q=src/25", 1),
        ("since=1717691482000", 10),
        ("until=1717691432000", 1),
        ("since=2024-06-06T16:31:22Z&until=2024-06-06T16:31:23Z", 2),
        ("since=7d", 0),
    ] {
        let page = b.get(&format!("log?limit=100&{query}")).ok(200).await;
        assert_eq!(page["meta"]["total"], total, "{query}");
        assert_eq!(page["items"].as_array().unwrap().len(), total, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_through_the_log_is_stable_while_it_grows() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let rows: Vec<_> = (1..=25).map(|n| row(&format!("call_{n}"))).collect();
    a.post("log", &json!({"items": rows})).ok(201).await;
    let (mut after, mut calls) = (0, Vec::new());
    loop {
        let page = b.get(&format!("log?after={after}&limit=10")).ok(200).await;
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            break;
        }
        calls.extend(items.iter().map(|row| row["callID"].as_str().unwrap().to_owned()));
        after = page["meta"]["last_seq"].as_u64().unwrap();
        if calls.len() < 30 {
            a.post("log", &row("call_late")).ok(201).await;
        }
    }
    let mut wanted: Vec<_> = (1..=25).map(|n| format!("call_{n}")).collect();
    wanted.extend(["call_late", "call_late", "call_late"].map(String::from));
    assert_eq!(calls[..28], wanted[..28]);
    let page = b.get("log?before=4").ok(200).await;
    let calls: Vec<_> = page["items"].as_array().unwrap().iter().map(|row| row["callID"].as_str().unwrap()).collect();
    assert_eq!(calls.len(), 3, "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_are_the_whole_filtered_log() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for batch in 0..3 {
        let rows: Vec<_> = (0..500)
            .map(|n| {
                let mut row = row(&format!("call_{batch}_{n}"));
                row["tool"] = json!(if n % 2 == 0 { "fs.read" } else { "net.fetch" });
                row["title"] = json!("says \"so\", twice\nand, again");
                row
            })
            .collect();
        a.post("log", &json!({"items": rows})).ok(201).await;
    }
    let answer = b.get("log?format=jsonl&tool=fs.read").send().await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 750);
    assert_eq!((&lines[0]["callID"], &lines[749]["callID"]), (&json!("call_0_0"), &json!("call_2_498")));
    let answer = b.get("log?format=csv&tool=net.fetch").send().await;
    assert!(answer.header("content-type").starts_with("text/csv"));
    let body = answer.body.clone();
    let mut reader = csv::Reader::from_reader(&*body);
    let title = reader.headers().unwrap().iter().position(|name| name == "title").unwrap();
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 750);
    assert!(records.iter().all(|record| &record[title] == "says \"so\", twice\nand, again"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_one_call_stand_together_in_the_stream() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut stream = b.stream("log/stream").await;
    stream.control("stream.ready").await;
    let rows: Vec<_> = (1..=200).map(|n| row(&format!("call_{n}"))).collect();
    let stored = a.post("log", &json!({"items": rows})).ok(201).await;
    let frames = stream.events(200).await;
    assert_eq!(frames.iter().map(Frame::seq).collect::<Vec<_>>(), (1..=200).collect::<Vec<_>>());
    assert_eq!(json!(frames.iter().map(Frame::json).collect::<Vec<_>>()), stored["items"]);
}
