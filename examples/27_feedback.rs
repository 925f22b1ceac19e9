//! Where are customers dissatisfied and what drives it, are channels equally good, are tickets handled in time, does feedback
//! lead to anything, have needs shifted?

use wayfold::blocking::Wayfold;
use wayfold::insight::{
    BucketUnit, BusinessHours, Calendar, Confidence, FeedbackLoop, FeedbackTotal, Needs, NeedsTotal,
    Observation, Regression, Satisfaction, SatisfactionBy, SatisfactionMethod, SatisfactionRow,
    SatisfactionTotal, ServiceLevel, SurveyAnswers, TicketTotal, Tickets, Tz,
};
use wayfold::{
    Builder, Channel, CustomerKey, EventBody, EventId, FeedbackAnswered, FeedbackClassified, FeedbackGiven,
    FeedbackUsed, Handle, Instrument, JourneyEvent, Rules, Span, Stage, SurveyAnswered, Tag, Tenant,
    TicketAnswered, TicketOpened, TicketResolved, Timestamp,
};
use wayfold_examples::{store, tell};
use wayfold_testkit::shop::{Shop, ShopConfig};

const HOUR: i64 = 3_600_000_000;

/// Who answers about product, service and speed, and in all: hotel guests of a tenant of their own.
const HOTEL: &str = "hotel";

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?.on_demand();
    let surveys = builder.register(SurveyAnswers)?;
    let wayfold = builder.open_blocking(store()?)?;
    let events: Vec<_> = Shop::new(ShopConfig::of(50_000)).distinct().collect();
    wayfold.append(&events)?;
    wayfold.append(&feedback()?)?;
    wayfold.append(&tickets()?)?;
    wayfold.append(&guests()?)?;
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

    satisfied(&satisfaction, &answers)?;
    in_time(&tickets, &served, as_of);
    put_to_use(&given);
    shifted(&needs, &needed, months)?;
    channels(&wayfold, months)?;
    drivers(&wayfold, surveys)
}

/// The shop draws its answers by chance, so that channels hardly differ.
fn satisfied(satisfaction: &Satisfaction, answers: &SatisfactionTotal) -> anyhow::Result<()> {
    let channels = satisfaction.report(answers, &[SatisfactionBy::Channel], Confidence::P95)?;
    let channels = channels.iter().map(|row| {
        let channel = row.channel.map_or("none", |channel| channel.as_str());
        format!("{channel}: NPS {:.1} of {} answers", row.score.value, row.score.answers)
    });
    let expected = [
        "web: NPS -42.9 of 191 answers",
        "app: NPS -48.4 of 153 answers",
        "phone: NPS -50.8 of 177 answers",
        "store: NPS -51.3 of 193 answers",
    ];
    tell(channels, &expected);
    let by = [SatisfactionBy::Channel, SatisfactionBy::Stage];
    let worst = satisfaction.worst(answers, &by, 30, Confidence::P95)?.expect("enough have answered");
    println!("worst: {:?} in {:?}, NPS {:.1}", worst.channel, worst.stage, worst.score.value);
    assert_eq!(
        (worst.channel, worst.stage, worst.score.answers),
        (Some(Channel::App), Some(Stage::AfterSales), 32)
    );
    Ok(())
}

/// In business hours, which are eight a day: overdue is what is not done and should be.
fn in_time(tickets: &Tickets, served: &TicketTotal, as_of: Timestamp) {
    let row = &tickets.report(served, as_of, Confidence::P95)[0];
    let (answered, resolved) = (row.answered.as_ref(), row.resolved.as_ref());
    let [answered, resolved] = [answered, resolved].map(|of| of.expect("there is a level for them"));
    let hours = |span: Option<Span>| span.map_or(0.0, |span| span.as_micros() as f64 / HOUR as f64);
    println!(
        "{} tickets: {:.0} % answered in time, after {:.1} h in the median; {:.0} % resolved in time, after {:.1} h",
        row.tickets,
        answered.in_time.0,
        hours(answered.median),
        resolved.in_time.0,
        hours(resolved.median)
    );
    assert_eq!((row.tickets, row.open, answered.in_time.0, resolved.in_time.0), (4, 1, 50.0, 50.0));
    assert_eq!((hours(answered.median), hours(answered.p90)), (2.0, 9.0));
    assert_eq!((hours(resolved.median), hours(resolved.p90)), (8.0, 73.0));
    let overdue: Vec<&str> = tickets.overdue(served, as_of).iter().map(|of| of.ticket.as_str()).collect();
    println!("overdue: {overdue:?}");
    assert_eq!(overdue, ["t4"]);
}

