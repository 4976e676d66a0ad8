//! The join of history and live, in any interleaving of appends, late, lost and repeated messages, trims, heads compared and readers.

use std::sync::Mutex;
use std::task::Waker;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::domain::cursor::Bounds;
use crate::domain::ids::WorkspaceId;
use crate::lifecycle::Lifecycle;
use crate::store::doorbell::News;
use crate::store::feed::{self, Head};

/// The stream as Redis would hold it.
#[derive(Default)]
struct Model {
    oldest: u64,
    latest: u64,
}

fn epoch() -> Epoch {
    Epoch::from(1)
}

fn line(seq: u64) -> Vec<u8> {
    format!("1717691432000 0 made.up - {{\"n\":{seq}}}").into_bytes()
}

impl Model {
    fn position(&self) -> Position {
        let bounds = Bounds { epoch: epoch(), oldest_seq: self.oldest, latest_seq: self.latest, generation_first_seq: 1 };
        Position { generation: Generation(1), bounds }
    }

    fn head(&self) -> Head {
        Head { generation: Generation(1), epoch: epoch(), seq: self.latest }
    }

    fn page(&self, from: u64) -> feed::Page {
        let first = from.max(self.oldest);
        let last = self.latest.min(first + 15);
        let entries = (first..=last).map(|seq| feed::Entry { seq, line: line(seq) }).collect();
        feed::Page { position: self.position(), entries, full: last < self.latest }
    }
}

struct Bench {
    model: Arc<Mutex<Model>>,
    topic: Arc<Topic>,
    pages: Arc<Pages>,
    readers: Vec<(Reader, Seen)>,
    undelivered: Vec<News>,
}

/// What a reader got.
struct Seen {
    next: u64,
    caught_up: u32,
}

impl Bench {
    fn new(ring_bytes: usize) -> Self {
        let model = Arc::new(Mutex::new(Model { oldest: 1, latest: 0 }));
        let source = Arc::clone(&model);
        let pages = Pages::new(
            Box::new(move |_workspace, _kind, from| {
                let page = source.lock().unwrap().page(from);
                // The answer comes later than it was true.
                async move {
                    tokio::task::yield_now().await;
                    Ok(page)
                }
                .boxed()
            }),
            4096,
            Lifecycle::new(),
        );
        let topic = Arc::new(Topic::new(WorkspaceId::parse("w").unwrap(), Kind::Events, ring_bytes));
        Self { model, topic, pages, readers: Vec::new(), undelivered: Vec::new() }
    }

    fn append(&mut self, count: u64, too_big: bool) {
        let mut model = self.model.lock().unwrap();
        let first_seq = model.latest + 1;
        model.latest += count;
        let lines = if too_big { Vec::new() } else { (first_seq..=model.latest).map(line).collect::<Vec<_>>().join(&b'\n') };
        self.undelivered.push(News { head: model.head(), first_seq, lines });
    }

    fn deliver(&mut self) {
        if !self.undelivered.is_empty() {
            self.topic.apply(&self.undelivered.remove(0));
        }
    }

    fn lose(&mut self) {
        if !self.undelivered.is_empty() {
            self.undelivered.remove(0);
        }
    }

    fn trim(&mut self, count: u64) {
        let mut model = self.model.lock().unwrap();
        model.oldest = (model.oldest + count).min(model.latest + 1);
    }

    fn compare(&self) {
        let head = self.model.lock().unwrap().head();
        self.topic.observe(head);
    }

    fn join(&mut self, back: Option<u64>) {
        let position = self.model.lock().unwrap().position();
        if self.topic.lock().head.is_none() {
            self.topic.observe(Head { generation: position.generation, epoch: epoch(), seq: position.bounds.latest_seq });
        }
        let latest = position.bounds.latest_seq;
        let next_seq = back.map_or(latest + 1, |back| latest.saturating_sub(back).max(position.bounds.oldest_seq.saturating_sub(1)) + 1);
        let begin = Begin { position, next_seq, replaying: back.is_some(), filter: None };
        let reader = Reader::new(Arc::clone(&self.topic), Arc::clone(&self.pages), Suspicions::default(), Arc::default(), begin);
        self.readers.push((reader, Seen { next: next_seq, caught_up: 0 }));
    }

