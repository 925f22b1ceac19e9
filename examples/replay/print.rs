//! The answers as text for people.

use std::fmt::{Result, Write};

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use wayfold::{
    BehaviourClass, Cause, Currency, Explanation, LifecycleStage, Money, PopulationSummary, Rules, Step,
    Timestamp,
};

use crate::report::{Quarter, Read, Report, Segments, TopCustomer};

/// Writes everything that was asked.
pub(crate) fn report(out: &mut String, report: &Report, rules: &Rules) -> Result {
    read(out, &report.read)?;
    let happened = report.summary.events;
    writeln!(out, "\nAs of {} under rules {:?}: {happened} events count.", report.as_of, rules.version)?;
    if happened > report.read.events {
        writeln!(out, "The log holds events of other imports too; --store names another.")?;
    }
    if happened == 0 {
        return writeln!(out, "Nothing had happened by then; choose a later --as-of.");
    }
    lifecycle(out, &report.lifecycle_by_quarter, rules)?;
    value(out, &report.summary)?;
    behaviour(out, &report.summary, rules)?;
    if let Some(found) = &report.segments {
        segments(out, found)?;
    }
    top(out, &report.top)?;
    report.story.as_ref().map_or(Ok(()), |told| story(out, told))
}

fn read(out: &mut String, read: &Read) -> Result {
    let (rows, events, ms) = (read.rows, read.events, read.time.as_secs_f64() * 1e3);
    writeln!(out, "Read {}: {rows} rows became {events} events in {ms:.0} ms.", read.file)?;
    match read.new_events {
        0 => writeln!(out, "Nothing is new: the log held them all.")?,
        new if new < events => writeln!(out, "{new} of them are new; the log held the others.")?,
        _ => {}
    }
    for (what, counts) in [("skipped", &read.skipped_rows), ("rejected", &read.rejected_rows)] {
        for (reason, count) in counts {
            writeln!(out, "  rows {what}: {count}, {reason}")?;
        }
    }
    for (kind, count) in &read.unknown_kinds {
        writeln!(out, "  events of the unknown kind {kind:?}, which are kept: {count}")?;
    }
    Ok(())
}

/// A table under a heading; the columns behind the first `texts` hold numbers.
fn table(out: &mut String, heading: &str, header: &[&str], texts: usize, rows: Vec<Vec<String>>) -> Result {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(header.to_vec()).add_rows(rows);
    for column in texts..header.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    writeln!(out, "\n{heading}\n{table}")
}

fn lifecycle(out: &mut String, quarters: &[Quarter], rules: &Rules) -> Result {
    let header: Vec<&str> =
        std::iter::once("quarter").chain(LifecycleStage::ALL.iter().map(|s| s.as_str())).collect();
    let row = |quarter: &Quarter| {
        let counts = LifecycleStage::ALL.iter().map(|stage| quarter.lifecycle[stage].to_string());
        std::iter::once(quarter.label.clone()).chain(counts).collect()
    };
    let rules = &rules.lifecycle;
    let heading = format!(
        "Lifecycle: customers at the end of each quarter\n(repeat: from {} purchases; loyal: {} within {} days; churned: \
         silent for more than {} days; won_back: bought again after that)",
        rules.repeat_purchases_min,
        rules.loyal_purchases_min,
        rules.loyal_window_days,
        rules.churned_after_days
    );
    table(out, &heading, &header, 1, quarters.iter().map(row).collect())
}

fn value(out: &mut String, summary: &PopulationSummary) -> Result {
    let rows = summary.totals.iter().map(|total| {
        let sums = [total.revenue, total.refunds, total.net].map(|sum| sum.to_string());
        let counts = [total.currency.to_string(), total.buyers.to_string(), total.purchases.to_string()];
        counts.into_iter().chain(sums).collect()
    });
    let header = ["currency", "buyers", "purchases", "revenue", "refunds", "net"];
    table(out, "Value", &header, 1, rows.collect())
}

