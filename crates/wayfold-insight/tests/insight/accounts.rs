//! Accounts: a worked case, and procurement beside plain loops.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    AccountJoined, AccountLeft, ApprovalGranted, ApprovalRequested, Currency, DealLost, EventBody,
    JourneyEvent, JourneyKey, NeedDetailed, NeedIdentified, NeedNature, OrderCancelled, ProcurementStep,
    ProcurementStepReached, QuoteIssued, SolutionProposed, Span, Tag,
};
use wayfold_insight::{Accounts, WaitChange};

use super::made::{check_laws, eur, event, hour, hours, placed, total};

fn joined(account: &str, role: &str) -> AccountJoined {
    AccountJoined { account: account.to_owned(), role: Some(role.to_owned()) }
}

fn reached(step: ProcurementStep, role: Option<&str>) -> ProcurementStepReached {
    ProcurementStepReached { step, role: role.map(str::to_owned) }
}

fn need(category: &str) -> NeedIdentified {
    NeedIdentified { category: Some(category.to_owned()) }
}

fn quote(amount: i64) -> QuoteIssued {
    QuoteIssued {
        amount: Some(eur(amount)),
        discount_percent: None,
        payment_terms: None,
        deliver_by: None,
        valid_until: None,
    }
}

fn measure() -> Accounts {
    Accounts::new(Currency::EUR)
}

/// Two people of acme on one way to an order, one who left it, and birch, which waits for an approval.
fn worked() -> Vec<JourneyEvent> {
    use ProcurementStep::{Approval, Contract, Requisition};
    let pumps = |event: JourneyEvent| event.with_journey(JourneyKey::new("pumps").unwrap());
    let wish =
        NeedDetailed { aspect: Some("pumps".to_owned()), nature: Some(NeedNature::Wish), learnt_how: None };
    let left = AccountLeft { account: "acme".to_owned(), role: None };
    vec![
        event(0, "ada", hour(0), joined("acme", "buyer")),
        event(1, "ada", hour(0), joined("acme", "user")),
        event(2, "bob", hour(1), joined("acme", "approver")),
        event(3, "cem", hour(1), joined("acme", "user")),
        event(4, "cem", hour(2), left),
        pumps(event(5, "ada", hour(3), need("pumps"))),
        pumps(event(6, "bob", hour(4), wish)),
        pumps(event(7, "ada", hour(5), SolutionProposed { solution: None })),
        pumps(event(8, "ada", hour(10), reached(Requisition, None))),
        pumps(event(9, "bob", hour(20), reached(Approval, Some("cfo")))),
        pumps(event(10, "bob", hour(320), reached(Contract, None))),
        pumps(event(11, "ada", hour(330), placed(900, &[], None))).with_tag(Tag::order("o1").unwrap()),
        event(12, "ada", hour(340), need("valves")),
        event(13, "cem", hour(350), placed(70, &[], None)).with_tag(Tag::order("o2").unwrap()),
        event(14, "dan", hour(0), joined("birch", "user")),
        pumps(event(15, "dan", hour(100), reached(Approval, None))),
        pumps(event(16, "dan", hour(101), quote(400))),
    ]
}

#[test]
fn people_are_rolled_up_to_their_account() {
    let found = total(&measure(), &worked());
    let accounts = measure().accounts(&found);
    let [acme, birch] = &accounts[..] else { panic!("{accounts:?}") };
    // Who has left an account buys for itself.
    assert_eq!((acme.members, acme.people, acme.purchases, acme.value), (2, 3, 1, eur(900).amount));
    assert_eq!((acme.open_needs, acme.first_seen_at, acme.last_seen_at), (1, hour(0), hour(340)));
    assert_eq!((birch.account.as_str(), birch.members, birch.value), ("birch", 1, eur(0).amount));

    let needs = measure().needs(&found);
    let told: Vec<_> = needs
        .iter()
        .map(|need| {
            (need.about.as_str(), need.told, need.customers.len(), need.nature.as_deref(), need.ordered_at)
        })
        .collect();
    assert_eq!(told, [("pumps", 2, 2, Some("wish"), Some(hour(330))), ("valves", 1, 1, None, None)]);
    assert_eq!(needs[0].proposed_at, Some(hour(5)));

    let groups = measure().buying_groups(&found, &["buyer", "cfo", "user", "lawyer"]);
    let roles: Vec<_> = groups[0].members.iter().map(|member| member.roles.join("+")).collect();
    assert_eq!(roles, ["buyer+user", "approver+cfo"]);
    assert_eq!((groups[0].completeness, groups[0].missing.join(" ")), (0.75, "lawyer".to_owned()));
    assert_eq!(measure().buying_groups(&found, &[])[1].completeness, 1.0);
}

