//! Which events pass which filters.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn types(lists: &[&str]) -> EventFilter {
    EventFilter::parse(lists, None, None).unwrap()
}

#[test]
fn patterns_match_whole_words() {
    let table = [
        ("todo.*", "todo.created", true),
        ("todo.*", "todo.entry.created", true),
        ("todo.*", "todo", false),
        ("todo.*", "todos.created", false),
        ("todo.*", "a.todo.created", false),
        ("todo.entry.*", "todo.created", false),
        ("question.asked", "question.asked", true),
        ("question.asked", "question.asked.twice", false),
        ("todo.*,question.asked", "question.asked", true),
        ("todo.*,question.asked", "question.answered", false),
        ("*", "anything.at.all", true),
        ("todo.*, build", "build", true),
    ];
    for (list, kind, passes) in table {
        assert_eq!(types(&[list]).matches(kind, &Facts::default()), passes, "{list} {kind}");
    }
    assert!(types(&["todo.*", "build"]).matches("build", &Facts::default()));
}

#[test]
fn no_filter_and_every_type_let_everything_through() {
    assert!(types(&[]).is_all());
    assert!(types(&["todo.*,*"]).is_all());
    assert!(!types(&["todo.*"]).is_all());
    assert!(!EventFilter::parse(&[], Some("s"), None).unwrap().is_all());
    assert!(!EventFilter::parse(&["*"], None, Some("e")).unwrap().is_all());
}

#[test]
fn all_faults_are_told_at_once() {
    let Faults(faults) = EventFilter::parse(&["todo*,,Todo.x", "a.*"], Some("a b"), Some("")).unwrap_err();
    let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["types", "types", "types", "sessionID", "entryID"]);
    for list in ["", "**", "*.created", ".*", "todo.**", "a,"] {
        assert!(EventFilter::parse(&[list], None, None).is_err(), "{list}");
    }
    assert!(EventFilter::parse(&[&vec!["a"; MAX_PATTERNS + 1].join(",")], None, None).is_err());
}

#[test]
fn session_and_entry_must_both_hold() {
    let facts = |payload: serde_json::Value| Facts::read(&payload.to_string());
    let filter = EventFilter::parse(&[], Some("s1"), Some("e1")).unwrap();
    assert!(filter.needs_facts());
    assert!(filter.matches("a", &facts(json!({ "sessionID": "s1", "entryID": "e1" }))));
    assert!(!filter.matches("a", &facts(json!({ "sessionID": "s1", "entryID": "e2" }))));
    assert!(!filter.matches("a", &facts(json!({ "sessionID": "s1" }))));
    assert!(!filter.matches("a", &Facts::default()));
}

#[test]
fn facts_are_the_outermost_strings() {
    let table = [
        (r#"{"sessionID":"s","entryID":"e"}"#, Some("s"), Some("e")),
        (r#"{ "a" : { "sessionID" : "inner" } , "sessionID" : "s" }"#, Some("s"), None),
        (r#"{"session\u0049D":"\u0073","entryID":null}"#, Some("s"), None),
        (r#"{"sessionID":1,"entryID":["e"]}"#, None, None),
        (r#"{"sessionID":"first","sessionID":"last"}"#, Some("last"), None),
        (r#"{"n":1e999,"sessionID":"s"}"#, Some("s"), None),
        ("{}", None, None),
        ("[1]", None, None),
        (r#"{"sessionID":"s""#, None, None),
        ("", None, None),
    ];
    for (payload, session, entry) in table {
        let facts = Facts::read(payload);
        assert_eq!((facts.session.as_deref(), facts.entry.as_deref()), (session, entry), "{payload}");
    }
}

proptest! {
    #[test]
    fn a_prefix_passes_exactly_what_begins_with_its_words(words in "[a-z]{1,3}(\\.[a-z]{1,3}){0,2}", kind in "[a-z]{1,3}(\\.[a-z]{1,3}){0,3}") {
        let passes = types(&[&format!("{words}.*")]).matches(&kind, &Facts::default());
        let (words, kind): (Vec<_>, Vec<_>) = (words.split('.').collect(), kind.split('.').collect());
        prop_assert_eq!(passes, kind.len() > words.len() && kind.starts_with(&words));
    }

    #[test]
    fn no_parameters_panic(list in "\\PC{0,20}", id in "\\PC{0,20}") {
        let _ = EventFilter::parse(&[&list], Some(&id), Some(&id));
    }
}
