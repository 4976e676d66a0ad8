//! Replicas in this process, each with its own listeners, and the pair of them that most tests use.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use downbeat::app::{self, Running};
use downbeat::config::Config;

use super::wait::bounded;
use super::{Api, Http, Redis};

/// One replica of the service.
pub struct Replica {
    /// The public listener.
    pub http: Http,
    /// The operator's listener.
    pub admin: Http,
    running: Running,
}

impl Replica {
    /// Starts it; the listeners answer when this returns.
    pub async fn start(config: Config) -> Self {
        let running = bounded("a replica to start", app::start(config)).await.unwrap();
        Self { http: Http::new(running.public), admin: Http::new(running.admin), running }
    }

    /// The API of a workspace on this replica.
    pub fn api(&self, workspace: &str) -> Api {
        Api::new(&self.http, workspace)
    }

    /// Drains and ends it.
    pub async fn stop(self) {
        bounded("a replica to stop", self.running.stop()).await;
    }

    /// Begins the drain, as SIGTERM does.
    pub fn drain(&self) {
        self.running.drain();
    }
}

/// Two replicas on one Redis.
pub struct Cluster {
    /// The Redis of both.
    pub redis: Arc<Redis>,
    /// One replica.
    pub a: Replica,
    /// The other.
    pub b: Replica,
    /// What their keys begin with.
    pub prefix: String,
}

impl Cluster {
    /// Two replicas on the Redis that tests share.
    pub async fn two() -> Self {
        Self::with(Redis::shared(), |_| ()).await
    }

    /// Two replicas on a Redis of their own.
    pub async fn alone() -> Self {
        Self::with(Redis::private(), |_| ()).await
    }

    /// Two replicas on `redis`, with settings changed.
    pub async fn with(redis: Arc<Redis>, change: impl Fn(&mut Config)) -> Self {
        let prefix = unique("t");
        let mut config = Config::for_tests(redis.url());
        config.redis.key_prefix.clone_from(&prefix);
        change(&mut config);
        let (a, b) = tokio::join!(Replica::start(config.clone()), Replica::start(config));
        Self { redis, a, b, prefix }
    }

    /// The API of a new workspace, as each replica serves it.
    pub fn workspace(&self) -> (Api, Api) {
        let workspace = workspace();
        (self.a.api(&workspace), self.b.api(&workspace))
    }
}

/// The name of a workspace no other test uses.
pub fn workspace() -> String {
    unique("ws_")
}

fn unique(before: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{before}{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
