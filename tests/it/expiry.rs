//! Questions end at their deadline with no request to remind anybody.

use serde_json::{Value, json};

use crate::harness::{Api, Cluster, bounded};
use crate::questions::{ask, pending};

/// The contract gives the service 1 s from the deadline on; the rest is for the machine the tests share.
const LATEST_MS: u64 = 1000 + 2000;

async fn ask_for(api: &Api, session: &str, ms: u64) -> String {
    let mut body = ask(session);
    body["expires_in_ms"] = json!(ms);
    api.post("questions", &body).ok(201).await["question"]["id"].as_str().unwrap().to_owned()
}

fn time(event: &Value) -> u64 {
    event["timestamp"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_expires_at_its_deadline_and_wakes_its_agent() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut stream = b.stream("events").await;
    stream.control("stream.ready").await;
    let id = ask_for(&a, "ses_1", 700).await;
    let waiting = {
        let (b, route) = (b.clone(), format!("questions/{id}/outcome?wait=15"));
        tokio::spawn(async move { b.get(&route).ok(200).await })
    };
    let asked = stream.event().await.json();
    let expired = stream.event().await;
    assert_eq!(expired.event, "question.expired");
    assert_eq!(expired.payload()["id"], id);
    assert_eq!(expired.payload()["sessionID"], "ses_1");
    let took = time(&expired.json()) - time(&asked);
    assert!((700..=700 + LATEST_MS).contains(&took), "{took} ms");
    assert_eq!(bounded("the outcome", waiting).await.unwrap()["outcome"], "expired");
    assert!(pending(&a).await.is_empty());
    let answer = a.post(&format!("questions/{id}/answer"), &json!({"answers": [["Approve"]]})).send().await;
    assert_eq!(answer.ok(404)["data"]["message"], format!("Question {id} not found"));
    ask_for(&a, "ses_1", 60_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_deadlines_each_give_one_event() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut stream = b.stream("events?types=question.expired").await;
    stream.control("stream.ready").await;
    let mut ids = Vec::new();
    for n in 0..40 {
        ids.push(ask_for(if n % 2 == 0 { &a } else { &b }, &format!("ses_{n}"), 500 + n * 10).await);
    }
    let mut expired = Vec::new();
    for frame in stream.events(40).await {
        expired.push(frame.payload()["id"].as_str().unwrap().to_owned());
    }
    expired.sort_unstable();
    ids.sort_unstable();
    assert_eq!(expired, ids, "each once, though both replicas look for what is due");
    let mark = a.emit(0).await;
    assert_eq!(mark, 81, "an asked and an expired event for each, and no more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_time_leaves_nothing_to_expire() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut stream = b.stream("events?types=question.*").await;
    stream.control("stream.ready").await;
    let answered = ask_for(&a, "ses_1", 900).await;
    let left = ask_for(&a, "ses_2", 1000).await;
    b.post(&format!("questions/{answered}/answer"), &json!({"answers": [["Approve"]]})).ok(200).await;
    let kinds: Vec<_> = stream.events(4).await.iter().map(|frame| (frame.event.clone(), frame.payload()["id"].clone())).collect();
    assert_eq!(kinds[2], ("question.answered".into(), json!(answered)));
    assert_eq!(kinds[3], ("question.expired".into(), json!(left)), "the later deadline passed; the earlier one was cleared");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_without_a_deadline_takes_the_workspaces() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.patch("config", &json!({"questions": {"default_timeout_ms": 400}})).ok(200).await;
    let mut stream = b.stream("events?types=question.*").await;
    stream.control("stream.ready").await;
    a.post("questions", &ask("ses_1")).ok(201).await;
    let frames = stream.events(2).await;
    assert_eq!(frames[1].event, "question.expired");
    let took = time(&frames[1].json()) - time(&frames[0].json());
    assert!((400..=400 + LATEST_MS).contains(&took), "{took} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_outlives_the_replica_that_took_the_question() {
    let cluster = Cluster::two().await;
    let (_, b) = cluster.workspace();
    let mut config = downbeat::config::Config::for_tests(cluster.redis.url());
    config.redis.key_prefix.clone_from(&cluster.prefix);
    let third = crate::harness::Replica::start(config).await;
    let mut stream = b.stream("events?types=question.*").await;
    stream.control("stream.ready").await;
    ask_for(&third.api(&b.workspace), "ses_1", 1500).await;
    third.stop().await;
    assert_eq!(stream.event().await.event, "question.asked");
    assert_eq!(stream.event().await.event, "question.expired");
}
