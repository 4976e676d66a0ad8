//! A question of the story as the service takes it and as a person reads it, and how an agent goes on by its outcome. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::story::{Ask, Call, Choice};

/// How an agent goes on.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    /// What it says to the others.
    pub(super) say: String,
    /// What it does.
    pub(super) calls: Vec<&'static Call>,
    /// The answer in short, as it stands in later events.
    pub(super) answer: String,
    /// A person answered.
    pub(super) by_a_person: bool,
}

/// The body of `POST questions`.
pub(super) fn body(ask: &Ask, feature: &str, session: &str, tool: &Value, patience: Duration) -> Value {
    let prompts: Vec<Value> = ask
        .prompts
        .iter()
        .map(|prompt| {
            let options = prompt.choices.iter().map(|choice| json!({"label": choice.label, "description": choice.description}));
            json!({
                "question": prompt.question.replace("{feature}", feature),
                "header": prompt.header,
                "options": options.collect::<Vec<Value>>(),
                "multiple": prompt.multiple,
                "custom": prompt.custom,
            })
        })
        .collect();
    json!({"sessionID": session, "questions": prompts, "tool": tool, "expires_in_ms": patience.as_millis() as u64})
}

/// What a person sees on the terminal: the question, its choices, and a line that answers it.
pub(super) fn shown(ask: &Ask, feature: &str, url: &str) -> String {
    let mut text = String::from("asks:\n");
    for prompt in ask.prompts {
        let _ = writeln!(text, "    {}: {}", prompt.header, prompt.question.replace("{feature}", feature));
        let width = prompt.choices.iter().map(|choice| choice.label.chars().count()).max().unwrap_or(0);
        for choice in prompt.choices {
            let _ = writeln!(text, "      {:width$}  {}", choice.label, choice.description);
        }
        if prompt.multiple || prompt.custom {
            let several = if prompt.multiple { "several may be chosen" } else { "or your own words" };
            let _ = writeln!(text, "      ({several})");
        }
    }
    let answers: Vec<[&str; 1]> = ask.prompts.iter().filter_map(|prompt| Some([prompt.choices.first()?.label])).collect();
    let answers = json!({"answers": answers});
    let _ = write!(text, "    curl -sS {url}/answer -H 'Content-Type: application/json' -d '{answers}'");
    text
}

/// How the agent goes on by the outcome that the service told.
pub(super) fn decide(ask: &Ask, outcome: &Value) -> Decision {
    match outcome["outcome"].as_str() {
        Some("answered") => answered(ask, &outcome["answers"]),
        Some("rejected") => {
            let reason = outcome["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
            alone(ask, &format!("The question was turned down{reason}"), true)
        }
        Some("expired") => alone(ask, "Nobody answered in time", false),
        Some(_) | None => alone(ask, "The question is gone", false),
    }
}

/// How the agent goes on when it cannot ask.
pub(super) fn alone(ask: &Ask, why: &str, by_a_person: bool) -> Decision {
    let fallback = ask.prompts.first().and_then(|prompt| prompt.choices.get(ask.fallback));
    let label = fallback.map_or("nothing", |choice| choice.label);
    Decision {
        say: format!("{why}; going on with \"{label}\"."),
        calls: fallback.iter().flat_map(|choice| choice.calls).collect(),
        answer: label.to_owned(),
        by_a_person,
    }
}

fn answered(ask: &Ask, answers: &Value) -> Decision {
    let mut decision = Decision { say: String::new(), calls: Vec::new(), answer: String::new(), by_a_person: true };
    for (prompt, given) in ask.prompts.iter().zip(answers.as_array().into_iter().flatten()) {
        for label in given.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let choice: Option<&Choice> = prompt.choices.iter().find(|choice| choice.label == label);
            let said = choice.map_or_else(|| format!("Noted: {label}"), |choice| choice.say.to_owned());
            append(&mut decision.say, " ", &said);
            append(&mut decision.answer, ", ", label);
            decision.calls.extend(choice.iter().flat_map(|choice| choice.calls));
        }
    }
    if decision.answer.is_empty() {
        return alone(ask, "The question was left open", true);
    }
    decision
}

fn append(text: &mut String, between: &str, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str(between);
    }
    text.push_str(more);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{body, decide, shown};
    use crate::demo::story::RELEASE;

    fn tools(outcome: &Value) -> Vec<&'static str> {
        decide(&RELEASE, outcome).calls.iter().map(|call| call.tool).collect()
    }

    #[test]
    fn an_agent_goes_on_by_the_answer() {
        let answered = json!({"outcome": "answered", "answers": [["Canary first"]]});
        assert_eq!(tools(&answered), ["deploy.start", "metrics.query"]);
        assert_eq!(decide(&RELEASE, &answered).answer, "Canary first");
    }

    #[test]
    fn own_words_are_noted() {
        let decision = decide(&RELEASE, &json!({"outcome": "answered", "answers": [["after lunch"]]}));
        assert_eq!((decision.say.as_str(), decision.calls.len()), ("Noted: after lunch", 0));
    }

    #[test]
    fn without_an_answer_the_agent_takes_the_safe_way() {
        for outcome in ["expired", "rejected", "cancelled"] {
            assert_eq!(tools(&json!({"outcome": outcome})), ["git.push"], "{outcome}");
        }
        assert_eq!(tools(&json!({"outcome": "answered", "answers": [[]]})), ["git.push"]);
    }

    #[test]
    fn a_person_gets_a_line_that_answers() {
        let text = shown(&RELEASE, "Exports", "http://h/questions/que_1");
        assert!(text.contains("All tasks of \"Exports\" are done"), "{text}");
        assert!(text.ends_with(r#"-d '{"answers":[["Ship it"]]}'"#), "{text}");
    }

    #[test]
    fn the_body_carries_the_deadline() {
        let body = body(&RELEASE, "Exports", "ses_1", &json!({}), Duration::from_mins(3));
        assert_eq!(body["expires_in_ms"], json!(180_000));
        assert_eq!(body["questions"][0]["options"][2]["label"], json!("Hold"));
    }
}
