//! Rules about one customer among all, and lists: beside plain loops over bare events.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Currency, CustomerId, CustomerKey, CustomerList, EventBatch, FilterJudge, Fold, JourneyEvent,
    ListEdition, ProductViewed, ProjectionSet, Refunded, Registered, Rules, Shard, Span, Tag, Tenant,
    TieRule, Timestamp, for_each_history,
};
use wayfold_insight::{ErrorKind, Members, RankRule, Rule, Schedule, Segment, Standings};

use super::made::{at, check_laws, eur, event, hour, placed, total};

fn set() -> ProjectionSet {
    ProjectionSet::new(Rules::default()).unwrap()
}

fn ranking(text: &str) -> RankRule {
    let ranking: RankRule = text.parse().unwrap();
    assert_eq!(ranking.to_string(), text);
    ranking
}

fn names(edition: Option<&ListEdition>) -> BTreeSet<String> {
    edition.map_or(BTreeSet::new(), |edition| edition.customers.iter().map(ToString::to_string).collect())
}

/// Who belongs as of an instant, by a pass over all events.
fn members(text: &str, events: &[JourneyEvent], as_of: Timestamp) -> Vec<String> {
    let standings = Standings::new(&ranking(text), &set(), as_of, as_of).unwrap();
    let list = standings.list(&total(&standings, events)).unwrap();
    names(list.edition(&Tenant::default(), as_of)).into_iter().collect()
}

fn order(number: usize, customer: &str, at: Timestamp, amount: i64) -> JourneyEvent {
    let order = Tag::order(format!("o{number}")).unwrap();
    event(number, customer, at, placed(amount, &[], None)).with_tag(order)
}

/// Orders of 50, 40, 40, 40, 10 before February, and one that comes in it.
fn february() -> Vec<JourneyEvent> {
    let day = |day| at("2024-01-10") + Span::from_days(day);
    vec![
        order(0, "a", day(0), 50),
        order(1, "b", day(1), 40),
        order(2, "c", day(2), 40),
        order(3, "d", day(3), 40),
        order(4, "e", day(4), 10),
        event(5, "f", day(4), Registered {}),
        order(6, "g", at("2024-02-03"), 90),
    ]
}

#[test]
fn equal_values_share_a_place() {
    let (events, in_february) = (february(), at("2024-02-20"));
    let check = |text: &str, expected: &str| {
        assert_eq!(members(text, &events, in_february).join(""), expected, "{text}");
    };
    check("value.currencies[EUR].net in top 20% each month", "a");
    // The second to fourth are equal, and each has one of five ahead: fewer than 21 %.
    check("value.currencies[EUR].net in top 21% each month", "abcd");
    check("value.currencies[EUR].net in top 80% each month", "abcd");
    check("value.currencies[EUR].net in top 80.01% each month", "abcde");
    check("value.currencies[EUR].net in bottom 0.01% each month", "e");
    check("value.currencies[EUR].net in bottom 20.5% each month", "bcde");
    // None, one and four of five are behind: scores 1, 2 and 5.
    check("score of value.currencies[EUR].net >= 2 each month", "abcd");
    check("score of value.currencies[EUR].net is 5 each month", "a");
    check("score of value.currencies[EUR].net <= 1 each month", "e");
    check("rfm monetary in EUR is 2 each month", "bcd");
    check("rfm recency in EUR >= 4 each month", "de");
    // All have bought once.
    check("rfm frequency in EUR is 1 each month", "abcde");
    check("rfm frequency in USD >= 1 each month", "");
    // Who has only registered has an event too; the one of February is not there yet.
    check("events in top 1% each month", "abcdef");
    check("score of key.customer is 5 each month", "f");
    check("value.currencies[EUR].net in top 10% each day", "g");
}

