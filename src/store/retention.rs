//! Retention without an append: when its limits were lowered, and when entries grow too old in a stream that nobody writes to.

use redis::Value;

use super::Store;
use super::commit::{self, Call, Head};
use super::error::Error;
use super::feed;
use super::keys::Kind;
use super::script;
use crate::domain::ids::WorkspaceId;

/// Steps of one round at most; each is bounded by the script.
const STEPS: usize = 64;
/// Entries are looked for this long after the oldest is due at the earliest, in ms, so that what is appended evenly goes in batches.
const PAUSE_MS: u64 = 1_000;

/// What a round of retention left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// More of the same, at once.
    More,
    /// Nothing before this time, epoch ms.
    Until(u64),
    /// Nothing: no limit of age is set.
    Nothing,
}

impl Store {
    /// Trims both streams to their limits, in bounded steps. `now` is Redis time, epoch ms.
    pub async fn retain(&self, workspace: &WorkspaceId, now: u64) -> Result<Left, Error> {
        let mut before = self.kept(workspace).await?;
        for _step in 0..STEPS {
            self.force_retention(workspace).await?;
            let after = self.kept(workspace).await?;
            if after.oldest == before.oldest {
                return Ok(after.next(now));
            }
            before = after;
        }
        Ok(Left::More)
    }

    /// A commit of nothing that applies the limits all the same.
    async fn force_retention(&self, workspace: &WorkspaceId) -> Result<(), Error> {
        let known = self.memory.of(workspace);
        for _attempt in 0..4 {
            let head = Head {
                generation: known.generation(),
                fence: (known.seq(Kind::Events), known.seq(Kind::Log)),
                new_epoch: rand::random(),
                force_retention: true,
            };
            let call = Call::encode(&self.keys, workspace, head, &[]);
            let value = self.connections.script(&script::COMMIT, &call.keys, |command| call.arguments(command)).await?;
            let answer = commit::read(value, 0)?;
            if answer.outcomes.is_some() {
                return Ok(());
            }
            known.reset_generation(answer.generation);
        }
        Err(Error::Contended)
    }

    async fn kept(&self, workspace: &WorkspaceId) -> Result<Kept, Error> {
        let generation = self.generation(workspace).await?;
        let mut pipeline = redis::pipe();
        pipeline.cmd("HMGET").arg(self.keys.meta(workspace)).arg("ea").arg("la");
        for kind in [Kind::Events, Kind::Log] {
            pipeline.cmd("XRANGE").arg(self.keys.stream(workspace, generation, kind)).arg("-").arg("+").arg("COUNT").arg(1);
        }
        let (max_age, events, log): ((Option<u64>, Option<u64>), Value, Value) = self.connections.pipeline(&pipeline).await?;
        Ok(Kept { max_age: [max_age.0, max_age.1], oldest: [oldest(events)?, oldest(log)?] })
    }
}

/// The limits of age and the oldest entries of events and log.
struct Kept {
    max_age: [Option<u64>; 2],
    /// Stream id and time, epoch ms.
    oldest: [Option<(String, u64)>; 2],
}

impl Kept {
    fn next(&self, now: u64) -> Left {
        let due = self.max_age.iter().zip(&self.oldest).filter_map(|(max_age, oldest)| {
            let since = oldest.as_ref().map_or(now, |(_, at)| *at);
            Some(since.saturating_add((*max_age)?))
        });
        due.min().map_or(Left::Nothing, |due| Left::Until(due.saturating_add(1).max(now + PAUSE_MS)))
    }
}

fn oldest(reply: Value) -> Result<Option<(String, u64)>, Error> {
    let entries: Vec<(String, Vec<Vec<u8>>)> =
        redis::from_redis_value(reply).map_err(|_| Error::Corrupt("a stream entry of another shape".into()))?;
    let Some((id, fields)) = entries.into_iter().next() else { return Ok(None) };
    let line = fields.get(1).map(Vec::as_slice).unwrap_or_default();
    let at = feed::parts(line)?.at.parse().map_err(|_| Error::Corrupt("a stream entry without its time".into()))?;
    Ok(Some((id, at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(max_age: [Option<u64>; 2], oldest: [Option<u64>; 2]) -> Kept {
        Kept { max_age, oldest: oldest.map(|at| at.map(|at| ("1-0".to_owned(), at))) }
    }

    #[test]
    fn without_a_limit_of_age_nothing_comes_due() {
        assert_eq!(kept([None, None], [Some(1), Some(1)]).next(10_000), Left::Nothing);
    }

    #[test]
    fn the_next_round_is_when_the_oldest_entry_is_too_old() {
        assert_eq!(kept([Some(60_000), None], [Some(5_000), Some(1)]).next(10_000), Left::Until(65_001));
        assert_eq!(kept([Some(60_000), Some(50_000)], [Some(5_000), Some(6_000)]).next(10_000), Left::Until(56_001));
    }

    #[test]
    fn an_empty_stream_is_looked_at_again_and_a_full_one_not_all_the_time() {
        assert_eq!(kept([Some(60_000), None], [None, None]).next(10_000), Left::Until(70_001));
        assert_eq!(kept([Some(5), None], [Some(9_999), None]).next(10_000), Left::Until(11_000));
    }
}
