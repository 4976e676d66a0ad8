//! Redis cannot be reached: honest refusals in time, open streams that stay open, and recovery with nobody's help.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::appends::row;
use crate::harness::{Api, Cluster, Proxy, Redis, Replica, bounded, eventually, in_time};
use crate::questions::ask;

/// The contract gives a second; the rest is for the machine the tests share.
const REFUSAL: Duration = Duration::from_secs(1 + 1);

/// Replica `a` reaches Redis through the proxy, `b` directly.
async fn behind_a_proxy() -> (Proxy, Cluster) {
    let redis = Redis::private();
    let proxy = Proxy::before(&redis).await;
    let mut cluster = Cluster::with(redis.clone(), |config| config.streams.heartbeat = Duration::from_millis(200)).await;
    let mut config = downbeat::config::Config::for_tests(proxy.url());
    config.redis.key_prefix.clone_from(&cluster.prefix);
    config.streams.heartbeat = Duration::from_millis(200);
    cluster.a = Replica::start(config).await;
    (proxy, cluster)
}

async fn refused(api: &Api) {
    for call in [
        api.post("events", &json!({"type": "work.done", "payload": {}})),
        api.post("log", &row("call_1")),
        api.post("questions", &ask("ses_1")),
        api.patch("config", &json!({"a": 1})),
        api.act("purge"),
        api.get("config"),
        api.get("log"),
        api.get("questions"),
        api.get("events/connections"),
        api.get("debug-dump"),
        api.get("events?since_seq=0").header("accept", "application/json"),
        api.get("events?since_seq=0"),
    ] {
        let begin = Instant::now();
        let answer = call.send().await;
        let took = begin.elapsed();
        assert_eq!(answer.ok(503)["name"], "ServiceUnavailableError");
        assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{:?}", answer.headers);
        assert!(took < REFUSAL, "{took:?}");
    }
}

async fn ready(replica: &Replica, status: u16) {
    eventually("readiness to follow Redis", async || (replica.admin.get("/readyz").send().await.status == status).then_some(())).await;
}

