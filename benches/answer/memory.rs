//! A fold of what is in memory on one thread: ours of all four built-in projections, over batches, and one written by
//! hand that computes answer A alone from compact rows with dense customer numbers, which is the bound.
//!
//! The seconds are those of the fold. Figures come after them: ours from a second fold with answer A over the same
//! batches, so that both sides are known to have folded the same.

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};
use wayfold_benches::by_hand::{self, State};
use wayfold_benches::{Planned, chunks, peak_rss_kib};
use wayfold_core::{CustomerKey, Fold, ProjectionSet, Rules};
use wayfold_testkit::answer_a::{Answer, AnswerA, CheckFigures, quintiles};

use crate::{BATCH, Result};

/// Measures our fold.
pub(crate) fn fold(planned: &Planned) -> Result<Value> {
    let batches: Vec<_> = chunks(planned.events(), BATCH).collect();
    let projections = ProjectionSet::new(Rules::default())?;
    let start = Instant::now();
    let mut fold = Fold::new(&projections).with_as_of(planned.as_of());
    let applied = fold.apply(&batches);
    let seconds = start.elapsed().as_secs_f64();
    let peak_rss_kib = peak_rss_kib();
    assert!(applied.refolds.is_empty(), "a history that is folded at once has no late event");
    drop(fold);

    let mut projections = ProjectionSet::new(Rules::default())?;
    let handle = projections.register(AnswerA)?;
    let mut fold = Fold::new(&projections).with_as_of(planned.as_of());
    let _ = fold.apply(&batches);
    let answers = fold.customers().into_iter().map(|key| {
        let view = fold.own_view(handle, &key, planned.as_of())?;
        Ok((key, view.expect("a customer that is listed is known")))
    });
    let answers: Vec<_> = answers.collect::<Result<_>>()?;
    Ok(json!({
        "seconds": seconds,
        "peak_rss_kib": peak_rss_kib,
        "check": figures(&answers),
    }))
}

/// Measures the bound.
pub(crate) fn bound(planned: &Planned) -> Result<Value> {
    let history = by_hand::History::new(planned);
    let start = Instant::now();
    let mut states = vec![State::UNSEEN; history.customers.len()];
    history.rows.iter().for_each(|row| states[row.customer as usize].evolve(row));
    let states = black_box(states);
    let seconds = start.elapsed().as_secs_f64();

    let answers = by_hand::answers(history.customers.into_iter().zip(states), planned.as_of())?;
    Ok(json!({
        "seconds": seconds,
        "peak_rss_kib": peak_rss_kib(),
        "check": figures(&answers),
    }))
}

fn figures(answers: &[(CustomerKey, Answer)]) -> [i64; 11] {
    let each = || answers.iter().map(|(_, answer)| answer);
    CheckFigures::of(each(), &quintiles(each())).as_row()
}
