//! The Lua scripts, and how one is run: EVALSHA, and EVAL where the server does not know it yet.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, ServerErrorKind};

/// A script of `scripts/`, with the digest Redis knows it by.
#[derive(Debug)]
pub struct Script {
    text: &'static str,
    digest: String,
}

/// The one transaction.
pub static COMMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/commit.lua")));
/// A stream opens.
pub static STREAM_OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/stream_open.lua")));
/// A page of a stream.
pub static STREAM_PAGE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/stream_page.lua")));
/// A debug dump begins.
pub static DUMP_OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/dump_open.lua")));
/// A purge.
pub static PURGE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/purge.lua")));
/// A restore begins.
pub static RESTORE_OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/restore_open.lua")));
/// A restore ends.
pub static RESTORE_FLIP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/restore_flip.lua")));
/// A replica's count of readers.
pub static SUBSCRIBERS_WRITE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/subscribers_write.lua")));
/// The live readers.
pub static SUBSCRIBERS_READ: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/subscribers_read.lua")));
/// What a decision about a question looks at.
pub static QUESTION_LOAD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/question_load.lua")));
/// Workspaces with due timers.
pub static TIMERS_DUE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/timers_due.lua")));
/// Due timers of a workspace.
pub static TIMERS_READ: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/timers_read.lua")));
/// A workspace of the index, or a timer, was looked at.
pub static TIMERS_DONE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/timers_done.lua")));

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, digest: redis::Script::new(text).get_hash().to_owned() }
    }

    /// Starts a call: `keys`, then the caller adds the arguments.
    pub fn call<K: AsRef<str>>(&self, keys: &[K]) -> Cmd {
        build("EVALSHA", &self.digest, keys)
    }

    /// The same call with the script's text, which also makes the server remember it.
    pub fn call_with_text<K: AsRef<str>>(&self, keys: &[K]) -> Cmd {
        build("EVAL", self.text, keys)
    }
}

fn build<K: AsRef<str>>(verb: &str, script: &str, keys: &[K]) -> Cmd {
    let mut command = redis::cmd(verb);
    command.arg(script).arg(keys.len());
    for key in keys {
        command.arg(key.as_ref());
    }
    command
}

/// Whether the server answered that it does not know the script: nothing was run.
pub fn is_unknown(error: &redis::RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