#[test]
fn the_bottleneck_is_named_and_what_is_waited_for_changes() {
    let found = total(&measure(), &worked());
    let bottleneck = measure().bottleneck(&found).unwrap();
    assert_eq!(
        (bottleneck.step, bottleneck.waits, bottleneck.total),
        (ProcurementStep::Approval, 1, hours(300))
    );
    assert_eq!((bottleneck.waiting, bottleneck.value_waiting), (1, eur(400).amount));

    let if_ = |change, time| measure().what_if(&found, ProcurementStep::Approval, change, hour(time));
    let capped = if_(WaitChange::Cap(hours(50)), 160);
    assert_eq!((capped.mean_before, capped.mean_after), (Some(hours(320)), Some(hours(70))));
    assert_eq!((capped.value_waiting, capped.value_released), (eur(400).amount, eur(400).amount));
    let cases: Vec<_> = capped
        .cases
        .iter()
        .map(|case| (case.account.as_str(), case.waited, case.would_wait, case.is_waiting))
        .collect();
    assert_eq!(cases, [("acme", hours(300), hours(50), false), ("birch", hours(60), hours(50), true)]);
    let early = if_(WaitChange::Cap(hours(50)), 150);
    assert_eq!((early.value_waiting, early.value_released), (eur(400).amount, eur(0).amount));

    let halved = if_(WaitChange::ScaleToPercent(50), 160);
    assert_eq!((halved.mean_after, halved.value_released), (Some(hours(170)), eur(0).amount));
    let longer = if_(WaitChange::ScaleToPercent(200), 500);
    assert_eq!((longer.median_after, longer.value_released), (Some(hours(620)), eur(0).amount));
    let elsewhere =
        measure().what_if(&found, ProcurementStep::Tender, WaitChange::Cap(Span::ZERO), hour(500));
    assert_eq!((elsewhere.mean_after, elsewhere.cases), (elsewhere.mean_before, vec![]));
}

#[test]
fn an_approval_ends_when_it_is_granted_and_may_be_asked_for_again() {
    let asked = || ApprovalRequested { subject: None };
    let pumps = |number, time, body: EventBody| {
        event(number, "ada", hour(time), body).with_tag(Tag::new("account", "acme").unwrap())
    };
    let events = [
        pumps(0, 0, asked().into()),
        pumps(1, 1, reached(ProcurementStep::Approval, None).into()),
        pumps(2, 30, ApprovalGranted { subject: None }.into()),
        pumps(3, 40, asked().into()),
        pumps(4, 45, reached(ProcurementStep::Contract, None).into()),
        pumps(5, 47, DealLost { reason: None, competitor: None }.into()),
    ];
    let cases = measure().procurement(&total(&measure(), &events));
    let waits: Vec<_> = cases[0].visits.iter().map(|visit| (visit.step, visit.waited())).collect();
    let (approval, contract) = (ProcurementStep::Approval, ProcurementStep::Contract);
    assert_eq!(waits, [(approval, Some(hours(30))), (approval, Some(hours(5))), (contract, Some(hours(2)))]);
    assert_eq!((cases[0].lost_at, cases[0].ordered_at), (Some(hour(47)), None));
}

/// When, which step if it is one, and whether it is the order.
type PlainStep = (i64, Option<ProcurementStep>, bool);

