//! Start-up and shutdown of the service; it alone knows every module.

pub mod greeting;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::config::{Config, RedisUrl};
use crate::embedded::{self, PrivateRedis};
use crate::http::{self, admin, server};
use crate::jobs;
use crate::lifecycle::Lifecycle;
use crate::service::Service;
use crate::store::{self, Store};
use crate::stream::{self, Hub};
use crate::telemetry::metrics;

/// How long requests under way may take at least, even if the drain time is shorter; and tasks, after all of them.
const REQUESTS_END: Duration = Duration::from_secs(5);

/// Why the service did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A listener's address cannot be taken.
    #[error("cannot listen on {1}")]
    Listen(#[source] io::Error, SocketAddr),
    /// Signals cannot be watched.
    #[error("cannot watch signals")]
    Signals(#[source] io::Error),
    /// There is no private Redis.
    #[error("there is no private Redis")]
    PrivateRedis(#[from] embedded::Error),
    /// The address of Redis is no good.
    #[error("Redis cannot be used")]
    Store(#[from] store::Error),
    /// A task the service needs has died.
    #[error("a task the service needs has died; see the log")]
    Failed,
}

/// A replica that runs.
pub struct Running {
    /// Where the API is served.
    pub public: SocketAddr,
    /// Where health and metrics are served.
    pub admin: SocketAddr,
    life: Lifecycle,
    hub: Hub,
    connections: Arc<AtomicUsize>,
    drain: Duration,
}

/// Runs a replica until a signal ends it.
pub async fn serve(config: Config) -> Result<(), Error> {
    let life = Lifecycle::new();
    life.watch_signals().map_err(Error::Signals)?;
    let private = if config.redis.url.is_some() {
        None
    } else {
        tokio::select! {
            started = PrivateRedis::start(&config.redis.data_dir, &life) => Some(started?),
            () = life.soft().cancelled() => return Ok(()),
        }
    };
    let url = private.as_ref().map(PrivateRedis::url).or(config.redis.url.as_ref()).cloned();
    let running = match url {
        Some(url) => start_on(&config, &url, life.clone()).await?,
        None => return Err(Error::Failed),
    };
    greeting::print(&config, greeting::Addresses { public: running.public, admin: running.admin }, private.as_ref());
    life.soft().cancelled().await;
    running.stop().await;
    if let Some(private) = private {
        private.stop().await;
    }
    if life.has_failed() { Err(Error::Failed) } else { Ok(()) }
}

/// Starts a replica on the Redis that `config` names, which must name one. Listening when this returns.
pub async fn start(config: Config) -> Result<Running, Error> {
    match config.redis.url.clone() {
        Some(url) => start_on(&config, &url, Lifecycle::new()).await,
        None => Err(Error::Store(store::Error::Corrupt("no DOWNBEAT_REDIS_URL is given".into()))),
    }
}

async fn start_on(config: &Config, url: &RedisUrl, life: Lifecycle) -> Result<Running, Error> {
    metrics::keep_up(&life);
    let public = listen(config.server.listen).await?;
    let operator = listen(config.server.admin_listen).await?;
    let addresses = (local(&public, config.server.listen)?, local(&operator, config.server.admin_listen)?);

    let settings = store::Settings { url: url.expose().to_owned(), timeout: config.redis.timeout, pool: config.redis.pool };
    let store = Store::open(&settings, &config.redis.key_prefix, &life)?;
    let hub = Hub::start(store.clone(), stream_settings(config), &life);
    let limits = Arc::new(config.limits.clone());
    let service = Service::new(store.clone(), Arc::clone(&limits));
    jobs::start(service.clone(), store, &life);

    let admin = admin::router(life.readiness().clone(), metrics::registry());
    let hard = life.hard().clone();
    life.spawn("admin listener", async move {
        let served = axum::serve(operator, admin).with_graceful_shutdown(hard.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(error = &error as &dyn std::error::Error, "the admin listener has ended");
        }
    });
    let router = http::router(http::state::State::new(service, limits, hub.clone(), life.clone()));
    let connections = Arc::<AtomicUsize>::default();
    let options = server::Options { send_buffer_bytes: config.streams.send_buffer_bytes, open: Arc::clone(&connections) };
    life.spawn("public listener", server::run(public, router, options, life.clone()));
    Ok(Running { public: addresses.0, admin: addresses.1, life, hub, connections, drain: config.server.drain })
}

impl Running {
    /// Begins the drain: not ready at once, streams end over the drain time, requests go on being served.
    pub fn drain(&self) {
        self.life.drain();
    }

    /// Drains and stops. Streams end evenly over the drain time; without streams it is short.
    pub async fn stop(self) {
        self.life.drain();
        let started = Instant::now();
        tracing::info!(streams.open = self.hub.open_streams(), drain.seconds = self.drain.as_secs(), "draining");
        self.hub.drain(self.drain).await;
        // Streams end with their last frame once the client has taken it.
        let last = self.drain.max(REQUESTS_END);
        while self.connections.load(Ordering::Relaxed) > 0 && started.elapsed() < last {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.life.stop();
        // The commit lanes end with the last handle on the store; this is one.
        drop(self.hub);
        let left = self.life.finished(REQUESTS_END).await;
        tracing::info!(tasks.left = left, drain.took_seconds = started.elapsed().as_secs_f64(), "stopped");
    }
}

fn stream_settings(config: &Config) -> stream::Settings {
    stream::Settings {
        heartbeat: config.streams.heartbeat,
        max_age: config.streams.max_age,
        stall: config.streams.stall,
        ring_bytes: config.streams.ring_bytes,
        replay_cache_bytes: config.streams.replay_cache_bytes,
        workspace_streams: config.limits.workspace_streams as u64,
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| Error::Listen(error, address))
}

fn local(listener: &TcpListener, address: SocketAddr) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(|error| Error::Listen(error, address))
}
