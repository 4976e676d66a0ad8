//! One agent's way to the service: typed acts, each made safe to repeat by an `Idempotency-Key`, and repeated until the service has
//! taken them or the play is over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::Error;
use super::stage::Stage;
use crate::client::{self, Connection, Reply};

/// The longest a request may take that the service should answer at once.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one question for an outcome waits at the service.
const WAIT_SECONDS: u64 = 30;
/// What an agent does when all is over gets this long, once.
const LAST_WORD: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A connection to the service that mends itself.
#[derive(Debug)]
pub(super) struct Api {
    stage: Arc<Stage>,
    connection: Option<Connection>,
    /// Which replica is used; counts up when one is away.
    replica: usize,
}

/// Why an act did not come to its end.
#[derive(Debug)]
pub(super) enum Interrupt {
    /// The play is over.
    Stopped,
    /// The service does not want it.
    Failed(Error),
}

/// What the service says about a question.
#[derive(Debug)]
pub(super) enum Asked {
    /// It waits for a person, under this id.
    Pending(String),
    /// The session may not ask now: it has as many open questions as the workspace allows.
    TooMany,
}

/// What the service says to one who waits for an outcome.
#[derive(Debug)]
pub(super) enum Waited {
    /// Resolved; the outcome's object.
    Resolved(Value),
    /// Nothing yet: ask again.
    Pending,
    /// The service knows of no such question any more.
    Gone,
}

impl Api {
    pub(super) fn new(stage: &Arc<Stage>, replica: usize) -> Self {
        Self { stage: Arc::clone(stage), connection: None, replica }
    }

    /// Publishes one or more events, all or none.
    pub(super) async fn publish(&mut self, mut events: Vec<Value>) -> Result<(), Interrupt> {
        let count = events.len() as u64;
        let body = if count == 1 { events.swap_remove(0) } else { json!({"events": events}) };
        self.accepted("POST", "events", Some(&body)).await?;
        self.stage.counts.events.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    /// Reports a tool call that has ended.
    pub(super) async fn record(&mut self, row: &Value) -> Result<(), Interrupt> {
        self.accepted("POST", "log", Some(row)).await?;
        self.stage.counts.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Asks a question.
    pub(super) async fn ask(&mut self, question: &Value) -> Result<Asked, Interrupt> {
        let reply = self.send("POST", "questions", Some(question), PATIENCE).await?;
        if reply.status == 409 {
            return Ok(Asked::TooMany);
        }
        let reply = checked(reply, "POST", "questions")?;
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        match body["question"]["id"].as_str() {
            Some(id) => {
                self.stage.counts.questions.fetch_add(1, Ordering::Relaxed);
                Ok(Asked::Pending(id.to_owned()))
            }
            None => Err(refused(&reply, "POST", "questions")),
        }
    }

    /// Waits a while for the outcome of a question.
    pub(super) async fn outcome(&mut self, question: &str) -> Result<Waited, Interrupt> {
        let route = format!("questions/{question}/outcome?wait={WAIT_SECONDS}");
        let stage = Arc::clone(&self.stage);
        let limit = PATIENCE + Duration::from_secs(WAIT_SECONDS);
        let reply = tokio::select! {
            reply = self.send("GET", &route, None, limit) => reply?,
            () = stage.stop.cancelled() => return Err(Interrupt::Stopped),
        };
        match reply.status {
            204 => Ok(Waited::Pending),
            404 => Ok(Waited::Gone),
            _ => {
                let reply = checked(reply, "GET", &route)?;
                serde_json::from_slice(&reply.body).map(Waited::Resolved).map_err(|_| refused(&reply, "GET", &route))
            }
        }
    }

    /// Withdraws a question and says a last word, when the play is over already: each is tried once. A question that could not be
    /// withdrawn expires by itself.
    pub(super) async fn leave(&mut self, question: Option<&str>, last_word: Value) {
        self.connection = None;
        let withdrawal = question.map(|id| self.request("DELETE", &format!("questions/{id}"), None, None));
        let farewell = self.request("POST", "events", Some(&last_word), None);
        for request in withdrawal.into_iter().chain([farewell]) {
            let _ = timeout(LAST_WORD, self.exchange(&request)).await;
        }
    }

    async fn accepted(&mut self, method: &'static str, route: &str, body: Option<&Value>) -> Result<(), Interrupt> {
        let reply = self.send(method, route, body, PATIENCE).await?;
        checked(reply, method, route).map(drop)
    }

    /// Sends until there is a reply that is the service's last word, or until the play is over. An attempt under way is not broken off
    /// when that happens: a question may come of it, which is then known and can be withdrawn.
    async fn send(&mut self, method: &str, route: &str, body: Option<&Value>, limit: Duration) -> Result<Reply, Interrupt> {
        let key = self.stage.new_id("demo-");
        let mut pause = FIRST_PAUSE;
        loop {
            let request = self.request(method, route, body, Some(&key));
            // A connection kept from before may have been closed for idleness; that says nothing about the service.
            let kept = self.connection.is_some();
            let (why, asked_pause) = match timeout(limit, self.exchange(&request)).await {
                Ok(Ok(reply)) if matches!(reply.status, 429 | 502..=504) => (reply.status.to_string(), reply.retry_after),
                Ok(Ok(reply)) => {
                    self.stage.service_back();
                    return Ok(reply);
                }
                Ok(Err(_)) if kept => continue,
                Ok(Err(error)) => (error.in_full(), None),
                Err(_) => ("no reply in time".to_owned(), None),
            };
            self.stage.service_away(&why);
            self.connection = None;
            self.replica += 1;
            let pause_now = asked_pause.unwrap_or_else(|| pause.mul_f64(rand::random_range(0.5..1.0)));
            tokio::select! {
                () = tokio::time::sleep(pause_now) => {}
                () = self.stage.stop.cancelled() => return Err(Interrupt::Stopped),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn request(&self, method: &str, route: &str, body: Option<&Value>, key: Option<&str>) -> Vec<u8> {
        let base = &self.stage.bases[self.replica % self.stage.bases.len()];
        let body = body.map(Value::to_string).unwrap_or_default();
        let key = key.filter(|_| method == "POST").map(|key| format!("Idempotency-Key: {key}"));
        let headers: Vec<&str> = key.as_deref().into_iter().collect();
        let mut request = base.head(method, &base.path(&self.stage.workspace, route), &headers, body.len());
        request.extend_from_slice(body.as_bytes());
        request
    }

    /// One attempt. The connection is kept only after a whole reply, so that this may be dropped at any time.
    async fn exchange(&mut self, request: &[u8]) -> Result<Reply, client::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.stage.bases[self.replica % self.stage.bases.len()]).await?,
        };
        let reply = connection.exchange(request).await?;
        if reply.keep_alive {
            self.connection = Some(connection);
        }
        Ok(reply)
    }
}

fn checked(reply: Reply, method: &'static str, route: &str) -> Result<Reply, Interrupt> {
    if (200..300).contains(&reply.status) { Ok(reply) } else { Err(refused(&reply, method, route)) }
}

fn refused(reply: &Reply, method: &'static str, route: &str) -> Interrupt {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    Interrupt::Failed(Error::Refused { status: reply.status, method, route: route.to_owned(), body })
}
