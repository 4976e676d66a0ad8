//! Arbitrary JSON for the property tests of this module.

use proptest::prelude::*;
use serde_json::{Map, Value};

/// Any value, nested up to four levels. Numbers are integers, for floats are not read back bit by bit.
pub(super) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ \\t\\n\\r\"\\\\{}\\[\\]:,a]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array), members(inner).prop_map(Value::Object),]
    })
}

/// Any object; names are few, so that two objects share some.
pub(super) fn object() -> impl Strategy<Value = Value> {
    members(value()).prop_map(Value::Object)
}

fn members(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![4 => "[a-d]", 1 => any::<String>()];
    prop::collection::vec((name, inner), 0..6).prop_map(|all| all.into_iter().collect())
}
