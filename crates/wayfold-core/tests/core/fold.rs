//! The fold: late events, retractions, the fold's own instant, shards and registered projections.

use proptest::prelude::*;
use wayfold_core::bodies::{EventRetracted, Refunded, Registered};
use wayfold_core::{
    CustomerAt, ErrorKind, EventBatch, EventId, EventView, Fold, JourneyEvent, LifecycleStage, OrderKey,
    Position, Projection, Teller, Timestamp, Told,
};

use super::support::{about, ada, batch, day, eur, event, export, fold, fold_events, placed, projections};

fn retract(id: u128, target: u128) -> JourneyEvent {
    event(id, day(900), EventRetracted { event: EventId::from_u128(target), reason: None })
}

#[test]
fn a_late_event_gives_what_the_right_order_gives() {
    let (first, second, third) =
        (placed("o1", 1, day(0), "1"), placed("o2", 2, day(100), "1"), placed("o3", 3, day(300), "1"));
    let in_order = fold_events(&[first.clone(), second.clone(), third.clone()]);
    let late = fold(&[batch(&[first, third]), batch(&[second])]);
    assert_eq!(export(&late), export(&in_order));
}

#[test]
fn a_second_refold_of_a_long_history_starts_at_the_checkpoint_before() {
    let history: Vec<_> =
        (0..4000).map(|number| placed(&format!("o{number}"), number, day(number as u32), "1")).collect();
    let late = [placed("late", 5000, day(2500).next(), "1"), placed("later", 5001, day(2900).next(), "1")];
    let batches = [batch(&history), batch(&late[..1]), batch(&late[1..])];
    let mut fold = Fold::new(&projections());
    let _ = fold.apply(&batches[..1]);
    let applied = fold.apply(&batches[1..2]);
    assert_eq!(applied.refolds[0].after, None, "a history that came in order has no checkpoints");
    fold.refold(&applied.refolds[0], &batches[..2]);
    let applied = fold.apply(&batches[2..]);
    let after = OrderKey { occurred_at: day(1999), ..batches[0].event(1999).order_key() };
    assert_eq!(applied.refolds[0].after, Some(after), "checkpoints lie behind events 2,000 and 3,024");
    fold.refold(&applied.refolds[0], &batches);
    let all: Vec<_> = history.into_iter().chain(late).collect();
    assert_eq!(export(&fold), export(&fold_events(&all)));
}

