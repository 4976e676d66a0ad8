//! The document that a dump is, read from its bytes in bounded memory: one item at a time.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use serde::Deserializer as _;
use serde::de::{Deserialize, DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::items::{Item, Reader};
use super::{DRAIN, Error, Upload, fault, incomplete};
use crate::domain::config::Settings;
use crate::domain::cursor::Epoch;
use crate::domain::ids::WorkspaceId;
use crate::service::dump::FORMAT;
use crate::store::restore::{Piece, Rest};

/// Bytes of an item.
const ITEM: usize = 256 * 1024;
/// Bytes of anything else: a configuration is the largest.
const PART: usize = 1024 * 1024 + 64 * 1024;
/// Numbers stay below what the scripts write whole.
const MOST: u64 = 90_000_000_000_000;

/// What is known when the document was read to its end.
pub struct Whole {
    /// What is written at the end.
    pub rest: Rest,
    /// The digest of the request, if it came under an idempotency key.
    pub print: Option<[u8; 32]>,
}

/// Reads and digests what it reads.
pub struct Digesting {
    inner: Box<dyn Read + Send>,
    digest: Option<Sha256>,
}

impl Digesting {
    /// Goes on with `digest`, if there is one.
    pub fn new(inner: Box<dyn Read + Send>, digest: Option<Sha256>) -> Self {
        Self { inner, digest }
    }

    /// The digest of all that was read.
    pub fn finish(self) -> Option<[u8; 32]> {
        self.digest.map(|digest| digest.finalize().into())
    }
}

impl Read for Digesting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(digest) = &mut self.digest {
            digest.update(buffer.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}

/// Ends the reading of a part that is too large, before it is in memory.
struct Metered {
    inner: BufReader<Digesting>,
    left: Rc<Cell<usize>>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(count);
        self.left.set(left.ok_or(io::ErrorKind::FileTooLarge)?);
        Ok(count)
    }
}

/// Reads a dump; its pieces go to `to` as they come.
pub fn read(upload: Upload, workspace: &WorkspaceId, to: mpsc::Sender<Piece>) -> Result<Whole, Error> {
    let left = Rc::new(Cell::new(PART));
    let inner = BufReader::with_capacity(64 * 1024, Digesting::new(upload.reader, upload.digest));
    let mut source = Metered { inner, left: Rc::clone(&left) };
    let state = State {
        left,
        to,
        reader: Reader { workspace, depth: upload.depth },
        error: RefCell::new(None),
        path: RefCell::default(),
        head: RefCell::default(),
    };
    let mut parser = serde_json::Deserializer::from_reader(&mut source);
    let outcome = parser.deserialize_map(Document(&state)).and_then(|()| {
        state.left.set(PART);
        parser.end()
    });
    let rest = match outcome {
        Ok(()) => state.head.into_inner().rest(),
        Err(error) => Err(state.told(&error)),
    };
    match rest {
        Ok(rest) => Ok(Whole { rest, print: source.inner.into_inner().finish() }),
        Err(error) => {
            let _ = io::copy(&mut source.inner.by_ref().take(DRAIN), &mut io::sink());
            Err(error)
        }
    }
}

/// What the parts of the document that come first say about those that come later.
#[derive(Default)]
struct Head {
    format: bool,
    seq: Option<u64>,
    epoch: Option<Epoch>,
    config: Option<Value>,
    config_version: u64,
    executor: Vec<(String, String)>,
    events: Option<Bounds>,
    log: Option<Bounds>,
}

#[derive(Clone, Copy, Default)]
struct Bounds {
    first: Option<u64>,
    latest: Option<u64>,
    last_item: u64,
    first_item: u64,
}

impl Head {
    fn rest(self) -> Result<Rest, Error> {
        if !self.format {
            return Err(fault("format", "is missing"));
        }
        let (Some(seq), Some(events), Some(log)) = (self.seq, self.events, self.log) else {
            return Err(fault("", "must have seq, events and log"));
        };
        if events.latest != Some(seq) || events.last_item > seq {
            return Err(fault("events.latest_seq", "must be seq, and no event may come after it"));
        }
        let Some(log_seq) = log.latest.filter(|latest| log.last_item == 0 || *latest == log.last_item) else {
            return Err(fault("log.latest_seq", "must be the number of the last row"));
        };
        let first_seq = events.first.unwrap_or(if events.first_item > 0 { events.first_item } else { seq + 1 });
        let mut config = None;
        if let Some(doc) = self.config.filter(|doc| self.config_version > 0 || doc.as_object().is_none_or(|doc| !doc.is_empty())) {
            let settings = Settings::read(&doc).map_err(|faults| faults.under("config"))?;
            config = Some((doc, self.config_version.max(1), settings));
        }
        Ok(Rest { seq, first_seq, log_seq, epoch: self.epoch, config, executor: self.executor })
    }
}

struct State<'a> {
    left: Rc<Cell<usize>>,
    to: mpsc::Sender<Piece>,
    reader: Reader<'a>,
    error: RefCell<Option<Error>>,
    path: RefCell<String>,
    head: RefCell<Head>,
}

