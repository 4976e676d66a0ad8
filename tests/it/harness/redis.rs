//! A redis-server of the tests' own, on a Unix socket in a directory of its own. It dies with its owner: a shell holds it and
//! kills it when the pipe to this process closes, whatever closes it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use downbeat::config::RedisUrl;
use redis::{FromRedisValue, aio::MultiplexedConnection};
use tempfile::TempDir;

use super::wait::eventually;

const KEEPER: &str = r#"redis-server "$@" >redis.log 2>&1 & server=$!; read -r _; kill -9 $server; wait $server"#;

/// One server; nothing is kept on disk unless [`save`](Redis::save) is called.
pub struct Redis {
    directory: TempDir,
    options: Vec<String>,
    keeper: Mutex<Option<Child>>,
}

impl Redis {
    /// The server that tests share which neither kill, pause nor flush theirs.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Redis>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let redis = Self::private();
            *shared = Arc::downgrade(&redis);
            redis
        })
    }

    /// A server for one test alone.
    pub fn private() -> Arc<Self> {
        Self::with(["--port", "0"].map(String::from).into())
    }

    /// A Redis Cluster of one node that has all slots, for one test alone: it refuses what would not be legal in a larger one.
    pub async fn cluster_node() -> Arc<Self> {
        // Both are free now; nobody else asks for a number the system gave away this moment.
        let [port, bus] = [0, 1].map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap()).map(|socket| socket.local_addr().unwrap().port());
        let options = format!("--port {port} --bind 127.0.0.1 --cluster-enabled yes --cluster-port {bus}");
        let redis = Self::with(options.split(' ').map(String::from).collect());
        let _: String = redis.run(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
        eventually("the cluster to be whole", async || {
            let info: String = redis.run(&["CLUSTER", "INFO"]).await;
            info.contains("cluster_state:ok").then_some(())
        })
        .await;
        redis
    }

    fn with(options: Vec<String>) -> Arc<Self> {
        let directory = tempfile::Builder::new().prefix("downbeat-it-").tempdir().unwrap();
        let redis = Self { directory, options, keeper: Mutex::new(None) };
        redis.start();
        Arc::new(redis)
    }

    /// Starts the server, from what was saved last.
    pub fn start(&self) {
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh", "--save", "", "--appendonly", "no"])
            .args(&self.options)
            .args(["--unixsocket", "redis.sock", "--enable-debug-command", "local"])
            .current_dir(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        *self.keeper.lock().unwrap() = Some(keeper);
        let end = Instant::now() + Duration::from_secs(10);
        while !self.answers() {
            assert!(Instant::now() < end, "redis-server does not answer; is it installed? It said:\n{}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server without a chance to save.
    pub fn crash(&self) {
        let keeper = self.keeper.lock().unwrap().take();
        if let Some(mut keeper) = keeper {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
        let _ = fs::remove_file(self.socket());
    }

    /// Writes what the server holds to disk: what [`start`](Redis::start) begins with after a crash.
    pub async fn save(&self) {
        let _: String = self.run(&["SAVE"]).await;
    }

    /// Runs one command.
    pub async fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query_async(&mut self.connection().await).await.unwrap()
    }

    /// A connection beside those of the replicas.
    pub async fn connection(&self) -> MultiplexedConnection {
        redis::Client::open(self.url().expose()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    /// Where the server listens.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    /// The server's address.
    pub fn url(&self) -> RedisUrl {
        RedisUrl::parse(&format!("unix://{}", self.socket().display())).unwrap()
    }

    fn answers(&self) -> bool {
        let ping = || {
            let mut socket = UnixStream::connect(self.socket())?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            socket.write_all(b"PING\r\n")?;
            let mut reply = [0; 5];
            socket.read_exact(&mut reply)?;
            std::io::Result::Ok(reply)
        };
        ping().is_ok_and(|reply| &reply == b"+PONG")
    }

    fn said(&self) -> String {
        fs::read_to_string(self.directory.path().join("redis.log")).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.crash();
    }
}
