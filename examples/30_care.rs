//! Whom to contact this month: birthdays, a holiday, return visits, and customers who have not bought for long.

use std::collections::BTreeMap;

use wayfold::insight::{CareCalendar, CareOccasion, CareRecord, CareRules};
use wayfold::{
    AttributeName, Builder, CareContacted, EventId, JourneyEvent, ProfileChanged, Rules, Selection, Timestamp,
};
use wayfold_examples::store;
use wayfold_testkit::shop::{Shop, ShopConfig};

/// What is kept of the calendar's rules: days are those of Shanghai.
const RULES: &str = r#"{
    "zone": "Asia/Shanghai", "birthday": "birthday", "leap_day": "day_before",
    "holidays": [{"name": "spring festival", "date": "2025-01-29"}, {"name": "lantern festival", "date": "2025-02-12"}],
    "return_visits": [{"name": "how is it", "after": "delivery", "days": 14}],
    "silent": [{"name": "long time no see", "days": 120}],
    "early_days": 3, "late_days": 7
}"#;

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?;
    let record = builder.register(CareRecord::default())?;
    let wayfold = builder.on_demand().open_blocking(store()?)?;
    let events: Vec<_> = Shop::new(ShopConfig::of(50_000)).distinct().collect();
    wayfold.append(&events)?;

    // Some customers tell their birthday, one of them that of a leap year.
    let as_of = Timestamp::parse("2025-01-31T16:00:00Z")?;
    let first = wayfold.customers_as_of(&Selection::default().with_limit(60), as_of)?;
    let mut told = Vec::new();
    for (number, view) in first.customers().enumerate() {
        let birthday =
            if number == 0 { "1996-02-29".to_owned() } else { format!("{:02}-15", number % 12 + 1) };
        let id = EventId::from_natural_key("profile", "birthday", &[view.key.customer.as_str()]);
        let event = JourneyEvent::new(id, view.key.clone(), as_of.previous(), ProfileChanged {});
        told.push(event.with_attribute(AttributeName::new("birthday")?, birthday.as_str()));
    }
    wayfold.append(&told)?;
    let leapling = first.customers().next().expect("there are customers").key.clone();

    let calendar = CareCalendar::new(serde_json::from_str::<CareRules>(RULES)?)?;
    let february = as_of..Timestamp::parse("2025-02-28T16:00:00Z")?;
    let due = calendar.due(wayfold.own_views(record, as_of)?.into_vec(), february.clone());
    let mut counts: BTreeMap<(CareOccasion, &str), usize> = BTreeMap::new();
    due.iter().for_each(|of| *counts.entry((of.occasion, &of.name)).or_default() += 1);
    for ((_, name), count) in &counts {
        println!("{count:5} {name}");
    }
    let customers = wayfold.own_views(record, as_of)?.len();
    assert_eq!(counts[&(CareOccasion::Holiday, "lantern festival")], customers);
    assert_eq!(counts[&(CareOccasion::Birthday, "birthday")], 6);
    assert_eq!(counts[&(CareOccasion::ReturnVisit, "how is it")], 28);
    let birthday = due.iter().find(|of| of.customer == leapling && of.occasion == CareOccasion::Birthday);
    let birthday = birthday.expect("2025 has no 29 February, and the day before counts");
    assert_eq!(
        (birthday.on.to_string(), birthday.at),
        ("2025-02-28".to_owned(), Timestamp::parse("2025-02-27T16:00:00Z")?)
    );

    // A card that is sent two days early counts.
    let card = CareContacted { occasion: Some("birthday".into()) };
    let at = Timestamp::parse("2025-02-26T02:00:00Z")?;
    let sent = JourneyEvent::new(EventId::from_u128(7), leapling.clone(), at, card);
    wayfold.append([&sent])?;
    let later = calendar.due(wayfold.own_views(record, at)?.into_vec(), february);
    let done = later.iter().find(|of| of.customer == leapling && of.occasion == CareOccasion::Birthday);
    assert_eq!(done.and_then(|of| of.done_by), Some(sent.id));
    println!("{leapling} had its card on {at}");
    Ok(())
}
