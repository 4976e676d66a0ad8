//! The items of a dump, each as the rest of the service knows it.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::domain::event::{EventType, NewEvent};
use crate::domain::fault::Faults;
use crate::domain::ids::{QuestionId, WorkspaceId};
use crate::domain::json::{self, Compact, RawObject};
use crate::domain::question::{Answers, Ask, Outcome, OutcomeKind, Question};
use crate::domain::row::Row;
use crate::store::restore::Piece;

/// Which list an item is of.
#[derive(Clone, Copy)]
pub enum Item {
    /// `questions`.
    Question,
    /// `outcomes`.
    Outcome,
    /// `events`.
    Event,
    /// `log`.
    Row,
}

/// Reads items.
pub struct Reader<'a> {
    /// Where they go.
    pub workspace: &'a WorkspaceId,
    /// The deepest nesting of what a client once sent.
    pub depth: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DumpEvent<'a> {
    seq: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    payload: &'a RawValue,
    timestamp: u64,
    traceparent: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DumpRow<'a> {
    seq: u64,
    appended_at: u64,
    #[serde(borrow)]
    row: &'a RawValue,
    traceparent: Option<String>,
}

impl Reader<'_> {
    /// Reads one item.
    pub fn piece(&self, item: Item, text: &str) -> Result<Piece, Faults> {
        // The item itself is around what a client once sent.
        if json::depth(text.as_bytes()) > self.depth + 2 {
            return Err(Faults::one("", "is nested too deep"));
        }
        match item {
            Item::Question => question(&mut object(text)?).map(Piece::Question),
            Item::Outcome => outcome(&mut object(text)?).map(|(seq, outcome)| Piece::Outcome(seq, outcome)),
            Item::Event => {
                let event: DumpEvent<'_> = parsed(text)?;
                let kind = EventType::parse(&event.kind).map_err(|error| Faults::one("type", error.to_string()))?;
                let payload = Compact::object(event.payload.get().as_bytes(), self.depth);
                let payload = payload.map_err(|error| Faults::one("payload", error.to_string()))?;
                let event = (event.seq, event.timestamp, NewEvent { kind, payload, traceparent: trace(event.traceparent)? });
                Ok(Piece::Event(event.0, event.1, event.2))
            }
            Item::Row => {
                let row: DumpRow<'_> = parsed(text)?;
                let raw = RawObject::parse(row.row.get()).map_err(|error| Faults::one("row", error.to_string()))?;
                let checked = Row::from_wire(&raw, self.workspace).map_err(|faults| faults.under("row"))?;
                Ok(Piece::Row(row.seq, row.appended_at, trace(row.traceparent)?, checked))
            }
        }
    }
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Faults> {
    serde_json::from_str(text).map_err(|error| Faults::one("", error.to_string()))
}

fn object(text: &str) -> Result<Map<String, Value>, Faults> {
    parsed(text)
}

/// It stands between spaces in what is stored.
fn trace(text: Option<String>) -> Result<Option<String>, Faults> {
    let shape = |text: &String| text.len() == 55 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if text.as_ref().is_none_or(shape) { Ok(text) } else { Err(Faults::one("traceparent", "is no trace context")) }
}

/// Takes the members that are a question's; what is left must be none.
fn question(members: &mut Map<String, Value>) -> Result<Question, Faults> {
    let id = word(members, "id")?;
    let id = QuestionId::parse(&id).map_err(|error| Faults::one("id", error.to_string()))?;
    let asked_at = number(members, "asked_at")?;
    let expires_at = members.contains_key("expires_at").then(|| number(members, "expires_at")).transpose()?;
    let ask = Ask::from_wire(&Value::Object(std::mem::take(members)))?;
    Ok(Question { id, session_id: ask.session_id, prompts: ask.prompts, tool: ask.tool, asked_at, expires_at })
}

fn outcome(members: &mut Map<String, Value>) -> Result<(u64, Outcome), Faults> {
    let seq = number(members, "seq")?;
    let (resolved_by, resolved_at) = (word(members, "resolved_by")?, number(members, "resolved_at")?);
    let kind = match word(members, "outcome")?.as_str() {
        "answered" => {
            let mut body = Map::new();
            body.insert("answers".into(), members.shift_remove("answers").unwrap_or_default());
            OutcomeKind::Answered(Answers::from_wire(&Value::Object(body))?)
        }
        "rejected" => OutcomeKind::Rejected { reason: members.contains_key("reason").then(|| word(members, "reason")).transpose()? },
        "cancelled" => OutcomeKind::Cancelled,
        "expired" => OutcomeKind::Expired,
        _other => return Err(Faults::one("outcome", "must be answered, rejected, cancelled or expired")),
    };
    Ok((seq, Outcome { question: question(members)?, kind, resolved_by, resolved_at }))
}

fn word(members: &mut Map<String, Value>, name: &str) -> Result<String, Faults> {
    match members.shift_remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) | None => Err(Faults::one(name, "must be a string")),
    }
}

fn number(members: &mut Map<String, Value>, name: &str) -> Result<u64, Faults> {
    members.shift_remove(name).and_then(|value| value.as_u64()).ok_or_else(|| Faults::one(name, "must be a whole number"))
}
