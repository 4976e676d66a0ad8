//! The debug dump: everything of a workspace at one moment, as one JSON text that is written while it is read.
//!
//! What the service keeps beside it (the log's columns, the questions' index by session, timers) follows from it and is built anew by a
//! restore; `caches` is empty, since no cache of a replica holds what Redis does not.

use std::collections::VecDeque;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Error, Service};
use crate::auth::{Caller, Scope};
use crate::domain::cursor::Epoch;
use crate::domain::ids::WorkspaceId;
use crate::domain::question::{Outcome, Question};
use crate::store;
use crate::store::dump::Dump;
use crate::store::feed::{self, Entry};

/// What a dump says it is.
pub const FORMAT: &str = "downbeat.dump/1";

/// What there is nothing of yet, as it stands between the small sections and the large ones.
const LATER: &str = r#","budgets":{},"reservations":[],"ledger":[],"locks":[],"mailboxes":{},"caches":{}"#;

/// A dump on its way out: pieces of one JSON text.
pub struct DumpText {
    dump: Dump,
    sections: VecDeque<Section>,
    /// Whether the present section has begun.
    open: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Outcomes,
    Events,
    Log,
}

impl Service {
    /// Begins a dump.
    pub async fn dump(&self, caller: &Caller, workspace: &WorkspaceId) -> Result<(String, DumpText), Error> {
        caller.must(Scope::Admin)?;
        let dump = self.store.dump(workspace).await?;
        let head = head(workspace, &dump);
        Ok((head, DumpText { dump, sections: [Section::Outcomes, Section::Events, Section::Log].into(), open: false }))
    }
}

/// All up to the outcomes.
fn head(workspace: &WorkspaceId, dump: &Dump) -> String {
    let still = dump.still();
    let executor: serde_json::Map<String, Value> =
        still.executor.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let head = json!({
        "format": FORMAT,
        "generated_at": still.at,
        "workspaceID": workspace.as_str(),
        "seq": still.seq,
        "epoch": still.epoch.unwrap_or(Epoch::from(0)).to_string(),
        "config": still.config,
        "config_version": still.config_version,
        "executor": executor,
        "todo": {},
        "phases": [],
        "sessions": [],
        "questions": still.questions.iter().map(question).collect::<Vec<_>>(),
    });
    let mut text = head.to_string();
    // The object goes on.
    text.pop();
    text
}

impl DumpText {
    /// The next piece of the text; `None` when it is whole. After an error it stays a fragment.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        let Some(section) = self.sections.front().copied() else { return Ok(None) };
        let items = loop {
            let items: Option<Result<Vec<(u64, String)>, store::Error>> = match section {
                Section::Outcomes => self.dump.outcomes().await?.map(|outcomes| Ok(outcomes.iter().map(outcome).collect())),
                Section::Events => self.dump.events().await?.map(|events| part(&events, event)),
                Section::Log => self.dump.rows().await?.map(|rows| part(&rows, row)),
            };
            match items.transpose()? {
                Some(empty) if empty.is_empty() => {}
                items => break items,
            }
        };
        let mut text = String::new();
        let mut between = ",\n";
        if !self.open {
            text = self.opening(section, items.as_ref().and_then(|items| Some(items.first()?.0)));
            between = "\n";
        }
        self.open = items.is_some();
        if let Some(items) = items {
            for (_, item) in items {
                text.push_str(between);
                text.push_str(&item);
                between = ",\n";
            }
        } else {
            self.sections.pop_front();
            text.push_str(match section {
                Section::Outcomes => "]",
                Section::Events => "]}",
                Section::Log => "]}}\n",
            });
        }
        Ok(Some(text))
    }

    fn opening(&self, section: Section, oldest: Option<u64>) -> String {
        let still = self.dump.still();
        let (before, latest, first) = match section {
            Section::Outcomes => return r#","outcomes":["#.to_owned(),
            Section::Events => (format!("{LATER},\n\"events\""), still.seq, still.first_seq),
            Section::Log => (",\n\"log\"".to_owned(), still.log_seq, still.first_row),
        };
        let oldest = oldest.unwrap_or(latest + 1);
        format!("{before}:{{\"oldest_seq\":{oldest},\"latest_seq\":{latest},\"first_seq\":{first},\"items\":[")
    }
}

/// A pending question: as the API shows it, and its times.
fn question(question: &Question) -> Value {
    let mut shown = question.to_json();
    shown["asked_at"] = question.asked_at.into();
    if let Some(at) = question.expires_at {
        shown["expires_at"] = at.into();
    }
    shown
}

fn outcome((seq, outcome): &(u64, Outcome)) -> (u64, String) {
    let mut shown = outcome.to_history_json();
    shown["seq"] = (*seq).into();
    (*seq, shown.to_string())
}

fn part(entries: &[Entry], write: fn(u64, &feed::Parts<'_>, &mut String)) -> Result<Vec<(u64, String)>, store::Error> {
    let one = |entry: &Entry| {
        let parts = feed::parts(&entry.line)?;
        let mut text = String::with_capacity(entry.line.len() + 64);
        write(entry.seq, &parts, &mut text);
        if let Some(trace) = parts.traceparent {
            // A trace context is hexadecimal digits.
            let _ = write!(text, ",\"traceparent\":\"{trace}\"");
        }
        text.push('}');
        Ok((entry.seq, text))
    };
    entries.iter().map(one).collect()
}

/// Writing to a String cannot fail; a type and a time hold nothing that JSON escapes, and payloads are JSON.
fn event(seq: u64, parts: &feed::Parts<'_>, text: &mut String) {
    let feed::Parts { at, kind, traceparent: _, payload } = parts;
    let _ = write!(text, "{{\"seq\":{seq},\"type\":\"{kind}\",\"payload\":{payload},\"timestamp\":{at}");
}

fn row(seq: u64, parts: &feed::Parts<'_>, text: &mut String) {
    let feed::Parts { at, kind: _, traceparent: _, payload } = parts;
    let _ = write!(text, "{{\"seq\":{seq},\"appended_at\":{at},\"row\":{payload}");
}
