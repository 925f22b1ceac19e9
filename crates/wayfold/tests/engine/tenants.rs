//! Two tenants of one log: whatever one asks or appends, it hears what it would hear if the other were not there, to the
//! letter, up to places in the log.
//!
//! Calls that name neither tenant nor customer are about the empty tenant, which has no customers here, or for whoever runs
//! the engine: the export and subscriptions, which are narrowed to a tenant here, rebuilds and snapshots, after which the
//! tenant asks again, the newest event and where the log ends; and so is a filter without a tenant.

use std::sync::Arc;

use pollster::block_on;
use wayfold::insight::{Cases, Variants};
use wayfold::postgres::{PostgresConfig, PostgresStore};
use wayfold::store::EventStoreExt;
use wayfold::{
    AppendCondition, AppendOutcome, Builder, CustomerAt, CustomerErased, CustomerKey, EventFilter, EventId,
    EventRetracted, EventStore, EventView, Filter, Handle, JourneyEvent, Measured, MemoryStore, Order,
    Position, Projection, Request, Rules, Selection, Start, Tag, Tenant, Timestamp, Told, WatchedFilter,
    Wayfold,
};
use wayfold_testkit::PostgresServer;

use crate::support::{day, order};

const GUIDE: &str = include_str!("../../../../docs/guide/postgres.md");

/// What no answer to the other tenant may hold.
const SECRETS: [&str; 3] = ["acme", "zelda", "shoe"];

fn tenant(name: &str) -> Tenant {
    Tenant::new(name).unwrap()
}

fn key(of: &str, customer: &str) -> CustomerKey {
    CustomerKey::in_tenant(of, customer).unwrap()
}

/// An order of a tenant's customer; the same number gives the same id in each tenant.
fn bought(of: &str, customer: &str, number: u128, on: u32) -> JourneyEvent {
    let mut event = order(customer, number, on);
    event.customer = key(of, customer);
    event
}

/// Those of acme: customers that bolt has too and others, ids that bolt takes later, before, between and after its events.
fn of_acme(part: u128) -> Vec<JourneyEvent> {
    let mut events = vec![
        bought("acme", "ada", 1 + part, 3),
        bought("acme", "zelda", 50 + part, 9),
        bought("acme", "zelda", 2 + part, 300),
    ];
    events[1].tags.insert(Tag::parse("product:shoe").unwrap());
    events
}

fn of_bolt(part: u128) -> Vec<JourneyEvent> {
    vec![bought("bolt", "ada", 1 + part, 5), bought("bolt", "ben", 2 + part, 20 + part as u32)]
}

struct Events;

impl Projection for Events {
    type State = u64;
    type View = u64;

    fn name(&self) -> &str {
        "events"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, count: &mut u64, _event: &EventView<'_>) {
        *count += 1;
    }

    fn view(&self, count: &u64, _customer: &CustomerAt<'_>) -> u64 {
        *count
    }

