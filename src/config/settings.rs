//! One walk over all settings, used twice: to declare each as a flag with its variable, and to read them back.
//! A setting is therefore written once, with its name, unit, range and help; its default is the section's `Default`.
//! Reading never stops at the first fault: whoever deploys sees all of them at once.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::time::Duration;

use clap::{Arg, ArgMatches};

/// One setting that cannot be used, in words for the person who set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The variable's name, such as `DOWNBEAT_LISTEN`.
    pub setting: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// All faults of a configuration; never empty where it stands in an `Err`.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} fault{}:", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        for fault in &self.0 {
            write!(f, "\n  {} (--{}): {}", fault.setting, flag(fault.setting), fault.message)?;
        }
        Ok(())
    }
}

/// The unit a duration is written in; part of the setting's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Seconds,
}

/// The walk itself: a section calls one method a setting, which declares it or fills its slot.
pub(super) struct Settings<'a> {
    matches: Option<&'a ArgMatches>,
    heading: &'static str,
    pub(super) arguments: Vec<Arg>,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Settings<'a> {
    /// A walk that collects the arguments and leaves every slot alone.
    pub(super) fn declare() -> Self {
        Self { matches: None, heading: "", arguments: Vec::new(), faults: Vec::new() }
    }

    /// A walk that fills the slots from what clap found in flags and environment.
    pub(super) fn read(matches: &'a ArgMatches) -> Self {
        Self { matches: Some(matches), ..Self::declare() }
    }

    /// The heading of the settings that follow, in the help text.
    pub(super) fn section(&mut self, heading: &'static str) {
        self.heading = heading;
    }

    /// A setting with a default. An empty value counts as absent: deployment templates often pass one.
    pub(super) fn value<T: Display>(
        &mut self,
        slot: &mut T,
        (variable, placeholder): (&'static str, &'static str),
        help: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) {
        match self.matches {
            None => {
                let argument = self.argument(variable, placeholder, help);
                self.arguments.push(argument.default_value(slot.to_string()));
            }
            Some(matches) => match text(matches, variable).map(parse) {
                None => {}
                Some(Ok(value)) => *slot = value,
                Some(Err(message)) => self.faults.push(Fault { setting: variable, message }),
            },
        }
    }

    /// A setting that may be absent. Its value is hidden in the help text, since it may hold a password.
    pub(super) fn secret<T>(
        &mut self,
        slot: &mut Option<T>,
        (variable, placeholder): (&'static str, &'static str),
        help: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) {
        match self.matches {
            None => {
                let argument = self.argument(variable, placeholder, help);
                self.arguments.push(argument.hide_env_values(true));
            }
            Some(matches) => match text(matches, variable).map(parse) {
                None => {}
                Some(Ok(value)) => *slot = Some(value),
                Some(Err(message)) => self.faults.push(Fault { setting: variable, message }),
            },
        }
    }

    /// A whole number within a range.
    pub(super) fn number(
        &mut self,
        slot: &mut usize,
        (variable, unit): (&'static str, &'static str),
        help: &'static str,
        range: RangeInclusive<usize>,
    ) {
        self.value(slot, (variable, unit), help, |text| {
            text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
                format!("{text:?} is not a whole number of {} from {} to {}", unit.to_lowercase(), range.start(), range.end())
            })
        });
    }

    /// A duration, written as a whole number of `unit`.
    pub(super) fn duration(
        &mut self,
        slot: &mut Duration,
        (variable, unit): (&'static str, Unit),
        help: &'static str,
        range: RangeInclusive<usize>,
    ) {
        let (placeholder, written): (_, fn(Duration) -> u128) = match unit {
            Unit::Milliseconds => ("MILLISECONDS", |duration| duration.as_millis()),
            Unit::Seconds => ("SECONDS", |duration| u128::from(duration.as_secs())),
        };
        let mut number = usize::try_from(written(*slot)).unwrap_or(usize::MAX);
        self.number(&mut number, (variable, placeholder), help, range);
        if self.matches.is_some() {
            *slot = match unit {
                Unit::Milliseconds => Duration::from_millis(number as u64),
                Unit::Seconds => Duration::from_secs(number as u64),
            };
        }
    }

    fn argument(&self, variable: &'static str, placeholder: &'static str, help: &'static str) -> Arg {
        Arg::new(variable).long(flag(variable)).env(variable).value_name(placeholder).help(help).help_heading(self.heading)
    }
}

/// `DOWNBEAT_ADMIN_LISTEN` is the flag `admin-listen`.
fn flag(variable: &str) -> String {
    variable.trim_start_matches("DOWNBEAT_").to_lowercase().replace('_', "-")
}

fn text<'m>(matches: &'m ArgMatches, variable: &str) -> Option<&'m str> {
    matches.get_one::<String>(variable).map(|text| text.trim()).filter(|text| !text.is_empty())
}
