//! Snapshots: what is restored goes on as what was saved, and what no fold saved is refused.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use wayfold_core::bodies::{
    Delivered, EventRetracted, NeedIdentified, OrderCancelled, PaymentReceived, Refunded, Registered, Shipped,
};
use wayfold_core::{
    Amount, Currency, CustomerAt, CustomerKey, ErrorKind, EventBatch, EventId, EventKind, EventView, Fold,
    JourneyEvent, Money, PartEntry, Projection, ProjectionSet, Refold, Rules, Snapshot, SnapshotPart, Span,
    Timestamp,
};

use super::packed::{NO_KIND, Packed, spread_of};
use super::support::{about, ada, batch, day, eur, event, export, fold, journey, placed, projections};

pub(crate) fn save(shards: &[Fold]) -> Vec<SnapshotPart> {
    Snapshot::of(shards).unwrap().collect::<Result<_, _>>().unwrap()
}

pub(crate) fn save_one(fold: &Fold) -> Vec<u8> {
    let [part] = <[SnapshotPart; 1]>::try_from(save(std::slice::from_ref(fold))).unwrap();
    part.bytes
}

pub(crate) fn restore(parts: &[SnapshotPart], set: &ProjectionSet, as_of: Timestamp) -> Fold {
    let mut fold = Fold::new(set).with_as_of(as_of);
    for part in parts {
        assert_eq!(fold.restore_part(&part.bytes).unwrap() as u64, part.entry.customers);
    }
    fold
}

/// Asserts that two folds hold the same and answer alike.
#[track_caller]
pub(crate) fn check_equal(one: &Fold, other: &Fold) {
    assert_eq!(export(one), export(other));
    for key in one.customers() {
        assert_eq!(one.view(&key, one.as_of()).unwrap(), other.view(&key, one.as_of()).unwrap());
    }
    assert_eq!(save(std::slice::from_ref(one)), save(std::slice::from_ref(other)));
}

pub(crate) fn of(customer: &str, mut event: JourneyEvent) -> JourneyEvent {
    event.customer = CustomerKey::new(customer).unwrap();
    event
}

fn retraction(id: u128, target: u128) -> JourneyEvent {
    event(id, day(900), EventRetracted { event: EventId::from_u128(target), reason: None })
}

/// A history that fills every part of the built-in states, with an event in the future of its fold.
pub(crate) fn history() -> Vec<JourneyEvent> {
    let mut events = vec![
        journey(event(1, day(0), NeedIdentified { category: None }), "j1"),
        journey(placed("o1", 2, day(1), "100.5"), "j1"),
        about("o1", 3, day(2), Shipped { promised_at: Some(day(5)) }),
        about("o1", 4, day(4), Delivered {}),
        about("o1", 5, day(6), Refunded { amount: eur("0.5"), reason: None }),
        event(6, day(7), Refunded { amount: eur("9"), reason: None }),
        event(7, day(7), PaymentReceived { amount: Some(eur("922337203685477.5807")) }),
        placed("o1", 8, day(8), "1"),
        about("o2", 9, day(8), OrderCancelled { reason: None }),
        journey(event(10, day(9), NeedIdentified { category: None }), "j1"),
        placed("o3", 11, day(200), "0"),
        placed("o4", 12, day(2_000), "5"),
        retraction(13, 99),
        of("bob", placed("o1", 14, day(3_000), "7")),
        of("cy", retraction(15, 16)),
    ];
    events.extend((0..40).map(|id| placed(&format!("many{id:02}"), 100 + id, day(300 + id as u32), "1.25")));
    events
}

pub(crate) const AS_OF: u32 = 1_000;

pub(crate) fn saved_fold() -> Fold {
    let mut fold = Fold::new(&projections()).with_as_of(day(AS_OF));
    assert!(fold.apply(&[batch(&history())]).refolds.is_empty());
    fold
}

pub(crate) fn refold(fold: &mut Fold, refolds: &[Refold], history: &[EventBatch]) {
    for each in refolds {
        fold.refold(each, history);
    }
}

