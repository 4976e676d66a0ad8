//! Questions and outcomes as the API shows them.

use serde_json::{Map, Value, json};

use super::{Outcome, OutcomeKind, Prompt, Question};

impl Question {
    /// The public shape: `id`, `sessionID`, `questions` and, if there is one, `tool`.
    pub fn to_json(&self) -> Value {
        Value::Object(self.shape())
    }

    fn shape(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("id".into(), self.id.as_str().into());
        members.insert("sessionID".into(), self.session_id.as_str().into());
        members.insert("questions".into(), self.prompts.iter().map(prompt).collect());
        if let Some(tool) = &self.tool {
            members.insert("tool".into(), json!({ "messageID": tool.message_id, "callID": tool.call_id }));
        }
        members
    }
}

fn prompt(prompt: &Prompt) -> Value {
    let option = |choice: &super::Choice| json!({ "label": choice.label, "description": choice.description });
    json!({
        "question": prompt.question,
        "header": prompt.header,
        "options": prompt.options.iter().map(option).collect::<Vec<_>>(),
        "multiple": prompt.multiple,
        "custom": prompt.custom,
    })
}

impl Outcome {
    /// What the asking agent is told: `outcome`, `answers` or `reason` if there are any, `resolved_by`, `resolved_at`.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        self.resolution(&mut members);
        Value::Object(members)
    }

    /// What the history shows: the question, when it was asked, and how it ended.
    pub fn to_history_json(&self) -> Value {
        let mut members = self.question.shape();
        members.insert("asked_at".into(), self.question.asked_at.into());
        if let Some(at) = self.question.expires_at {
            members.insert("expires_at".into(), at.into());
        }
        self.resolution(&mut members);
        Value::Object(members)
    }

    fn resolution(&self, members: &mut Map<String, Value>) {
        members.insert("outcome".into(), self.kind.as_str().into());
        match &self.kind {
            OutcomeKind::Answered(answers) => {
                members.insert("answers".into(), answers.to_json());
            }
            OutcomeKind::Rejected { reason: Some(reason) } => {
                members.insert("reason".into(), reason.as_str().into());
            }
            OutcomeKind::Rejected { reason: None } | OutcomeKind::Cancelled | OutcomeKind::Expired => {}
        }
        members.insert("resolved_by".into(), self.resolved_by.as_str().into());
        members.insert("resolved_at".into(), self.resolved_at.into());
    }
}
