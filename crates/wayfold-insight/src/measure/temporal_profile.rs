//! The temporal profile: how long after one step another comes, and where a case deviates from it.
//!
//! After Stertz, Mangler and Rinderle-Ma, "Temporal conformance checking at runtime based on time-infused process
//! models" (2020): the mean and the sample standard deviation of each pair of steps of which one comes before the other.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use wayfold_core::{History, Span};

use super::Measure;
use super::cases::{Case, Cases, StepNames};
use super::names::value_of;
use super::pairs::Pairs;

/// Measures, of each pair of steps of a case, how long after one the other comes. Every pair counts, near or far; the work
/// grows with the events, times the different steps of a case.
#[derive(Debug, Clone, Default)]
pub struct TemporalProfile {
    cases: Cases,
}

impl TemporalProfile {
    /// Measures cases that are made so.
    pub fn new(cases: Cases) -> Self {
        Self { cases }
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        format!(
            "temporal profile of {}; from a step to each later one of its case, near or far; mean and sample standard deviation",
            self.cases.semantics()
        )
    }

    /// The figures.
    pub fn report(&self, total: &TemporalProfileTotal) -> TemporalProfileReport {
        let row = |((from, to), pair): &((u32, u32), PairTotal)| PairRow {
            from: total.steps.name(*from).to_owned(),
            to: total.steps.name(*to).to_owned(),
            count: pair.count as u64,
            mean_seconds: pair.mean() / 1e6,
            standard_deviation_seconds: pair.standard_deviation().map(|micros| micros / 1e6),
        };
        let mut pairs: Vec<_> = total.pairs.iter().filter(|(_, pair)| pair.count > 0).map(row).collect();
        pairs.sort_unstable_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
        TemporalProfileReport { semantics: self.semantics(), pairs }
    }
}

fn for_each_pair(case: &Case, mut take: impl FnMut((u32, u32), i64)) {
    for (place, from) in case.steps.iter().enumerate() {
        for to in &case.steps[place + 1..] {
            take((from.activity, to.activity), to.at - from.at);
        }
    }
}

/// What a [`TemporalProfile`] adds up.
#[derive(Debug, Clone, Default)]
pub struct TemporalProfileTotal {
    steps: StepNames,
    pairs: Pairs<PairTotal>,
    so_far: SoFar,
}

/// What came so far in a case, by step: so that what comes next is paired with all of it at once.
#[derive(Debug, Clone, Default)]
struct SoFar {
    /// The steps of the case, in the order in which they first came.
    present: Vec<(u32, InstantSums)>,
    /// By the number of a step that came, where it stands there.
    places: Vec<u32>,
}

/// How many instants, their sum, and that of their squares, modulo 2 to the power of 128.
#[derive(Debug, Clone, Copy, Default)]
struct InstantSums {
    count: i64,
    sum: i128,
    squares: i128,
}

impl InstantSums {
    /// The pairs of each of these instants with one behind them, where 64 bits hold the sum twice over.
    #[inline]
    fn narrow_pairs_with(&self, at: i64) -> PairTotal {
        let earlier = self.sum as i64;
        let sum = self.count * at - earlier;
        let squares = i128::from(sum - earlier) * i128::from(at);
        PairTotal { count: self.count, sum: sum.into(), squares: squares.wrapping_add(self.squares) }
    }

    /// The same for any sum.
    fn pairs_with(&self, at: i64) -> PairTotal {
        let (at, count) = (i128::from(at), i128::from(self.count));
        let sum = count.wrapping_mul(at).wrapping_sub(self.sum);
        // The sum of (at - each)^2, multiplied out.
        let squares = sum.wrapping_sub(self.sum).wrapping_mul(at).wrapping_add(self.squares);
        PairTotal { count: self.count, sum, squares }
    }
}

