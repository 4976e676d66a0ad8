//! What the bodies may hold, and what is said of the rest.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::{
    config::settings::MAX_TIMEOUT_MS,
    event::MAX_REPEATED,
    fault::Faults,
    question::ask::{MAX_HEADER, MAX_OPTIONS, MAX_PROMPTS, MAX_TEXT},
    testing,
};

fn ask() -> Value {
    json!({
        "sessionID": "ses_1",
        "questions": [{"question": "Go on?", "header": "Go", "options": [{"label": "Yes", "description": "Go on."}, {"label": "No", "description": ""}]}],
    })
}

/// The body with the value at a JSON pointer replaced, or added.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = ask();
    if let Some(place) = body.pointer_mut(pointer) {
        *place = value;
    } else {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
    }
    body
}

fn paths<T: std::fmt::Debug>(read: Result<T, Faults>) -> Vec<String> {
    read.unwrap_err().0.into_iter().map(|fault| fault.path).collect()
}

#[test]
fn what_is_left_out_has_its_default() {
    let ask = Ask::from_wire(&ask()).unwrap();
    assert_eq!((ask.prompts[0].multiple, ask.prompts[0].custom), (false, true));
    assert_eq!((ask.tool, ask.expires_in_ms), (None, None));
    for name in ["tool", "expires_in_ms"] {
        assert!(Ask::from_wire(&with(&format!("/{name}"), Value::Null)).is_ok());
    }
}

#[test]
fn what_is_there_is_read() {
    let mut body = ask();
    body["tool"] = json!({"messageID": "msg_1", "callID": "toolu_01|fc"});
    body["expires_in_ms"] = json!(5);
    body["questions"][0]["multiple"] = json!(true);
    body["questions"][0]["custom"] = json!(false);
    let ask = Ask::from_wire(&body).unwrap();
    assert_eq!(ask.tool, Some(ToolRef { message_id: "msg_1".into(), call_id: "toolu_01|fc".into() }));
    assert_eq!(ask.expires_in_ms, Some(5));
    assert_eq!((ask.prompts[0].multiple, ask.prompts[0].custom), (true, false));
    assert_eq!(ask.prompts[0].options[1], Choice { label: "No".into(), description: String::new() });
}

