//! Two versions of a segment over the same histories: instant by instant as plain loops over bare events say.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    EventBody, EventRetracted, JourneyEvent, ProductViewed, Registered, Rules, Spell, Tag, Timestamp,
};
use wayfold_insight::{
    CompareSegments, ComparedCustomer, ErrorKind, MemberChanges, Segment, SegmentComparison, SegmentVersion,
};

use super::made::{check_laws, eur, event, hour, placed, total};

fn version(version: u32, rule: &str, rules: Rules) -> SegmentVersion {
    let segment = Segment { name: "s".to_owned(), version, rule: rule.parse().unwrap() };
    SegmentVersion::new(segment, rules).unwrap()
}

fn churned_after(days: u32) -> Rules {
    let mut rules = Rules::default();
    (rules.version, rules.lifecycle.churned_after_days) = (format!("churn-{days}"), days);
    rules
}

fn order(number: usize, customer: &str, at: Timestamp, amount: i64) -> JourneyEvent {
    let order = Tag::order(format!("o{number}")).unwrap();
    event(number, customer, at, placed(amount, &[], None)).with_tag(order)
}

fn names(customers: &[ComparedCustomer]) -> Vec<&str> {
    customers.iter().map(|customer| customer.customer.customer.as_str()).collect()
}

/// Churned after 3 days or after 2, from hour 40 to hour 70. Anna bought at hour 0, Bea at 10 and 62, Cid at 20 for more
/// than Dora at 21, Ed at 69.
#[test]
fn who_belongs_by_which_version_is_told_with_value_and_reason() {
    let events = [
        order(0, "anna", hour(0), 10),
        order(1, "bea", hour(10), 20),
        order(2, "bea", hour(62), 30),
        order(3, "cid", hour(20), 50),
        order(4, "dora", hour(21), 40),
        order(5, "ed", hour(69), 5),
        order(6, "late", hour(71), 5),
    ];
    let rule = "lifecycle.stage is churned";
    let versions = (version(1, rule, churned_after(3)), version(1, rule, churned_after(2)));
    let question = CompareSegments::new(versions.0, versions.1, hour(40), hour(74)).unwrap();
    let found = question.report(&total(&question, &events), 1).unwrap();

    assert_eq!(
        (found.old.rules.as_str(), found.new.rules.as_str(), found.customers),
        ("churn-3", "churn-2", 6)
    );
    // As of hour 74 anna is silent for 74 hours, cid for 54 and dora for 53.
    assert_eq!(
        (found.at_end.both.customers, found.at_end.both.net[0].to_string().as_str()),
        (1, "10.00 EUR")
    );
    assert_eq!((found.at_end.only_old.customers, found.at_end.only_new.customers), (0, 2));
    assert_eq!(found.at_end.only_new.net[0].to_string(), "90.00 EUR");
    assert_eq!(names(&found.at_end.only_new.examples), ["cid"]);
    // Bea was churned by the new version from hour 58, and came back at 62.
    assert_eq!((found.in_period.both.customers, found.in_period.only_new.customers), (1, 3));
    assert_eq!(found.new_changes, MemberChanges { entered: 4, left: 1 });
    assert_eq!(found.old_changes, MemberChanges { entered: 1, left: 0 });
    // Anna left the stage of first-time buyers at another instant by each.
    assert_eq!(names(&found.at_other_instants.examples), ["anna"]);

    let found = question.report(&total(&question, &events), 9).unwrap();
    let bea = found
        .in_period
        .only_new
        .examples
        .iter()
        .find(|customer| customer.customer.customer.as_str() == "bea");
    let expected = Spell {
        entered_at: hour(58).next(),
        entered_by: vec![],
        left_at: Some(hour(62)),
        left_by: vec![events[2].id],
    };
    assert_eq!(bea.unwrap().new, [expected]);
    assert_eq!(
        bea.unwrap().to_string(),
        format!(
            "bea: old never; new from 2024-03-06T10:00:00.000001Z by time alone to 2024-03-06T14:00:00Z by event {}",
            events[2].id
        )
    );
    let text = found.to_string();
    assert!(
        text.contains("\n  only new: 2 customers, net 90.00 EUR\n    cid: old never; new from "),
        "{text}"
    );
    assert!(text.ends_with("entered 1 and left 0 by the old, entered 4 and left 1 by the new"), "{text}");
    let json: serde_json::Value = serde_json::to_value(&found).unwrap();
    assert_eq!(json["old"]["segment"]["rule"], rule);
    assert_eq!(json["in_period"]["only_new"]["examples"][0]["customer"]["customer"], "bea");
}