#[test]
fn who_belongs_stands_still_between_instants_and_is_told_by_tenant() {
    let mut events = february();
    let refund = Refunded { amount: eur(90), reason: None };
    events.push(event(7, "g", at("2024-03-15"), refund).with_tag(Tag::order("o6").unwrap()));
    let mut other = order(8, "z", at("2024-02-10"), 1);
    other.customer = CustomerKey::in_tenant("t", "z").unwrap();
    events.push(other);
    let text = r#"value.currencies[EUR].net in top 10% each month in "Europe/Berlin""#;
    let standings = Standings::new(&ranking(text), &set(), at("2024-01-05"), at("2024-04-02")).unwrap();
    let list = standings.list(&total(&standings, &events)).unwrap();
    assert_eq!(list.name(), text);
    let joined = |edition: &ListEdition| names(Some(edition)).into_iter().collect::<String>();
    let told: Vec<_> =
        list.editions().map(|edition| (edition.tenant.as_str(), edition.at, joined(edition))).collect();
    let starts =
        ["2023-12-31T23:00:00Z", "2024-01-31T23:00:00Z", "2024-02-29T23:00:00Z", "2024-03-31T22:00:00Z"];
    let mut expected = Vec::new();
    for (tenant, members) in [("", ["", "a", "g", "a"]), ("t", ["", "", "z", "z"])] {
        let of = starts.iter().zip(members);
        expected.extend(of.map(|(start, members)| (tenant, at(start), members.to_owned())));
    }
    assert_eq!(told, expected);
    let g = CustomerKey::new("g").unwrap();
    let on = |time: &str| list.contains(&g, at(time));
    assert!(on("2024-02-29T23:00:00Z") && on("2024-03-31T21:59:59.999999Z"));
    assert!(!on("2024-02-29T22:59:59.999999Z") && !on("2024-03-31T22:00:00Z"));
    let json = serde_json::to_string(&list).unwrap();
    assert_eq!(serde_json::from_str::<CustomerList>(&json).unwrap(), list);
    assert_eq!(list.editions().next().unwrap().version, "default-1");
}

fn listed(at: Timestamp, names: &[&str]) -> ListEdition {
    ListEdition {
        tenant: Tenant::default(),
        at,
        version: "1".to_owned(),
        origin: "a test".to_owned(),
        customers: names.iter().map(|name| CustomerId::new(name).unwrap()).collect(),
    }
}

#[test]
fn rules_name_lists_and_rankings_in_one_form() {
    for text in [
        "in list vip-2024",
        r#"not in list "my list" and in list "and""#,
        "value.currencies[EUR].net in top 10% each month and lifecycle.stage is not churned",
        r#"score of events >= 4 each week in "America/New_York" or rfm recency in EUR <= 2 each day"#,
        "value.purchases in (2, 3) and events in bottom 2.5% each day",
    ] {
        let rule: Rule = text.parse().unwrap();
        assert_eq!(rule.to_string(), text);
        assert_eq!(serde_json::from_str::<Rule>(&serde_json::to_string(&rule).unwrap()).unwrap(), rule);
    }
    let rule: Rule = "in list b and (in list a or in list \"events in top 5% each day\")".parse().unwrap();
    assert_eq!(rule.lists(), ["a", "b"]);
    assert_eq!(rule.rankings(), [ranking("events in top 5% each day")]);
    assert_eq!(rule.to_string(), "in list b and (in list a or events in top 5% each day)");
    let written: Rule = "events in top 05.50% each month in UTC".parse().unwrap();
    assert_eq!(written.to_string(), "events in top 5.5% each month");
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = text.parse::<Rule>().unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidRule, expected));
}

