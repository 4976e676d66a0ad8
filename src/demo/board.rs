//! The team's board: what is to be done next, and which plan it belongs to. Agents take from it and put back; it knows nothing of them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::story::{FEATURES, Feature, Task};

/// Work that waits to be taken.
#[derive(Debug)]
pub(super) struct Board {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    random: StdRng,
    /// Features of this round that were not planned yet, the next one last.
    features: Vec<&'static Feature>,
    waiting: VecDeque<Work>,
    /// Tasks that are not done, by plan.
    open: HashMap<u64, (&'static Feature, usize)>,
    /// An agent is about to put tasks on the board.
    planning: bool,
    plans: u64,
}

/// What an agent does next.
#[derive(Debug)]
pub(super) enum Work {
    /// Plan a feature, then call [`Board::planned`].
    Plan { plan: u64, feature: &'static Feature },
    /// Do a task, then call [`Board::done`].
    Task(Job),
    /// All tasks of a plan are done: see whether it can be shipped.
    Release { plan: u64, feature: &'static Feature },
    /// Nothing now; look again later.
    Rest,
}

/// A task of a plan.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) plan: u64,
    /// Its place in the plan, which with the plan's number says what happens in it.
    pub(super) place: usize,
    pub(super) task: &'static Task,
    pub(super) entry_id: String,
}

impl Board {
    pub(super) fn new(seed: u64) -> Self {
        let inner = Inner {
            random: StdRng::seed_from_u64(seed),
            features: Vec::new(),
            waiting: VecDeque::new(),
            open: HashMap::new(),
            planning: false,
            plans: 0,
        };
        Self { inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next piece of work. When nothing waits, one agent plans the next feature.
    pub(super) fn take(&self) -> Work {
        let mut inner = self.inner();
        if let Some(work) = inner.waiting.pop_front() {
            return work;
        }
        if inner.planning {
            return Work::Rest;
        }
        if inner.features.is_empty() {
            let mut round = FEATURES.to_vec();
            round.shuffle(&mut inner.random);
            inner.features = round;
        }
        let Some(feature) = inner.features.pop() else {
            return Work::Rest;
        };
        inner.planning = true;
        inner.plans += 1;
        Work::Plan { plan: inner.plans, feature }
    }

    /// Puts the tasks of a plan on the board, named by `entries` in their order.
    pub(super) fn planned(&self, plan: u64, feature: &'static Feature, entries: Vec<String>) {
        let mut inner = self.inner();
        inner.planning = false;
        inner.open.insert(plan, (feature, entries.len()));
        for (place, (task, entry_id)) in feature.tasks.iter().zip(entries).enumerate() {
            inner.waiting.push_back(Work::Task(Job { plan, place, task, entry_id }));
        }
    }

    /// A task of this plan is done.
    pub(super) fn done(&self, plan: u64) {
        let mut inner = self.inner();
        let Some((feature, open)) = inner.open.get_mut(&plan) else {
            return;
        };
        *open -= 1;
        if *open == 0 {
            let feature = *feature;
            inner.open.remove(&plan);
            inner.waiting.push_front(Work::Release { plan, feature });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Board, FEATURES, Work};

    /// Works everything off, one plan after the other, and tells the titles of what came.
    fn story(seed: u64, plans: u64) -> Vec<String> {
        let board = Board::new(seed);
        let mut told = Vec::new();
        loop {
            match board.take() {
                Work::Plan { plan, .. } if plan > plans => return told,
                Work::Plan { plan, feature } => {
                    assert!(matches!(board.take(), Work::Rest), "only one plans at a time");
                    let entries = feature.tasks.iter().map(|task| task.title.to_owned()).collect();
                    board.planned(plan, feature, entries);
                    told.push(format!("plan {}", feature.title));
                }
                Work::Task(job) => {
                    told.push(job.task.title.to_owned());
                    board.done(job.plan);
                }
                Work::Release { feature, .. } => told.push(format!("release {}", feature.title)),
                Work::Rest => panic!("nobody plans, and yet there is nothing to do"),
            }
        }
    }

    #[test]
    fn a_seed_tells_the_same_story_again() {
        assert_eq!(story(7, 9), story(7, 9));
        assert_ne!(story(7, 9), story(8, 9));
    }

    #[test]
    fn a_plan_is_released_once_all_its_tasks_are_done() {
        let told = story(1, 1);
        let title = told[0].trim_start_matches("plan ");
        assert_eq!(told.len(), 6);
        assert_eq!(told[5], format!("release {title}"));
    }

    #[test]
    fn a_round_has_every_feature_once() {
        let plans = story(3, FEATURES.len() as u64).into_iter().filter(|line| line.starts_with("plan "));
        let different: std::collections::HashSet<String> = plans.collect();
        assert_eq!(different.len(), FEATURES.len());
    }
}
