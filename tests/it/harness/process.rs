//! The real binary in a process of its own, for what only a process can do: be killed, take a signal, own a Redis.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::wait::{bounded, eventually};
use super::{Api, Http};

/// A running `downbeat serve`; killed when dropped.
pub struct Process {
    /// The public listener.
    pub http: Http,
    /// The operator's listener.
    pub admin: Http,
    child: Child,
}

impl Process {
    /// Starts it, on free ports unless `arguments` name others, and waits until it is ready.
    pub async fn start<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Self {
        let mut child = downbeat().args(["serve", "--log=warn"]).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut public, mut admin) = (None, None);
        while public.is_none() || admin.is_none() {
            let line = bounded("the addresses of a process", lines.next_line()).await.unwrap();
            let line = line.expect("it ended before it said where it listens");
            if let Some(address) = address(&line) {
                let place = if line.contains("/readyz") { &mut admin } else { &mut public };
                place.get_or_insert(address);
            }
        }
        // Whoever speaks into a closed pipe is ended by it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let process = Self { http: Http::new(public.unwrap()), admin: Http::new(admin.unwrap()), child };
        eventually("a process to be ready", async || {
            let answer = process.admin.get("/readyz").try_send().await;
            answer.is_ok_and(|answer| answer.status == 200).then_some(())
        })
        .await;
        process
    }

    /// The API of a workspace on this replica.
    pub fn api(&self, workspace: &str) -> Api {
        Api::new(&self.http, workspace)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it has ended")
    }

    /// SIGTERM: asks it to stop.
    pub async fn terminate(&self) {
        let id = self.id().to_string();
        let status = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(status.success());
    }

    /// SIGKILL: no last words.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        bounded("the end of a process", self.child.wait()).await.unwrap()
    }

    /// Resident memory, in bytes.
    pub async fn memory(&self) -> u64 {
        let id = self.id().to_string();
        let output = Command::new("ps").args(["-o", "rss=", "-p", &id]).output().await.unwrap();
        let kib: u64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        kib * 1024
    }
}

/// The binary, on free ports and without the settings of whoever runs the tests.
pub fn downbeat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_downbeat"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DOWNBEAT_") {
            command.env_remove(name);
        }
    }
    command.envs([("DOWNBEAT_LISTEN", "127.0.0.1:0"), ("DOWNBEAT_ADMIN_LISTEN", "127.0.0.1:0")]);
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

fn address(line: &str) -> Option<SocketAddr> {
    let rest = line.split_once("http://")?.1;
    let end = rest.find(|letter: char| letter != '.' && letter != ':' && !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
