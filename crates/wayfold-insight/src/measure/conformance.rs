//! Conformance to an intended path: how far cases follow it, and where they leave it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::reading::{Reading, written};
use super::steps::Steps;
use super::variants::VariantsReport;
use crate::error::{Error, Result};

/// A path that cases are meant to take, as a small text: `need_identified -> product_viewed+ -> quote_issued? -> order_placed`.
///
/// Steps follow each other by `->`. A step is one name, or several of which one is taken, with `|` between them. Behind a step,
/// `?` says that it may be left out, `+` that it may be repeated, `*` both. Names with blanks or signs of their own stand
/// between double quotes: `"A_ACCEPTED|COMPLETE"`.
///
/// ```
/// use wayfold_insight::IntendedPath;
///
/// let path: IntendedPath = "product_viewed+ -> cart_changed? -> order_placed".parse()?;
/// assert_eq!(path.to_string(), "product_viewed+ -> cart_changed? -> order_placed");
/// let error = "product_viewed -> ".parse::<IntendedPath>().unwrap_err();
/// assert_eq!(error.to_string(), "path, character 19: a name is missing");
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntendedPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    names: Vec<String>,
    is_optional: bool,
    repeats: bool,
}

/// How cases follow a path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConformanceReport {
    /// What was counted how: the semantics of the variants among it.
    pub semantics: String,
    /// The path.
    pub path: String,
    /// Cases that have a step.
    pub cases: u64,
    /// Cases that follow it without a deviation.
    pub fitting: u64,
    /// The mean fitness of the cases, from 0 to 1; `None` without cases. The fitness of a case is 1 less its deviations over
    /// those of the worst case of its length: all of its steps unexpected, and all steps of the path that have to be there
    /// missing (Adriansyah, Aligning Observed and Modeled Behavior, 2014).
    pub fitness: Option<f64>,
    /// The deviations: those of the most cases first, then in order.
    pub deviations: Vec<PathDeviationRow>,
}

/// A deviation of many cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathDeviationRow {
    /// Which one.
    pub deviation: PathDeviation,
    /// How many cases have it.
    pub cases: u64,
    /// How often they have it.
    pub times: u64,
}

/// Where a case leaves the path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PathDeviation {
    /// A step of the path that has to be there is not.
    Missing {
        /// The step, as the path says it.
        step: String,
    },
    /// A step of the case that the path does not have there.
    Unexpected {
        /// What it is called.
        activity: String,
        /// The step of the path that was done last; `None` before the first.
        after: Option<String>,
    },
}

