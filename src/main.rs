//! The `downbeat` program: one command a job. Parses, sets up logging, calls the library, turns its error into words.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use downbeat::config::Config;
use downbeat::{app, telemetry};

/// Publishing allocates in many sizes from several threads: glibc's allocator took a quarter of its time there.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
    /// Plays a team of agents against a running service: events, tool calls, and questions that wait for you.
    Demo(downbeat::demo::Options),
    /// Measures a running service: fan-out, publishing, replay, idle readers.
    Bench(downbeat::bench::Options),
    /// Prints the OpenAPI document (3.1) of the API as JSON.
    Openapi,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(config) => serve(config).await,
        Command::Demo(options) => downbeat::demo::run(options).await.map_err(Into::into),
        Command::Bench(options) => downbeat::bench::run(options).await.map_err(Into::into),
        Command::Openapi => openapi(),
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

fn openapi() -> Result<(), Box<dyn Error>> {
    println!("{}", downbeat::http::openapi::document().to_pretty_json()?);
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
