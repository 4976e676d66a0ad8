//! What each decision expects, writes and emits, and when it is refused.

use serde_json::json;

use super::*;
use crate::domain::{
    config::Settings,
    event::{MAX_PAYLOAD, MAX_REPEATED},
    txn::{Expect, Timer, Txn, Write},
};

fn id(text: &str) -> QuestionId {
    QuestionId::parse(text).unwrap()
}

fn session() -> SessionId {
    SessionId::parse("ses_1").unwrap()
}

fn deadline() -> Timer {
    Timer::QuestionDeadline(id(ID))
}

fn body() -> Ask {
    let Question { session_id, prompts, tool, .. } = question();
    Ask { session_id, prompts, tool, expires_in_ms: None }
}

fn events(txn: &Txn) -> Vec<(&str, &str)> {
    txn.events.iter().map(|event| (event.kind.as_str(), event.payload.as_str())).collect()
}

#[test]
fn asking_puts_the_question_at_the_end_of_its_sessions_list() {
    let settings = Settings { max_pending_per_session: 3, ..Settings::default() };
    let before = [id("que_a"), id("que_b")];
    let txn = ask(body(), id(ID), 1000, &before, &settings).unwrap();
    let asked = Question { expires_at: None, ..question() };
    assert_eq!(txn.expect, [Expect::SessionQuestions(session(), before.to_vec())]);
    let list = vec![id("que_a"), id("que_b"), id(ID)];
    assert_eq!(txn.writes, [Write::SessionQuestions(session(), list), Write::PutQuestion(asked.clone())]);
    assert_eq!(events(&txn), [("question.asked", asked.to_json().to_string().as_str())]);
    assert_eq!(txn.asked(), Some(&asked));
}

#[test]
fn a_deadline_is_the_askers_or_the_workspaces() {
    let default = Settings { default_timeout_ms: Some(500), ..Settings::default() };
    let table = [
        (None, &Settings::default(), None),
        (Some(1000), &Settings::default(), Some(2000)),
        (None, &default, Some(1500)),
        (Some(1000), &default, Some(2000)),
    ];
    for (expires_in_ms, settings, expires_at) in table {
        let txn = ask(Ask { expires_in_ms, ..body() }, id(ID), 1000, &[], settings).unwrap();
        assert_eq!(txn.asked().and_then(|question| question.expires_at), expires_at);
        let timer = expires_at.map(|at| Write::SetTimer { at, timer: deadline() });
        assert_eq!(txn.writes.iter().find(|write| matches!(write, Write::SetTimer { .. })), timer.as_ref());
    }
}

#[test]
fn a_session_has_no_more_than_it_may() {
    for (most, pending, refused) in [(1, 0, false), (1, 1, true), (1, 2, true), (3, 2, false), (3, 3, true)] {
        let settings = Settings { max_pending_per_session: most, ..Settings::default() };
        let pending: Vec<_> = (0..pending).map(|index| id(&format!("que_{index}"))).collect();
        let decision = ask(body(), id(ID), 1000, &pending, &settings);
        if refused {
            assert_eq!(decision, Err(Refusal::QuestionPending { pending }));
        } else {
            assert!(decision.is_ok());
        }
    }
}

