//! What a redis-server prints: kept for the day it dies, and passed on to our own log.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;

use crate::lifecycle::Lifecycle;

const KEPT_LINES: usize = 12;
/// The pipes of a dead process end at once, unless a child of its own still holds them.
const LONGEST_READ: Duration = Duration::from_millis(200);

/// The output of one server.
#[derive(Debug)]
pub(super) struct Output {
    kept: Arc<Kept>,
    readers: Lifecycle,
}

#[derive(Debug, Default)]
struct Kept {
    lines: Mutex<VecDeque<String>>,
    /// Between its start, which is full of advice, and its end, warnings are news.
    warn: AtomicBool,
}

impl Output {
    /// Reads until the server closes its output, which its death does.
    pub(super) fn follow(child: &mut Child) -> Self {
        let (kept, readers) = (Arc::new(Kept::default()), Lifecycle::new());
        if let Some(stdout) = child.stdout.take() {
            readers.spawn("private redis stdout", Arc::clone(&kept).read(stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn("private redis stderr", Arc::clone(&kept).read(stderr));
        }
        Self { kept, readers }
    }

    /// From now on its warnings are ours.
    pub(super) fn up(&self) {
        self.kept.warn.store(true, Ordering::Relaxed);
    }

    /// From now on they are not.
    pub(super) fn quiet(&self) {
        self.kept.warn.store(false, Ordering::Relaxed);
    }

    /// The last lines of a dead server.
    pub(super) async fn last_words(&self) -> String {
        self.readers.finished(LONGEST_READ).await;
        let mut lines = self.kept.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.make_contiguous().join("\n")
    }
}

impl Kept {
    async fn read(self: Arc<Self>, pipe: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if self.warn.load(Ordering::Relaxed) && is_warning(&line) {
                tracing::warn!(redis.line = line, "private Redis warns");
            } else {
                tracing::debug!(redis.line = line, "private Redis says");
            }
            let mut kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
    }
}

/// `71:M 09 Jun 2024 08:15:02.123 # text`: the mark before the text is the level, and `#` is a warning.
fn is_warning(line: &str) -> bool {
    line.split(' ').nth(5) == Some("#")
}
