//! A steady load: publishers and readers at work for a while, and the figures of the middle of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::Error;
use super::fleet::Fleet;
use super::histogram::Histogram;
use super::payload::LEAST_BYTES;
use super::publishing::{Desk, Order, Publishing, Window};
use super::report::{Report, Unit};
use super::site::{CpuTimes, Site};
use crate::client::arguments;

/// How long readers may take for what is still under way when the publishers have stopped.
const CATCH_UP: Duration = Duration::from_secs(20);

/// How long and how hard it is published.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Load {
    /// Payload bytes of each event (its JSON text)
    #[arg(long, default_value = "256", value_parser = clap::value_parser!(u32).range(LEAST_BYTES as i64..=60_000))]
    bytes: u32,
    /// Events in one POST; each is an event and a publish of its own in the figures
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..=500))]
    batch: u32,
    /// Events per second, over all connections; 0 = as fast as they are answered
    #[arg(long, default_value = "0", value_parser = arguments::amount)]
    rate: f64,
    /// How long to measure
    #[arg(long, default_value = "10s", value_parser = arguments::duration)]
    duration: Duration,
    /// How long to publish before that
    #[arg(long, default_value = "1s", value_parser = arguments::duration)]
    warm_up: Duration,
}

/// A steady load, whichever scenario asked for it.
pub(super) struct Steady<'a> {
    pub(super) scenario: &'static str,
    pub(super) readers: usize,
    pub(super) connections: usize,
    /// Events that the average reader may lack; 0 = no bound.
    pub(super) window: u64,
    pub(super) load: &'a Load,
}

/// The counters at one end of the measured time.
struct Mark {
    at: u64,
    delivered: u64,
    accepted: u64,
    cpu: CpuTimes,
}

impl Steady<'_> {
    pub(super) async fn measure(&self, site: &Arc<Site>) -> Result<Report, Error> {
        site.check_open_files(self.readers + self.connections)?;
        let fleet = Fleet::start(site, self.readers, None);
        fleet.ready().await?;
        let publishing = Publishing::start(site, self.order(), self.window(&fleet, site.workspaces.len()));
        tokio::time::sleep(self.load.warm_up).await;
        fleet.watch.measure();
        publishing.desk.measure();
        let before = Mark::set(site, &fleet, &publishing.desk)?;
        tokio::time::sleep(self.load.duration).await;
        let after = Mark::set(site, &fleet, &publishing.desk)?;
        let desk = publishing.stop().await;
        if after.accepted == before.accepted {
            return Err(Error::NotPublished { accepted: 0, wanted: 1, fault: desk.fault() });
        }
        fleet.caught_up(&desk.latest(), CATCH_UP).await;
        Ok(self.report(site, &fleet, &desk, &before, &after))
    }

    fn order(&self) -> Order {
        let Load { bytes, batch, rate, .. } = *self.load;
        Order { connections: self.connections, batch: batch as usize, bytes: bytes as usize, rate, requests: None }
    }

    fn window(&self, fleet: &Fleet, workspaces: usize) -> Option<Window> {
        let deliveries = (self.window * self.readers as u64 / workspaces as u64).max(1);
        let bounded = self.window > 0 && self.readers > 0;
        bounded.then(|| Window { watch: Arc::clone(&fleet.watch), deliveries })
    }

    fn report(&self, site: &Site, fleet: &Fleet, desk: &Desk, before: &Mark, after: &Mark) -> Report {
        let seconds = (after.at - before.at) as f64 / 1e9;
        let mut report = Report::new(self.scenario, self.settings(site));
        let (delivered, accepted) = (after.delivered - before.delivered, after.accepted - before.accepted);
        if self.readers > 0 {
            report.add("deliveries_per_s", "deliveries", delivered as f64 / seconds, Unit::PerSecond);
        }
        report.add("publishes_per_s", "publishes", accepted as f64 / seconds, Unit::PerSecond);
        if self.readers > 0 {
            report_quantiles(&mut report, "lag", &fleet.watch.lag);
        }
        report_quantiles(&mut report, "publish", &desk.latency);
        match self.readers {
            0 => site.report_cpu(&mut report, &before.cpu, &after.cpu, "publish", accepted),
            _ => site.report_cpu(&mut report, &before.cpu, &after.cpu, "delivery", delivered),
        }
        desk.report_failures(&mut report);
        if self.readers > 0 {
            fleet.watch.report_faults(&mut report);
        }
        report
    }

    fn settings(&self, site: &Site) -> Vec<(&'static str, serde_json::Value)> {
        vec![
            ("readers", json!(self.readers)),
            ("workspaces", json!(site.workspaces.len())),
            ("replicas", json!(site.bases.len())),
            ("connections", json!(self.connections)),
            ("bytes", json!(self.load.bytes)),
            ("batch", json!(self.load.batch)),
            ("rate", json!(self.load.rate)),
            ("window", json!(self.window)),
            ("seconds", json!(self.load.duration.as_secs_f64())),
        ]
    }
}

impl Mark {
    fn set(site: &Site, fleet: &Fleet, desk: &Desk) -> Result<Self, Error> {
        let cpu = site.cpu_times()?;
        Ok(Self { at: site.now(), delivered: fleet.watch.delivered(), accepted: desk.accepted(), cpu })
    }
}

fn report_quantiles(report: &mut Report, name: &str, histogram: &Histogram) {
    for (share, mark) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p999"), (1.0, "max")] {
        if let Some(nanoseconds) = histogram.quantile(share) {
            report.add(format!("{name}_{mark}_us"), format!("{name} {mark}"), nanoseconds / 1_000.0, Unit::Microseconds);
        }
    }
}
