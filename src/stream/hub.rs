//! All topics of a replica, and how a reader joins one: subscribe first, then count it and read where the stream stands, then go
//! on from the ring or from pages. What is appended in between is heard, so nothing falls between history and live.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::counts::{Counted, Counts};
use super::pages::{Pages, Rendered, Source};
use super::pulse::{Beating, Pulse};
use super::reader::{Begin, Reader};
use super::signal::{Signal, Tether};
use super::subscriber::{Order, Probes, Subscriber, Suspicions};
use super::topic::Topic;
use crate::domain::cursor::{self, Position, Start};
use crate::domain::filter::EventFilter;
use crate::domain::ids::WorkspaceId;
use crate::lifecycle::Lifecycle;
use crate::store::feed::{self, Count, Head, Opened};
use crate::store::subscribers::LEASE_MS;
use crate::store::{Error, Kind, Store};

/// How long a join waits for Redis to acknowledge the subscription.
const ACKNOWLEDGE: Duration = Duration::from_millis(800);
/// A watcher looks again after this long, whatever it heard.
const WATCH: Duration = Duration::from_secs(5);

/// What the hub is told by configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Between two heartbeats of a stream.
    pub heartbeat: Duration,
    /// Streams end after this long, give or take a tenth.
    pub max_age: Duration,
    /// A reader that takes nothing for this long is slow.
    pub stall: Duration,
    /// Bytes of a ring.
    pub ring_bytes: usize,
    /// Bytes of pages kept for replays.
    pub replay_cache_bytes: usize,
    /// Readers of one stream of a workspace, over all replicas.
    pub workspace_streams: u64,
}

/// The topics that are read here.
pub struct Topics {
    topics: Mutex<HashMap<(WorkspaceId, Kind), Arc<Slot>>>,
    ring_bytes: usize,
}

/// A topic and whether it is subscribed.
pub struct Slot {
    pub(super) topic: Arc<Topic>,
    ready: std::sync::atomic::AtomicBool,
    subscribed: Notify,
}

impl Slot {
    /// Whether anybody holds it but the map.
    fn is_used(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1 || Arc::strong_count(&self.topic) > 1
    }
}

impl Topics {
    pub(super) fn names(&self) -> Vec<(WorkspaceId, Kind)> {
        self.lock().keys().cloned().collect()
    }

    pub(super) fn get(&self, workspace: &WorkspaceId, kind: Kind) -> Option<Arc<Topic>> {
        self.lock().get(&(workspace.clone(), kind)).map(|slot| Arc::clone(&slot.topic))
    }

    pub(super) fn all(&self) -> Vec<Arc<Topic>> {
        self.lock().values().map(|slot| Arc::clone(&slot.topic)).collect()
    }

    /// The topics nobody but the map holds.
    pub(super) fn idle(&self) -> Vec<(WorkspaceId, Kind)> {
        self.lock().iter().filter(|(_, slot)| !slot.is_used()).map(|(name, _)| name.clone()).collect()
    }

    /// Takes those of `names` out that nobody holds now.
    pub(super) fn take_idle(&self, names: &[(WorkspaceId, Kind)]) -> Vec<(WorkspaceId, Kind)> {
        let mut topics = self.lock();
        names.iter().filter(|name| topics.get(name).is_some_and(|slot| !slot.is_used()) && topics.remove(name).is_some()).cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(WorkspaceId, Kind), Arc<Slot>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Live delivery of one replica. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    pub(super) store: Store,
    pub(super) topics: Arc<Topics>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) pages: Arc<Pages>,
    pub(super) counts: Arc<Counts>,
    pub(super) pulse: Pulse,
    pub(super) suspicions: Suspicions,
    pub(super) probes: Arc<Probes>,
    settings: Arc<Settings>,
}

/// A reader that has joined.
pub struct Joined {
    /// The reader.
    pub reader: Reader,
    /// Where the stream stood.
    pub position: feed::Position,
    /// Where the reader begins, and what it must be told first.
    pub start: Start,
    /// Counts it, until dropped.
    pub counted: Counted,
    /// Its heartbeat, until dropped.
    pub beating: Beating,
}

