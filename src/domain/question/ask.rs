//! The body that asks a question.

use std::collections::HashSet;

use serde_json::Value;

use super::{Choice, Prompt, Question, ToolRef};
use crate::domain::{
    config::{Settings, settings::MAX_TIMEOUT_MS},
    event,
    fault::{Faults, join},
    ids::{QuestionId, SessionId},
    wire::{Body, name_fault},
};

/// The most prompts of one question.
pub const MAX_PROMPTS: usize = 16;
/// The most options of one prompt.
pub const MAX_OPTIONS: usize = 64;
/// The longest text, in bytes.
pub const MAX_TEXT: usize = 4096;
/// The longest header, in characters.
pub const MAX_HEADER: usize = 128;
/// The longest id of a message or a call, in characters.
const MAX_REF: usize = 256;

/// A question before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The session that asks.
    pub session_id: SessionId,
    /// What it asks.
    pub prompts: Vec<Prompt>,
    /// The tool call it came from.
    pub tool: Option<ToolRef>,
    /// How long it waits, in milliseconds; the workspace's default if left out.
    pub expires_in_ms: Option<u64>,
}

impl Ask {
    /// Reads the body of `POST questions`.
    pub fn from_wire(body: &Value) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let ask = read(body, &mut faults);
        match ask {
            Some(ask) if faults.is_empty() => Ok(ask),
            Some(_) | None => Err(faults),
        }
    }

    /// The question, asked at `now` (epoch milliseconds) under `id`.
    pub fn into_question(self, id: QuestionId, now: u64, settings: &Settings) -> Question {
        let wait = self.expires_in_ms.or(settings.default_timeout_ms);
        Question {
            id,
            session_id: self.session_id,
            prompts: self.prompts,
            tool: self.tool,
            asked_at: now,
            expires_at: wait.map(|wait| now.saturating_add(wait)),
        }
    }
}

/// None only where a fault was noted.
fn read(value: &Value, faults: &mut Faults) -> Option<Ask> {
    let body = Body::closed(value, String::new(), &["sessionID", "questions", "tool", "expires_in_ms"], faults)?;
    if value.to_string().len() > event::MAX_REPEATED {
        faults.push("", format!("is larger than {} bytes", event::MAX_REPEATED));
        return None;
    }
    let session_id = body.text("sessionID", faults).and_then(|text| match SessionId::parse(text) {
        Ok(id) => Some(id),
        Err(error) => {
            faults.push(body.path("sessionID"), error.to_string());
            None
        }
    });
    let prompts = prompts(&body, faults);
    let tool = body.optional("tool").and_then(|value| tool(value, body.path("tool"), faults));
    let expires_in_ms = body.integer("expires_in_ms", 1, MAX_TIMEOUT_MS, faults);
    Some(Ask { session_id: session_id?, prompts, tool, expires_in_ms })
}

fn prompts(body: &Body<'_>, faults: &mut Faults) -> Vec<Prompt> {
    let Some(items) = body.list("questions", faults) else {
        return Vec::new();
    };
    let path = body.path("questions");
    if !(1..=MAX_PROMPTS).contains(&items.len()) {
        faults.push(path, format!("must hold 1 to {MAX_PROMPTS} questions"));
        return Vec::new();
    }
    let at = |index| join(&path, &format!("[{index}]"));
    items.iter().enumerate().filter_map(|(index, item)| prompt(item, at(index), faults)).collect()
}

fn prompt(value: &Value, path: String, faults: &mut Faults) -> Option<Prompt> {
    let body = Body::closed(value, path, &["question", "header", "options", "multiple", "custom"], faults)?;
    let question = bounded(&body, "question", 1, faults);
    let header = body.text("header", faults);
    if header.is_some_and(|header| !(1..=MAX_HEADER).contains(&header.chars().count())) {
        faults.push(body.path("header"), format!("must be 1 to {MAX_HEADER} characters"));
    }
    let options = options(&body, faults);
    let multiple = body.flag("multiple", false, faults);
    let custom = body.flag("custom", true, faults);
    let options = options?;
    if options.is_empty() && !custom {
        faults.push(body.path("options"), "must not be empty unless custom answers are allowed");
    }
    Some(Prompt { question: question?, header: header?.to_owned(), options, multiple, custom })
}

fn options(body: &Body<'_>, faults: &mut Faults) -> Option<Vec<Choice>> {
    let items = body.list("options", faults)?;
    if items.len() > MAX_OPTIONS {
        faults.push(body.path("options"), format!("must hold at most {MAX_OPTIONS} options"));
        return None;
    }
    let before = faults.0.len();
    let mut seen = HashSet::new();
    let mut choices = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let path = body.path(&format!("options[{index}]"));
        let Some(option) = Body::closed(item, path, &["label", "description"], faults) else {
            continue;
        };
        let label = bounded(&option, "label", 1, faults);
        let description = bounded(&option, "description", 0, faults);
        if label.as_ref().is_some_and(|label| !seen.insert(label.clone())) {
            faults.push(option.path("label"), "stands more than once");
        }
        if let (Some(label), Some(description)) = (label, description) {
            choices.push(Choice { label, description });
        }
    }
    (faults.0.len() == before).then_some(choices)
}

fn bounded(body: &Body<'_>, name: &str, least: usize, faults: &mut Faults) -> Option<String> {
    let text = body.text(name, faults)?;
    if (least..=MAX_TEXT).contains(&text.len()) {
        return Some(text.to_owned());
    }
    faults.push(body.path(name), format!("must be {least} to {MAX_TEXT} bytes"));
    None
}

fn tool(value: &Value, path: String, faults: &mut Faults) -> Option<ToolRef> {
    let body = Body::closed(value, path, &["messageID", "callID"], faults)?;
    let mut reference = |name| {
        let text = body.text(name, faults)?;
        if let Some(message) = name_fault(text, MAX_REF) {
            faults.push(body.path(name), message);
        }
        Some(text.to_owned())
    };
    let (message_id, call_id) = (reference("messageID"), reference("callID"));
    Some(ToolRef { message_id: message_id?, call_id: call_id? })
}