fn put_to_use(given: &FeedbackTotal) {
    let mut told = Vec::new();
    for row in given.report(Confidence::P95) {
        let days = row.median.map(Span::whole_days);
        println!("{:?}: {} of 4, {:.0} %, median {days:?} days", row.state, row.reached, row.share.0);
        told.push((row.reached, row.share.0, days));
    }
    // Nobody was told what became of it.
    let expected =
        [(4, 100.0, Some(3)), (4, 100.0, Some(3)), (2, 50.0, Some(3)), (0, 0.0, None), (1, 25.0, None)];
    assert_eq!(told, expected);
}

fn shifted(needs: &Needs, needed: &NeedsTotal, months: Calendar) -> anyhow::Result<()> {
    let month = |at: &str| -> wayfold::Result<i64> { Ok(months.bucket(Timestamp::parse(at)?)) };
    let (first, second) =
        (month("2023-01-01")?..=month("2023-12-01")?, month("2024-01-01")?..=month("2024-12-01")?);
    let shift = needs.shift(needed, first, second)?;
    let told = format!("{:.1} of {} degrees, p = {:.2}", shift.chi_squared, shift.degrees, shift.p_value);
    println!("needs shifted by {told}");
    assert_eq!(told, "0.7 of 3 degrees, p = 0.88");
    // The shop draws needs by chance, the same every year.
    assert!(shift.p_value > 0.05);
    Ok(())
}

/// The hotel is as good on the web as at the desk, and worse on the phone; its worst cell is named.
fn channels(wayfold: &Wayfold, months: Calendar) -> anyhow::Result<()> {
    let (hotel, as_of) = (Tenant::new(HOTEL)?, Timestamp::parse("2025-12-01")?);
    let satisfaction = Satisfaction::new(SatisfactionMethod::Csat, months);
    let answers = wayfold.measure_of(&hotel, &satisfaction, as_of)?;
    let apart = satisfaction.consistency(&answers, 50, Confidence::P95)?.expect("two channels have answers");
    let cell = |row: &SatisfactionRow| {
        (row.channel.map_or("none", |channel| channel.as_str()).to_owned(), format!("{:.1}", row.score.value))
    };
    println!(
        "channels are {:.1} points apart: {:?} to {:?}",
        apart.spread,
        cell(&apart.best),
        cell(&apart.worst)
    );
    let named = |channel: &str, score: &str| (channel.to_owned(), score.to_owned());
    assert_eq!((cell(&apart.best), cell(&apart.worst)), (named("store", "38.7"), named("phone", "28.0")));

    let by = [SatisfactionBy::Channel, SatisfactionBy::Dimension];
    let worst = satisfaction.worst(&answers, &by, 20, Confidence::P95)?.expect("enough have answered");
    println!("worst: {:?} {:?}", cell(&worst), worst.dimension);
    // Not one dimension alone: what guests say in all, on the phone.
    assert_eq!((cell(&worst), worst.dimension.as_deref()), (named("phone", "14.6"), None));
    Ok(())
}