#[test]
fn what_is_restored_is_what_was_saved() {
    let fold = saved_fold();
    let restored = restore(&save(std::slice::from_ref(&fold)), &projections(), day(AS_OF));
    check_equal(&fold, &restored);
    assert_eq!(restored.customers(), [ada()], "of the two others nothing is folded");
    assert!(save(&[Fold::new(&projections())]).is_empty());
}

#[test]
fn scheduled_events_and_retractions_are_restored_too() {
    let (first, late) = (batch(&history()), batch(&[of("cy", placed("o1", 16, day(1), "1"))]));
    let mut fold = restore(&save(&[saved_fold()]), &projections(), day(AS_OF));
    assert_eq!(fold.apply(std::slice::from_ref(&late)).folded, 0, "it was retracted before it came");
    let batches = [first, late];
    let due = fold.advance_to(Timestamp::MAX).unwrap();
    assert_eq!(due.len(), 2);
    refold(&mut fold, &due, &batches);
    check_equal(&fold, &super::support::fold(&batches));
}

#[test]
fn a_late_event_after_a_restore_refolds_the_whole_history() {
    let mut projections = projections();
    projections.keep_checkpoints_every(256);
    let early: Vec<_> = (0..600).map(|id| placed(&format!("o{id:03}"), id, day(id as u32), "1")).collect();
    let more: Vec<_> = (600..900).map(|id| placed(&format!("o{id:03}"), id, day(id as u32), "1")).collect();
    let late = [placed("late", 5_000, day(500).next(), "1"), placed("later", 5_001, day(870).next(), "1")];
    let batches = [batch(&early), batch(&more), batch(&late[..1]), batch(&late[1..])];
    let mut restored = restore(&save(&[fold(&batches[..1])]), &projections, Timestamp::MAX);
    assert_eq!(restored.apply(&batches[1..2]).folded, 300);
    let refolds = restored.apply(&batches[2..3]).refolds;
    assert_eq!(refolds[0].after, None, "the checkpoints lie behind what was restored");
    refold(&mut restored, &refolds, &batches[..3]);
    let refolds = restored.apply(&batches[3..]).refolds;
    assert!(refolds[0].after.is_some(), "a refold makes checkpoints anew");
    refold(&mut restored, &refolds, &batches);
    check_equal(&restored, &fold(&batches));
}

#[test]
fn a_fold_with_a_customer_that_waits_for_a_refold_is_not_saved() {
    let mut fold = Fold::new(&projections());
    let _ = fold.apply(&[batch(&[placed("o1", 1, day(9), "1")])]);
    let _ = fold.apply(&[batch(&[placed("o2", 2, day(3), "1")])]);
    let error = Snapshot::of(std::slice::from_ref(&fold)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRefolded);
    assert_eq!(error.to_string(), "customer ada: waits for a refold; call refold with its history");
}

fn crowd() -> EventBatch {
    let name = |number: u128| format!("c{}", number % 300);
    let events: Vec<_> = (0..1_000).map(|id| of(&name(id), placed("o1", id, day(id as u32), "1"))).collect();
    batch(&events)
}

fn sharded(batch: &EventBatch, shards: usize) -> Vec<Fold> {
    let shard = |index| {
        let mut fold = Fold::new(&projections()).with_shard(index, shards);
        let _ = fold.apply(std::slice::from_ref(batch));
        fold
    };
    (0..shards).map(shard).collect()
}

#[test]
fn parts_do_not_depend_on_the_number_of_shards() {
    let crowd = crowd();
    let parts = |shards: usize| -> Vec<SnapshotPart> {
        let folds = sharded(&crowd, shards);
        Snapshot::of(&folds).unwrap().with_part_bytes_max(10_000).map(Result::unwrap).collect()
    };
    let whole = parts(1);
    assert!(whole.len() > 5);
    assert!(whole.iter().all(|part| part.entry.bytes <= 10_000));
    assert!(whole.windows(2).all(|pair| pair[0].entry.last < pair[1].entry.first));
    for shards in 2..6 {
        assert_eq!(parts(shards), whole);
    }
    for (index, fold) in sharded(&crowd, 3).iter().enumerate() {
        let mut restored = Fold::new(&projections()).with_shard(index, 3);
        let taken: usize = whole.iter().map(|part| restored.restore_part(&part.bytes).unwrap()).sum();
        assert_eq!(taken, fold.customers().len());
        check_equal(fold, &restored);
    }
}

