//! What must stand in the log once the service has ended: what was acknowledged, once each, and nothing else.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use pollster::block_on;
use wayfold::{
    Builder, EventBody, EventStore, JourneyEvent, NoticeId, Place, Position, ReadQuery, Rules, Start,
    StoreUrl, Subscription, Told,
};

use crate::listener::Heard;
use crate::tally::{Tally, json};

/// Opens the log with the library and compares it with what was acknowledged and heard.
pub(crate) fn log(store: &str, tally: &Tally, heard: Vec<(Place, Heard)>) -> Result<()> {
    let store = store.parse::<StoreUrl>()?.open_blocking()?;
    let log = read(&store)?;
    events(tally, &log)?;
    points(tally, &log)?;
    println!("the log holds {} events: each acknowledged one once, and no other", log.len());
    notices(store, heard)
}

fn read(store: &dyn EventStore) -> Result<Vec<JourneyEvent>> {
    let (mut events, mut from) = (Vec::new(), Some(Position::START));
    while let Some(position) = from {
        let page = block_on(store.read(ReadQuery::all(), position, 1_024))?;
        events.extend(page.batch.iter().map(|event| event.to_event()));
        from = page.next;
    }
    // Where and when it was recorded is not what was sent.
    for event in &mut events {
        (event.position, event.recorded_at) = (None, None);
    }
    Ok(events)
}

fn events(tally: &Tally, log: &[JourneyEvent]) -> Result<()> {
    let mut ids = HashSet::new();
    for event in log {
        ensure!(ids.insert(event.id), "event {} stands in the log twice", event.id);
        if let EventBody::PointsRedeemed(redeemed) = &event.body {
            let customer = event.customer.customer.as_str();
            let acknowledged = tally.redeemed.get(&event.id);
            let acknowledged = acknowledged.map(|(customer, points)| (customer.as_str(), *points));
            ensure!(acknowledged == Some((customer, redeemed.points)), "nobody was told of {event:?}");
        } else {
            let sent =
                tally.recorded.get(&event.id).with_context(|| format!("nobody was told of {event:?}"))?;
            ensure!(*sent == json(event), "sent was {sent}, and the log holds {event:?}");
        }
    }
    let acknowledged = tally.recorded.len() + tally.redeemed.len();
    ensure!(ids.len() == acknowledged, "{} acknowledged events are lost", acknowledged - ids.len());
    Ok(())
}

/// No refused redemption is in the log, and after no event is a balance below zero.
fn points(tally: &Tally, log: &[JourneyEvent]) -> Result<()> {
    let mut balances = HashMap::new();
    for event in log {
        ensure!(!tally.refused.contains(&event.id), "redemption {} was refused", event.id);
        let balance: &mut i64 = balances.entry(&event.customer).or_default();
        match &event.body {
            EventBody::PointsEarned(earned) => *balance += earned.points,
            EventBody::PointsRedeemed(redeemed) => *balance -= redeemed.points,
            _ => {}
        }
        ensure!(*balance >= 0, "{} has {balance} points after event {}", event.customer, event.id);
    }
    Ok(())
}

/// What each listener keeps is what the log tells from its beginning up to where the listener was.
fn notices(store: Box<dyn EventStore>, mut heard: Vec<(Place, Heard)>) -> Result<()> {
    heard.sort_by_key(|(place, _)| place.as_of);
    let Some((first, _)) = heard.first() else { return Ok(()) };
    let wayfold =
        block_on(Builder::new(Rules::default())?.by_hand(first.as_of).without_snapshots().open(store))?;
    let mut subscription = block_on(wayfold.subscribe(Start::Beginning))?;
    let mut holds = HashSet::new();
    for (place, heard) in heard {
        block_on(wayfold.advance_to(place.as_of))?;
        tell_all(&mut subscription, &mut holds)?;
        let (missed, wrong) =
            (holds.difference(&heard.holds).count(), heard.holds.difference(&holds).count());
        ensure!((missed, wrong) == (0, 0), "a listener missed {missed} notices, and {wrong} do not hold");
    }
    println!("what each listener heard is what the log tells: {} notices hold", holds.len());
    Ok(())
}

fn tell_all(subscription: &mut Subscription, holds: &mut HashSet<NoticeId>) -> Result<()> {
    while let Some(delivery) = block_on(subscription.try_next())? {
        for told in delivery.told {
            match told {
                Told::Fact(notice) => holds.insert(notice.id),
                Told::Withdrawn(notice) => holds.remove(&notice.id),
            };
        }
    }
    Ok(())
}
