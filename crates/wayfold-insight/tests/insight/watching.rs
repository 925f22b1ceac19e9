//! Segments that a teller watches: what it tells adds up to what an oracle on bare events counts, and says why.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use wayfold_core::{
    CustomerKey, CustomerList, EventBatch, EventId, Fold, ListEdition, NoticeId, Position, ProjectionSet,
    Rules, Teller, Tenant, Timestamp, Told, Transition, WatchedFilter,
};
use wayfold_insight::Rule;

use super::rules::{CASES, Happened, NAMES, by_oracle, happened, hour, key};

fn watch(set: &mut ProjectionSet, segment: &str, version: u32, rule: &str) {
    let rule: Rule = rule.parse().unwrap();
    rule.register(set).unwrap();
    set.watch(WatchedFilter { segment: segment.to_owned(), version, filter: rule.filter().clone() }).unwrap();
}

fn watching(rules: &[&str]) -> ProjectionSet {
    let mut set = ProjectionSet::new(Rules::default()).unwrap();
    for (place, rule) in rules.iter().enumerate() {
        watch(&mut set, &format!("s{place}"), 1, rule);
    }
    set
}

/// A teller, and all that has arrived; events take their positions as they arrive.
struct Log {
    teller: Teller,
    batches: Vec<EventBatch>,
    events: u128,
}

impl Log {
    fn new(set: &ProjectionSet, at: Timestamp) -> Self {
        let fold = Fold::new(set).with_as_of(at);
        Self { teller: Teller::new(fold, Position::START).unwrap(), batches: Vec::new(), events: 0 }
    }

    /// Tells what arrives, and what the time has brought.
    fn step(&mut self, arrived: &[(usize, &Happened)], at: Timestamp) -> Vec<Told> {
        let events: Vec<_> = arrived.iter().map(|(id, of)| of.event(*id)).collect();
        let first = self.events + 1;
        self.events += events.len() as u128;
        let batch = EventBatch::from_events(&events).unwrap();
        let positions = (first..=self.events).map(|number| Position::from_bytes(number.to_be_bytes()));
        let batch = batch.recorded(positions.collect(), at);
        let here = Position::from_bytes(self.events.to_be_bytes());
        let refolds = self.teller.step(std::slice::from_ref(&batch), here, at).unwrap();
        self.batches.push(batch);
        for refold in refolds {
            self.teller.refold(&refold, &self.batches);
        }
        self.teller.take()
    }
}

type Facts = BTreeMap<NoticeId, (CustomerKey, Timestamp, Transition, Vec<EventId>)>;

/// Takes what is told into the facts that stand; each is told once, and what is withdrawn stood.
fn take(facts: &mut Facts, told: Vec<Told>) {
    for told in told {
        let notice = told.notice().clone();
        let Transition::Membership { .. } = notice.transition else { continue };
        match told {
            Told::Fact(_) => {
                let fact = (notice.customer, notice.at, notice.transition, notice.causes);
                assert_eq!(facts.insert(notice.id, fact), None, "told once");
            }
            Told::Withdrawn(_) => assert!(facts.remove(&notice.id).is_some(), "what is withdrawn was told"),
        }
    }
}

/// Who belongs to a segment by the newest fact about each customer.
fn members(facts: &Facts, wanted: &str) -> BTreeSet<CustomerKey> {
    let mut newest: BTreeMap<&CustomerKey, (Timestamp, bool)> = BTreeMap::new();
    for (customer, at, transition, _) in facts.values() {
        let Transition::Membership { segment, is_member, .. } = transition else { continue };
        if segment == wanted && newest.get(customer).is_none_or(|(known, _)| known < at) {
            newest.insert(customer, (*at, *is_member));
        }
    }
    newest
        .into_iter()
        .filter(|(_, (_, is_member))| *is_member)
        .map(|(customer, _)| customer.clone())
        .collect()
}

proptest! {
    #[test]
    fn what_is_told_adds_up_to_the_oracle_whatever_arrives_when(
        events in prop::collection::vec(happened(), 1..40),
        waits in prop::collection::vec(0_i64..90, 6),
    ) {
        let set = watching(&CASES.map(|case| case.0));
        let (mut log, mut facts, mut at) = (Log::new(&set, hour(0)), Facts::new(), 0);
        for (step, wait) in waits.iter().enumerate() {
            at += wait;
            let arrived: Vec<_> = events.iter().enumerate().filter(|(_, of)| of.arrives == step).collect();
            take(&mut facts, log.step(&arrived, hour(at)));
            for (place, case) in CASES.iter().enumerate() {
                let expected = by_oracle(case, &events, step, at);
                prop_assert_eq!(&members(&facts, &format!("s{place}")), &expected, "{} at hour {}", case.0, at);
                let (version, asked) = log.teller.members(&format!("s{place}")).unwrap();
                prop_assert_eq!((version, asked.into_iter().collect::<BTreeSet<_>>()), (1, expected));
            }
        }
        // From scratch, at once and in order: the same facts with the same ids.
        let mut at_once = Facts::new();
        let all: Vec<_> = events.iter().enumerate().collect();
        take(&mut at_once, Log::new(&set, Timestamp::MIN).step(&all, hour(at)));
        prop_assert_eq!(facts, at_once);
    }
}

