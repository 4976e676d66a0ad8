//! The figures of a run: as a table for people, as JSON for programs, and the median of several runs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// The figures of one scenario, in the order they are printed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    scenario: &'static str,
    settings: Vec<(&'static str, Value)>,
    figures: Vec<Figure>,
}

#[derive(Debug, Clone, PartialEq)]
struct Figure {
    /// The name in JSON, which ends in the unit.
    key: String,
    label: String,
    value: f64,
    unit: Unit,
}

/// What a figure counts, which says how it is printed and which of several runs speaks for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    PerSecond,
    Microseconds,
    Seconds,
    Bytes,
    PercentOfCore,
    /// A number of things that is a result.
    Count,
    /// A number of things that should not be: the worst run counts.
    Fault,
}

impl Report {
    pub(super) fn new(scenario: &'static str, settings: Vec<(&'static str, Value)>) -> Self {
        Self { scenario, settings, figures: Vec::new() }
    }

    pub(super) fn add(&mut self, key: impl Into<String>, label: impl Into<String>, value: f64, unit: Unit) {
        self.figures.push(Figure { key: key.into(), label: label.into(), value, unit });
    }

    /// The value of a figure that counts something; 0 if there is none of that name.
    pub(super) fn count(&self, key: &str) -> u64 {
        self.figures.iter().find(|figure| figure.key == key).map_or(0, |figure| figure.value as u64)
    }

    /// The first figure, in words.
    pub(super) fn headline(&self) -> String {
        self.figures.first().map(|figure| format!("{} {}", figure.label, figure.show())).unwrap_or_default()
    }

    /// One report for several runs of the same scenario.
    pub(super) fn merge(mut reports: Vec<Self>) -> Option<Self> {
        let mut merged = reports.pop()?;
        for figure in &mut merged.figures {
            let others = reports.iter().flat_map(|report| &report.figures).filter(|other| other.key == figure.key);
            let mut values: Vec<f64> = others.map(|other| other.value).chain([figure.value]).collect();
            values.sort_by(f64::total_cmp);
            let middle = values[(values.len() - 1) / 2];
            let worst = values[values.len() - 1];
            figure.value = if figure.unit == Unit::Fault { worst } else { middle };
        }
        if !reports.is_empty() {
            merged.settings.push(("runs", json!(reports.len() + 1)));
        }
        Some(merged)
    }

    pub(super) fn json(&self) -> String {
        let settings: Map<String, Value> = self.settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let figures: Map<String, Value> = self.figures.iter().map(|figure| (figure.key.clone(), json!(figure.rounded()))).collect();
        format!("{}\n", json!({"scenario": self.scenario, "settings": settings, "figures": figures}))
    }

    pub(super) fn table(&self) -> String {
        let settings: Vec<String> = self.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let mut table = format!("{}: {}\n", self.scenario, settings.join(", "));
        let width = self.figures.iter().map(|figure| figure.label.chars().count()).max().unwrap_or(0);
        for figure in &self.figures {
            // Writing to a String cannot fail.
            let _ = writeln!(table, "  {:width$}  {:>18}", figure.label, figure.show());
        }
        table
    }
}

impl Figure {
    fn show(&self) -> String {
        match self.unit {
            Unit::PerSecond => format!("{} /s", grouped(self.value)),
            Unit::Microseconds if self.value >= 10_000.0 => {
                format!("{:.1} ms", self.value / 1_000.0)
            }
            Unit::Microseconds => format!("{:.2} µs", self.value),
            Unit::Seconds => format!("{:.3} s", self.value),
            Unit::Bytes => format!("{} B", grouped(self.value)),
            Unit::PercentOfCore => format!("{:.1} %", self.value),
            Unit::Count | Unit::Fault => grouped(self.value),
        }
    }

    fn rounded(&self) -> f64 {
        (self.value * 1_000.0).round() / 1_000.0
    }
}

/// A whole number with its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    if value < 0.0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Report, Unit, grouped};

    fn report(rate: f64, duplicates: f64) -> Report {
        let mut report = Report::new("fanout", vec![("readers", json!(2))]);
        report.add("deliveries_per_s", "deliveries", rate, Unit::PerSecond);
        report.add("duplicates", "duplicates", duplicates, Unit::Fault);
        report
    }

    #[test]
    fn several_runs_give_the_median_and_the_worst_fault() {
        let merged = Report::merge(vec![report(3.0, 0.0), report(1_000.0, 4.0), report(5.0, 0.0)]);
        let figures = merged.map(|report| report.figures.iter().map(|figure| figure.value).collect::<Vec<f64>>());
        assert_eq!(figures, Some(vec![5.0, 4.0]));
    }

    #[test]
    fn a_table_has_a_line_a_figure() {
        assert_eq!(
            report(1_234_567.0, 0.0).table(),
            "fanout: readers 2\n  deliveries        1,234,567 /s\n  duplicates                   0\n"
        );
    }

    #[test]
    fn json_has_names_with_units() -> Result<(), serde_json::Error> {
        let value: Value = serde_json::from_str(&report(2.5, 0.0).json())?;
        assert_eq!(value["figures"]["deliveries_per_s"], json!(2.5));
        assert_eq!(value["settings"]["readers"], json!(2));
        Ok(())
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([grouped(0.0), grouped(999.0), grouped(1_000.0), grouped(-12_345.0)], ["0", "999", "1,000", "-12,345"]);
    }
}