#[test]
fn a_part_in_which_nobody_changed_stays_as_it_was() {
    let parts = |fold: &Fold| -> Vec<SnapshotPart> {
        let snapshot = Snapshot::of(std::slice::from_ref(fold)).unwrap();
        snapshot.with_part_bytes_max(10_000).map(Result::unwrap).collect()
    };
    let mut fold = fold(&[crowd()]);
    let before = parts(&fold);
    let _ = fold.apply(&[batch(&[of("c7", placed("o2", 5_000, day(2_000), "1"))])]);
    let after = parts(&fold);
    let same = before.iter().filter(|part| after.contains(part)).count();
    assert!(same + 2 >= before.len(), "{same} of {}", before.len());
    assert_ne!(before, after);
}

#[test]
fn one_customer_is_found_in_one_part_whatever_the_others_hold() {
    let fold = fold(&[crowd()]);
    let parts: Vec<SnapshotPart> = Snapshot::of(std::slice::from_ref(&fold))
        .unwrap()
        .with_part_bytes_max(10_000)
        .map(Result::unwrap)
        .collect();
    let directory: Vec<PartEntry> = parts.iter().map(|part| part.entry).collect();
    let json = serde_json::to_string(&directory).unwrap();
    assert_eq!(serde_json::from_str::<Vec<PartEntry>>(&json).unwrap(), directory);
    for key in fold.customers() {
        let held: Vec<_> = parts.iter().filter(|part| part.entry.may_hold(&key)).collect();
        assert_eq!(held.len(), 1);
        let mut packed = Packed::read(&held[0].bytes);
        for (_, others) in packed.customers.iter_mut().filter(|(spread, _)| *spread != spread_of(&key)) {
            others.fill(NO_KIND);
        }
        let part = packed.write();
        let mut one = Fold::new(&projections());
        assert!(one.restore_customer(&part, &key).unwrap());
        assert_eq!(one.view(&key, day(1_000)).unwrap(), fold.view(&key, day(1_000)).unwrap());
        assert_eq!(one.customers(), std::slice::from_ref(&key));
        assert!(!one.restore_customer(&part, &CustomerKey::new("nobody").unwrap()).unwrap());
        assert!(one.restore_part(&part).is_err() || held[0].entry.customers == 1);
        assert_eq!(one.customers(), [key], "a refused part changes nothing");
    }
}

#[track_caller]
fn check_differs(set: &ProjectionSet, part: &[u8], message: &str) {
    let error = Fold::new(set).with_as_of(day(AS_OF)).restore_part(part).unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!(error.kind(), ErrorKind::StatesDiffer);
}

#[test]
fn states_that_mean_something_else_are_refused() {
    let part = save_one(&saved_fold());
    let mut rules = Rules::default();
    rules.segment.at_risk_after_days = 91;
    check_differs(
        &ProjectionSet::new(rules).unwrap(),
        &part,
        "the states of the snapshot mean something else: rule segment.at_risk_after_days is 90 there and 91 here; \
         fold the log instead",
    );
    let mut more = projections();
    more.register(Keeps::<u64>::new(3)).unwrap();
    check_differs(
        &more,
        &part,
        "the states of the snapshot mean something else: the projections are journey@1, lifecycle@1, segment@1, \
         value@1 there and journey@1, lifecycle@1, segment@1, value@1, keeps@3 here; fold the log instead",
    );
    let mut newer = Packed::read(&part);
    newer.head = newer.head.replacen("\"version\":2", "\"version\":3,\"new\":0", 1);
    check_differs(
        &projections(),
        &newer.write(),
        "the snapshot has format version 3, and this program reads 1 to 2; fold the log instead",
    );
    let error = Fold::new(&projections()).restore_part(&part).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTime);
}

