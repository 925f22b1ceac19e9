//! Events of one instant: worked cases of each rule, and each rule beside a plain way to say the same.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{Custom, CustomKind, JourneyEvent, JourneyKey, Span, Timestamp};
use wayfold_insight::{
    CaseBy, Cases, EventTest, Exclusion, Funnel, FunnelEntry, FunnelOrder, FunnelTies, Paths, ProcessMap,
    Ties, Variants,
};

use super::made::{event, hour, hours, steps, total};

/// An event of a kind of one's own, at an hour; the number is its place within its instant.
fn named(number: usize, name: &str, hours: i64) -> JourneyEvent {
    let body = Custom { name: CustomKind::new(name).unwrap(), stage: None, amount: None };
    let mut made = event(number, "c1", hour(hours), body);
    made.sequence = number as u32;
    made
}

/// Letters and their hours, folded in this order where hours are equal.
fn letters(all: &[(char, i64)]) -> Vec<JourneyEvent> {
    all.iter().enumerate().map(|(number, (name, hour))| named(number, &name.to_string(), *hour)).collect()
}

fn funnel(steps: &str, window: Span) -> Funnel {
    let steps = steps.chars().map(|step| EventTest::custom(&step.to_string())).collect();
    Funnel::new(steps, window).unwrap()
}

const ALL: [FunnelTies; 3] = [FunnelTies::Furthest, FunnelTies::AsFolded, FunnelTies::Apart];

#[test]
fn events_of_one_instant_reach_what_the_rule_says() {
    let check = |steps_of: &str, order: FunnelOrder, events: &[(char, i64)], expected: [usize; 3]| {
        let found = ALL.map(|ties| {
            steps(&funnel(steps_of, hours(9)).with_order(order).with_ties(ties), &letters(events))
        });
        assert_eq!(found, expected, "{steps_of} {order:?} of {events:?}");
    };
    use FunnelOrder::{Ordered, Strict, Unordered};
    check("ab", Ordered, &[('a', 0), ('b', 0)], [2, 2, 1]);
    check("ab", Ordered, &[('b', 0), ('a', 0)], [2, 1, 1]);
    check("ab", Ordered, &[('b', 0), ('a', 0), ('b', 1)], [2, 2, 2]);
    check("abc", Ordered, &[('a', 0), ('c', 1), ('b', 1)], [3, 2, 2]);
    // x stands between a and b, or in their instant, or after them.
    check("ab", Strict, &[('a', 0), ('x', 1), ('b', 1)], [2, 1, 2]);
    check("ab", Strict, &[('a', 0), ('b', 1), ('x', 1)], [2, 2, 2]);
    check("ab", Unordered, &[('b', 0), ('a', 0)], [2, 2, 1]);
    check("abc", Unordered, &[('b', 0), ('a', 0), ('a', 1), ('c', 1), ('c', 2)], [3, 3, 3]);
}

#[test]
fn what_is_excluded_in_the_instant_of_a_step_comes_where_the_rule_puts_it() {
    let check = |events: &[(char, i64)], order: FunnelOrder, expected: [usize; 3]| {
        let found = ALL.map(|ties| {
            let funnel = funnel("ab", hours(9)).with_order(order).with_ties(ties);
            let funnel = funnel.excluding(vec![EventTest::custom("x")], Exclusion::DropsCustomer);
            steps(&funnel, &letters(events))
        });
        assert_eq!(found, expected, "{order:?} {events:?}");
    };
    for order in [FunnelOrder::Ordered, FunnelOrder::Unordered] {
        // Where nobody knows which was first, the exclusion was; folded behind the last step, it comes too late.
        check(&[('a', 0), ('b', 1), ('x', 1)], order, [0, 2, 0]);
        check(&[('a', 0), ('x', 1), ('b', 1)], order, [0, 0, 0]);
        check(&[('x', 0), ('a', 1), ('b', 2)], order, [2, 2, 2]);
    }
}

