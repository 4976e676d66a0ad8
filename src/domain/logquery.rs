//! Which rows of the tool-call log a reader wants. Values of one name are alternatives, different names must all hold.

use super::{fault::Fault, row::RowFacts, when, wire::shortened};

/// The most values of one name.
pub const MAX_VALUES: usize = 64;
/// The longest value, in bytes.
pub const MAX_VALUE: usize = 4096;

/// What a reader wants to see of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// The tool is one of these; an empty list asks nothing, as in all lists here.
    pub tool: Vec<String>,
    /// The status is one of these.
    pub status: Vec<String>,
    /// The session is one of these.
    pub session_id: Vec<String>,
    /// The call is one of these.
    pub call_id: Vec<String>,
    /// The entry is one of these.
    pub entry_id: Vec<String>,
    /// The agent is one of these.
    pub agent_name: Vec<String>,
    /// The container is one of these.
    pub container_id: Vec<String>,
    /// The target begins so.
    pub target_prefix: Option<String>,
    /// The timestamp is this or later, epoch milliseconds.
    pub since: Option<u64>,
    /// The timestamp is this or earlier, epoch milliseconds.
    pub until: Option<u64>,
    /// The title or the target holds this, upper and lower case alike.
    pub q: Option<String>,
}

impl LogFilter {
    /// Takes one query parameter. `Ok(false)`: it is no filter, and somebody else's to read. An empty value is a fault.
    pub fn take(&mut self, name: &str, value: &str, now_ms: u64) -> Result<bool, Fault> {
        let fault = |message: String| Fault::new(name, message);
        let list = match name {
            "tool" => &mut self.tool,
            "status" => &mut self.status,
            "sessionID" => &mut self.session_id,
            "callID" => &mut self.call_id,
            "entryID" => &mut self.entry_id,
            "agentName" => &mut self.agent_name,
            "container_id" => &mut self.container_id,
            "target" => return once(&mut self.target_prefix, value.to_owned(), name, value),
            "q" => return once(&mut self.q, value.to_owned(), name, value),
            "since" | "until" => {
                let time = when::parse(value, now_ms).map_err(|error| fault(format!("{error}, not `{}`", shortened(value))))?;
                return once(if name == "since" { &mut self.since } else { &mut self.until }, time, name, value);
            }
            _ => return Ok(false),
        };
        for part in value.split(',') {
            if part.is_empty() || part.len() > MAX_VALUE {
                return Err(fault(format!("every value must be 1 to {MAX_VALUE} bytes")));
            }
            if list.len() == MAX_VALUES {
                return Err(fault(format!("has more than {MAX_VALUES} values")));
            }
            if !list.iter().any(|known| known == part) {
                list.push(part.to_owned());
            }
        }
        Ok(true)
    }

    /// Whether it lets every row through.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a row of these facts is wanted.
    pub fn matches(&self, facts: &RowFacts) -> bool {
        one_of(&self.tool, Some(&facts.tool))
            && one_of(&self.status, Some(&facts.status))
            && one_of(&self.session_id, Some(&facts.session_id))
            && one_of(&self.call_id, Some(&facts.call_id))
            && one_of(&self.entry_id, facts.entry_id.as_deref())
            && one_of(&self.agent_name, Some(&facts.agent_name))
            && one_of(&self.container_id, facts.container_id.as_deref())
            && self.since.is_none_or(|since| facts.timestamp >= since)
            && self.until.is_none_or(|until| facts.timestamp <= until)
            && self.target_prefix.as_deref().is_none_or(|prefix| facts.target.as_deref().is_some_and(|target| target.starts_with(prefix)))
            && self.q.as_deref().is_none_or(|q| {
                let texts = [facts.title.as_deref(), facts.target.as_deref()];
                texts.into_iter().flatten().any(|text| contains(text, q))
            })
    }
}

fn once<T>(place: &mut Option<T>, parsed: T, name: &str, value: &str) -> Result<bool, Fault> {
    if value.is_empty() || value.len() > MAX_VALUE {
        return Err(Fault::new(name, format!("must be 1 to {MAX_VALUE} bytes")));
    }
    if place.replace(parsed).is_some() {
        return Err(Fault::new(name, "stands more than once"));
    }
    Ok(true)
}

fn one_of(wanted: &[String], fact: Option<&str>) -> bool {
    wanted.is_empty() || fact.is_some_and(|fact| wanted.iter().any(|one| one == fact))
}

/// Whether `text` holds `part`, upper and lower case alike. ASCII, which is nearly all of it, is compared without making copies.
pub fn contains(text: &str, part: &str) -> bool {
    if part.is_empty() {
        return true;
    }
    if text.is_ascii() && part.is_ascii() {
        return text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()));
    }
    text.to_lowercase().contains(&part.to_lowercase())
}

#[cfg(test)]
mod tests;
