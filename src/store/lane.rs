//! Decisions that arrive together leave together.
//!
//! A lane takes whatever waits, groups it by workspace and sends one script call a workspace, all in one write. While that
//! is under way, the next round gathers: no timer, no delay for a lone request, fewer round trips the busier it gets.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot};

use super::commit::{self, Call, Commit, Head, Outcome};
use super::connection::Connections;
use super::error::Error;
use super::keys::{Generation, Keys, Kind};
use super::known::Memory;
use super::script;
use crate::domain::ids::WorkspaceId;
use crate::telemetry::metrics;

/// Decisions of one script call at most: it bounds how long Redis serves nobody else.
const CALL_DECISIONS: usize = 128;
/// Bytes of one script call at most, but for a single larger decision.
const CALL_BYTES: usize = 512 * 1024;
/// Rounds of one lane under way at once.
const ROUNDS: usize = 2;
/// Decisions that may wait in a lane; more wait in their requests.
const WAITING: usize = 4096;

/// A decision on its way.
#[derive(Debug)]
struct Job {
    workspace: WorkspaceId,
    commit: Commit,
    reply: oneshot::Sender<Result<Outcome, Error>>,
}

impl Job {
    /// A requester that has gone away needs no answer; the decision stands all the same.
    fn answer(self, outcome: Result<Outcome, Error>) {
        drop(self.reply.send(outcome));
    }
}

/// What a lane works with.
#[derive(Clone)]
pub struct Shared {
    /// Connections to Redis.
    pub connections: Connections,
    /// The key space.
    pub keys: Keys,
    /// Generations and fences.
    pub memory: Arc<Memory>,
}

/// The sending end of a lane.
#[derive(Debug, Clone)]
pub struct Lane {
    jobs: mpsc::Sender<Job>,
}

impl Lane {
    /// Makes a lane and the future that runs it until every sender is gone.
    pub fn new(shared: Shared) -> (Self, impl Future<Output = ()> + Send) {
        let (jobs, waiting) = mpsc::channel(WAITING);
        (Self { jobs }, run(shared, waiting))
    }

    /// Sends a decision and waits for what became of it. Dropping the future does not take the decision back.
    pub async fn send(&self, workspace: WorkspaceId, commit: Commit) -> Result<Outcome, Error> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { workspace, commit, reply }).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

async fn run(shared: Shared, mut waiting: mpsc::Receiver<Job>) {
    let mut under_way = FuturesUnordered::new();
    let mut jobs = Vec::new();
    loop {
        tokio::select! {
            biased;
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
            count = waiting.recv_many(&mut jobs, 1024), if under_way.len() < ROUNDS => {
                if count == 0 { break; }
                under_way.push(round(shared.clone(), std::mem::take(&mut jobs)));
            }
        }
    }
    while under_way.next().await.is_some() {}
}

async fn round(shared: Shared, jobs: Vec<Job>) {
    let mut groups: HashMap<(WorkspaceId, Generation), Vec<Job>> = HashMap::new();
    for job in jobs {
        let generation = job.commit.generation.unwrap_or_else(|| shared.memory.of(&job.workspace).generation());
        groups.entry((job.workspace.clone(), generation)).or_default().push(job);
    }
    join_all(groups.into_iter().map(|((workspace, generation), jobs)| group(&shared, workspace, generation, jobs))).await;
}

async fn group(shared: &Shared, workspace: WorkspaceId, generation: Generation, jobs: Vec<Job>) {
    let mut jobs = jobs.into_iter().peekable();
    while jobs.peek().is_some() {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while let Some(job) =
            jobs.next_if(|job| chunk.is_empty() || (chunk.len() < CALL_DECISIONS && bytes + job.commit.weight() <= CALL_BYTES))
        {
            bytes += job.commit.weight();
            chunk.push(job);
        }
        call(shared, &workspace, generation, chunk).await;
    }
}

/// One script call. A plain append whose generation was stale goes again with the present one; a decision does not: what it
/// was decided on is gone.
async fn call(shared: &Shared, workspace: &WorkspaceId, mut generation: Generation, mut jobs: Vec<Job>) {
    let known = shared.memory.of(workspace);
    for _attempt in 0..8 {
        let head =
            Head { generation, fence: (known.seq(Kind::Events), known.seq(Kind::Log)), new_epoch: rand::random(), force_retention: false };
        let commits: Vec<&Commit> = jobs.iter().map(|job| &job.commit).collect();
        let call = Call::encode(&shared.keys, workspace, head, &commits);
        let started = tokio::time::Instant::now();
        let answer = shared.connections.script(&script::COMMIT, &call.keys, |command| call.arguments(command)).await;
        metrics::commit_took(started.elapsed());
        match answer.and_then(|value| commit::read(value, jobs.len())) {
            Ok(commit::Answer { generation: _, seq, lseq, outcomes: Some(outcomes) }) => {
                known.saw_seq(Kind::Events, seq);
                known.saw_seq(Kind::Log, lseq);
                for (job, outcome) in jobs.into_iter().zip(outcomes) {
                    job.answer(Ok(outcome));
                }
                return;
            }
            Ok(commit::Answer { generation: present, seq: _, lseq: _, outcomes: None }) => {
                known.reset_generation(present);
                generation = present;
                let (again, stale): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.commit.generation.is_none());
                for job in stale {
                    job.answer(Ok(Outcome::Conflict));
                }
                if again.is_empty() {
                    return;
                }
                jobs = again;
            }
            Err(error) => {
                for job in jobs {
                    job.answer(Err(error.clone()));
                }
                return;
            }
        }
    }
    for job in jobs {
        job.answer(Err(Error::Contended));
    }
}
