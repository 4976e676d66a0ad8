//! What all agents of a demo share: where they play, the clock, the pace, the terminal, and the sign to stop.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use super::Options;
use crate::client::Base;

/// The surroundings of a team.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) bases: Vec<Base>,
    pub(super) workspace: String,
    pub(super) patience: Duration,
    pub(super) seed: u64,
    /// The mean time between two steps of one agent.
    pub(super) beat: Duration,
    /// Cancelled when the play is over: agents withdraw and leave.
    pub(super) stop: CancellationToken,
    pub(super) counts: Counts,
    /// How many agents may wait for a person at a time: one goes on working, so that there is always something to watch.
    may_wait: usize,
    waiting: AtomicUsize,
    started: Instant,
    started_ms: u64,
    away: AtomicBool,
}

/// What was done, for the last line.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) events: AtomicU64,
    pub(super) calls: AtomicU64,
    pub(super) questions: AtomicU64,
    pub(super) answers: AtomicU64,
}

impl Stage {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            bases: options.url.clone(),
            workspace: options.workspace.clone(),
            patience: options.patience,
            seed: options.seed.unwrap_or_else(|| u64::from(rand::random::<u32>())),
            beat: Duration::from_secs_f64(f64::from(options.agents) / options.rate),
            stop: CancellationToken::new(),
            counts: Counts::default(),
            may_wait: usize::from(options.agents).saturating_sub(1).max(1),
            waiting: AtomicUsize::new(0),
            started: Instant::now(),
            started_ms: wall_clock_ms(),
            away: AtomicBool::new(false),
        }
    }

    /// Epoch milliseconds.
    pub(super) fn now_ms(&self) -> u64 {
        self.started_ms + self.started.elapsed().as_millis() as u64
    }

    /// A new id in the way the service makes them, `prefix` and a ULID.
    pub(super) fn new_id(&self, prefix: &str) -> String {
        format!("{prefix}{}", Ulid::from_parts(self.now_ms(), rand::random()))
    }

    /// Takes one of the places of agents that wait for a person; false if there is none left.
    pub(super) fn begin_waiting(&self) -> bool {
        let more = |waiting: usize| (waiting < self.may_wait).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Gives the place back.
    pub(super) fn end_waiting(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Prints a line of the play.
    pub(super) fn say(&self, who: &str, what: &str) {
        println!("{:8.1}s  {who:8}  {what}", self.started.elapsed().as_secs_f64());
    }

    /// Notes that the service cannot be reached; the first to notice says so.
    pub(super) fn service_away(&self, why: &str) {
        if !self.away.swap(true, Ordering::Relaxed) {
            self.say("", &format!("the service is away ({why}); trying again until it is back"));
        }
    }

    /// Notes that the service answered.
    pub(super) fn service_back(&self) {
        if self.away.load(Ordering::Relaxed) && self.away.swap(false, Ordering::Relaxed) {
            self.say("", "the service is back");
        }
    }

    /// The URL of a route of the workspace, on the first replica.
    pub(super) fn url(&self, route: &str) -> String {
        self.bases.first().map(|base| base.url(&self.workspace, route)).unwrap_or_default()
    }

    /// Ends after the duration; never, without one.
    pub(super) async fn over(&self, duration: Option<Duration>) {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn welcome(&self) {
        println!("A team of agents works in workspace {} (seed {}).", self.workspace, self.seed);
        println!("  watch events      curl -N {}", self.url("events"));
        println!("  watch tool calls  curl -N {}", self.url("log/stream"));
        println!("  end               Ctrl-C; open questions are withdrawn\n");
    }

    pub(super) fn goodbye(&self) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counts { events, calls, questions, answers } = &self.counts;
        println!(
            "\nThe team has left: {} events, {} tool calls, {} questions, {} of them answered by a person.",
            count(events),
            count(calls),
            count(questions),
            count(answers)
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "the demo is an edge: it plays agents, whose reports carry their own time")]
fn wall_clock_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