fn viewed(hour: i64) -> Happened {
    Happened { customer: 0, hour, kind: 0, arrives: 0 }
}

#[test]
fn who_enters_and_leaves_is_told_with_instant_version_and_cause() {
    let mut set = ProjectionSet::new(Rules::default()).unwrap();
    watch(&mut set, "looking", 7, "count of product_viewed within 1 day >= 2");
    let mut log = Log::new(&set, hour(0));
    let (first, second, between) = (viewed(0), viewed(10), viewed(5));
    let told = |told: Vec<Told>| -> Vec<String> {
        let is_ours = |told: &&Told| matches!(told.notice().transition, Transition::Membership { .. });
        told.iter().filter(is_ours).map(|told| format!("{told} by {}", told.notice().causes.len())).collect()
    };
    assert_eq!(told(log.step(&[(0, &first)], hour(1))), [""; 0]);
    let in_at_10 = "ada at 2024-01-01T10:00:00Z: segment looking version 7 from outside to inside by 1";
    assert_eq!(told(log.step(&[(1, &second)], hour(11))), [in_at_10]);
    // The window holds a day: at hour 24 the first view is no part of it.
    let out_at_24 = "ada at 2024-01-02T00:00:00Z: segment looking version 7 from inside to outside by 0";
    assert_eq!(told(log.step(&[], hour(30))), [out_at_24]);
    let expected = [
        format!("not any more, {in_at_10}"),
        format!("not any more, {out_at_24}"),
        in_at_10.replace("T10", "T05"),
        out_at_24.replace("T00", "T05"),
    ];
    assert_eq!(told(log.step(&[(2, &between)], hour(30))), expected);
    assert_eq!(log.teller.members("looking").unwrap(), (7, vec![]));
    let error = log.teller.members("loking").unwrap_err();
    assert_eq!(error.to_string(), "no segment \"loking\" is watched; there is: looking");
}

#[test]
fn a_list_moves_who_belongs_at_its_instants() {
    let mut set = ProjectionSet::new(Rules::default()).unwrap();
    let edition = |at, names: &[usize]| ListEdition {
        tenant: Tenant::default(),
        at,
        version: "1".to_owned(),
        origin: "a test".to_owned(),
        customers: names.iter().map(|name| key(*name).customer).collect(),
    };
    let list = CustomerList::new("vip").unwrap().with(edition(hour(5), &[0])).with(edition(hour(9), &[]));
    set.put_list(list);
    watch(&mut set, "vip", 1, "in list vip");
    let mut log = Log::new(&set, hour(0));
    let mut facts = Facts::new();
    take(&mut facts, log.step(&[(0, &viewed(1))], hour(20)));
    let told: Vec<_> = facts.values().map(|(customer, at, ..)| (customer.customer.as_str(), *at)).collect();
    let ada = NAMES[0];
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), [(ada, hour(5)), (ada, hour(9))].into());
}

/// Euros are told from dollars only when there are some.
#[test]
fn a_filter_that_cannot_be_answered_ends_the_telling_where_it_stood() {
    let mut set = ProjectionSet::new(Rules::default()).unwrap();
    watch(&mut set, "rich", 1, "value.currencies[*].net >= 9 USD");
    let error = set.watch(set.watched()[0].clone()).unwrap_err();
    assert!(error.to_string().contains("count its version up"), "{error}");
    let mut log = Log::new(&set, hour(0));
    assert!(!log.step(&[(0, &viewed(1))], hour(2)).is_empty());
    let before = log.teller.told();
    let order = Happened { customer: 1, hour: 3, kind: 2, arrives: 0 };
    let batch = EventBatch::from_events([&order.event(1)]).unwrap();
    let there = Position::from_bytes(9_u128.to_be_bytes());
    for _ in 0..2 {
        let error = log.teller.step(std::slice::from_ref(&batch), there, hour(4)).unwrap_err();
        assert!(error.to_string().contains("segment \"rich\": customer bob"), "{error}");
        assert_eq!((log.teller.take(), log.teller.told()), (vec![], before));
    }
}
