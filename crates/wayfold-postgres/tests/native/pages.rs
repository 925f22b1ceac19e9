//! Pages that hold less than was asked for.

use wayfold_core::{EventKind, Position};
use wayfold_store::EventFilter;

use super::support::{all, config, ids, open, page, put, registered, server};

#[test]
fn pages_are_bounded_by_events_and_bytes() {
    let Some(server) = server("pages_are_bounded_by_events_and_bytes") else { return };
    let events: Vec<_> = (0..20).map(|id| registered(id, "ada")).collect();
    put(&open(config(&server)), &events);
    let by_events = {
        let mut config = config(&server);
        config.read_events_max = 3;
        open(config)
    };
    assert_eq!(page(&by_events, Position::START, usize::MAX).unwrap().batch.len(), 3);
    assert!(all(&by_events).into_iter().eq(0..20));
    let by_bytes = {
        let mut config = config(&server);
        config.read_bytes_max = 0;
        open(config)
    };
    assert_eq!(
        page(&by_bytes, Position::START, usize::MAX).unwrap().batch.len(),
        1,
        "one event may have more"
    );
    assert!(all(&by_bytes).into_iter().eq(0..20));
    assert!(ids(&by_bytes, EventFilter::all().with_kind(EventKind::Refunded)).is_empty());
}
