//! What the service leaves in Redis and takes of it: keys that a Cluster can spread, garbage that goes, connections that stay few.

use std::time::Duration;

use serde_json::json;

use crate::appends::row;
use crate::harness::{Api, Cluster, Redis, in_time, workspace};
use crate::questions::{ask, asked_id};

/// Does a little of everything, so that every script runs and every kind of key is there.
async fn everything(a: &Api, b: &Api) {
    a.patch("config", &json!({"retention": {"events": {"max_count": 40, "max_age_ms": 3_600_000}}})).ok(200).await;
    b.patch("config", &json!({"questions": {"max_pending_per_session": 2}, "retention": {"log": {"max_bytes": 50_000}}})).ok(200).await;
    let mut events = b.stream("events?since_seq=0").await;
    let mut rows = a.stream("log/stream?since_seq=0").await;
    for n in 0..60 {
        if n % 2 == 0 { a } else { b }.post("events", &json!({"type": "work.done", "payload": {"n": n}})).ok(201).await;
    }
    a.emit_many(30).await;
    let batch: Vec<_> = (0..200).map(|n| row(&format!("call_{n}"))).collect();
    b.post("log", &json!({"items": batch})).header("idempotency-key", &workspace()).ok(201).await;
    rows.until(200).await;
    a.get("log?sessionID=ses_1&limit=5").ok(200).await;
    assert!(b.get("log?format=jsonl").send().await.text().lines().count() > 10);
    let id = asked_id(a, "ses_1").await;
    b.post(&format!("questions/{id}/answer"), &json!({"answers": [["Approve"]]})).header("idempotency-key", &workspace()).ok(200).await;
    let mut body = ask("ses_2");
    body["expires_in_ms"] = json!(200);
    let id = a.post("questions", &body).ok(201).await["question"]["id"].as_str().unwrap().to_owned();
    assert_eq!(b.get(&format!("questions/{id}/outcome?wait=10")).ok(200).await["outcome"], "expired");
    events.find("question.expired").await;
    asked_id(b, "ses_3").await;
    assert_eq!(b.get("questions/history").ok(200).await["meta"]["total"], 2);
    assert_eq!(a.count().await, 1);
    a.get("debug-dump").ok(200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_a_redis_cluster_takes_everything_the_service_does() {
    let cluster = Cluster::with(Redis::cluster_node().await, |_| ()).await;
    let (a, b) = cluster.workspace();
    everything(&a, &b).await;
    let dump = b.get("debug-dump").send().await.body;
    let (target, _) = cluster.workspace();
    target.act("restore").header("content-type", "application/json").body(dump).ok(200).await;
    a.act("purge").header("idempotency-key", "purge").ok(200).await;
    everything(&a, &b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_of_a_workspace_lies_in_its_slot() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    everything(&a, &b).await;
    a.act("purge").ok(200).await;
    everything(&a, &b).await;
    let keys: Vec<String> = cluster.redis.run(&["KEYS", "*"]).await;
    assert!(keys.len() > 15, "{keys:?}");
    let (own, index) = (format!("{}:{{{}}}:", cluster.prefix, a.workspace), format!("{}:due:", cluster.prefix));
    let strays: Vec<_> = keys.iter().filter(|key| !key.starts_with(&own) && !key.starts_with(&index)).collect();
    assert!(strays.is_empty(), "{strays:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_purge_left_behind_is_collected() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    everything(&a, &b).await;
    let left = async || -> Vec<String> {
        let mut keys: Vec<String> = cluster.redis.run(&["KEYS", &format!("{}:*:g1:*", cluster.prefix)]).await;
        let mut owned = Vec::new();
        for (n, key) in keys.iter().enumerate() {
            // What ends by itself is not left behind.
            let ttl: i64 = cluster.redis.run(&["TTL", key]).await;
            if ttl > 0 {
                owned.push(n);
            }
        }
        for n in owned.into_iter().rev() {
            keys.swap_remove(n);
        }
        keys
    };
    assert!(left().await.len() > 8, "{:?}", left().await);
    a.act("purge").ok(200).await;
    // Time passes: whatever is to be done later is due now.
    let timers = format!("{}:{{{}}}:timers", cluster.prefix, a.workspace);
    let waiting: Vec<String> = cluster.redis.run(&["ZRANGE", &timers, "0", "-1"]).await;
    assert!(waiting.iter().any(|timer| timer.starts_with("g 1 ")), "{waiting:?}");
    in_time(Duration::from_secs(10), "the keys of the purged generation to go", async || {
        for timer in &waiting {
            let _: i64 = cluster.redis.run(&["ZADD", &timers, "XX", "1", timer]).await;
        }
        let indexes: Vec<String> = cluster.redis.run(&["KEYS", &format!("{}:due:*", cluster.prefix)]).await;
        for index in indexes {
            let _: i64 = cluster.redis.run(&["ZADD", &index, "XX", "1", &a.workspace]).await;
        }
        left().await.is_empty().then_some(())
    })
    .await;
    // The present generation is untouched.
    assert_eq!(b.history().await.len(), 1);
    everything(&b, &a).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_waiting_agents_take_no_connection_of_redis() {
    let cluster = Cluster::alone().await;
    let connections = async || -> usize {
        let list: String = cluster.redis.run(&["CLIENT", "LIST"]).await;
        list.lines().filter(|line| !line.contains("cmd=client|list")).count()
    };
    let (a, b) = cluster.workspace();
    a.emit_many(10).await;
    b.stream("events?since_seq=0").await.until(10).await;
    let before = connections().await;
    let id = asked_id(&a, "ses_1").await;
    let waiting: Vec<_> = (0..60)
        .map(|n| {
            let (api, route) = (if n % 2 == 0 { a.clone() } else { b.clone() }, format!("questions/{id}/outcome?wait=30"));
            tokio::spawn(async move { api.get(&route).ok(200).await })
        })
        .collect();
    let polling: Vec<_> = (0..60)
        .map(|n| {
            let api = if n % 2 == 0 { a.clone() } else { b.clone() };
            tokio::spawn(async move { api.page("events?since_seq=11&wait=30").await })
        })
        .collect();
    let mut streams = Vec::new();
    for n in 0..150 {
        let (api, _) = if n % 3 == 0 { cluster.workspace() } else { (a.clone(), b.clone()) };
        let mut stream = if n % 2 == 0 { api } else { b.clone() }.stream("events").await;
        stream.control("stream.ready").await;
        streams.push(stream);
    }
    let during = connections().await;
    // Pages of history come from a small pool, which may have grown by what it may hold; nothing grows with the readers.
    assert!(during <= before + 16, "{before} connections before, {during} with 150 readers and 120 waiters");
    b.post(&format!("questions/{id}/answer"), &json!({"answers": [["Approve"]]})).ok(200).await;
    for waiter in waiting {
        assert_eq!(waiter.await.unwrap()["outcome"], "answered");
    }
    for poll in polling {
        assert_eq!(poll.await.unwrap()["events"][0]["type"], "question.answered");
    }
}
