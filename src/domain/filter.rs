//! Which events a reader wants: by type and by the session or entry their payload names. Filtering changes what is sent, never the numbers.

use std::borrow::Cow;

use super::{
    event::EventType,
    fault::{Fault, Faults},
    ids::{EntryId, SessionId},
    json,
    wire::shortened,
};

/// The most patterns of one filter: each is tried on every event.
pub const MAX_PATTERNS: usize = 64;

/// What a reader wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Any of these; empty means every type.
    pub types: Vec<Pattern>,
    /// Only events of this session.
    pub session: Option<SessionId>,
    /// Only events of this entry.
    pub entry: Option<EntryId>,
}

/// A pattern of event types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `*`: every type.
    Any,
    /// `todo.*`: every type that begins so; the text here ends with the dot.
    Prefix(String),
    /// `todo.created`: this type.
    Exact(String),
}

impl Pattern {
    /// The pattern that `text` is.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let prefix = text.strip_suffix(".*");
        match EventType::parse(prefix.unwrap_or(text)) {
            Ok(kind) if prefix.is_some() => Ok(Self::Prefix(format!("{kind}."))),
            Ok(kind) => Ok(Self::Exact(kind.to_string())),
            Err(_) => Err(Fault::new("types", format!("`{}` is no event type, nor one followed by .*", shortened(text)))),
        }
    }

    fn matches(&self, kind: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(prefix) => kind.starts_with(prefix.as_str()),
            Self::Exact(exact) => kind == exact,
        }
    }
}

impl EventFilter {
    /// Reads the parameters `types` (each a comma-separated list), `sessionID` and `entryID`.
    pub fn parse(types: &[&str], session: Option<&str>, entry: Option<&str>) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut filter = Self::default();
        for text in types.iter().flat_map(|list| list.split(',')).map(str::trim) {
            match Pattern::parse(text) {
                Ok(pattern) => filter.types.push(pattern),
                Err(fault) => faults.add(fault),
            }
        }
        if filter.types.len() > MAX_PATTERNS {
            faults.push("types", format!("names more than {MAX_PATTERNS} patterns"));
        }
        if filter.types.contains(&Pattern::Any) {
            filter.types.clear();
        }
        filter.session = session.and_then(|id| SessionId::parse(id).map_err(|error| faults.push("sessionID", error.to_string())).ok());
        filter.entry = entry.and_then(|id| EntryId::parse(id).map_err(|error| faults.push("entryID", error.to_string())).ok());
        faults.or(filter)
    }

    /// Whether it lets every event through.
    pub fn is_all(&self) -> bool {
        self.any_type() && !self.needs_facts()
    }

    /// Whether it looks into payloads; if not, [`Facts::default`] will do.
    pub fn needs_facts(&self) -> bool {
        self.session.is_some() || self.entry.is_some()
    }

    /// Whether an event of this type and these facts is wanted.
    pub fn matches(&self, kind: &str, facts: &Facts) -> bool {
        let is = |wanted: Option<&str>, fact: Option<&String>| wanted.is_none_or(|wanted| fact.is_some_and(|fact| fact == wanted));
        (self.any_type() || self.types.iter().any(|pattern| pattern.matches(kind)))
            && is(self.session.as_ref().map(SessionId::as_str), facts.session.as_ref())
            && is(self.entry.as_ref().map(EntryId::as_str), facts.entry.as_ref())
    }

    fn any_type(&self) -> bool {
        self.types.is_empty() || self.types.contains(&Pattern::Any)
    }
}

/// What a filter knows of a payload: two of its outermost fields, as the writer wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `sessionID`, if it is a string.
    pub session: Option<String>,
    /// `entryID`, if it is a string.
    pub entry: Option<String>,
}

impl Facts {
    /// Reads them from a payload's text; what is not there, or not a string, is none.
    pub fn read(payload: &str) -> Self {
        let mut facts = Self::default();
        let read = json::members(payload, |name, value| match &*name {
            "sessionID" => facts.session = json::string(value).map(Cow::into_owned),
            "entryID" => facts.entry = json::string(value).map(Cow::into_owned),
            _ => {}
        });
        if read.is_ok() { facts } else { Self::default() }
    }
}

#[cfg(test)]
mod tests;
