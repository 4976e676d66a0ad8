//! What makes a row, how it is stored, what is refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::testing;

fn read(text: &str) -> Result<Row, Faults> {
    Row::from_wire(&RawObject::parse(text).unwrap(), &WorkspaceId::parse("ws_1").unwrap())
}

fn minimal() -> Value {
    json!({
        "tool": "net.fetch", "sessionID": "01HX", "callID": "call_1", "timestamp": 1_717_691_432_000_u64, "status": "ok", "agentName": "research-agent",
    })
}

fn with(name: &str, value: Value) -> String {
    let mut row = minimal();
    row[name] = value;
    row.to_string()
}

fn faults(text: &str) -> Vec<String> {
    read(text).unwrap_err().0.into_iter().map(|fault| fault.path).collect()
}

#[test]
fn a_row_is_stored_as_it_came_with_its_workspace_at_the_end() {
    let text = r#"{ "agentName":"a\u0062", "x" : { "b" : 1.0 , "a" : [ ] }, "workspaceID":"ws_other", "tool":"fs.read","sessionID":"s",
        "callID":"c","timestamp":5,"status":"odd","duration":1.50,"corrections":[ {"from": null} ], "n": null }"#;
    let row = read(text).unwrap();
    let stored = r#"{"agentName":"a\u0062","x":{"b":1.0,"a":[]},"tool":"fs.read","sessionID":"s","callID":"c","timestamp":5,"status":"odd","duration":1.50,"corrections":[{"from":null}],"n":null,"workspaceID":"ws_1"}"#;
    assert_eq!(row.json.as_str(), stored);
    assert_eq!(row.facts.agent_name, "ab");
}

#[test]
fn the_example_of_the_api_is_a_row() {
    let text = r#"{"tool":"fs.read","sessionID":"01HXYZABCDEFGHJKMNPQRSTVW","callID":"call_01HXYZBROWSEFILE","entryID":"entry_01HXYZREADFILE","title":"Read package.json","timestamp":1717691432000,"duration":142,"status":"ok","corrections":[],"target":"/workspace/repo/package.json","agentName":"build-agent","container_id":"ctr_01HXYZ","workspaceID":"ws_1"}"#;
    let row = read(text).unwrap();
    assert_eq!(row.json.as_str(), text);
    let facts = RowFacts {
        tool: "fs.read".into(),
        status: "ok".into(),
        agent_name: "build-agent".into(),
        session_id: "01HXYZABCDEFGHJKMNPQRSTVW".into(),
        call_id: "call_01HXYZBROWSEFILE".into(),
        entry_id: Some("entry_01HXYZREADFILE".into()),
        container_id: Some("ctr_01HXYZ".into()),
        title: Some("Read package.json".into()),
        target: Some("/workspace/repo/package.json".into()),
        timestamp: 1_717_691_432_000,
    };
    assert_eq!(row.facts, facts);
}

#[test]
fn an_optional_null_is_as_if_absent() {
    let mut row = minimal();
    for name in OPTIONAL {
        row[name] = Value::Null;
    }
    let row = read(&row.to_string()).unwrap();
    assert_eq!(row, read(&minimal().to_string()).unwrap());
    assert!(!row.json.as_str().contains("null"));
}

#[test]
fn everything_required_is_named_when_missing() {
    let required = ["tool", "sessionID", "callID", "timestamp", "status", "agentName"];
    assert_eq!(faults("{}"), required);
    for name in required {
        assert_eq!(faults(&with(name, Value::Null)), [name]);
    }
}

#[test]
fn wrong_values_are_named() {
    let long = "x".repeat(MAX_NAME + 1);
    let table = [
        ("tool", json!(1)),
        ("tool", json!("")),
        ("tool", json!("a\nb")),
        ("tool", json!(long)),
        ("status", json!([])),
        ("status", json!("")),
        ("callID", json!("\u{7f}")),
        ("agentName", json!({})),
        ("sessionID", json!("a b")),
        ("sessionID", json!("x".repeat(65))),
        ("sessionID", json!(7)),
        ("entryID", json!("a.b")),
        ("entryID", json!("")),
        ("entryID", json!(false)),
        ("container_id", json!("")),
        ("container_id", json!(1)),
        ("title", json!(1)),
        ("title", json!("x".repeat(MAX_TEXT + 1))),
        ("target", json!(["/"])),
        ("target", json!("é".repeat(MAX_TEXT + 1))),
        ("timestamp", json!("1717691432000")),
        ("timestamp", json!(-1)),
        ("timestamp", json!(1.5)),
        ("timestamp", json!(MAX_SAFE + 1)),
        ("duration", json!(-0.5)),
        ("duration", json!("1")),
        ("duration", json!(true)),
        ("corrections", json!({})),
        ("corrections", json!("[]")),
    ];
    for (name, value) in table {
        assert_eq!(faults(&with(name, value.clone())), [name], "{value}");
    }
}

#[test]
fn values_at_their_bounds_are_rows() {
    let table = [
        ("tool", json!("é".repeat(MAX_NAME))),
        ("title", json!("")),
        ("title", json!("two\nlines")),
        ("target", json!("é".repeat(MAX_TEXT))),
        ("timestamp", json!(0)),
        ("timestamp", json!(MAX_SAFE)),
        ("duration", json!(0)),
        ("duration", json!(0.25)),
        ("sessionID", json!("x".repeat(64))),
        ("corrections", json!([{ "a": 1 }])),
    ];
    for (name, value) in table {
        assert!(read(&with(name, value.clone())).is_ok(), "{name} {value}");
    }
}

#[test]
fn a_row_is_bounded() {
    let room = MAX_BYTES - read(&with("x", json!(""))).unwrap().json.as_str().len();
    assert!(read(&with("x", json!("x".repeat(room)))).is_ok());
    assert_eq!(faults(&with("x", json!("x".repeat(room + 1)))), [""]);
}

#[test]
fn half_a_character_in_a_further_member_is_refused() {
    let text = minimal().to_string().replace('}', r#","x":"\ud83d"}"#);
    assert_eq!(faults(&text), ["x"]);
}

#[test]
fn what_is_no_row_has_no_facts() {
    for text in ["", "[]", "{}", r#"{"tool":"a"}"#] {
        assert_eq!(RowFacts::read(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn stored_rows_read_back_and_keep_further_members(further in testing::object(), title in any::<Option<String>>()) {
        let mut row = minimal();
        row["title"] = title.clone().into();
        for (name, value) in further.as_object().unwrap() {
            row[format!("x{name}")] = value.clone();
        }
        let stored = read(&row.to_string()).unwrap();
        prop_assert_eq!(RowFacts::read(stored.json.as_str()), Some(stored.facts.clone()));
        prop_assert!(!stored.json.as_str().contains(['\n', '\r']));
        if title.is_none() {
            row.as_object_mut().unwrap().shift_remove("title");
        }
        row["workspaceID"] = "ws_1".into();
        prop_assert_eq!(stored.json.as_str(), row.to_string());
    }
}