#[test]
fn maps_variants_and_paths_take_steps_of_one_instant_by_the_rule() {
    let events = letters(&[('c', 0), ('a', 0), ('b', 0), ('a', 1)]);
    let ways = |cases: Cases| {
        let (map, variants) = (ProcessMap::new(cases.clone()), Variants::new(cases));
        let found = total(&(&map, &variants), &events);
        let edges: BTreeSet<_> =
            map.report(&found.0).edges.into_iter().map(|edge| format!("{}{}", edge.from, edge.to)).collect();
        (edges, variants.report(&found.1).variants.remove(0).steps.join(""))
    };
    let edges = |texts: [&str; 3]| texts.map(str::to_owned).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(ways(Cases::new()), (edges(["ab", "ba", "ca"]), "caba".to_owned()));
    assert_eq!(ways(Cases::new()), ways(Cases::new().with_ties(Ties::AsFolded)));
    assert_eq!(ways(Cases::new().with_ties(Ties::ByName)), (edges(["ab", "bc", "ca"]), "abca".to_owned()));
    let way = |cases: Cases| {
        let paths = Paths::new(cases).with_gap(None);
        let report = paths.report(&total(&paths, &events), 9);
        (report.ways[0].steps.concat(), report.semantics)
    };
    let (by_name, semantics) = way(Cases::new());
    assert!(by_name == "abca" && semantics.contains("steps of one instant by name"), "{semantics}");
    let (folded, semantics) = way(Cases::new().with_ties(Ties::AsFolded));
    assert!(folded == "caba" && semantics.contains("steps of one instant as they are folded"), "{semantics}");
}

/// Who stopped at every step, in one pass, and what each did next.
#[test]
fn a_funnel_names_who_came_no_further_than_each_step() {
    let of = |customer: &str, number: usize, name: &str, at: i64| {
        let mut made = named(number, name, at);
        made.customer = wayfold_core::CustomerKey::new(customer).unwrap();
        made
    };
    let events = [
        of("ann", 1, "a", 0),
        of("ann", 2, "b", 1),
        of("ann", 3, "c", 2),
        of("bea", 4, "a", 0),
        of("bea", 5, "x", 3),
        of("cid", 6, "a", 1),
        of("cid", 7, "b", 4),
        of("cid", 8, "y", 5),
        of("dan", 9, "a", 2),
        of("eve", 10, "b", 2),
    ];
    let all = funnel("abc", hours(9)).naming(9);
    let found = total(&all, &events);
    type Told = (String, Option<String>, Option<Timestamp>);
    let told = |funnel: &Funnel| -> Vec<Vec<Told>> {
        let steps = funnel.report(&found).remove(0).steps;
        let who = |step: wayfold_insight::FunnelStep| {
            step.who.into_iter().map(|who| (who.customer, who.next, who.next_at)).collect()
        };
        steps.into_iter().map(who).collect()
    };
    let one = |name: &str, next: Option<(&str, i64)>| {
        (name.to_owned(), next.map(|(next, _)| next.to_owned()), next.map(|(_, at)| hour(at)))
    };
    let (first, second) = ([one("bea", Some(("x", 3))), one("dan", None)], [one("cid", Some(("y", 5)))]);
    assert_eq!(told(&all), [first.to_vec(), second.to_vec(), vec![]]);
    assert_eq!(told(&all.clone().naming(1)), [first[..1].to_vec(), second.to_vec(), vec![]]);
    let report = all.report(&found).remove(0);
    assert_eq!(report.steps.iter().map(|step| step.dropped).collect::<Vec<_>>(), [2, 1, 1]);
    // Without the question nobody is named and nobody kept.
    let plain = funnel("abc", hours(9));
    let report = plain.report(&total(&plain, &events)).remove(0);
    assert!(report.steps.iter().all(|step| step.who.is_empty()));
}

/// The furthest step by trying every choice of events of different instants.
fn furthest_apart(of: &[(usize, i64)], steps: &[usize], window: i64, is_ordered: bool) -> usize {
    fn tried(
        of: &[(usize, i64)],
        left: &[usize],
        entry: Option<i64>,
        last: i64,
        window: i64,
        is_ordered: bool,
    ) -> usize {
        let mut best = 0;
        for (place, (name, at)) in of.iter().enumerate() {
            if *at <= last || entry.is_some_and(|entry| at - entry > window) {
                continue;
            }
            for (step, wanted) in left.iter().enumerate().take(if is_ordered { 1 } else { left.len() }) {
                if wanted == name {
                    let rest = [&left[..step], &left[step + 1..]].concat();
                    let entry = entry.or(Some(*at));
                    best = best.max(1 + tried(&of[place + 1..], &rest, entry, *at, window, is_ordered));
                }
            }
        }
        best
    }
    tried(of, steps, None, -1, window, is_ordered)
}

