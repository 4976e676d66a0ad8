//! Readers that come late: how fast is history sent?

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::Error;
use super::fleet::Fleet;
use super::payload::LEAST_BYTES;
use super::publishing::{Order, Publishing};
use super::report::{Report, Unit};
use super::site::Site;
use crate::client::arguments;

/// A fill request stays well below the service's body limit of 1 MiB.
const FILL_BYTES: usize = 512 * 1024;
const FILL_BATCH: usize = 500;
const FILL_CONNECTIONS: usize = 4;

/// Readers that come late and read everything from the start: events/s until all have caught up
///
/// Fills a workspace with events, then connects all readers at once with `since_seq=0`, and counts until each has had the last event. The
/// time runs from before the first connect to the last read; the rate is of all readers together. Events beyond the workspace's
/// retention (100,000 by default) are trimmed and would count as missing.
#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// Streams that replay at the same time
    #[arg(long, default_value = "20")]
    readers: NonZeroUsize,
    /// Events to fill the workspace with, rounded up to whole requests of at most 500
    #[arg(long, default_value = "50000")]
    events: NonZeroU64,
    /// Payload bytes of each event (its JSON text)
    #[arg(long, default_value = "256", value_parser = clap::value_parser!(u32).range(LEAST_BYTES as i64..=60_000))]
    bytes: u32,
    /// How long to wait for the readers
    #[arg(long, default_value = "60s", value_parser = arguments::duration)]
    limit: Duration,
}

impl Replay {
    pub(super) async fn measure(&self, site: &Arc<Site>) -> Result<Report, Error> {
        site.check_open_files(self.readers.get() + FILL_CONNECTIONS)?;
        let latest = self.fill(site).await?;
        let before = site.cpu_times()?;
        let from = site.now();
        let fleet = Fleet::start(site, self.readers.get(), Some(0));
        let until = fleet.caught_up(&latest, self.limit).await;
        let after = site.cpu_times()?;

        let delivered = fleet.watch.delivered();
        let seconds = until.saturating_sub(from) as f64 / 1e9;
        let settings = vec![
            ("readers", json!(self.readers)),
            ("replicas", json!(site.bases.len())),
            ("events", json!(self.events)),
            ("bytes", json!(self.bytes)),
        ];
        let mut report = Report::new("replay", settings);
        report.add("events_per_s", "events replayed", delivered as f64 / seconds, Unit::PerSecond);
        report.add("until_caught_up_s", "until all caught up", seconds, Unit::Seconds);
        report.add("events_delivered", "events delivered", delivered as f64, Unit::Count);
        site.report_cpu(&mut report, &before, &after, "event", delivered);
        fleet.watch.report_faults(&mut report);
        Ok(report)
    }

    /// Fills the workspace, and returns its highest seq.
    async fn fill(&self, site: &Arc<Site>) -> Result<Vec<u64>, Error> {
        let bytes = self.bytes as usize;
        let batch = (FILL_BYTES / (bytes + 64)).clamp(1, FILL_BATCH).min(self.events.get() as usize);
        let requests = self.events.get().div_ceil(batch as u64);
        let order = Order { connections: FILL_CONNECTIONS, batch, bytes, rate: 0.0, requests: Some(requests) };
        let mut publishing = Publishing::start(site, order, None);
        publishing.finish().await;
        let (accepted, wanted) = (publishing.desk.accepted(), requests * batch as u64);
        if accepted < wanted {
            return Err(Error::NotPublished { accepted, wanted, fault: publishing.desk.fault() });
        }
        Ok(publishing.desk.latest())
    }
}