#[test]
fn each_end_is_one_transaction() {
    let pending = [id("que_a"), id(ID), id("que_b")];
    let given = answers(&[&["Approve"], &["us", "eu"]]);
    let question = question();
    let event = |rest: serde_json::Value| {
        let mut payload = json!({"id": ID, "sessionID": "ses_1"});
        for (name, value) in rest.as_object().unwrap() {
            payload[name] = value.clone();
        }
        payload.to_string()
    };
    let rejected = |reason: Option<&str>| OutcomeKind::Rejected { reason: reason.map(str::to_owned) };
    let table = [
        (
            answer(&question, given.clone(), "ada", 1500, &pending),
            OutcomeKind::Answered(given),
            ("question.answered", json!({"answers": [["Approve"], ["us", "eu"]], "answered_by": "ada"})),
            ("ada", 1500),
        ),
        (
            reject(&question, Some("no".into()), "ada", 1500, &pending),
            rejected(Some("no")),
            ("question.rejected", json!({"reason": "no", "rejected_by": "ada"})),
            ("ada", 1500),
        ),
        (
            reject(&question, None, "ada", 1500, &pending),
            rejected(None),
            ("question.rejected", json!({"rejected_by": "ada"})),
            ("ada", 1500),
        ),
        (
            cancel(&question, "bot", 1500, &pending),
            OutcomeKind::Cancelled,
            ("question.cancelled", json!({"cancelled_by": "bot"})),
            ("bot", 1500),
        ),
        (expire(&question, 2000, &pending), OutcomeKind::Expired, ("question.expired", json!({})), (SERVICE, 2000)),
    ];
    for (decision, kind, (name, payload), (by, at)) in table {
        let txn = decision.unwrap();
        assert_eq!(txn.expect, [Expect::QuestionPending(id(ID)), Expect::SessionQuestions(session(), pending.to_vec())], "{name}");
        let outcome = Outcome { question: question.clone(), kind, resolved_by: by.into(), resolved_at: at };
        let writes = [
            Write::RemoveQuestion(id(ID)),
            Write::SessionQuestions(session(), vec![id("que_a"), id("que_b")]),
            Write::ClearTimer(deadline()),
            Write::Outcome(outcome),
        ];
        assert_eq!(txn.writes, writes, "{name}");
        assert_eq!(events(&txn), [(name, event(payload).as_str())]);
        assert_eq!(txn.asked(), None);
    }
}

#[test]
fn a_question_without_a_deadline_has_no_timer_to_clear() {
    let question = Question { expires_at: None, ..question() };
    let txn = cancel(&question, "bot", 1500, &[id(ID)]).unwrap();
    assert!(!txn.writes.contains(&Write::ClearTimer(deadline())));
    assert!(txn.writes.contains(&Write::SessionQuestions(session(), Vec::new())));
}

#[test]
fn a_question_expires_at_its_deadline_and_not_before() {
    let pending = [id(ID)];
    assert_eq!(expire(&question(), 1999, &pending), Err(Refusal::NotDue));
    assert!(expire(&question(), 2000, &pending).is_ok());
    assert!(expire(&question(), 2001, &pending).is_ok());
    assert_eq!(expire(&Question { expires_at: None, ..question() }, u64::MAX, &pending), Err(Refusal::NotDue));
}

#[test]
fn wrong_answers_leave_the_question_pending() {
    let refused = answer(&question(), answers(&[&["Maybe"], &[]]), "ada", 1500, &[id(ID)]);
    let Err(Refusal::Answers(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults.0[0].path, "answers[0][0]");
}

#[test]
fn a_question_that_is_not_in_its_sessions_list_is_resolved_already() {
    let others = [id("que_a")];
    for pending in [&[] as &[QuestionId], &others] {
        let given = answers(&[&[], &[]]);
        assert_eq!(answer(&question(), given, "ada", 1500, pending), Err(Refusal::Resolved));
        assert_eq!(reject(&question(), None, "ada", 1500, pending), Err(Refusal::Resolved));
        assert_eq!(cancel(&question(), "bot", 1500, pending), Err(Refusal::Resolved));
        assert_eq!(expire(&question(), 2000, pending), Err(Refusal::Resolved));
    }
}

#[test]
fn the_largest_question_and_answer_fit_into_an_event() {
    let prompt = |text: usize| {
        let option = json!({"label": "a", "description": ""});
        json!({"question": "x".repeat(text), "header": "h", "options": [option]})
    };
    let build = |text| json!({"sessionID": "s".repeat(64), "questions": vec![prompt(text); 16]});
    let text = (1..4096).rev().find(|text| build(*text).to_string().len() <= MAX_REPEATED).unwrap();
    let asked = ask(Ask::from_wire(&build(text)).unwrap(), QuestionId::mint(u64::MAX, u128::MAX), 0, &[], &Settings::default()).unwrap();
    assert!((MAX_REPEATED..=MAX_PAYLOAD).contains(&asked.events[0].payload.as_str().len()));
}
