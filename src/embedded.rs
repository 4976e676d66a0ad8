//! The private Redis of a service that was given none: a `redis-server` on a Unix socket that we start, watch, restart
//! and stop, with its append-only file in the data directory. One service owns a directory at a time. What Redis has
//! accepted survives the death of either process. Beside the store, nothing else speaks to Redis.

mod place;
mod server;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use self::place::Place;
use self::server::Server;
use crate::config::RedisUrl;
use crate::lifecycle::Lifecycle;

/// Between the death of a server and the start of the next one; doubles while they keep dying.
const BACK_OFF: Duration = Duration::from_millis(100);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);
/// A server that ran this long has not died at its start.
const STABLE: Duration = Duration::from_secs(30);

/// Why there is no private Redis.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory cannot be made, read or written.
    #[error("the data directory {} cannot be used", dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another service owns the directory.
    #[error(
        "another downbeat is using the data directory {}; give this one its own with DOWNBEAT_DATA_DIR, or let both \
         share a Redis with DOWNBEAT_REDIS_URL",
        .0.display()
    )]
    InUse(PathBuf),
    /// A server of an earlier run lives on and cannot be talked out of it.
    #[error("a redis-server of an earlier run still uses the data directory {} and does not stop; end it by hand", .0.display())]
    Occupied(PathBuf),
    /// There is no such program.
    #[error(
        "redis-server is not installed. Debian and Ubuntu: apt-get install redis-server. macOS: brew install redis. \
         Others: install Redis 7 or later, so that redis-server is on the PATH. Or use a running Redis with DOWNBEAT_REDIS_URL"
    )]
    Missing,
    /// The program cannot be started.
    #[error("redis-server cannot be started")]
    Spawn(#[source] io::Error),
    /// The program ended before it answered.
    #[error("redis-server ended ({status}) before it answered; its last words:\n{last_words}")]
    Died {
        /// Exit status, in words.
        status: String,
        /// The end of its output.
        last_words: String,
    },
    /// The program runs and does not answer.
    #[error("redis-server does not answer on its socket {}", socket.display())]
    Silent {
        /// The socket.
        socket: PathBuf,
        /// What the last attempt ran into.
        source: redis::RedisError,
    },
    /// The program cannot run our scripts.
    #[error("redis-server is version {0}; downbeat needs 7.0 or later")]
    TooOld(String),
}

/// A running private Redis. Dropping it begins the same shutdown as [`stop`](Self::stop), without waiting for its end.
#[derive(Debug)]
pub struct PrivateRedis {
    url: RedisUrl,
    data_dir: PathBuf,
    /// A life of its own: it outlasts the service's, whose last tasks still write to Redis.
    life: LifeGuard,
}

impl PrivateRedis {
    /// Starts the server, or takes over the data of one that an earlier run left behind, and returns when it answers;
    /// loading a large append-only file takes a while and is logged. Dropping the future kills the server.
    pub async fn start(data_dir: &Path, service: &Lifecycle) -> Result<Self, Error> {
        let place = Place::take(data_dir)?;
        let server = Server::start(&place).await?;
        let (url, data_dir) = (RedisUrl::socket(&place.socket), place.dir.clone());
        tracing::info!(redis.version = server.version(), redis.data_dir = %data_dir.display(), "private Redis is up");

        let socket = place.socket.clone();
        service.at_sudden_exit(move || server::dismiss_without_waiting(&socket));
        let life = Lifecycle::new();
        life.spawn("private redis", watch(server, place, life.clone()));
        Ok(Self { url, data_dir, life: LifeGuard(life) })
    }

    /// Where the store connects.
    pub fn url(&self) -> &RedisUrl {
        &self.url
    }

    /// The directory that holds the data, absolute.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Shuts the server down and waits until it is gone. Call it when nothing needs Redis any more.
    pub async fn stop(self) {
        self.life.0.stop();
        self.life.0.finished(server::LONGEST_SHUTDOWN * 2).await;
    }
}

#[derive(Debug)]
struct LifeGuard(Lifecycle);

impl Drop for LifeGuard {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Keeps a server running until the stop. If this process dies here, the server lives on with all data, and the next
/// start dismisses it.
async fn watch(first: Server, place: Place, life: Lifecycle) {
    let mut server = first;
    loop {
        let since = Instant::now();
        let died = tokio::select! {
            died = server.died() => died,
            () = life.hard().cancelled() => return server.shut_down(&place.socket).await,
        };
        tracing::error!(redis.status = died.status, redis.output = died.last_words, "private Redis died; starting it again");
        let mut back_off = if since.elapsed() < STABLE { BACK_OFF } else { Duration::ZERO };
        server = loop {
            let started = async {
                tokio::time::sleep(back_off).await;
                Server::start(&place).await
            };
            let started = tokio::select! {
                started = started => started,
                () = life.hard().cancelled() => return,
            };
            match started {
                Ok(server) => break server,
                Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "private Redis does not start; trying again"),
            }
            back_off = (back_off * 2).clamp(BACK_OFF, LONGEST_BACK_OFF);
        };
        tracing::info!("private Redis is up again");
    }
}
