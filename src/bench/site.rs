//! What a run works on: the replicas, the workspaces, the processes behind them, and one clock for all tasks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::Process;
use super::report::{Report, Unit};
use super::{Common, Error};
use crate::client::{self, Base, Connection, Reply};

/// Sockets and files a process has open beside readers and publishers.
const OTHER_FILES: u64 = 64;

/// The surroundings of one run.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) bases: Vec<Base>,
    pub(super) workspaces: Vec<String>,
    /// The workspaces were made for this run and may be purged.
    ours: bool,
    processes: Vec<Process>,
    own: Option<Process>,
    started: Instant,
}

/// CPU seconds at one moment, in the order of the site's processes.
#[derive(Debug)]
pub(super) struct CpuTimes {
    at: Instant,
    of_service: Vec<f64>,
    own: Option<f64>,
}

impl Site {
    pub(super) fn open(common: &Common, workspaces: usize) -> Result<Arc<Self>, Error> {
        let name = common.workspace.clone().unwrap_or_else(|| format!("bench-{:08x}", rand::random::<u32>()));
        let workspaces = match workspaces {
            1 => vec![name],
            many => (0..many).map(|index| format!("{name}-{index}")).collect(),
        };
        let processes = common.pid.iter().map(|&pid| Process::find(pid)).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self {
            bases: common.url.clone(),
            workspaces,
            ours: common.workspace.is_none(),
            processes,
            own: Process::own(),
            started: Instant::now(),
        }))
    }

    /// Nanoseconds on the run's clock.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Refuses a run that would end in "too many open files", and warns if the service's limit looks too low for it.
    pub(super) fn check_open_files(&self, sockets: usize) -> Result<(), Error> {
        let needed = sockets as u64 + OTHER_FILES;
        if let Some(own) = &self.own
            && let Some(limit) = own.open_files_limit()?
            && limit < needed
        {
            return Err(Error::OpenFiles { needed, limit });
        }
        let each = needed / self.bases.len() as u64;
        for process in self.processes.iter().filter(|process| !process.name.starts_with("redis")) {
            if let Some(limit) = process.open_files_limit()?.filter(|limit| *limit < each) {
                eprintln!("note: {} ({}) may open {limit} files only; start it after `ulimit -n {each}`", process.name, process.id());
            }
        }
        Ok(())
    }

    pub(super) fn cpu_times(&self) -> Result<CpuTimes, Error> {
        let of_service = self.processes.iter().map(Process::cpu_seconds).collect::<Result<_, _>>()?;
        let own = self.own.as_ref().map(Process::cpu_seconds).transpose()?;
        Ok(CpuTimes { at: Instant::now(), of_service, own })
    }

    /// Resident bytes of each process of the service, with its name.
    pub(super) fn resident_bytes(&self) -> Result<Vec<(&Process, u64)>, Error> {
        self.processes.iter().map(|process| Ok((process, process.resident_bytes()?))).collect()
    }

    /// Adds what the service spent between two moments, whole and for each of `units` things done (`unit` is their name).
    pub(super) fn report_cpu(&self, report: &mut Report, before: &CpuTimes, after: &CpuTimes, unit: &str, units: u64) {
        let seconds = after.at.duration_since(before.at).as_secs_f64();
        let spent: Vec<f64> = after.of_service.iter().zip(&before.of_service).map(|(after, before)| after - before).collect();
        let each = |cpu: f64| cpu * 1e6 / units.max(1) as f64;
        if !spent.is_empty() {
            let key = format!("cpu_per_{unit}_us");
            report.add(key, format!("service CPU a {unit}"), each(spent.iter().sum()), Unit::Microseconds);
        }
        for (process, cpu) in self.processes.iter().zip(spent) {
            let (name, id) = (&process.name, process.id());
            report.add(format!("cpu_per_{unit}_{id}_us"), format!("  {name} ({id}) a {unit}"), each(cpu), Unit::Microseconds);
            report.add(format!("cpu_{id}_percent"), format!("  {name} ({id}) of a core"), cpu * 100.0 / seconds, Unit::PercentOfCore);
        }
        if let (Some(after), Some(before)) = (after.own, before.own) {
            let share = (after - before) * 100.0 / seconds;
            report.add("cpu_load_generator_percent", "load generator of a core", share, Unit::PercentOfCore);
        }
    }

    /// How many subscribers of the first workspace's events the service counts; `None` if it does not say.
    pub(super) async fn subscribers(&self) -> Result<Option<u64>, Error> {
        let reply = self.request("GET", 0, "events/connections").await?;
        let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
        Ok(body.and_then(|body| body["count"].as_u64()))
    }

    /// Purges the workspaces that were made for this run. What cannot be purged is left: the figures are worth more than tidiness.
    pub(super) async fn clean_up(&self) {
        if !self.ours {
            return;
        }
        for index in 0..self.workspaces.len() {
            if !matches!(self.request("POST", index, "purge").await, Ok(reply) if reply.status == 200) {
                eprintln!("note: workspace {} could not be purged", self.workspaces[index]);
                return;
            }
        }
    }

    /// Asks the first replica, or the next one that can be reached.
    async fn request(&self, method: &str, workspace: usize, route: &str) -> Result<Reply, client::Error> {
        let mut reply = self.request_at(&self.bases[0], method, workspace, route).await;
        for base in &self.bases[1..] {
            if reply.is_ok() {
                break;
            }
            reply = self.request_at(base, method, workspace, route).await;
        }
        reply
    }

    async fn request_at(&self, base: &Base, method: &str, workspace: usize, route: &str) -> Result<Reply, client::Error> {
        let request = base.head(method, &base.path(&self.workspaces[workspace], route), &[], 0);
        Connection::open(base).await?.exchange(&request).await
    }
}

/// Waits until `done` or until the time is up; says which.
pub(super) async fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !done() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    true
}
