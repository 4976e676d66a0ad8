//! Filters of the streams run on the server and change no number.

use serde_json::{Value, json};

use crate::harness::{Cluster, Frame, Stream};

async fn seqs(stream: &mut Stream, count: usize) -> Vec<u64> {
    stream.events(count).await.iter().map(Frame::seq).collect()
}

fn event(kind: &str, payload: &Value) -> Value {
    json!({"type": kind, "payload": payload})
}

fn eight() -> Value {
    json!({"events": [
        event("work.done", &json!({"sessionID": "ses_1", "entryID": "entry_1"})),
        event("work.failed", &json!({"sessionID": "ses_2", "entryID": "entry_1"})),
        event("works.done", &json!({"sessionID": "ses_1"})),
        event("build.done", &json!({"entryID": "entry_2"})),
        event("build.deep.done", &json!({"inner": {"sessionID": "ses_1"}})),
        event("work", &json!({})),
        event("work.done", &json!({"sessionID": "ses_10", "entryID": "entry_10"})),
        event("last", &json!({"sessionID": "ses_1", "entryID": "entry_1"})),
    ]})
}

const CASES: [(&str, &[u64]); 12] = [
    ("types=work.done", &[1, 7]),
    ("types=work.*", &[1, 2, 7]),
    ("types=work.*,build.*", &[1, 2, 4, 5, 7]),
    ("types=work.*&types=last", &[1, 2, 7, 8]),
    ("types=*", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("types=work", &[6]),
    ("types=build.deep.*", &[5]),
    ("sessionID=ses_1", &[1, 3, 8]),
    ("entryID=entry_1", &[1, 2, 8]),
    ("sessionID=ses_1&entryID=entry_1", &[1, 8]),
    ("types=work.*&sessionID=ses_1", &[1]),
    ("types=none.such", &[]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_picks_the_same_from_history_from_news_and_for_a_page() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut live = Vec::new();
    for (filter, wanted) in CASES {
        let mut stream = b.stream(&format!("events?{filter}")).await;
        stream.control("stream.ready").await;
        live.push((filter, wanted, stream));
    }
    a.post("events", &eight()).ok(201).await;
    for (filter, wanted, stream) in &mut live {
        assert_eq!(seqs(stream, wanted.len()).await, *wanted, "news by {filter}");
    }
    for (filter, wanted) in CASES {
        let mut stream = b.stream(&format!("events?since_seq=0&{filter}")).await;
        stream.control("stream.ready").await;
        assert_eq!(seqs(&mut stream, wanted.len()).await, wanted, "history by {filter}");
        assert_eq!(stream.control("stream.caught_up").await, json!({"seq": 8}), "{filter}");

        let page = b.page(&format!("events?since_seq=0&{filter}")).await;
        let paged: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(paged, wanted, "page by {filter}");
        assert_eq!(page["meta"]["next_seq"], 8, "a page says how far it has looked: {filter}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filtered_reader_goes_on_from_its_last_id_and_still_sees_each_once() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.post("events", &eight()).ok(201).await;
    let mut stream = b.stream("events?since_seq=0&types=work.*").await;
    stream.control("stream.ready").await;
    assert_eq!(seqs(&mut stream, 2).await, [1, 2]);
    let call = a.get("events?since_seq=0&types=work.*").header("last-event-id", stream.last_event_id());
    drop(stream);
    let mut stream = call.stream().await;
    stream.control("stream.ready").await;
    assert_eq!(seqs(&mut stream, 1).await, [7]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stream_takes_the_filters_of_its_rows() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut rows: Vec<_> = (1..=4).map(|n| crate::appends::row(&format!("call_{n}"))).collect();
    rows[1]["sessionID"] = json!("ses_2");
    rows[2]["entryID"] = json!("entry_7");
    rows[3]["sessionID"] = json!("ses_2");
    rows[3]["entryID"] = json!("entry_7");
    let mut live = b.stream("log/stream?sessionID=ses_2").await;
    live.control("stream.ready").await;
    a.post("log", &json!({"items": rows})).ok(201).await;
    assert_eq!(seqs(&mut live, 2).await, [2, 4]);
    for (filter, wanted) in [("sessionID=ses_2", &[2, 4][..]), ("entryID=entry_7", &[3, 4]), ("sessionID=ses_2&entryID=entry_7", &[4])] {
        let mut stream = b.stream(&format!("log/stream?since_seq=0&{filter}")).await;
        stream.control("stream.ready").await;
        assert_eq!(seqs(&mut stream, wanted.len()).await, wanted, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_means_nothing_is_refused() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    for filter in ["types=", "types=Work", "types=*.done", "types=a..b", "types=work.*,", "sessionID=", "sessionID=a%20b", "entryID=a.b"] {
        let answer = a.get(&format!("events?{filter}")).send().await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError", "{filter}");
    }
}
