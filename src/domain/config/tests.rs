//! RFC 7396 by its own examples, and what the service makes of a patch.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::{testing, wire::MAX_SAFE};

/// RFC 7396, Appendix A: target, patch, result.
#[test]
fn the_examples_of_rfc_7396_hold() {
    let table = [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
        (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
        (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a": "b"}), json!(["c"]), json!(["c"])),
        (json!({"a": "foo"}), json!(null), json!(null)),
        (json!({"a": "foo"}), json!("bar"), json!("bar")),
        (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
        (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
        (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
    ];
    for (target, change, result) in table {
        assert_eq!(merge_patch(target.clone(), &change), result, "{target} + {change}");
    }
}

#[test]
fn removing_a_member_keeps_the_order_of_the_others() {
    let merged = merge_patch(json!({"a": 1, "b": 2, "c": 3, "d": 4}), &json!({"a": null, "e": 5, "c": 6}));
    assert_eq!(merged.to_string(), r#"{"b":2,"c":6,"d":4,"e":5}"#);
}

#[test]
fn an_empty_configuration_has_the_defaults() {
    let settings = Settings::read(&json!({})).unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!((settings.events.max_count, settings.log.max_count), (100_000, 1_000_000));
    assert_eq!((settings.max_pending_per_session, settings.default_timeout_ms), (1, None));
}

#[test]
fn known_keys_are_read_and_unknown_ones_kept() {
    let doc = json!({
        "retention": {"events": {"max_count": 10, "max_age_ms": 20, "more": {}}, "log": {"max_bytes": 30}, "else": 1},
        "questions": {"max_pending_per_session": 3, "default_timeout_ms": 60000},
        "executor": {"max_workers": 4, "lease_ms": 5000},
        "redact": ["sk-*", "password"],
        "theme": {"dark": true},
    });
    let patched = patch(&json!({}), 0, &doc).unwrap();
    assert_eq!(patched.doc, doc);
    assert_eq!(
        patched.settings,
        Settings {
            events: Retention { max_count: 10, max_age_ms: Some(20), max_bytes: None },
            log: Retention { max_count: 1_000_000, max_age_ms: None, max_bytes: Some(30) },
            max_pending_per_session: 3,
            default_timeout_ms: Some(60_000),
            max_workers: Some(4),
            lease_ms: Some(5000),
            redact: vec!["sk-*".into(), "password".into()],
        }
    );
}

#[test]
fn a_wrong_known_key_is_named() {
    let table = [
        (json!({"retention": {"events": {"max_count": 0}}}), "retention.events.max_count"),
        (json!({"retention": {"events": {"max_count": "10"}}}), "retention.events.max_count"),
        (json!({"retention": {"events": {"max_count": -1}}}), "retention.events.max_count"),
        (json!({"retention": {"events": {"max_count": 1.5}}}), "retention.events.max_count"),
        (json!({"retention": {"events": {"max_count": MAX_SAFE + 1}}}), "retention.events.max_count"),
        (json!({"retention": {"events": {"max_age_ms": 0}}}), "retention.events.max_age_ms"),
        (json!({"retention": {"events": {"max_bytes": true}}}), "retention.events.max_bytes"),
        (json!({"retention": {"log": {"max_count": []}}}), "retention.log.max_count"),
        (json!({"retention": {"log": {"max_age_ms": {}}}}), "retention.log.max_age_ms"),
        (json!({"retention": {"log": {"max_bytes": 0}}}), "retention.log.max_bytes"),
        (json!({"retention": {"log": 1}}), "retention.log"),
        (json!({"retention": []}), "retention"),
        (json!({"questions": {"max_pending_per_session": 0}}), "questions.max_pending_per_session"),
        (json!({"questions": {"max_pending_per_session": 1001}}), "questions.max_pending_per_session"),
        (json!({"questions": {"default_timeout_ms": 0}}), "questions.default_timeout_ms"),
        (json!({"questions": {"default_timeout_ms": settings::MAX_TIMEOUT_MS + 1}}), "questions.default_timeout_ms"),
        (json!({"questions": "many"}), "questions"),
        (json!({"executor": {"max_workers": 0}}), "executor.max_workers"),
        (json!({"executor": {"max_workers": 5_000_000_000_u64}}), "executor.max_workers"),
        (json!({"executor": {"lease_ms": "1s"}}), "executor.lease_ms"),
        (json!({"redact": "secret"}), "redact"),
        (json!({"redact": ["ok", 1]}), "redact[1]"),
        (json!({"redact": [""]}), "redact[0]"),
    ];
    for (change, path) in table {
        let Faults(faults) = patch(&json!({"kept": 1}), 3, &change).unwrap_err();
        let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, [path], "{change}");
    }
}

#[test]
fn all_wrong_keys_are_told_at_once() {
    let change = json!({"retention": {"events": {"max_count": 0, "max_bytes": "x"}, "log": 1}, "questions": [], "redact": [1, 2]});
    let Faults(faults) = patch(&json!({}), 0, &change).unwrap_err();
    let paths: Vec<_> = faults.into_iter().map(|fault| fault.path).collect();
    assert_eq!(paths, ["retention.events.max_count", "retention.events.max_bytes", "retention.log", "questions", "redact[0]", "redact[1]"]);
}

#[test]
fn only_a_bounded_object_is_a_patch() {
    for change in [json!(null), json!([]), json!("a"), json!(1)] {
        assert_eq!(patch(&json!({}), 0, &change), Err(Faults::one("", "must be an object")), "{change}");
    }
    assert!(patch(&json!({}), 0, &json!({"a": "x".repeat(event::MAX_REPEATED)})).is_err());
    let full = json!({"a": "x".repeat(MAX_BYTES - 9)});
    assert!(patch(&full, 1, &json!({"b": 1})).is_err());
    assert!(patch(&full, 1, &json!({"a": null})).is_ok());
}

#[test]
fn a_change_is_one_write_and_one_event() {
    let patched = patch(&json!({"a": 1}), 4, &json!({"b": {"c": 2}})).unwrap();
    assert_eq!((patched.version, patched.changed), (5, true));
    let txn = patched.to_txn(4, 99);
    assert_eq!(txn.expect, [Expect::ConfigVersion(4)]);
    assert_eq!(txn.writes, [Write::Config { version: 5, doc: json!({"a": 1, "b": {"c": 2}}), settings: Settings::default() }]);
    let events: Vec<_> = txn.events.iter().map(|event| (event.kind.as_str(), event.payload.as_str())).collect();
    assert_eq!(events, [("config.updated", r#"{"version":5,"patch":{"b":{"c":2}}}"#)]);
}

#[test]
fn no_change_is_no_write_and_no_event() {
    for change in [json!({}), json!({"a": 1}), json!({"gone": null}), json!({"o": {}}), json!({"o": {"y": 2, "x": 1}})] {
        let patched = patch(&json!({"a": 1, "o": {"x": 1, "y": 2}}), 4, &change).unwrap();
        assert_eq!((patched.version, patched.changed), (4, false), "{change}");
        let txn = patched.to_txn(4, 99);
        assert_eq!(txn.expect, [Expect::ConfigVersion(4)]);
        assert!(txn.is_empty(), "{change}");
    }
}

#[test]
fn a_new_retention_is_due_at_once() {
    let timer = Write::SetTimer { at: 99, timer: Timer::Retention };
    let doc = json!({"retention": {"log": {"max_age_ms": 5}}});
    let table = [
        (json!({"retention": {"events": {"max_count": 7}}}), true),
        (json!({"retention": {"log": {"max_age_ms": null}}}), true),
        (json!({"retention": null}), true),
        (json!({"retention": {"events": {"max_count": 100_000}}}), false),
        (json!({"retention": {"note": 1}}), false),
        (json!({"questions": {"max_pending_per_session": 2}}), false),
        (json!({"retention": {"log": {"max_age_ms": 5}}}), false),
    ];
    for (change, due) in table {
        let txn = patch(&doc, 1, &change).unwrap().to_txn(1, 99);
        assert_eq!(txn.writes.contains(&timer), due, "{change}");
    }
}

/// Whether a member of an object is `null`, anywhere outside of arrays: a merge never leaves one that was not there.
fn holds_null_member(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.values().any(|member| member.is_null() || holds_null_member(member)))
}

proptest! {
    #[test]
    fn patching_twice_is_patching_once(target in testing::value(), change in testing::value()) {
        let once = merge_patch(target, &change);
        prop_assert_eq!(merge_patch(once.clone(), &change), once);
    }

    #[test]
    fn an_empty_patch_changes_no_object(target in testing::object()) {
        prop_assert_eq!(merge_patch(target.clone(), &json!({})), target);
    }

    #[test]
    fn a_patch_replaces_what_is_no_object(change in testing::object(), target in prop_oneof![Just(json!(1)), Just(json!([1])), Just(Value::Null)]) {
        prop_assert_eq!(merge_patch(target, &change), merge_patch(json!({}), &change));
    }

    #[test]
    fn every_member_is_its_patch_or_as_it_was(target in testing::object(), change in testing::object()) {
        let merged = merge_patch(target.clone(), &change);
        let (merged, target, change) = (merged.as_object().unwrap(), target.as_object().unwrap(), change.as_object().unwrap());
        for name in target.keys().chain(change.keys()) {
            match change.get(name) {
                None => prop_assert_eq!(merged.get(name), target.get(name)),
                Some(Value::Null) => prop_assert_eq!(merged.get(name), None),
                Some(member) => {
                    let before = target.get(name).cloned().unwrap_or(Value::Null);
                    prop_assert_eq!(merged.get(name), Some(&merge_patch(before, member)));
                }
            }
        }
        prop_assert!(merged.keys().all(|name| target.contains_key(name) || change.contains_key(name)));
    }

    #[test]
    fn no_null_is_left_behind(change in testing::object()) {
        let merged = merge_patch(Value::Null, &change);
        prop_assert!(!holds_null_member(&merged));
    }

    #[test]
    fn patches_of_different_keys_may_come_in_any_order(target in testing::object(), a in testing::value(), b in testing::value()) {
        let (a, b) = (json!({"a": a}), json!({"b": b}));
        let ab = merge_patch(merge_patch(target.clone(), &a), &b);
        prop_assert_eq!(ab, merge_patch(merge_patch(target, &b), &a));
    }

    #[test]
    fn no_configuration_panics(doc in testing::value(), change in testing::value()) {
        let _ = patch(&doc, 1, &change);
    }
}