/// Which dimension moves the answer in all? A ridge regression of one on the others, guest by guest.
fn drivers(wayfold: &Wayfold, surveys: Handle<SurveyAnswers>) -> anyhow::Result<()> {
    let views = wayfold.own_views_of(&Tenant::new(HOTEL)?, surveys, Timestamp::parse("2025-12-01")?)?;
    let mut observations = Vec::new();
    for (_, table) in views.iter() {
        let answer = |dimension| {
            let answers = table.answers(Instrument::Csat.as_str(), dimension)?;
            answers.iter().next().map(|(score, _)| score as f64)
        };
        let parts: Option<Vec<f64>> =
            ["product", "service", "speed"].map(|of| answer(Some(of))).into_iter().collect();
        if let (Some(parts), Some(all)) = (parts, answer(None)) {
            observations.push(Observation::new(parts, all));
        }
    }
    let fitted =
        Regression::new(["product", "service", "speed"]).with_penalty(1.0).fit_ridge(&observations)?;
    let told: Vec<String> = fitted.estimates[1..]
        .iter()
        .map(|of| format!("{} {:.3} +- {:.3}", of.name, of.value, of.standard_error))
        .collect();
    println!("what goes with the answer in all of {} guests: {}", fitted.customers, told.join(", "));
    // Three fifths of it were put into speed.
    let expected = ["product 0.209 +- 0.018", "service 0.188 +- 0.018", "speed 0.593 +- 0.019"];
    assert_eq!(told, expected);
    Ok(())
}

/// Four tickets, with when they were opened, answered and resolved: the second over a weekend, the third late, the fourth not yet.
fn tickets() -> anyhow::Result<Vec<JourneyEvent>> {
    let times = [
        ("t1", vec!["2025-03-03T08:00:00Z", "2025-03-03T10:00:00Z", "2025-03-04T08:00:00Z"]),
        ("t2", vec!["2025-03-07T15:30:00Z", "2025-03-10T08:30:00Z", "2025-03-10T10:00:00Z"]),
        ("t3", vec!["2025-03-03T08:00:00Z", "2025-03-04T09:00:00Z", "2025-03-14T09:00:00Z"]),
        ("t4", vec!["2025-03-03T08:00:00Z"]),
    ];
    let mut events = Vec::new();
    for (ticket, times) in times {
        let states: [EventBody; 3] = [
            TicketOpened { ticket_kind: None, priority: None }.into(),
            TicketAnswered {}.into(),
            TicketResolved {}.into(),
        ];
        for (at, body) in times.into_iter().zip(states) {
            let id = EventId::from_natural_key("desk", "ticket", &[ticket, at]);
            let key = CustomerKey::new(format!("guest of {ticket}"))?;
            let event = JourneyEvent::new(id, key, Timestamp::parse(at)?, body);
            events.push(event.with_tag(Tag::new("ticket", ticket)?));
        }
    }
    Ok(events)
}

/// One guest for each way to answer about three dimensions; what each says in all is three parts speed, one part each of the
/// others. On the phone everything takes longer.
fn guests() -> anyhow::Result<Vec<JourneyEvent>> {
    let mut events = Vec::new();
    for number in 0..125_i64 {
        let channel = [Channel::Web, Channel::Store, Channel::Phone][number as usize % 3];
        let (product, service, wait) = (1 + number % 5, 1 + number / 5 % 5, 1 + number / 25);
        let speed = if channel == Channel::Phone { (wait - 1).max(1) } else { wait };
        let all = (product + service + 3 * speed + 2) / 5;
        let scores =
            [(None, all), (Some("product"), product), (Some("service"), service), (Some("speed"), speed)];
        for (dimension, score) in scores {
            let name = number.to_string();
            let id = EventId::from_natural_key(HOTEL, "answer", &[&name, dimension.unwrap_or_default()]);
            let dimension = dimension.map(str::to_owned);
            let body = SurveyAnswered { instrument: Instrument::Csat, dimension, score };
            let key = CustomerKey::in_tenant(HOTEL, &name)?;
            events.push(
                JourneyEvent::new(id, key, Timestamp::parse("2025-05-01")?, body).with_channel(channel),
            );
        }
    }
    Ok(events)
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
