//! A rebuild from a closed store: opening the file, folding its log anew with the answer as a projection of one's own,
//! beside the four built-in projections or alone, and asking for everybody's answer.
//!
//! The seconds go from opening the file to the answer in memory, for answer A with its quintiles; figures and hash are
//! computed after them.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Builder, Projection, Rules, SortedViews, Timestamp, fold_alone};
use wayfold_benches::peak_rss_kib;
use wayfold_testkit::answer_a::{AnswerA, CheckFigures, quintiles};
use wayfold_testkit::answer_b::{self, AnswerB};

use crate::asked::Question;
use crate::{EXPORTED_EVENTS_MAX, Result};

/// What is rebuilt, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rebuild<'a> {
    /// Whether the answer is folded alone, without an engine and the built-in projections.
    pub(crate) is_alone: bool,
    pub(crate) threads: usize,
    pub(crate) as_of: Timestamp,
    pub(crate) path: &'a Path,
}

impl Rebuild<'_> {
    pub(crate) fn measure(self, question: Question) -> Result<Value> {
        match question {
            Question::A => self.answer(
                AnswerA,
                |answers| quintiles(each(answers)),
                |answers, quintiles| CheckFigures::of(each(answers), quintiles).as_row().to_vec(),
            ),
            Question::B => {
                self.answer(AnswerB, |_| (), |answers, ()| answer_b::check_figures(each(answers)).to_vec())
            }
        }
    }

    /// Measures; `finish` belongs to the answer, `check` does not.
    fn answer<P: Projection, T>(
        self,
        projection: P,
        finish: impl FnOnce(&SortedViews<P::View>) -> T,
        check: impl FnOnce(&SortedViews<P::View>, &T) -> Vec<i64>,
    ) -> Result<Value> {
        let Self { is_alone, threads, as_of, path } = self;
        let start = Instant::now();
        // For reading alone, so that no thread of the store seals beside the measurement and changes the file.
        let store = SqliteStore::open_read_only(path, SqliteConfig::default())?;
        let (answers, wayfold) = if is_alone {
            (pollster::block_on(fold_alone(&store, projection, as_of, threads))?, None)
        } else {
            let mut builder = Builder::new(Rules::default())?.by_hand(as_of).with_threads(threads);
            let handle = builder.register(projection)?;
            let wayfold = builder.on_demand().without_snapshots().fold_anew().open_blocking(store)?;
            (wayfold.own_views(handle, as_of)?, Some(wayfold))
        };
        let finished = finish(&answers);
        let seconds = start.elapsed().as_secs_f64();

        let peak_rss_kib = peak_rss_kib();
        let export = match wayfold {
            Some(wayfold) if wayfold.opened()?.folded <= EXPORTED_EVENTS_MAX => Some(wayfold.export()?),
            _ => None,
        };
        Ok(json!({
            "seconds": seconds,
            "peak_rss_kib": peak_rss_kib,
            "check": check(&answers, &finished),
            "export_crc32": export.map(|export| crc32fast::hash(&export)),
        }))
    }
}

fn each<V>(answers: &SortedViews<V>) -> impl Iterator<Item = &V> {
    answers.iter().map(|(_, answer)| answer)
}