impl SoFar {
    fn add_case(&mut self, case: &Case, times: i64, pairs: &mut Pairs<PairTotal>) {
        // Instants count from that of the first step: only how far they lie apart is asked.
        let (Some(first), Some(last)) = (case.steps.first(), case.steps.last()) else { return };
        let span = last.at.checked_sub(first.at);
        let origin = span.map_or(0, |_| first.at);
        let most = span.and_then(|span| span.checked_mul(case.steps.len() as i64));
        let is_narrow = most.is_some_and(|most| most <= i64::MAX / 4);
        // Almost every case is narrow and added once.
        if is_narrow && times == 1 {
            self.add_steps(case, origin, pairs, InstantSums::narrow_pairs_with);
        } else {
            self.add_steps(case, origin, pairs, |sums, at| sums.pairs_with(at).times(times));
        }
        self.present.clear();
    }

    #[inline]
    fn add_steps(
        &mut self,
        case: &Case,
        origin: i64,
        pairs: &mut Pairs<PairTotal>,
        pairs_with: impl Fn(&InstantSums, i64) -> PairTotal,
    ) {
        for step in &case.steps {
            let at = step.at - origin;
            pairs.change_all(&self.present, step.activity, |pair, sums| pair.add(pairs_with(sums, at)));
            self.note(step.activity, at);
        }
    }

    fn note(&mut self, step: u32, at: i64) {
        let place = value_of(&mut self.places, step);
        // It is that of a case before where another step stands there.
        if self.present.get(*place as usize).is_none_or(|(known, _)| *known != step) {
            *place = self.present.len() as u32;
            self.present.push((step, InstantSums::default()));
        }
        let known = &mut self.present[*place as usize].1;
        let at = i128::from(at);
        known.count += 1;
        known.sum = known.sum.wrapping_add(at);
        known.squares = known.squares.wrapping_add(at.wrapping_mul(at));
    }
}

/// Sums of microseconds, modulo 2 to the power of 128: what is computed of them is smaller, and so exact.
#[derive(Debug, Clone, Copy, Default)]
struct PairTotal {
    count: i64,
    sum: i128,
    squares: i128,
}

impl PairTotal {
    fn times(self, times: i64) -> Self {
        let by = i128::from(times);
        Self {
            count: self.count * times,
            sum: self.sum.wrapping_mul(by),
            squares: self.squares.wrapping_mul(by),
        }
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
        self.squares = self.squares.wrapping_add(other.squares);
    }

    fn mean(&self) -> f64 {
        self.sum as f64 / self.count as f64
    }

    /// `None` where there is one.
    fn standard_deviation(&self) -> Option<f64> {
        let count = i128::from(self.count);
        let (whole, rest) = (self.sum.div_euclid(count), self.sum.rem_euclid(count));
        // The sum of squares about the whole part of the mean, and what its fraction takes away.
        let about_whole = self
            .squares
            .wrapping_sub(self.sum.wrapping_mul(whole).wrapping_mul(2))
            .wrapping_add(whole.wrapping_mul(whole).wrapping_mul(count));
        let fraction = rest as f64 / count as f64;
        let about_mean = about_whole as f64 - fraction * fraction * count as f64;
        (count > 1).then(|| (about_mean.max(0.0) / (count - 1) as f64).sqrt())
    }
}

impl Measure for TemporalProfile {
    type Total = TemporalProfileTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut TemporalProfileTotal) {
        let TemporalProfileTotal { steps, pairs, so_far } = total;
        self.cases.for_each(history, steps, |case, _| so_far.add_case(case, times, pairs));
    }

    fn merge(&self, total: &mut TemporalProfileTotal, other: TemporalProfileTotal) {
        let numbers = total.steps.take_over(&other.steps);
        for ((from, to), pair) in other.pairs.into_pairs() {
            total.pairs.of(numbers[from as usize], numbers[to as usize]).add(pair);
        }
    }
}

/// The temporal profile in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TemporalProfileReport {
    /// What was counted how.
    pub semantics: String,
    /// The pairs, by name.
    pub pairs: Vec<PairRow>,
}

/// How long after one step another comes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairRow {
    /// The step before.
    pub from: String,
    /// The step at any place behind it in the same case.
    pub to: String,
    /// How many such pairs there are.
    pub count: u64,
    /// The mean, in seconds.
    pub mean_seconds: f64,
    /// The sample standard deviation, in seconds; `None` of one pair.
    pub standard_deviation_seconds: Option<f64>,
}

