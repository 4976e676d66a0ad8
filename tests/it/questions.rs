//! Questions: asked once, resolved once, whoever tries and wherever.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Api, Cluster};

/// Makes a valid question wrong in one place.
type Spoil<'a> = &'a dyn Fn(&mut Value);

/// A body that asks one question with two options; free text is allowed.
pub fn ask(session: &str) -> Value {
    json!({
        "sessionID": session,
        "questions": [{
            "question": "Approve the schema migration on the production database?",
            "header": "Approve migration",
            "options": [
                {"label": "Approve", "description": "Run the migration now and proceed."},
                {"label": "Reject", "description": "Cancel and roll back the orchestrator."},
            ],
        }],
    })
}

/// Asks and returns the question.
pub async fn asked(api: &Api, session: &str) -> Value {
    api.post("questions", &ask(session)).ok(201).await["question"].take()
}

/// The id of a question just asked.
pub async fn asked_id(api: &Api, session: &str) -> String {
    asked(api, session).await["id"].as_str().unwrap().to_owned()
}

/// The pending questions' ids.
pub async fn pending(api: &Api) -> Vec<String> {
    let list = api.get("questions").ok(200).await;
    list["questions"].as_array().unwrap().iter().map(|question| question["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_seen_everywhere_as_the_event_that_announced_it() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut stream = b.stream("events").await;
    stream.control("stream.ready").await;
    let mut body = ask("ses_1");
    body["tool"] = json!({"messageID": "msg_1", "callID": "call_1"});
    let question = a.post("questions", &body).ok(201).await["question"].take();
    let id = question["id"].as_str().unwrap();
    assert!(id.starts_with("que_"), "{id}");
    let mut wanted = body.clone();
    wanted["questions"][0]["multiple"] = json!(false);
    wanted["questions"][0]["custom"] = json!(true);
    wanted["id"] = json!(id);
    assert_eq!(question, wanted, "the seed's shape and nothing else");
    let event = stream.event().await;
    assert_eq!(event.event, "question.asked");
    assert_eq!(event.payload(), question);
    for api in [&a, &b] {
        assert_eq!(api.get("questions").ok(200).await, json!({"questions": [question]}));
        assert_eq!(api.get(&format!("questions/{id}")).ok(200).await, json!({"question": question}));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_answers_one_wins() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for round in 0..3 {
        let id = asked_id(&a, &format!("ses_{round}")).await;
        let mut tasks = JoinSet::new();
        for n in 0..60 {
            let api = if n % 2 == 0 { a.clone() } else { b.clone() };
            let route = format!("questions/{id}/answer");
            tasks.spawn(async move {
                let answers = json!({"answers": [[format!("My answer {n}")]]});
                (n, api.post(&route, &answers).send().await)
            });
        }
        let mut winner = None;
        for (n, answer) in tasks.join_all().await {
            if answer.status == 200 {
                assert_eq!(answer.json(), json!({"answered": true}));
                assert_eq!(winner.replace(n), None, "a second winner");
            } else {
                let body = answer.problem(404, "NotFoundError", "question_already_answered");
                assert_eq!(body["data"]["message"], format!("Question {id} not found"));
            }
        }
        let won = json!([[format!("My answer {}", winner.expect("no winner"))]]);

        let outcome = b.get(&format!("questions/{id}/outcome")).ok(200).await;
        assert_eq!((&outcome["outcome"], &outcome["answers"]), (&json!("answered"), &won));
        let mut events = a.history().await;
        events.retain(|event| event["type"] == "question.answered" && event["payload"]["id"] == *id);
        assert_eq!(events.len(), 1, "one event");
        assert_eq!(events[0]["payload"]["answers"], won);
        assert_eq!(events[0]["payload"]["answered_by"], outcome["resolved_by"]);
        assert_eq!(events[0]["payload"]["sessionID"], format!("ses_{round}"));
        assert!(pending(&b).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_winners_identical_retry_is_granted_without_a_second_event() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let id = asked_id(&a, "ses_1").await;
    let route = format!("questions/{id}/answer");
    let answers = json!({"answers": [["Approve"]]});
    for api in [&a, &b, &a] {
        assert_eq!(api.post(&route, &answers).ok(200).await, json!({"answered": true}));
    }
    let answer = b.post(&route, &json!({"answers": [["Reject"]]})).send().await;
    answer.problem(404, "NotFoundError", "question_already_answered");
    let kinds: Vec<_> = a.history().await.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["question.asked", "question.answered"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answer_reject_and_withdraw_at_once_give_one_outcome() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for round in 0..10 {
        let id = asked_id(&a, &format!("ses_{round}")).await;
        let (answers, reason) = (json!({"answers": [["Approve"]]}), json!({"reason": "no"}));
        let (answered, rejected, withdrawn) = tokio::join!(
            b.post(&format!("questions/{id}/answer"), &answers).send(),
            a.post(&format!("questions/{id}/reject"), &reason).send(),
            b.delete(&format!("questions/{id}")).send(),
        );
        let statuses = [answered.status, rejected.status, withdrawn.status];
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 404).count(), 2, "{statuses:?}");
        let won = statuses.iter().position(|status| *status == 200).unwrap();
        let outcome = a.get(&format!("questions/{id}/outcome")).ok(200).await;
        assert_eq!(outcome["outcome"], ["answered", "rejected", "cancelled"][won]);
    }
    let history = a.history().await;
    assert_eq!(history.len(), 20, "an asked and a resolved event for each");
}

#[tokio::test]
async fn a_session_may_have_as_many_pending_as_configured() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let first = asked_id(&a, "ses_1").await;
    b.post("questions", &ask("ses_1")).send().await.problem(409, "ConflictError", "question_pending");
    asked(&b, "ses_2").await;
    a.patch("config", &json!({"questions": {"max_pending_per_session": 3}})).ok(200).await;
    let second = asked_id(&b, "ses_1").await;
    let third = asked_id(&a, "ses_1").await;
    a.post("questions", &ask("ses_1")).send().await.problem(409, "ConflictError", "question_pending");
    a.delete(&format!("questions/{second}")).ok(200).await;
    let fourth = asked_id(&b, "ses_1").await;
    let mut list = pending(&a).await;
    list.remove(1);
    assert_eq!(list, [first, third, fourth], "oldest first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_at_once_never_exceed_the_sessions_share() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut tasks = JoinSet::new();
    for n in 0..30 {
        let api = if n % 2 == 0 { a.clone() } else { b.clone() };
        tasks.spawn(async move { api.post("questions", &ask("ses_1")).send().await.status });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 29, "{statuses:?}");
    assert_eq!(pending(&b).await.len(), 1);
}

#[tokio::test]
async fn wrong_answers_are_refused_with_their_paths_and_the_question_stays() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let mut body = ask("ses_1");
    body["questions"][0]["custom"] = json!(false);
    let mut second = body["questions"][0].clone();
    second["multiple"] = json!(true);
    body["questions"].as_array_mut().unwrap().push(second);
    let id = a.post("questions", &body).ok(201).await["question"]["id"].as_str().unwrap().to_owned();
    let route = format!("questions/{id}/answer");
    for (wrong, path) in [
        (json!({}), "answers"),
        (json!({"answers": "Approve"}), "answers"),
        (json!({"answers": ["Approve", "Approve"]}), "answers[0]"),
        (json!({"answers": [["Approve"]]}), "answers"),
        (json!({"answers": [["Approve"], ["Reject"], []]}), "answers"),
        (json!({"answers": [["Maybe"], []]}), "answers[0][0]"),
        (json!({"answers": [["approve"], []]}), "answers[0][0]"),
        (json!({"answers": [["Approve", "Reject"], []]}), "answers[0]"),
        (json!({"answers": [[], ["Approve", "Approve"]]}), "answers[1][1]"),
        (json!({"answers": [[], [1]]}), "answers[1][0]"),
        (json!({"answers": [[], []], "more": 1}), "more"),
    ] {
        let body = b.post(&route, &wrong).ok(400).await;
        assert_eq!(body["name"], "BadRequestError", "{wrong}");
        assert_eq!(body["data"]["errors"][0]["path"], path, "{wrong}: {body}");
    }
    assert_eq!(pending(&a).await, [&*id]);
    b.post(&route, &json!({"answers": [[], ["Reject", "Approve"]]})).ok(200).await;
    let outcome = a.get(&format!("questions/{id}/outcome")).ok(200).await;
    assert_eq!(outcome["answers"], json!([[], ["Reject", "Approve"]]), "as they were given");
}

#[tokio::test]
async fn a_wrong_ask_is_refused_with_its_paths() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let cases: [(Spoil<'_>, &str); 9] = [
        (&|body| body["sessionID"] = json!("a b"), "sessionID"),
        (&|body| body["questions"] = json!([]), "questions"),
        (&|body| body["questions"][0]["header"] = json!(""), "questions[0].header"),
        (&|body| body["questions"][0]["options"][1]["label"] = json!("Approve"), "questions[0].options[1].label"),
        (&|body| body["questions"][0]["options"][0]["more"] = json!(1), "questions[0].options[0].more"),
        (&|body| body["questions"][0]["multiple"] = json!("yes"), "questions[0].multiple"),
        (&|body| body["tool"] = json!({"messageID": "m"}), "tool.callID"),
        (&|body| body["expires_in_ms"] = json!(0), "expires_in_ms"),
        (&|body| body["id"] = json!("que_mine"), "id"),
    ];
    for (spoil, path) in cases {
        let mut body = ask("ses_1");
        spoil(&mut body);
        let reply = a.post("questions", &body).ok(400).await;
        assert_eq!(reply["data"]["errors"][0]["path"], path, "{reply}");
    }
    assert!(pending(&b).await.is_empty());
    assert!(b.history().await.is_empty());
}

#[tokio::test]
async fn what_is_gone_is_not_found_even_for_a_wrong_body() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let id = asked_id(&a, "ses_1").await;
    let (other, _) = cluster.workspace();
    let foreign = other.get(&format!("questions/{id}")).send().await;
    let unknown = other.get("questions/que_01HXYZABCDEFGHJKMNPQRSTVWX").send().await;
    assert_eq!((foreign.status, unknown.status), (404, 404));
    assert_eq!(foreign.json()["data"]["code"], unknown.json()["data"]["code"], "another's is not told from none");
    assert_eq!(foreign.json()["data"]["message"], format!("Question {id} not found"));

    a.delete(&format!("questions/{id}")).ok(200).await;
    let route = format!("questions/{id}");
    for call in [
        b.get(&route),
        b.delete(&route),
        b.post(&format!("{route}/answer"), &json!({"answers": 7})),
        b.act(&format!("{route}/answer")).header("content-type", "application/json").body("{"),
        b.post(&format!("{route}/reject"), &json!({"reason": 7})),
        b.post(&format!("{route}/answer"), &json!({"answers": [["Approve"]]})),
    ] {
        let body = call.ok(404).await;
        assert_eq!(body["name"], "NotFoundError");
        assert_eq!(body["data"]["message"], format!("Question {id} not found"));
    }
}
