//! What the agents build: features, their tasks, and what a person is asked on the way. Data only.

mod export;
mod mail;
mod passkeys;
mod search;

/// Everything the team can build, in no order.
pub(super) static FEATURES: &[&Feature] = &[&export::FEATURE, &passkeys::FEATURE, &search::FEATURE, &mail::FEATURE];

/// Asked when all tasks of a feature are done; `{feature}` stands for its title.
pub(super) static RELEASE: Ask = Ask {
    prompts: &[Prompt {
        header: "Ship it",
        question: "All tasks of \"{feature}\" are done and the whole suite is green. Ship it?",
        choices: &[
            Choice {
                label: "Ship it",
                description: "Merge, tag and roll out to everyone.",
                say: "Shipping now.",
                calls: &[
                    call("git.push", "Merge into main and tag the release", "main", 0.8),
                    call("deploy.start", "Roll out to all regions", "production", 2.5),
                ],
            },
            Choice {
                label: "Canary first",
                description: "Roll out to 5 % of the users and look at the errors.",
                say: "Rolling out to 5 % first.",
                calls: &[
                    call("deploy.start", "Roll out to 5 % of the users", "canary", 1.5),
                    call("metrics.query", "Compare error rates of canary and stable", "http_errors_total", 1.0),
                ],
            },
            Choice {
                label: "Hold",
                description: "Keep the branch; somebody will look at it.",
                say: "Holding the branch back.",
                calls: &[call("git.push", "Push the branch without merging it", "origin", 0.5)],
            },
        ],
        multiple: false,
        custom: true,
    }],
    fallback: 2,
};

/// A piece of work that people would name.
#[derive(Debug)]
pub(super) struct Feature {
    pub(super) title: &'static str,
    pub(super) goal: &'static str,
    /// What the planner reads first.
    pub(super) sources: &'static [&'static str],
    pub(super) tasks: &'static [Task],
}

/// A piece of work that one agent does.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) title: &'static str,
    /// What is searched for first.
    pub(super) search: &'static str,
    pub(super) files: &'static [&'static str],
    /// What the agent does besides, before it asks or edits.
    pub(super) calls: &'static [Call],
    /// What it says when it has read enough.
    pub(super) insight: &'static str,
    pub(super) ask: Option<&'static Ask>,
    /// The command that shows the task is done.
    pub(super) check: &'static str,
    /// Why that fails at first, if it does.
    pub(super) fault: &'static str,
}

/// A question to a person.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) prompts: &'static [Prompt],
    /// The choice of the first prompt that an agent takes alone.
    pub(super) fallback: usize,
}

/// One part of a question.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) header: &'static str,
    pub(super) question: &'static str,
    pub(super) choices: &'static [Choice],
    pub(super) multiple: bool,
    pub(super) custom: bool,
}

/// One of the answers offered, and how the agent goes on by it.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) label: &'static str,
    pub(super) description: &'static str,
    pub(super) say: &'static str,
    pub(super) calls: &'static [Call],
}

/// Something done with a tool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) tool: &'static str,
    pub(super) title: &'static str,
    pub(super) target: &'static str,
    /// How long it takes, as a share of an average step.
    pub(super) effort: f64,
    pub(super) status: &'static str,
}

/// A call that goes well.
const fn call(tool: &'static str, title: &'static str, target: &'static str, effort: f64) -> Call {
    Call { tool, title, target, effort, status: "ok" }
}

/// A call that the sandbox stops.
const fn intercepted(tool: &'static str, title: &'static str, target: &'static str) -> Call {
    Call { tool, title, target, effort: 0.4, status: "intercepted" }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Ask, FEATURES, RELEASE};

    fn asks() -> impl Iterator<Item = &'static Ask> {
        let tasks = FEATURES.iter().flat_map(|feature| feature.tasks);
        tasks.filter_map(|task| task.ask).chain([&RELEASE])
    }

    #[test]
    fn questions_fit_the_contract_and_a_shell_line() {
        for prompt in asks().flat_map(|ask| ask.prompts) {
            assert!(prompt.header.len() <= 128 && !prompt.choices.is_empty(), "{}", prompt.header);
            let labels: HashSet<&str> = prompt.choices.iter().map(|choice| choice.label).collect();
            assert_eq!(labels.len(), prompt.choices.len(), "{}", prompt.header);
            assert!(!labels.iter().any(|label| label.contains(['\'', '"', '\\'])), "{labels:?}");
        }
    }

    #[test]
    fn every_fallback_exists() {
        assert!(asks().all(|ask| { ask.prompts.first().is_some_and(|prompt| ask.fallback < prompt.choices.len()) }));
    }

    #[test]
    fn every_feature_asks_something_and_every_task_touches_a_file() {
        for feature in FEATURES {
            assert!(feature.tasks.iter().any(|task| task.ask.is_some()), "{}", feature.title);
            assert!(feature.tasks.iter().all(|task| !task.files.is_empty()), "{}", feature.title);
        }
    }
}
