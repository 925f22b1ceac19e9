//! Customers in several databases: each has one, and what is answered about all is what one engine over one log says.

use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::cluster::{Cluster, ClusterView, VirtualShard, Worker, WorkerConfig};
use wayfold::postgres::{MapOutcome, PostgresConfig, PostgresStore, StoredShardMap};
use wayfold::store::{AppendOutcome, EventStoreExt};
use wayfold::{
    AppendCondition, Builder, CustomerKey, ErrorKind, EventBatch, EventFilter, EventStore, Filter,
    JourneyEvent, MemoryStore, Order, PopulationSummary, Position, Rules, Selection, Tag, Tenant, Timestamp,
    Wayfold,
};
use wayfold_testkit::process::times;
use wayfold_testkit::{Arrival, Case, Clock, Order as Arriving, PostgresServer, Random};

use crate::snapshots::compare;
use crate::support::{day, key, order, registered};

const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a test.
const LONG_MS: u64 = 600_000;

pub(crate) fn server(test: &str) -> Option<PostgresServer> {
    PostgresServer::for_test(env!("CARGO_TARGET_TMPDIR"), test)
}

/// A database of a cluster: a schema of its own does for one.
pub(crate) fn database(server: &PostgresServer, name: &str) -> (String, PostgresStore) {
    let config = PostgresConfig::new(server.connection()).with_schema(name);
    (name.to_owned(), block_on(PostgresStore::open(config)).unwrap().with_clock(|| Timestamp::MAX))
}

pub(crate) fn builder(rules: &Rules, now: Timestamp) -> Builder {
    Builder::new(rules.clone()).unwrap().by_hand(now).on_demand().with_checkpoints_every(64)
}

pub(crate) fn try_open(server: &PostgresServer, names: &[&str]) -> wayfold::Result<Cluster> {
    let databases = names.iter().map(|name| database(server, name));
    block_on(Cluster::open(builder(&Rules::default(), day(100)), databases))
}

pub(crate) fn batch(events: &[JourneyEvent]) -> EventBatch {
    EventBatch::from_events(events).unwrap()
}

/// Appends a batch of any customers.
#[track_caller]
pub(crate) fn put(cluster: &Cluster, events: &[JourneyEvent]) {
    for (database, outcome) in block_on(cluster.append_each(&batch(events))) {
        assert!(outcome.is_ok(), "{database}: {outcome:?}");
    }
}

/// Customers of one database, by any number.
pub(crate) fn customers_of(cluster: &Cluster, database: &str) -> impl Iterator<Item = CustomerKey> {
    (0..).map(|number| key(&format!("c{number}"))).filter(move |key| cluster.database(key) == database)
}

#[track_caller]
fn assert_several<T: std::fmt::Debug>(result: wayfold::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::SeveralDatabases);
}

#[test]
fn an_append_is_of_one_database_or_is_refused_by_name() {
    let Some(server) = server("an_append_is_of_one_database_or_is_refused_by_name") else { return };
    let cluster = try_open(&server, &["north", "south"]).unwrap();
    let of = |database| customers_of(&cluster, database).next().unwrap();
    let (ada, ben) = (of("north"), of("south"));
    let order_of = |customer: &CustomerKey, id| order(customer.customer.as_str(), id, 0);
    let append = |events: &[JourneyEvent], filter: Option<EventFilter>| {
        let condition = filter.map(|filter| AppendCondition { filter, after: Position::START });
        block_on(cluster.append(batch(events), condition))
    };
    let both = [order_of(&ada, 1), order_of(&ben, 2)];
    let error = append(&both, None).unwrap_err();
    assert!(error.to_string().contains("\"north\" and \"south\""), "{error}");
    assert_several(append(&both, None));
    assert_several(append(&both[..1], Some(EventFilter::customer(ben.clone()))));
    assert_several(append(&both[..1], Some(EventFilter::all().with_tag(Tag::order("o1").unwrap()))));
    for customer in [&ada, &ben] {
        assert_eq!(block_on(cluster.store(customer).head()).unwrap(), Position::START, "nothing was written");
    }
    let of_ada = || Some(EventFilter::customer(ada.clone()));
    assert!(matches!(append(&both[..1], of_ada()), Ok(AppendOutcome::Appended { new: 1, .. })));
    assert!(matches!(append(&[], of_ada()), Ok(AppendOutcome::Conflict { .. })));
    assert!(matches!(append(&[], None), Ok(AppendOutcome::Appended { new: 0, .. })));
    // In parts: one of them stood, and the other did not.
    let outcomes = block_on(cluster.append_each(&batch(&both)));
    assert!(matches!(outcomes["north"], Ok(AppendOutcome::AlreadyTaken { .. })), "{outcomes:?}");
    assert!(matches!(outcomes["south"], Ok(AppendOutcome::Appended { new: 1, .. })), "{outcomes:?}");
    for customer in [&ada, &ben] {
        let view = block_on(cluster.customer_as_of(customer, day(1))).unwrap().unwrap();
        assert_eq!((view.events, &view.key), (1, customer));
    }
    assert_eq!(block_on(cluster.customer_as_of(&key("nobody"), day(1))).unwrap(), None);
}

