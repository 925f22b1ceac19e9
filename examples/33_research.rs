//! What does market research say, study by study, of people who have bought and of people who have not? Answers are events
//! like all others, so that somebody who answers today and buys next month is one person all along.

use wayfold::insight::{BucketUnit, Calendar, Confidence, Research, ResearchBy, ResearchRow, Tz};
use wayfold::{
    Builder, Currency, CustomerKey, EventBody, EventId, JourneyEvent, Money, OrderPlaced, ResearchAnswered,
    Rules, Tag, Timestamp,
};
use wayfold_examples::store;

/// Who was asked in which study, how, about what, and on which day of March 2024.
const ANSWERS: [(&str, &str, &str, &str, u32); 11] = [
    ("ada", "spring", "interview", "price", 4),
    ("ada", "spring", "interview", "delivery", 4),
    ("bob", "spring", "interview", "price", 5),
    ("cleo", "spring", "online", "price", 6),
    ("cleo", "spring", "online", "price", 20),
    ("dan", "spring", "online", "colour", 7),
    ("eve", "spring", "online", "delivery", 8),
    ("ada", "packaging", "online", "waste", 25),
    ("bob", "packaging", "online", "waste", 25),
    ("fay", "packaging", "online", "waste", 26),
    ("fay", "packaging", "online", "size", 26),
];

/// Who bought, on which day of March.
const ORDERS: [(&str, u32); 3] = [("ada", 1), ("bob", 5), ("cleo", 10)];

fn main() -> anyhow::Result<()> {
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    wayfold.append(&events()?)?;
    let measure = Research::new(Calendar::new(Tz::UTC, BucketUnit::Week));
    let total = wayfold.measure(&measure, Timestamp::parse("2024-04-01")?)?;
    let report = |by: &[ResearchBy]| measure.report(&total, by, Confidence::P95);

    // Five were asked in spring, and three of them named the price: one of them twice.
    let themes = report(&[ResearchBy::Study, ResearchBy::Theme]);
    for row in &themes {
        let (share, interval) = row.share.expect("themes are told apart");
        println!(
            "{}, {}: {} answers of {} people, {share:.0} % ({:.0} to {:.0} %)",
            named(row.study.as_ref()),
            named(row.theme.as_ref()),
            row.answers,
            row.people,
            interval.low,
            interval.high
        );
    }
    let price = find(&themes, |row| row.theme.as_deref() == Some("price"));
    assert_eq!((price.answers, price.people, price.share.map(|(share, _)| share)), (4, 3, Some(60.0)));
    let waste = find(&themes, |row| row.theme.as_deref() == Some("waste"));
    assert_eq!((waste.people, waste.share.map(|(share, _)| share)), (3, Some(100.0)));

    // Bob answered about the price before he bought on the same day, and cleo once before and once after.
    for row in report(&[ResearchBy::Buyer]) {
        let who = if row.is_buyer == Some(true) { "have bought" } else { "have bought nothing yet" };
        println!("{} answers of {} people who {who}", row.answers, row.people);
    }
    let told: Vec<_> = report(&[ResearchBy::Buyer]).iter().map(|row| (row.answers, row.people)).collect();
    assert_eq!(told, [(6, 5), (5, 3)]);

    // By method and week, as far as it is asked for.
    let methods: Vec<_> =
        report(&[ResearchBy::Method]).iter().map(|row| (row.method.clone(), row.people)).collect();
    assert_eq!(methods, [(Some("interview".to_owned()), 2), (Some("online".to_owned()), 6)]);
    let weeks: Vec<_> = report(&[ResearchBy::Period])
        .iter()
        .map(|row| (row.period.map(|day| day.to_string()).unwrap_or_default(), row.people))
        .collect();
    let expected = [("2024-03-04", 5), ("2024-03-18", 1), ("2024-03-25", 3)];
    assert_eq!(weeks, expected.map(|(day, people)| (day.to_owned(), people)));
    Ok(())
}

fn named(text: Option<&String>) -> &str {
    text.map_or("nothing in particular", String::as_str)
}

fn find(rows: &[ResearchRow], is: impl Fn(&ResearchRow) -> bool) -> &ResearchRow {
    rows.iter().find(|row| is(row)).expect("somebody answered so")
}

fn events() -> anyhow::Result<Vec<JourneyEvent>> {
    let event = |id: String, name: &str, at: String, body: EventBody| -> anyhow::Result<JourneyEvent> {
        let id = EventId::from_natural_key("research", "answer", &[&id]);
        Ok(JourneyEvent::new(id, CustomerKey::new(name)?, Timestamp::parse(&at)?, body))
    };
    let mut events = Vec::new();
    for (number, (name, study, method, theme, day)) in ANSWERS.into_iter().enumerate() {
        let text = |text: &str| Some(text.to_owned());
        let body = ResearchAnswered { study: text(study), method: text(method), theme: text(theme) };
        events.push(event(number.to_string(), name, format!("2024-03-{day:02}T10:00:00Z"), body.into())?);
    }
    for (name, day) in ORDERS {
        let amount = Money::parse("20", Currency::EUR)?;
        let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
        let order = event(name.to_owned(), name, format!("2024-03-{day:02}T18:00:00Z"), placed.into())?;
        events.push(order.with_tag(Tag::order(name)?));
    }
    Ok(events)
}
