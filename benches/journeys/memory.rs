//! The directly-follows graph of a log in memory, case by case, as an import of XES brings it: peers hold theirs so too.
//!
//! The seconds are those from the batches to the figures.

use std::time::Instant;

use serde_json::{Value, json};
use wayfold::insight::{DirectlyFollowsTotal, Measure};
use wayfold_benches::{Planned, chunks, peak_rss_kib};
use wayfold_core::{EventBatch, Shard, for_each_history};

use crate::Result;
use crate::questions;

/// Events of a batch.
const BATCH: usize = 65_536;

pub(crate) fn graph(planned: &Planned, threads: usize) -> Result<Value> {
    let (batches, as_of) = (by_case(planned), planned.as_of());
    let start = Instant::now();
    let graph = questions::graph();
    let of_shard = |index: usize| {
        let mut total = DirectlyFollowsTotal::default();
        for_each_history(&batches, Shard::new(index, threads), as_of, |history| {
            graph.add(history, 1, &mut total);
        });
        total
    };
    let total = std::thread::scope(|scope| {
        let of_shard = &of_shard;
        let parts: Vec<_> = (0..threads).map(|index| scope.spawn(move || of_shard(index))).collect();
        let mut all = DirectlyFollowsTotal::default();
        for part in parts {
            graph.merge(&mut all, part.join().expect("a measure does not panic"));
        }
        all
    });
    let check = questions::graph_figures(&graph.report(&total));
    let seconds = start.elapsed().as_secs_f64();
    Ok(json!({ "seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": check }))
}

/// The events of a workload, one customer after the other.
fn by_case(planned: &Planned) -> Vec<EventBatch> {
    let arrived: Vec<EventBatch> = chunks(planned.standing(), BATCH).collect();
    let mut views: Vec<_> = arrived.iter().flat_map(EventBatch::iter).collect();
    views.sort_by_key(|event| (event.customer_texts(), event.occurred_at()));
    views.chunks(BATCH).map(|part| EventBatch::from_views(part.iter().copied())).collect()
}
