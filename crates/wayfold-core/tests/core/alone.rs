//! A fold of one projection alone.

use serde::{Deserialize, Serialize};
use wayfold_core::{
    CustomerAt, Error, ErrorKind, EventKind, EventView, Fold, Position, Projection, ProjectionSet, Selection,
    Teller, Tenant, Timestamp, explain,
};

use super::support::{ada, batch, day, placed};

/// Counts orders, and the purchases that the fold keeps beside.
struct Orders;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Count(u64);

impl Projection for Orders {
    type State = Count;
    type View = (u64, usize);

    fn name(&self) -> &str {
        "orders"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, count: &mut Count, event: &EventView<'_>) {
        count.0 += u64::from(event.kind() == EventKind::OrderPlaced);
    }

    fn view(&self, count: &Count, customer: &CustomerAt<'_>) -> (u64, usize) {
        (count.0, customer.purchases().len())
    }

    fn holds_until(&self, _count: &Count, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

#[test]
fn a_projection_alone_sees_every_event_and_no_orders_are_kept_for_it() {
    let history = [batch(&[placed("o1", 1, day(0), "9"), placed("o2", 2, day(3), "9")])];
    let (projections, handle) = ProjectionSet::alone(Orders);
    let mut fold = Fold::new(&projections);
    assert!(fold.apply(&history).refolds.is_empty());
    let late = [batch(&[placed("o3", 3, day(1), "9")])];
    let refolds = fold.apply(&late).refolds;
    refolds.iter().for_each(|refold| fold.refold(refold, &[history[0].clone(), late[0].clone()]));
    assert_eq!(fold.own_view(handle, &ada(), day(4)).unwrap(), Some((3, 0)));
    assert_eq!((refolds.len(), fold.events()), (1, 3));
}

#[test]
fn other_questions_to_a_projection_alone_are_errors() {
    let history = [batch(&[placed("o1", 1, day(0), "9")])];
    let (projections, _) = ProjectionSet::alone(Orders);
    let mut fold = Fold::new(&projections);
    assert!(fold.apply(&history).refolds.is_empty());
    let refused = |error: Option<Error>| assert_eq!(error.unwrap().kind(), ErrorKind::InvalidProjection);
    refused(fold.view(&ada(), day(4)).err());
    refused(fold.population(&Tenant::default(), day(4)).err());
    refused(fold.select(&Tenant::default(), day(4), &Selection::default()).err());
    refused(explain(&projections, &ada(), &history, day(4)).err());
    refused(Teller::new(fold, Position::START).err());
}
