//! The live engine: how long after an acknowledged append the projections are up to it, and how many events go through
//! it when some come late.

use wayfold::blocking::Wayfold;
use wayfold::bodies::NeedIdentified;
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Builder, CustomerKey, EventBatch, JourneyEvent, Rules, Span, Timestamp};
use wayfold_benches::{Ids, Measured, NewEvents, Times};
use wayfold_testkit::Random;

use crate::{Result, Stored};

/// Appends of one event.
const CALLS: i64 = 2_000;
/// Batches of which one event in a hundred is late.
const BATCHES: i64 = 20;
const BATCH: i64 = 10_000;
const LATE_PERCENT: u64 = 1;
const LATE_MAX_DAYS: u32 = 30;
/// The history into which late events come one by one.
const HISTORY: i64 = 26_000;
const HISTORY_DAYS: u32 = 731;
const LATE_CALLS: i64 = 200;

pub(crate) fn measure(stored: &Stored<'_>) -> Result<Vec<Measured>> {
    let source = stored.new_events();
    let store = SqliteStore::open(stored.path, SqliteConfig::default())?;
    // New events happen in the two days after the history.
    let builder = Builder::new(Rules::default())?.by_hand(stored.as_of + Span::from_days(2));
    let wayfold = builder.without_snapshots().open_blocking(store)?;
    wayfold.catch_up()?;
    let measured = [single(&wayfold, &source, stored.as_of)?, late(&wayfold, &source, stored.as_of)?];
    let history = late_into_history(&wayfold, stored.as_of)?;
    wayfold.close()?;
    Ok(measured.into_iter().flatten().chain([history]).collect())
}

/// From the acknowledgement of one event to the updated projections.
fn single(wayfold: &Wayfold, source: &NewEvents, as_of: Timestamp) -> Result<Vec<Measured>> {
    let mut times = Times::default();
    for number in 0..CALLS {
        let event = at(source.event(Ids::V7), as_of + Span::from_micros(number));
        wayfold.append([&event])?;
        times.time(|| wayfold.catch_up())?;
    }
    let p = |times: &mut Times, percent| {
        Measured::new(format!("L1-p{percent}"), times.percentile_us(percent), "us")
    };
    Ok(vec![p(&mut times, 50), p(&mut times, 99)])
}

/// Batches through append and projections.
fn late(wayfold: &Wayfold, source: &NewEvents, as_of: Timestamp) -> Result<Vec<Measured>> {
    let mut random = Random::new(1);
    let after = as_of + Span::from_days(1);
    let mut batch = |number: i64| {
        let events: Vec<_> = (0..BATCH)
            .map(|event| {
                let on_time = after + Span::from_micros(number * BATCH + event);
                let late_us = random.between(1, Span::from_days(LATE_MAX_DAYS).as_micros());
                let delay_us = if random.percent(LATE_PERCENT) { late_us } else { 0 };
                at(source.event(Ids::V7), on_time - Span::from_micros(delay_us))
            })
            .collect();
        EventBatch::from_events(&events)
    };
    let batches = (0..BATCHES).map(&mut batch).collect::<std::result::Result<Vec<_>, _>>()?;
    let mut times = Times::default();
    for batch in batches {
        times.time(|| -> Result<()> {
            wayfold.append_batch(batch)?;
            wayfold.catch_up()?;
            Ok(())
        })?;
    }
    Ok(vec![Measured::new("L2-rate", (BATCHES * BATCH) as f64 / times.sum_s(), "events/s")])
}

/// From the acknowledgement of an event that comes late to a long history to the updated projections.
fn late_into_history(wayfold: &Wayfold, as_of: Timestamp) -> Result<Measured> {
    let ada = CustomerKey::new("ada")?;
    let need = |number: i64, at| {
        let id = wayfold::EventId::from_natural_key("bench", "history", &[&number.to_string()]);
        JourneyEvent::new(id, ada.clone(), at, NeedIdentified { category: None })
    };
    let step_us = Span::from_days(HISTORY_DAYS).as_micros() / HISTORY;
    let events: Vec<_> =
        (0..HISTORY).map(|number| need(number, as_of - Span::from_micros(number * step_us))).collect();
    wayfold.append(&events)?;
    wayfold.catch_up()?;
    let (mut random, mut times) = (Random::new(1), Times::default());
    for number in HISTORY..HISTORY + LATE_CALLS {
        let late_us = random.between(1, Span::from_days(LATE_MAX_DAYS).as_micros());
        wayfold.append([&need(number, as_of - Span::from_micros(late_us))])?;
        times.time(|| wayfold.catch_up())?;
    }
    Ok(Measured::new("L2-p99", times.percentile_us(99) / 1e3, "ms"))
}

/// The event at an instant of its own.
fn at(mut event: JourneyEvent, at: Timestamp) -> JourneyEvent {
    event.occurred_at = at.into();
    event
}
