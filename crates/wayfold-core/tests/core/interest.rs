//! What a projection is interested in is what it is called with, whatever way events come.

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use wayfold_core::{
    CustomerAt, CustomerKey, EventBatch, EventBody, EventId, EventKind, EventView, Fold, Interest,
    JourneyEvent, JourneyKey, OrderPlaced, Projection, ProjectionSet, Registered, Rules, Shipped, Tag,
    Tenant, TicketOpened, Timestamp,
};

use crate::support::{batch, day, eur};

/// Notes the ids of the events that it is called with, but for those that `of` passes over.
struct Seen {
    name: &'static str,
    interest: Interest,
    of: Interest,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Ids(Vec<EventId>);

impl Projection for Seen {
    type State = Ids;
    type View = Vec<EventId>;

    fn name(&self) -> &str {
        self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn interest(&self) -> Interest {
        self.interest
    }

    fn evolve(&self, ids: &mut Ids, event: &EventView<'_>) {
        if self.of.has(event) {
            ids.0.push(event.id());
        }
    }

    fn view(&self, ids: &Ids, _customer: &CustomerAt<'_>) -> Vec<EventId> {
        ids.0.clone()
    }

    fn holds_until(&self, _ids: &Ids, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

fn interests() -> [Interest; 4] {
    [
        Interest::ALL,
        Interest::IN_JOURNEYS,
        Interest::of_kinds(&[]),
        Interest::of_kinds(&[EventKind::OrderPlaced, EventKind::TicketOpened]),
    ]
}

fn events() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_u8, 0..5_u8, 0..40_u32, any::<bool>()), 1..60).prop_map(|drawn| {
        let event = |(number, (customer, kind, at, in_journey)): (u128, (u8, u8, u32, bool))| {
            let body: EventBody = match kind {
                0 => OrderPlaced { lines: vec![], amount: eur("9"), promised_at: None }.into(),
                1 => Shipped { promised_at: None }.into(),
                2 => TicketOpened { ticket_kind: None, priority: None }.into(),
                _ => Registered {}.into(),
            };
            let key = CustomerKey::new(format!("c{customer}")).unwrap();
            let mut event = JourneyEvent::new(EventId::from_u128(100 + number), key, day(at), body);
            event.journey = in_journey.then(|| JourneyKey::new("j").unwrap());
            match kind {
                0 | 1 => event.with_tag(Tag::order(format!("o{number}")).unwrap()),
                _ => event,
            }
        };
        (0..).zip(drawn).map(event).collect()
    })
}

/// Applies batches one after the other, each late event refolded.
fn folded(projections: &ProjectionSet, batches: &[EventBatch]) -> Fold {
    let mut fold = Fold::new(projections);
    for (number, batch) in batches.iter().enumerate() {
        for refold in fold.apply(std::slice::from_ref(batch)).refolds {
            fold.refold(&refold, &batches[..=number]);
        }
    }
    fold
}

proptest! {
    /// Customer after customer in the order of a sealed log, or as they come; at once, or late and refolded.
    #[test]
    fn it_is_called_with_the_events_that_interest_it(
        mut events in events(),
        size in 1..30_usize,
        is_clustered: bool,
    ) {
        if is_clustered {
            let spread = |key: &CustomerKey| CustomerKey::spread(key.tenant.as_str(), key.customer.as_str());
            events.sort_by_key(|event| (spread(&event.customer), event.occurred_at.instant()));
        }
        let batches: Vec<_> = events.chunks(size).map(batch).collect();
        if is_clustered {
            batches.iter().for_each(|batch| assert!(!batch.spreads().is_empty()));
        }
        for interest in interests() {
            let mut projections = ProjectionSet::new(Rules::default()).unwrap();
            let told = projections.register(Seen { name: "told", interest, of: Interest::ALL }).unwrap();
            let all = Seen { name: "all", interest: Interest::ALL, of: interest };
            let all = projections.register(all).unwrap();
            let mut at_once = Fold::new(&projections);
            prop_assert!(at_once.apply(&batches).refolds.is_empty());
            for fold in [at_once, folded(&projections, &batches)] {
                let expected = fold.own_views(all, &Tenant::default(), Timestamp::MAX).unwrap();
                prop_assert_eq!(fold.own_views(told, &Tenant::default(), Timestamp::MAX).unwrap(), expected);
            }
        }
    }
}
