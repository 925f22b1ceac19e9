//! The latencies as a table.

use std::time::Duration;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::tally::{Kind, Tally};

const HEADER: [&str; 7] = ["milliseconds", "count", "p50", "p90", "p99", "p99.9", "max"];

/// Every latency was kept, so the percentiles are exact.
pub(crate) fn print(tally: &Tally, elapsed: Duration) {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(HEADER);
    for (kind, times) in &tally.latencies {
        table.add_row(row(*kind, times.clone()));
    }
    for column in 1..HEADER.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
    let requests = tally.latencies.iter().filter(|(kind, _)| **kind != Kind::Notice);
    let requests: usize = requests.map(|(_, times)| times.len()).sum();
    let seconds = elapsed.as_secs_f64();
    println!("{requests} requests in {seconds:.1} s, {:.0} a second", requests as f64 / seconds);
}

fn row(kind: Kind, mut times: Vec<Duration>) -> Vec<String> {
    times.sort_unstable();
    let figures = [500, 900, 990, 999, 1_000].map(|per_mille| {
        let place = (times.len() * per_mille).div_ceil(1_000).max(1) - 1;
        format!("{:.1}", times[place].as_secs_f64() * 1e3)
    });
    [kind.name().to_owned(), times.len().to_string()].into_iter().chain(figures).collect()
}
