//! What customers need, period by period, and whether that has shifted.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::Serialize;
use wayfold_core::{EventKind, History};

use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Calendar, Measure, Tally};
use crate::numeric::chi_squared_above;

/// Measures how many customers tell of a need in a period: by the category of `need_identified` or the aspect of
/// `need_detailed`, a customer once for each need and period.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    calendar: Calendar,
}

/// Customers by period and need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NeedsTotal(Tally<(i64, String)>);

/// Whether needs shifted from some periods to others: Pearson's chi-squared test of homogeneity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NeedShift {
    /// The sum of (observed - expected)^2 / expected over needs and sides.
    pub chi_squared: f64,
    /// One less than the number of needs.
    pub degrees: u32,
    /// How often a difference as large comes by chance alone, if nothing has shifted.
    pub p_value: f64,
    /// Whether some need is expected fewer than five times on a side, where the test is known to be rough (Cochran 1954).
    pub is_rough: bool,
    /// The needs, the one that contributes most first, then by name.
    pub needs: Vec<ShiftedNeed>,
}

/// How often a need was told of before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShiftedNeed {
    /// Which one.
    pub need: String,
    /// How often before.
    pub before: u64,
    /// How often after.
    pub after: u64,
    /// The percentage of all before.
    pub share_before: f64,
    /// The percentage of all after.
    pub share_after: f64,
    /// What it contributes to chi-squared.
    pub contribution: f64,
}

impl Needs {
    /// Takes the calendar of the periods.
    pub fn new(calendar: Calendar) -> Self {
        Self { calendar }
    }

    /// How many customers told of a need in a bucket of the calendar.
    pub fn count(&self, total: &NeedsTotal, bucket: i64, need: &str) -> u64 {
        total
            .0
            .counts()
            .filter(|((of, known), _)| *of == bucket && known == need)
            .map(|(_, times)| times)
            .sum()
    }

    /// Tests whether what is needed has shifted from some buckets of the calendar to others.
    ///
    /// # Errors
    /// `TooLittleData` if one side is empty, or there is only one need.
    pub fn shift(
        &self,
        total: &NeedsTotal,
        before: RangeInclusive<i64>,
        after: RangeInclusive<i64>,
    ) -> Result<NeedShift> {
        let names: BTreeSet<&String> = total
            .0
            .counts()
            .filter(|((bucket, _), _)| before.contains(bucket) || after.contains(bucket))
            .map(|((_, need), _)| need)
            .collect();
        let count = |need: &String, buckets: &RangeInclusive<i64>| -> u64 {
            let counts =
                total.0.counts().filter(|((bucket, known), _)| buckets.contains(bucket) && known == need);
            counts.map(|(_, times)| times).sum()
        };
        let counts: Vec<_> =
            names.into_iter().map(|need| (need, count(need, &before), count(need, &after))).collect();
        let sides = [counts.iter().map(|of| of.1).sum::<u64>(), counts.iter().map(|of| of.2).sum::<u64>()];
        if counts.len() < 2 || sides.contains(&0) {
            let message = format_args!(
                "{} needs, told {} times before and {} times after; a shift takes two, told on both sides",
                counts.len(),
                sides[0],
                sides[1]
            );
            return Err(Error::new(ErrorKind::TooLittleData, message));
        }
        let all = (sides[0] + sides[1]) as f64;
        let mut is_rough = false;
        let mut needs = Vec::new();
        for (need, before, after) in counts {
            let mut contribution = 0.0;
            for (observed, side) in [(before, sides[0]), (after, sides[1])] {
                let expected = (before + after) as f64 * side as f64 / all;
                is_rough |= expected < 5.0;
                contribution += (observed as f64 - expected) * (observed as f64 - expected) / expected;
            }
            let share = |of: u64, side: u64| 100.0 * of as f64 / side as f64;
            let (share_before, share_after) = (share(before, sides[0]), share(after, sides[1]));
            needs.push(ShiftedNeed {
                need: need.clone(),
                before,
                after,
                share_before,
                share_after,
                contribution,
            });
        }
        let degrees = needs.len() as u32 - 1;
        let chi_squared = needs.iter().map(|need| need.contribution).sum();
        needs.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
        let p_value = chi_squared_above(chi_squared, degrees);
        Ok(NeedShift { chi_squared, degrees, p_value, is_rough, needs })
    }
}

impl Measure for Needs {
    type Total = NeedsTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut NeedsTotal) {
        let mut told: BTreeSet<(i64, &str)> = BTreeSet::new();
        for event in history.events() {
            let need = match event.kind() {
                EventKind::NeedIdentified => event.text("category"),
                EventKind::NeedDetailed => event.text("aspect"),
                _ => None,
            };
            told.extend(need.map(|need| (self.calendar.bucket(event.occurred_at()), need)));
        }
        told.into_iter().for_each(|(bucket, need)| total.0.add((bucket, need.to_owned()), times));
    }

    fn merge(&self, total: &mut NeedsTotal, other: NeedsTotal) {
        total.0.merge(other.0);
    }
}
