//! Which Redis holds the data, under which names, and how long we wait for it.

use std::fmt::{self, Debug, Display, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::{Fault, Settings, Unit};

/// The Redis connection, or the private server that stands in for it.
#[derive(Debug, Clone)]
pub struct Redis {
    /// Where Redis is; `None` makes `serve` start and own a private one.
    pub url: Option<RedisUrl>,
    /// Where the private Redis keeps its append-only file and its socket.
    pub data_dir: PathBuf,
    /// What every key begins with: several deployments may share a Redis.
    pub key_prefix: String,
    /// How long one command may take before Redis counts as away.
    pub timeout: Duration,
    /// Most connections for large or blocking work: replay pages, dump, restore.
    pub pool: usize,
}

impl Default for Redis {
    fn default() -> Self {
        Self { url: None, data_dir: PathBuf::from(".downbeat"), key_prefix: "db".to_owned(), timeout: Duration::from_millis(800), pool: 8 }
    }
}

impl Redis {
    pub(super) fn settings(&mut self, settings: &mut Settings<'_>) {
        settings.section("Redis");
        settings.secret(
            &mut self.url,
            ("DOWNBEAT_REDIS_URL", "URL"),
            "Redis to use: redis://, rediss:// or unix://. Without it, a private redis-server with its data in the data directory",
            RedisUrl::parse,
        );
        let mut data_dir = self.data_dir.display().to_string();
        settings.value(
            &mut data_dir,
            ("DOWNBEAT_DATA_DIR", "DIRECTORY"),
            "Directory of the private redis-server's data; unused with a Redis of your own",
            |text| Ok(text.to_owned()),
        );
        self.data_dir = PathBuf::from(data_dir);
        settings.value(
            &mut self.key_prefix,
            ("DOWNBEAT_KEY_PREFIX", "PREFIX"),
            "What every key in Redis begins with, so that deployments can share one",
            parse_prefix,
        );
        settings.duration(
            &mut self.timeout,
            ("DOWNBEAT_REDIS_TIMEOUT_MS", Unit::Milliseconds),
            "Longest wait for Redis to answer a command, in milliseconds; after it the caller gets 503",
            10..=60_000,
        );
        settings.number(
            &mut self.pool,
            ("DOWNBEAT_REDIS_POOL", "CONNECTIONS"),
            "Most connections for large work such as replay, dump and restore; short commands share one",
            1..=1024,
        );
    }

    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        if self.data_dir.as_os_str().is_empty() {
            faults.push(Fault { setting: "DOWNBEAT_DATA_DIR", message: "it is empty".to_owned() });
        }
    }
}

/// The address of a Redis, its scheme known to be one we speak. Prints itself without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// Checks the scheme; the rest is the store's to read.
    pub fn parse(text: &str) -> Result<Self, String> {
        const KNOWN: [&str; 4] = ["redis://", "rediss://", "unix://", "redis+unix://"];
        if KNOWN.iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme)) {
            return Ok(Self(text.to_owned()));
        }
        // Only the scheme is repeated: the rest may hold a password.
        let scheme = text.split_once("://").map_or("a text without a scheme", |(scheme, _)| scheme);
        Err(match scheme {
            "redis+sentinel" | "redis+cluster" => {
                format!("{scheme}:// is not available in this version; it speaks to a single Redis through redis://, rediss:// or unix://")
            }
            _ => format!("{scheme} is not a Redis URL; write redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/socket"),
        })
    }

    /// The Redis behind a Unix socket; `path` is absolute.
    pub fn socket(path: &Path) -> Self {
        let mut url = "unix://".to_owned();
        for &byte in path.as_os_str().as_bytes() {
            if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                let _ = write!(url, "%{byte:02X}");
            }
        }
        Self(url)
    }

    /// The whole address, password included: for the connection only, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("redis", &self.0));
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        // A query may carry `pass=`, which Unix sockets take instead of a user part.
        let place = place.split_once('?').map_or(place, |(place, _)| place);
        write!(f, "{scheme}://{place}")
    }
}

impl Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

fn parse_prefix(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    if text.len() <= 32 && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not 1 to 32 of A-Z a-z 0-9 _ - . :"))
}
