//! What the process says about itself: log lines on stderr and metrics. It must never see a token or a payload, and no
//! metric is labelled with anything a caller chooses.

pub mod metrics;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{IsTerminal, stderr};
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{LogFormat, Logs};

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter's directives do not parse; only a configuration built by hand can hold such a one.
    #[error("the log filter does not parse")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// This process logs already.
    #[error("logging is set up already")]
    Twice(#[from] TryInitError),
}

/// Sends the logs of this process to stderr and turns panics into log lines. Once per process, from `main`.
pub fn init(logs: &Logs) -> Result<(), Error> {
    let filter = EnvFilter::builder().parse(&logs.filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match logs.format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).finish().try_init()?,
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init()?,
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("(no message)");
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(panic.location = location, panic.backtrace = %backtrace, "panicked: {message}");
    } else {
        tracing::error!(panic.location = location, "panicked: {message}");
    }
}
