//! Readers to whom nothing is sent: what does one cost in memory?

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::Error;
use super::fleet::Fleet;
use super::report::{Report, Unit};
use super::site::Site;
use crate::client::arguments;

/// Readers to whom nothing is sent: resident memory each (needs --pid)
///
/// Reads the resident memory (`VmRSS`) of the processes named by --pid, connects the readers, waits, and reads it again. The difference
/// divided by the readers is the figure; kernel memory of the sockets is not in it. A freshly started service gives the cleanest one.
#[derive(Debug, clap::Args)]
pub(super) struct Idle {
    /// Streams, each on a connection of its own
    #[arg(long, default_value = "5000")]
    readers: NonZeroUsize,
    /// How long to hold them before memory is read
    #[arg(long, default_value = "3s", value_parser = arguments::duration)]
    hold: Duration,
}

impl Idle {
    pub(super) async fn measure(&self, site: &Arc<Site>) -> Result<Report, Error> {
        let readers = self.readers.get();
        site.check_open_files(readers)?;
        // One request first, so that what the service sets up for its first one is not laid on the readers.
        site.subscribers().await?;
        let before = site.resident_bytes()?;
        if before.is_empty() {
            return Err(Error::NoProcess);
        }
        let from = site.now();
        let fleet = Fleet::start(site, readers, None);
        fleet.ready().await?;
        let connected = site.now();
        let cpu_before = site.cpu_times()?;
        tokio::time::sleep(self.hold).await;
        let cpu_after = site.cpu_times()?;
        let after = site.resident_bytes()?;

        let mut report = Report::new("idle", vec![("readers", json!(readers)), ("replicas", json!(site.bases.len()))]);
        let growth = |(before, after): (u64, u64)| (after as f64 - before as f64) / readers as f64;
        let pairs: Vec<(u64, u64)> = before.iter().zip(&after).map(|((_, before), (_, after))| (*before, *after)).collect();
        report.add("rss_per_reader_bytes", "resident memory a reader", pairs.iter().copied().map(growth).sum(), Unit::Bytes);
        for ((process, _), pair) in before.iter().zip(pairs) {
            let (name, id) = (&process.name, process.id());
            report.add(format!("rss_per_reader_{id}_bytes"), format!("  {name} ({id}) a reader"), growth(pair), Unit::Bytes);
            report.add(format!("rss_{id}_bytes"), format!("  {name} ({id}) in all"), pair.1 as f64, Unit::Bytes);
        }
        report.add("until_connected_s", "until all connected", (connected - from) as f64 / 1e9, Unit::Seconds);
        if let Some(count) = site.subscribers().await? {
            report.add("subscribers_counted", "events/connections says", count as f64, Unit::Count);
        }
        site.report_cpu(&mut report, &cpu_before, &cpu_after, "held_reader", readers as u64);
        fleet.watch.report_faults(&mut report);
        Ok(report)
    }
}
