//! Which rows pass which filters.

use super::*;

const NOW: u64 = 1_717_691_432_000;

fn facts() -> RowFacts {
    RowFacts {
        tool: "fs.read".into(),
        status: "ok".into(),
        agent_name: "build-agent".into(),
        session_id: "ses_1".into(),
        call_id: "call_1".into(),
        entry_id: Some("entry_1".into()),
        container_id: None,
        title: Some("Read Package.json".into()),
        target: Some("/workspace/Größe/package.json".into()),
        timestamp: NOW,
    }
}

fn filter(pairs: &[(&str, &str)]) -> Result<LogFilter, Fault> {
    let mut filter = LogFilter::default();
    for (name, value) in pairs {
        assert!(filter.take(name, value, NOW)?, "{name} is a filter");
    }
    Ok(filter)
}

#[test]
fn same_names_are_alternatives_and_different_names_must_all_hold() {
    let table: [(&[(&str, &str)], bool); 29] = [
        (&[], true),
        (&[("tool", "fs.read")], true),
        (&[("tool", "fs.write")], false),
        (&[("tool", "fs")], false),
        (&[("tool", "fs.write,fs.read")], true),
        (&[("tool", "fs.write"), ("tool", "fs.read")], true),
        (&[("tool", "fs.read"), ("status", "error")], false),
        (&[("status", "ok"), ("agentName", "build-agent")], true),
        (&[("sessionID", "ses_1"), ("callID", "call_1")], true),
        (&[("sessionID", "ses_2")], false),
        (&[("callID", "call_2")], false),
        (&[("entryID", "entry_1")], true),
        (&[("entryID", "entry_2")], false),
        (&[("container_id", "ctr_1")], false),
        (&[("target", "/workspace/")], true),
        (&[("target", "workspace")], false),
        (&[("target", "/Workspace")], false),
        (&[("since", "1717691432000")], true),
        (&[("since", "1717691432001")], false),
        (&[("until", "1717691432000")], true),
        (&[("until", "1717691431999")], false),
        (&[("since", "15m"), ("until", "2024-06-06T16:30:32Z")], true),
        (&[("until", "15m")], false),
        (&[("q", "package.JSON")], true),
        (&[("q", "read p")], true),
        (&[("q", "GRÖSSE")], false),
        (&[("q", "GRÖ")], true),
        (&[("q", "write")], false),
        (&[("q", "a string that is longer than both of the texts together are, by far")], false),
    ];
    for (pairs, passes) in table {
        assert_eq!(filter(pairs).unwrap().matches(&facts()), passes, "{pairs:?}");
    }
}

#[test]
fn what_a_row_does_not_have_does_not_match() {
    let bare = RowFacts { entry_id: None, title: None, target: None, ..facts() };
    for pair in [("entryID", "entry_1"), ("target", "/"), ("q", "r")] {
        assert!(!filter(&[pair]).unwrap().matches(&bare), "{pair:?}");
    }
}

#[test]
fn only_filters_are_taken() {
    for name in ["page", "limit", "order", "format", "after", "Tool", "sessionId"] {
        assert_eq!(LogFilter::default().take(name, "1", NOW), Ok(false), "{name}");
    }
    assert!(filter(&[]).unwrap().is_all());
    for name in ["tool", "status", "sessionID", "callID", "entryID", "agentName", "container_id", "target", "since", "until", "q"] {
        assert!(!filter(&[(name, "1")]).unwrap().is_all(), "{name}");
    }
}

#[test]
fn bad_values_are_named() {
    let many = vec!["x"; 100].join(",");
    let distinct = (0..=MAX_VALUES).map(|index| index.to_string()).collect::<Vec<_>>().join(",");
    let long = "x".repeat(MAX_VALUE + 1);
    assert!(filter(&[("tool", &many)]).is_ok());
    for pair in
        [("tool", ""), ("tool", "a,"), ("tool", &distinct), ("q", ""), ("q", &long), ("target", ""), ("since", "yesterday"), ("until", "")]
    {
        assert_eq!(filter(&[pair]).unwrap_err().path, pair.0, "{pair:?}");
    }
    for name in ["q", "target", "since", "until"] {
        assert_eq!(filter(&[(name, "1"), (name, "2")]).unwrap_err().path, name);
    }
}