#[test]
fn what_is_wrong_about_lists_and_rankings_is_said_with_line_and_column() {
    refused("in list", "line 1, column 8: expected the name of a list, found the end");
    refused(
        "in list \" x\"",
        "line 1, column 9: \" x\" names no list; write some text in one line, without spaces around it",
    );
    refused(
        "a is 1\nand events in top 0% each day",
        "line 2, column 19: expected a share above 0% and up to 100%, with at most two decimals, found `0%`",
    );
    refused("events in top 10%", "line 1, column 18: expected `each`, found the end");
    refused(
        "events in top 10% each year",
        "line 1, column 24: expected `day`, `week` or `month`, found `year`",
    );
    refused(
        "events in top 10% each day in \"Mars/Olympus\"",
        "line 1, column 31: \"Mars/Olympus\" is no time zone; write one such as \"Europe/London\"",
    );
    refused("score of events >= 6 each day", "line 1, column 20: expected a score of 1 to 5, found `6`");
    refused("score of events > 3 each day", "line 1, column 17: expected `is`, `<=` or `>=`, found `>`");
    refused(
        "rfm recency in euro is 1 each day",
        "line 1, column 16: expected the code of a currency, found `euro`",
    );
    assert_eq!("each hour".parse::<Schedule>().unwrap_err().kind(), ErrorKind::InvalidRule);
}

#[test]
fn a_list_that_is_not_there_is_named() {
    let rule: Rule = "in list vip or events in top 10% each month".parse().unwrap();
    let mut set = set();
    set.put_list(CustomerList::new("old").unwrap());
    let error = rule.register(&mut set).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRule);
    assert_eq!(error.to_string(), "no list is named \"vip\"; there is: old; put it first");
    set.put_list(CustomerList::new("vip").unwrap());
    let error = rule.register(&mut set).unwrap_err();
    assert!(error.to_string().starts_with("no list is named \"events in top 10% each month\""), "{error}");
    let error = FilterJudge::new(&set, rule.filter()).unwrap_err();
    assert!(error.to_string().contains("there is no such list; there is: old, vip"), "{error}");

    let day = |field: &str| ranking(&format!("{field} in top 10% each day"));
    for field in ["lifecycle", "nothing", "value.currencies[*].net"] {
        let error = Standings::new(&day(field), &set, hour(0), hour(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRule, "{field}");
    }
    let error = Standings::new(&day("events"), &set, Timestamp::MIN, hour(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
}

#[test]
fn a_list_counts_from_its_instant_on() {
    let early = CustomerList::new("vip").unwrap().with(listed(hour(10), &["a", "b"]));
    let list = early.clone().with(listed(hour(20), &["b", "c"]));
    let keys =
        |names: &[&str]| names.iter().map(|name| CustomerKey::new(name).unwrap()).collect::<BTreeSet<_>>();
    assert_eq!(early.changed(&list, hour(0)), keys(&["a", "c"]));
    assert_eq!(list.changed(&early, hour(25)), keys(&["a", "c"]));
    assert_eq!(list.changed(&list, hour(0)), keys(&[]));
    let mut set = set();
    set.put_list(list);
    let rule: Rule = "in list vip".parse().unwrap();
    rule.register(&mut set).unwrap();
    let judge = FilterJudge::new(&set, rule.filter()).unwrap();
    let registered = |(id, name): (usize, &&str)| event(id, name, hour(5), Registered {});
    let events: Vec<_> = ["a", "b", "c", "d"].iter().enumerate().map(registered).collect();
    let mut told = Vec::new();
    let batches = [EventBatch::from_events(&events).unwrap()];
    for_each_history(&batches, Shard::ALL, Timestamp::MAX, |history| {
        for spell in judge.spells(history, hour(30)).unwrap() {
            told.push((history.customer().1.to_owned(), spell.entered_at, spell.left_at));
        }
    });
    told.sort();
    let expected = [("a", hour(10), Some(hour(20))), ("b", hour(10), None), ("c", hour(20), None)];
    assert_eq!(told, expected.map(|(name, from, to)| (name.to_owned(), from, to)));
    let twice = r#"{"name":"x","editions":[{"at":"2024-01-01","version":"1","origin":"","customers":[]},
        {"at":"2024-01-01","version":"2","origin":"","customers":[]}]}"#;
    assert!(serde_json::from_str::<CustomerList>(twice).unwrap_err().to_string().contains("two editions"));
}

