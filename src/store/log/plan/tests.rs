//! The plan over columns finds what the domain's filter finds row by row.

use super::*;
use crate::domain::ids::WorkspaceId;
use crate::domain::json::RawObject;
use crate::domain::logquery;
use crate::domain::row::Row;
use crate::store::columns::{Column, Columns};
use proptest::prelude::*;
use serde_json::json;

/// Few words, so that they meet; cases, characters beyond ASCII with and without another case, such that fold into ASCII, row ends.
fn word() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "read", "Write", "fs", ".", "/", "é", "É", "漢字", "\u{212a}", "k", "İ", "Σ", "ς", " ", "\u{1e}", "\u{1f}",
    ]);
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.concat())
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "d", "e", "f"]).prop_map(str::to_owned)
}

fn row() -> impl Strategy<Value = Row> {
    let optional = || prop::option::of(name());
    let words = || prop::option::of(word());
    ((name(), name(), name(), name()), (optional(), optional(), words(), words()), 0u64..50).prop_map(
        |((tool, status, session, agent), (entry, container, title, target), timestamp)| {
            let body = json!({"tool": tool, "status": status, "sessionID": session, "callID": "call", "agentName": agent, "entryID": entry,
                "container_id": container, "title": title, "target": target, "timestamp": timestamp});
            Row::from_wire(&RawObject::parse(&body.to_string()).unwrap(), &WorkspaceId::parse("w").unwrap()).unwrap()
        },
    )
}

fn filter() -> impl Strategy<Value = LogFilter> {
    let names = || prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(name(), 1..7)];
    let time = || prop::option::weighted(0.2, 0u64..50);
    let words = || prop::option::weighted(0.3, word());
    ((names(), names(), names(), names()), (names(), names()), (time(), time()), (words(), words())).prop_map(
        |((tool, status, session_id, agent_name), (entry_id, container_id), (since, until), (target_prefix, q))| LogFilter {
            tool,
            status,
            session_id,
            agent_name,
            entry_id,
            container_id,
            since,
            until,
            target_prefix,
            q,
            call_id: Vec::new(),
        },
    )
}

/// The naive filter, row by row, with the two separators as the spaces that they are in the column.
fn naive(filter: &LogFilter, rows: &[Row]) -> Vec<u32> {
    let clean = |text: &Option<String>| text.as_ref().map(|text| text.replace(['\u{1e}', '\u{1f}'], " "));
    let filter = LogFilter { q: clean(&filter.q), target_prefix: clean(&filter.target_prefix), ..filter.clone() };
    let matches = |row: &Row| {
        let facts = &row.facts;
        filter.matches(&crate::domain::row::RowFacts { title: clean(&facts.title), target: clean(&facts.target), ..facts.clone() })
    };
    (0..).zip(rows).filter(|(_, row)| matches(row)).map(|(number, _)| number).collect()
}

/// Runs a plan over one block, its text cut into windows of `window` bytes.
fn judged(plan: &Plan, rows: &[Row], window: usize) -> Vec<u32> {
    let columns = Columns::of(rows);
    let (send, pieces) = mpsc::channel(10_000);
    for (number, test) in plan.tests.iter().enumerate() {
        let place = Column::ALL.iter().position(|column| *column == test.column).unwrap();
        let bytes = Bytes::copy_from_slice(&columns.values[place]);
        send.try_send(Piece { at: 0, of: Of::Test(number), bytes }).unwrap();
    }
    if plan.words.is_some() {
        let windows: Vec<&[u8]> = columns.text.as_bytes().chunks(window).collect();
        for (number, bytes) in windows.iter().enumerate() {
            let last = number + 1 == windows.len();
            send.try_send(Piece { at: 0, of: Of::Words { last }, bytes: Bytes::copy_from_slice(bytes) }).unwrap();
        }
    }
    drop(send);
    let mut all = Bits::none();
    all.add_all(0..rows.len() as u32);
    plan.judge(vec![(0, all)], pieces).unwrap()[0].1.rows().collect()
}

proptest! {
    #[test]
    fn a_plan_finds_what_the_filter_finds(rows in prop::collection::vec(row(), 1..150), filter in filter(), window in 1usize..200) {
        match Plan::of(&filter) {
            None => prop_assert!(filter.is_all()),
            Some(plan) => prop_assert_eq!(judged(&plan, &rows, window), naive(&filter, &rows)),
        }
    }
}

#[test]
fn every_other_case_beyond_ascii_is_known() {
    // What `q` counts as one case only must not be the lower case of anything else, or folding ASCII alone would miss it.
    for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32).filter(|c| !c.is_ascii() && !['\u{130}', '\u{212a}'].contains(c)) {
        let folded = c.to_lowercase().to_string();
        assert!(!folded.is_ascii(), "{c:?} folds into ASCII");
        if folded != c.to_string() {
            let back: String = folded.chars().flat_map(char::to_uppercase).collect();
            assert_ne!(back, folded, "{c:?}");
            assert!(logquery::contains(&c.to_string(), &folded));
        }
    }
}

#[test]
fn rows_without_columns_are_gone() {
    let filter = LogFilter { tool: vec!["a".into()], ..LogFilter::default() };
    let plan = Plan::of(&filter).unwrap();
    let (send, pieces) = mpsc::channel(1);
    send.try_send(Piece { at: 0, of: Of::Test(0), bytes: Bytes::from_static(&[0; 8 * 5]) }).unwrap();
    drop(send);
    let mut bits = Bits::none();
    bits.add_all(0..6);
    assert!(plan.judge(vec![(0, bits)], pieces).is_err());
}
