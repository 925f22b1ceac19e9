//! The generated workloads give the figures that their definitions state.

use std::collections::BTreeMap;

use wayfold_core::{EventBody, JourneyEvent, Rules, Tenant, Timestamp};
use wayfold_testkit::shop::{Shop, ShopConfig};
use wayfold_testkit::stream::Stream;
use wayfold_testkit::{Arrival, FoldSubject, Subject};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What answer A keeps of one customer.
#[derive(Default)]
struct Tally {
    orders: Vec<i64>,
    revenue_minor: i64,
    tickets: i64,
    nps: i64,
}

impl Tally {
    fn add(&mut self, event: &JourneyEvent) {
        match &event.body {
            EventBody::OrderPlaced(placed) => {
                self.orders.push(event.occurred_at.instant().as_micros());
                self.revenue_minor += placed.amount.amount.as_ten_thousandths() / 100;
            }
            EventBody::TicketOpened(_) => self.tickets += 1,
            EventBody::TicketResolved(_) => self.tickets -= 1,
            EventBody::SurveyAnswered(answer) if answer.score >= 9 => self.nps += 1,
            EventBody::SurveyAnswered(answer) if answer.score <= 6 => self.nps -= 1,
            _ => {}
        }
    }

    /// Prospect, first, repeat, loyal, churned: answer A knows no return from churn.
    fn stage(&self, as_of: i64) -> usize {
        match (self.orders.last(), self.orders.len()) {
            (None, _) => 0,
            (Some(last), _) if as_of - last > 180 * MICROS_PER_DAY => 4,
            (_, 5..) => 3,
            (_, 2..) => 2,
            _ => 1,
        }
    }
}

/// The revenue of the best of five groups of buyers, the first ones larger by one, ties by customer.
fn top_quintile(tallies: &BTreeMap<String, Tally>) -> i64 {
    let mut buyers: Vec<(i64, &String)> = tallies
        .iter()
        .filter(|(_, tally)| !tally.orders.is_empty())
        .map(|(customer, tally)| (tally.revenue_minor, customer))
        .collect();
    buyers.sort();
    let size = buyers.len() / 5;
    buyers.iter().rev().take(size).map(|(revenue, _)| revenue).sum()
}

#[test]
fn stream_gives_the_check_figures_of_a_million_events() {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for event in Stream::new(1_000_000) {
        tallies.entry(event.customer.customer.as_str().to_owned()).or_default().add(&event);
    }
    let as_of = Timestamp::parse("2026-01-01").unwrap().as_micros();
    let mut stages = [0; 5];
    for tally in tallies.values() {
        stages[tally.stage(as_of)] += 1;
    }
    let sum = |number: fn(&Tally) -> i64| tallies.values().map(number).sum::<i64>();
    assert_eq!(tallies.len(), 49_917);
    assert_eq!(sum(|tally| tally.orders.len() as i64), 105_308);
    assert_eq!(sum(|tally| tally.revenue_minor), 1_631_708_693);
    assert_eq!(stages, [17_850, 3_713, 6_521, 3_519, 18_314]);
    assert_eq!(sum(|tally| tally.tickets.max(0)), 25_553);
    assert_eq!(sum(|tally| tally.nps), -16_840);
    assert_eq!(top_quintile(&tallies), 1_083_474_310);
}

#[test]
fn fold_of_the_shop_as_it_arrives_gives_its_truth() {
    let shop = Shop::new(ShopConfig::of(20_000));
    let events: Vec<JourneyEvent> = shop.events().collect();
    let batches = events.chunks(1_000).map(<[JourneyEvent]>::to_vec);
    let arrival = Arrival::of_batches(batches, shop.end()).with_shards(3);
    let answers = FoldSubject::new().fold(&Rules::default(), &arrival).unwrap();
    assert!(answers.refolds().all > 50, "late events make refolds: {:?}", answers.refolds());

    let summary = answers.population(&Tenant::default(), shop.end()).unwrap().summary();
    let truth = shop.truth();
    let money: BTreeMap<_, _> =
        summary.totals.iter().map(|total| (total.currency, (total.revenue, total.refunds))).collect();
    let known = truth.money.iter().map(|(currency, money)| (*currency, (money.revenue, money.refunds)));
    assert_eq!(money, known.collect());
    let purchases: u64 = summary.totals.iter().map(|total| total.purchases).sum();
    assert_eq!(purchases, truth.orders_placed - truth.orders_cancelled - truth.orders_refunded);
    // A retraction and what it retracts are left out.
    assert_eq!(summary.events, truth.events - 2 * truth.retractions);
}
