//! Cohorts: who came back, and what they ordered, so many buckets after they started.

use chrono::NaiveDate;
use wayfold_core::{Currency, Money, MoneySum};
use wayfold_insight::{BucketUnit, RetentionReport, RetentionRow};

use crate::chart::{Grid, GridCell};
use crate::content::{Block, Chart, Content, drawn};
use crate::section::{Management, Section};
use crate::show::{Show, unit_name, worded};
use crate::table::{Cell, Table};

impl Section {
    /// How many of those who started in a bucket came back so many buckets later, as a heat map of shares.
    pub fn retention(report: RetentionReport, unit: BucketUnit) -> Self {
        Self::new(Management::Value, "retention", "Retention", move |show| returned(&report, unit, show))
    }

    /// What those who started in a bucket ordered so many buckets later, a customer of the cohort.
    ///
    /// The currency is the one in which orders were added up.
    pub fn cohort_value(report: RetentionReport, unit: BucketUnit, currency: Currency) -> Self {
        let title = format!("Orders of cohorts in {currency}");
        Self::new(Management::Value, "cohorts", title, move |show| ordered(&report, unit, currency, show))
    }
}

fn returned(report: &RetentionReport, unit: BucketUnit, show: &Show) -> Content {
    let (mut content, rows) = (Content::default(), &report.cohorts[..]);
    let later = |later: usize| {
        let cohorts = || started(rows).filter(|row| row.returned.len() > later);
        let (came, all) = (cohorts().map(|row| row.returned[later]), cohorts().map(|row| row.customers));
        let (came, all): (i64, i64) = (came.sum(), all.sum());
        (all > 0).then(|| came as f64 / all as f64)
    };
    if let Some(share) = later(1) {
        content.finding(format!(
            "Of those who start, {} come back in the next {}.",
            show.share(share),
            unit_name(unit)
        ));
    }
    let cell = |row: &RetentionRow, later: usize| {
        let share = row.returned[later] as f64 / row.customers.max(1) as f64;
        GridCell {
            // The bucket in which they started says nothing of coming back.
            shade: if later == 0 { 0.0 } else { share },
            lines: vec![show.number(share * 100.0, 0)],
            tip: format!(
                "{}: {} of {} came back {later} {}s later ({})",
                show.bucket(row.starts_on, unit),
                show.count(row.returned[later]),
                show.count(row.customers),
                unit_name(unit),
                show.share(share)
            ),
        }
    };
    let newest = newest(rows);
    let strongest = newest
        .iter()
        .flat_map(|row| row.returned.iter().skip(1).map(|came| *came as f64 / row.customers.max(1) as f64));
    let strongest = strongest.fold(0.0, f64::max).max(1e-9);
    let cells = newest.iter().map(|row| {
        (0..row.returned.len())
            .map(|later| {
                let mut cell = cell(row, later);
                cell.shade /= strongest;
                Some(cell)
            })
            .collect()
    });
    let grid = grid(&newest, cells.collect(), unit, show);
    let table = table("Who came back", rows, unit, |row, later| Cell::Count(row.returned[later]));
    let axes = format!(
        "Percent of the customers who started in the {} at the left that came back so many {}s later.{}",
        unit_name(unit),
        unit_name(unit),
        left_out(rows)
    );
    content
        .blocks
        .push(Block::Chart(Chart::of_grid("returned", axes, &grid, table).measured(&report.semantics)));
    content
}

fn ordered(report: &RetentionReport, unit: BucketUnit, currency: Currency, show: &Show) -> Content {
    let (mut content, rows) = (Content::default(), &report.cohorts[..]);
    let each = |row: &RetentionRow, later: usize| {
        let sum = MoneySum::from(Money::new(row.ordered[later], currency));
        MoneySum::new(sum.as_ten_thousandths() / i128::from(row.customers.max(1)), currency)
    };
    let units = |row: &RetentionRow, later: usize| each(row, later).as_ten_thousandths() as f64 / 1e4;
    let newest = newest(rows);
    // The bucket in which they started would outshine the rest.
    let most = newest
        .iter()
        .flat_map(|row| (1..row.ordered.len()).map(|later| units(row, later)))
        .fold(1e-9, f64::max);
    let cell = |row: &RetentionRow, later: usize| GridCell {
        shade: if later == 0 { 0.0 } else { units(row, later) / most },
        lines: vec![show.short(units(row, later).round())],
        tip: format!(
            "{}: {} per customer, {later} {}s later",
            show.bucket(row.starts_on, unit),
            show.money(each(row, later)),
            unit_name(unit)
        ),
    };
    let cells = newest.iter().map(|row| (0..row.ordered.len()).map(|later| Some(cell(row, later))).collect());
    let grid = grid(&newest, cells.collect(), unit, show);
    let table = table("What cohorts ordered", rows, unit, |row, later| {
        Cell::Money(Money::new(row.ordered[later], currency).into())
    });
    let axes = format!(
        "{currency} per customer of the cohort, so many {}s after the start.{}",
        unit_name(unit),
        left_out(rows)
    );
    content
        .blocks
        .push(Block::Chart(Chart::of_grid("ordered", axes, &grid, table).measured(&report.semantics)));
    content
}

/// So many cohorts are drawn, the newest; the table has all.
const COHORTS: usize = 24;

fn newest(rows: &[RetentionRow]) -> Vec<&RetentionRow> {
    let started: Vec<_> = started(rows).collect();
    let skipped = started.len().saturating_sub(COHORTS);
    started[skipped..].to_vec()
}

fn started(rows: &[RetentionRow]) -> impl Iterator<Item = &RetentionRow> + Clone {
    rows.iter().filter(|row| row.customers > 0)
}

/// What is said where not all cohorts are drawn.
fn left_out(rows: &[RetentionRow]) -> String {
    drawn(COHORTS, started(rows).count(), "cohorts, the newest")
}

fn grid(rows: &[&RetentionRow], cells: Vec<Vec<Option<GridCell>>>, unit: BucketUnit, show: &Show) -> Grid {
    let columns = cells.iter().map(Vec::len).max().unwrap_or_default();
    let name =
        |row: &&RetentionRow| format!("{} ({})", show.bucket(row.starts_on, unit), show.count(row.customers));
    Grid {
        rows: rows.iter().map(name).collect(),
        columns: (0..columns).map(|later| later.to_string()).collect(),
        cells,
        across: format!("{}s after the start \u{2192}", worded(unit_name(unit))),
        down: "Started (how many)".to_owned(),
        cell_height: 26.0,
    }
}

fn table(
    title: &str,
    rows: &[RetentionRow],
    unit: BucketUnit,
    cell: impl Fn(&RetentionRow, usize) -> Cell,
) -> Table {
    let columns = rows.iter().map(|row| row.returned.len()).max().unwrap_or_default();
    let heads = ["Started".to_owned(), "Customers".to_owned()].into_iter();
    let heads = heads.chain((0..columns).map(|later| format!("{} {later}", worded(unit_name(unit)))));
    let cells = started(rows).map(|row| {
        let day: NaiveDate = row.starts_on;
        let later =
            (0..columns).map(|later| if later < row.returned.len() { cell(row, later) } else { Cell::Empty });
        [Cell::Day(day), Cell::Count(row.customers)].into_iter().chain(later).collect()
    });
    Table::new(title, heads, cells)
}
