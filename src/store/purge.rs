//! The purge: the next generation begins, in one step and in constant time.

use super::Store;
use super::commit::{Memo, Stored};
use super::error::Error;
use super::keys::{Generation, Kind};
use super::reply::Reader;
use super::script;
use crate::domain::ids::WorkspaceId;
use crate::domain::json::Compact;

/// How long the purged generation's keys stay, in ms: a dump under way may end.
const COLLECT_AFTER_MS: u64 = 60_000;
/// How long purged pending questions stay known as cancelled, in seconds.
const QUESTIONS_KNOWN_SECONDS: u64 = 24 * 60 * 60;

/// What became of a purge.
#[derive(Debug)]
pub enum Purged {
    /// The workspace is clean.
    Done,
    /// The same request had been made before.
    Repeated(Stored),
    /// The idempotency key was used for another request.
    Mismatch,
}

impl Store {
    /// Clears the workspace but for its configuration.
    pub async fn purge(
        &self,
        workspace: &WorkspaceId,
        payload: &Compact,
        traceparent: Option<&str>,
        memo: Option<&Memo>,
    ) -> Result<Purged, Error> {
        let known = self.memory.of(workspace);
        self.announce_timers(workspace, None).await?;
        for _attempt in 0..8 {
            let generation = known.generation();
            let next = Generation(generation.0 + 1);
            let keys = [
                self.keys.meta(workspace),
                self.keys.stream(workspace, next, Kind::Events),
                self.keys.timers(workspace),
                self.keys.questions(workspace, generation),
                self.keys.executor(workspace),
                memo.map_or_else(|| self.keys.meta(workspace), |memo| memo.key.clone()),
            ];
            let epoch = format!("{:08x}", rand::random::<u32>());
            let value = self.connections.script(&script::PURGE, &keys, |command| {
                command
                    .arg(generation.0)
                    .arg(known.seq(Kind::Events))
                    .arg(known.seq(Kind::Log))
                    .arg(&epoch)
                    .arg(self.keys.channel(workspace, Kind::Events))
                    .arg(self.keys.channel(workspace, Kind::Log))
                    .arg(payload.as_str())
                    .arg(traceparent.unwrap_or("-"))
                    .arg(COLLECT_AFTER_MS)
                    .arg(QUESTIONS_KNOWN_SECONDS);
                match memo {
                    Some(memo) => {
                        let reply = format!("{} 0 0 0 0 0\n{}", memo.status, memo.body);
                        command.arg(&memo.fingerprint).arg(memo.ttl_seconds).arg(reply)
                    }
                    None => command.arg("").arg(0).arg(""),
                };
            });
            let mut reply = Reader::new(value.await?)?;
            match reply.int()? {
                0 => known.reset_generation(Generation(reply.int()?)),
                1 => {
                    known.saw_generation(Generation(reply.int()?));
                    self.announce_timers(workspace, None).await?;
                    return Ok(Purged::Done);
                }
                2 => return Stored::parse(&reply.text()?).map(Purged::Repeated),
                _another_request => return Ok(Purged::Mismatch),
            }
        }
        Err(Error::Contended)
    }
}
