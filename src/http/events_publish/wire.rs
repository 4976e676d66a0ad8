//! The body of `POST events`. Payloads are checked and kept as text: nothing here builds a tree of them.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::config::Limits;
use crate::domain::event::{EventType, NewEvent};
use crate::domain::fault::{Faults, MAX_FAULTS, join};
use crate::domain::json::{self, Compact};
use crate::http::body::malformed;
use crate::service::{Error, PublishBody};

/// One event, or several.
#[derive(ToSchema)]
#[schema(as = PublishEvents)]
#[expect(dead_code, reason = "describes the body; it is read without building these")]
#[serde(untagged)]
pub enum Publish {
    /// One event.
    One(Event),
    /// Several, all or none; at most 500.
    Several {
        #[schema(min_items = 1, max_items = 500)]
        events: Vec<Event>,
    },
}

/// An event to publish.
#[derive(ToSchema)]
#[schema(as = NewEvent)]
#[expect(dead_code, reason = "describes the body; it is read without building these")]
pub struct Event {
    /// Lower-case words joined by dots.
    #[schema(rename = "type", pattern = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length = 64, example = "build.started")]
    kind: String,
    /// Kept as it comes. Filters look at its `sessionID` and `entryID`.
    #[schema(value_type = Object)]
    payload: Value,
}

/// Where the events came to stand.
#[derive(ToSchema)]
#[schema(as = PublishedEvents)]
#[expect(dead_code, reason = "describes the reply; it is written as text")]
#[serde(untagged)]
pub enum Published {
    /// Of one event.
    One {
        /// Its number in the workspace.
        seq: u64,
        #[schema(rename = "type")]
        kind: String,
        /// Epoch milliseconds.
        timestamp: u64,
    },
    /// Of several.
    Several {
        /// The number of the first one.
        first_seq: u64,
        /// The number of the last one.
        last_seq: u64,
    },
}

/// The members of an object that can be an event or a batch.
#[derive(Default)]
struct Opened<'a> {
    kind: Option<&'a RawValue>,
    payload: Option<&'a RawValue>,
    events: Option<&'a RawValue>,
}

/// Reads the body.
pub fn parse(text: &str, limits: &Limits) -> Result<PublishBody, Error> {
    let mut reading = Reading { limits, faults: Faults::default(), reserved: 0 };
    let mut events = Vec::with_capacity(1);
    let opened = reading.open(text, "", &["type", "payload", "events"])?;
    let single = opened.as_ref().is_none_or(|opened| opened.events.is_none());
    match opened {
        Some(Opened { kind, payload, events: Some(list) }) => {
            if kind.is_some() || payload.is_some() {
                reading.faults.push("events", "does not go with type and payload");
            }
            reading.list(list, &mut events)?;
        }
        Some(one) => events.extend(reading.event(&one, "")?),
        None => {}
    }
    reading.end(PublishBody { events, single })
}

struct Reading<'l> {
    limits: &'l Limits,
    faults: Faults,
    /// How many of the faults are reserved types.
    reserved: usize,
}