impl IntendedPath {
    /// The names of its steps: all that [`Cases::keeping`](super::Cases::keeping) has to keep where other steps are no
    /// deviation.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(|step| &step.names).map(String::as_str)
    }

    /// Says how cases follow the path, by their variants: as few deviations as possible explain each. Of several ways with as
    /// few, the one is taken that follows the path as early as it can.
    ///
    /// The total of [`Variants`](super::Variants) is kept up with the log, and so is what this says of it.
    pub fn check(&self, variants: &VariantsReport) -> ConformanceReport {
        let (mut fitting, mut fitness) = (0, 0.0);
        let mut found: BTreeMap<PathDeviation, (u64, u64)> = BTreeMap::new();
        for variant in &variants.variants {
            let deviations = self.deviations(&variant.steps);
            let worst = variant.steps.len() + self.steps.iter().filter(|step| !step.is_optional).count();
            fitting += if deviations.is_empty() { variant.cases } else { 0 };
            fitness += variant.cases as f64 * (1.0 - deviations.len() as f64 / worst as f64);
            let mut times: BTreeMap<PathDeviation, u64> = BTreeMap::new();
            deviations.into_iter().for_each(|deviation| *times.entry(deviation).or_default() += 1);
            for (deviation, times) in times {
                let known = found.entry(deviation).or_default();
                *known = (known.0 + variant.cases, known.1 + variant.cases * times);
            }
        }
        let row = |(deviation, (cases, times))| PathDeviationRow { deviation, cases, times };
        let mut deviations: Vec<_> = found.into_iter().map(row).collect();
        // It is stable, so that equal ones stay in order.
        deviations.sort_by_key(|row| std::cmp::Reverse(row.cases));
        let cases = variants.cases;
        let fitness = (cases > 0).then(|| fitness / cases as f64);
        let semantics = format!(
            "conformance to {self}: as few deviations as possible explain each case, the path followed as early as it can be; \
             fitness is 1 less the deviations over those of the worst case of its length; {}",
            variants.semantics
        );
        ConformanceReport { semantics, path: self.to_string(), cases, fitting, fitness, deviations }
    }

    /// The deviations of a case on the best way: for each number of steps of the case and of the path, what is left costs at
    /// least so many deviations.
    fn deviations(&self, case: &Steps) -> Vec<PathDeviation> {
        let (events, steps) = (case.len(), self.steps.len());
        let mut left = vec![vec![0_usize; steps + 1]; events + 1];
        for event in (0..=events).rev() {
            for step in (0..=steps).rev() {
                left[event][step] = match self.ways(case, event, step) {
                    [None, None, None, None] => 0,
                    ways => ways.iter().flatten().map(|way| way.cost(&left)).min().unwrap_or(0),
                };
            }
        }
        let (mut event, mut step, mut last) = (0, 0, None);
        let mut deviations = Vec::new();
        while let Some(way) =
            self.ways(case, event, step).into_iter().flatten().min_by_key(|way| way.cost(&left))
        {
            match way.by {
                By::Following => last = Some(way.step - 1),
                By::Skipping if way.deviates => {
                    deviations.push(PathDeviation::Missing { step: self.steps[step].to_string() });
                }
                By::Skipping => {}
                By::Leaving => deviations.push(PathDeviation::Unexpected {
                    activity: case.get(event).unwrap_or_default().to_owned(),
                    after: last.map(|last: usize| self.steps[last].to_string()),
                }),
            }
            (event, step) = (way.event, way.step);
        }
        deviations
    }

    /// The ways on, those that are preferred first where they cost the same.
    fn ways(&self, case: &Steps, event: usize, step: usize) -> [Option<Way>; 4] {
        let is =
            |step: &Step| case.get(event).is_some_and(|name| step.names.iter().any(|known| known == name));
        let before = step.checked_sub(1).map(|before| &self.steps[before]);
        let here = self.steps.get(step);
        let way = |event, step, by, deviates| Way { event, step, by, deviates };
        [
            here.filter(|here| is(here)).map(|_| way(event + 1, step + 1, By::Following, false)),
            before
                .filter(|before| before.repeats && is(before))
                .map(|_| way(event + 1, step, By::Following, false)),
            here.map(|here| way(event, step + 1, By::Skipping, !here.is_optional)),
            case.get(event).map(|_| way(event + 1, step, By::Leaving, true)),
        ]
    }
}

/// A way on to so many steps of the case and of the path.
#[derive(Clone, Copy)]
struct Way {
    event: usize,
    step: usize,
    by: By,
    deviates: bool,
}

#[derive(Clone, Copy)]
enum By {
    Following,
    Skipping,
    Leaving,
}

impl Way {
    fn cost(&self, left: &[Vec<usize>]) -> usize {
        left[self.event][self.step] + usize::from(self.deviates)
    }
}

impl fmt::Display for IntendedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.steps.iter().map(Step::to_string).collect();
        f.write_str(&steps.join(" -> "))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(&self.names, &[]))?;
        f.write_str(match (self.is_optional, self.repeats) {
            (false, false) => "",
            (true, false) => "?",
            (false, true) => "+",
            (true, true) => "*",
        })
    }
}

impl FromStr for IntendedPath {
    type Err = Error;

    /// Reads a path.
    ///
    /// # Errors
    /// `InvalidRule` if it is none; the message says at which character.
    fn from_str(text: &str) -> Result<Self> {
        let mut reading = Reading::new("path", text);
        let mut steps = vec![Step::read(&mut reading)?];
        while reading.take("->") {
            steps.push(Step::read(&mut reading)?);
        }
        if reading.rest().is_empty() {
            return Ok(Self { steps });
        }
        Err(reading.wrong("\"->\" or the end is missing"))
    }
}

impl Step {
    fn read(reading: &mut Reading<'_>) -> Result<Self> {
        let names = reading.names()?;
        let (mut is_optional, mut repeats) = (false, false);
        for (sign, optional, many) in [("?", true, false), ("+", false, true), ("*", true, true)] {
            if reading.take(sign) {
                (is_optional, repeats) = (optional, many);
                break;
            }
        }
        Ok(Self { names, is_optional, repeats })
    }
}