#[test]
fn the_databases_of_a_cluster_are_those_that_its_map_names() {
    let Some(server) = server("the_databases_of_a_cluster_are_those_that_its_map_names") else { return };
    let cluster = try_open(&server, &["north", "south"]).unwrap();
    let map = cluster.map().clone();
    assert_eq!((map.version(), map.databases()), (1, &["north".to_owned(), "south".to_owned()][..]));
    assert_eq!(
        try_open(&server, &["south", "north"]).unwrap().map(),
        &map,
        "in whatever order they are given"
    );
    let swapped =
        [("south", "north"), ("north", "south")].map(|(name, schema)| (name, database(&server, schema).1));
    let swapped = block_on(Cluster::open(builder(&Rules::default(), day(0)), swapped));
    let mut refused = vec![("\"south\" is \"north\" among", swapped)];
    for names in [&["north"][..], &["north", "west"], &["north", "south", "west"]] {
        refused.push(("the map of shards names [\"north\", \"south\"]", try_open(&server, names)));
    }
    let _ = block_on(database(&server, "old").1.append(batch(&[registered("ada", 1, 0)]), None)).unwrap();
    refused.push(("\"old\" holds events already", try_open(&server, &["new", "old"])));
    for (why, refused) in refused {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    let alone = block_on(try_open(&server, &["old"]).unwrap().view(day(1))).unwrap();
    assert_eq!(
        alone.population(&Tenant::default()).unwrap().len(),
        1,
        "one database alone has all customers"
    );
}

/// One engine over one log that holds the same events.
pub(crate) fn single(rules: &Rules, events: &[JourneyEvent], as_of: Timestamp) -> Wayfold {
    let store = MemoryStore::new().with_clock(|| Timestamp::MAX);
    let wayfold = block_on(builder(rules, as_of).open(store)).unwrap();
    block_on(wayfold.append(events)).unwrap();
    wayfold
}

/// Holds a view against one engine: every answer, to the byte.
#[track_caller]
pub(crate) fn assert_same(view: &ClusterView, single: &Wayfold, what: &str) {
    let tenants = [Tenant::default(), Tenant::new("shop").unwrap()];
    let json = |summary: PopulationSummary| serde_json::to_string(&summary).unwrap();
    for tenant in &tenants {
        let (own, expected) =
            (view.population(tenant).unwrap(), block_on(single.population_of(tenant, view.as_of())).unwrap());
        assert_eq!(own, expected, "{what}");
        assert_eq!(json(own.summary()), json(expected.summary()), "{what}");
        let selection = Selection::new(Filter::field("events").exists());
        let selection = selection.with_order(Order::descending("last_seen_at")).with_limit(7);
        let own = view.customers(tenant, &selection).unwrap();
        let expected = block_on(single.customers_of(tenant, &selection, view.as_of())).unwrap();
        assert_eq!(own, expected, "{what}");
    }
    assert!(view.export().unwrap() == block_on(single.export()).unwrap(), "{what}: exports differ");
}

/// Whatever the order of arrival, and whoever has kept which states, also as of an instant before them.
#[test]
fn a_view_is_what_one_engine_over_one_log_says_to_the_byte() {
    let Some(server) = server("a_view_is_what_one_engine_over_one_log_says_to_the_byte") else { return };
    let (mut restored, mut earlier) = (0, 0);
    for seed in 0..12 * times() as u64 {
        let case = if seed % 8 == 7 { Case::of_shop(seed) } else { Case::hostile(seed) };
        let mut random = Random::new(seed);
        let names: Vec<String> =
            (0..random.between(1, 3)).map(|number| format!("d{seed}_{number}")).collect();
        let databases = names.iter().map(|name| database(&server, name));
        // What workers keep may be of a later instant than what is asked.
        let now = if random.percent(50) { case.as_of } else { Timestamp::MAX };
        let cluster = block_on(Cluster::open(builder(&case.rules, now), databases)).unwrap();
        let config =
            WorkerConfig::default().with_lease_ms(LONG_MS).with_snapshot_every(random.between(1, 60) as u64);
        let start = |_| cluster.start_worker(&config).unwrap();
        let mut workers: Vec<Worker> = (0..random.between(0, 3)).map(start).collect();
        let arriving = *random.pick(&Arriving::ALL);
        let arrival = Arrival::new(&case.events, arriving, Clock::Fixed, case.as_of, seed);
        for batch in arrival.deliveries.iter().flat_map(|delivery| &delivery.batches) {
            put(&cluster, batch);
            if random.percent(10) {
                match workers.pop() {
                    Some(worker) => worker.close().unwrap(),
                    None => workers.push(start(0)),
                }
            }
        }
        workers.into_iter().for_each(|worker| worker.close().unwrap());
        let view = block_on(cluster.view(case.as_of)).unwrap();
        let single = single(&case.rules, &case.events, case.as_of);
        assert_same(&view, &single, &format!("seed {seed}"));
        compare(seed, &case, &single, case.as_of);
        restored += view.restored();
        earlier += usize::from(now > case.as_of);
    }
    println!("{restored} shards restored, {earlier} histories as of an instant before");
    assert!(restored > 256 && earlier > 1, "{restored} {earlier}");
}

pub(crate) fn wait(what: &str, is_there: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn held<'a>(workers: impl IntoIterator<Item = &'a Worker>) -> Vec<usize> {
    workers.into_iter().map(|worker| worker.held().len()).collect()
}

#[test]
fn workers_share_the_shards_and_hand_them_over_with_their_states() {
    let Some(server) = server("workers_share_the_shards_and_hand_them_over_with_their_states") else {
        return;
    };
    let cluster = try_open(&server, &["north", "south"]).unwrap();
    let events: Vec<_> =
        (0..2_000).map(|id| order(&format!("c{}", id % 500), id, (id % 90) as u32)).collect();
    put(&cluster, &events);
    // It is not for snapshots as the log grows that the next worker finds states.
    let config = WorkerConfig::default().with_lease_ms(400).with_snapshot_every(1_000_000);
    let start = || cluster.start_worker(&config).unwrap();
    let first = start();
    wait("the first has everything", || held([&first]) == [256]);
    wait("and folds it", || first.worked().events >= 2_000);
    let (second, third) = (start(), start());
    let each = |workers: &[&Worker]| {
        let held = held(workers.iter().copied());
        held.iter().sum::<usize>() == 256 && held.iter().all(|held| *held <= 2 * 43)
    };
    wait("three share", || each(&[&first, &second, &third]));
    assert!(first.worked().handed_over >= 256 - 2 * 43);
    wait("states are taken over", || second.worked().restored + third.worked().restored >= 256 - 2 * 43);
    first.close().unwrap();
    wait("two share", || held([&second, &third]).iter().sum::<usize>() == 256);
    put(&cluster, &[order("c1", 9_000, 95)]);
    for worker in [second, third] {
        assert_eq!(worker.worked().lost, 0);
        worker.close().unwrap();
    }
    let view = block_on(cluster.view(day(100))).unwrap();
    assert_eq!((view.restored(), view.positions().len()), (256, 2));
    let all: Vec<_> = events.into_iter().chain([order("c1", 9_000, 95)]).collect();
    assert_same(&view, &single(&Rules::default(), &all, day(100)), "after all have left");
}

#[test]
fn other_rules_are_filled_beside_and_compared_before_they_are_used() {
    let Some(server) = server("other_rules_are_filled_beside_and_compared_before_they_are_used") else {
        return;
    };
    let cluster = try_open(&server, &["north", "south"]).unwrap();
    let events: Vec<_> = (0..400).map(|id| order(&format!("c{}", id % 90), id, (id % 60) as u32)).collect();
    put(&cluster, &events[..300]);
    let mut rules = Rules::default();
    (rules.version, rules.lifecycle.churned_after_days) = ("churn-50".to_owned(), 50);
    let next = block_on(cluster.beside("churn-50", builder(&rules, day(100)))).unwrap();
    let config = WorkerConfig::default().with_snapshot_every(50);
    let workers = [&cluster, &next].map(|cluster| cluster.start_worker(&config).unwrap());
    let mut here = block_on(cluster.view(day(100))).unwrap();
    put(&cluster, &events[300..]);
    wait("both fold everything", || workers.iter().all(|worker| worker.worked().events >= 400));
    workers.into_iter().for_each(|worker| worker.close().unwrap());
    // The one has been made before the last events came, and the other after.
    let mut there = block_on(next.view(day(100))).unwrap();
    assert!(there.restored() == 256 && there.folded() == 0);
    let tenant = Tenant::default();
    let difference = block_on(here.difference(&mut there, &tenant)).unwrap();
    let population = |rules| block_on(single(rules, &events, day(100)).population(day(100))).unwrap();
    let expected = population(&Rules::default()).difference(&population(&rules));
    assert_eq!(difference, expected);
    assert!(!difference.members.is_empty() && difference.rules != difference.other_rules);
    let mut other_day = block_on(next.view(day(99))).unwrap();
    let error = block_on(here.difference(&mut other_day, &tenant)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuestion);
    rules.version = Rules::default().version;
    let error = block_on(cluster.beside("same", builder(&rules, day(100)))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{error}");
}

/// A shard of a database that holds no event, and a customer of it.
fn free_shard(cluster: &Cluster, database: &str, number: usize) -> (VirtualShard, CustomerKey) {
    let shard = cluster.map().shards_of(database)[number];
    let customer =
        customers_of(cluster, database).find(|customer| VirtualShard::of(customer) == shard).unwrap();
    (shard, customer)
}

#[test]
fn a_shard_without_events_is_given_to_another_database_and_old_maps_are_refused() {
    let test = "a_shard_without_events_is_given_to_another_database_and_old_maps_are_refused";
    let Some(server) = server(test) else { return };
    let open = || try_open(&server, &["north", "south"]).unwrap();
    let before = open();
    let (shard, ada) = free_shard(&before, "north", 3);
    let (_, ben) = free_shard(&before, "south", 5);
    let append = |cluster: &Cluster, customer: &CustomerKey, id| {
        block_on(cluster.append(batch(&[registered(customer.customer.as_str(), id, 0)]), None))
    };
    assert!(append(&before, &ben, 1).is_ok());
    let config = WorkerConfig::default().with_lease_ms(300);
    let old = before.start_worker(&config).unwrap();
    wait("it works by the first map", || held([&old]) == [256]);
    let map = block_on(before.move_shards(&[shard], "south")).unwrap();
    assert_eq!((map.version(), map.database(shard)), (2, "south"));
    for customer in [&ada, &ben] {
        assert_eq!(append(&before, customer, 2).unwrap_err().kind(), ErrorKind::MapChanged);
        let asked = block_on(before.customer_as_of(customer, day(1)));
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::MapChanged);
    }
    assert_eq!(block_on(before.view(day(1))).unwrap_err().kind(), ErrorKind::MapChanged);
    assert_eq!(
        block_on(before.move_shards(&[shard], "south")).unwrap(),
        map,
        "as where the answer did not come"
    );
    let overtaken = block_on(before.move_shards(&[free_shard(&before, "north", 4).0], "south"));
    assert_eq!(overtaken.unwrap_err().kind(), ErrorKind::MapChanged);
    let after = open();
    assert_eq!((after.map(), after.database(&ada)), (&map, "south"));
    assert!(append(&after, &ada, 2).is_ok());
    let new = after.start_worker(&config).unwrap();
    wait("who knows the new map takes over", || held([&new]) == [256]);
    drop((old, new));
    let view = block_on(after.view(day(1))).unwrap();
    assert_eq!(view.population(&Tenant::default()).unwrap().len(), 2);

    assert_eq!(block_on(after.move_shards(&[], "west")).unwrap_err().kind(), ErrorKind::Unsupported);
}

/// As when a process ends amid a change.
#[test]
fn a_change_of_the_map_that_was_begun_is_ended_or_taken_back_by_the_next() {
    let Some(server) = server("a_change_of_the_map_that_was_begun_is_ended_or_taken_back_by_the_next") else {
        return;
    };
    let open = || try_open(&server, &["north", "south"]).unwrap();
    let (shard, ada) = free_shard(&open(), "south", 3);
    let begin = |version: u64| {
        let map = open().map().clone().with_moved([shard], "north").unwrap();
        let begun = StoredShardMap { own: "north".to_owned(), map };
        let replaced = block_on(database(&server, "north").1.replace_shard_map(version, &begun)).unwrap();
        assert_eq!(replaced, MapOutcome::Replaced);
        begun.map
    };
    let map = begin(1);
    assert_eq!((open().map(), open().map().version()), (&map, 2), "it is ended");
    let map = block_on(open().move_shards(&[shard], "south")).unwrap();
    let event = registered(ada.customer.as_str(), 1, 0);
    assert!(block_on(open().append(batch(&[event]), None)).is_ok());
    let begun = begin(3);
    assert_eq!(open().map(), &map.again_after(&begun), "it is taken back");
    assert_eq!(block_on(open().view(day(1))).unwrap().population(&Tenant::default()).unwrap().len(), 1);
}

/// Whoever is quicker: an event is never where the map that stands does not look for it.
#[test]
fn a_map_that_changes_under_writers_loses_no_event() {
    let Some(server) = server("a_map_that_changes_under_writers_loses_no_event") else { return };
    let open = || try_open(&server, &["north", "south"]).unwrap();
    let (mut moved, mut changed, rounds) = (0, 0, 24 * times());
    let customers: Vec<CustomerKey> = {
        let cluster = open();
        let of = |number: usize| free_shard(&cluster, ["north", "south"][number % 2], number / 2).1;
        (0..rounds.min(256)).map(of).collect()
    };
    for (id, ada) in (0..).zip(&customers) {
        let (writer, mover) = (open(), open());
        let to = if mover.database(ada) == "north" { "south" } else { "north" };
        let result = thread::scope(|scope| {
            let moving = scope.spawn(|| block_on(mover.move_shards(&[VirtualShard::of(ada)], to)));
            let (mut cluster, event) = (writer, registered(ada.customer.as_str(), id, 0));
            thread::sleep(Duration::from_millis(id as u64 % 8));
            while let Err(error) = block_on(cluster.append(batch(std::slice::from_ref(&event)), None)) {
                assert!(error.kind() == ErrorKind::MapChanged || error.is_retryable(), "{error}");
                changed += 1;
                cluster = open();
            }
            moving.join().unwrap()
        });
        match result {
            Ok(_) => moved += 1,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::MapChanged), "{error}");
            }
        }
    }
    let view = block_on(open().view(day(1))).unwrap();
    assert_eq!(view.population(&Tenant::default()).unwrap().len(), customers.len());
    println!("{} rounds: {moved} shards moved, {changed} appends refused and tried again", customers.len());
    assert_eq!(log_of(&open()).len(), customers.len(), "each stands once");
}

/// It would be in nobody's states otherwise, and no answer would say so.
#[test]
fn an_event_in_a_database_that_has_not_its_customer_is_found() {
    let Some(server) = server("an_event_in_a_database_that_has_not_its_customer_is_found") else { return };
    let cluster = try_open(&server, &["north", "south"]).unwrap();
    let ada = customers_of(&cluster, "north").next().unwrap();
    let event = registered(ada.customer.as_str(), 1, 0);
    let _ = block_on(database(&server, "south").1.append(batch(&[event]), None)).unwrap();
    let error = block_on(cluster.view(day(1))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains(&format!("shard {}", VirtualShard::of(&ada))), "{error}");
}

/// What all databases hold, in no order.
pub(crate) fn log_of(cluster: &Cluster) -> Vec<JourneyEvent> {
    // A database without shards has no customers either.
    let has_shards = |name: &&String| !cluster.map().shards_of(name).is_empty();
    let stores = cluster.map().databases().iter().filter(has_shards).map(|name| {
        let customer = customers_of(cluster, name).next().unwrap();
        block_on(cluster.store(&customer).read_all(EventFilter::all())).unwrap()
    });
    stores.flatten().flat_map(|batch| batch.to_events()).collect()
}
