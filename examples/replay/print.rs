//! The answers as text for people.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use wayfold::{Cause, Explanation, LifecycleStage, PopulationSummary, Step, Timestamp};

use crate::report::{Quarter, Read, Report, Segments, TopCustomer};

pub(crate) fn report(report: &Report) {
    read(&report.read);
    println!("\nAs of {} under rules {:?}.", report.as_of, report.summary.rules);
    lifecycle(&report.lifecycle_by_quarter);
    value(&report.summary);
    if let Some(found) = &report.segments {
        segments(found);
    }
    top(&report.top);
    if let Some(told) = &report.story {
        story(told);
    }
}

fn read(read: &Read) {
    let (rows, events) = (read.rows, read.events);
    println!(
        "Read {}: {rows} rows became {events} events in {:.0} ms.",
        read.file,
        read.time.as_secs_f64() * 1e3
    );
    for (what, counts) in [("skipped", &read.skipped_rows), ("rejected", &read.rejected_rows)] {
        for (reason, count) in counts {
            println!("  {count} rows {what}: {reason}");
        }
    }
    for (kind, count) in &read.unknown_kinds {
        println!("  {count} events of the unknown kind {kind:?} are kept");
    }
}

fn heading(text: &str) {
    println!("\n{text}");
}

/// A table whose columns but the first hold numbers, unless they are named as texts.
fn table(header: Vec<String>, rows: Vec<Vec<String>>, texts: usize) {
    let columns = header.len();
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(header).add_rows(rows);
    for column in texts..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
}

fn lifecycle(quarters: &[Quarter]) {
    heading("Lifecycle by quarter: customers at its end");
    let stages = LifecycleStage::ALL.iter().map(ToString::to_string);
    let header = std::iter::once("quarter".to_owned()).chain(stages).collect();
    let row = |quarter: &Quarter| {
        let counts = LifecycleStage::ALL.iter().map(|stage| quarter.lifecycle[stage].to_string());
        std::iter::once(quarter.label.clone()).chain(counts).collect()
    };
    table(header, quarters.iter().map(row).collect(), 1);
}

fn value(summary: &PopulationSummary) {
    heading("Value");
    let header = ["currency", "buyers", "purchases", "revenue", "refunds", "net"].map(str::to_owned).to_vec();
    let rows = summary.totals.iter().map(|total| {
        let sums = [total.revenue, total.refunds, total.net].map(|sum| sum.to_string());
        let counts = [total.currency.to_string(), total.buyers.to_string(), total.purchases.to_string()];
        counts.into_iter().chain(sums).collect()
    });
    table(header, rows.collect(), 1);

    heading("Behaviour");
    let classes = summary.classes.iter().map(|(class, count)| vec![class.to_string(), count.to_string()]);
    let rest = std::iter::once(vec!["in none of these".to_owned(), summary.unclassified.to_string()]);
    table(vec!["class".to_owned(), "customers".to_owned()], classes.chain(rest).collect(), 1);
}

fn segments(segments: &Segments) {
    heading(&format!(
        "Segments by recency and frequency in {}, equal values share a score",
        segments.currency
    ));
    let header = ["segment", "customers", "purchases", "net"].map(str::to_owned).to_vec();
    let rows = segments.named.iter().map(|segment| {
        vec![
            segment.name.clone(),
            segment.customers.to_string(),
            segment.purchases.to_string(),
            segment.net.to_string(),
        ]
    });
    table(header, rows.collect(), 1);
}

fn top(top: &[TopCustomer]) {
    heading("The most valuable customers");
    let header =
        ["customer", "stage", "class", "last purchase", "purchases", "net"].map(str::to_owned).to_vec();
    let rows = top.iter().map(|customer| {
        vec![
            customer.key.to_string(),
            customer.lifecycle.to_string(),
            customer.class.map_or_else(|| "-".to_owned(), |class| class.to_string()),
            customer.last_purchase_at.map_or_else(|| "-".to_owned(), date),
            customer.purchases.to_string(),
            customer.net.to_string(),
        ]
    });
    table(header, rows.collect(), 4);
}

fn date(instant: Timestamp) -> String {
    instant.to_chrono().format("%Y-%m-%d").to_string()
}

/// Tells a customer's history: each event and each instant that changed a stage, a class or net value.
fn story(story: &Explanation) {
    heading(&format!("The story of customer {}", story.view.key));
    for step in &story.steps {
        let what = match &step.cause {
            Cause::Event { kind, .. } => kind.replace('_', " "),
            Cause::Time => "time passed".to_owned(),
        };
        println!("  {}  {what:<16} {}", date(step.at), changes(step));
    }
    match story.view.holds_until {
        Some(until) => println!("  Without a new event, this holds until {until}."),
        None => println!("  Without a new event, this holds for ever."),
    }
    for report in &story.reports {
        println!("  Note: {report:?}");
    }
}

/// The changes of a step that a reader looks for, in words.
fn changes(step: &Step) -> String {
    let mut told = Vec::new();
    for change in &step.changes {
        let after = change.after.as_deref().unwrap_or("none").replace('_', " ");
        let of_journey =
            change.field.strip_prefix("journey.journeys[").and_then(|rest| rest.split_once("]."));
        match (change.field.as_str(), of_journey) {
            ("lifecycle.stage", _) => told.push(format!("is now {after}")),
            ("segment.class", _) => told.push(format!("class {after}")),
            (_, Some((_, "outcome"))) if after != "open" => told.push(format!("journey {after}")),
            (_, Some((_, "stage"))) => told.push(format!("journey in {after}")),
            (field, _) if field.ends_with("].net") => told.push(format!("net {}", plain_money(&after))),
            _ => {}
        }
    }
    told.join(", ")
}

/// `{"amount":"1.5","currency":"EUR"}` as `1.5 EUR`.
fn plain_money(json: &str) -> String {
    let money: Option<serde_json::Value> = serde_json::from_str(json).ok();
    let part =
        |name| money.as_ref().and_then(|money| money.get(name)).and_then(|part| part.as_str()).unwrap_or("?");
    format!("{} {}", part("amount"), part("currency"))
}