async fn outage(break_it: impl Fn(&Proxy)) {
    let (proxy, cluster) = behind_a_proxy().await;
    let (a, b) = cluster.workspace();
    let first = a.emit(1).await;
    let mut stream = a.stream("events?since_seq=0").await;
    stream.until(first).await;
    stream.control("stream.caught_up").await;
    let mut rows = a.stream("log/stream").await;
    rows.control("stream.ready").await;

    break_it(&proxy);
    // In a workspace of their own: a request that stalled on its way may still arrive when the way is open again.
    refused(&cluster.workspace().0).await;
    ready(&cluster.a, 503).await;
    assert_eq!(cluster.a.admin.get("/livez").send().await.status, 200, "it is not the process that is broken");
    // Open streams live on.
    stream.heartbeats(stream.comments() + 5).await;
    rows.heartbeats(rows.comments() + 5).await;
    // A browser is not told a status on which it gives up for ever.
    let mut sent_away = a.stream("events").await;
    let (frames, _) = sent_away.rest().await;
    assert_eq!(frames.last().map(|frame| &*frame.event), Some("stream.reconnect"));
    assert!(sent_away.retry().is_some());
    // The other replica does not mind.
    let meanwhile = b.emit(2).await;
    ready(&cluster.b, 200).await;

    proxy.heal();
    ready(&cluster.a, 200).await;
    let after = eventually("an append after the outage", async || {
        let answer = a.post("events", &json!({"type": "work.done", "payload": {}})).send().await;
        (answer.status == 201).then(|| answer.json()["seq"].as_u64().unwrap())
    })
    .await;
    b.post("log", &row("call_2")).ok(201).await;
    // The same connections bring what was written meanwhile, and no word of the outage.
    let mut seqs = Vec::new();
    while seqs.last() != Some(&after) {
        seqs.push(stream.event().await.seq());
    }
    assert_eq!(seqs, (meanwhile..=after).collect::<Vec<_>>());
    assert_eq!(rows.event().await.json()["callID"], "call_2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_refuses_connections_is_an_outage_that_passes() {
    outage(Proxy::refuse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_does_not_answer_is_an_outage_that_passes() {
    outage(Proxy::stall).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_lose_no_event_and_no_stream() {
    let (proxy, cluster) = behind_a_proxy().await;
    let (a, b) = cluster.workspace();
    let mut stream = a.stream("events").await;
    stream.control("stream.ready").await;
    let mut answered = Vec::new();
    for n in 0..6 {
        proxy.cut();
        for _ in 0..5 {
            b.emit(n).await;
            // In flight when the connection went, a request may be refused; answered with 201 it counts.
            let answer = a.post("events", &json!({"type": "work.kept", "payload": {"n": n}})).send().await;
            if answer.status == 201 {
                answered.push(answer.json()["seq"].as_u64().unwrap());
            } else {
                answer.ok(503);
            }
        }
    }
    let last = b.emit(99).await;
    let mut seqs = Vec::new();
    let mut kept = Vec::new();
    while seqs.last() != Some(&last) {
        let frame = stream.event().await;
        seqs.push(frame.seq());
        if frame.event == "work.kept" {
            kept.push(frame.seq());
        }
    }
    assert_eq!(seqs, (1..=last).collect::<Vec<_>>());
    assert!(answered.iter().all(|seq| kept.contains(seq)), "{answered:?} in {kept:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_refuses_writes_is_unavailable_for_writes_only() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    let seq = a.emit(1).await;
    let _: String = cluster.redis.run(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for api in [&a, &b] {
        let answer = api.post("events", &json!({"type": "work.done", "payload": {}})).send().await;
        assert_eq!(answer.ok(503)["name"], "ServiceUnavailableError");
        assert!(!answer.header("retry-after").is_empty());
        assert_eq!(api.page("events?since_seq=0").await["meta"]["latest_seq"], seq, "reading goes on, and nothing was half written");
    }
    let _: String = cluster.redis.run(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(b.emit(2).await, seq + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_with_a_key_through_cuts_and_outages_append_once() {
    let (proxy, cluster) = behind_a_proxy().await;
    let (a, b) = cluster.workspace();
    let mut stream = b.stream("events").await;
    stream.control("stream.ready").await;
    let mut writers = JoinSet::new();
    for writer in 0..8_u64 {
        let apis = [a.clone(), b.clone()];
        writers.spawn(async move {
            let mut seqs = Vec::new();
            for n in 0..25 {
                let body = json!({"type": "work.once", "payload": {"mark": writer * 100 + n}});
                let key = format!("{writer}-{n}");
                let seq = bounded("a retry to get through", async {
                    // A retry may go to the other replica, as behind a load balancer.
                    let mut turns = apis.iter().cycle().skip((writer + n) as usize % 2);
                    loop {
                        let answer = turns.next().unwrap().post("events", &body).header("idempotency-key", &key).send().await;
                        if answer.status != 503 {
                            return answer.ok(201)["seq"].as_u64().unwrap();
                        }
                    }
                })
                .await;
                seqs.push((seq, writer * 100 + n));
            }
            seqs
        });
    }
    for round in 1..=5 {
        eventually("the writers to get on", async || {
            let page = b.page("events?since_seq=0&limit=1").await;
            (page["meta"]["latest_seq"].as_u64()? >= round * 30).then_some(())
        })
        .await;
        match round {
            1 | 4 => proxy.cut(),
            2 => proxy.stall(),
            3 => proxy.heal(),
            _ => proxy.refuse(),
        }
    }
    proxy.heal();
    let mut replies = writers.join_all().await.concat();
    replies.sort_unstable();
    let stands: Vec<_> = stream.until(200).await.iter().map(|frame| (frame.seq(), frame.payload()["mark"].as_u64().unwrap())).collect();
    assert_eq!(stands, replies, "each once, where its writer was told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_that_passed_during_an_outage_is_kept_after_it() {
    let redis = Redis::private();
    let proxy = Proxy::before(&redis).await;
    let cluster = Cluster::with(redis, |config| config.redis.url = Some(proxy.url())).await;
    let (a, b) = cluster.workspace();
    let mut stream = b.stream("events?types=question.*").await;
    stream.control("stream.ready").await;
    let mut body = ask("ses_1");
    body["expires_in_ms"] = json!(500);
    a.post("questions", &body).ok(201).await;
    stream.event().await;
    proxy.refuse();
    ready(&cluster.a, 503).await;
    let asked = Instant::now();
    in_time(Duration::from_secs(5), "the deadline to pass", async || (asked.elapsed() > Duration::from_millis(700)).then_some(())).await;
    proxy.heal();
    assert_eq!(stream.event().await.event, "question.expired");
}
