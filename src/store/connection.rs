//! The connections of a replica to Redis: a fixed number, whatever the number of readers.
//!
//! Hot commands go over one multiplexed connection that reconnects by itself; what is large or owns a connection comes
//! from a small pool. Every call ends within the configured time, so that a request can answer 503 within a second.

use std::future::Future;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Cmd, FromRedisValue, IntoConnectionInfo, Value};

use super::error::Error;
use super::script::{self, Script};
use crate::telemetry::metrics::{self, RedisFault};

/// How to reach Redis.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `redis://`, `rediss://`, `unix://` or `redis+unix://`.
    pub url: String,
    /// Bound of one call, connection included.
    pub timeout: Duration,
    /// Connections of the pool for large replies.
    pub pool: usize,
}

/// The open connections. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    hot: ConnectionManager,
    pool: deadpool_redis::Pool,
    client: redis::Client,
    timeout: Duration,
}

impl Connections {
    /// Prepares the connections; nothing is connected until it is used, so a replica starts while Redis is away.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let tcp = TcpSettings::default()
            .set_nodelay(true)
            .set_keepalive(socket2::TcpKeepalive::new().with_time(Duration::from_secs(10)).with_interval(Duration::from_secs(5)))
            .set_user_timeout(Duration::from_secs(10));
        let info = settings.url.as_str().into_connection_info()?.set_tcp_settings(tcp);
        let client = redis::Client::open(info.clone())?;
        let reconnect = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(settings.timeout))
            .set_response_timeout(Some(settings.timeout))
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(Duration::from_millis(500))
            .set_number_of_retries(20);
        let hot = ConnectionManager::new_lazy_with_config(client.clone(), reconnect)?;
        let manager = deadpool_redis::Manager::new(info)?;
        let pool = deadpool_redis::Pool::builder(manager)
            .max_size(settings.pool)
            .runtime(deadpool_redis::Runtime::Tokio1)
            .wait_timeout(Some(settings.timeout))
            .create_timeout(Some(settings.timeout))
            .recycle_timeout(Some(settings.timeout))
            .build()
            .map_err(|error| Error::Corrupt(error.to_string()))?;
        Ok(Self { hot, pool, client, timeout: settings.timeout })
    }

    /// One command on the hot connection.
    pub async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let mut connection = self.hot.clone();
        self.bounded(async move { command.query_async::<T>(&mut connection).await }).await
    }

    /// Several commands on the hot connection, in one write.
    pub async fn pipeline<T: FromRedisValue>(&self, pipeline: &redis::Pipeline) -> Result<T, Error> {
        let mut connection = self.hot.clone();
        self.bounded(async move { pipeline.query_async::<T>(&mut connection).await }).await
    }

    /// A script on the hot connection. `arguments` adds ARGV; it runs again when the server must first be given the text.
    pub async fn script<K: AsRef<str>>(&self, script: &Script, keys: &[K], arguments: impl Fn(&mut Cmd)) -> Result<Value, Error> {
        let mut connection = self.hot.clone();
        self.bounded(async move { run_script(&mut connection, script, keys, arguments).await }).await
    }

    /// A script whose reply may be large, on a connection of the pool.
    pub async fn script_apart<K: AsRef<str>>(&self, script: &Script, keys: &[K], arguments: impl Fn(&mut Cmd)) -> Result<Value, Error> {
        let mut connection = self.pooled().await?;
        run_script(&mut connection, script, keys, arguments).await.map_err(noted)
    }

    /// A connection of the pool, for replies too large for the shared one. Its calls are bounded by 10 s.
    pub async fn pooled(&self) -> Result<deadpool_redis::Connection, Error> {
        let mut connection = self.pool.get().await?;
        connection.set_response_timeout(Duration::from_secs(10));
        Ok(connection)
    }

    /// A connection of its own that only subscribes.
    pub async fn subscriber(&self) -> Result<redis::aio::PubSub, Error> {
        self.bounded(self.client.get_async_pubsub()).await
    }

    /// Ends a call that takes too long.
    pub async fn bounded<T>(&self, call: impl Future<Output = redis::RedisResult<T>>) -> Result<T, Error> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => answer.map_err(noted),
            Err(_elapsed) => {
                metrics::redis_failed(RedisFault::Timeout);
                Err(Error::Timeout)
            }
        }
    }
}

/// A failure of Redis, counted.
pub(super) fn noted(error: redis::RedisError) -> Error {
    let error = Error::from(error);
    metrics::redis_failed(match &error {
        Error::Unavailable(_) => RedisFault::Connection,
        Error::Timeout => RedisFault::Timeout,
        Error::Refusing(_) => RedisFault::Refused,
        Error::Contended | Error::Corrupt(_) | Error::Closed => RedisFault::Reply,
    });
    error
}

async fn run_script<C: redis::aio::ConnectionLike, K: AsRef<str>>(
    connection: &mut C,
    script: &Script,
    keys: &[K],
    arguments: impl Fn(&mut Cmd),
) -> redis::RedisResult<Value> {
    let mut command = script.call(keys);
    arguments(&mut command);
    match command.query_async(connection).await {
        Err(error) if script::is_unknown(&error) => {
            let mut command = script.call_with_text(keys);
            arguments(&mut command);
            command.query_async(connection).await
        }
        answer => answer,
    }
}
