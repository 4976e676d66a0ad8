//! The `downbeat` program: one command a job. Parses, sets up logging, calls the library, turns its error into words.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use downbeat::config::Config;
use downbeat::{app, telemetry};

/// Orchestration service of AI-agent platforms: events, delivery and orchestration state over Redis.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a replica of the service until SIGTERM or SIGINT.
    Serve(Config),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(config) => serve(config).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("downbeat: {}", in_words(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    telemetry::init(&config.logs)?;
    app::serve(config).await?;
    Ok(())
}

/// The error and its causes, each once.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}
