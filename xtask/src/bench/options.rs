//! What is measured, as the command line says.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::goals;

/// The rules of honest measuring ask for so many pairs.
const PAIRS_MIN: usize = 5;
/// A stream has a customer for every 20 events.
const EVENTS_MIN: u64 = 20;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) events: u64,
    pub(super) pairs: usize,
    /// What the ids of the rows begin with that are measured.
    pub(super) only: String,
    /// Where the chart is drawn, if not beside the results.
    pub(super) chart: Option<PathBuf>,
}

impl Options {
    pub(super) fn read(arguments: &[&str]) -> Result<Self> {
        let mut options = Self { events: 1_000_000, pairs: PAIRS_MIN, only: String::new(), chart: None };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { bail!("{} is given no value", pair[0]) };
            match *name {
                "--events" => options.events = number(name, value)?,
                "--pairs" => options.pairs = number(name, value)?,
                "--only" => options.only = (*value).to_owned(),
                "--chart" => options.chart = Some((*value).into()),
                _ => bail!("there is no option {name}"),
            }
        }
        ensure!(options.pairs >= PAIRS_MIN, "fewer than {PAIRS_MIN} pairs say too little");
        ensure!(options.events >= EVENTS_MIN, "a workload has at least {EVENTS_MIN} events");
        goals::ensure_known(&options.only)?;
        Ok(options)
    }
}

impl Options {
    /// Whether rows are asked for that begin like one of these.
    pub(super) fn wants(&self, rows: &[&str]) -> bool {
        rows.iter().any(|row| row.starts_with(&self.only) || self.only.starts_with(row))
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T> {
    let digits = value.replace('_', "");
    digits.parse().ok().with_context(|| format!("{name} takes a number, not {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_are_read_by_name() {
        let million = Options { events: 1_000_000, pairs: 5, only: String::new(), chart: None };
        assert_eq!(Options::read(&[]).unwrap(), million);
        let arguments = ["--only", "R1b", "--events", "10_000_000", "--pairs", "7", "--chart", "c.svg"];
        let (only, chart) = ("R1b".to_owned(), Some("c.svg".into()));
        let asked = Options { events: 10_000_000, pairs: 7, only, chart };
        assert_eq!(Options::read(&arguments).unwrap(), asked);
    }

    #[test]
    fn what_cannot_be_measured_honestly_is_refused() {
        for wrong in [
            &["--pairs", "4"],
            &["--events", "19"],
            &["--events", "many"],
            &["--fast", "1"],
            &["--only", "R9"],
        ] {
            assert!(Options::read(wrong).is_err(), "{wrong:?}");
        }
        assert!(Options::read(&["--events"]).is_err());
    }
}
