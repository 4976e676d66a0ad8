//! The bodies that resolve a question.

use std::collections::HashSet;

use serde_json::Value;

use super::{Prompt, Question, ask::MAX_TEXT};
use crate::domain::{
    event::MAX_REPEATED,
    fault::Faults,
    wire::{self, Body},
};

/// One list of labels, or free texts, for each prompt of a question; an empty one leaves its prompt unanswered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers(pub Vec<Vec<String>>);

impl Answers {
    /// Reads the body of `POST questions/{id}/answer`, as far as it can be judged without the question.
    pub fn from_wire(body: &Value) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let answers = read(body, &mut faults).unwrap_or_default();
        faults.or(Self(answers))
    }

    /// Judges the answers by their question: as many lists as prompts, labels among the options unless free text is allowed, more than one
    /// only where that is allowed, none twice.
    pub fn check(&self, question: &Question) -> Result<(), Faults> {
        let mut faults = Faults::default();
        let (given, asked) = (self.0.len(), question.prompts.len());
        if given != asked {
            faults.push("answers", format!("must hold one array for each question: {asked}, not {given}"));
            return Err(faults);
        }
        for (index, (labels, prompt)) in self.0.iter().zip(&question.prompts).enumerate() {
            check(labels, prompt, index, &mut faults);
        }
        faults.or(())
    }

    /// As the API has them.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(|labels| labels.iter().map(String::as_str).collect::<Value>()).collect()
    }
}

fn check(labels: &[String], prompt: &Prompt, index: usize, faults: &mut Faults) {
    if labels.len() > 1 && !prompt.multiple {
        faults.push(format!("answers[{index}]"), "must hold at most one answer");
    }
    let mut seen = HashSet::new();
    for (place, label) in labels.iter().enumerate() {
        let path = format!("answers[{index}][{place}]");
        if !prompt.custom && !prompt.options.iter().any(|choice| choice.label == *label) {
            faults.push(path.clone(), format!("`{}` is not among the options", wire::shortened(label)));
        }
        if !seen.insert(label) {
            faults.push(path, "stands more than once");
        }
    }
}

/// None only where a fault was noted.
fn read(value: &Value, faults: &mut Faults) -> Option<Vec<Vec<String>>> {
    let body = Body::closed(value, String::new(), &["answers"], faults)?;
    let lists = body.list("answers", faults)?;
    if lists.iter().map(|list| list.to_string().len()).sum::<usize>() > MAX_REPEATED {
        faults.push("answers", format!("is larger than {MAX_REPEATED} bytes"));
        return None;
    }
    Some(lists.iter().enumerate().map(|(index, list)| labels(list, &format!("answers[{index}]"), faults)).collect())
}

fn labels(value: &Value, path: &str, faults: &mut Faults) -> Vec<String> {
    let Some(items) = value.as_array() else {
        faults.push(path, "must be an array of strings");
        return Vec::new();
    };
    let mut labels = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let path = format!("{path}[{place}]");
        let Some(label) = wire::text(item, path.clone(), faults) else {
            continue;
        };
        if !(1..=MAX_TEXT).contains(&label.len()) {
            faults.push(path, format!("must be 1 to {MAX_TEXT} bytes"));
        }
        labels.push(label.to_owned());
    }
    labels
}

/// Reads the body of `POST questions/{id}/reject`.
pub fn reason_from_wire(body: &Value) -> Result<Option<String>, Faults> {
    let mut faults = Faults::default();
    let Some(body) = Body::closed(body, String::new(), &["reason"], &mut faults) else {
        return Err(faults);
    };
    let reason = body.optional("reason").and_then(|value| wire::text(value, body.path("reason"), &mut faults));
    if reason.is_some_and(|reason| reason.len() > MAX_TEXT) {
        faults.push(body.path("reason"), format!("must be at most {MAX_TEXT} bytes"));
    }
    faults.or(reason.map(str::to_owned))
}
