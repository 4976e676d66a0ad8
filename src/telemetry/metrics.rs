//! Every metric of the service: its name, labels and buckets stand here and nowhere else, behind typed functions.
//! Labels are closed sets and matched routes; a workspace or an id is never one. Several services in one process, as
//! in tests, share the registry. What lies on a hot path is resolved once and costs an atomic addition.

mod http;
mod labels;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;
use std::time::Duration;

use ::metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

pub use self::http::{Endpoint, endpoint};
pub use self::labels::{Link, Outcome, Record, RedisFault};
use crate::lifecycle::Lifecycle;

const BUILD_INFO: &str = "downbeat_build_info";
const HTTP_REQUESTS: &str = "downbeat_http_requests_total";
const HTTP_DURATION: &str = "downbeat_http_request_duration_seconds";
const STREAMS_OPEN: &str = "downbeat_streams_open";
const STREAMS_CLOSED: &str = "downbeat_streams_closed_total";
const FRAMES_SENT: &str = "downbeat_stream_frames_sent_total";
const APPENDS: &str = "downbeat_appends_total";
const COMMIT_DURATION: &str = "downbeat_commit_duration_seconds";
const REDIS_ERRORS: &str = "downbeat_redis_errors_total";
const REDIS_RECONNECTS: &str = "downbeat_redis_reconnects_total";

/// Name and help of every metric, by kind.
const COUNTERS: [(&str, &str); 6] = [
    (HTTP_REQUESTS, "Requests answered, by matched route and status; a stream counts when its headers are sent"),
    (STREAMS_CLOSED, "Streams that have ended, by what ended them"),
    (FRAMES_SENT, "Event and log frames handed to sockets"),
    (APPENDS, "Events and log rows that Redis has accepted"),
    (REDIS_ERRORS, "Commands that Redis did not carry out"),
    (REDIS_RECONNECTS, "Connections to Redis that were made again after a loss"),
];
const GAUGES: [(&str, &str); 2] =
    [(BUILD_INFO, "1, labelled with the version that runs"), (STREAMS_OPEN, "Streams now open on this replica")];
const HISTOGRAMS: [(&str, &str, &[f64]); 2] = [
    (HTTP_DURATION, "Time from a request's head to its answer's head", &REQUEST_SECONDS),
    (COMMIT_DURATION, "Time from a transaction's start of waiting to Redis' reply", &COMMIT_SECONDS),
];

/// The contract's own bounds are among them: 20 ms, 50 ms, 100 ms, 1 s.
const REQUEST_SECONDS: [f64; 14] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0, 60.0];
const COMMIT_SECONDS: [f64; 12] = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0];

/// Histograms keep every sample until the next upkeep, so this bounds their memory: at 100,000 requests a second, 2 MB.
const UPKEEP_PERIOD: Duration = Duration::from_secs(1);

static METADATA: Metadata<'static> = Metadata::new("downbeat", Level::INFO, None);
static RECORDER: LazyLock<PrometheusRecorder> = LazyLock::new(recorder);
static HANDLES: LazyLock<Handles> = LazyLock::new(Handles::resolve);

/// What is counted often enough to be looked up only once.
struct Handles {
    streams_open: [Gauge; Record::ALL.len()],
    frames_sent: [Counter; Record::ALL.len()],
    appends: [Counter; Record::ALL.len()],
    commit_duration: Histogram,
    redis_errors: [Counter; RedisFault::ALL.len()],
    redis_reconnects: [Counter; Link::ALL.len()],
}

impl Handles {
    fn resolve() -> Self {
        let by_kind = |record: Record| vec![Label::from_static_parts("kind", record.label())];
        Self {
            streams_open: Record::ALL.map(|record| gauge(STREAMS_OPEN, by_kind(record))),
            frames_sent: Record::ALL.map(|record| counter(FRAMES_SENT, by_kind(record))),
            appends: Record::ALL.map(|record| counter(APPENDS, by_kind(record))),
            commit_duration: histogram(COMMIT_DURATION, Vec::new()),
            redis_errors: RedisFault::ALL.map(|fault| counter(REDIS_ERRORS, vec![Label::from_static_parts("error", fault.label())])),
            redis_reconnects: Link::ALL.map(|link| counter(REDIS_RECONNECTS, vec![Label::from_static_parts("connection", link.label())])),
        }
    }
}

