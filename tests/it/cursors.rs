//! Every rule about where a stream begins, and what a reader is told when that is not where it asked for.

use serde_json::{Value, json};

use crate::harness::{Api, Cluster, Frame};

/// What came of opening a stream and writing one event then: the control frames, and the numbers of the events.
struct Seen {
    controls: Vec<Frame>,
    seqs: Vec<u64>,
}

impl Seen {
    fn names(&self) -> Vec<&str> {
        self.controls.iter().map(|frame| frame.event.as_str()).collect()
    }

    fn payload(&self, name: &str) -> Value {
        self.controls.iter().find(|frame| frame.event == name).unwrap().payload()
    }
}

async fn open(api: &Api, route: &str, last_event_ids: &[&str]) -> Seen {
    let mut call = api.get(route);
    for id in last_event_ids {
        call = call.header("last-event-id", id);
    }
    let mut stream = call.stream().await;
    let mark = api.emit(0).await;
    let mut seen = Seen { controls: Vec::new(), seqs: Vec::new() };
    while seen.seqs.last() != Some(&mark) {
        let frame = stream.next().await;
        if frame.is_control() {
            seen.controls.push(frame);
        } else {
            seen.seqs.push(frame.seq());
        }
    }
    // The mark may lie in the replay as well as behind it: only then `stream.caught_up` comes after it.
    let replays = seen.names().iter().all(|name| !["stream.caught_up", "stream.reset"].contains(name));
    if replays && (route.contains("since_seq") || !last_event_ids.concat().is_empty()) {
        let frame = stream.next().await;
        assert_eq!(frame.event, "stream.caught_up");
        seen.controls.push(frame);
    }
    seen
}

async fn meta(api: &Api) -> Value {
    api.page("events?since_seq=0&limit=1").await["meta"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_is_exclusive_and_the_header_wins_over_the_parameter() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut latest = a.emit_many(10).await;
    let epoch = meta(&a).await["epoch"].as_str().unwrap().to_owned();
    let full = format!("9.{epoch}");

    // Route, values of Last-Event-ID, the first seq that comes; 0 = the next one written.
    let cases: &[(&str, &[&str], u64)] = &[
        ("events", &[], 0),
        ("events", &[""], 0),
        ("events?since_seq=0", &[], 1),
        ("events?since_seq=7", &[], 8),
        ("events?since_seq=7", &[""], 8),
        ("events?since_seq=7", &["4"], 5),
        ("events?since_seq=7", &["0"], 1),
        ("events", &["4"], 5),
        ("events", &[&full], 10),
        ("events?since_seq=2", &[&full], 10),
        ("events?since_seq=7", &["3", "5"], 6),
        ("events?since_seq=7", &["5", "3"], 4),
    ];
    for (n, (route, ids, first)) in cases.iter().enumerate() {
        let api = if n % 2 == 0 { &a } else { &b };
        let seen = open(api, route, ids).await;
        latest += 1;
        let live = *first == 0;
        let first = if live { latest } else { *first };
        assert_eq!(seen.seqs, (first..=latest).collect::<Vec<_>>(), "{route} with {ids:?}");
        let told: &[&str] = if live { &["stream.ready"] } else { &["stream.ready", "stream.caught_up"] };
        assert_eq!(seen.names(), told, "{route} with {ids:?}");
    }
}

#[tokio::test]
async fn a_cursor_at_the_newest_event_is_caught_up_at_once() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let latest = a.emit_many(3).await;
    for (api, since, seq) in [(&b, latest, latest), (&cluster.a.api(&crate::harness::workspace()), 0, 0)] {
        let mut stream = api.stream(&format!("events?since_seq={since}")).await;
        stream.control("stream.ready").await;
        assert_eq!(stream.control("stream.caught_up").await, json!({"seq": seq}));
    }
}

