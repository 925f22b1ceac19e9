//! Which deliveries were on time, how late the others were, and what customers did after either.

use wayfold::insight::{Confidence, PromiseBy, Promises};
use wayfold::{Builder, Instrument, Rules, Span, Timestamp};
use wayfold_examples::store;
use wayfold_testkit::shop::{Shop, ShopConfig};

fn main() -> anyhow::Result<()> {
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    let events: Vec<_> = Shop::new(ShopConfig::of(50_000)).distinct().collect();
    wayfold.append(&events)?;
    let as_of = Timestamp::parse("2025-12-01")?;

    let measure = Promises::new(Instrument::Nps, Span::from_days(180));
    let total = wayfold.measure(&measure, as_of)?;
    for row in measure.report(&total, PromiseBy::Channel, as_of, Confidence::P95) {
        let (on_time, interval) = row.on_time.expect("some are settled");
        println!(
            "{:?}: {} kept, {} broken, {on_time:.1} % ({:.1} to {:.1})",
            row.channel, row.kept, row.broken, interval.low, interval.high
        );
    }
    let all = &measure.report(&total, PromiseBy::All, as_of, Confidence::P95)[0];
    println!("late by {:?} days in the median", all.late_median.map(Span::whole_days));

    assert_eq!((all.kept, all.broken), (1_075, 977));

    let effect = measure.effect(&total, as_of, Confidence::P95);
    println!(
        "score: {:?} after kept ones, {:?} after broken ones",
        effect.kept.mean_score, effect.broken.mean_score
    );
    let (difference, interval) = effect.repeat_difference.expect("both were observed");
    println!("bought again: {difference:+.1} points ({:+.1} to {:+.1})", interval.low, interval.high);
    // The shop draws what customers do by chance, whatever became of promises, and the interval says so.
    assert!(interval.low < 0.0 && interval.high > 0.0);
    Ok(())
}
