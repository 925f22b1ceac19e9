//! What to do next for every customer of a shop, and for one of them why.

use std::collections::BTreeMap;

use wayfold::insight::{ConsentRule, ContactHistory, Playbooks, WhyNot};
use wayfold::{
    Builder, CareContacted, ConsentWithdrawn, EventBody, EventId, JourneyEvent, Rules, Selection, Timestamp,
};
use wayfold_examples::store;
use wayfold_testkit::shop::{Shop, ShopConfig};

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?;
    let contacts = builder.register(ContactHistory)?;
    let wayfold = builder.on_demand().open_blocking(store()?)?;
    let events: Vec<_> = Shop::new(ShopConfig::of(50_000)).distinct().collect();
    wayfold.append(&events)?;

    // The shop's log knows nothing of consent, so nobody has withdrawn it.
    let playbooks = Playbooks { consent: ConsentRule::NotWithdrawn, ..Playbooks::default() };
    let as_of = Timestamp::parse("2025-12-01")?;
    let histories = wayfold.own_views(contacts, as_of)?;
    let everybody = wayfold.customers_as_of(&Selection::default().with_limit(10_000), as_of)?;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for view in everybody.customers() {
        let next = playbooks
            .next_action(view, histories.get(view.key.customer.as_str()).expect("everybody has one"));
        let name =
            next.action.map_or_else(|| "nothing".to_owned(), |of| format!("{}: {}", of.playbook, of.name));
        *counts.entry(name).or_default() += 1;
    }
    for (name, count) in &counts {
        println!("{count:5} {name}");
    }
    assert_eq!(counts.values().sum::<u64>(), everybody.matching());
    assert_eq!((counts["win_back: what drove you away"], counts["club: membership"]), (948, 3));

    // One who has left was asked why, and wants no advertising.
    let left =
        everybody.customers().find(|view| view.lifecycle.stage.as_str() == "churned").expect("some left");
    let event = |id, at, body: EventBody| -> wayfold::Result<JourneyEvent> {
        Ok(JourneyEvent::new(EventId::from_u128(id), left.key.clone(), Timestamp::parse(at)?, body))
    };
    wayfold.append(&[
        event(1, "2025-11-20", CareContacted { occasion: Some("what drove you away".into()) }.into())?,
        event(2, "2025-11-21", ConsentWithdrawn { purpose: "marketing".into() }.into())?,
    ])?;
    let view = wayfold.customer_as_of(&left.key, as_of)?.expect("it is known");
    let history = wayfold.own_view_as_of(contacts, &left.key, as_of)?.expect("it is known");
    let next = playbooks.next_action(&view, &history);
    let action = next.action.expect("something is left to do");
    println!("{}: {} ({}), as {}", view.key, action.name, action.goal, action.reason);
    for of in &next.passed_over {
        println!("not {}: {:?}", of.action.as_deref().unwrap_or("at all"), of.why);
    }
    assert_eq!((action.playbook.as_str(), action.name.as_str()), ("win_back", "personal service"));
    let [WhyNot::Done { again_at, .. }, WhyNot::ConsentWithdrawn { .. }] =
        [&next.passed_over[0].why, &next.passed_over[1].why]
    else {
        anyhow::bail!("other reasons than expected: {:?}", next.passed_over)
    };
    assert_eq!(*again_at, Some(Timestamp::parse("2026-11-20")?));
    assert_eq!(next.holds_until, again_at.map(Timestamp::previous));
    Ok(())
}
