//! The outermost object of a document, opened with its values unparsed.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Fault;

/// Calls `each` with every member of the object `text`, in order, the values unparsed. A name that stands twice comes twice.
pub fn members<'a>(text: &'a str, each: impl FnMut(Cow<'a, str>, &'a RawValue)) -> Result<(), Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(Members(each))?;
    Ok(reader.end()?)
}

/// The text of `raw`, if it is a string.
pub fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(raw.get()).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

struct Members<Each>(Each);

impl<'de, Each: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for Members<Each> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<Map: MapAccess<'de>>(mut self, mut map: Map) -> Result<(), Map::Error> {
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            (self.0)(name, value);
        }
        Ok(())
    }
}

/// A member's name, borrowed from the text unless it holds escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The members of an object in the order they came, their values unparsed. Of members of the same name the last one counts, in the place of the first.
#[derive(Clone, Debug, Default)]
pub struct RawObject(Vec<(String, Box<RawValue>)>);

impl RawObject {
    /// Opens the object that `text` is.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
            return serde_json::from_str::<&RawValue>(text).map_err(Fault::from).and(Err(Fault::NotAnObject));
        }
        let mut all = Vec::new();
        members(text, |name, value| {
            all.push((name.into_owned(), value.to_owned()));
        })?;
        Ok(Self(last_wins(all)))
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// All members, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Sorts places instead of hashing names: a body of a hundred thousand members stays cheap, and names need no copies.
fn last_wins(all: Vec<(String, Box<RawValue>)>) -> Vec<(String, Box<RawValue>)> {
    let mut places: Vec<usize> = (0..all.len()).collect();
    places.sort_by(|a, b| all[*a].0.cmp(&all[*b].0));
    let runs: Vec<(usize, usize)> =
        places.chunk_by(|a, b| all[*a].0 == all[*b].0).filter_map(|run| Some((*run.first()?, *run.last()?))).collect();
    if runs.len() == all.len() {
        return all;
    }
    let mut runs = runs;
    runs.sort_unstable();
    let mut values: Vec<Option<(String, Box<RawValue>)>> = all.into_iter().map(Some).collect();
    runs.into_iter().filter_map(|(_, last)| values[last].take()).collect()
}
