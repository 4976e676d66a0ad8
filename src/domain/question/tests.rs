//! Questions from their bodies to their outcomes.

mod bodies;
mod decisions;

use serde_json::json;

use super::*;

const ID: &str = "que_01HXYZABCDEFGHJKMNPQRSTVW";

/// The question of the API's own example, with a deadline.
fn question() -> Question {
    let choice = |label: &str| Choice { label: label.into(), description: format!("{label} it.") };
    Question {
        id: QuestionId::parse(ID).unwrap(),
        session_id: SessionId::parse("ses_1").unwrap(),
        prompts: vec![
            Prompt {
                question: "Approve the schema migration on the production database?".into(),
                header: "Approve migration".into(),
                options: vec![choice("Approve"), choice("Reject")],
                multiple: false,
                custom: false,
            },
            Prompt {
                question: "Which regions?".into(),
                header: "Regions".into(),
                options: vec![choice("us"), choice("eu")],
                multiple: true,
                custom: true,
            },
        ],
        tool: Some(ToolRef { message_id: "msg_1".into(), call_id: "call_1".into() }),
        asked_at: 1000,
        expires_at: Some(2000),
    }
}

fn answers(lists: &[&[&str]]) -> Answers {
    Answers(lists.iter().map(|labels| labels.iter().map(ToString::to_string).collect()).collect())
}

#[test]
fn the_public_shape_is_the_seeds_and_nothing_more() {
    let shape = json!({
        "id": ID,
        "sessionID": "ses_1",
        "questions": [
            {
                "question": "Approve the schema migration on the production database?",
                "header": "Approve migration",
                "options": [
                    {"label": "Approve", "description": "Approve it."},
                    {"label": "Reject", "description": "Reject it."},
                ],
                "multiple": false,
                "custom": false,
            },
            {
                "question": "Which regions?",
                "header": "Regions",
                "options": [{"label": "us", "description": "us it."}, {"label": "eu", "description": "eu it."}],
                "multiple": true,
                "custom": true,
            },
        ],
        "tool": {"messageID": "msg_1", "callID": "call_1"},
    });
    assert_eq!(question().to_json().to_string(), shape.to_string());
    let bare = Question { tool: None, ..question() };
    assert!(bare.to_json().get("tool").is_none());
}

#[test]
fn outcomes_tell_what_became_of_it() {
    let outcome = |kind| Outcome { question: question(), kind, resolved_by: "ada".into(), resolved_at: 1500 };
    let table = [
        (
            OutcomeKind::Answered(answers(&[&["Approve"], &[]])),
            json!({"outcome": "answered", "answers": [["Approve"], []], "resolved_by": "ada", "resolved_at": 1500}),
        ),
        (
            OutcomeKind::Rejected { reason: Some("no".into()) },
            json!({"outcome": "rejected", "reason": "no", "resolved_by": "ada", "resolved_at": 1500}),
        ),
        (OutcomeKind::Rejected { reason: None }, json!({"outcome": "rejected", "resolved_by": "ada", "resolved_at": 1500})),
        (OutcomeKind::Cancelled, json!({"outcome": "cancelled", "resolved_by": "ada", "resolved_at": 1500})),
        (OutcomeKind::Expired, json!({"outcome": "expired", "resolved_by": "ada", "resolved_at": 1500})),
    ];
    for (kind, reply) in table {
        let outcome = outcome(kind);
        assert_eq!(outcome.to_json(), reply);
        let mut history = question().to_json();
        history["asked_at"] = json!(1000);
        history["expires_at"] = json!(2000);
        for (name, value) in reply.as_object().unwrap() {
            history[name] = value.clone();
        }
        assert_eq!(outcome.to_history_json().to_string(), history.to_string());
    }
}
