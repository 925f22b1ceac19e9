//! Stored events of older shapes, read in today's.

use pollster::block_on;
use wayfold_core::{
    AttributeName, Custom, CustomKind, EventBatch, EventKind, JourneyEvent, Position, Stage, Upcasters,
};
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{
    AppendCondition, AppendOutcome, ErrorKind, EventFilter, EventStore, EventStoreExt, KindFilter, ReadQuery,
};

use super::support::{Folder, append, append_if, batch, event, ids, registered};

/// The shop is an attribute `shop` in version 1, and `store` in version 2.
fn visited(id: u128, version: u16, shop: &str) -> JourneyEvent {
    let body = Custom { name: CustomKind::new("store_visited").unwrap(), stage: None, amount: None };
    let name = AttributeName::new(if version == 1 { "shop" } else { "store" }).unwrap();
    event(id, "ada", body).with_schema_version(version).with_attribute(name, shop)
}

fn renamed() -> Upcasters {
    let rename = |event: &mut wayfold_core::RawFields| Ok(event.rename_attribute("shop", "store")?);
    Upcasters::builder().step("custom:store_visited", 1, 2, rename).build().unwrap()
}

fn stored(folder: &Folder, events: &[JourneyEvent]) {
    assert!(matches!(append(&folder.open(), events), Ok(AppendOutcome::Appended { .. })));
}

fn all(store: &SqliteStore) -> Vec<JourneyEvent> {
    let batches = block_on(store.read_all(EventFilter::all())).unwrap();
    let mut events: Vec<_> = batches.iter().flat_map(EventBatch::to_events).collect();
    events.iter_mut().for_each(|event| (event.recorded_at, event.position) = (None, None));
    events
}

#[test]
fn what_is_stored_stays_and_readers_get_what_it_means_today() {
    let folder = Folder::new();
    let old = [visited(1, 1, "north"), registered(2, "ada"), visited(3, 1, "south")];
    stored(&folder, &old);
    for is_sealed in [false, true] {
        let store = folder.open().with_upcasters(renamed());
        let today = [visited(1, 2, "north"), registered(2, "ada"), visited(3, 2, "south")];
        assert_eq!(all(&store), today, "sealed: {is_sealed}");
        // Whoever tries again has the old program or the new one.
        for again in [&old, &today] {
            assert!(matches!(append(&store, again), Ok(AppendOutcome::AlreadyTaken { .. })));
        }
        let error = append(&store, &[visited(3, 2, "elsewhere")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IdReused);
        store.close().unwrap();
        let store = folder.open();
        assert_eq!(all(&store), old, "sealed: {is_sealed}");
        store.compact().unwrap();
    }
}

#[test]
fn a_condition_looks_at_events_as_they_are_read() {
    let folder = Folder::new();
    stored(&folder, &[visited(1, 1, "north")]);
    let to_stage = Upcasters::builder()
        .step("custom:store_visited", 1, 2, |event| Ok(event.set_field("stage", &Stage::Information)?))
        .build()
        .unwrap();
    let kind = |kind: EventKind| EventFilter::all().with_kind(KindFilter::Kind(kind));
    for _ in ["fresh", "sealed"] {
        let store = folder.open().with_upcasters(to_stage.clone());
        let append_if = |filter| {
            let condition = AppendCondition { filter, after: Position::START };
            block_on(store.append(batch(&[]), Some(condition))).unwrap()
        };
        let informs = append_if(kind(EventKind::CustomInformation));
        assert!(matches!(informs, AppendOutcome::Conflict { .. }));
        let neutral = append_if(kind(EventKind::CustomNeutral));
        assert!(matches!(neutral, AppendOutcome::Appended { new: 0, .. }));
        store.compact().unwrap();
    }
}

#[test]
fn a_step_that_refuses_what_is_stored_is_named_and_appends_go_on() {
    let folder = Folder::new();
    stored(&folder, &[visited(1, 1, "north")]);
    let refuses = Upcasters::builder()
        .step("custom:store_visited", 1, 2, |_| Err("the shop is gone".into()))
        .build()
        .unwrap();
    let store = SqliteStore::open(folder.file(), SqliteConfig::default()).unwrap().with_upcasters(refuses);
    let error = block_on(store.read_all(EventFilter::all())).unwrap_err();
    assert!(error.to_string().contains("the shop is gone"), "{error}");
    assert!(error.to_string().contains(&visited(1, 1, "north").id.to_string()), "{error}");
    assert!(matches!(append(&store, &[registered(2, "ada")]), Ok(AppendOutcome::Appended { .. })));
    assert!(matches!(append(&store, &[visited(1, 1, "north")]), Ok(AppendOutcome::AlreadyTaken { .. })));
}

/// A program that knew the kind up to version 2 copied an event of version 3 from log to log. It sealed the copy under
/// the bare name of users' own kinds, and a program that knows version 3 was told that no such event stands there.
#[test]
fn a_kind_that_was_too_new_when_it_was_sealed_is_found_by_its_name() {
    let (origin, copy) = (Folder::new(), Folder::new());
    stored(&origin, &[visited(1, 3, "north")]);
    let older = origin.open().with_upcasters(renamed());
    let page = block_on(older.read(ReadQuery::all(), Position::START, 9)).unwrap();
    assert_eq!(page.batch.event(0).kind(), EventKind::Unknown);
    let store = copy.open();
    assert!(block_on(store.append(page.batch, None)).is_ok());
    store.compact().unwrap();
    for filter in [
        EventFilter::all().with_kind(CustomKind::new("store_visited").unwrap()),
        EventFilter::all().with_kind(EventKind::CustomNeutral),
    ] {
        assert_eq!(ids(&store, filter.clone()), [1], "{filter:?}");
        let conflict = append_if(&store, &[registered(2, "ada")], filter, Position::START).unwrap();
        assert!(matches!(conflict, AppendOutcome::Conflict { .. }), "{conflict:?}");
    }
}
