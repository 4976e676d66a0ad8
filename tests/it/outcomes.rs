//! How the asking agent learns what became of its question, and what is remembered of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Cluster, bounded};
use crate::questions::asked_id;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_agent_is_woken_by_each_kind_of_outcome() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for kind in ["answered", "rejected", "cancelled"] {
        let id = asked_id(&a, "ses_1").await;
        let waiting: Vec<_> = [&a, &b]
            .map(|api| {
                let (api, route) = (api.clone(), format!("questions/{id}/outcome?wait=15"));
                tokio::spawn(async move { api.get(&route).ok(200).await })
            })
            .into();
        let begin = Instant::now();
        match kind {
            "answered" => b.post(&format!("questions/{id}/answer"), &json!({"answers": [["Approve"]]})).ok(200).await,
            "rejected" => b.post(&format!("questions/{id}/reject"), &json!({"reason": "not today"})).ok(200).await,
            _ => b.delete(&format!("questions/{id}")).ok(200).await,
        };
        for waiter in waiting {
            let outcome = bounded("the outcome", waiter).await.unwrap();
            assert_eq!(outcome["outcome"], kind);
            assert_eq!(outcome["answers"], if kind == "answered" { json!([["Approve"]]) } else { Value::Null });
            assert_eq!(outcome["reason"], if kind == "rejected" { json!("not today") } else { Value::Null });
            assert!(outcome["resolved_by"].is_string() && outcome["resolved_at"].is_u64(), "{outcome}");
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "the outcome ended the wait, not its time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_for_a_question_that_stays_pending_ends_empty() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let id = asked_id(&a, "ses_1").await;
    let answer = b.get(&format!("questions/{id}/outcome")).send().await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let begin = Instant::now();
    let answer = b.get(&format!("questions/{id}/outcome?wait=1")).send().await;
    let took = begin.elapsed();
    assert_eq!(answer.status, 204);
    assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(6), "{took:?}");
    for wait in ["61", "-1", "x"] {
        let answer = b.get(&format!("questions/{id}/outcome?wait={wait}")).send().await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError");
    }
    let answer = b.get("questions/que_01HXYZABCDEFGHJKMNPQRSTVWX/outcome?wait=5").send().await;
    assert_eq!(answer.ok(404)["name"], "NotFoundError", "at once, for nobody ever asked it");
}

#[tokio::test]
async fn the_replies_and_events_of_the_ways_to_resolve() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut stream = b.stream("events?types=question.rejected,question.cancelled").await;
    stream.control("stream.ready").await;

    let id = asked_id(&a, "ses_1").await;
    assert_eq!(b.act(&format!("questions/{id}/reject")).ok(200).await, json!({"rejected": true}));
    let event = stream.event().await;
    assert_eq!((&*event.event, &event.payload()["id"]), ("question.rejected", &json!(id)));
    assert_eq!(event.payload()["sessionID"], "ses_1");
    assert_eq!(event.payload().get("reason"), None);

    let id = asked_id(&a, "ses_1").await;
    assert_eq!(b.post(&format!("questions/{id}/reject"), &json!({"reason": "why not"})).ok(200).await, json!({"rejected": true}));
    assert_eq!(stream.event().await.payload()["reason"], "why not");

    let id = asked_id(&a, "ses_1").await;
    assert_eq!(b.delete(&format!("questions/{id}")).ok(200).await, json!({"cancelled": true}));
    let event = stream.event().await;
    assert_eq!((&*event.event, &event.payload()["id"]), ("question.cancelled", &json!(id)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_has_who_when_and_what_newest_first() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut ids = Vec::new();
    for n in 0..5 {
        let id = asked_id(&a, &format!("ses_{n}")).await;
        if n % 2 == 0 {
            b.post(&format!("questions/{id}/answer"), &json!({"answers": [[format!("Answer {n}")]]})).ok(200).await;
        } else {
            b.post(&format!("questions/{id}/reject"), &json!({"reason": format!("Reason {n}")})).ok(200).await;
        }
        ids.insert(0, id);
    }
    asked_id(&a, "ses_pending").await;
    let text = a.get("questions/history").ok(200).await.to_string();
    let places: Vec<_> = ids.iter().map(|id| text.find(&**id).unwrap_or_else(|| panic!("{id} is missing in {text}"))).collect();
    assert!(places.is_sorted(), "newest first: {places:?}");
    for part in ["Answer 4", "Reason 3", "resolved_by", "resolved_at", "Approve migration"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(!text.contains("ses_pending"));

    let page = b.get("questions/history?page=2&limit=2").ok(200).await;
    assert_eq!(page["meta"], json!({"page": 2, "limit": 2, "total": 5, "pages": 3}));
    let text = page.to_string();
    let on_it: Vec<_> = ids.iter().map(|id| text.contains(&**id)).collect();
    assert_eq!(on_it, [false, false, true, true, false]);
    let page = b.get("questions/history?page=9&limit=2").ok(200).await;
    assert_eq!(page["meta"]["total"], 5, "past the end: nothing, and the true total");
    assert!(!page.to_string().contains("que_"), "{page}");
}