    /// Lets a reader go on until it waits, and checks each step of it.
    async fn read(&mut self, number: usize, patience: u32) -> Result<(), TestCaseError> {
        if self.readers.is_empty() {
            return Ok(());
        }
        let count = self.readers.len();
        let (reader, seen) = &mut self.readers[number % count];
        let mut waited = 0;
        loop {
            let mut cx = Context::from_waker(Waker::noop());
            match reader.poll_turn(&mut cx) {
                Poll::Pending if waited == patience => return Ok(()),
                Poll::Pending => {
                    waited += 1;
                    tokio::time::advance(RETRY).await;
                    tokio::task::yield_now().await;
                }
                Poll::Ready(Turn::Frames { bytes, entries }) => {
                    waited = 0;
                    let text = std::str::from_utf8(&bytes).unwrap();
                    let mut got = 0;
                    for frame in text.split("\n\n").filter(|frame| !frame.is_empty()) {
                        let seq: u64 = frame.strip_prefix("id: ").unwrap().split_once('.').unwrap().0.parse().unwrap();
                        prop_assert_eq!(seq, seen.next);
                        seen.next += 1;
                        got += 1;
                    }
                    prop_assert_eq!(got, entries);
                }
                Poll::Ready(Turn::CaughtUp { seq }) => {
                    prop_assert_eq!(seq + 1, seen.next);
                    seen.caught_up += 1;
                    prop_assert!(seen.caught_up == 1, "caught up twice");
                }
                Poll::Ready(Turn::Gap { requested_seq, oldest_seq, .. }) => {
                    prop_assert_eq!(requested_seq + 1, seen.next);
                    prop_assert!(oldest_seq > seen.next);
                    seen.next = oldest_seq;
                }
                Poll::Ready(Turn::Reset { .. }) => prop_assert!(false, "a reset where nothing was lost"),
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Act {
    Append(u64, bool),
    Deliver,
    Lose,
    Trim(u64),
    Compare,
    Join(Option<u64>),
    Read(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1u64..6, prop::bool::weighted(0.1)).prop_map(|(count, big)| Act::Append(count, big)),
        1 => (20u64..200).prop_map(|count| Act::Append(count, false)),
        5 => Just(Act::Deliver),
        1 => Just(Act::Lose),
        1 => (1u64..40).prop_map(Act::Trim),
        1 => Just(Act::Compare),
        2 => prop::option::of(0u64..300).prop_map(Act::Join),
        5 => (0usize..8).prop_map(Act::Read),
    ];
    prop::collection::vec(act, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Each reader gets every number from its start on, once and in order, but for gaps it is told of; and in the end it has all.
    #[test]
    fn history_and_live_join_without_hole_or_repeat(acts in acts(), ring_bytes in prop_oneof![Just(300usize), Just(4_000), Just(1 << 20)]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new(ring_bytes);
            for act in acts {
                match act {
                    Act::Append(count, big) => bench.append(count, big),
                    Act::Deliver => bench.deliver(),
                    Act::Lose => bench.lose(),
                    Act::Trim(count) => bench.trim(count),
                    Act::Compare => bench.compare(),
                    Act::Join(back) => bench.join(back),
                    Act::Read(number) => bench.read(number, 1).await?,
                }
            }
            while !bench.undelivered.is_empty() {
                bench.deliver();
            }
            bench.compare();
            let latest = bench.model.lock().unwrap().latest;
            for number in 0..bench.readers.len() {
                bench.read(number, 40).await?;
                let (reader, seen) = &bench.readers[number];
                prop_assert_eq!(seen.next, latest + 1, "reader {} stopped early", number);
                prop_assert_eq!(reader.next_seq(), latest + 1);
            }
            Ok(())
        })?;
    }
}
