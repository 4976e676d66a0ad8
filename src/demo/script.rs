//! From a task to the steps that an agent plays: pure, and the same for the same random numbers.

use rand::RngExt;
use rand::rngs::StdRng;

use super::story::{Ask, Call, Feature, Task};

/// How often a task's check fails at first.
const FAILS: f64 = 0.35;

/// One thing an agent does.
#[derive(Debug)]
pub(super) enum Step {
    /// Uses a tool.
    Use(Deed),
    /// Tells the others something.
    Say(&'static str),
    /// Says how far the task is, in percent, and what comes now.
    Progress(u8, &'static str),
    /// Asks a person, and goes on by the answer.
    Ask(&'static Ask),
}

/// A use of a tool, as it will stand in the log.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deed {
    pub(super) tool: &'static str,
    pub(super) title: String,
    pub(super) target: String,
    pub(super) effort: f64,
    pub(super) status: &'static str,
    /// What the platform put right in the agent's call.
    pub(super) corrections: &'static [&'static str],
}

impl Deed {
    fn new(tool: &'static str, title: String, target: &str, effort: f64) -> Self {
        Self { tool, title, target: target.to_owned(), effort, status: "ok", corrections: &[] }
    }
}

impl From<&Call> for Deed {
    fn from(call: &Call) -> Self {
        let deed = Self::new(call.tool, call.title.to_owned(), call.target, call.effort);
        Self { status: call.status, ..deed }
    }
}

/// The steps before a plan.
pub(super) fn plan(feature: &'static Feature) -> Vec<Step> {
    let mut steps: Vec<Step> = feature.sources.iter().map(|path| Step::Use(read(path))).collect();
    steps.push(Step::Say(feature.goal));
    steps
}

/// The steps of a task.
pub(super) fn task(task: &'static Task, random: &mut StdRng) -> Vec<Step> {
    let mut steps = vec![Step::Use(Deed::new("fs.search", format!("Search for {}", task.search), "src", 0.5))];
    steps.extend(task.files.iter().map(|path| Step::Use(read(path))));
    steps.extend(task.calls.iter().map(|call| Step::Use(call.into())));
    steps.push(Step::Say(task.insight));
    steps.push(Step::Progress(25, "read"));
    steps.extend(task.ask.map(Step::Ask));
    steps.extend(task.files.iter().map(|path| Step::Use(edit(path, random))));
    steps.push(Step::Progress(70, "edited"));
    if random.random_bool(FAILS) {
        let failing = Deed { status: "error", ..check(task.check, random) };
        steps.push(Step::Use(failing));
        steps.push(Step::Say(task.fault));
        steps.push(Step::Progress(80, "mending"));
        steps.push(Step::Use(edit(task.files[random.random_range(0..task.files.len())], random)));
    }
    steps.push(Step::Use(check(task.check, random)));
    steps
}

/// The steps before a release.
pub(super) fn release(random: &mut StdRng) -> Vec<Step> {
    vec![
        Step::Use(Deed::new("git.diff", "Read the whole change once more".to_owned(), "main", 0.6)),
        Step::Use(Deed { effort: 3.0, ..check("make test", random) }),
        Step::Use(Deed::new("fs.edit", "Add a line to the change log".to_owned(), "CHANGELOG.md", 0.5)),
    ]
}

fn read(path: &str) -> Deed {
    Deed::new("fs.read", format!("Read {path}"), path, 0.3)
}

fn edit(path: &str, random: &mut StdRng) -> Deed {
    let corrections: &[&str] = if random.random_bool(0.1) { &["path made relative to the repository"] } else { &[] };
    Deed { corrections, ..Deed::new("fs.edit", format!("Edit {path}"), path, random.random_range(0.6..1.4)) }
}

fn check(command: &'static str, random: &mut StdRng) -> Deed {
    Deed::new("shell.run", format!("Run {command}"), command, random.random_range(1.5..3.0))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::{FAILS, Step, task};
    use crate::demo::story::FEATURES;

    fn steps(seed: u64) -> Vec<Step> {
        task(&FEATURES[0].tasks[1], &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn the_same_numbers_give_the_same_steps() {
        assert_eq!(format!("{:?}", steps(4)), format!("{:?}", steps(4)));
    }

    #[test]
    fn a_task_ends_with_a_check_that_passes() {
        for seed in 0..40 {
            assert!(matches!(steps(seed).last(), Some(Step::Use(deed)) if deed.tool == "shell.run" && deed.status == "ok"));
        }
    }

    #[test]
    fn some_checks_fail_at_first_and_are_mended() {
        let failed = |step: &Step| matches!(step, Step::Use(deed) if deed.status == "error");
        let tasks = (0..200).filter(|&seed| steps(seed).iter().any(failed)).count();
        assert!((tasks as f64 / 200.0 - FAILS).abs() < 0.15, "{tasks} of 200");
    }

    #[test]
    fn a_person_is_asked_before_anything_is_edited() {
        let steps = steps(1);
        let asked = steps.iter().position(|step| matches!(step, Step::Ask(_)));
        let edited = steps.iter().position(|step| matches!(step, Step::Use(deed) if deed.tool == "fs.edit"));
        assert!(asked.is_some() && asked < edited);
    }
}