/// Why a reader could not join.
#[derive(Debug)]
pub enum Refused {
    /// The workspace has as many readers as it may.
    Full,
    /// Redis cannot be reached.
    Store(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Hub {
    /// Starts live delivery.
    pub fn start(store: Store, settings: Settings, life: &Lifecycle) -> Self {
        let (orders, waiting) = mpsc::channel(1024);
        let hub = Self {
            topics: Arc::new(Topics { topics: Mutex::default(), ring_bytes: settings.ring_bytes }),
            pages: Pages::new(source(store.clone()), settings.replay_cache_bytes, life.clone()),
            counts: Counts::new(store.clone()),
            pulse: Pulse::new(settings.heartbeat, settings.stall),
            suspicions: Suspicions::default(),
            probes: Arc::default(),
            settings: Arc::new(settings),
            store,
            orders,
        };
        let subscriber = Subscriber {
            store: hub.store.clone(),
            topics: Arc::clone(&hub.topics),
            orders: waiting,
            suspicions: hub.suspicions.clone(),
            probes: Arc::clone(&hub.probes),
            incarnation: hub.counts.incarnation().to_owned(),
        };
        life.spawn_essential("subscriber", subscriber.run(life.clone()));
        life.spawn_essential("reader counts", Arc::clone(&hub.counts).run(life.clone()));
        life.spawn_essential("heartbeats", hub.pulse.clone().run(life.clone()));
        life.spawn_essential("stream sweep", super::sweep::run(hub.clone(), life.clone()));
        hub
    }

    /// This replica's name in the counts of readers.
    pub fn incarnation(&self) -> &str {
        self.counts.incarnation()
    }

    /// What it was started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Streams open at this replica.
    pub fn open_streams(&self) -> usize {
        self.pulse.open()
    }

    /// Ends all streams, evenly over `time`.
    pub async fn drain(&self, time: Duration) {
        self.pulse.drain(time).await;
    }

    /// Joins a stream as a counted reader. The count is right in Redis when this returns.
    pub async fn join(
        &self,
        workspace: &WorkspaceId,
        kind: Kind,
        cursor: Option<Position>,
        filter: Option<EventFilter>,
        tether: Arc<Tether>,
    ) -> Result<Joined, Refused> {
        let topic = self.topic(workspace, kind).await?;
        let (counted, statement) = self.counts.add(workspace, kind);
        let count = Count {
            incarnation: self.counts.incarnation(),
            version: statement.version,
            events: statement.events,
            log: statement.log,
            lease_ms: LEASE_MS,
            limit: self.settings.workspace_streams,
        };
        let position = match self.store.open_stream(workspace, kind, Some(count)).await? {
            Opened::At(position) => position,
            Opened::Full => return Err(Refused::Full),
        };
        note(&topic, position);
        let start = cursor::start(cursor.as_ref(), &position.bounds);
        let signal = Arc::new(Signal::default());
        let begin = Begin { position, next_seq: start.next_seq, replaying: is_replay(&start), filter };
        let reader = Reader::new(topic, Arc::clone(&self.pages), self.suspicions.clone(), Arc::clone(&signal), begin);
        let age = self.settings.max_age.mul_f64(rand::random_range(0.9..1.1));
        let beating = self.pulse.add(signal, tether, Instant::now().checked_add(age));
        Ok(Joined { reader, position, start, counted, beating })
    }

    /// A page of the stream from `seq` on, shared with those who replay.
    pub async fn page(&self, workspace: &WorkspaceId, kind: Kind, at: feed::Position, seq: u64) -> Result<Arc<Rendered>, Error> {
        self.pages.fetch(workspace, kind, at.generation, at.bounds.epoch, seq).await
    }

    /// Hears of changes of a stream, without being a reader: costs no Redis connection and does not count.
    pub async fn watch(&self, workspace: &WorkspaceId, kind: Kind) -> Result<Watch, Error> {
        let topic = self.topic(workspace, kind).await?;
        let changes = topic.lock().changes();
        Ok(Watch { topic, signal: Arc::default(), changes })
    }

    async fn topic(&self, workspace: &WorkspaceId, kind: Kind) -> Result<Arc<Topic>, Error> {
        let slot = match self.topics.lock().entry((workspace.clone(), kind)) {
            Entry::Occupied(slot) => Arc::clone(slot.get()),
            Entry::Vacant(empty) => {
                let topic = Arc::new(Topic::new(workspace.clone(), kind, self.topics.ring_bytes));
                Arc::clone(empty.insert(Arc::new(Slot { topic, ready: false.into(), subscribed: Notify::new() })))
            }
        };
        if !slot.ready.load(std::sync::atomic::Ordering::Acquire) {
            tokio::time::timeout(ACKNOWLEDGE, self.subscribe(&slot)).await.map_err(|_elapsed| Error::Timeout)??;
        }
        Ok(Arc::clone(&slot.topic))
    }

    /// Waits until the topic is subscribed. Several may ask at once: SUBSCRIBE twice is harmless.
    async fn subscribe(&self, slot: &Slot) -> Result<(), Error> {
        let (done, acknowledged) = oneshot::channel();
        let order = Order::Add(slot.topic.workspace.clone(), slot.topic.kind, done);
        self.orders.send(order).await.map_err(|_| Error::Closed)?;
        let other = slot.subscribed.notified();
        tokio::select! {
            answer = acknowledged => answer.map_err(|_| Error::Timeout)?,
            () = other => {}
        }
        slot.ready.store(true, std::sync::atomic::Ordering::Release);
        slot.subscribed.notify_waiters();
        Ok(())
    }
}

fn source(store: Store) -> Source {
    Box::new(move |workspace, kind, from| {
        let store = store.clone();
        async move { store.stream_page(&workspace, kind, from).await }.boxed()
    })
}

fn is_replay(start: &Start) -> bool {
    match start.notice {
        cursor::Notice::Replay | cursor::Notice::Gap { .. } => true,
        cursor::Notice::Live | cursor::Notice::Reset { .. } => false,
    }
}

/// Lets the topic know of an epoch or generation it has not heard of. A newer number alone is left to the doorbell, which is
/// about to bring it: the reader itself fetches up to there.
fn note(topic: &Topic, position: feed::Position) {
    let news = topic.lock().head.is_none_or(|head| head.epoch != position.bounds.epoch || head.generation < position.generation);
    if news {
        topic.observe(Head { generation: position.generation, epoch: position.bounds.epoch, seq: position.bounds.latest_seq });
    }
}

/// Waits for changes of a stream.
pub struct Watch {
    topic: Arc<Topic>,
    signal: Arc<Signal>,
    changes: u64,
}

impl Watch {
    /// Resolves when something was appended since the last call (or since the watch began), at the latest after 5 s: look again.
    pub async fn changed(&mut self) {
        let waited = std::future::poll_fn(|cx| {
            self.signal.register(cx.waker());
            let mut state = self.topic.lock();
            if state.changes() != self.changes {
                self.changes = state.changes();
                return Poll::Ready(());
            }
            state.wait(&self.signal);
            Poll::Pending
        });
        // A message may be lost; the heads are compared every 5 s as well.
        drop(tokio::time::timeout(WATCH, waited).await);
    }
}