#[test]
fn a_customer_that_waits_for_its_history_is_not_answered() {
    let mut fold = Fold::new(&projections());
    let _ = fold.apply(&[batch(&[placed("o1", 1, day(9), "1")])]);
    let applied = fold.apply(&[batch(&[placed("o2", 2, day(3), "1")])]);
    assert_eq!(applied.refolds.len(), 1);
    let error = fold.view(&ada(), day(10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRefolded);
    assert_eq!(error.to_string(), "customer ada: waits for a refold; call refold with its history");
    assert!(fold.export(&mut Vec::new()).is_err());
}

#[test]
fn a_retraction_leaves_its_target_out_wherever_it_stands() {
    let (order, other) = (placed("o1", 1, day(0), "1"), placed("o2", 2, day(1), "1"));
    let without = export(&fold_events(std::slice::from_ref(&other)));
    let after = fold(&[batch(&[order.clone(), other.clone()]), batch(&[retract(3, 1)])]);
    let before = fold(&[batch(&[retract(3, 1)]), batch(&[order.clone(), other.clone()])]);
    let together = fold_events(&[order.clone(), retract(3, 1), other.clone()]);
    for fold in [after, before, together] {
        assert_eq!(export(&fold), without);
    }
    let of_a_retraction = fold_events(&[order.clone(), other.clone(), retract(3, 1), retract(4, 3)]);
    assert_eq!(export(&of_a_retraction), without, "a retraction cannot be retracted");
    let mut foreign = retract(3, 1);
    foreign.customer.customer = wayfold_core::CustomerId::new("bob").unwrap();
    assert_eq!(
        export(&fold_events(&[order.clone(), other.clone(), foreign])),
        export(&fold_events(&[order, other]))
    );
}

#[test]
fn a_customer_whose_every_event_is_retracted_is_not_there() {
    let fold = fold(&[batch(&[event(1, day(0), Registered {})]), batch(&[retract(2, 1)])]);
    assert_eq!(fold.view(&ada(), day(1)).unwrap(), None);
    assert!(fold.customers().is_empty());
    assert_eq!(export(&fold), "");
}

#[test]
fn events_beyond_the_instant_wait_until_it_comes() {
    let batches =
        [batch(&[placed("o1", 1, day(0), "1"), placed("o2", 2, day(5), "1"), placed("o3", 3, day(9), "1")])];
    let mut fold = Fold::new(&projections()).with_as_of(day(5).previous());
    let applied = fold.apply(&batches);
    assert_eq!((applied.folded, applied.scheduled), (1, 2));
    assert!(fold.view(&ada(), day(5)).is_err(), "beyond the fold's instant");
    for (until, purchases) in [(day(5), 2), (day(8), 2), (Timestamp::MAX, 3)] {
        for refold in fold.advance_to(until).unwrap() {
            fold.refold(&refold, &batches);
        }
        assert_eq!(fold.view(&ada(), until).unwrap().unwrap().lifecycle.purchases, purchases);
    }
    assert_eq!(fold.advance_to(day(8)).unwrap_err().kind(), ErrorKind::InvalidTime);
}

/// A refold that read further than what was applied once made the next event count twice.
#[test]
fn an_event_that_a_refold_brought_already_is_folded_once() {
    let orders: Vec<_> = [(1, 0), (2, 10), (3, 5), (4, 20)]
        .map(|(id, number)| batch(&[placed(&format!("o{id}"), id, day(number), "1")]))
        .to_vec();
    let mut fold = Fold::new(&projections());
    let _ = fold.apply(&orders[..2]);
    let late = fold.apply(&orders[2..3]);
    fold.refold(&late.refolds[0], &orders);
    let again = fold.apply(&orders[3..]);
    assert_eq!(again.refolds.len(), 1, "what comes again refolds");
    fold.refold(&again.refolds[0], &orders);
    assert_eq!(export(&fold), export(&super::support::fold(&orders)));
    assert_eq!(fold.view(&ada(), day(20)).unwrap().unwrap().value.purchases, 4);
}

/// Of two refolds that were asked for one after the other, the first once lost the events before its start.
#[test]
fn a_refold_that_starts_too_late_is_passed_over() {
    let history: Vec<_> = (0..2000).map(|id| placed(&format!("o{id}"), id, day(id as u32), "1")).collect();
    let late = [(3000, 1900), (3001, 1800), (3002, 3)]
        .map(|(id, at)| placed(&format!("l{id}"), id, day(at).next(), "1"));
    let batches = [batch(&history), batch(&late[..1]), batch(&late[1..2]), batch(&late[2..])];
    let mut fold = Fold::new(&projections());
    let _ = fold.apply(&batches[..1]);
    let applied = fold.apply(&batches[1..2]);
    fold.refold(&applied.refolds[0], &batches[..2]);
    let first = fold.apply(&batches[2..3]);
    let second = fold.apply(&batches[3..]);
    fold.refold(&first.refolds[0], &batches);
    assert!(first.refolds[0].after > second.refolds[0].after);
    assert_eq!(fold.view(&ada(), day(2100)).unwrap_err().kind(), ErrorKind::NotRefolded);
    fold.refold(&second.refolds[0], &batches);
    assert_eq!(fold.view(&ada(), day(2100)).unwrap().unwrap().value.purchases, 2003);
}

/// The end of time once fell between what is due and what is later, and its events were never folded.
#[test]
fn an_event_at_the_end_of_time_falls_due_there() {
    let batches = [batch(&[placed("o1", 1, Timestamp::MAX, "1")])];
    let mut fold = Fold::new(&projections()).with_as_of(day(0));
    assert_eq!(fold.apply(&batches).scheduled, 1);
    for refold in fold.advance_to(Timestamp::MAX).unwrap() {
        fold.refold(&refold, &batches);
    }
    let view = fold.view(&ada(), Timestamp::MAX).unwrap().unwrap();
    assert_eq!(
        (view.lifecycle.purchases, view.holds_until),
        (1, None),
        "after the end of time nothing changes"
    );
}

#[test]
fn an_instant_before_the_last_event_needs_a_fold_of_its_own() {
    let fold = fold_events(&[placed("o1", 1, day(0), "1"), placed("o2", 2, day(5), "1")]);
    let error = fold.view(&ada(), day(4)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "customer ada: is folded up to 2024-01-06T00:00:00Z; fold its history up to 2024-01-05T00:00:00Z to ask as \
         of then"
    );
    assert!(fold.view(&ada(), day(5)).unwrap().is_some(), "events at exactly the instant are included");
}

#[test]
fn ties_go_by_sequence_then_rank_then_id() {
    let refund = about("o1", 1, day(0), Refunded { amount: eur("1"), reason: None });
    let order = placed("o1", 2, day(0), "1");
    let key = |event: &JourneyEvent| EventBatch::from_events([event]).unwrap().event(0).order_key();
    assert!(key(&order) < key(&refund), "an order causes its refund");
    assert!(key(&order.clone().with_sequence(1)) > key(&refund), "the source's order comes first");
    assert!(key(&placed("o1", 3, day(0), "1")) > key(&order));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Where ids are read when somebody looks, the fold knows the place of the last event but for its id.
    #[test]
    fn ties_are_folded_in_their_order_whether_ids_are_at_hand_or_not(
        orders in proptest::collection::vec((0_u32..3, 0_u32..2), 1..600),
        (shuffled, cut, are_at_hand) in (any::<u64>(), 1_usize..300, proptest::collection::vec(any::<bool>(), 4)),
    ) {
        let mut events: Vec<_> = (1..).zip(orders).map(|(id, (at, sequence))| {
            let mut order = placed(&format!("o{id}"), id, day(at), "1");
            order.sequence = sequence;
            order
        }).collect();
        let whole = export(&fold_events(&events));
        events.sort_by_key(|event| event.id.as_u128().wrapping_mul(u128::from(shuffled | 1)) % 1_009);
        let batches: Vec<_> = events.chunks(cut).zip(are_at_hand.iter().cycle()).map(|(events, is_at_hand)| {
            let batch = batch(events);
            match is_at_hand {
                true => batch,
                false => EventBatch::picked(&[batch].into(), (0..events.len() as u32).map(|row| (0, row)).collect()),
            }
        }).collect();
        prop_assert_eq!(export(&fold(&batches)), whole);
    }
}

#[test]
fn shards_share_the_customers_and_answer_alike() {
    let events: Vec<_> = (0..50)
        .map(|number| {
            let mut event = placed(&format!("o{number}"), number, day(number as u32), "1");
            event.customer = wayfold_core::CustomerKey::new(format!("c{}", number % 7)).unwrap();
            event
        })
        .collect();
    let batch = batch(&events);
    let whole = fold(std::slice::from_ref(&batch));
    let mut seen = 0;
    for index in 0..3 {
        let mut shard = Fold::new(&projections()).with_shard(index, 3);
        let _ = shard.apply(std::slice::from_ref(&batch));
        for key in shard.customers() {
            assert_eq!(shard.view(&key, day(60)).unwrap(), whole.view(&key, day(60)).unwrap());
            seen += 1;
        }
    }
    assert_eq!(seen, 7);
}

/// Keeps whatever state it is given the type of.
struct Keeps<S>(u32, std::marker::PhantomData<fn() -> S>);

impl<S> Projection for Keeps<S>
where
    S: Clone + Default + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + From<u8> + 'static,
{
    type State = S;
    type View = ();

    fn name(&self) -> &str {
        "keeps"
    }

    fn version(&self) -> u32 {
        self.0
    }

    fn evolve(&self, state: &mut S, _event: &EventView<'_>) {
        *state = 7.into();
    }

    fn view(&self, _state: &S, _customer: &CustomerAt<'_>) {}

    fn holds_until(&self, _state: &S, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

#[test]
fn a_state_with_a_float_is_not_exported() {
    let mut set = projections();
    set.register(Keeps::<f64>(1, std::marker::PhantomData)).unwrap();
    let mut fold = Fold::new(&set);
    let _ = fold.apply(&[batch(&[event(1, day(0), Registered {})])]);
    let error = fold.export(&mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot export: state of projection \"keeps\": it holds a float; keep whole numbers"
    );
}

#[test]
fn two_versions_of_a_projection_stand_side_by_side_and_one_does_not_twice() {
    let mut set = projections();
    set.register(Keeps::<u64>(1, std::marker::PhantomData)).unwrap();
    set.register(Keeps::<u64>(2, std::marker::PhantomData)).unwrap();
    let error = set.register(Keeps::<u64>(2, std::marker::PhantomData)).unwrap_err();
    assert_eq!(error.to_string(), "projection \"keeps\" version 2 is registered; count its version up");
    let mut fold = Fold::new(&set);
    let _ = fold.apply(&[batch(&[event(1, day(0), Registered {})])]);
    assert!(export(&fold).contains(r#""keeps@1":7,"keeps@2":7"#));
    assert_eq!(fold.view(&ada(), day(0)).unwrap().unwrap().lifecycle.stage, LifecycleStage::Prospect);
}

/// Batches in the order of a sealed log, with a customer in several of them: what is told of it is told of all that came.
#[test]
fn a_customer_of_several_batches_is_told_of_once() {
    let events = |ids: std::ops::Range<u32>| -> Vec<JourneyEvent> {
        ids.map(|id| placed(&format!("o{id}"), id.into(), day(id), "10")).collect()
    };
    let step = |batches: &[EventBatch]| {
        let mut teller = Teller::new(Fold::new(&projections()).with_as_of(day(0)), Position::START).unwrap();
        batches.iter().for_each(|batch| assert!(!batch.spreads().is_empty(), "the spreads are known"));
        let refolds = teller.step(batches, Position::from_bytes([1; 16]), day(400)).unwrap();
        assert!(refolds.is_empty());
        teller.take()
    };
    let told = step(&[batch(&events(1..4)), batch(&events(4..7))]);
    assert_eq!(told, step(&[batch(&events(1..7))]));
    assert!(told.iter().all(|told| matches!(told, Told::Fact(_))), "nothing is taken back");
}