impl State<'_> {
    /// Gives up for a reason that the parser does not know.
    fn give_up<E: serde::de::Error>(&self, error: Error) -> E {
        *self.error.borrow_mut() = Some(error);
        E::custom("given up")
    }

    /// Why the parser ended early.
    fn told(&self, error: &serde_json::Error) -> Error {
        if let Some(known) = self.error.take() {
            return known;
        }
        let path = self.path.borrow().clone();
        match error.io_error_kind() {
            Some(io::ErrorKind::FileTooLarge) => fault(path, "is too large"),
            Some(_) => incomplete(),
            None => Error::bad_request("malformed_dump", if path.is_empty() { error.to_string() } else { format!("{path}: {error}") }),
        }
    }

    fn at(&self, path: String, most: usize) {
        *self.path.borrow_mut() = path;
        self.left.set(most);
    }

    fn send<E: serde::de::Error>(&self, piece: Piece) -> Result<(), E> {
        // Nobody takes pieces any more: whoever did has an error to tell.
        self.to.blocking_send(piece).map_err(|_| self.give_up(crate::store::Error::Closed.into()))
    }

    fn number<'de, A: MapAccess<'de>>(map: &mut A) -> Result<u64, A::Error> {
        let number: u64 = map.next_value()?;
        if number > MOST { Err(A::Error::custom("a number that is too large")) } else { Ok(number) }
    }
}

struct Document<'s, 'a>(&'s State<'a>);

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dump")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let state = self.0;
        loop {
            state.left.set(PART);
            let Some(name) = map.next_key::<String>()? else { return Ok(()) };
            state.at(name.clone(), PART);
            match name.as_str() {
                "format" => {
                    let format: String = map.next_value()?;
                    if format != FORMAT {
                        return Err(state.give_up(fault("format", format!("must be {FORMAT}"))));
                    }
                    state.head.borrow_mut().format = true;
                }
                "seq" => {
                    let seq = State::number(&mut map)?;
                    state.head.borrow_mut().seq = Some(seq);
                }
                "epoch" => {
                    let text: String = map.next_value()?;
                    let epoch = Epoch::parse(&text).map_err(|_| state.give_up(fault("epoch", "is no epoch")))?;
                    // As a dump of a workspace that nobody ever came to says it.
                    state.head.borrow_mut().epoch = Some(epoch).filter(|epoch| *epoch != Epoch::from(0));
                }
                "config" => {
                    let config: Value = map.next_value()?;
                    state.head.borrow_mut().config = Some(config);
                }
                "config_version" => {
                    let version = State::number(&mut map)?;
                    state.head.borrow_mut().config_version = version;
                }
                "executor" => {
                    let fields: std::collections::BTreeMap<String, String> = map.next_value()?;
                    state.head.borrow_mut().executor = fields.into_iter().collect();
                }
                "questions" => map.next_value_seed(Items(state, "questions", Item::Question))?,
                "outcomes" => map.next_value_seed(Items(state, "outcomes", Item::Outcome))?,
                "events" => map.next_value_seed(Stream(state, Item::Event))?,
                "log" => map.next_value_seed(Stream(state, Item::Row))?,
                "generated_at" | "workspaceID" | "caches" => drop(map.next_value::<IgnoredAny>()?),
                _later => {
                    let value: Value = map.next_value()?;
                    let empty = match &value {
                        Value::Null => true,
                        Value::Array(items) => items.is_empty(),
                        Value::Object(members) => members.is_empty(),
                        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
                    };
                    if !empty {
                        return Err(state.give_up(fault(name, "must be empty: this service does not keep it")));
                    }
                }
            }
        }
    }
}

