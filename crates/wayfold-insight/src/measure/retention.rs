//! Retention: who started in a bucket came back how many buckets later, and what they ordered.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use serde::Serialize;
use wayfold_core::{Amount, Currency, EventKind, EventView, History, Span, Timestamp};

use super::Measure;
use super::by_bucket::ByBucket;
use super::calendar::{Buckets, Calendar, distinct};
use super::event_test::EventTest;
use super::like::{Tool, after};
use super::process_map::amount;

/// Which customers make the cohort of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CohortBy {
    /// Who started in it, whenever else too.
    #[default]
    Every,
    /// Who started in it for the first time.
    First,
}

/// When a customer has come back after so many buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReturnIn {
    /// In that bucket.
    #[default]
    On,
    /// In that bucket or any behind it.
    OnOrAfter,
}

/// What the buckets are in which customers come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReturnBuckets {
    /// Those of the calendar.
    #[default]
    Calendar,
    /// Spans of 24 hours from the first start within the cohort's bucket, whatever the calendar's unit.
    Rolling,
}

/// Measures how many of those who started in a bucket came back in the same, the next, and so on.
#[derive(Debug, Clone)]
pub struct Retention {
    calendar: Calendar,
    start: EventTest,
    back: EventTest,
    cohort: CohortBy,
    returns: ReturnIn,
    buckets: ReturnBuckets,
    currency: Option<Currency>,
    like: Option<Tool>,
}

impl Retention {
    /// Measures by calendar buckets; who passes the first test starts, who passes the second has come back.
    pub fn new(calendar: Calendar, start: EventTest, back: EventTest) -> Self {
        Self {
            calendar,
            start,
            back,
            cohort: CohortBy::default(),
            returns: ReturnIn::default(),
            buckets: ReturnBuckets::default(),
            currency: None,
            like: None,
        }
    }

    /// Sets which customers make a cohort.
    pub fn with_cohort(mut self, cohort: CohortBy) -> Self {
        self.cohort = cohort;
        self
    }

    /// Sets when a customer has come back.
    pub fn with_return(mut self, returns: ReturnIn) -> Self {
        self.returns = returns;
        self
    }

    /// Sets what the buckets are in which customers come back.
    pub fn with_buckets(mut self, buckets: ReturnBuckets) -> Self {
        self.buckets = buckets;
        self
    }

    /// Also adds up what was ordered in a currency, bucket by bucket, as it was placed.
    pub fn valued_in(mut self, currency: Currency) -> Self {
        self.currency = Some(currency);
        self
    }

    pub(super) fn named_like(mut self, tool: Tool) -> Self {
        self.like = Some(tool);
        self
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        let cohort = match self.cohort {
            CohortBy::Every => "everybody who starts in it",
            CohortBy::First => "who starts in it for the first time",
        };
        let returns = match self.returns {
            ReturnIn::On => "in",
            ReturnIn::OnOrAfter => "in or after",
        };
        let buckets = match self.buckets {
            ReturnBuckets::Calendar => "the bucket so many later",
            ReturnBuckets::Rolling => "the 24 hours so many days after the first start in the bucket",
        };
        format!(
            "{}retention from {} back by {}, {}, the cohort of a bucket is {cohort}; came back is who does {returns} {buckets}{}",
            after(self.like),
            self.start.name(),
            self.back.name(),
            self.calendar.semantics(),
            self.currency.map_or_else(String::new, |currency| format!("; orders in {currency} as placed")),
        )
    }

    /// The figures of a range of cohorts, each up to the last bucket of the range.
    pub fn report(&self, total: &RetentionTotal, buckets: RangeInclusive<i64>) -> RetentionReport {
        let last = *buckets.end();
        let nobody = Cohort::default();
        let row = |bucket: i64| {
            let Cohort { customers, cells } = total.cohorts.get(&bucket).unwrap_or(&nobody);
            let returned = |later: i64| match self.returns {
                ReturnIn::On => cells.get(later).customers,
                ReturnIn::OnOrAfter => {
                    let later = cells.iter().filter(|(at, _)| *at >= later);
                    later.map(|(_, cell)| cell.customers).sum()
                }
            };
            let ordered = |later: i64| cells.get(later).value;
            let later = 0..=last - bucket;
            RetentionRow {
                bucket,
                starts_on: self.calendar.starts_on(bucket),
                customers: *customers,
                returned: later.clone().map(returned).collect(),
                ordered: later.map(|later| amount(ordered(later))).collect(),
            }
        };
        RetentionReport { semantics: self.semantics(), cohorts: buckets.map(row).collect() }
    }
}

