//! Conditions under races: who won had nobody before it whom its condition forbids.

use std::sync::Barrier;
use std::thread;

use pollster::block_on;
use wayfold_core::{EventBatch, EventKind, EventView, JourneyEvent, NeedIdentified, Position, Registered};
use wayfold_postgres::PostgresStore;
use wayfold_store::{AppendCondition, AppendOutcome, EventFilter, EventStore};
use wayfold_testkit::process::times;

use super::support::{Session, append_in, config, event, find, key, open, server, tag};

const WRITERS: usize = 8;
const ROUNDS: usize = 60;

/// What a writer of a round appends, and what its condition forbids; none for two of them.
fn plan(writer: usize, round: usize) -> (JourneyEvent, Option<EventFilter>) {
    let id = (round * WRITERS + writer + 1) as u128;
    let customer = format!("c{}", round % 5);
    let shared = tag(&format!("account:{}", round % 3));
    let own = format!("w{writer}");
    let need = NeedIdentified { category: None };
    let all = EventFilter::all;
    match writer {
        // Equal conditions.
        0 | 1 => (event(id, &customer, Registered {}), Some(EventFilter::customer(key(&customer)))),
        // They overlap with those: a part of the customer's events, and a tag that others put on theirs.
        2 => {
            let filter = EventFilter::customer(key(&customer)).with_kind(EventKind::NeedIdentified);
            (event(id, &customer, need).with_tag(shared), Some(filter))
        }
        3 | 4 => (event(id, &own, Registered {}).with_tag(shared.clone()), Some(all().with_tag(shared))),
        // Every event of a kind.
        5 => (event(id, &own, need), Some(all().with_kind(EventKind::NeedIdentified))),
        // Without a condition, in the way of all of them.
        6 => (event(id, &customer, need).with_tag(shared), None),
        _ => (event(id, &own, Registered {}), if round.is_multiple_of(4) { Some(all()) } else { None }),
    }
}

/// An append that won: its condition's set, after which position it looked, and where it stands.
struct Won {
    writer: usize,
    filter: EventFilter,
    after: Position,
    at: Position,
}

/// Appends in a transaction that has changed a table before, and commits both or nothing.
fn append_beside(
    store: &PostgresStore,
    session: &mut Session,
    event: &JourneyEvent,
    condition: Option<AppendCondition>,
) -> AppendOutcome {
    session.transact(async |mut transaction| {
        let own = format!("INSERT INTO own VALUES ('{}')", event.id.0);
        transaction.batch_execute(&own).await.unwrap();
        let events = std::slice::from_ref(event);
        let outcome = append_in(store, &mut transaction, events, condition).await.unwrap();
        match outcome {
            AppendOutcome::Appended { .. } => transaction.commit().await.unwrap(),
            _ => transaction.rollback().await.unwrap(),
        }
        outcome
    })
}

fn attempt(store: &PostgresStore, session: &mut Session, writer: usize, round: usize) -> (Option<Won>, bool) {
    let (event, filter) = plan(writer, round);
    let mut write = |condition| match (writer + round).is_multiple_of(3) {
        true => append_beside(store, session, &event, condition),
        false => block_on(store.append(EventBatch::from_events([&event]).unwrap(), condition)).unwrap(),
    };
    let Some(filter) = filter else {
        assert!(matches!(write(None), AppendOutcome::Appended { .. }));
        return (None, false);
    };
    let seen = find(store, filter.clone()).unwrap();
    let after = seen.last().and_then(|event| event.position).unwrap_or(Position::START);
    match write(Some(AppendCondition { filter: filter.clone(), after })) {
        AppendOutcome::Appended { positions, .. } => {
            (Some(Won { writer, filter, after, at: positions[0] }), false)
        }
        AppendOutcome::Conflict { position } => {
            assert!(position > after);
            (None, true)
        }
        AppendOutcome::AlreadyTaken { .. } => panic!("every id is new"),
    }
}

#[test]
fn nobody_wins_over_what_its_condition_forbids() {
    let Some(server) = server("nobody_wins_over_what_its_condition_forbids") else { return };
    let config = config(&server).with_held_back_max_ms(30_000);
    let stores = [open(config.clone()), open(config)];
    let beside = Session::open(&server.connection());
    beside.run("CREATE TABLE own (id uuid)");
    let (barrier, rounds) = (Barrier::new(WRITERS), ROUNDS * times());
    let results: Vec<_> = thread::scope(|scope| {
        let run = |writer: usize| {
            let (barrier, store) = (&barrier, &stores[writer % 2]);
            let mut session = Session::open(&server.connection());
            let race = move |round| {
                barrier.wait();
                attempt(store, &mut session, writer, round)
            };
            scope.spawn(move || (0..rounds).map(race).collect::<Vec<_>>())
        };
        let threads: Vec<_> = (0..WRITERS).map(run).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let conflicts = results.iter().filter(|(_, is_conflict)| *is_conflict).count();
    let won: Vec<Won> = results.into_iter().filter_map(|(won, _)| won).collect();
    println!("{rounds} rounds of {WRITERS} writers: {} won, {conflicts} conflicts", won.len());
    let log = EventBatch::from_events(&find(&stores[0], EventFilter::all()).unwrap()).unwrap();
    let places: Vec<Position> =
        find(&stores[0], EventFilter::all()).unwrap().iter().map(|event| event.position.unwrap()).collect();
    for Won { writer, filter, after, at } in &won {
        let forbidden = |(place, event): &(&Position, EventView<'_>)| {
            *place > after && *place < at && filter.matches(event)
        };
        let found = places.iter().zip(log.iter()).find(forbidden);
        assert!(
            found.is_none(),
            "writer {writer} at {at} won after {after} over {:?}",
            found.map(|(place, _)| place)
        );
    }
    let all_of = |writer| won.iter().filter(|won| won.writer == writer).count();
    let own = "SELECT count(*) FROM own UNION ALL SELECT count(*) FROM own JOIN wayfold.event_log USING (id)";
    let own: Vec<i64> = beside.column(own);
    assert!(own[0] > 0 && own[0] == own[1], "what was written beside events stands without them: {own:?}");
    assert!(conflicts > 0 && (0..6).all(|writer| all_of(writer) > 0), "nobody raced");
}
