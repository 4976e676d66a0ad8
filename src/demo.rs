//! `downbeat demo`: a team of agents that builds features in one workspace of a running service, so that there is something to
//! watch and something to answer. It owns a story and its timing; it must reach the service the way any agent would, over HTTP only.

mod agent;
mod api;
mod board;
mod question;
mod script;
mod stage;
mod story;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::client::{Base, arguments};
use agent::Agent;
use board::Board;
use stage::Stage;

/// Play a team of agents against a running service
///
/// The agents plan a feature, split it into tasks, and work them off: they search, read and edit files, run checks that sometimes
/// fail, and say what they find. Each step is an event (`plan.updated`, `task.created`, `task.started`, `task.progress`,
/// `task.completed`, `agent.joined`, `agent.message`, `agent.left`) or a tool call in the log. Where a person should decide they ask, and
/// wait: the question and a curl line that answers it are printed here, and the agent goes on by the answer. Who is not answered
/// within the patience decides alone, and so does the last one at work while all others wait.
///
/// Every POST carries an Idempotency-Key and is tried again while the service is away, so nothing is lost or doubled by a restart.
/// Ctrl-C withdraws the open questions and ends; a second one ends at once.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The service; of several replicas, separated by commas, the next one is used when one is away
    #[arg(long, value_delimiter = ',', default_value = "http://127.0.0.1:8080")]
    url: Vec<Base>,
    /// The workspace to work in
    #[arg(long, default_value = "demo", value_parser = arguments::workspace)]
    workspace: String,
    /// How many agents work
    #[arg(long, default_value = "4", value_parser = clap::value_parser!(u16).range(1..=64))]
    agents: u16,
    /// Steps per second of the whole team, on average, while nobody waits for an answer
    #[arg(long, default_value = "4", value_parser = rate)]
    rate: f64,
    /// How long to go on, such as 90s or 10m; without it, until Ctrl-C
    #[arg(long, value_parser = arguments::duration)]
    duration: Option<Duration>,
    /// How long a question waits for a person before its agent decides alone
    #[arg(long, default_value = "3m", value_parser = arguments::duration)]
    patience: Duration,
    /// The same seed tells the same story: features in the same order, the same failing checks, the same questions. Ids are always new, and
    /// who does what when depends on the answers and the network. Without it, a random one, which is printed
    #[arg(long)]
    seed: Option<u64>,
}

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service refused a request in a way that trying again cannot mend.
    #[error("the service answered {status} to {method} {route}: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The request's method.
        method: &'static str,
        /// The request's route below the workspace.
        route: String,
        /// What the service said.
        body: String,
    },
    /// An agent's task broke, or the signals cannot be listened to.
    #[error("the demo failed: {0}")]
    Broken(String),
}

fn rate(text: &str) -> Result<f64, String> {
    arguments::amount(text).and_then(|rate| if rate > 0.0 { Ok(rate) } else { Err("the rate must be above zero".to_owned()) })
}

/// Plays until the duration is over or a signal comes, then withdraws what is open.
pub async fn run(options: Options) -> Result<(), Error> {
    let broken = |error: std::io::Error| Error::Broken(error.to_string());
    let mut interrupt = signal(SignalKind::interrupt()).map_err(broken)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(broken)?;
    let stage = Arc::new(Stage::new(&options));
    stage.welcome();
    let mut team = Team::start(&stage, &options);
    tokio::select! {
        ended = team.ended() => return ended,
        () = stage.over(options.duration) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stage.stop.cancel();
    let ended = tokio::select! {
        ended = team.ended() => ended,
        _ = interrupt.recv() => Ok(()),
    };
    stage.goodbye();
    ended
}

/// The agents at work.
struct Team {
    agents: JoinSet<Result<(), Error>>,
}

impl Team {
    fn start(stage: &Arc<Stage>, options: &Options) -> Self {
        let board = Arc::new(Board::new(stage.seed));
        let mut agents = JoinSet::new();
        for index in 0..options.agents {
            agents.spawn(Agent::new(index, stage, &board).play());
        }
        Self { agents }
    }

    /// Waits until all agents have left, or the first has failed. It may be dropped and called again.
    async fn ended(&mut self) -> Result<(), Error> {
        while let Some(left) = self.agents.join_next().await {
            left.map_err(|error| Error::Broken(error.to_string()))??;
        }
        Ok(())
    }
}