#[test]
fn a_version_is_refused_where_its_rule_cannot_be_answered() {
    let of = |rule: &str| Segment { name: "s".to_owned(), version: 1, rule: rule.parse().unwrap() };
    let error = SegmentVersion::new(of("nothing is 1"), Rules::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRule);
    assert!(error.to_string().contains("nothing"), "{error}");
    let same = || version(1, "events >= 1", Rules::default());
    let error = CompareSegments::new(same(), same(), hour(1), hour(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);

    // Dollars are not told from euros before there are some.
    let other = version(1, "value.currencies[*].net >= 9 USD", Rules::default());
    let question = CompareSegments::new(same(), other, hour(0), hour(9)).unwrap();
    let mut events = vec![event(0, "bob", hour(1), Registered {})];
    assert!(question.report(&total(&question, &events), 1).is_ok());
    events.push(order(1, "ada", hour(2), 3));
    let error = question.report(&total(&question, &events), 1).unwrap_err();
    assert!(error.to_string().contains("customer ada"), "{error}");
}

/// What the oracle knows of an event: whose, at which hour, and which kind.
#[derive(Debug, Clone, Copy)]
struct Happened {
    customer: usize,
    hour: i64,
    kind: usize,
    is_retracted: bool,
}

const VIEWED: usize = 0;
const ORDER: usize = 1;

/// Two rules with their thresholds, and what each means of the hours of views, orders and all events at a time, in hours
/// and a millionth of one.
type Says = fn(views: &[i64], orders: &[i64], all: &[i64], hour: i64, is_after: bool) -> bool;
type Case = [(&'static str, u32, Says); 2];

/// Whether more than, or at least, so many hours have passed.
fn beyond(since: i64, now: i64, is_after: bool, hours: i64) -> bool {
    now - since > hours || (now - since == hours && is_after)
}

const CASES: [Case; 3] = [
    [
        ("count of product_viewed within 3 days >= 2", 180, |views, _, _, now, _| {
            views.iter().filter(|hour| now - **hour < 72).count() >= 2
        }),
        ("count of product_viewed within 1 day >= 1", 180, |views, _, _, now, _| {
            views.iter().any(|hour| now - hour < 24)
        }),
    ],
    [
        ("lifecycle.stage is churned", 3, |_, orders, _, now, is_after| {
            orders.iter().max().is_some_and(|last| beyond(*last, now, is_after, 72))
        }),
        ("lifecycle.stage is churned", 2, |_, orders, _, now, is_after| {
            orders.iter().max().is_some_and(|last| beyond(*last, now, is_after, 48))
        }),
    ],
    [
        (
            "last_seen_at older than 36 hours and lifecycle.purchases is 0",
            180,
            |_, orders, all, now, is_after| {
                orders.is_empty() && beyond(*all.iter().max().unwrap(), now, is_after, 36)
            },
        ),
        ("last_seen_at older than 12 hours", 180, |_, _, all, now, is_after| {
            beyond(*all.iter().max().unwrap(), now, is_after, 12)
        }),
    ],
];

fn events_of(happened: &[Happened]) -> Vec<JourneyEvent> {
    let mut events = Vec::new();
    for (number, one) in happened.iter().enumerate() {
        let customer = format!("c{}", one.customer);
        let made = match one.kind {
            VIEWED => event(number, &customer, hour(one.hour), ProductViewed {}),
            ORDER => order(number, &customer, hour(one.hour), 3),
            _ => event(number, &customer, hour(one.hour), Registered {}),
        };
        if one.is_retracted {
            let body: EventBody = EventRetracted { event: made.id, reason: None }.into();
            events.push(event(1_000 + number, &customer, hour(one.hour), body));
        }
        events.push(made);
    }
    events
}

fn holds(says: Says, happened: &[Happened], customer: usize, now: i64, is_after: bool) -> bool {
    let known = |kind: Option<usize>| -> Vec<i64> {
        let is = |one: &&Happened| {
            one.customer == customer
                && one.hour <= now
                && !one.is_retracted
                && kind.is_none_or(|kind| one.kind == kind)
        };
        happened.iter().filter(is).map(|one| one.hour).collect()
    };
    let all = known(None);
    !all.is_empty() && says(&known(Some(VIEWED)), &known(Some(ORDER)), &all, now, is_after)
}

/// The instants at which the oracle is asked: each hour, and the microsecond behind it.
fn instants(from: i64, to: i64) -> impl Iterator<Item = (i64, bool)> {
    (from..=to).flat_map(move |hour| [(hour, false), (hour, true)]).take_while(move |at| *at != (to, true))
}

fn instant((at, is_after): (i64, bool)) -> Timestamp {
    if is_after { hour(at).next() } else { hour(at) }
}

fn happened() -> impl Strategy<Value = Vec<Happened>> {
    let one = (0..4_usize, 0..200_i64, 0..3_usize, prop::bool::weighted(0.1));
    let one =
        one.prop_map(|(customer, hour, kind, is_retracted)| Happened { customer, hour, kind, is_retracted });
    vec(one, 0..30)
}

fn covers(spells: &[Spell], at: Timestamp) -> bool {
    spells.iter().any(|spell| spell.entered_at <= at && spell.left_at.is_none_or(|left| left > at))
}

proptest! {
    #[test]
    fn versions_are_told_apart_as_the_oracle_does(
        happened in happened(), case in 0..CASES.len(), from in 0..120_i64, length in 0..120_i64,
    ) {
        let ([old, new], to) = (CASES[case], from + length);
        let made = |number, (rule, days, _): (&str, u32, Says)| version(number, rule, churned_after(days));
        let question = CompareSegments::new(made(1, old), made(2, new), hour(from), hour(to)).unwrap();
        let events = events_of(&happened);
        let report = |of: &_| question.report(of, 100).unwrap();
        check_laws(&question, &events, report);
        let found: SegmentComparison = report(&total(&question, &events));

        let mut groups = [vec![], vec![], vec![], vec![], vec![], vec![]];
        let mut changes = [MemberChanges::default(); 2];
        for customer in 0..4 {
            let of = |(_, _, says): (&str, u32, Says), at: (i64, bool)| holds(says, &happened, customer, at.0, at.1);
            let ever = |version| instants(from, to).any(|at| of(version, at));
            let sides = [(ever(old), ever(new)), (of(old, (to, false)), of(new, (to, false)))];
            for (place, side) in sides.into_iter().enumerate() {
                let group = match side {
                    (true, true) => 0,
                    (true, false) => 1,
                    (false, true) => 2,
                    (false, false) => continue,
                };
                groups[3 * place + group].push(format!("c{customer}"));
            }
            for (changes, version) in changes.iter_mut().zip([old, new]) {
                let states: Vec<bool> = instants(from, to).map(|at| of(version, at)).collect();
                for pair in states.windows(2) {
                    changes.entered += u64::from(!pair[0] && pair[1]);
                    changes.left += u64::from(pair[0] && !pair[1]);
                }
            }
        }
        let named = |group: &wayfold_insight::ComparedGroup| {
            let mut names: Vec<String> =
                group.examples.iter().map(|customer| customer.customer.to_string()).collect();
            names.sort();
            names
        };
        let (period, end) = (&found.in_period, &found.at_end);
        let told = [&period.both, &period.only_old, &period.only_new, &end.both, &end.only_old, &end.only_new];
        for (told, expected) in told.into_iter().zip(&groups) {
            prop_assert_eq!(&named(told), expected);
            prop_assert_eq!(told.customers, expected.len() as u64);
        }
        prop_assert_eq!([found.old_changes, found.new_changes], changes);

        for member in told[..3].iter().flat_map(|group| &group.examples) {
            let customer = member.customer.customer.as_str()[1..].parse().unwrap();
            for at in instants(from, to) {
                prop_assert_eq!(covers(&member.old, instant(at)), holds(old.2, &happened, customer, at.0, at.1));
                prop_assert_eq!(covers(&member.new, instant(at)), holds(new.2, &happened, customer, at.0, at.1));
            }
            let bought = happened.iter().filter(|one| {
                one.customer == customer && one.kind == ORDER && one.hour <= to && !one.is_retracted
            });
            let spent: i64 = bought.count() as i64 * 3;
            let net = member.net.first().map_or(0, |net| net.as_ten_thousandths());
            prop_assert_eq!(net, i128::from(eur(spent).amount.as_ten_thousandths()));
        }
    }
}