impl Reading<'_> {
    /// A request with nothing wrong but reserved types is told so by a code of its own.
    fn end(self, body: PublishBody) -> Result<PublishBody, Error> {
        let only_reserved = self.faults.0.len() == self.reserved;
        self.faults.or(body).map_err(|faults| if only_reserved { Error::Reserved(faults) } else { Error::Invalid(faults) })
    }

    fn open<'a>(&mut self, text: &'a str, path: &str, known: &[&str]) -> Result<Option<Opened<'a>>, Error> {
        if !text.trim_ascii_start().starts_with('{') {
            serde_json::from_str::<&RawValue>(text).map_err(|error| malformed(&error.into()))?;
            self.faults.push(path, "must be an object");
            return Ok(None);
        }
        let mut opened = Opened::default();
        let members = |name: Cow<'a, str>, value: &'a RawValue| match &*name {
            "type" => opened.kind = Some(value),
            "payload" => opened.payload = Some(value),
            "events" if known.contains(&"events") => opened.events = Some(value),
            other => self.faults.push(join(path, &other.chars().take(64).collect::<String>()), "is not a known field"),
        };
        json::members(text, members).map_err(|fault| malformed(&fault))?;
        Ok(Some(opened))
    }

    fn list(&mut self, list: &RawValue, events: &mut Vec<NewEvent>) -> Result<(), Error> {
        // The whole text is known to be JSON: what fails here is no array.
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(list.get()) else {
            self.faults.push("events", "must be an array");
            return Ok(());
        };
        let most = self.limits.batch_items;
        if !(1..=most).contains(&items.len()) {
            self.faults.push("events", format!("must hold 1 to {most} events"));
            return Ok(());
        }
        events.reserve(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("events[{index}]");
            if let Some(opened) = self.open(item.get(), &path, &["type", "payload"])? {
                events.extend(self.event(&opened, &path)?);
            }
        }
        Ok(())
    }

    /// None only where a fault was noted.
    fn event(&mut self, opened: &Opened<'_>, path: &str) -> Result<Option<NewEvent>, Error> {
        let kind = self.kind(opened.kind, path);
        let payload = self.payload(opened.payload, path)?;
        Ok(kind.zip(payload).map(|(kind, payload)| NewEvent { kind, payload, traceparent: None }))
    }

    fn kind(&mut self, raw: Option<&RawValue>, path: &str) -> Option<EventType> {
        let message = match raw.map(json::string) {
            None => "is missing".to_owned(),
            Some(None) => "must be a string".to_owned(),
            Some(Some(text)) => match EventType::parse(&text) {
                Ok(kind) if kind.is_reserved() => {
                    // Beyond the most faults that are kept none is added, and so none may be counted.
                    self.reserved += usize::from(self.faults.0.len() < MAX_FAULTS);
                    format!("`{kind}` is reserved: only the service itself emits it")
                }
                Ok(kind) => return Some(kind),
                Err(error) => error.to_string(),
            },
        };
        self.faults.push(join(path, "type"), message);
        None
    }

    fn payload(&mut self, raw: Option<&RawValue>, path: &str) -> Result<Option<Compact>, Error> {
        let message = match raw {
            None => "is missing".to_owned(),
            Some(raw) if !raw.get().starts_with('{') => "must be an object".to_owned(),
            Some(raw) => match Compact::from_raw(raw) {
                Ok(payload) if payload.as_str().len() > self.limits.event_bytes => {
                    return Err(Error::EventTooLarge { path: join(path, "payload"), limit: self.limits.event_bytes });
                }
                Ok(payload) => return Ok(Some(payload)),
                Err(fault) => fault.to_string(),
            },
        };
        self.faults.push(join(path, "payload"), message);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PublishBody, Error> {
        parse(text, &Limits::default())
    }

    fn wrong(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn one_event_keeps_its_payload_as_it_came() {
        let body = read(" {\"payload\": {\"n\": 1.00, \"b\":[1, 2]},\n\"type\":\"build.started\"}").unwrap();
        assert!(body.single);
        assert_eq!(body.events[0].kind.as_str(), "build.started");
        assert_eq!(body.events[0].payload.as_str(), r#"{"n":1.00,"b":[1,2]}"#);
    }

    #[test]
    fn a_batch_is_no_single_event_even_of_one() {
        let body = read(r#"{"events":[{"type":"a","payload":{}}]}"#).unwrap();
        assert!(!body.single);
        assert_eq!(body.events.len(), 1);
    }

    #[test]
    fn every_fault_is_named_with_its_path() {
        let text = wrong(r#"{"events":[{"type":"A","payload":[]},{"payload":{},"seq":1},3,{"type":"a","payload":{},"events":[]}],"x":1}"#);
        for part in [
            "x: is not a known field",
            "events[0].type: must be lower-case",
            "events[0].payload: must be an object",
            "events[1].seq: is not a known field",
            "events[1].type: is missing",
            "events[2]: must be an object",
            "events[3].events: is not a known field",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(wrong("[]").contains("must be an object"));
        assert!(wrong(r#"{"events":{}}"#).contains("events: must be an array"));
        assert!(wrong(r#"{"events":[]}"#).contains("1 to 500"));
        assert!(wrong(r#"{"type":"a","payload":{},"events":[]}"#).contains("does not go with"));
        assert!(wrong(r#"{"type":"a"}"#).contains("payload: is missing"));
    }

    #[test]
    fn broken_json_is_malformed_whatever_it_holds() {
        for text in ["", "{", "nope", r#"{"type":"a","payload":{}"#, r#"{"type":"a","payload":{"a":}}"#] {
            assert!(matches!(read(text), Err(Error::BadRequest { .. })), "{text}");
        }
    }

    #[test]
    fn reserved_types_are_told_apart() {
        assert!(matches!(read(r#"{"type":"todo.created","payload":{}}"#), Err(Error::Reserved(_))));
        let mixed = read(r#"{"events":[{"type":"todo.created","payload":{}},{"type":"A","payload":{}}]}"#).unwrap_err();
        assert!(matches!(&mixed, Error::Invalid(faults) if faults.0.len() == 2), "{mixed}");
    }

    #[test]
    fn a_large_payload_is_refused_by_its_compact_size() {
        let limits = Limits { event_bytes: 16, ..Limits::default() };
        assert!(parse("{\"type\":\"a\",\"payload\":{ \"a\" :            \"12345678\" }}", &limits).is_ok());
        let error = parse(r#"{"type":"a","payload":{"a":"12345678901"}}"#, &limits).unwrap_err();
        assert!(matches!(error, Error::EventTooLarge { limit: 16, .. }), "{error}");
    }
}
