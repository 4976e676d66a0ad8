//! The same key and request is the same act, on every replica and however often it is sent.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::appends::row;
use crate::harness::{Answer, Api, Cluster};
use crate::questions::{ask, asked_id, pending};

async fn post(api: &Api, route: &str, key: &str, body: &Value) -> Answer {
    api.post(route, body).header("idempotency-key", key).send().await
}

fn event(n: u64) -> Value {
    json!({"type": "work.done", "payload": {"n": n}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_gets_its_first_reply_again_from_every_replica() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.patch("config", &json!({"questions": {"max_pending_per_session": 10}})).ok(200).await;
    let id = asked_id(&a, "ses_9").await;
    let batch = json!({"events": [event(1), event(2)]});
    for (route, body) in [
        ("events", event(1)),
        ("events", batch),
        ("log", row("call_1")),
        ("log", json!({"items": [row("call_2"), row("call_3")]})),
        ("questions", ask("ses_1")),
        (&*format!("questions/{id}/answer"), json!({"answers": [["Approve"]]})),
        ("purge", json!({})),
    ] {
        let key = format!("key-{route}-{}", body.to_string().len());
        let first = post(&a, route, &key, &body).await;
        assert!(first.status < 300, "{route}: {}", first.text());
        let before = state(&b).await;
        for api in [&b, &a] {
            let again = post(api, route, &key, &body).await;
            assert_eq!((again.status, again.text()), (first.status, first.text()), "{route}");
        }
        assert_eq!(state(&a).await, before, "{route}: once is all");
    }
}

/// What must not change when a request is repeated.
async fn state(api: &Api) -> (Vec<Value>, Value, Vec<String>) {
    (api.history().await, api.get("log").ok(200).await, pending(api).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_at_once_is_one_append() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for (route, body) in [("events", event(7)), ("questions", ask("ses_1")), ("log", row("call_1"))] {
        let mut tasks = JoinSet::new();
        for n in 0..24 {
            let (api, body) = (if n % 2 == 0 { a.clone() } else { b.clone() }, body.clone());
            tasks.spawn(async move { post(&api, route, &format!("key-{route}"), &body).await });
        }
        let answers = tasks.join_all().await;
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (201, &answers[0].body), "{route}: {}", answer.text());
        }
    }
    assert_eq!(a.history().await.len(), 2, "one event and one question");
    assert_eq!(b.get("log").ok(200).await["meta"]["total"], 1);
}

#[tokio::test]
async fn the_same_key_for_another_request_is_422() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    post(&a, "events", "k", &event(1)).await.ok(201);
    for api in [&a, &b] {
        let answer = post(api, "events", "k", &event(2)).await;
        assert_eq!(answer.ok(422)["name"], "IdempotencyMismatchError");
    }
    assert_eq!(b.history().await.len(), 1);
    // Another workspace has keys of its own, and no key makes every request a new one.
    let (other, _) = cluster.workspace();
    post(&other, "events", "k", &event(2)).await.ok(201);
    a.post("events", &event(1)).ok(201).await;
    a.post("events", &event(1)).ok(201).await;
    assert_eq!(b.history().await.len(), 3);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let wrong = json!({"type": "Wrong Type", "payload": {}});
    assert_eq!(post(&a, "events", "k", &wrong).await.status, 400);
    post(&b, "events", "k", &event(1)).await.ok(201);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for key in ["", "with blank", &"k".repeat(129)] {
        let answer = post(&a, "events", key, &event(1)).await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError", "{key:?}");
    }
    post(&a, "events", &"k".repeat(128), &event(1)).await.ok(201);
    assert_eq!(b.history().await.len(), 1);
}

#[tokio::test]
async fn a_purge_does_not_forget_what_was_done() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let first = post(&a, "events", "k", &event(1)).await;
    b.act("purge").ok(200).await;
    let again = post(&b, "events", "k", &event(1)).await;
    assert_eq!((again.status, again.text()), (201, first.text()));
    assert_eq!(a.history().await.len(), 1, "the purge alone");
}