#[test]
fn one_fault_one_path() {
    let prompt = ask()["questions"][0].clone();
    let table = [
        ("/sessionID", Value::Null, "sessionID"),
        ("/sessionID", json!("a b"), "sessionID"),
        ("/sessionID", json!(1), "sessionID"),
        ("/extra", json!(1), "extra"),
        ("/questions", Value::Null, "questions"),
        ("/questions", json!({}), "questions"),
        ("/questions", json!([]), "questions"),
        ("/questions", json!(vec![prompt; MAX_PROMPTS + 1]), "questions"),
        ("/questions", json!(["Go on?"]), "questions[0]"),
        ("/questions/0/question", json!(""), "questions[0].question"),
        ("/questions/0/question", json!("x".repeat(MAX_TEXT + 1)), "questions[0].question"),
        ("/questions/0/question", json!("é".repeat(MAX_TEXT / 2 + 1)), "questions[0].question"),
        ("/questions/0/header", Value::Null, "questions[0].header"),
        ("/questions/0/header", json!(""), "questions[0].header"),
        ("/questions/0/header", json!("é".repeat(MAX_HEADER + 1)), "questions[0].header"),
        ("/questions/0/multiple", json!("yes"), "questions[0].multiple"),
        ("/questions/0/custom", json!(1), "questions[0].custom"),
        ("/questions/0/colour", json!(1), "questions[0].colour"),
        ("/questions/0/options", Value::Null, "questions[0].options"),
        ("/questions/0/options", json!("Yes"), "questions[0].options"),
        ("/questions/0/options/0", json!("Yes"), "questions[0].options[0]"),
        ("/questions/0/options/0/label", json!(""), "questions[0].options[0].label"),
        ("/questions/0/options/1/label", json!(1), "questions[0].options[1].label"),
        ("/questions/0/options/1/label", json!("Yes"), "questions[0].options[1].label"),
        ("/questions/0/options/1/description", Value::Null, "questions[0].options[1].description"),
        ("/questions/0/options/1/icon", json!(1), "questions[0].options[1].icon"),
        ("/tool", json!("call"), "tool"),
        ("/tool", json!({"callID": "c"}), "tool.messageID"),
        ("/tool", json!({"messageID": "m", "callID": ""}), "tool.callID"),
        ("/tool", json!({"messageID": "m", "callID": "c", "name": "x"}), "tool.name"),
        ("/expires_in_ms", json!(0), "expires_in_ms"),
        ("/expires_in_ms", json!(MAX_TIMEOUT_MS + 1), "expires_in_ms"),
        ("/expires_in_ms", json!(1.5), "expires_in_ms"),
        ("/expires_in_ms", json!("60s"), "expires_in_ms"),
    ];
    for (pointer, value, path) in table {
        assert_eq!(paths(Ask::from_wire(&with(pointer, value.clone()))), [path], "{pointer} {value}");
    }
    for body in [json!(null), json!([]), json!("ask")] {
        assert_eq!(paths(Ask::from_wire(&body)), [""]);
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let body = json!({
        "session": "ses_1",
        "questions": [
            {"header": 1, "options": [{"label": "a"}, {"label": "a", "description": "", "x": 1}], "multiple": 1},
            {"question": "ok?", "header": "ok", "options": [], "custom": false},
        ],
        "expires_in_ms": -1,
    });
    assert_eq!(
        paths(Ask::from_wire(&body)),
        [
            "session",
            "sessionID",
            "questions[0].question",
            "questions[0].header",
            "questions[0].options[0].description",
            "questions[0].options[1].x",
            "questions[0].options[1].label",
            "questions[0].multiple",
            "questions[1].options",
            "expires_in_ms",
        ]
    );
}

#[test]
fn options_may_be_missing_only_where_free_text_is_allowed() {
    assert!(Ask::from_wire(&with("/questions/0/options", json!([]))).is_ok());
    let mut closed = with("/questions/0/options", json!([]));
    closed["questions"][0]["custom"] = json!(false);
    assert_eq!(paths(Ask::from_wire(&closed)), ["questions[0].options"]);
}

#[test]
fn sizes_at_their_bounds_are_accepted_and_above_are_not() {
    let options = |count: usize| (0..count).map(|index| json!({"label": index.to_string(), "description": ""})).collect::<Value>();
    assert!(Ask::from_wire(&with("/questions/0/options", options(MAX_OPTIONS))).is_ok());
    assert_eq!(paths(Ask::from_wire(&with("/questions/0/options", options(MAX_OPTIONS + 1)))), ["questions[0].options"]);
    assert!(Ask::from_wire(&with("/questions/0/question", json!("x".repeat(MAX_TEXT)))).is_ok());
    assert!(Ask::from_wire(&with("/expires_in_ms", json!(MAX_TIMEOUT_MS))).is_ok());
    let mut prompt = ask()["questions"][0].clone();
    prompt["question"] = json!("x".repeat(MAX_TEXT));
    let too_much = with("/questions", json!(vec![prompt; MAX_PROMPTS]));
    assert!(too_much.to_string().len() > MAX_REPEATED);
    assert_eq!(paths(Ask::from_wire(&too_much)), [""]);
}

#[test]
fn answers_are_arrays_of_arrays_of_strings() {
    assert_eq!(Answers::from_wire(&json!({"answers": [["Approve"], [], ["a", "b"]]})), Ok(answers(&[&["Approve"], &[], &["a", "b"]])));
    let table = [
        (json!([]), vec![""]),
        (json!({}), vec!["answers"]),
        (json!({"answers": null}), vec!["answers"]),
        (json!({"answers": "Approve"}), vec!["answers"]),
        (json!({"answers": ["Approve"]}), vec!["answers[0]"]),
        (json!({"answers": [["a"], [1, ""], null]}), vec!["answers[1][0]", "answers[1][1]", "answers[2]"]),
        (json!({"answers": [["x".repeat(MAX_TEXT + 1)]]}), vec!["answers[0][0]"]),
        (json!({"answers": [["a"]], "answer": "a"}), vec!["answer"]),
        (json!({"answers": [vec!["x".repeat(MAX_TEXT); 16]]}), vec!["answers"]),
    ];
    for (body, faults) in table {
        assert_eq!(paths(Answers::from_wire(&body)), faults, "{body:.100}");
    }
}

#[test]
fn answers_are_judged_by_their_question() {
    let table: [(&[&[&str]], &[&str]); 14] = [
        (&[&["Approve"], &["us"]], &[]),
        (&[&[], &[]], &[]),
        (&[&["Reject"], &["us", "eu", "the moon"]], &[]),
        (&[&["Approve"], &["the moon"]], &[]),
        (&[], &["answers"]),
        (&[&["Approve"]], &["answers"]),
        (&[&["Approve"], &["us"], &[]], &["answers"]),
        (&[&["approve"], &[]], &["answers[0][0]"]),
        (&[&["Approve "], &[]], &["answers[0][0]"]),
        (&[&["Approve", "Reject"], &[]], &["answers[0]"]),
        (&[&["Approve", "Approve"], &[]], &["answers[0]", "answers[0][1]"]),
        (&[&["Approve"], &["us", "us"]], &["answers[1][1]"]),
        (&[&["Approve"], &["moon", "us", "moon", "moon"]], &["answers[1][2]", "answers[1][3]"]),
        (&[&["a", "b"], &["us", "us"]], &["answers[0]", "answers[0][0]", "answers[0][1]", "answers[1][1]"]),
    ];
    for (given, faults) in table {
        let checked = answers(given).check(&question());
        let found: Vec<_> = checked.err().unwrap_or_default().0.into_iter().map(|fault| fault.path).collect();
        assert_eq!(found, faults, "{given:?}");
    }
}

#[test]
fn a_reason_is_optional() {
    assert_eq!(reason_from_wire(&json!({})), Ok(None));
    assert_eq!(reason_from_wire(&json!({"reason": null})), Ok(None));
    assert_eq!(reason_from_wire(&json!({"reason": "not now"})), Ok(Some("not now".into())));
    assert_eq!(paths(reason_from_wire(&json!({"reason": 1, "why": 2}))), ["why", "reason"]);
    assert_eq!(paths(reason_from_wire(&json!({"reason": "x".repeat(MAX_TEXT + 1)}))), ["reason"]);
    assert_eq!(paths(reason_from_wire(&json!("no"))), [""]);
}

proptest! {
    #[test]
    fn no_body_panics(body in testing::value()) {
        let _ = (Ask::from_wire(&body), Answers::from_wire(&body), reason_from_wire(&body));
        let _ = Ask::from_wire(&json!({"sessionID": body, "questions": [body], "tool": body, "expires_in_ms": body}));
        let _ = Answers::from_wire(&json!({"answers": [[body], body]}));
    }

    #[test]
    fn answers_that_are_options_pass_and_come_back_as_they_were(one in prop::option::of(0_usize..2), regions in prop::sample::subsequence(vec!["us", "eu"], 0..=2)) {
        let first: Vec<&str> = one.map(|index| ["Approve", "Reject"][index]).into_iter().collect();
        let given = answers(&[&first, &regions]);
        prop_assert_eq!(given.check(&question()), Ok(()));
        let body = json!({"answers": given.to_json()});
        prop_assert_eq!(Answers::from_wire(&body), Ok(given));
    }
}