impl TemporalProfileReport {
    /// A pair by name.
    pub fn pair(&self, from: &str, to: &str) -> Option<&PairRow> {
        let found = self.pairs.binary_search_by(|row| (row.from.as_str(), row.to.as_str()).cmp(&(from, to)));
        found.ok().map(|place| &self.pairs[place])
    }
}

/// Measures which pairs of steps lie further from the mean of a profile than so many standard deviations.
///
/// Pairs that the profile has not, or has once, deviate from nothing.
#[derive(Debug, Clone)]
pub struct TemporalDeviations {
    cases: Cases,
    profile: TemporalProfileReport,
    deviations: f64,
}

impl TemporalDeviations {
    /// Compares cases that are made so with a profile; `deviations` is how many standard deviations are allowed.
    pub fn new(cases: Cases, profile: TemporalProfileReport, deviations: f64) -> Self {
        Self { cases, profile, deviations }
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        format!(
            "pairs further than {} standard deviations from the mean of their profile, of {}; {}",
            self.deviations,
            self.cases.semantics(),
            self.profile.semantics
        )
    }

    /// The deviations, in their order.
    pub fn report(&self, total: &BTreeMap<Deviation, i64>) -> TemporalDeviationsReport {
        let found = total.iter().filter(|(_, times)| **times > 0);
        let row = |(deviation, times): (&Deviation, &i64)| DeviationRow {
            deviation: deviation.clone(),
            times: *times as u64,
        };
        TemporalDeviationsReport { semantics: self.semantics(), deviations: found.map(row).collect() }
    }

    fn deviates(&self, names: (&str, &str), micros: i64) -> bool {
        let pair = self.profile.pair(names.0, names.1);
        let limit = pair.and_then(|pair| Some((pair.mean_seconds, pair.standard_deviation_seconds?)));
        limit
            .is_some_and(|(mean, deviation)| (micros as f64 / 1e6 - mean).abs() > self.deviations * deviation)
    }
}

/// Deviations in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemporalDeviationsReport {
    /// What was counted how.
    pub semantics: String,
    /// The deviations: by tenant, customer, steps and time.
    pub deviations: Vec<DeviationRow>,
}

/// A deviation, and how many times it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviationRow {
    /// Which one.
    pub deviation: Deviation,
    /// How many times.
    pub times: u64,
}

/// A pair of steps of one customer that deviates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Deviation {
    /// The tenant.
    pub tenant: String,
    /// The customer.
    pub customer: String,
    /// The step before.
    pub from: String,
    /// The step behind.
    pub to: String,
    /// How long after it came.
    pub after: Span,
}

impl Measure for TemporalDeviations {
    /// Deviations, and how many of each there are.
    type Total = BTreeMap<Deviation, i64>;

    fn add(&self, history: &History<'_>, times: i64, total: &mut Self::Total) {
        let (tenant, customer) = history.customer();
        self.cases.for_each(history, &mut StepNames::default(), |case, names| {
            for_each_pair(case, |(from, to), micros| {
                let (from, to) = (names.name(from), names.name(to));
                if self.deviates((from, to), micros) {
                    let deviation = Deviation {
                        tenant: tenant.to_owned(),
                        customer: customer.to_owned(),
                        from: from.to_owned(),
                        to: to.to_owned(),
                        after: Span::from_micros(micros),
                    };
                    add_times(total, deviation, times);
                }
            });
        });
    }

    fn merge(&self, total: &mut Self::Total, other: Self::Total) {
        for (deviation, times) in other {
            add_times(total, deviation, times);
        }
    }
}

fn add_times(total: &mut BTreeMap<Deviation, i64>, deviation: Deviation, times: i64) {
    match total.entry(deviation) {
        Entry::Vacant(free) => {
            free.insert(times);
        }
        Entry::Occupied(mut known) => {
            *known.get_mut() += times;
            if *known.get() == 0 {
                known.remove();
            }
        }
    }
}
