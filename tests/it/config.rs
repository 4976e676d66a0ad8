//! The configuration: merged in one place, so that nobody's keys are lost.

use std::collections::HashSet;

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::Cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_patches_to_different_keys_all_survive() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut tasks = JoinSet::new();
    for n in 0..40 {
        let api = if n % 2 == 0 { a.clone() } else { b.clone() };
        tasks.spawn(async move {
            let reply = api.patch("config", &json!({"team": {format!("key_{n}"): n}})).ok(200).await;
            assert_eq!(reply["team"][format!("key_{n}")], n, "the whole new config, one's own change in it");
        });
    }
    tasks.join_all().await;
    for api in [&a, &b] {
        let config = api.get("config").ok(200).await;
        let team = config["team"].as_object().unwrap();
        assert_eq!(team.len(), 40, "{config}");
        assert!((0..40).all(|n| team[&format!("key_{n}")] == n));
    }
    let history = a.history().await;
    let versions: HashSet<_> = history.iter().map(|event| event["payload"]["version"].as_u64().unwrap()).collect();
    assert_eq!((history.len(), versions), (40, (1..=40).collect()), "an event and a version for each");
}

#[tokio::test]
async fn a_patch_is_a_merge_patch() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    assert_eq!(a.get("config").send().await.text(), "{}", "a fresh workspace");
    let steps = [
        (json!({"a": 1, "deep": {"x": [1, 2], "y": "z"}}), json!({"a": 1, "deep": {"x": [1, 2], "y": "z"}})),
        (json!({"a": null, "deep": {"x": [3]}}), json!({"deep": {"x": [3], "y": "z"}})),
        (json!({"deep": {"y": null}, "new": {"gone": null, "kept": false}}), json!({"deep": {"x": [3]}, "new": {"kept": false}})),
        (json!({"deep": "flat"}), json!({"deep": "flat", "new": {"kept": false}})),
    ];
    for (n, (patch, whole)) in steps.into_iter().enumerate() {
        let (one, other) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        assert_eq!(one.patch("config", &patch).ok(200).await, whole);
        assert_eq!(other.get("config").ok(200).await, whole);
    }
    let patches: Vec<_> = a.history().await.iter().map(|event| event["payload"].clone()).collect();
    assert_eq!(patches[1], json!({"version": 2, "patch": {"a": null, "deep": {"x": [3]}}}));
    for body in ["[]", "1", "null", "\"x\""] {
        let call = a.call(Method::PATCH, "config").header("content-type", "application/json").body(body);
        assert_eq!(call.ok(400).await["name"], "BadRequestError", "{body}");
    }
}

#[tokio::test]
async fn a_patch_that_changes_nothing_is_no_event() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.patch("config", &json!({"a": {"b": 1}})).ok(200).await;
    let tag = a.get("config").send().await.header("etag").to_owned();
    for patch in [json!({}), json!({"a": {"b": 1}}), json!({"a": {}}), json!({"absent": null})] {
        assert_eq!(b.patch("config", &patch).ok(200).await, json!({"a": {"b": 1}}));
    }
    assert_eq!(a.history().await.len(), 1);
    assert_eq!(a.get("config").send().await.header("etag"), tag);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_if_match_is_412() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let tag = |answer: &crate::harness::Answer| answer.header("etag").to_owned();
    let fresh = tag(&a.get("config").send().await);
    assert!(fresh.starts_with('"') && fresh.ends_with('"'), "{fresh}");
    let first = b.patch("config", &json!({"n": 1})).header("if-match", &fresh).send().await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert_ne!(tag(&first), fresh);
    assert_eq!(tag(&a.get("config").send().await), tag(&first), "the same on both replicas");

    let stale = a.patch("config", &json!({"n": 2})).header("if-match", &fresh).send().await;
    assert_eq!(stale.ok(412)["name"], "PreconditionFailedError");
    let either = format!("{fresh}, {}", tag(&first));
    a.patch("config", &json!({"n": 2})).header("if-match", &either).ok(200).await;
    b.patch("config", &json!({"n": 3})).header("if-match", "*").ok(200).await;

    // Of many that saw the same version, one goes through.
    let seen = tag(&a.get("config").send().await);
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let (api, seen) = (if n % 2 == 0 { a.clone() } else { b.clone() }, seen.clone());
        tasks.spawn(async move { api.patch("config", &json!({"winner": n})).header("if-match", &seen).send().await.status });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 19, "{statuses:?}");
}

#[tokio::test]
async fn known_keys_are_typed_and_unknown_ones_kept() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let cases: [(Value, &str); 8] = [
        (json!({"retention": {"events": {"max_count": "many"}}}), "retention.events.max_count"),
        (json!({"retention": {"events": {"max_count": 0}}}), "retention.events.max_count"),
        (json!({"retention": {"log": {"max_age_ms": -1}}}), "retention.log.max_age_ms"),
        (json!({"retention": {"log": 5}}), "retention.log"),
        (json!({"questions": {"max_pending_per_session": 1.5}}), "questions.max_pending_per_session"),
        (json!({"questions": {"default_timeout_ms": true}}), "questions.default_timeout_ms"),
        (json!({"executor": {"max_workers": []}}), "executor.max_workers"),
        (json!({"redact": "all"}), "redact"),
    ];
    for (patch, key) in cases {
        let body = a.patch("config", &patch).ok(400).await;
        assert_eq!(body["data"]["errors"][0]["path"], key, "{body}");
    }
    assert_eq!(b.get("config").ok(200).await, json!({}));
    let kept = json!({"retention": {"events": {"max_count": 7, "mine": 1}, "other": 2}, "anything": [null, {"a": null}]});
    assert_eq!(a.patch("config", &kept).ok(200).await, kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_is_an_event_to_everybody() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut stream = b.stream("events").await;
    stream.control("stream.ready").await;
    for n in 1..=3 {
        a.patch("config", &json!({"n": n})).ok(200).await;
        let event = stream.event().await;
        assert_eq!((&*event.event, event.payload()), ("config.updated", json!({"version": n, "patch": {"n": n}})));
    }
}
