//! Writing: numbers without gap or duplicate whatever the number of writers and replicas, and batches that are one step.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Api, Cluster};

const WRITERS: u64 = 16;
const EACH: u64 = 50;

/// A row as an agent reports it.
pub fn row(call: &str) -> Value {
    json!({
        "tool": "fs.read", "sessionID": "ses_1", "callID": call, "timestamp": 1_717_691_432_000_u64,
        "duration": 142, "status": "ok", "agentName": "build-agent",
    })
}

/// 16 tasks, half on each replica, each doing `write(api, writer, n)` for its own n.
async fn sixteen<F>(a: &Api, b: &Api, write: impl Fn(Api, u64, u64) -> F) -> Vec<(u64, u64)>
where
    F: Future<Output = Vec<(u64, u64)>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let api = if writer % 2 == 0 { a } else { b };
        let writes: Vec<_> = (0..EACH).map(|n| write(api.clone(), writer, n)).collect();
        tasks.spawn(async move {
            let mut mine = Vec::new();
            for write in writes {
                mine.extend(write.await);
            }
            mine
        });
    }
    tasks.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_on_two_replicas_give_exactly_one_to_n() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut replies = sixteen(&a, &b, |api, writer, n| async move {
        let mark = writer * EACH + n;
        vec![(api.emit(mark).await, mark)]
    })
    .await;
    replies.sort_unstable();
    let total = WRITERS * EACH;
    assert_eq!(replies.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=total).collect::<Vec<_>>());

    // What was answered is what stands there, on the replica that did not write it as well.
    for api in [a, b] {
        let history = api.history().await;
        let stands: Vec<_> =
            history.iter().map(|event| (event["seq"].as_u64().unwrap(), event["payload"]["n"].as_u64().unwrap())).collect();
        assert_eq!(stands, replies);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_a_numbering_of_its_own() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut reader = a.stream("log/stream?since_seq=0").await;
    a.emit_many(3).await;
    sixteen(&a, &b, |api, writer, n| async move {
        let body = row(&format!("call_{writer}_{n}"));
        api.post("log", &body).ok(201).await;
        Vec::new()
    })
    .await;
    let total = WRITERS * EACH;
    let seqs: Vec<_> = reader.until(total).await.iter().map(crate::harness::Frame::seq).collect();
    assert_eq!(seqs, (1..=total).collect::<Vec<_>>());
    assert_eq!(b.get("log?limit=1").ok(200).await["meta"]["total"], total);
    assert_eq!(a.emit(0).await, 4, "the rows took no number of the events");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_of_many_writers_are_contiguous_and_in_order() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let api = if writer % 2 == 0 { a.clone() } else { b.clone() };
        tasks.spawn(async move {
            let mut spans = Vec::new();
            for round in 0..10_u64 {
                let size = 1 + (writer + round) % 20;
                let events: Vec<_> = (0..size)
                    .map(|place| json!({"type": "work.done", "payload": {"batch": writer * 100 + round, "place": place}}))
                    .collect();
                let reply = api.post("events", &json!({"events": events})).ok(201).await;
                let (first, last) = (reply["first_seq"].as_u64().unwrap(), reply["last_seq"].as_u64().unwrap());
                assert_eq!(last - first + 1, size);
                spans.push((writer * 100 + round, first, size));
            }
            spans
        });
    }
    let spans = tasks.join_all().await.concat();
    let history: HashMap<_, _> = b.history().await.into_iter().map(|event| (event["seq"].as_u64().unwrap(), event)).collect();
    assert_eq!(history.len() as u64, spans.iter().map(|(_, _, size)| size).sum::<u64>());
    for (batch, first, size) in spans {
        for place in 0..size {
            assert_eq!(history[&(first + place)]["payload"], json!({"batch": batch, "place": place}));
        }
    }
}

#[tokio::test]
async fn a_batch_with_one_fault_appends_nothing() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let events = json!({"events": [
        {"type": "work.done", "payload": {}},
        {"type": "Work Done", "payload": {}},
        {"type": "question.asked", "payload": {}},
    ]});
    let answer = a.post("events", &events).send().await;
    let body = answer.ok(400);
    assert_eq!(body["name"], "BadRequestError");
    let paths: Vec<_> = body["data"]["errors"].as_array().unwrap().iter().map(|error| error["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["events[1].type", "events[2].type"], "{body}");

    let mut rows = vec![row("call_1"), row("call_2")];
    rows[1].as_object_mut().unwrap().remove("status");
    let body = a.post("log", &json!({"items": rows})).ok(400).await;
    assert_eq!(body["data"]["errors"][0]["path"], "items[1].status", "{body}");

    assert_eq!(b.get("log").ok(200).await["meta"]["total"], 0);
    assert_eq!(b.emit(0).await, 1, "the refused batch took no number");
}

#[tokio::test]
async fn an_event_is_stored_as_it_came() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    // Numbers beyond doubles, escapes, the order of members and what JavaScript takes for line ends are the writer's.
    let payload = "{\"z\":1.10,\"a\":12345678901234567890,\"s\":\"\\u00e9\u{2028}é\\n\",\"e\":{},\"n\":null}";
    let body = format!("{{\"type\":\"custom.made_up\",\n \"payload\" : {payload}}}");
    let call = a.act("events").header("content-type", "application/json").body(body);
    let reply = call.ok(201).await;
    assert_eq!(reply["seq"], 1);
    assert_eq!(reply["type"], "custom.made_up");
    assert!(reply["timestamp"].as_u64().is_some());

    let frame = {
        let mut stream = b.stream("events?since_seq=0").await;
        stream.control("stream.ready").await;
        stream.event().await
    };
    let timestamp = &reply["timestamp"];
    assert_eq!(frame.data, format!("{{\"seq\":1,\"type\":\"custom.made_up\",\"payload\":{payload},\"timestamp\":{timestamp}}}"));
    let page = b.get("events?since_seq=0").header("accept", "application/json").send().await.text();
    assert!(page.contains(payload), "{page}");
}

#[tokio::test]
async fn types_of_the_service_are_refused_to_others() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    for kind in [
        "todo.created",
        "question.asked",
        "budget.warning",
        "executor.started",
        "phase.x",
        "session.x",
        "config.updated",
        "lock.x",
        "vault.x",
        "import.x",
        "orchestration.purged",
        "stream.ready",
        "tool.call",
    ] {
        let answer = a.post("events", &json!({"type": kind, "payload": {}})).send().await;
        answer.problem(400, "BadRequestError", "reserved_type");
    }
    for kind in ["", "Work", "work.", ".work", "work..done", "1work", "work done", "wörk", &"w".repeat(65)] {
        let answer = a.post("events", &json!({"type": kind, "payload": {}})).send().await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError", "{kind}");
    }
    for (kind, seq) in [("work", 1), ("work.done", 2), ("todos.made", 3), ("w2.a_b.c", 4), (&*"w".repeat(64), 5)] {
        let reply = a.post("events", &json!({"type": kind, "payload": {}})).ok(201).await;
        assert_eq!(reply["seq"], seq, "{kind}");
    }
}
