//! What does an account need, who decides there, and since when is it with us, as Huawei would ask it?
//!
//! People are customers, and a measure rolls them up to the account that they belong to. `25_accounts` asks where several
//! accounts wait.

use wayfold::blocking::Wayfold;
use wayfold::insight::{Accounts, BuyingGroup};
use wayfold::{
    AccountJoined, AccountLeft, Currency, CustomerKey, EventBody, EventId, JourneyEvent, JourneyKey, Money,
    NeedDetailed, NeedIdentified, NeedNature, OrderPlaced, SolutionProposed, Tag, Timestamp,
};
use wayfold_examples::store;

/// Without whom an account like this decides nothing.
const ROLES: [&str; 3] = ["decides", "buys", "uses"];

fn main() -> anyhow::Result<()> {
    let wayfold = Wayfold::open(store()?)?;
    wayfold.append(&history()?)?;
    let accounts = Accounts::new(Currency::EUR);
    let as_of = Timestamp::parse("2024-03-01")?;
    let total = wayfold.measure(&accounts, as_of)?;

    // Since when it is with us, and what it is worth.
    let telco = &accounts.accounts(&total)[0];
    let tenure = as_of.since(telco.first_seen_at).whole_days();
    println!(
        "{} is with us since {tenure} days: {} of {} people are still there, {} EUR, {} open needs",
        telco.account, telco.members, telco.people, telco.value, telco.open_needs
    );
    assert_eq!((tenure, telco.members, telco.people), (790, 2, 3));
    assert_eq!((telco.value.to_string(), telco.open_needs), ("250000".to_owned(), 1));

    // The ledger of needs: who told of each, what was proposed and when it was ordered.
    let needs = accounts.needs(&total);
    for need in &needs {
        println!(
            "{}: {} of {:?}, proposed {:?}, ordered {:?}",
            need.first_at,
            need.about,
            need.customers,
            need.proposed_at.is_some(),
            need.ordered_at.is_some()
        );
    }
    let told: Vec<_> = needs
        .iter()
        .map(|need| {
            let by = need.customers.join(" ");
            (need.about.as_str(), by, need.told, need.proposed_at.is_some(), need.ordered_at.is_some())
        })
        .collect();
    let evans = || "evans".to_owned();
    assert_eq!(
        told,
        [
            ("core network", evans(), 1, true, true),
            // What was learnt first stands first, though it arrived last.
            ("energy", "chen evans".to_owned(), 2, true, true),
            ("latency", evans(), 1, true, true),
            ("campus network", "chen".to_owned(), 1, false, false),
        ]
    );

    // Who decides, before and after the buyer left.
    let group = |as_of: Timestamp| -> wayfold::Result<BuyingGroup> {
        Ok(accounts.buying_groups(&wayfold.measure(&accounts, as_of)?, &ROLES).remove(0))
    };
    let (before, after) = (group(Timestamp::parse("2024-01-01")?)?, group(as_of)?);
    for member in &after.members {
        println!("{} {:?} since {}", member.customer, member.roles, member.since);
    }
    println!("nobody there {:?}", after.missing);
    assert_eq!((before.members.len(), before.completeness, before.missing.len()), (3, 1.0, 0));
    assert_eq!((after.members.len(), after.missing), (2, vec!["buys".to_owned()]));
    Ok(())
}

fn history() -> anyhow::Result<Vec<JourneyEvent>> {
    let account = || "telco".to_owned();
    let joined = |role: &str| AccountJoined { account: account(), role: Some(role.into()) };
    let detail = |aspect: &str| NeedDetailed {
        aspect: Some(aspect.into()),
        nature: Some(NeedNature::Pain),
        learnt_how: None,
    };
    let need = |category: &str| NeedIdentified { category: Some(category.into()) };
    let proposed = SolutionProposed { solution: Some("a core that needs half the power".into()) };
    let amount = Money::parse("250000", Currency::EUR)?;
    let core = Some("core network");
    let facts: Vec<(&str, &str, Option<&str>, EventBody)> = vec![
        ("chen", "2022-01-01", None, joined("decides").into()),
        ("diaz", "2022-02-01", None, joined("buys").into()),
        ("evans", "2022-03-01", None, joined("uses").into()),
        ("evans", "2023-06-01", core, need("core network").into()),
        ("evans", "2023-07-20", core, detail("latency").into()),
        ("evans", "2023-07-21", core, detail("energy").into()),
        ("chen", "2023-09-01", core, proposed.into()),
        ("diaz", "2023-11-10", core, OrderPlaced { lines: vec![], amount, promised_at: None }.into()),
        ("diaz", "2024-01-15", None, AccountLeft { account: account(), role: None }.into()),
        ("chen", "2024-02-10", Some("campus"), need("campus network").into()),
        // It arrives last, and was learnt before most.
        ("chen", "2023-07-01", core, detail("energy").into()),
    ];
    let tagged = |(person, date, journey, body): (&str, &str, Option<&str>, EventBody)| {
        let id = EventId::from_natural_key("crm", "fact", &[person, date]);
        let is_order = matches!(body, EventBody::OrderPlaced(_));
        let mut event = JourneyEvent::new(id, CustomerKey::new(person)?, Timestamp::parse(date)?, body)
            .with_tag(Tag::new("account", account())?);
        if let Some(journey) = journey {
            event = event.with_journey(JourneyKey::new(journey)?);
        }
        Ok(if is_order { event.with_tag(Tag::order("po-7")?) } else { event })
    };
    facts.into_iter().map(tagged).collect()
}