fn random() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..2_usize, 0..10_usize, 0..60_i64), 0..50).prop_map(|all| {
        let mut events = Vec::new();
        for (number, (customer, journey, kind, time)) in all.into_iter().enumerate() {
            let body: EventBody = match kind {
                0..=5 => reached(ProcurementStep::ALL[kind.min(4)], None).into(),
                6 => placed(9, &[], None).into(),
                7 => quote(number as i64).into(),
                8 => OrderCancelled { reason: None }.into(),
                _ => DealLost { reason: None, competitor: None }.into(),
            };
            // No two events of a case at one instant: what stands first then is not the account's to say.
            let at = hour(time) + Span::from_micros(number as i64);
            let made = event(number, &format!("c{customer}"), at, body)
                .with_tag(Tag::new("account", format!("a{}", customer % 2)).unwrap())
                .with_journey(JourneyKey::new(format!("j{journey}")).unwrap());
            let is_order = matches!(kind, 6 | 8);
            events.push(if is_order {
                made.with_tag(Tag::order(format!("o{customer}{journey}")).unwrap())
            } else {
                made
            });
        }
        events
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn procurement_is_that_of_plain_loops(events in random()) {
        let mut sorted: Vec<&JourneyEvent> = events.iter().collect();
        sorted.sort_by_key(|event| event.occurred_at.instant());
        let order_of = |event: &JourneyEvent| event.tags.iter().find(|tag| tag.object_type() == "order").map(|tag| tag.id().to_owned());
        let cancelled: BTreeSet<_> = sorted.iter().filter(|event| matches!(event.body, EventBody::OrderCancelled(_)))
            .filter_map(|event| order_of(event)).collect();
        let mut placed_already = BTreeSet::new();
        let mut cases: BTreeMap<(String, String), Vec<PlainStep>> = BTreeMap::new();
        for event in sorted {
            let account = event.tags.iter().find(|tag| tag.object_type() == "account").unwrap().id().to_owned();
            let case = cases.entry((account, event.journey.as_ref().unwrap().to_string())).or_default();
            let at = event.occurred_at.instant().as_micros();
            match &event.body {
                EventBody::ProcurementStepReached(body) => case.push((at, Some(body.step), false)),
                EventBody::OrderPlaced(_) => {
                    let order = order_of(event).unwrap();
                    if placed_already.insert(order.clone()) && !cancelled.contains(&order) {
                        case.push((at, None, true));
                    }
                }
                EventBody::DealLost(_) => case.push((at, None, false)),
                _ => {}
            }
        }
        let mut waits: BTreeMap<ProcurementStep, Vec<i64>> = BTreeMap::new();
        let (mut to_order, mut open) = (Vec::new(), 0);
        for steps in cases.into_values() {
            let Some(first) = steps.iter().position(|step| step.1.is_some()) else { continue };
            let steps = &steps[first..];
            let end = steps.iter().position(|step| step.2).unwrap_or(steps.len());
            let last_step = steps[..end].iter().rposition(|step| step.1.is_some()).unwrap();
            let lost = steps[last_step..end].iter().filter(|step| step.1.is_none()).map(|step| step.0).next_back();
            let ends_at = steps.get(end).map(|step| step.0).or(lost);
            let mut reached: Vec<(i64, ProcurementStep)> = Vec::new();
            for (at, step, _) in &steps[..end] {
                if let Some(step) = step
                    && reached.last().is_none_or(|last| last.1 != *step)
                {
                    reached.push((*at, *step));
                }
            }
            let next = reached.iter().skip(1).map(|step| step.0).chain(ends_at);
            reached.iter().zip(next).for_each(|(step, next)| waits.entry(step.1).or_default().push(next - step.0));
            to_order.extend(steps.get(end).map(|ordered| ordered.0 - reached[0].0));
            open += u64::from(ends_at.is_none());
        }
        let found = total(&measure(), &events);
        let rows = measure().procurement_steps(&found);
        prop_assert_eq!(rows.iter().map(|row| row.waiting).sum::<u64>(), open);
        for row in rows {
            let waits = waits.remove(&row.step).unwrap_or_default();
            prop_assert_eq!((row.waits, row.total.as_micros()), (waits.len() as u64, waits.iter().sum()));
        }
        let same = measure().what_if(&found, ProcurementStep::Tender, WaitChange::ScaleToPercent(100), hour(90));
        let mean = (!to_order.is_empty()).then(|| Span::from_micros(to_order.iter().sum::<i64>() / to_order.len() as i64));
        prop_assert_eq!((same.ordered as usize, same.mean_before, same.mean_after), (to_order.len(), mean, mean));
    }

    #[test]
    fn accounts_keep_the_laws(events in random()) {
        let measure = measure();
        check_laws(&measure, &events, |total| (measure.accounts(total), measure.procurement(total)));
    }
}
