//! `downbeat bench`: the hot paths, measured from outside against a service that someone started. It owns the load and the figures; it
//! must stay much cheaper than what it measures, and it says what it cost itself.

mod fanout;
mod fleet;
mod histogram;
mod idle;
mod payload;
mod process;
mod publishing;
mod replay;
mod report;
mod site;
mod steady;
mod tally;

use std::num::NonZeroUsize;

use crate::client::{self, Base, arguments};
use report::Report;
use site::Site;

/// Measure a hot path of a service that is already running
///
/// Start the service first, on another core if you can: `taskset -c 0 downbeat serve` and
/// `taskset -c 1 downbeat bench fanout --pid $(pgrep -d, 'downbeat|redis-server')`.
///
/// Words: an EVENT is one item with a seq. A PUBLISH is one event accepted with 201. A DELIVERY is one event whose whole frame one
/// reader has read. LAG is the time from just before the publisher writes its request to just after the read that brought the frame to a
/// reader; both are in this process, so one clock serves. Every reader checks that seq goes up by one: DUPLICATES are frames of a
/// seq it has had, MISSING are seqs it never got; both must be 0, or the command fails. CPU is user plus system time of the processes
/// named by --pid, from /proc; without --pid, or where there is no /proc, it is left out. The line "load generator" is this command's own:
/// near 100 % of a core per thread, it and not the service is the limit.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    scenario: Scenario,
    #[command(flatten)]
    common: Common,
}

/// What is measured.
#[derive(Debug, clap::Subcommand)]
enum Scenario {
    Fanout(fanout::Fanout),
    Spread(fanout::Spread),
    Publish(fanout::Publish),
    Replay(replay::Replay),
    Idle(idle::Idle),
}

/// What all scenarios share.
#[derive(Debug, clap::Args)]
struct Common {
    /// The service; several replicas separated by commas share readers and publishers evenly
    #[arg(long, global = true, value_delimiter = ',', default_value = "http://127.0.0.1:8080")]
    url: Vec<Base>,
    /// The workspace to use; with several, a number is appended. It is left as it is afterwards. Without it, new ones are made and purged
    #[arg(long, global = true, value_parser = arguments::workspace)]
    workspace: Option<String>,
    /// Processes whose CPU time and memory are the service's, separated by commas; name the replicas and redis-server
    #[arg(long, global = true, value_delimiter = ',')]
    pid: Vec<u32>,
    /// Threads of the load generator
    #[arg(long, global = true, default_value = "1")]
    threads: NonZeroUsize,
    /// Repeat the whole scenario, and print the median of each figure (the worst of duplicates, errors and the like)
    #[arg(long, global = true, default_value = "1")]
    runs: NonZeroUsize,
    /// Print one JSON object in place of the table; the unit is the end of a figure's name
    #[arg(long, global = true)]
    json: bool,
}

/// Why a measurement could not be made, or must not be believed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A request of the set-up failed.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The process may not open enough sockets.
    #[error("this run needs about {needed} open files and `ulimit -n` is {limit}; run `ulimit -n {needed}` in this shell first")]
    OpenFiles {
        /// Sockets and a few more.
        needed: u64,
        /// The soft limit.
        limit: u64,
    },
    /// Readers could not connect in time.
    #[error("only {ready} of {readers} readers are connected after {seconds} s; the last fault was: {fault}")]
    NotReady {
        /// Readers that got their first frame.
        ready: usize,
        /// Readers wanted.
        readers: usize,
        /// How long was waited.
        seconds: u64,
        /// What the last failed reader met.
        fault: String,
    },
    /// Nothing, or not enough, could be published.
    #[error("{accepted} of {wanted} events were accepted; the last fault was: {fault}")]
    NotPublished {
        /// Events answered with 201.
        accepted: u64,
        /// Events wanted.
        wanted: u64,
        /// What the last failed publish met.
        fault: String,
    },
    /// A figure of a process cannot be had.
    #[error("/proc/{process}/{file} cannot be read; --pid needs Linux and a process of this host")]
    Process {
        /// The process id, or `self`.
        process: String,
        /// The file below it.
        file: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The scenario is about a process, and none was named.
    #[error("name the processes to measure with --pid, such as --pid $(pgrep -d, -x downbeat)")]
    NoProcess,
    /// Delivery was wrong; the figures were printed all the same.
    #[error("delivery was wrong: {duplicates} duplicates, {missing} missing")]
    Wrong {
        /// Frames of a seq that the reader has had.
        duplicates: u64,
        /// Seqs that a reader never got.
        missing: u64,
    },
    /// The load generator itself could not start or broke.
    #[error("the load generator failed: {0}")]
    Generator(String),
}

/// Runs the scenario and prints its figures. Runs on a runtime of its own, so that `threads` holds whatever the caller's looks like.
pub async fn run(options: Options) -> Result<(), Error> {
    let mut builder = match options.common.threads.get() {
        1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    let runtime = builder.enable_all().build().map_err(|error| Error::Generator(error.to_string()))?;
    let measured = tokio::task::spawn_blocking(move || runtime.block_on(measure(&options)));
    measured.await.map_err(|error| Error::Generator(error.to_string()))?
}

async fn measure(options: &Options) -> Result<(), Error> {
    let common = &options.common;
    let mut reports = Vec::new();
    for run in 1..=common.runs.get() {
        let report = options.scenario.measure(common).await?;
        if common.runs.get() > 1 {
            eprintln!("run {run} of {}: {}", common.runs, report.headline());
        }
        reports.push(report);
    }
    let Some(report) = Report::merge(reports) else {
        return Ok(());
    };
    print!("{}", if common.json { report.json() } else { report.table() });
    match (report.count("duplicates"), report.count("missing")) {
        (0, 0) => Ok(()),
        (duplicates, missing) => Err(Error::Wrong { duplicates, missing }),
    }
}

impl Scenario {
    async fn measure(&self, common: &Common) -> Result<Report, Error> {
        let workspaces = match self {
            Self::Fanout(options) => options.workspaces.get(),
            Self::Spread(options) => options.workspaces.get(),
            Self::Publish(_) | Self::Replay(_) | Self::Idle(_) => 1,
        };
        let site = Site::open(common, workspaces)?;
        let report = match self {
            Self::Fanout(options) => options.measure(&site).await,
            Self::Spread(options) => options.measure(&site).await,
            Self::Publish(options) => options.measure(&site).await,
            Self::Replay(options) => options.measure(&site).await,
            Self::Idle(options) => options.measure(&site).await,
        };
        site.clean_up().await;
        report
    }
}

#[cfg(test)]
mod tests;
