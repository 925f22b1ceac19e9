//! Where are customers dissatisfied, are tickets handled in time, does feedback lead to anything, have needs shifted?

use wayfold::insight::{
    BucketUnit, BusinessHours, Calendar, Confidence, FeedbackLoop, Needs, Satisfaction, SatisfactionBy,
    SatisfactionMethod, ServiceLevel, Tickets, Tz,
};
use wayfold::{
    Builder, CustomerKey, EventBody, EventId, FeedbackAnswered, FeedbackClassified, FeedbackGiven,
    FeedbackUsed, JourneyEvent, Rules, Span, Tag, Timestamp,
};
use wayfold_examples::store;
use wayfold_testkit::shop::{Shop, ShopConfig};

const HOUR: i64 = 3_600_000_000;

fn main() -> anyhow::Result<()> {
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    let events: Vec<_> = Shop::new(ShopConfig::of(50_000)).distinct().collect();
    wayfold.append(&events)?;
    wayfold.append(&feedback()?)?;
    let as_of = Timestamp::parse("2025-12-01")?;

    // Several questions are one pass over the log.
    let months = Calendar::new(Tz::UTC, BucketUnit::Month);
    let satisfaction = Satisfaction::new(SatisfactionMethod::Nps, months);
    let hours: BusinessHours = serde_json::from_str(
        r#"{"zone": "Europe/Berlin", "week": ["Mon", "Tue", "Wed", "Thu", "Fri"], "opens_minute": 540, "closes_minute": 1020}"#,
    )?;
    let hours_of = |hours| Span::from_micros(hours * HOUR);
    let level = ServiceLevel { priority: None, answer_within: hours_of(8), resolve_within: hours_of(40) };
    let tickets = Tickets::new(hours, vec![level]);
    let needs = Needs::new(months);
    let measure = ((&satisfaction, &tickets), (FeedbackLoop, &needs));
    let ((answers, served), (given, needed)) = wayfold.measure(&measure, as_of)?;

    for row in satisfaction.report(&answers, &[SatisfactionBy::Channel], Confidence::P95)? {
        println!("{:?}: NPS {:.1} of {} answers", row.channel, row.score.value, row.score.answers);
    }
    let by = [SatisfactionBy::Dimension, SatisfactionBy::Stage];
    let worst = satisfaction.worst(&answers, &by, 30, Confidence::P95)?.expect("enough have answered");
    println!("worst: {:?} in {:?}, NPS {:.1}", worst.dimension, worst.stage, worst.score.value);

    for row in tickets.report(&served, as_of, Confidence::P95) {
        let (Some(answered), Some(resolved)) = (&row.answered, &row.resolved) else { continue };
        println!(
            "{:?}: {} tickets, {:.1} % answered and {:.1} % resolved in time",
            row.priority, row.tickets, answered.in_time.0, resolved.in_time.0
        );
    }

    for row in given.report(Confidence::P95) {
        println!("{:?}: {:.0} %, median {:?} days", row.state, row.share.0, row.median.map(Span::whole_days));
    }
    let used = &given.report(Confidence::P95)[4];
    assert_eq!((used.reached, used.share.0), (1, 25.0));

    let month = |at: &str| -> wayfold::Result<i64> { Ok(months.bucket(Timestamp::parse(at)?)) };
    let (first, second) =
        (month("2023-01-01")?..=month("2023-12-01")?, month("2024-01-01")?..=month("2024-12-01")?);
    let shift = needs.shift(&needed, first, second)?;
    println!(
        "needs shifted by {:.1} of {} degrees: p = {:.2}",
        shift.chi_squared, shift.degrees, shift.p_value
    );
    // The shop draws needs by chance, the same every year.
    assert!(shift.p_value > 0.05);
    Ok(())
}

/// Four complaints about opening hours: all classified, two answered, one put to use.
fn feedback() -> anyhow::Result<Vec<JourneyEvent>> {
    let mut events = Vec::new();
    for customer in 0..4 {
        let states: [EventBody; 4] = [
            FeedbackGiven { theme: Some("opening hours".to_owned()), sentiment: None }.into(),
            FeedbackClassified { theme: None, sentiment: None }.into(),
            FeedbackAnswered { decision: None }.into(),
            FeedbackUsed { decision: Some("open on Saturdays".to_owned()) }.into(),
        ];
        let reached = [4, 3, 2, 2][customer];
        for (state, body) in states.into_iter().take(reached).enumerate() {
            let name = customer.to_string();
            let id = EventId::from_natural_key("feedback", "state", &[&name, &state.to_string()]);
            let at = Timestamp::parse("2025-03-01")? + Span::from_days(3 * state as u32);
            let key = CustomerKey::new(format!("guest {name}"))?;
            events.push(JourneyEvent::new(id, key, at, body).with_tag(Tag::new("feedback", &name)?));
        }
    }
    Ok(events)
}