fn behaviour(out: &mut String, summary: &PopulationSummary, rules: &Rules) -> Result {
    let segment = &rules.segment;
    let is_off = |class: BehaviourClass| {
        let by_value = [BehaviourClass::HighValue, BehaviourClass::LowFrequencyHighValue];
        by_value.contains(&class) && segment.high_value_min.is_empty()
    };
    let row = |(class, count): (&BehaviourClass, &u64)| {
        let count = if is_off(*class) { "off".to_owned() } else { count.to_string() };
        vec![class.to_string(), count]
    };
    let rest = std::iter::once(vec!["in none of these".to_owned(), summary.unclassified.to_string()]);
    let heading = format!(
        "Behaviour: the first class that fits\n(dormant: churned; at_risk: silent for more than {} days; newcomer: one \
         purchase; high_frequency: {} purchases within {} days;\nthe classes of high value are off until \
         Rules.segment.high_value_min names a value by currency)",
        segment.at_risk_after_days, segment.frequent_purchases_min, segment.frequent_window_days
    );
    table(out, &heading, &["class", "customers"], 1, summary.classes.iter().map(row).chain(rest).collect())
}

fn segments(out: &mut String, segments: &Segments) -> Result {
    let rows = segments.named.iter().map(|segment| {
        let counts = [segment.customers.to_string(), segment.purchases.to_string(), segment.net.to_string()];
        std::iter::once(segment.name.clone()).chain(counts).collect()
    });
    let heading = format!(
        "Segments in {}: customers by their scores of recency and frequency, 1 to 5 among all buyers\n(from Champions, \
         who bought lately and often, to Hibernating; equal values share a score; docs/glossary.md has the table)",
        segments.currency
    );
    table(out, &heading, &["segment", "customers", "purchases", "net"], 1, rows.collect())
}

fn top(out: &mut String, top: &[TopCustomer]) -> Result {
    let rows = top.iter().map(|customer| {
        vec![
            customer.key.to_string(),
            customer.lifecycle.to_string(),
            customer.class.map_or("-", BehaviourClass::as_str).to_owned(),
            customer.last_purchase_at.map_or_else(|| "-".to_owned(), date),
            customer.purchases.to_string(),
            customer.net.to_string(),
        ]
    });
    let header = ["customer", "stage", "class", "last purchase", "purchases", "net"];
    table(out, "The most valuable customers", &header, 4, rows.collect())
}

fn date(instant: Timestamp) -> String {
    instant.to_chrono().format("%Y-%m-%d").to_string()
}

/// Tells a customer's history: each event, each instant at which time alone changed something, and what changed.
fn story(out: &mut String, story: &Explanation) -> Result {
    writeln!(out, "\nThe story of customer {} (choose another with --customer)", story.view.key)?;
    for step in &story.steps {
        let what = match &step.cause {
            Cause::Event { kind, .. } => kind,
            Cause::Time => "(time passed)",
        };
        writeln!(out, "  {}  {what:<15} {}", date(step.at), changes(step, story))?;
    }
    match story.view.holds_until {
        Some(until) => writeln!(out, "  Without a new event, nothing changes until {until}.")?,
        None => writeln!(out, "  Without a new event, nothing changes any more.")?,
    }
    story.reports.iter().try_for_each(|report| writeln!(out, "  Note: {report:?}"))
}

/// The changes of a step that a reader looks for, in words.
fn changes(step: &Step, story: &Explanation) -> String {
    let mut told = Vec::new();
    for change in &step.changes {
        let after = change.after.as_deref().unwrap_or("none");
        let of_journey =
            change.field.strip_prefix("journey.journeys[").and_then(|rest| rest.split_once("]."));
        match (change.field.as_str(), of_journey) {
            ("lifecycle.stage", _) => told.push(format!("becomes {after}")),
            ("segment.class", _) => told.push(format!("class {after}")),
            (_, Some((key, what @ ("stage" | "outcome")))) if is_told(key, story) => {
                told.push(format!("journey {key}: {what} {after}"));
            }
            (field, _) if field.ends_with("].net") => {
                told.extend(money(after).map(|net| format!("net {net}")));
            }
            _ => {}
        }
    }
    told.join(", ")
}

/// A journey of one order, as files of plain purchases have them, tells nothing beside the order.
fn is_told(key: &str, story: &Explanation) -> bool {
    let journey = story.view.journeys.journeys.iter().find(|journey| journey.key.as_str() == key);
    journey.is_some_and(|journey| journey.stages.len() > 1)
}

/// Reads money such as `1.5 EUR`, to show it with the decimals of its currency.
fn money(text: &str) -> Option<Money> {
    let (amount, currency) = text.split_once(' ')?;
    Money::parse(amount, Currency::new(currency).ok()?).ok()
}
