//! SIGTERM and SIGINT: the first drains, the second exits at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Lifecycle;

/// What a shell reports for a process that SIGTERM ended.
const SUDDEN_EXIT_CODE: i32 = 143;

impl Lifecycle {
    /// Takes over SIGTERM and SIGINT of this process. Call it once, from a runtime, before announcing the service.
    pub fn watch_signals(&self) -> io::Result<()> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let life = self.clone();
        let watch = async move { life.act_on_signals(terminate, interrupt).await };
        self.spawn("signals", watch);
        Ok(())
    }

    async fn act_on_signals(&self, mut terminate: Signal, mut interrupt: Signal) {
        let Some(name) = self.next_signal(&mut terminate, &mut interrupt).await else {
            return;
        };
        tracing::info!(signal.name = name, "draining; another signal exits at once");
        self.drain();
        let Some(name) = self.next_signal(&mut terminate, &mut interrupt).await else {
            return;
        };
        tracing::warn!(signal.name = name, "exiting at once; open streams are cut");
        for last_words in self.last_words().drain(..) {
            last_words();
        }
        std::process::exit(SUDDEN_EXIT_CODE);
    }

    async fn next_signal(&self, terminate: &mut Signal, interrupt: &mut Signal) -> Option<&'static str> {
        tokio::select! {
            () = self.hard().cancelled() => None,
            _ = terminate.recv() => Some("SIGTERM"),
            _ = interrupt.recv() => Some("SIGINT"),
        }
    }
}
