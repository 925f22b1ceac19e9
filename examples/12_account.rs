//! What does an account need, who decides there, and since when is it with us, as Huawei would ask it?
//!
//! People are customers; the account is a tag on what they do. Views are of one customer, so that what is said about
//! the account is read by its tag; `25_accounts` rolls people up to accounts by a measure.

use std::collections::{BTreeMap, BTreeSet};

use pollster::block_on;
use wayfold::blocking::Wayfold;
use wayfold::store::EventStoreExt;
use wayfold::{
    AccountJoined, AccountLeft, CustomerKey, EventBody, EventFilter, EventId, EventKind, JourneyEvent,
    NeedDetailed, NeedIdentified, Span, Tag, Timestamp,
};
use wayfold_examples::store;

/// What is known of an account.
#[derive(Debug, Default)]
struct Account {
    /// Each need, and what was learnt about it.
    needs: BTreeMap<String, Vec<String>>,
    /// Who belongs to it, and in which role.
    group: BTreeMap<CustomerKey, String>,
    /// Who ever said something.
    voices: BTreeSet<CustomerKey>,
    since: Option<Timestamp>,
}

impl Account {
    /// Takes the next event, in the order in which they happened.
    fn evolve(&mut self, event: &JourneyEvent) {
        let at = event.occurred_at.instant();
        self.since = Some(self.since.map_or(at, |since| since.min(at)));
        match &event.body {
            EventBody::AccountJoined(joined) => {
                let role = joined.role.clone().unwrap_or_default();
                self.group.insert(event.customer.clone(), role);
            }
            EventBody::AccountLeft(_) => {
                self.group.remove(&event.customer);
            }
            EventBody::NeedIdentified(need) => {
                self.needs.entry(need.category.clone().unwrap_or_default()).or_default();
                self.voices.insert(event.customer.clone());
            }
            EventBody::NeedDetailed(detail) => {
                let need = event.journey.as_ref().map_or("", |journey| journey.as_str());
                let aspects = self.needs.entry(need.to_owned()).or_default();
                aspects.extend(detail.aspect.clone());
                self.voices.insert(event.customer.clone());
            }
            _ => {}
        }
    }
}

fn main() -> anyhow::Result<()> {
    let wayfold = Wayfold::open(store()?)?;
    wayfold.append(&history()?)?;

    let filter = EventFilter::all().with_tag(Tag::new("account", "telco")?);
    let batches = block_on(wayfold.engine().store().read_all(filter))?;
    let mut events: Vec<JourneyEvent> = batches.iter().flat_map(|batch| batch.to_events()).collect();
    // The log holds them as they arrived.
    events.sort_by_key(|event| (event.occurred_at.instant(), event.kind(), event.id));
    let mut account = Account::default();
    events.iter().for_each(|event| account.evolve(event));

    let as_of = Timestamp::parse("2024-03-01")?;
    let tenure =
        as_of.since(account.since.expect("it has events")).as_micros() / Span::from_days(1).as_micros();
    println!("telco is with us since {tenure} days; its needs: {:?}", account.needs);
    println!("its buying group: {:?}", account.group.values());
    assert_eq!(account.needs["core network"], ["energy", "latency"]);
    assert_eq!(account.group.values().collect::<Vec<_>>(), ["decides", "uses"], "the buyer has left");
    assert_eq!((account.voices.len(), tenure), (2, 790));
    assert!(events.iter().any(|event| event.kind() == EventKind::AccountLeft));
    Ok(())
}

fn history() -> anyhow::Result<Vec<JourneyEvent>> {
    let account = || "telco".to_owned();
    let joined = |role: &str| AccountJoined { account: account(), role: Some(role.into()) };
    let detail = |aspect: &str| NeedDetailed { aspect: Some(aspect.into()), nature: None, learnt_how: None };
    let need = NeedIdentified { category: Some("core network".into()) };
    let facts: Vec<(&str, &str, EventBody)> = vec![
        ("chen", "2022-01-01", joined("decides").into()),
        ("diaz", "2022-02-01", joined("buys").into()),
        ("evans", "2022-03-01", joined("uses").into()),
        ("evans", "2023-06-01", need.into()),
        // It arrives before what was learnt earlier.
        ("evans", "2023-07-20", detail("latency").into()),
        ("chen", "2023-07-01", detail("energy").into()),
        ("diaz", "2024-01-15", AccountLeft { account: account(), role: None }.into()),
    ];
    let tagged = |(person, date, body): (&str, &str, EventBody)| {
        let id = EventId::from_natural_key("crm", "fact", &[person, date]);
        let is_about_need = matches!(body, EventBody::NeedIdentified(_) | EventBody::NeedDetailed(_));
        let event = JourneyEvent::new(id, CustomerKey::new(person)?, Timestamp::parse(date)?, body)
            .with_tag(Tag::new("account", account())?);
        let need = || wayfold::JourneyKey::new("core network");
        Ok(if is_about_need { event.with_journey(need()?) } else { event })
    };
    facts.into_iter().map(tagged).collect()
}