#[tokio::test]
async fn a_cursor_that_is_no_number_is_refused() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for route in ["events", "log/stream"] {
        for accept in ["text/event-stream", "application/json", "*/*"] {
            for text in ["x", "-1", "1.5", "1.XYZ", "0x1", "1.9F3AC1D2", "1.9f3ac1d2.3", "."] {
                let answer = a.get(route).header("last-event-id", text).header("accept", accept).send().await;
                assert_eq!(answer.ok(400)["name"], "BadRequestError", "{text}");
                let answer = b.get(&format!("{route}?since_seq={text}")).header("accept", accept).send().await;
                assert_eq!(answer.ok(400)["name"], "BadRequestError", "{text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_above_the_newest_is_reset_and_goes_on_live() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let latest = a.emit_many(5).await;
    let epoch = meta(&a).await["epoch"].clone();
    for (n, ids) in [&["6"][..], &["99999999999"], &["18446744073709551616"]].iter().enumerate() {
        let seen = open(&b, "events", ids).await;
        assert_eq!(seen.names(), ["stream.ready", "stream.reset"], "{ids:?}");
        let latest = latest + n as u64;
        // The first of them names the number that is written next; all are ahead when the stream opens.
        if n == 0 {
            assert_eq!(seen.payload("stream.reset"), json!({"reason": "ahead", "latest_seq": latest, "epoch": epoch}));
        }
        assert_eq!(seen.seqs, [latest + 1], "{ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_another_epoch_is_reset_and_goes_on_live() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let latest = a.emit_many(5).await;
    let epoch = meta(&a).await["epoch"].as_str().unwrap().to_owned();
    let other = if epoch == "00000000" { "00000001" } else { "00000000" };
    let seen = open(&b, "events?since_seq=0", &[&format!("2.{other}")]).await;
    assert_eq!(seen.names(), ["stream.ready", "stream.reset"]);
    assert_eq!(seen.payload("stream.reset"), json!({"reason": "epoch", "latest_seq": latest, "epoch": epoch}));
    assert_eq!(seen.seqs, [latest + 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_below_what_is_kept_is_told_of_the_gap_and_goes_on_from_the_oldest() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.patch("config", &json!({"retention": {"events": {"max_count": 10}}})).ok(200).await;
    let latest = a.emit_many(40).await;
    let oldest = latest - 9;
    // Nothing is written meanwhile: an append would trim what the reader is about to get.
    let mut stream = b.stream("events?since_seq=3").await;
    stream.control("stream.ready").await;
    let gap = json!({"requested_seq": 3, "oldest_seq": oldest, "latest_seq": latest, "reason": "trimmed"});
    assert_eq!(stream.control("stream.gap").await, gap);
    let seqs: Vec<_> = stream.events(10).await.iter().map(Frame::seq).collect();
    assert_eq!(seqs, (oldest..=latest).collect::<Vec<_>>());
    assert_eq!(stream.control("stream.caught_up").await, json!({"seq": latest}));
    assert_eq!(a.emit(0).await, latest + 1);
    assert_eq!(stream.event().await.seq(), latest + 1);

    // Exactly at the edge there is no gap: the cursor names the last event that is gone.
    let meta = meta(&a).await;
    let edge = meta["oldest_seq"].as_u64().unwrap() - 1;
    let mut stream = b.stream(&format!("events?since_seq={edge}")).await;
    stream.control("stream.ready").await;
    assert_eq!(stream.event().await.seq(), edge + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_from_before_a_purge_is_told_of_the_gap() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.emit_many(5).await;
    a.act("purge").ok(200).await;
    let seen = open(&b, "events?since_seq=2", &[]).await;
    assert_eq!(seen.names(), ["stream.ready", "stream.gap", "stream.caught_up"]);
    let gap = json!({"requested_seq": 2, "oldest_seq": 6, "latest_seq": 6, "reason": "purged"});
    assert_eq!(seen.payload("stream.gap"), gap);
    assert_eq!(seen.seqs, [6, 7]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stream_has_the_same_cursors() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let rows: Vec<_> = (1..=9).map(|n| crate::appends::row(&format!("call_{n}"))).collect();
    a.post("log", &json!({"items": rows})).ok(201).await;
    let mut stream = b.stream("log/stream?since_seq=2").await;
    stream.control("stream.ready").await;
    let frames = stream.events(7).await;
    assert_eq!(frames.iter().map(Frame::seq).collect::<Vec<_>>(), (3..=9).collect::<Vec<_>>());
    assert_eq!(frames[0].json()["callID"], "call_3");
    assert_eq!(stream.control("stream.caught_up").await, json!({"seq": 9}));

    let mut stream = b.get("log/stream?since_seq=2").header("last-event-id", "8").stream().await;
    stream.control("stream.ready").await;
    assert_eq!(stream.event().await.seq(), 9);

    let mut stream = b.stream("log/stream?since_seq=10").await;
    stream.control("stream.ready").await;
    assert_eq!(stream.control("stream.reset").await["reason"], "ahead");
}