const NAMES: [char; 4] = ['a', 'b', 'c', 'x'];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// What is folded in an order is what happened a microsecond apart in that order.
    #[test]
    fn as_folded_is_a_microsecond_apart(
        mut all in vec((0..4_usize, 0..5_i64), 1..9), wanted in vec(0..3_usize, 1..4), window in 1..5_i64,
        order in 0..4_usize, is_first: bool, excludes: bool, drops: bool,
    ) {
        all.sort_by_key(|(_, at)| *at);
        let events = letters(&all.iter().map(|(name, at)| (NAMES[*name], *at)).collect::<Vec<_>>());
        let mut moved = events.clone();
        for (number, event) in moved.iter_mut().enumerate() {
            event.occurred_at = (event.occurred_at.instant() + Span::from_micros(number as i64)).into();
        }
        let wanted: String = wanted.into_iter().map(|step| NAMES[step]).collect();
        // A little more than whole hours, so that a microsecond decides nothing else.
        let window = hours(window) + Span::from_micros(1_000);
        let order = [FunnelOrder::Ordered, FunnelOrder::Strict, FunnelOrder::StrictWithReentry, FunnelOrder::Unordered][order];
        let mut funnel = funnel(&wanted, window).with_order(order)
            .with_entry(if is_first { FunnelEntry::First } else { FunnelEntry::Latest });
        if excludes {
            let exclusion = if drops { Exclusion::DropsCustomer } else { Exclusion::EndsAttempt };
            funnel = funnel.excluding(vec![EventTest::custom("x")], exclusion);
        }
        prop_assert_eq!(steps(&funnel.clone().with_ties(FunnelTies::AsFolded), &events), steps(&funnel, &moved));
        // What reaches furthest reaches as far as any order does, where nothing in between may end it.
        if order == FunnelOrder::Ordered && !excludes && !is_first {
            let [furthest, folded, apart] = ALL.map(|ties| steps(&funnel.clone().with_ties(ties), &events));
            prop_assert!(furthest >= folded && folded >= apart, "{furthest} {folded} {apart}");
        }
    }

    /// Against trying every choice.
    #[test]
    fn apart_takes_one_step_of_an_instant(
        mut all in vec((0..4_usize, 0..5_i64), 1..8), wanted in vec(0..3_usize, 1..4), window in 1..5_i64, is_ordered: bool,
    ) {
        all.sort_by_key(|(_, at)| *at);
        let events = letters(&all.iter().map(|(name, at)| (NAMES[*name], *at)).collect::<Vec<_>>());
        let text: String = wanted.iter().map(|step| NAMES[*step]).collect();
        let order = if is_ordered { FunnelOrder::Ordered } else { FunnelOrder::Unordered };
        let funnel = funnel(&text, hours(window)).with_order(order).with_ties(FunnelTies::Apart);
        prop_assert_eq!(steps(&funnel, &events), furthest_apart(&all, &wanted, window, is_ordered));
    }

    /// Against sorting plain lists of names, of customers and of journeys.
    #[test]
    fn by_name_is_the_order_of_names_within_an_instant(all in vec((0..4_usize, 0..3_i64, 0..2_usize), 1..12), by_journey: bool) {
        let events: Vec<_> = all.iter().enumerate().map(|(number, (name, at, journey))| {
            let mut made = named(number, &NAMES[*name].to_string(), *at);
            made.journey = Some(JourneyKey::new(format!("j{journey}")).unwrap());
            made
        }).collect();
        let cases = Cases::new().by(if by_journey { CaseBy::Journey } else { CaseBy::Customer }).with_ties(Ties::ByName);
        let variants = Variants::new(cases);
        let mut found: Vec<String> = variants.report(&total(&variants, &events)).variants.into_iter()
            .flat_map(|row| std::iter::repeat_n(row.steps.join(""), row.cases as usize)).collect();
        found.sort();
        let mut plain: Vec<String> = Vec::new();
        for journey in 0..if by_journey { 2 } else { 1 } {
            let own = all.iter().filter(|(.., of)| !by_journey || *of == journey);
            let mut own: Vec<(i64, char)> = own.map(|(name, at, _)| (*at, NAMES[*name])).collect();
            own.sort();
            plain.extend((!own.is_empty()).then(|| own.iter().map(|(_, name)| *name).collect()));
        }
        plain.sort();
        prop_assert_eq!(found, plain);
    }
}
