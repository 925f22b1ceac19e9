//! Stored events of older shapes, read in today's.

use pollster::block_on;
use wayfold_core::{
    AttributeName, Custom, CustomKind, EventKind, JourneyEvent, Position, RawFields, Upcasters,
};
use wayfold_postgres::PostgresStore;
use wayfold_store::{AppendOutcome, ErrorKind, EventFilter, EventStore, ReadQuery};
use wayfold_testkit::PostgresServer;

use super::support::{append, append_if, config, event, find, ids, open, put, registered, server};

/// The shop is an attribute `shop` in version 1, and `store` in version 2.
fn visited(id: u128, version: u16, shop: &str) -> JourneyEvent {
    let body = Custom { name: CustomKind::new("store_visited").unwrap(), stage: None, amount: None };
    let name = AttributeName::new(if version == 1 { "shop" } else { "store" }).unwrap();
    event(id, "ada", body).with_schema_version(version).with_attribute(name, shop)
}

fn lifting(server: &PostgresServer) -> PostgresStore {
    let rename = |event: &mut RawFields| Ok(event.rename_attribute("shop", "store")?);
    let steps = Upcasters::builder().step("custom:store_visited", 1, 2, rename).build().unwrap();
    block_on(PostgresStore::open(config(server))).unwrap().with_upcasters(steps)
}

fn content(store: &PostgresStore) -> Vec<JourneyEvent> {
    let mut events = find(store, EventFilter::all()).unwrap();
    events.iter_mut().for_each(|event| (event.recorded_at, event.position) = (None, None));
    events
}

#[test]
fn what_is_stored_stays_and_readers_get_what_it_means_today() {
    let Some(server) = server("what_is_stored_stays_and_readers_get_what_it_means_today") else { return };
    let old = [visited(1, 1, "north"), registered(2, "ada"), visited(3, 1, "south")];
    let plain = open(config(&server));
    put(&plain, &old);
    let store = lifting(&server);
    let today = [visited(1, 2, "north"), registered(2, "ada"), visited(3, 2, "south")];
    assert_eq!(content(&store), today);
    // Whoever tries again has the old program or the new one.
    for again in [&old, &today] {
        assert!(matches!(append(&store, again), Ok(AppendOutcome::AlreadyTaken { .. })));
    }
    let error = append(&store, &[visited(3, 2, "elsewhere")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IdReused);
    assert_eq!(content(&plain), old);
}

/// A program that knows version 2 copies an event of version 3, which is unknown to it, from one log into another.
#[test]
fn a_kind_that_was_too_new_is_found_by_its_name() {
    let Some(server) = server("a_kind_that_was_too_new_is_found_by_its_name") else { return };
    put(&open(config(&server)), &[visited(1, 3, "north")]);
    let page = block_on(lifting(&server).read(ReadQuery::all(), Position::START, 9)).unwrap();
    assert_eq!(page.batch.event(0).kind(), EventKind::Unknown);
    let copy = open(config(&server).with_schema("copy"));
    assert!(block_on(copy.append(page.batch, None)).is_ok());
    for filter in [
        EventFilter::all().with_kind(CustomKind::new("store_visited").unwrap()),
        EventFilter::all().with_kind(EventKind::CustomNeutral),
    ] {
        assert_eq!(ids(&copy, filter.clone()), [1], "{filter:?}");
        let conflict = append_if(&copy, &[registered(2, "ada")], filter, Position::START).unwrap();
        assert!(matches!(conflict, AppendOutcome::Conflict { .. }), "{conflict:?}");
    }
}
