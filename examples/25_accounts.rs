//! Where does a company's procurement wait, what is it worth to wait less, and who is missing to decide?

use wayfold::blocking::Wayfold;
use wayfold::insight::{Accounts, WaitChange};
use wayfold::{
    AccountJoined, ApprovalGranted, ApprovalRequested, Currency, CustomerKey, EventBody, EventId,
    JourneyEvent, JourneyKey, Money, NeedIdentified, OrderPlaced, ProcurementStep, ProcurementStepReached,
    QuoteIssued, Span, Tag, Timestamp,
};
use wayfold_examples::store;

/// Accounts: how many days their approval took, none if it still waits, and thousands of euros.
const ACCOUNTS: [(&str, Option<u32>, i64); 4] =
    [("acme", Some(9), 48), ("birch", Some(28), 30), ("cedar", Some(41), 75), ("dune", None, 60)];

fn main() -> anyhow::Result<()> {
    let wayfold = Wayfold::open(store()?)?;
    for (account, days, thousands) in ACCOUNTS {
        wayfold.append(&history(account, days, thousands)?)?;
    }
    let as_of = Timestamp::parse("2024-07-01")?;

    let accounts = Accounts::new(Currency::EUR);
    let total = wayfold.measure(&accounts, as_of)?;
    for row in accounts.accounts(&total) {
        println!("{}: {} people, {} EUR, {} open needs", row.account, row.members, row.value, row.open_needs);
    }
    let group = &accounts.buying_groups(&total, &["user", "buyer", "approver", "lawyer"])[0];
    println!("{} lacks {:?}", group.account, group.missing);
    assert_eq!((group.completeness, group.missing.join(" ")), (0.75, "lawyer".to_owned()));

    let worst = accounts.bottleneck(&total).expect("something was waited for");
    println!(
        "most time is waited in {}: {} days in {} cases",
        worst.step,
        worst.total.whole_days(),
        worst.waits
    );
    assert_eq!((worst.step, worst.total, worst.waiting), (ProcurementStep::Approval, Span::from_days(78), 1));

    // What an approval within two weeks would be worth.
    let what_if = accounts.what_if(&total, worst.step, WaitChange::Cap(Span::from_days(14)), as_of);
    let days = |span: Option<Span>| span.map_or(0, Span::whole_days);
    println!("to the order: {} days, and would be {}", days(what_if.mean_before), days(what_if.mean_after));
    println!("{} EUR wait for it, {} of them for longer", what_if.value_waiting, what_if.value_released);
    for case in &what_if.cases {
        println!(
            "  {}: {} days, would be {}",
            case.account,
            case.waited.whole_days(),
            case.would_wait.whole_days()
        );
    }
    assert_eq!((days(what_if.mean_before), days(what_if.mean_after)), (31, 17));
    assert_eq!(what_if.value_released.to_string(), "60000");
    Ok(())
}

/// A user tells of the need, a buyer sees it through procurement, an approver takes his time.
fn history(account: &str, approval_days: Option<u32>, thousands: i64) -> anyhow::Result<Vec<JourneyEvent>> {
    let amount = Money::parse(&format!("{thousands}000"), Currency::EUR)?;
    let reached = |step| ProcurementStepReached { step, role: None }.into();
    let joined =
        |role: &str| AccountJoined { account: account.to_owned(), role: Some(role.to_owned()) }.into();
    let quote = QuoteIssued {
        amount: Some(amount),
        discount_percent: None,
        payment_terms: None,
        deliver_by: None,
        valid_until: None,
    };
    let subject = Some("laptops".to_owned());
    let mut facts: Vec<(&str, u32, EventBody)> = vec![
        ("user", 0, joined("user")),
        ("buyer", 0, joined("buyer")),
        ("approver", 0, joined("approver")),
        ("user", 1, NeedIdentified { category: subject.clone() }.into()),
        ("buyer", 2, reached(ProcurementStep::Requisition)),
        ("buyer", 4, quote.into()),
        ("buyer", 6, ApprovalRequested { subject: subject.clone() }.into()),
    ];
    if let Some(days) = approval_days {
        facts.push(("approver", 6 + days, ApprovalGranted { subject }.into()));
        facts.push(("buyer", 7 + days, OrderPlaced { lines: vec![], amount, promised_at: None }.into()));
    }
    let start = Timestamp::parse("2024-05-01")?;
    let event = |(place, (person, day, body)): (usize, (&str, u32, EventBody))| {
        let id = EventId::from_natural_key("deals", "laptops", &[account, &place.to_string()]);
        let key = CustomerKey::new(format!("{person} of {account}"))?;
        let is_order = matches!(body, EventBody::OrderPlaced(_));
        let event = JourneyEvent::new(id, key, start + Span::from_days(day), body);
        let event = event.with_journey(JourneyKey::new("laptops")?);
        Ok(if is_order { event.with_tag(Tag::order(account)?) } else { event })
    };
    facts.into_iter().enumerate().map(event).collect()
}
