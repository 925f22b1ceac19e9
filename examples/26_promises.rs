//! Which deliveries were on time, how late the others were, and what customers did after either; by channel and by segment.

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
    let mut channels = Vec::new();
    for row in measure.report(&total, PromiseBy::Channel, as_of, Confidence::P95) {
        let (on_time, interval) = row.on_time.expect("some are settled");
        let line = format!(
            "{}: {} kept, {} broken, {on_time:.1} % ({:.1} to {:.1})",
            row.channel.map_or("none", |channel| channel.as_str()),
            row.kept,
            row.broken,
            interval.low,
            interval.high
        );
        println!("{line}");
        channels.push(line);
    }
    let expected = [
        "web: 267 kept, 236 broken, 53.1 % (48.7 to 57.4)",
        "app: 269 kept, 237 broken, 53.2 % (48.8 to 57.5)",
        "phone: 279 kept, 271 broken, 50.7 % (46.6 to 54.9)",
        "store: 260 kept, 233 broken, 52.7 % (48.3 to 57.1)",
    ];
    assert_eq!(channels, expected);

    let all = &measure.report(&total, PromiseBy::All, as_of, Confidence::P95)[0];
    let days = |span: Option<Span>| span.map_or(0, Span::whole_days);
    let late = [all.late_mean, all.late_median, all.late_p90].map(days);
    println!(
        "late by {} days in the mean, {} in the median, {} at the 90th percentile",
        late[0], late[1], late[2]
    );
    assert_eq!((all.kept, all.broken, all.pending, late), (1_075, 977, 13, [3, 3, 7]));

    let effect = measure.effect(&total, as_of, Confidence::P95);
    let score = |score: Option<f64>| format!("{:.2}", score.expect("somebody answered"));
    let scores = [effect.kept.mean_score, effect.broken.mean_score].map(score);
    println!("score: {} after kept ones, {} after broken ones", scores[0], scores[1]);
    assert_eq!(scores, ["4.71", "5.16"]);
    let (difference, interval) = effect.repeat_difference.expect("both were observed");
    let told = format!("{difference:+.1} points ({:+.1} to {:+.1})", interval.low, interval.high);
    println!("bought again: {told}");
    assert_eq!(told, "+0.9 points (-3.1 to +4.9)");
    // The shop draws what customers do by chance, whatever became of promises, and the interval says so.
    assert!(interval.low < 0.0 && interval.high > 0.0);
    Ok(())
}