/// What a [`Retention`] adds up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionTotal {
    /// By the bucket of the start; none about which there is nothing to say.
    cohorts: BTreeMap<i64, Cohort>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cohort {
    /// Who started.
    customers: i64,
    /// Who came back, by how many buckets later.
    cells: ByBucket<Cell>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cell {
    customers: i64,
    value: i128,
}

impl Cell {
    fn add(&mut self, other: Self) {
        self.customers += other.customers;
        self.value += other.value;
    }
}

impl RetentionTotal {
    /// Changes the cohort of a bucket.
    fn change(&mut self, bucket: i64, change: impl FnOnce(&mut Cohort)) {
        let cohort = self.cohorts.entry(bucket).or_default();
        change(cohort);
        if cohort.customers == 0 && cohort.cells.iter().next().is_none() {
            self.cohorts.remove(&bucket);
        }
    }

    /// The first and the last bucket in which somebody started; `None` if nobody did.
    pub fn buckets(&self) -> Option<RangeInclusive<i64>> {
        let mut started = self.cohorts.iter().filter(|(_, cohort)| cohort.customers != 0);
        let first = *started.next()?.0;
        Some(first..=started.next_back().map_or(first, |(last, _)| *last))
    }
}

impl Measure for Retention {
    type Total = RetentionTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut RetentionTotal) {
        let mut starts: Vec<(i64, Timestamp)> = Vec::new();
        for event in history.events().iter().filter(|event| self.start.holds(event)) {
            // An earlier day does not come back after so long, however clocks are set.
            let is_over =
                |(_, first): &(i64, Timestamp)| event.occurred_at().since(*first) > Span::from_days(2);
            if self.cohort == CohortBy::First && starts.first().is_some_and(is_over) {
                break;
            }
            let bucket = self.calendar.bucket(event.occurred_at());
            if starts.last().is_none_or(|(known, _)| *known != bucket) {
                starts.push((bucket, event.occurred_at()));
            }
        }
        // A day may come twice where clocks are set back at midnight; the first start of it counts.
        starts.sort_by_key(|(bucket, _)| *bucket);
        starts.dedup_by_key(|(bucket, _)| *bucket);
        if self.cohort == CohortBy::First {
            starts.truncate(1);
        }
        match self.buckets {
            ReturnBuckets::Calendar if starts.is_empty() => {}
            ReturnBuckets::Calendar => {
                let mut buckets = Buckets::of(self.calendar);
                let came = self.came(history, |event| buckets.bucket(event.occurred_at()));
                starts.iter().for_each(|(bucket, _)| self.add_start(*bucket, *bucket, &came, times, total));
            }
            ReturnBuckets::Rolling => {
                for (bucket, start) in starts {
                    let days = |event: &EventView<'_>| {
                        let since = event.occurred_at().since(start).as_micros();
                        since.div_euclid(Span::from_days(1).as_micros())
                    };
                    self.add_start(bucket, 0, &self.came(history, days), times, total);
                }
            }
        }
    }

    fn merge(&self, total: &mut RetentionTotal, other: RetentionTotal) {
        for (bucket, from) in other.cohorts {
            total.change(bucket, |to| {
                to.customers += from.customers;
                from.cells.iter().for_each(|(later, cell)| to.cells.of(later).add(cell));
            });
        }
    }
}

/// When a customer came back, and what it ordered when.
struct Came {
    /// The buckets, in their order.
    back: Vec<i64>,
    ordered: Vec<(i64, i128)>,
}

impl Retention {
    fn came<'a>(&self, history: &History<'a>, mut bucket: impl FnMut(&EventView<'a>) -> i64) -> Came {
        let events = || history.events().iter();
        let mut ordered = Vec::new();
        if self.currency.is_some() {
            for event in events().filter(|event| event.kind() == EventKind::OrderPlaced) {
                let money = event.money_amount().filter(|money| Some(money.currency) == self.currency);
                ordered.extend(money.map(|money| (bucket(event), money.amount.as_ten_thousandths().into())));
            }
        }
        Came { back: distinct(events().filter(|event| self.back.holds(event)).map(bucket)), ordered }
    }

    /// Adds a start in a bucket; buckets of who came are counted from another one on.
    fn add_start(&self, bucket: i64, from: i64, came: &Came, times: i64, total: &mut RetentionTotal) {
        let back = &came.back[came.back.partition_point(|at| *at < from)..];
        // Of who came back at any time, the last time says it all.
        let counted = match self.returns {
            ReturnIn::On => 0,
            ReturnIn::OnOrAfter => back.len().saturating_sub(1),
        };
        total.change(bucket, |cohort| {
            cohort.customers += times;
            for (at, value) in came.ordered.iter().filter(|(at, _)| *at >= from) {
                cohort.cells.of(at - from).value += value * i128::from(times);
            }
            back[counted..].iter().for_each(|at| cohort.cells.of(at - from).customers += times);
        });
    }
}

/// Retention in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionReport {
    /// What was counted how.
    pub semantics: String,
    /// The cohorts, in their order.
    pub cohorts: Vec<RetentionRow>,
}

/// The cohort of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionRow {
    /// Its number, as of [`Calendar::bucket`].
    pub bucket: i64,
    /// Its first day.
    pub starts_on: NaiveDate,
    /// How many customers started in it.
    pub customers: i64,
    /// How many of them came back so many buckets later, from 0 on.
    pub returned: Vec<i64>,
    /// What they ordered so many buckets later, in the currency that was asked for.
    pub ordered: Vec<Amount>,
}