/// A stream: its bounds and its items.
struct Stream<'s, 'a>(&'s State<'a>, Item);

impl<'de> DeserializeSeed<'de> for Stream<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Stream<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stream")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(state, item) = self;
        let is_log = matches!(item, Item::Row);
        let name = if is_log { "log" } else { "events" };
        let mut head = state.head.borrow_mut();
        let place = if is_log { &mut head.log } else { &mut head.events };
        if place.replace(Bounds::default()).is_some() {
            return Err(state.give_up(fault(name, "stands more than once")));
        }
        drop(head);
        let set = |change: &dyn Fn(&mut Bounds)| {
            let mut head = state.head.borrow_mut();
            if let Some(bounds) = if is_log { head.log.as_mut() } else { head.events.as_mut() } {
                change(bounds);
            }
        };
        while let Some(member) = map.next_key::<String>()? {
            state.at(format!("{name}.{member}"), PART);
            match member.as_str() {
                "first_seq" => {
                    let first = State::number(&mut map)?;
                    set(&|bounds| bounds.first = Some(first));
                    if is_log {
                        state.send(Piece::FirstRow(first))?;
                    }
                }
                "latest_seq" => {
                    let latest = State::number(&mut map)?;
                    set(&|bounds| bounds.latest = Some(latest));
                }
                "items" => map.next_value_seed(Items(state, if is_log { "log.items" } else { "events.items" }, item))?,
                "oldest_seq" => drop(map.next_value::<IgnoredAny>()?),
                _unknown => return Err(A::Error::custom("is not known")),
            }
            state.left.set(PART);
        }
        Ok(())
    }
}

/// A list of items.
struct Items<'s, 'a>(&'s State<'a>, &'static str, Item);

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self(state, name, item) = self;
        let mut index = 0_u64;
        loop {
            state.at(format!("{name}[{index}]"), ITEM);
            let Some(raw) = list.next_element_seed(Raw)? else { return Ok(()) };
            let path = state.path.borrow().clone();
            let piece = state.reader.piece(item, raw.get()).map_err(|faults| state.give_up(faults.under(&path).into()))?;
            let number = match &piece {
                Piece::Event(seq, ..) | Piece::Row(seq, ..) => Some(*seq),
                Piece::Question(_) | Piece::Outcome(..) | Piece::FirstRow(_) => None,
            };
            if let Some(seq) = number {
                let mut head = state.head.borrow_mut();
                let bounds = if matches!(item, Item::Row) { head.log.as_mut() } else { head.events.as_mut() };
                if let Some(bounds) = bounds {
                    // A log of so many numbers without rows between would be long to clean up.
                    let far = seq.saturating_sub(bounds.last_item) > 1 << 32 && bounds.last_item > 0;
                    if seq <= bounds.last_item || seq < bounds.first.unwrap_or(1) || seq > MOST || far {
                        return Err(state.give_up(fault(format!("{path}.seq"), "is not in order")));
                    }
                    bounds.last_item = seq;
                    if bounds.first_item == 0 {
                        bounds.first_item = seq;
                    }
                }
            }
            state.send(piece)?;
            index += 1;
        }
    }
}

struct Raw;

impl<'de> DeserializeSeed<'de> for Raw {
    type Value = Box<RawValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Box<RawValue>, D::Error> {
        Box::<RawValue>::deserialize(deserializer)
    }
}
