//! What the process says on stderr, and in which form.

use std::fmt::{self, Display};

use tracing_subscriber::EnvFilter;

use super::settings::Settings;

/// The process's own log.
#[derive(Debug, Clone)]
pub struct Logs {
    /// Level, or directives such as `info,downbeat::store=debug`; known to parse when it came from outside.
    pub filter: String,
    /// One line for people, or one JSON object.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

impl Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl Default for Logs {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

impl Logs {
    pub(super) fn settings(&mut self, settings: &mut Settings<'_>) {
        settings.section("Logs");
        settings.value(
            &mut self.filter,
            ("DOWNBEAT_LOG", "FILTER"),
            "What to log on stderr: off, error, warn, info, debug, trace, or directives such as info,downbeat::store=debug",
            parse_filter,
        );
        settings.value(&mut self.format, ("DOWNBEAT_LOG_FORMAT", "FORMAT"), "Form of a log line: text or json", parse_format);
    }
}

fn parse_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{text:?} is not a log filter ({error}); write a level such as info, or info,downbeat::store=debug")),
    }
}

fn parse_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(format!("{other:?} is not a log format; it is text or json")),
    }
}