/// What the oracle knows of an event.
#[derive(Debug, Clone, Copy)]
struct Happened {
    customer: usize,
    /// At noon of this day.
    day: i64,
    /// Of an order; else it is a view.
    amount: Option<i64>,
    /// With which step it becomes known.
    arrives: usize,
}

fn made(happened: &[Happened]) -> Vec<JourneyEvent> {
    let one = |(number, of): (usize, &Happened)| {
        let (name, noon) = (format!("c{}", of.customer), hour(24 * of.day + 12));
        match of.amount {
            Some(amount) => order(number, &name, noon, amount),
            None => event(number, &name, noon, ProductViewed {}),
        }
    };
    happened.iter().enumerate().map(one).collect()
}

/// A ranking, the value of a customer's events before a day, and who belongs by how many are behind and ahead of how many.
type Case = (
    &'static str,
    fn(&[Happened], day: i64) -> Option<i64>,
    fn(behind: usize, ahead: usize, all: usize) -> bool,
);

fn net(events: &[Happened], _: i64) -> Option<i64> {
    let orders: Vec<i64> = events.iter().filter_map(|event| event.amount).collect();
    (!orders.is_empty()).then(|| orders.iter().sum())
}

const CASES: [Case; 4] = [
    ("value.currencies[EUR].net in top 34% each day", net, |_, ahead, all| ahead * 100 < 34 * all),
    (
        "events in bottom 25% each day",
        |events, _| (!events.is_empty()).then_some(events.len() as i64),
        |behind, _, all| behind * 4 < all,
    ),
    ("score of value.currencies[EUR].net >= 3 each day", net, |behind, _, all| behind * 5 / all >= 2),
    (
        "rfm recency in EUR >= 4 each day",
        |events, _| events.iter().filter(|event| event.amount.is_some()).map(|event| event.day).max(),
        |behind, _, all| behind * 5 / all >= 3,
    ),
];

/// Who belongs as of the midnight that begins a day, of what has arrived by a step.
fn by_oracle(case: usize, happened: &[Happened], day: i64, step: usize) -> BTreeSet<String> {
    let (_, value, belongs) = CASES[case];
    let mut values = BTreeMap::new();
    for customer in 0..6 {
        let is_known = |of: &&Happened| of.customer == customer && of.day < day && of.arrives <= step;
        let known: Vec<Happened> = happened.iter().filter(is_known).copied().collect();
        if let Some(value) = value(&known, day) {
            values.insert(format!("c{customer}"), value);
        }
    }
    let count = |is: &dyn Fn(i64) -> bool| values.values().filter(|value| is(**value)).count();
    let is_member = |(_, value): &(&String, &i64)| {
        belongs(count(&|other| other < **value), count(&|other| other > **value), values.len())
    };
    values.iter().filter(is_member).map(|(name, _)| name.clone()).collect()
}

fn happened() -> impl Strategy<Value = Vec<Happened>> {
    let one = (0..6_usize, 0..6_i64, prop::option::of(1..4_i64), 0..6_usize);
    vec(one.prop_map(|(customer, day, amount, arrives)| Happened { customer, day, amount, arrives }), 0..30)
}