/// Keeps whatever it is told to.
pub(crate) struct Keeps<S>(u32, PhantomData<fn() -> S>);

impl<S> Keeps<S> {
    pub(crate) fn new(version: u32) -> Self {
        Self(version, PhantomData)
    }
}

pub(crate) trait Learns:
    Clone + Default + Serialize + serde::de::DeserializeOwned + Send + Sync + 'static
{
    fn learn(&mut self, event: &EventView<'_>);
}

impl Learns for u64 {
    fn learn(&mut self, _: &EventView<'_>) {
        *self += 1;
    }
}

impl Learns for f64 {
    fn learn(&mut self, _: &EventView<'_>) {
        *self += 1.0;
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Rich {
    by_day: BTreeMap<i64, Option<Seen>>,
    last: Option<(Timestamp, String)>,
    sum: i128,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tagged: Vec<Tagged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<EventId>,
    #[serde(flatten)]
    more: BTreeMap<String, Untagged>,
    at: BTreeMap<Timestamp, [u8; 2]>,
}

#[derive(Clone, Serialize, Deserialize)]
enum Seen {
    Nothing,
    Order { id: String },
    Other(Vec<String>),
}

/// serde reads these from a copy that passes for a document.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Tagged {
    Seen { at: Timestamp, id: EventId, span: Span },
    Paid(Money),
    Left,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    At { at: Timestamp },
    Amount(Amount, Currency, CustomerKey),
    Value(serde_json::Value),
}

impl Learns for Rich {
    fn learn(&mut self, event: &EventView<'_>) {
        let seen = match (event.order(), event.kind()) {
            (Some(id), _) => Some(Seen::Order { id: id.to_owned() }),
            (None, EventKind::NeedIdentified) => Some(Seen::Nothing),
            (None, EventKind::PaymentReceived) => None,
            (None, kind) => Some(Seen::Other(vec![kind.name().to_owned(), "\n\"\u{2028}".to_owned()])),
        };
        self.by_day.insert(event.occurred_at().as_micros() / 86_400_000_000, seen);
        self.last = Some((event.occurred_at(), event.kind().name().to_owned()));
        self.sum -= i128::from(i64::MAX);
        self.first.get_or_insert(event.id());
        self.at.insert(event.occurred_at(), [0, 255]);
        let (at, id, money) = (event.occurred_at(), event.id(), eur("-12.5"));
        self.tagged.extend([
            Tagged::Seen { at, id, span: Span::from_days(1) },
            Tagged::Paid(money),
            Tagged::Left,
        ]);
        let amount = Untagged::Amount(money.amount, money.currency, ada());
        let value = Untagged::Value(serde_json::json!([null, {"a": [-1, true, "b"]}]));
        let more = [("at", Untagged::At { at }), ("amount", amount), ("value", value)];
        self.more.extend(more.map(|(name, value)| (format!("{name} {}", event.kind().name()), value)));
    }
}

/// Keeps the text of JSON, which only serde_json reads.
#[derive(Clone, Serialize, Deserialize)]
struct Text(Box<serde_json::value::RawValue>);

impl Default for Text {
    fn default() -> Self {
        Self(serde_json::from_str("[\n]").unwrap())
    }
}

impl Learns for Text {
    fn learn(&mut self, _: &EventView<'_>) {}
}

impl<S: Learns> Projection for Keeps<S> {
    type State = S;
    type View = S;

    fn name(&self) -> &str {
        "keeps"
    }

    fn version(&self) -> u32 {
        self.0
    }

    fn evolve(&self, state: &mut S, event: &EventView<'_>) {
        state.learn(event);
    }

    fn view(&self, state: &S, _customer: &CustomerAt<'_>) -> S {
        state.clone()
    }

    fn holds_until(&self, _state: &S, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

#[test]
fn own_states_are_restored() {
    let mut set = projections();
    set.register(Keeps::<Rich>::new(1)).unwrap();
    set.register(Keeps::<u64>::new(2)).unwrap();
    let mut fold = Fold::new(&set).with_as_of(day(AS_OF));
    let _ = fold.apply(&[batch(&history())]);
    let mut restored = restore(&save(std::slice::from_ref(&fold)), &set, day(AS_OF));
    check_equal(&fold, &restored);
    let more = [batch(&[event(9_000, day(AS_OF), Registered {})])];
    for fold in [&mut fold, &mut restored] {
        assert_eq!(fold.apply(&more).folded, 1);
    }
    check_equal(&fold, &restored);
}

#[track_caller]
fn check_not_saved<S: Learns>(message: &str) {
    let mut set = projections();
    set.register(Keeps::<S>::new(1)).unwrap();
    let mut fold = Fold::new(&set);
    let _ = fold.apply(&[batch(&[event(1, day(0), Registered {})])]);
    let error = Snapshot::of(std::slice::from_ref(&fold)).unwrap().next().unwrap().unwrap_err();
    assert_eq!((error.to_string().as_str(), error.kind()), (message, ErrorKind::InvalidProjection));
}

#[test]
fn states_that_a_part_cannot_hold_are_not_saved() {
    check_not_saved::<f64>(
        "cannot save: customer ada: state of projection \"keeps\": it holds a float; keep whole numbers",
    );
    check_not_saved::<Text>(
        "cannot save: customer ada: state of projection \"keeps\": it holds JSON as text; keep a String",
    );
}

fn empty_shards(as_of: Timestamp, of: usize) -> Vec<Fold> {
    (0..of).map(|index| Fold::new(&projections()).with_as_of(as_of).with_shard(index, of)).collect()
}

/// Applies the last of some batches and does the refolds that it asks for.
fn step(folds: &mut [Fold], batches: &[EventBatch]) {
    for fold in folds {
        let refolds = fold.apply(&batches[batches.len() - 1..]).refolds;
        refold(fold, &refolds, batches);
    }
}

/// The export of several shards: their lines by key, which stands in front.
fn export_all(folds: &[Fold]) -> String {
    let mut lines = BTreeMap::new();
    for fold in folds {
        lines.extend(fold.customers().into_iter().zip(export(fold).split_inclusive('\n').map(str::to_owned)));
    }
    lines.into_values().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_restored_fold_goes_on_as_the_one_that_was_saved(
        events in vec(super::roundtrip::event(), 1..60),
        customers in vec(0..6_u8, 60),
        cuts in (any::<proptest::sample::Index>(), any::<proptest::sample::Index>()),
        as_of in 0..4_000_000_000_000_000_i64,
        shards in (1..4_usize, 1..4_usize),
        part_bytes_max in 0..20_000_usize,
    ) {
        let valid = events.into_iter().filter(|event| event.validate().is_ok());
        let events: Vec<_> = valid.zip(customers).map(|(event, number)| of(&format!("c{number}"), event)).collect();
        let (one, other) = (cuts.0.index(events.len() + 1), cuts.1.index(events.len() + 1));
        let (first, last) = (one.min(other), one.max(other));
        let batches = [&events[..first], &events[first..last], &events[last..]].map(batch);
        let as_of = Timestamp::from_micros(as_of).unwrap();

        let mut saved = empty_shards(as_of, shards.0);
        step(&mut saved, &batches[..1]);
        step(&mut saved, &batches[..2]);
        let snapshot = Snapshot::of(&saved).unwrap().with_part_bytes_max(part_bytes_max);
        let parts: Vec<SnapshotPart> = snapshot.map(Result::unwrap).collect();
        let mut restored = empty_shards(as_of, shards.1);
        for fold in &mut restored {
            parts.iter().for_each(|part| assert!(fold.restore_part(&part.bytes).is_ok()));
        }
        step(&mut restored, &batches);
        for fold in &mut restored {
            let due = fold.advance_to(Timestamp::MAX).unwrap();
            refold(fold, &due, &batches);
        }

        let whole = [fold(&batches)];
        prop_assert_eq!(save(&restored), save(&whole));
        prop_assert_eq!(export_all(&restored), export_all(&whole));
    }
}
