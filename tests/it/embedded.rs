//! The service with a Redis of its own: what was answered is there after any restart.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::appends::row;
use crate::harness::process::downbeat;
use crate::harness::{Api, Process, bounded};
use crate::questions::{asked_id, pending};

/// A data directory. A private Redis outlives a service that was killed; it does not outlive its directory.
struct Data(TempDir);

impl Data {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("downbeat-it-").tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let end = Instant::now() + Duration::from_secs(5);
        while let Ok(mut socket) = UnixStream::connect(self.path().join("redis.sock"))
            && Instant::now() < end
        {
            let _ = socket.write_all(b"SHUTDOWN NOSAVE\r\n");
            // Until it hangs up.
            let _ = socket.set_read_timeout(Some(Duration::from_secs(1)));
            let _ = socket.read(&mut [0; 64]);
        }
    }
}

async fn start(directory: &Path) -> Process {
    Process::start([format!("--data-dir={}", directory.display()), "--drain-seconds=1".to_owned()]).await
}

/// What a reader can see of the workspace.
async fn reads(api: &Api) -> Vec<String> {
    let mut reads = Vec::new();
    for route in ["config", "questions", "questions/history", "log", "events?since_seq=0&limit=500"] {
        let answer = api.get(route).header("accept", "application/json").send().await;
        assert_eq!(answer.status, 200, "{route}");
        reads.push(answer.text());
    }
    reads
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_any_kind_loses_nothing() {
    let directory = Data::new();
    let mut process = start(directory.path()).await;
    let api = process.api("mine");
    api.emit_many(20).await;
    api.patch("config", &json!({"a": 1})).ok(200).await;
    api.post("log", &row("call_1")).ok(201).await;
    let waiting = asked_id(&api, "ses_1").await;
    let before = reads(&api).await;

    process.terminate().await;
    assert_eq!(process.ended().await.code(), Some(0));
    let mut process = start(directory.path()).await;
    let api = process.api("mine");
    assert_eq!(reads(&api).await, before, "after SIGTERM");
    assert_eq!(pending(&api).await, [waiting]);

    let last = api.emit_many(30).await;
    let before = reads(&api).await;
    process.kill().await;
    let process = start(directory.path()).await;
    let api = process.api("mine");
    assert_eq!(reads(&api).await, before, "after SIGKILL");
    assert_eq!(api.emit(0).await, last + 1, "numbers go on, in the same epoch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_goes_on_where_it_was_before_the_restart() {
    let directory = Data::new();
    let mut process = start(directory.path()).await;
    let api = process.api("mine");
    let mut stream = api.stream("events?since_seq=0").await;
    stream.control("stream.ready").await;
    stream.control("stream.caught_up").await;
    api.emit_many(10).await;
    stream.until(7).await;
    let cursor = stream.last_event_id().to_owned();
    process.kill().await;
    let process = start(directory.path()).await;
    let api = process.api("mine");
    let mut stream = api.get("events").header("last-event-id", &cursor).stream().await;
    stream.control("stream.ready").await;
    assert_eq!(stream.event().await.seq(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_in_use_is_left_alone() {
    let directory = Data::new();
    let process = start(directory.path()).await;
    let second = downbeat().arg("serve").arg(format!("--data-dir={}", directory.path().display())).output();
    let output = bounded("the second to give up", second).await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("data directory"), "{output:?}");
    process.api("mine").emit(1).await;
}
