//! The publishers of a run: keep-alive connections that share one schedule, each with at most one request under way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::task::JoinSet;

use super::fleet::Watch;
use super::histogram::Histogram;
use super::payload::Body;
use super::report::{Report, Unit};
use super::site::{Site, wait_until};
use crate::client::{self, Connection, Reply};

/// After a publish that failed.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the last requests may take.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// How events are published.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) connections: usize,
    /// Events in one request.
    pub(super) batch: usize,
    /// Payload bytes of an event.
    pub(super) bytes: usize,
    /// Events per second over all connections; 0 = as fast as they are answered.
    pub(super) rate: f64,
    /// Stop after so many requests.
    pub(super) requests: Option<u64>,
}

/// Publishers at work, until they are stopped or this is dropped.
#[derive(Debug)]
pub(super) struct Publishing {
    pub(super) desk: Arc<Desk>,
    tasks: JoinSet<()>,
}

/// Publish only while readers lack no more than so many deliveries of what was accepted.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) watch: Arc<Watch>,
    pub(super) deliveries: u64,
}

/// What all publishers share.
#[derive(Debug)]
pub(super) struct Desk {
    site: Arc<Site>,
    order: Order,
    body: Body,
    /// Request heads by replica and workspace.
    heads: Vec<Vec<Vec<u8>>>,
    window: Option<Window>,
    started: Instant,
    turns: AtomicU64,
    stopped: AtomicBool,
    accepted: AtomicU64,
    /// Deliveries that what was accepted will cause.
    owed: AtomicU64,
    /// The highest seq of each workspace that a reply named.
    latest: Vec<AtomicU64>,
    failures: AtomicU64,
    fault: Mutex<String>,
    /// Time from request to reply, of the requests sent since [`Desk::measure`].
    pub(super) latency: Histogram,
    measured_from: AtomicU64,
}

impl Publishing {
    pub(super) fn start(site: &Arc<Site>, order: Order, window: Option<Window>) -> Self {
        let body = Body::new(order.batch, order.bytes);
        let head = |base: &client::Base, workspace: &String| base.head("POST", &base.path(workspace, "events"), &[], body.bytes.len());
        let heads = site.bases.iter().map(|base| site.workspaces.iter().map(|workspace| head(base, workspace)).collect()).collect();
        let desk = Arc::new(Desk {
            site: Arc::clone(site),
            order,
            heads,
            body,
            window,
            started: Instant::now(),
            turns: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            owed: AtomicU64::new(0),
            latest: site.workspaces.iter().map(|_| AtomicU64::new(0)).collect(),
            failures: AtomicU64::new(0),
            fault: Mutex::new("none".to_owned()),
            latency: Histogram::new(),
            measured_from: AtomicU64::new(u64::MAX),
        });
        let mut tasks = JoinSet::new();
        for publisher in 0..order.connections {
            tasks.spawn(Arc::clone(&desk).publish(publisher));
        }
        Self { desk, tasks }
    }

    /// Waits until all publishers have had their last reply; then every event accepted is known.
    pub(super) async fn finish(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Lets the requests under way end, and no more begin.
    pub(super) async fn stop(mut self) -> Arc<Desk> {
        self.desk.stopped.store(true, Ordering::Relaxed);
        wait_until(LAST_REQUESTS, || {
            while self.tasks.try_join_next().is_some() {}
            self.tasks.is_empty()
        })
        .await;
        self.desk
    }
}

impl Desk {
    /// From now on latency counts.
    pub(super) fn measure(&self) {
        self.measured_from.store(self.site.now(), Ordering::Relaxed);
    }

    /// Events answered with 201.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// The highest seq of each workspace.
    pub(super) fn latest(&self) -> Vec<u64> {
        self.latest.iter().map(|seq| seq.load(Ordering::Relaxed)).collect()
    }

    /// What the last publish that failed met.
    pub(super) fn fault(&self) -> String {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn report_failures(&self, report: &mut Report) {
        let failures = self.failures.load(Ordering::Relaxed);
        report.add("failed_publishes", "failed publishes", failures as f64, Unit::Fault);
        if failures > 0 {
            eprintln!("note: the last failed publish met: {}", self.fault());
        }
    }

    async fn publish(self: Arc<Self>, publisher: usize) {
        let mut replica = publisher;
        let mut connection = None;
        let mut request = Vec::new();
        while let Some(turn) = self.turn().await {
            let workspace = (turn % self.latest.len() as u64) as usize;
            let at = replica % self.site.bases.len();
            request.clear();
            request.extend_from_slice(&self.heads[at][workspace]);
            let head = request.len();
            request.extend_from_slice(&self.body.bytes);
            let sent = self.site.now();
            self.body.stamp(&mut request[head..], sent);
            match self.exchange(&mut connection, at, &request).await {
                Ok(reply) if reply.status == 201 => self.accept(workspace, &reply, sent),
                Ok(reply) => {
                    let body = String::from_utf8_lossy(&reply.body).into_owned();
                    self.failed(format!("{} {body}", reply.status));
                    tokio::time::sleep(reply.retry_after.unwrap_or(PAUSE)).await;
                }
                Err(error) => {
                    self.failed(error.in_full());
                    replica += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits until the next request is due; `None` when there shall be no more.
    async fn turn(&self) -> Option<u64> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        if self.order.requests.is_some_and(|requests| turn >= requests) {
            return None;
        }
        if self.order.rate > 0.0 {
            let due = self.started + Duration::from_secs_f64(turn as f64 * self.order.batch as f64 / self.order.rate);
            if due > Instant::now() {
                tokio::time::sleep_until(due.into()).await;
            }
        }
        while !self.stopped.load(Ordering::Relaxed) {
            if self.window.as_ref().is_none_or(|window| self.owed.load(Ordering::Relaxed) <= window.watch.settled() + window.deliveries) {
                return Some(turn);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        None
    }

    /// Sends on the connection that is there or on a new one, and keeps it if it can be used again.
    async fn exchange(&self, kept: &mut Option<Connection>, base: usize, request: &[u8]) -> Result<Reply, client::Error> {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(&self.site.bases[base]).await?,
        };
        let reply = connection.exchange(request).await?;
        if reply.keep_alive {
            *kept = Some(connection);
        }
        Ok(reply)
    }

    fn accept(&self, workspace: usize, reply: &Reply, sent: u64) {
        let events = self.order.batch as u64;
        self.accepted.fetch_add(events, Ordering::Relaxed);
        if let Some(window) = &self.window {
            self.owed.fetch_add(events * window.watch.readers_of(workspace), Ordering::Relaxed);
        }
        if let Some(seq) = last_seq(&reply.body) {
            self.latest[workspace].fetch_max(seq, Ordering::Relaxed);
        }
        if sent >= self.measured_from.load(Ordering::Relaxed) {
            self.latency.record(self.site.now().saturating_sub(sent));
        }
    }

    fn failed(&self, fault: String) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

/// The seq that a reply to a publish names: the last one of a batch.
fn last_seq(body: &[u8]) -> Option<u64> {
    let name: &[u8] = if memmem::find(body, b"\"last_seq\":").is_some() { b"\"last_seq\":" } else { b"\"seq\":" };
    let rest = &body[memmem::find(body, name)? + name.len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::last_seq;

    #[test]
    fn the_last_seq_of_a_reply_is_found() {
        assert_eq!(last_seq(br#"{"seq":41,"type":"bench.tick","timestamp":1}"#), Some(41));
        assert_eq!(last_seq(br#"{"first_seq":3,"last_seq":12}"#), Some(12));
        assert_eq!(last_seq(b"{}"), None);
    }
}
