//! The keys of the configuration that the service knows, with their types, bounds and defaults.

use serde_json::Value;

use crate::domain::{
    fault::Faults,
    wire::{self, Body, MAX_SAFE},
};

/// The longest time a question may wait for its answer: 30 days, in milliseconds.
pub const MAX_TIMEOUT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// The most questions a session may be allowed to have pending.
pub const MAX_PENDING: u32 = 1000;
/// The most patterns of `redact`.
pub const MAX_REDACT: usize = 256;
/// The longest pattern of `redact`, in characters.
pub const MAX_REDACT_PATTERN: usize = 1024;

/// The known keys, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `retention.events`: what the event stream keeps.
    pub events: Retention,
    /// `retention.log`: what the tool-call log keeps.
    pub log: Retention,
    /// `questions.max_pending_per_session`.
    pub max_pending_per_session: u32,
    /// `questions.default_timeout_ms`: how long a question waits that does not say so itself.
    pub default_timeout_ms: Option<u64>,
    /// `executor.max_workers`.
    pub max_workers: Option<u32>,
    /// `executor.lease_ms`.
    pub lease_ms: Option<u64>,
    /// `redact`: patterns of what is not to be shown.
    pub redact: Vec<String>,
}

/// What a stream keeps; the tightest bound counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The most items.
    pub max_count: u64,
    /// The oldest age, in milliseconds.
    pub max_age_ms: Option<u64>,
    /// The most bytes.
    pub max_bytes: Option<u64>,
}

impl Retention {
    const EVENTS: Self = Self { max_count: 100_000, max_age_ms: None, max_bytes: None };
    const LOG: Self = Self { max_count: 1_000_000, max_age_ms: None, max_bytes: None };
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            events: Retention::EVENTS,
            log: Retention::LOG,
            max_pending_per_session: 1,
            default_timeout_ms: None,
            max_workers: None,
            lease_ms: None,
            redact: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the known keys of a configuration. A key of the wrong type or out of bounds is a fault with its dotted name as the path.
    pub fn read(doc: &Value) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut settings = Self::default();
        let Some(root) = Body::open(doc, String::new(), &mut faults) else {
            return Err(faults);
        };
        if let Some(section) = section(&root, "retention", &mut faults) {
            settings.events = retention(&section, "events", Retention::EVENTS, &mut faults);
            settings.log = retention(&section, "log", Retention::LOG, &mut faults);
        }
        if let Some(section) = section(&root, "questions", &mut faults) {
            let pending = small(&section, "max_pending_per_session", MAX_PENDING, &mut faults);
            settings.max_pending_per_session = pending.unwrap_or(settings.max_pending_per_session);
            settings.default_timeout_ms = section.integer("default_timeout_ms", 1, MAX_TIMEOUT_MS, &mut faults);
        }
        if let Some(section) = section(&root, "executor", &mut faults) {
            settings.max_workers = small(&section, "max_workers", u32::MAX, &mut faults);
            settings.lease_ms = section.integer("lease_ms", 1, MAX_SAFE, &mut faults);
        }
        settings.redact = redact(&root, &mut faults);
        faults.or(settings)
    }
}

fn section<'a>(body: &Body<'a>, name: &str, faults: &mut Faults) -> Option<Body<'a>> {
    Body::open(body.optional(name)?, body.path(name), faults)
}

fn retention(body: &Body<'_>, name: &str, default: Retention, faults: &mut Faults) -> Retention {
    let Some(section) = section(body, name, faults) else {
        return default;
    };
    Retention {
        max_count: section.integer("max_count", 1, MAX_SAFE, faults).unwrap_or(default.max_count),
        max_age_ms: section.integer("max_age_ms", 1, MAX_SAFE, faults),
        max_bytes: section.integer("max_bytes", 1, MAX_SAFE, faults),
    }
}

fn small(body: &Body<'_>, name: &str, most: u32, faults: &mut Faults) -> Option<u32> {
    body.integer(name, 1, u64::from(most), faults).and_then(|number| u32::try_from(number).ok())
}

fn redact(root: &Body<'_>, faults: &mut Faults) -> Vec<String> {
    let Some(value) = root.optional("redact") else {
        return Vec::new();
    };
    let Some(items) = value.as_array() else {
        faults.push("redact", "must be an array of strings");
        return Vec::new();
    };
    if items.len() > MAX_REDACT {
        faults.push("redact", format!("has more than {MAX_REDACT} patterns"));
        return Vec::new();
    }
    let mut patterns = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let path = format!("redact[{index}]");
        let Some(pattern) = wire::text(item, path.clone(), faults) else {
            continue;
        };
        match wire::name_fault(pattern, MAX_REDACT_PATTERN) {
            Some(message) => faults.push(path, message),
            None => patterns.push(pattern.to_owned()),
        }
    }
    patterns
}
