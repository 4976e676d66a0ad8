//! What [`Compact`] keeps, what it takes out and what it refuses.

use std::borrow::Cow;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, ser::PrettyFormatter};

use super::*;
use crate::domain::testing;

fn compact(text: &str) -> Result<String, Fault> {
    Compact::parse(text.as_bytes(), 32).map(Compact::into_string)
}

#[test]
fn only_whitespace_between_tokens_goes() {
    let table = [
        (" {\r\n\t\"a b\" : [ 1 , 2 ]\n} ", r#"{"a b":[1,2]}"#),
        (r#"{"a":" \n \" { "}"#, r#"{"a":" \n \" { "}"#),
        (r#""\\""#, r#""\\""#),
        (r#"[ "\\" , "\"" ]"#, r#"["\\","\""]"#),
        ("[1.0e+5, -0, 0.10, 12345678901234567890123, 1e999]", "[1.0e+5,-0,0.10,12345678901234567890123,1e999]"),
        (r#"{"b":1, "a":2, "b":3}"#, r#"{"b":1,"a":2,"b":3}"#),
        (r#"["\u0041\/", "é\u2028", "😀", "\uD83D\ude00"]"#, "[\"\\u0041\\/\",\"é\\u2028\",\"😀\",\"\\uD83D\\ude00\"]"),
        ("null", "null"),
        (" 7 ", "7"),
    ];
    for (text, kept) in table {
        assert_eq!(compact(text).as_deref(), Ok(kept), "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "{a:1}",
        "[1,]",
        "01",
        "1 2",
        "nul",
        "'a'",
        "\u{feff}{}",
        "{\"a\":\"\n\"}",
        "\"\u{1}\"",
        r#""\x""#,
        r#""\u12""#,
        "NaN",
    ] {
        assert!(matches!(compact(text), Err(Fault::Syntax { .. })), "{text:?}");
    }
    assert!(matches!(compact("{\n  \"a\": ?\n}"), Err(Fault::Syntax { line: 2, column: 8, .. })));
    assert_eq!(Compact::parse(b"\"a\xff\"", 32), Err(Fault::NotUtf8 { offset: 2 }));
}

#[test]
fn half_a_character_is_refused() {
    for (text, offset) in [
        (r#""\ud83d""#, 1),
        (r#"["a\ude00"]"#, 3),
        (r#""\ud83d\ud83d\ude00""#, 1),
        (r#""\ud83da\ude00""#, 1),
        (r#"{"\ud83d":1}"#, 2),
        (r#""\ud83d\\ude00""#, 1),
    ] {
        assert_eq!(compact(text), Err(Fault::LoneSurrogate { offset }), "{text}");
    }
    assert!(compact(r#""\\ud83d""#).is_ok());
}

#[test]
fn only_an_object_is_an_object() {
    assert!(Compact::object(b" {} ", 1).is_ok());
    for text in ["[]", "1", "null", "\"{\""] {
        assert_eq!(Compact::object(text.as_bytes(), 1), Err(Fault::NotAnObject));
    }
}

#[test]
fn depth_counts_containers_inside_of_each_other() {
    for (text, deep) in [("1", 0), ("[]", 1), (r#"{"a":[{}],"b":[]}"#, 3), (r#"["[[[","\"[[",{}]"#, 2), ("]]][", 1)] {
        assert_eq!(depth(text.as_bytes()), deep, "{text}");
    }
    assert!(Compact::parse(b"[[]]", 2).is_ok());
    assert_eq!(Compact::parse(b"[[[]]]", 2), Err(Fault::TooDeep { limit: 2 }));
}

#[test]
fn any_depth_is_judged_without_recursion() {
    let deep = "[".repeat(200_000);
    assert_eq!(Compact::parse(deep.as_bytes(), 32), Err(Fault::TooDeep { limit: 32 }));
    let closed = format!("{deep}{}", "]".repeat(200_000));
    assert_eq!(Compact::parse(closed.as_bytes(), usize::MAX).map(Compact::into_string), Ok(closed));
}

#[test]
fn an_object_keeps_order_and_text_and_the_last_of_a_name() {
    let text = r#" { "z" : 1.0 , "a" : [ 1 ] , "z" : 2e0 , "b" : null , "\u0061" : 3 } "#;
    let object = RawObject::parse(text).unwrap();
    let members: Vec<_> = object.iter().map(|(name, value)| (name, value.get())).collect();
    assert_eq!(members, [("z", "2e0"), ("a", "3"), ("b", "null")]);
    assert_eq!(object.get("a").map(RawValue::get), Some("3"));
    assert!(object.get("c").is_none());
    assert_eq!(object.len(), 3);
    assert!(RawObject::parse("{}").unwrap().is_empty());
}

#[test]
fn what_is_no_object_is_not_opened() {
    assert_eq!(RawObject::parse(" [] ").err(), Some(Fault::NotAnObject));
    for text in ["", "[", "{", "{} {}", "{\"a\"}"] {
        assert!(matches!(RawObject::parse(text), Err(Fault::Syntax { .. })), "{text}");
    }
}

#[test]
fn an_object_of_very_many_members_is_opened_quickly() {
    let names: Vec<String> = (0..200_000).map(|index| format!("\"{}\":{index}", index % 100_000)).collect();
    let object = RawObject::parse(&format!("{{{}}}", names.join(","))).unwrap();
    assert_eq!(object.len(), 100_000);
    assert_eq!(object.iter().next().map(|(name, value)| (name, value.get())), Some(("0", "100000")));
}

#[test]
fn strings_are_read_and_nothing_else() {
    let read = |text: &str| serde_json::from_str::<&RawValue>(text).ok().and_then(|raw| string(raw).map(Cow::into_owned));
    assert_eq!(read(r#""a b""#).as_deref(), Some("a b"));
    assert_eq!(read(r#""a\n\u00e9\"""#).as_deref(), Some("a\né\""));
    assert_eq!(read("\"\"").as_deref(), Some(""));
    for text in ["1", "null", "[\"a\"]", "{\"a\":\"b\"}", r#""\ud83d""#] {
        assert_eq!(read(text), None, "{text}");
    }
}

/// The value, written with `space` between its tokens.
fn spaced(value: &Value, space: &str) -> String {
    let mut out = Vec::new();
    let formatter = PrettyFormatter::with_indent(space.as_bytes());
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter)).unwrap();
    format!("{space}{}{space}", String::from_utf8(out).unwrap())
}

proptest! {
    #[test]
    fn compact_text_is_the_same_document_on_one_line(value in testing::value(), space in "[ \\t\\n\\r]{0,3}") {
        let compact = Compact::parse(spaced(&value, &space).as_bytes(), 32).unwrap();
        prop_assert_eq!(compact.as_str(), value.to_string());
        prop_assert!(!compact.as_str().contains(['\n', '\r']));
        prop_assert_eq!(&serde_json::from_str::<Value>(compact.as_str()).unwrap(), &value);
        prop_assert_eq!(&Compact::from_value(&value), &compact);
        prop_assert_eq!(&Compact::parse(compact.as_str().as_bytes(), 32).unwrap(), &compact);
    }

    #[test]
    fn what_is_accepted_of_arbitrary_text_has_no_line_breaks(text in "[\\[\\]{}:,\"\\\\ud83e0-9a \n\r\t.+-]{0,40}") {
        if let Ok(compact) = Compact::parse(text.as_bytes(), 32) {
            prop_assert!(!compact.as_str().contains(['\n', '\r']));
            prop_assert!(compact.as_str().len() <= text.len());
            prop_assert!(serde_json::from_str::<&RawValue>(compact.as_str()).is_ok());
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Compact::parse(&bytes, 8);
    }

    #[test]
    fn an_object_opens_to_what_a_full_parse_sees(value in testing::object()) {
        let object = RawObject::parse(&value.to_string()).unwrap();
        let opened: serde_json::Map<String, Value> =
            object.iter().map(|(name, raw)| (name.to_owned(), serde_json::from_str(raw.get()).unwrap())).collect();
        prop_assert_eq!(Value::Object(opened), value);
    }
}
