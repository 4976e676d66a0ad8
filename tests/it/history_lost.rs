//! Redis loses writes it had acknowledged, as a failover to a lagging copy does: no number is used twice, and readers are told.

use std::sync::Arc;

use serde_json::json;

use crate::appends::row;
use crate::harness::{Api, Cluster, Frame, Redis, eventually};

/// Puts the server back to what was saved last.
fn lose(redis: &Arc<Redis>) {
    redis.crash();
    redis.start();
}

/// One append, as soon as the replica has found Redis again.
async fn emit(api: &Api) -> u64 {
    eventually("an append after Redis came back", async || {
        let answer = api.post("events", &json!({"type": "work.done", "payload": {}})).send().await;
        (answer.status == 201).then(|| answer.json()["seq"].as_u64().unwrap())
    })
    .await
}

async fn epoch(api: &Api) -> String {
    api.page("events?since_seq=0&limit=1").await["meta"]["epoch"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_never_used_twice_though_redis_forgot_it() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    a.emit_many(10).await;
    cluster.redis.save().await;
    // Answered, seen, and then lost.
    let mut open = b.stream("events?since_seq=0").await;
    let last = a.emit_many(15).await;
    open.until(last).await;
    let before = epoch(&a).await;
    lose(&cluster.redis);

    let next = emit(&a).await;
    assert!(next > last, "{next} after {last}");
    let further = emit(&b).await;
    assert!(further > next, "{further} after {next}");
    let after = epoch(&b).await;
    assert_ne!(after, before, "the epoch names the loss");

    // The open stream is told and goes on, on the connection it has.
    let reset = loop {
        let frame = open.next().await;
        if frame.event == "stream.reset" {
            break frame.payload();
        }
        assert_eq!(frame.event, "stream.caught_up", "no event of the new history before the notice");
    };
    assert_eq!((&reset["reason"], &reset["epoch"]), (&json!("epoch"), &json!(after)));
    // What was written before the replica had found Redis again is below the number it names; what came later is brought.
    let named = reset["latest_seq"].as_u64().unwrap();
    assert!(named >= last, "{reset}");
    let newest = a.emit(3).await;
    let seen: Vec<_> = open.until(newest).await;
    let wanted: Vec<_> = [next, further, newest].into_iter().filter(|seq| *seq > named).collect();
    assert_eq!(seen.iter().map(Frame::seq).collect::<Vec<_>>(), wanted);
    assert!(seen.iter().all(|frame| frame.id.as_ref().unwrap().ends_with(&*after)), "{seen:?}");

    // Who comes back with a cursor of the old history is told as well, whichever of its numbers it names.
    for seq in [5, last] {
        let mut stream = a.get("events").header("last-event-id", &format!("{seq}.{before}")).stream().await;
        stream.control("stream.ready").await;
        let reset = stream.control("stream.reset").await;
        assert_eq!((&reset["reason"], &reset["epoch"]), (&json!("epoch"), &json!(after)));
    }
    // What survived is still there, in its old place.
    let kept: Vec<_> = a.history().await.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(kept[..10], (1..=10).collect::<Vec<_>>());
    assert_eq!(kept[10..], [next, further, newest]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_goes_on_above_what_was_lost() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    a.post("log", &json!({"items": [row("call_1"), row("call_2")]})).ok(201).await;
    cluster.redis.save().await;
    let mut open = b.stream("log/stream?since_seq=0").await;
    a.post("log", &json!({"items": [row("call_3"), row("call_4")]})).ok(201).await;
    open.until(4).await;
    lose(&cluster.redis);
    eventually("a row after Redis came back", async || {
        let answer = a.post("log", &row("call_5")).send().await;
        (answer.status == 201).then_some(())
    })
    .await;
    assert_eq!(open.find("stream.reset").await.payload()["reason"], "epoch");
    b.post("log", &row("call_6")).ok(201).await;
    loop {
        let frame = open.event().await;
        assert!(frame.seq() > 4, "{frame:?}");
        // The one before may have been written before the replica had found Redis again.
        if frame.json()["callID"] == "call_6" {
            break;
        }
        assert_eq!(frame.json()["callID"], "call_5");
    }
    for api in [&a, &b] {
        let log = api.get("log").ok(200).await;
        let calls: Vec<_> = log["items"].as_array().unwrap().iter().map(|row| row["callID"].as_str().unwrap()).collect();
        assert_eq!((calls, &log["meta"]["total"]), (vec!["call_1", "call_2", "call_5", "call_6"], &json!(4)));
        let found = api.get("log?callID=call_5,call_2&order=desc").ok(200).await;
        assert_eq!(found["items"][0]["callID"], "call_5");
        assert_eq!(found["meta"]["total"], 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_redis_starts_above_everything_seen() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    let last = a.emit_many(20).await;
    let mut open = b.stream("events").await;
    open.control("stream.ready").await;
    let before = epoch(&a).await;
    let _: String = cluster.redis.run(&["FLUSHALL"]).await;
    let next = emit(&b).await;
    assert!(next > last, "{next} after {last}");
    assert_ne!(epoch(&a).await, before);
    assert_eq!(open.find("stream.reset").await.payload()["reason"], "epoch");
    assert_eq!(open.event().await.seq(), next);
    let mut stream = a.get("events").header("last-event-id", &format!("{last}.{before}")).stream().await;
    stream.control("stream.ready").await;
    assert_eq!(stream.control("stream.reset").await["reason"], "epoch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_after_a_loss_keeps_numbers_above_what_was_seen() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    a.emit(1).await;
    cluster.redis.save().await;
    let last = a.emit_many(30).await;
    lose(&cluster.redis);
    eventually("a purge after Redis came back", async || (a.act("purge").send().await.status == 200).then_some(())).await;
    eventually("the other replica to be back", async || (b.get("config").send().await.status == 200).then_some(())).await;
    let history = b.history().await;
    assert_eq!(history[0]["type"], "orchestration.purged");
    assert!(history[0]["seq"].as_u64().unwrap() > last, "{history:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_saw_nothing_of_what_was_lost_does_not_use_its_numbers_again() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    // The second replica knows the workspace from before, and nothing of what comes now.
    b.emit_many(10).await;
    cluster.redis.save().await;
    let mut open = a.stream("events?since_seq=0").await;
    let last = a.emit_many(15).await;
    open.until(last).await;
    let before = epoch(&a).await;
    lose(&cluster.redis);
    // The one that saw more says so by itself, with nobody writing through it.
    eventually("the epoch to move", async || {
        let answer = b.get("events?since_seq=0&limit=1").header("accept", "application/json").send().await;
        (answer.status == 200 && answer.json()["meta"]["epoch"] != *before).then_some(())
    })
    .await;
    let next = emit(&b).await;
    assert!(next > last, "{next} was used for another event that a reader has seen");
    assert_eq!(open.find("stream.reset").await.payload()["reason"], "epoch");
    assert_eq!(open.until(next).await.last().unwrap().seq(), next);
}
