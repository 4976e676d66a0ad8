//! The SSE clients that users bring, against a replica that is killed and replaced: npm `eventsource` and Python `httpx-sse`.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::harness::{Process, Redis, bounded, workspace};

/// A client that prints what it sees.
struct Client {
    name: &'static str,
    lines: Lines<BufReader<ChildStdout>>,
    seqs: Vec<u64>,
    opened: usize,
    _child: Child,
}

impl Client {
    fn start(name: &'static str, program: &Path, script: &Path, stream: &str) -> Self {
        let mut child = Command::new(program)
            .arg(script)
            .args([stream, "work.done"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { name, lines, seqs: Vec::new(), opened: 0, _child: child }
    }

    async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let line = bounded(what, self.lines.next_line()).await.unwrap();
            let line = line.unwrap_or_else(|| panic!("{} ended", self.name));
            let said: Value = serde_json::from_str(&line).unwrap();
            if said["opened"] == true {
                self.opened += 1;
            } else {
                assert_eq!(said["event"], "work.done", "{}: {line}", self.name);
                assert_eq!(said["number"], said["seq"], "{}: parseInt of the id is the seq: {line}", self.name);
                self.seqs.push(said["seq"].as_u64().unwrap());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_users_bring_miss_and_repeat_nothing_when_their_replica_is_replaced() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let install = Command::new(root.join("tests/clients/install.sh")).arg(&directory).output().await.unwrap();
    assert!(install.status.success(), "{}", String::from_utf8_lossy(&install.stderr));

    let redis = Redis::private();
    let url = format!("--redis-url={}", redis.url().expose());
    let drain = "--drain-seconds=2".to_owned();
    let (mut replica, other) = tokio::join!(Process::start([&url, &drain]), Process::start([&url, &drain]));
    let listen = format!("--listen={}", replica.http.address());
    let workspace = workspace();
    let writing = other.api(&workspace);
    writing.emit_many(100).await;

    let stream = format!("http://{}{}", replica.http.address(), writing.path("events?since_seq=0"));
    let mut clients = [
        Client::start("eventsource", Path::new("node"), &directory.join("follow.mjs"), &stream),
        Client::start("httpx-sse", &directory.join("venv/bin/python"), &directory.join("follow.py"), &stream),
    ];
    for client in &mut clients {
        client.until("the history", |client| client.seqs.len() >= 100).await;
    }
    let writer = {
        let writing = writing.clone();
        tokio::spawn(async move {
            for n in 0..300 {
                writing.emit(n).await;
            }
        })
    };
    for client in &mut clients {
        client.until("some news", |client| client.seqs.len() >= 150).await;
    }
    replica.kill().await;
    let mut replica = Process::start([&url, &drain, &listen]).await;
    writer.await.unwrap();
    for client in &mut clients {
        client.until("the rest after the kill", |client| client.seqs.len() >= 400).await;
    }

    // And in good order: asked to reconnect, they come back after the pause they were told.
    replica.terminate().await;
    assert_eq!(replica.ended().await.code(), Some(0));
    writing.emit_many(50).await;
    let _replaced = Process::start([&url, &drain, &listen]).await;
    for client in &mut clients {
        client.until("the rest after the drain", |client| client.seqs.len() >= 450).await;
        assert_eq!(client.seqs, (1..=450).collect::<Vec<_>>(), "{}", client.name);
        assert!(client.opened >= 3, "{} connected {} times", client.name, client.opened);
    }
}