/// A stream that counts as open until it is dropped.
#[derive(Debug)]
pub struct OpenStream {
    record: Record,
    outcome: Outcome,
}

impl OpenStream {
    /// Says what ends the stream; without it, the reader went away.
    pub fn ends_with(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        HANDLES.streams_open[self.record as usize].decrement(1.0);
        let labels = vec![Label::from_static_parts("kind", self.record.label()), Label::from_static_parts("outcome", self.outcome.label())];
        counter(STREAMS_CLOSED, labels).increment(1);
    }
}

/// A stream has opened. It counts until the guard is dropped.
#[must_use]
pub fn stream_opened(record: Record) -> OpenStream {
    HANDLES.streams_open[record as usize].increment(1.0);
    OpenStream { record, outcome: Outcome::Left }
}

/// Frames were handed to a socket.
pub fn frames_sent(record: Record, frames: u64) {
    HANDLES.frames_sent[record as usize].increment(frames);
}

/// Redis has accepted events or rows.
pub fn appended(record: Record, records: u64) {
    HANDLES.appends[record as usize].increment(records);
}

/// A transaction was answered by Redis, its wait for company in the same round trip included.
pub fn commit_took(elapsed: Duration) {
    HANDLES.commit_duration.record(elapsed.as_secs_f64());
}

/// Redis did not carry out a command.
pub fn redis_failed(fault: RedisFault) {
    HANDLES.redis_errors[fault as usize].increment(1);
}

/// A connection to Redis was made again after a loss.
pub fn redis_reconnected(link: Link) {
    HANDLES.redis_reconnects[link as usize].increment(1);
}

/// The registry of this process, for `/metrics`; clones share it. Taking it makes the metrics appear, at zero.
pub fn registry() -> PrometheusHandle {
    LazyLock::force(&HANDLES);
    RECORDER.handle()
}

/// Keeps the registry's memory bounded until the stop. Every service of a process may do so.
pub fn keep_up(life: &Lifecycle) {
    let hard = life.hard().clone();
    life.spawn("metrics upkeep", async move {
        let registry = registry();
        while tokio::time::timeout(UPKEEP_PERIOD, hard.cancelled()).await.is_err() {
            registry.run_upkeep();
        }
    });
}

#[expect(clippy::expect_used, reason = "only an empty bucket list is refused, and they stand above")]
fn recorder() -> PrometheusRecorder {
    let mut builder = PrometheusBuilder::new();
    for (name, _, buckets) in HISTOGRAMS {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets).expect("buckets");
    }
    let recorder = builder.build_recorder();
    for (name, help) in COUNTERS {
        recorder.describe_counter(name.into(), None, help.into());
    }
    for (name, help) in GAUGES {
        recorder.describe_gauge(name.into(), None, help.into());
    }
    for (name, help, _) in HISTOGRAMS {
        recorder.describe_histogram(name.into(), None, help.into());
    }
    let version = Key::from_parts(BUILD_INFO, vec![Label::from_static_parts("version", env!("CARGO_PKG_VERSION"))]);
    recorder.register_gauge(&version, &METADATA).set(1.0);
    recorder
}

fn counter(name: &'static str, labels: Vec<Label>) -> Counter {
    RECORDER.register_counter(&Key::from_parts(name, labels), &METADATA)
}

fn gauge(name: &'static str, labels: Vec<Label>) -> Gauge {
    RECORDER.register_gauge(&Key::from_parts(name, labels), &METADATA)
}

fn histogram(name: &'static str, labels: Vec<Label>) -> Histogram {
    RECORDER.register_histogram(&Key::from_parts(name, labels), &METADATA)
}
