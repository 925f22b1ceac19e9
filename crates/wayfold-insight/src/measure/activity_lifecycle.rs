//! The activity lifecycle of product analytics: who is new, returning, resurrecting or dormant, bucket by bucket.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use serde::Serialize;
use wayfold_core::History;

use super::Measure;
use super::by_bucket::ByBucket;
use super::calendar::{Buckets, Calendar, distinct};
use super::event_test::EventTest;
use super::like::{Tool, after};

/// Measures, bucket by bucket, how many customers are active and how they were before.
///
/// # Definitions
/// - New: active for the first time ever. Returning: active, and in the bucket before. Resurrecting: active, not in the
///   bucket before, and not new.
/// - Dormant: was active in the bucket before and is not now; counted once, as a negative number.
#[derive(Debug, Clone)]
pub struct ActivityLifecycle {
    calendar: Calendar,
    active: EventTest,
    like: Option<Tool>,
}

impl ActivityLifecycle {
    /// Measures by calendar buckets; a customer is active in a bucket by an event that passes the test.
    pub fn new(calendar: Calendar, active: EventTest) -> Self {
        Self { calendar, active, like: None }
    }

    pub(super) fn named_like(mut self, tool: Tool) -> Self {
        self.like = Some(tool);
        self
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        format!(
            "{}activity by {}, {}; new = first ever, dormant counted once in the bucket behind the last active one",
            after(self.like),
            self.active.name(),
            self.calendar.semantics(),
        )
    }

    /// The figures of a range of buckets.
    pub fn report(
        &self,
        total: &ActivityLifecycleTotal,
        buckets: RangeInclusive<i64>,
    ) -> ActivityLifecycleReport {
        let row = |bucket: i64| {
            let counts = total.0.get(bucket);
            let starts_on = self.calendar.starts_on(bucket);
            LifecycleRow {
                bucket,
                starts_on,
                new: counts.new,
                returning: counts.returning,
                resurrecting: counts.resurrecting,
                dormant: -counts.dormant,
            }
        };
        ActivityLifecycleReport { semantics: self.semantics(), buckets: buckets.map(row).collect() }
    }
}

/// What an [`ActivityLifecycle`] adds up, by bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityLifecycleTotal(ByBucket<Counts>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    new: i64,
    returning: i64,
    resurrecting: i64,
    dormant: i64,
}

impl ActivityLifecycleTotal {
    /// The first and the last bucket about which there is something to say; `None` if nobody was active.
    pub fn buckets(&self) -> Option<RangeInclusive<i64>> {
        let buckets = || self.0.iter().map(|(bucket, _)| bucket);
        Some(buckets().min()?..=buckets().max()?)
    }
}

impl Measure for ActivityLifecycle {
    type Total = ActivityLifecycleTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut ActivityLifecycleTotal) {
        let active = history.events().iter().filter(|event| self.active.holds(event));
        let mut buckets = Buckets::of(self.calendar);
        let buckets = distinct(active.map(|event| buckets.bucket(event.occurred_at())));
        let mut before = None;
        for (place, bucket) in buckets.iter().enumerate() {
            let counts = total.0.of(*bucket);
            match before {
                None => counts.new += times,
                Some(before) if before == bucket - 1 => counts.returning += times,
                Some(_) => counts.resurrecting += times,
            }
            before = Some(*bucket);
            if buckets.get(place + 1) != Some(&(bucket + 1)) {
                total.0.of(bucket + 1).dormant += times;
            }
        }
    }

    fn merge(&self, total: &mut ActivityLifecycleTotal, other: ActivityLifecycleTotal) {
        for (bucket, counts) in other.0.iter() {
            let known = total.0.of(bucket);
            known.new += counts.new;
            known.returning += counts.returning;
            known.resurrecting += counts.resurrecting;
            known.dormant += counts.dormant;
        }
    }
}

/// An activity lifecycle in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityLifecycleReport {
    /// What was counted how.
    pub semantics: String,
    /// The buckets, in their order.
    pub buckets: Vec<LifecycleRow>,
}

/// A bucket of an activity lifecycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LifecycleRow {
    /// Its number, as of [`Calendar::bucket`].
    pub bucket: i64,
    /// Its first day.
    pub starts_on: NaiveDate,
    /// How many are active for the first time.
    pub new: i64,
    /// How many were active in the bucket before too.
    pub returning: i64,
    /// How many were not active in the bucket before, but earlier.
    pub resurrecting: i64,
    /// How many were active in the bucket before and are not now, as a negative number.
    pub dormant: i64,
}
