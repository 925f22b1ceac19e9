//! A fold of whole histories by one projection alone.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use wayfold_core::{
    CustomerAt, CustomerKey, ErrorKind, EventBatch, EventBody, EventId, EventKind, EventRetracted, EventView,
    Fold, HistoryFold, JourneyEvent, OrderPlaced, Projection, ProjectionSet, Registered, Rules, Shard,
    SortedViews, Tag, Tenant, Timestamp,
};

use super::support::{batch, day, eur, placed};

/// Counts orders and events; one id is more than it can bear.
struct Orders;

const UNLUCKY: u128 = 13;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Counted(u64);

impl Projection for Orders {
    type State = Counted;
    type View = (u64, u64);

    fn name(&self) -> &str {
        "orders"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, counted: &mut Counted, event: &EventView<'_>) {
        assert!(event.id().as_u128() != UNLUCKY, "thirteen");
        counted.0 += u64::from(event.kind() == EventKind::OrderPlaced);
    }

    fn view(&self, counted: &Counted, customer: &CustomerAt<'_>) -> Self::View {
        (counted.0, customer.record().events())
    }

    fn holds_until(&self, _counted: &Counted, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

type Views = Vec<(CustomerKey, (u64, u64))>;

/// Those of a fold of all projections, into which everything comes at once.
fn of_fold(batches: &[EventBatch], tenant: &Tenant, as_of: Timestamp) -> Views {
    let mut set = ProjectionSet::new(Rules::default()).unwrap();
    let orders = set.register(Orders).unwrap();
    let mut fold = Fold::new(&set).with_as_of(as_of);
    assert!(fold.apply(batches).refolds.is_empty());
    fold.own_views(orders, tenant, as_of).unwrap().into_vec()
}

fn alone(batches: &[EventBatch], tenant: &Tenant, as_of: Timestamp, shards: usize) -> Views {
    let projection = Arc::new(Orders);
    let of_shard = |shard| {
        let mut fold = HistoryFold::new(projection.clone(), tenant.clone(), as_of);
        fold.fold(batches, Shard::new(shard, shards)).unwrap();
        fold.into_views()
    };
    SortedViews::merge(tenant.clone(), (0..shards).map(of_shard)).into_vec()
}

/// Customers of two tenants, some with long names that begin alike; what each event does; when.
fn events() -> impl Strategy<Value = Vec<JourneyEvent>> {
    let one = (0..2_usize, 0..6_usize, 0..10_u8, 0..12_u32, 0..60_u128);
    vec(one, 1..60).prop_map(|drawn| {
        let event =
            |(number, (tenant, customer, kind, at, target)): (u128, (usize, usize, u8, u32, u128))| {
                let names = ["b", "a", "alike-behind-8", "alike-behind-9", "alike-behind-", "z"];
                let key = CustomerKey::in_tenant(["", "other"][tenant], names[customer]).unwrap();
                let body: EventBody = match kind {
                    0 if target != number => {
                        EventRetracted { event: EventId::from_u128(100 + target), reason: None }.into()
                    }
                    1..=5 => OrderPlaced { lines: vec![], amount: eur("9"), promised_at: None }.into(),
                    _ => Registered {}.into(),
                };
                let event = JourneyEvent::new(EventId::from_u128(100 + number), key, day(at), body);
                event.with_tag(Tag::order(number.to_string()).unwrap())
            };
        (0..).zip(drawn).map(event).collect()
    })
}

proptest! {
    /// Whatever comes in whatever order, with retractions and events later than the instant, it gives what a fold gives.
    #[test]
    fn it_gives_what_a_fold_gives(events in events(), sizes in 1..9_usize, until in 0..13_u32, shards in 1..4_usize) {
        let batches: Vec<_> = events.chunks(sizes).map(batch).collect();
        for tenant in [Tenant::default(), Tenant::new("other").unwrap()] {
            let expected = of_fold(&batches, &tenant, day(until));
            prop_assert!(expected.is_sorted_by(|a, b| a.0 < b.0));
            prop_assert_eq!(alone(&batches, &tenant, day(until), shards), expected);
        }
    }
}

#[test]
fn a_panic_is_named_and_ends_it() {
    let history = [batch(&[placed("o1", 12, day(0), "9"), placed("o2", 13, day(3), "9")])];
    let mut fold = HistoryFold::new(Arc::new(Orders), Tenant::default(), day(4));
    let error = fold.fold(&history, Shard::ALL).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProjectionPanicked);
    assert_eq!(
        error.to_string(),
        format!(
            "projection \"orders\" version 1 panicked at event {}: thirteen",
            EventId::from_u128(UNLUCKY)
        )
    );
    let other = [batch(&[placed("o3", 14, day(0), "9")])];
    assert_eq!(fold.fold(&other, Shard::ALL).unwrap_err(), error);
}
