//! Questions about all customers.

use wayfold_core::{
    Currency, CustomerKey, Fold, JourneyEvent, LifecycleStage, NamedSegments, Population, RfmScores, Tenant,
    TieRule,
};

use super::support::{batch, day, placed, projections};

fn of(customer: &str, id: u128, number: u32, amount: &str) -> JourneyEvent {
    let mut event = placed(&format!("o{id}"), id, day(number), amount);
    event.customer = CustomerKey::new(customer).unwrap();
    event
}

fn population(events: &[JourneyEvent], number: u32) -> Population {
    let mut fold = Fold::new(&projections());
    let _ = fold.apply(&[batch(events)]);
    fold.population(&Tenant::default(), day(number)).unwrap()
}

#[test]
fn equal_values_share_a_score_and_ntile_breaks_ties_by_key() {
    let events: Vec<_> =
        ["a", "b", "c", "d", "e"].iter().zip(1..).map(|(name, id)| of(name, id, 0, "10")).collect();
    let population = population(&events, 9);
    let scores = |ties| {
        population.rfm(Currency::EUR, ties).customers.iter().map(|c| c.scores.frequency).collect::<Vec<_>>()
    };
    assert_eq!(scores(TieRule::Shared), [1; 5]);
    assert_eq!(scores(TieRule::Ntile), [1, 2, 3, 4, 5]);
    assert_eq!(population.rfm(Currency::USD, TieRule::Shared).customers, []);
    assert_eq!(population.rfm(Currency::EUR, TieRule::Shared).sizes(), [[5, 0, 0, 0, 0]; 3]);
}

#[test]
fn later_buyers_score_higher_in_recency_and_whole_days_tie() {
    let mut early = of("early", 1, 0, "1");
    early.occurred_at = day(5).next().into();
    let population = population(&[early, of("same_day", 2, 6, "1"), of("late", 3, 7, "1")], 8);
    let table = population.rfm(Currency::EUR, TieRule::Shared);
    let days: Vec<_> =
        table.customers.iter().map(|c| (c.key.customer.as_str(), c.recency_days, c.scores.recency)).collect();
    assert_eq!(days, [("early", 2, 1), ("late", 1, 4), ("same_day", 2, 1)]);
}

#[test]
fn a_tenant_sees_its_own_customers_alone() {
    let mut foreign = of("a", 1, 0, "10");
    foreign.customer = CustomerKey::in_tenant("other", "a").unwrap();
    let mut fold = Fold::new(&projections());
    let _ = fold.apply(&[batch(&[foreign, of("b", 2, 0, "20")])]);
    let own = fold.population(&Tenant::default(), day(1)).unwrap();
    let other = fold.population(&Tenant::new("other").unwrap(), day(1)).unwrap();
    assert_eq!((own.len(), other.len()), (1, 1));
    assert_eq!(other.summary().totals[0].revenue.to_decimal(), "10");
}

#[test]
fn top_orders_by_net_then_key_and_leaves_out_who_never_bought() {
    let population = population(&[of("b", 1, 0, "10"), of("a", 2, 0, "10"), of("c", 3, 0, "30")], 1);
    let names: Vec<_> =
        population.top(Currency::EUR, 2).iter().map(|member| member.key.to_string()).collect();
    assert_eq!(names, ["c", "a"]);
    assert!(population.top(Currency::USD, 9).is_empty());
    let summary = population.summary();
    assert_eq!(summary.lifecycle[&LifecycleStage::FirstTime], 3);
    assert_eq!((summary.totals[0].buyers, summary.totals[0].net.to_decimal()), (3, "50".to_owned()));
}

#[test]
fn every_pair_of_scores_has_one_name() {
    let segments = NamedSegments::default();
    let name = |recency, frequency| segments.name(RfmScores { recency, frequency, monetary: 1 }).to_owned();
    assert_eq!(
        (name(5, 5), name(5, 1), name(3, 3)),
        ("Champions".into(), "New".into(), "Need Attention".into())
    );
    assert_eq!(
        (name(1, 5), name(2, 1), name(4, 4)),
        ("Can't Lose".into(), "Hibernating".into(), "Loyal".into())
    );
    assert_eq!(segments.names().count(), 10);
}
