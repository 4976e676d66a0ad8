//! The program as an operator meets it: its settings, its greeting, its signals, its data after a restart. Real
//! processes, on free ports, each with a data directory of its own.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test, and should")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// `downbeat` with nothing in its environment that this test did not put there.
fn downbeat(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_downbeat"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DOWNBEAT_")) {
        command.env_remove(name);
    }
    command
}

/// A service on free ports, ended when the test ends.
struct Service {
    process: Child,
    /// The greeting, line by line.
    greeting: Vec<String>,
}

impl Service {
    fn start(data_dir: &Path) -> Self {
        let mut process = downbeat(&["serve"])
            .env("DOWNBEAT_LISTEN", "127.0.0.1:0")
            .env("DOWNBEAT_ADMIN_LISTEN", "127.0.0.1:0")
            .env("DOWNBEAT_DATA_DIR", data_dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut greeting = Vec::new();
        // The greeting is written in one piece once the service listens, and ends with the demo.
        while !greeting.last().is_some_and(|line: &String| line.contains("downbeat demo")) {
            let line = lines.next();
            assert!(line.is_some(), "the service ended before its greeting");
            greeting.push(line.unwrap().unwrap());
        }
        Self { process, greeting }
    }

    fn address(&self) -> &str {
        self.greeting[0].strip_prefix("Downbeat is listening on http://").unwrap()
    }

    fn admin(&self) -> &str {
        let state = self.greeting.iter().find_map(|line| line.trim().strip_prefix("state  http://")).unwrap();
        state.strip_suffix("/readyz").unwrap()
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not exit");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Service {
    /// Ends it with a signal first: killed, it would leave its Redis behind.
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        }
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    connection.read_to_string(&mut reply).unwrap();
    reply
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_fault_of_flags_and_variables_is_reported_at_once() {
    let output = downbeat(&["serve", "--drain-seconds", "soon"])
        .env("DOWNBEAT_LISTEN", "0.0.0.0:0")
        .env("DOWNBEAT_AUTH", "none")
        .env("DOWNBEAT_DRAIN_SECONDS", "5")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let words = words(&output);
    for part in ["3 faults", "DOWNBEAT_LISTEN (--listen)", "\"none\" is not an authentication mode", "\"soon\""] {
        assert!(words.contains(part), "{part:?} is missing in:\n{words}");
    }
}

#[test]
fn a_password_in_the_environment_stays_out_of_the_help_text() {
    let output = downbeat(&["serve", "--help"]).env("DOWNBEAT_REDIS_URL", "redis://:hunter2@host").output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("DOWNBEAT_REDIS_URL") && !help.contains("hunter2"), "{help}");
}

#[test]
fn a_missing_redis_server_is_named_with_its_remedy() {
    let data = TempDir::new().unwrap();
    let output = downbeat(&["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"])
        .env("DOWNBEAT_DATA_DIR", data.path())
        .env("PATH", data.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = words(&output);
    for part in ["redis-server is not installed", "apt-get install redis-server", "brew install redis", "DOWNBEAT_REDIS_URL"] {
        assert!(words.contains(part), "{part:?} is missing in:\n{words}");
    }
}

#[test]
fn the_greeting_names_addresses_that_answer() {
    let data = TempDir::new().unwrap();
    let service = Service::start(data.path());
    TcpStream::connect(service.address()).unwrap();
    assert!(get(service.admin(), "/livez").starts_with("HTTP/1.1 200 "));
    assert!(get(service.admin(), "/metrics").contains("downbeat_build_info{"));
}

#[test]
fn one_signal_ends_the_service_and_its_redis_in_peace() {
    for signal in ["-TERM", "-INT"] {
        let data = TempDir::new().unwrap();
        let mut service = Service::start(data.path());
        service.signal(signal);
        assert_eq!(service.exit_code(), Some(0), "{signal}");
        assert!(!data.path().join("redis.sock").exists(), "the private Redis lives on after {signal}");
    }
}

#[test]
fn a_second_signal_exits_at_once_and_takes_its_redis_along() {
    const STREAM: &str = "GET /api/v1/workspaces/w/orchestration/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n";
    let data = TempDir::new().unwrap();
    let mut service = Service::start(data.path());
    // Enough streams that their end, spread over the drain time, keeps the first signal from being the last.
    let streams: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(service.address()).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(STREAM.as_bytes()).unwrap();
            assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
            stream
        })
        .collect();
    service.signal("-TERM");
    let deadline = Instant::now() + PATIENCE;
    while !get(service.admin(), "/readyz").contains("draining") {
        assert!(Instant::now() < deadline, "the first signal does not begin a drain");
    }
    let second = Instant::now();
    service.signal("-TERM");
    assert_eq!(service.exit_code(), Some(143));
    assert!(second.elapsed() < Duration::from_secs(2), "{:?}", second.elapsed());
    let deadline = Instant::now() + PATIENCE;
    while data.path().join("redis.sock").exists() {
        assert!(Instant::now() < deadline, "the private Redis lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(streams);
}

#[test]
fn a_killed_service_can_be_started_again_at_once() {
    let data = TempDir::new().unwrap();
    let mut first = Service::start(data.path());
    first.signal("-KILL");
    assert_eq!(first.exit_code(), None);
    assert!(data.path().join("redis.sock").exists(), "nobody was there to end the private Redis");
    let mut second = Service::start(data.path());
    second.signal("-TERM");
    assert_eq!(second.exit_code(), Some(0));
}

#[test]
fn two_services_do_not_share_a_data_directory() {
    let data = TempDir::new().unwrap();
    let _first = Service::start(data.path());
    let output =
        downbeat(&["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"]).env("DOWNBEAT_DATA_DIR", data.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("another downbeat is using the data directory"), "{}", words(&output));
}
