//! One run of redis-server: its start, its output, its end.

mod output;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, ServerErrorKind};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use self::output::Output;
use super::place::Place;
use super::{Error, RedisUrl};

/// Redis writes out what it has; a busy disk may take its time.
pub(super) const LONGEST_SHUTDOWN: Duration = Duration::from_secs(15);
/// Until the socket answers at all; loading comes after and may take any time.
const LONGEST_SILENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);
const LOADING_LOG_PERIOD: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
const OLDEST_MAJOR_VERSION: u32 = 7;

/// A redis-server that has answered. Dropped, it is killed; what it has accepted is in its file all the same.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    output: Output,
    version: String,
}

/// How a server ended.
pub(super) struct Death {
    pub(super) status: String,
    pub(super) last_words: String,
}

impl Server {
    /// Starts a server and waits until it answers, after dismissing one that an earlier run left behind.
    pub(super) async fn start(place: &Place) -> Result<Self, Error> {
        let lock = dismiss_predecessor(place).await?;
        let mut child = Command::new("redis-server")
            .arg(place.configuration())
            .current_dir(&place.dir)
            .stdin(Stdio::from(lock))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C in the terminal is for us; Redis must outlive our drain.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| if error.kind() == std::io::ErrorKind::NotFound { Error::Missing } else { Error::Spawn(error) })?;
        let output = Output::follow(&mut child);
        let mut server = Self { child, output, version: String::new() };
        let mut connection = server.answer(place).await?;
        server.version = version(&mut connection).await.map_err(|source| silent(place, source))?;
        let major = server.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < OLDEST_MAJOR_VERSION) {
            return Err(Error::TooOld(server.version));
        }
        server.output.up();
        Ok(server)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Waits for its unwanted end.
    pub(super) async fn died(&mut self) -> Death {
        let status = self.child.wait().await;
        self.death(status).await
    }

    /// Has it write out everything and waits for its end.
    pub(super) async fn shut_down(mut self, socket: &Path) {
        self.output.quiet();
        dismiss(socket).await;
        if tokio::time::timeout(LONGEST_SHUTDOWN, self.child.wait()).await.is_err() {
            tracing::warn!("private Redis does not shut down; killing it");
            let _ = self.child.kill().await;
        }
    }

    async fn answer(&mut self, place: &Place) -> Result<MultiplexedConnection, Error> {
        let started = Instant::now();
        let mut logged = started;
        loop {
            let attempt = tokio::select! {
                biased;
                status = self.child.wait() => {
                    let Death { status, last_words } = self.death(status).await;
                    return Err(Error::Died { status, last_words });
                }
                attempt = ping(&place.socket) => attempt,
            };
            match attempt {
                Ok(connection) => return Ok(connection),
                Err(error) if is_loading(&error) => {
                    if logged.elapsed() >= LOADING_LOG_PERIOD {
                        logged = Instant::now();
                        let progress = progress(&place.socket).await.unwrap_or_default();
                        tracing::info!(redis.loaded_percent = progress, "private Redis is loading its data");
                    }
                }
                Err(error) if started.elapsed() > LONGEST_SILENCE => {
                    return Err(silent(place, error));
                }
                Err(_) => {}
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn death(&self, status: std::io::Result<ExitStatus>) -> Death {
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        Death { status, last_words: self.output.last_words().await }
    }
}

/// Sends the shutdown and does not look back: for a process that exits at once.
pub(super) fn dismiss_without_waiting(socket: &Path) {
    if let Ok(mut stream) = UnixStream::connect(socket) {
        let _ = stream.write_all(b"SHUTDOWN NOSAVE\r\n");
    }
}

/// Returns the lock that says no server runs. One that does was left by an earlier run that was killed: all its data is
/// in the file, or will be when it has shut down.
async fn dismiss_predecessor(place: &Place) -> Result<std::fs::File, Error> {
    let started = Instant::now();
    let mut asked = None;
    loop {
        if let Some(lock) = place.server_lock()? {
            return Ok(lock);
        }
        if started.elapsed() > LONGEST_SHUTDOWN * 2 {
            return Err(Error::Occupied(place.dir.clone()));
        }
        // Asked again now and then: the first may have come before its socket was open.
        if asked.is_none_or(|asked: Instant| asked.elapsed() > LOADING_LOG_PERIOD) {
            if asked.is_none() {
                tracing::info!("a private Redis of an earlier run still runs; shutting it down first");
            }
            asked = Some(Instant::now());
            dismiss(&place.socket).await;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// `NOSAVE` is about RDB snapshots, of which there are none; the append-only file is written out in any case.
async fn dismiss(socket: &Path) {
    if let Ok(mut connection) = connect(socket).await {
        // It answers by closing the connection, which is an error to the client.
        let _: Result<(), RedisError> = redis::cmd("SHUTDOWN").arg("NOSAVE").query_async(&mut connection).await;
    }
}

async fn connect(socket: &Path) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(ANSWER_TIMEOUT)).set_response_timeout(Some(ANSWER_TIMEOUT));
    let client = redis::Client::open(RedisUrl::socket(socket).expose())?;
    client.get_multiplexed_async_connection_with_config(&config).await
}

async fn ping(socket: &Path) -> Result<MultiplexedConnection, RedisError> {
    let mut connection = connect(socket).await?;
    let () = redis::cmd("PING").query_async(&mut connection).await?;
    Ok(connection)
}

async fn progress(socket: &Path) -> Result<String, RedisError> {
    let mut connection = connect(socket).await?;
    let info: String = redis::cmd("INFO").arg("persistence").query_async(&mut connection).await?;
    Ok(field(&info, "loading_loaded_perc"))
}

async fn version(connection: &mut MultiplexedConnection) -> Result<String, RedisError> {
    let info: String = redis::cmd("INFO").arg("server").query_async(connection).await?;
    Ok(field(&info, "redis_version"))
}

fn field(info: &str, name: &str) -> String {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or_default().trim().to_owned()
}

fn is_loading(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading)
}

fn silent(place: &Place, source: RedisError) -> Error {
    Error::Silent { socket: place.socket.clone(), source }
}
