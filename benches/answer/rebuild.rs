//! A rebuild from a closed store: opening the file, folding its log anew with the four built-in projections and the
//! answer as a projection of one's own, and asking for everybody's answer.
//!
//! The seconds go from opening the file to the answer in memory, for answer A with its quintiles; figures and hash are
//! computed after them.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Builder, CustomerKey, Projection, Rules, Timestamp};
use wayfold_benches::peak_rss_kib;
use wayfold_testkit::answer_a::{AnswerA, CheckFigures, quintiles};
use wayfold_testkit::answer_b::{self, AnswerB};

use crate::asked::Question;
use crate::{EXPORTED_EVENTS_MAX, Result};

pub(crate) fn measure(question: Question, threads: usize, as_of: Timestamp, path: &Path) -> Result<Value> {
    match question {
        Question::A => answer(AnswerA, threads, as_of, path, quintiles, |answers, quintiles| {
            CheckFigures::of(answers, quintiles).as_row().to_vec()
        }),
        Question::B => {
            let nothing_more = |_: &[_]| ();
            answer(AnswerB, threads, as_of, path, nothing_more, |answers, ()| {
                answer_b::check_figures(answers).to_vec()
            })
        }
    }
}

/// Measures; `finish` belongs to the answer, `check` does not.
fn answer<P: Projection, T>(
    projection: P,
    threads: usize,
    as_of: Timestamp,
    path: &Path,
    finish: impl FnOnce(&[(CustomerKey, P::View)]) -> T,
    check: impl FnOnce(&[(CustomerKey, P::View)], &T) -> Vec<i64>,
) -> Result<Value> {
    let start = Instant::now();
    let mut builder = Builder::new(Rules::default())?.by_hand(as_of).with_threads(threads);
    let handle = builder.register(projection)?;
    // For reading alone, so that no thread of the store seals beside the measurement and changes the file.
    let mut config = SqliteConfig::default();
    config.scan_threads = threads;
    let store = SqliteStore::open_read_only(path, config)?;
    let wayfold = builder.on_demand().without_snapshots().fold_anew().open_blocking(store)?;
    let folded = start.elapsed();
    let answers = wayfold.own_views(handle, as_of)?;
    let asked = start.elapsed();
    let finished = finish(&answers);
    let seconds = start.elapsed().as_secs_f64();

    let peak_rss_kib = peak_rss_kib();
    let is_exported = wayfold.opened().folded <= EXPORTED_EVENTS_MAX;
    let export = is_exported.then(|| wayfold.export()).transpose()?;
    Ok(json!({
        "seconds": seconds,
        "fold_seconds": folded.as_secs_f64(),
        "views_seconds": (asked - folded).as_secs_f64(),
        "peak_rss_kib": peak_rss_kib,
        "check": check(&answers, &finished),
        "export_crc32": export.map(|export| crc32fast::hash(&export)),
    }))
}
