//! The one subscriber connection of a replica, supervised: when it breaks it is made again, every topic is subscribed again, and
//! what was missed meanwhile is found by comparing heads.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::sync::{Notify, mpsc, oneshot};

use super::hub::Topics;
use super::topic::Topic;
use crate::domain::ids::WorkspaceId;
use crate::lifecycle::Lifecycle;
use crate::store::doorbell::{Bell, Subscriptions};
use crate::store::{Error, Kind, Store};
use crate::telemetry::metrics::{self, Link};

/// Wait before the connection is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// What the subscriber is asked to do.
pub enum Order {
    /// Hear of a stream; answered when Redis has acknowledged it.
    Add(WorkspaceId, Kind, oneshot::Sender<()>),
    /// Hear of it no more.
    Drop(WorkspaceId, Kind),
}

/// Streams whose head should be compared with Redis soon. Cheap to clone.
#[derive(Clone, Default)]
pub struct Suspicions(Arc<Raised>);

#[derive(Default)]
struct Raised {
    all: std::sync::atomic::AtomicBool,
    notify: Notify,
}

impl Suspicions {
    /// Something about this topic looks wrong.
    pub fn raise(&self, topic: &Topic) {
        tracing::debug!(workspace = topic.workspace.as_str(), "a stream looks behind; comparing heads with Redis");
        self.raise_all();
    }

    /// Compare every topic now.
    pub fn raise_all(&self) {
        self.0.all.store(true, Ordering::Release);
        self.0.notify.notify_one();
    }

    /// Resolves when there is a reason to compare heads.
    pub async fn raised(&self) {
        while !self.0.all.swap(false, Ordering::AcqRel) {
            self.0.notify.notified().await;
        }
    }
}

/// Probes sent and heard: whether delivery comes round.
#[derive(Default)]
pub struct Probes {
    heard: AtomicU64,
    broken: Notify,
}

impl Probes {
    /// Number of the last probe that came round.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Acquire)
    }

    /// The connection is not to be trusted: make another.
    pub fn rebuild(&self) {
        self.broken.notify_one();
    }
}

/// What the supervisor works with.
pub struct Subscriber {
    pub(super) store: Store,
    pub(super) topics: Arc<Topics>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) suspicions: Suspicions,
    pub(super) probes: Arc<Probes>,
    pub(super) incarnation: String,
}

impl Subscriber {
    /// Keeps the connection until the hard stop.
    pub async fn run(mut self, life: Lifecycle) {
        let hard = life.hard().clone();
        let mut first = true;
        while !hard.is_cancelled() {
            let connected = tokio::select! {
                () = hard.cancelled() => return,
                connected = self.connect() => connected,
            };
            match connected {
                Ok((subscriptions, bells)) => {
                    if !first {
                        metrics::redis_reconnected(Link::Subscriber);
                        tracing::info!("the subscriber connection is back");
                    }
                    first = false;
                    // What was published while nobody listened is found by its number.
                    self.suspicions.raise_all();
                    tokio::select! {
                        () = hard.cancelled() => return,
                        () = self.listen(subscriptions, bells) => tracing::warn!("the subscriber connection broke; making another"),
                    }
                }
                Err(error) => tracing::warn!(%error, "the subscriber connection cannot be made; trying again"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn connect(&self) -> Result<(Subscriptions, impl Stream<Item = Bell> + Send + 'static), Error> {
        let (mut subscriptions, bells) = self.store.doorbell().await?;
        subscriptions.add_probe(&self.incarnation).await?;
        subscriptions.add(&self.topics.names()).await?;
        Ok((subscriptions, bells))
    }

    async fn listen(&mut self, mut subscriptions: Subscriptions, bells: impl Stream<Item = Bell>) {
        let mut bells = pin!(bells);
        let mut orders = Vec::new();
        loop {
            tokio::select! {
                biased;
                bell = bells.next() => match bell {
                    Some(bell) => self.ring(bell),
                    None => return,
                },
                count = self.orders.recv_many(&mut orders, 512) => {
                    if count == 0 || self.carry_out(&mut subscriptions, &mut orders).await.is_err() { return; }
                }
                () = self.probes.broken.notified() => return,
            }
        }
    }

    fn ring(&self, bell: Bell) {
        match bell {
            Bell::Appended { workspace, kind, news } => {
                let Some(topic) = self.topics.get(&workspace, kind) else { return };
                if !topic.apply(&news) {
                    self.suspicions.raise(&topic);
                }
            }
            Bell::Probe(number) => {
                self.probes.heard.fetch_max(number.parse().unwrap_or(0), Ordering::AcqRel);
            }
        }
    }

    /// Subscribes and unsubscribes what has gathered. A topic that is back in the map when its unsubscription comes up is kept: its
    /// subscription may have been ordered before.
    async fn carry_out(&self, subscriptions: &mut Subscriptions, orders: &mut Vec<Order>) -> Result<(), Error> {
        let (mut add, mut acknowledge, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for order in orders.drain(..) {
            match order {
                Order::Add(workspace, kind, done) => {
                    add.push((workspace, kind));
                    acknowledge.push(done);
                }
                Order::Drop(workspace, kind) => {
                    if self.topics.get(&workspace, kind).is_none() {
                        gone.push((workspace, kind));
                    }
                }
            }
        }
        subscriptions.drop(&gone).await?;
        subscriptions.add(&add).await?;
        for done in acknowledge {
            // Whoever asked may have gone; the topic stays subscribed until it is swept.
            let _ = done.send(());
        }
        Ok(())
    }
}