proptest! {
    #[test]
    fn standings_are_those_of_the_oracle_however_events_arrive(happened in happened(), case in 0..CASES.len()) {
        let standings = Standings::new(&ranking(CASES[case].0), &set(), hour(24), hour(24 * 7)).unwrap();
        let events = made(&happened);
        let list = |of: &_| standings.list(of).unwrap();
        check_laws(&standings, &events, |total| list(total).editions().cloned().collect::<Vec<_>>());
        let found = list(&total(&standings, &events));
        for day in 1..=7 {
            let edition = found.edition(&Tenant::default(), hour(24 * day + 5));
            prop_assert_eq!(names(edition), by_oracle(case, &happened, day, usize::MAX), "day {}", day);
        }
    }

    #[test]
    fn scores_by_rule_are_those_of_the_population(happened in happened(), day in 1..7_i64) {
        let (events, as_of) = (made(&happened), hour(24 * day));
        let mut fold = Fold::new(&set()).with_as_of(as_of);
        let batches = [EventBatch::from_events(&events).unwrap()];
        for refold in fold.apply(&batches).refolds {
            fold.refold(&refold, &batches);
        }
        let table = fold.population(&Tenant::default(), as_of).unwrap().rfm(Currency::EUR, TieRule::Shared);
        for (part, place) in [("recency", 0), ("frequency", 1), ("monetary", 2)] {
            for wanted in 1..=5 {
                let text = format!("rfm {part} in EUR is {wanted} each day");
                let scored = table.customers.iter().filter(|customer| {
                    let scores = customer.scores;
                    [scores.recency, scores.frequency, scores.monetary][place] == wanted
                });
                let expected: Vec<String> = scored.map(|customer| customer.key.to_string()).collect();
                prop_assert_eq!(members(&text, &events, as_of), expected, "{}", text);
            }
        }
    }

    /// A day at a time: what arrives with it is folded, the list as of its midnight is put, and who changed is looked at.
    #[test]
    fn members_by_standings_are_kept_as_the_oracle_counts_them(happened in happened(), case in 0..CASES.len()) {
        let rule: Rule = format!("{} and not in list out", CASES[case].0).parse().unwrap();
        let mut members = Members::new(Segment { name: "s".to_owned(), version: 1, rule });
        let mut set = set();
        set.put_list(CustomerList::new("out").unwrap().with(listed(hour(24 * 4), &["c1", "c2"])));
        let mut list = CustomerList::new(CASES[case].0).unwrap();
        set.put_list(list.clone());
        let mut fold = Fold::new(&set).with_as_of(hour(0));
        let (mut batches, mut told) = (Vec::new(), BTreeMap::new());
        let all = made(&happened);
        let arrived = |is: &dyn Fn(usize) -> bool| -> Vec<JourneyEvent> {
            let both = all.iter().zip(&happened);
            both.filter(|(_, of)| is(of.arrives)).map(|(event, _)| event.clone()).collect()
        };
        for (step, day) in (1..=6_i64).enumerate() {
            let midnight = hour(24 * day);
            batches.push(EventBatch::from_events(&arrived(&|arrives| arrives == step)).unwrap());
            let mut refolds = fold.advance_to(midnight).unwrap();
            refolds.extend(fold.apply(&batches[step..]).refolds);
            for refold in refolds {
                fold.refold(&refold, &batches);
            }
            let is_new = |of: &&Happened| of.arrives == step || of.day == day - 1;
            let mut changed: BTreeSet<CustomerKey> = happened
                .iter()
                .filter(is_new)
                .map(|of| CustomerKey::new(format!("c{}", of.customer)).unwrap())
                .collect();
            let standings = Standings::new(&ranking(CASES[case].0), &set, hour(24), midnight).unwrap();
            let next = standings.list(&total(&standings, &arrived(&|arrives| arrives <= step))).unwrap();
            changed.extend(list.changed(&next, midnight));
            list = next;
            fold.put_list(list.clone());
            for change in members.update(&fold, changed, midnight).unwrap() {
                told.insert(change.customer.to_string(), change.is_member);
            }
            let is_out = |name: &String| day >= 4 && (name == "c1" || name == "c2");
            let expected: BTreeSet<String> =
                by_oracle(case, &happened, day, step).into_iter().filter(|name| !is_out(name)).collect();
            let found: BTreeSet<String> = members.iter().map(ToString::to_string).collect();
            prop_assert_eq!(&found, &expected, "day {}", day);
            let by_changes: BTreeSet<String> =
                told.iter().filter(|(_, is_member)| **is_member).map(|(name, _)| name.clone()).collect();
            prop_assert_eq!(by_changes, expected, "what was told adds up");
        }
    }
}