    fn holds_until(&self, _count: &u64, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

/// An engine, and what is its own.
struct World {
    store: Arc<dyn EventStore>,
    wayfold: Wayfold,
    events: Handle<Events>,
}

fn builder(rules: &Rules) -> (Builder, Handle<Events>) {
    let mut builder = Builder::new(rules.clone()).unwrap().with_threads(2).by_hand(day(400));
    let events = builder.register(Events).unwrap();
    let filter = Filter::field("value.purchases").at_least(1);
    builder.watch(WatchedFilter { segment: "buyers".to_owned(), version: 1, filter }).unwrap();
    (builder, events)
}

fn open(store: Arc<dyn EventStore>, rules: &Rules) -> World {
    let (builder, events) = builder(rules);
    let wayfold = block_on(builder.open(store.clone())).unwrap();
    World { store, wayfold, events }
}

fn other_rules() -> Rules {
    let mut other = Rules::default();
    (other.version, other.lifecycle.churned_after_days) = ("other".to_owned(), 30);
    other
}

impl World {
    /// Goes on from a snapshot.
    fn reopened(&self) -> Self {
        block_on(self.wayfold.snapshot()).unwrap();
        let world = open(self.store.clone(), &self.wayfold.rules());
        assert!(block_on(world.wayfold.opened()).unwrap().snapshot.is_some());
        world
    }

    /// Rebuilds under other rules, and swaps; what it says of the empty tenant before.
    fn swap(&mut self) -> String {
        let (builder, events) = builder(&other_rules());
        let mut rebuild = block_on(self.wayfold.rebuild(builder)).unwrap();
        while block_on(rebuild.step()).unwrap() {}
        let difference = block_on(rebuild.difference(day(400))).unwrap();
        block_on(rebuild.swap()).unwrap();
        self.events = events;
        format!("{difference:?}")
    }
}

/// An engine over a log in which bolt's events stand, among acme's or alone.
fn world(store: impl EventStore + 'static, with_acme: bool) -> World {
    let world = open(Arc::new(store), &Rules::default());
    let wayfold = &world.wayfold;
    for part in [0, 10] {
        for events in [of_acme(part), of_bolt(part)].iter().skip(usize::from(!with_acme)) {
            block_on(wayfold.append(events)).unwrap();
        }
    }
    if with_acme {
        block_on(wayfold.append(&of_acme(20))).unwrap();
    }
    world
}

/// A filter of what bolt may see.
fn mine() -> EventFilter {
    EventFilter { tenant: Some(tenant("bolt")), ..EventFilter::all() }
}

/// What bolt hears when it asks about its customers, and about names and ids that only acme has.
fn asks(wayfold: &Wayfold, events: Handle<Events>) -> Vec<String> {
    let (bolt, as_of, mut heard) = (tenant("bolt"), day(400), Vec::new());
    let mut hear = |what: &str, answer: &dyn std::fmt::Debug| heard.push(format!("{what}: {answer:?}"));
    let log = block_on(wayfold.store().read_all(mine())).unwrap();
    let first = log[0].event(0).position().unwrap();
    let other = other_rules();
    for customer in ["ada", "ben", "zelda", "nobody"] {
        let key = key("bolt", customer);
        hear("customer", &block_on(wayfold.customer(&key)));
        hear("customer_as_of", &block_on(wayfold.customer_as_of(&key, day(4))));
        hear("explain", &block_on(wayfold.explain(&key)));
        hear("explain_as_of", &block_on(wayfold.explain_as_of(&key, day(30))));
        hear("own_view", &block_on(wayfold.own_view(events, &key)));
        hear("own_view_as_of", &block_on(wayfold.own_view_as_of(events, &key, day(30))));
        hear("parting", &block_on(wayfold.parting(&key, &other, as_of)));
        let known = wayfold.as_known_at(first);
        hear("known", &block_on(known.customer_as_of(&key, as_of)));
        hear("known explain", &block_on(known.explain_as_of(&key, as_of)));
        hear("known own view", &block_on(known.own_view_as_of(events, &key, as_of)));
    }
    for as_of in [day(4), as_of] {
        hear("population", &block_on(wayfold.population_of(&bolt, as_of)));
        hear("known population", &block_on(wayfold.as_known_at(first).population_of(&bolt, as_of)));
    }
    let selection = Selection::new(Filter::field("value.purchases").at_least(1))
        .with_order(Order::descending("value.purchases"))
        .with_limit(1);
    let page = block_on(wayfold.customers_of(&bolt, &selection, as_of)).unwrap();
    hear("page", &(page.customers().collect::<Vec<_>>(), page.matching(), page.next()));
    hear("own_views", &block_on(wayfold.own_views_of(&bolt, events, as_of)));
    hear("export", &String::from_utf8(block_on(wayfold.export_of(&bolt)).unwrap()));
    for start in [Start::Beginning, Start::After(first)] {
        let mut notices = block_on(wayfold.subscribe(start)).unwrap().of(bolt.clone());
        let mut told: Vec<Told> = Vec::new();
        while let Some(delivery) = block_on(notices.try_next()).unwrap() {
            told.extend(delivery.told);
        }
        hear("notices", &told);
        hear(
            "members",
            &notices.members("buyers").map(|members| members.iter().cloned().collect::<Vec<_>>()),
        );
    }
    // What names no tenant is about one that has nobody.
    hear("population of nobody", &block_on(wayfold.population(as_of)));
    hear("page of nobody", &block_on(wayfold.customers_as_of(&selection, as_of)).map(|page| page.matching()));
    hear("own views of nobody", &block_on(wayfold.own_views(events, as_of)));
    hear("backtest of nobody", &block_on(wayfold.backtest(&other, &[as_of])));
    hear("known of nobody", &block_on(wayfold.as_known_at(first).population(as_of)));
    hear("backtest", &block_on(wayfold.backtest_of(&bolt, &other, &[as_of])));
    let variants = Variants::new(Cases::new());
    let measured = block_on(wayfold.measure_of(&bolt, &variants, as_of));
    hear("measure", &measured.map(|total| variants.report(&total)));
    let mut measured = Measured::new(variants, bolt.clone());
    block_on(wayfold.keep_up(&mut measured)).unwrap();
    hear("keep_up", &measured.measure().report(measured.total()));
    let mut histories = Vec::new();
    let history = |history: &wayfold::History<'_>| histories.push(format!("{:?}", history.customer()));
    block_on(wayfold.for_each_history(&bolt, as_of, history)).unwrap();
    histories.sort();
    hear("histories", &histories);
    hear("log", &log);
    heard
}

/// What bolt hears when it appends: ids that acme has taken, conditions on what acme has done.
fn appends(wayfold: &Wayfold) -> Vec<String> {
    let mut heard = Vec::new();
    let taken_by_acme = bought("bolt", "cem", 50, 30);
    let other_content = bought("bolt", "ada", 50, 30);
    heard.push(format!("{:?}", block_on(wayfold.append([&taken_by_acme]))));
    heard.push(format!("{:?}", block_on(wayfold.append([&taken_by_acme]))));
    heard
        .push(format!("{:?}", block_on(wayfold.append([&other_content])).map_err(|error| error.to_string())));
    let tag = |tag: &str| mine().with_tag(Tag::parse(tag).unwrap());
    let of_zelda = EventFilter::customer(key("bolt", "zelda"));
    let filters = [tag("product:shoe"), tag("order:o60"), of_zelda, tag("order:o2"), mine()];
    for (number, filter) in filters.into_iter().enumerate() {
        let event = bought("bolt", "dee", 100 + number as u128, 31);
        let condition = AppendCondition { filter, after: Position::START };
        heard.push(format!("{:?}", block_on(wayfold.append_if([&event], condition))));
    }
    // Whoever takes something back, or has somebody erased, does so among its own.
    let takes_back = |id: u128, customer: &str, of: u128| {
        let mut event = bought("bolt", customer, id, 32);
        event.body = EventRetracted { event: EventId::from_u128(of), reason: None }.into();
        event
    };
    for (id, customer, of) in [(80, "zelda", 50), (81, "ada", 60), (82, "nobody", 2)] {
        heard.push(format!("{:?}", block_on(wayfold.append([&takes_back(id, customer, of)]))));
    }
    let mut erases = bought("bolt", "zelda", 83, 33);
    erases.body = CustomerErased { reason: None }.into();
    heard.push(format!("{:?}", block_on(wayfold.append([&erases])).map_err(|error| error.to_string())));
    let request = Request::new().with_correlation(EventId::from_u128(7).0);
    let within = bought("bolt", "zelda", 22, 34);
    heard.push(format!("{:?}", block_on(wayfold.request(&request).append([&within]))));
    let mut looks = 0;
    let decided = block_on(wayfold.decide(&key("bolt", "ben"), |ben| {
        looks += 1;
        let holds = [50, 51, 70].map(|id| ben.holds(EventId::from_u128(id)));
        heard.push(format!("{:?} {holds:?}", ben.view()));
        Ok::<_, wayfold::Error>(vec![bought("bolt", "ben", 70, 40)])
    }));
    heard.push(format!("{looks} {decided:?}"));
    heard
}

/// Places in the log are told apart by their order alone: they grow with whatever else is appended.
fn placed(wayfold: &Wayfold, heard: Vec<String>) -> Vec<String> {
    let log = block_on(wayfold.store().read_all(mine())).unwrap();
    let positions = log.iter().flat_map(|batch| batch.iter().map(|event| event.position().unwrap()));
    let positions: Vec<(usize, Position)> = positions.enumerate().collect();
    let place = |text: String| {
        positions.iter().fold(text, |text, (number, position)| {
            text.replace(&format!("{position:?}"), &format!("#{number}"))
                .replace(&position.to_string(), &format!("#{number}"))
        })
    };
    heard.into_iter().map(place).collect()
}

/// By a filter that names no tenant the worlds are told apart: they do differ in what could be told.
fn is_told_apart(wayfold: &Wayfold) -> bool {
    let filter = EventFilter::all().with_tag(Tag::parse("product:shoe").unwrap());
    let condition = AppendCondition { filter, after: Position::START };
    matches!(block_on(wayfold.append_if([], condition)), Ok(AppendOutcome::Conflict { .. }))
}

#[track_caller]
fn assert_nothing_is_inferred(with: &World, without: &World) {
    let hears = |world: &World| {
        let mut heard = asks(&world.wayfold, world.events);
        heard.extend(appends(&world.wayfold));
        heard.extend(asks(&world.wayfold, world.events));
        let mut world = world.reopened();
        heard.extend(asks(&world.wayfold, world.events));
        heard.push(world.swap());
        heard.extend(asks(&world.wayfold, world.events));
        let world = world.reopened();
        heard.extend(asks(&world.wayfold, world.events));
        placed(&world.wayfold, heard)
    };
    let of_acme = |world: &World| {
        let wayfold = &world.wayfold;
        let zelda = block_on(wayfold.customer(&key("acme", "zelda"))).unwrap();
        assert!(zelda.is_some());
        (zelda, block_on(wayfold.export_of(&tenant("acme"))).unwrap())
    };
    let (before, heard, alone) = (of_acme(with), hears(with), hears(without));
    assert!(before == of_acme(with), "bolt changes nothing of acme's");
    assert_eq!(heard.len(), alone.len());
    for (heard, alone) in heard.iter().zip(&alone) {
        assert_eq!(heard, alone, "bolt hears of acme");
        let is_secret = |secret: &&str| heard.contains(*secret) && !alone.contains(*secret);
        assert!(!SECRETS.iter().any(is_secret), "{heard}");
    }
    assert!(is_told_apart(&with.wayfold) && !is_told_apart(&without.wayfold));
}

#[test]
fn a_tenant_neither_reads_nor_infers_anothers_customers() {
    let store = || MemoryStore::new().with_clock(|| day(400));
    assert_nothing_is_inferred(&world(store(), true), &world(store(), false));
}

#[test]
fn a_tenant_neither_reads_nor_infers_anothers_customers_on_postgres() {
    let test = "a_tenant_neither_reads_nor_infers_anothers_customers_on_postgres";
    let Some(server) = PostgresServer::for_test(env!("CARGO_TARGET_TMPDIR"), test) else { return };
    let open = |connection: &str| {
        block_on(PostgresStore::open(PostgresConfig::new(connection))).unwrap().with_clock(|| day(400))
    };
    // The engine does all of it as the role of a service, with the rights that the guide gives it.
    let role =
        GUIDE.split("```sql\n").find(|block| block.starts_with("CREATE ROLE wayfold_service")).unwrap();
    let role = role.split_once("```").unwrap().0;
    let store = |name: &str, role: &str| {
        let connection = server.make_database(name);
        drop(open(&connection));
        server.run_sql(&connection, role);
        open(&connection.replace("user=postgres", "user=wayfold_service"))
    };
    let rights: Vec<_> = role.split_inclusive(";\n").filter(|line| !line.contains("CREATE ROLE")).collect();
    let both = world(store("both", role), true);
    assert_nothing_is_inferred(&both, &world(store("alone", &rights.concat()), false));
}
