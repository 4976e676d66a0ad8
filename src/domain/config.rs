//! The configuration of a workspace: an open object that clients merge patches into. Keys that the service knows are typed and checked,
//! all others are kept as they came.

pub mod settings;

use serde_json::{Map, Value, json};

use super::{
    event::{self, CONFIG_UPDATED, service_event},
    fault::Faults,
    json::Compact,
    txn::{Expect, Timer, Txn, Write},
};

pub use settings::{Retention, Settings};

/// The largest configuration, in bytes of its text: patches are bounded one by one, their sum is not.
pub const MAX_BYTES: usize = 1024 * 1024;

/// What a patch makes of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The whole new configuration.
    pub doc: Value,
    /// Its version: one more than before if anything changed.
    pub version: u64,
    /// `doc`, read.
    pub settings: Settings,
    /// Whether anything changed.
    pub changed: bool,
    /// Whether what the streams keep changed.
    pub retention_changed: bool,
    /// The patch, as the event shows it.
    pub patch: Value,
}

impl Patched {
    /// The transaction that makes it so, if the stored configuration still has `expected_version`. A patch that changes nothing writes
    /// nothing and emits nothing. `now` in epoch milliseconds.
    pub fn to_txn(&self, expected_version: u64, now: u64) -> Txn {
        let mut txn = Txn { expect: vec![Expect::ConfigVersion(expected_version)], ..Txn::default() };
        if self.changed {
            let payload = json!({ "version": self.version, "patch": self.patch });
            txn.events.push(service_event(CONFIG_UPDATED, Compact::from_value(&payload)));
            txn.writes.push(Write::Config { version: self.version, doc: self.doc.clone(), settings: self.settings.clone() });
        }
        if self.retention_changed {
            txn.writes.push(Write::SetTimer { at: now, timer: Timer::Retention });
        }
        txn
    }
}

/// Merges `patch` into `doc`, the configuration of `version` (0 and `{}` on a fresh workspace).
pub fn patch(doc: &Value, version: u64, patch: &Value) -> Result<Patched, Faults> {
    if !patch.is_object() {
        return Err(Faults::one("", "must be an object"));
    }
    if patch.to_string().len() > event::MAX_REPEATED {
        return Err(Faults::one("", format!("is larger than {} bytes", event::MAX_REPEATED)));
    }
    let merged = merge_patch(doc.clone(), patch);
    let settings = Settings::read(&merged)?;
    let changed = merged != *doc;
    if changed && merged.to_string().len() > MAX_BYTES {
        return Err(Faults::one("", format!("would make the configuration larger than {MAX_BYTES} bytes")));
    }
    let before = Settings::read(doc).ok();
    let kept = |settings: &Settings| (settings.events, settings.log);
    let retention_changed = changed && before.as_ref().map(kept) != Some(kept(&settings));
    Ok(Patched { doc: merged, version: version + u64::from(changed), settings, changed, retention_changed, patch: patch.clone() })
}

/// RFC 7396: members of `patch` replace those of `target`, objects are merged, `null` removes.
pub fn merge_patch(target: Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    let mut members = match target {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    for (name, change) in changes {
        if change.is_null() {
            members.shift_remove(name);
        } else if let Some(member) = members.get_mut(name) {
            *member = merge_patch(member.take(), change);
        } else {
            members.insert(name.clone(), merge_patch(Value::Null, change));
        }
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests;
