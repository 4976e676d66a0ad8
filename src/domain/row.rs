//! Rows of the tool-call log: one call of an agent, reported once, when it has ended. A row is stored as its writer wrote it, further members
//! included, after the known ones were checked; the log is append-only, so nothing here changes a row.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    fault::Faults,
    ids::{EntryId, SessionId, WorkspaceId},
    json::{self, Compact, RawObject},
    wire::{MAX_SAFE, name_fault},
};

/// The largest row, in bytes of its stored text.
pub const MAX_BYTES: usize = 60 * 1024;
/// The longest tool, status, agent, call or container, in characters.
pub const MAX_NAME: usize = 256;
/// The longest title or target, in characters.
pub const MAX_TEXT: usize = 4096;

const OPTIONAL: [&str; 6] = ["duration", "entryID", "title", "corrections", "target", "container_id"];
const WORKSPACE: &str = "workspaceID";

/// A checked row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is stored and shown.
    pub json: Compact,
    /// What filters and indexes know of it.
    pub facts: RowFacts,
}

/// What filters and indexes know of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFacts {
    /// The tool that was called.
    pub tool: String,
    /// How it ended: ok, error, intercepted, cancelled or another word.
    pub status: String,
    /// The agent that called.
    pub agent_name: String,
    /// The agent's session.
    pub session_id: String,
    /// The call.
    pub call_id: String,
    /// The TODO entry it worked on.
    pub entry_id: Option<String>,
    /// The container it ran in.
    pub container_id: Option<String>,
    /// What it did, in words.
    pub title: Option<String>,
    /// What it did it to.
    pub target: Option<String>,
    /// When, epoch milliseconds by the agent's clock.
    pub timestamp: u64,
}

impl Row {
    /// Checks a row that a client sent. What is stored has the members, in the order and with the text they came, without optional ones that
    /// are `null`, and ends with the `workspaceID`, whatever the client wrote there.
    pub fn from_wire(raw: &RawObject, workspace: &WorkspaceId) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let session = |text: &str| SessionId::parse(text).err().map(|error| error.to_string());
        let entry = |text: &str| EntryId::parse(text).err().map(|error| error.to_string());
        let name = |text: &str| name_fault(text, MAX_NAME);
        let long = |text: &str| (text.chars().count() > MAX_TEXT).then(|| format!("must be at most {MAX_TEXT} characters"));
        let facts = RowFacts {
            tool: required(raw, "tool", name, &mut faults),
            session_id: required(raw, "sessionID", session, &mut faults),
            call_id: required(raw, "callID", name, &mut faults),
            timestamp: timestamp(raw, &mut faults),
            status: required(raw, "status", name, &mut faults),
            agent_name: required(raw, "agentName", name, &mut faults),
            entry_id: optional(raw, "entryID", entry, &mut faults),
            title: optional(raw, "title", long, &mut faults),
            target: optional(raw, "target", long, &mut faults),
            container_id: optional(raw, "container_id", name, &mut faults),
        };
        if present(raw, "duration").is_some_and(|value| !serde_json::from_str(value.get()).is_ok_and(|number: f64| number >= 0.0)) {
            faults.push("duration", "must be a number that is not negative");
        }
        if present(raw, "corrections").is_some_and(|value| !value.get().starts_with('[')) {
            faults.push("corrections", "must be an array");
        }
        let json = stored(raw, workspace, &mut faults);
        match json {
            Some(json) if faults.is_empty() => Ok(Self { json, facts }),
            Some(_) | None => Err(faults),
        }
    }
}

impl RowFacts {
    /// Reads them from the stored text of a row; none if this is no row.
    pub fn read(json: &str) -> Option<Self> {
        let (mut tool, mut status, mut agent_name, mut session_id, mut call_id) = (None, None, None, None, None);
        let (mut entry_id, mut container_id, mut title, mut target, mut timestamp) = (None, None, None, None, None);
        json::members(json, |name, value| {
            let place = match &*name {
                "tool" => &mut tool,
                "status" => &mut status,
                "agentName" => &mut agent_name,
                "sessionID" => &mut session_id,
                "callID" => &mut call_id,
                "entryID" => &mut entry_id,
                "container_id" => &mut container_id,
                "title" => &mut title,
                "target" => &mut target,
                "timestamp" => {
                    timestamp = value.get().parse().ok();
                    return;
                }
                _ => return,
            };
            *place = json::string(value).map(Cow::into_owned);
        })
        .ok()?;
        Some(Self {
            tool: tool?,
            status: status?,
            agent_name: agent_name?,
            session_id: session_id?,
            call_id: call_id?,
            entry_id,
            container_id,
            title,
            target,
            timestamp: timestamp?,
        })
    }
}

fn stored(raw: &RawObject, workspace: &WorkspaceId, faults: &mut Faults) -> Option<Compact> {
    let mut text = String::from("{");
    for (name, value) in raw.iter() {
        let left_out = name == WORKSPACE || (OPTIONAL.contains(&name) && is_null(value));
        if left_out {
            continue;
        }
        match Compact::from_raw(value) {
            Ok(value) => {
                text.push_str(Compact::from_value(&name.into()).as_str());
                text.push(':');
                text.push_str(value.as_str());
                text.push(',');
            }
            Err(fault) => {
                faults.push(name, fault.to_string());
                return None;
            }
        }
    }
    text.push_str("\"workspaceID\":\"");
    text.push_str(workspace.as_str());
    text.push_str("\"}");
    if text.len() > MAX_BYTES {
        faults.push("", format!("is larger than {MAX_BYTES} bytes"));
    }
    Some(Compact::trusted(text))
}

fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

fn present<'a>(raw: &'a RawObject, name: &str) -> Option<&'a RawValue> {
    raw.get(name).filter(|value| !is_null(value))
}

/// Empty in place of what is wrong: whoever looks at it sees the faults first.
fn required(raw: &RawObject, name: &str, wrong: impl Fn(&str) -> Option<String>, faults: &mut Faults) -> String {
    if present(raw, name).is_none() {
        faults.push(name, "is missing");
    }
    optional(raw, name, wrong, faults).unwrap_or_default()
}

fn optional(raw: &RawObject, name: &str, wrong: impl Fn(&str) -> Option<String>, faults: &mut Faults) -> Option<String> {
    let Some(text) = json::string(present(raw, name)?) else {
        faults.push(name, "must be a string");
        return None;
    };
    if let Some(message) = wrong(&text) {
        faults.push(name, message);
    }
    Some(text.into_owned())
}

fn timestamp(raw: &RawObject, faults: &mut Faults) -> u64 {
    let Some(value) = present(raw, "timestamp") else {
        faults.push("timestamp", "is missing");
        return 0;
    };
    match value.get().parse() {
        Ok(ms) if ms <= MAX_SAFE => ms,
        Ok(_) | Err(_) => {
            faults.push("timestamp", "must be epoch milliseconds: an integer from 0 to 2^53");
            0
        }
    }
}

#[cfg(test)]
mod tests;
