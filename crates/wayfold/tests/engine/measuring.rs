//! Measures through the engine: one pass, kept up, and the figures of a published log.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold::blocking::Wayfold;
use wayfold::ingest::{ImportOptions, XesImport};
use wayfold::insight::{Activity, CaseBy, Cases, Measure, ProcessMap, TemporalProfile, Variants};
use wayfold::sqlite::SqliteStore;
use wayfold::store::{BoxFuture, Capabilities, Checkpoint, CheckpointName, ReadPage, Result, Scan};
use wayfold::{
    AppendCondition, AppendOutcome, AsOf, AttributeName, Builder, EventBatch, EventRetracted, EventStore,
    JourneyEvent, Measured, MemoryStore, Position, ProductViewed, ReadQuery, Rules, Tenant, Timestamp,
};
use wayfold_testkit::{Scratch, real_data};

use super::support::{day, event, order, registered};

/// Events that come in the order of their numbers, many of them late, some retractions.
fn log() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..4_usize, 0..20_u32), 0..60).prop_map(|all| {
        let mut events: Vec<JourneyEvent> = Vec::new();
        for (number, (customer, kind, on)) in all.into_iter().enumerate() {
            let (customer, id) = (["a", "b", "c", "d"][customer], number as u128 + 1);
            let earlier = events.iter().rev().find(|event| event.customer.customer.as_str() == customer);
            events.push(match (kind, earlier) {
                (0, _) => registered(customer, id, on),
                (1, Some(earlier)) => {
                    event(customer, id, on, EventRetracted { event: earlier.id, reason: None })
                }
                (2, _) => event(customer, id, on, ProductViewed {}),
                _ => order(customer, id, on),
            });
        }
        events
    })
}

fn measure() -> (ProcessMap, (Variants, TemporalProfile)) {
    let cases = Cases::new();
    (ProcessMap::new(cases.clone()), (Variants::new(cases.clone()), TemporalProfile::new(cases)))
}

fn reports(
    total: &<(ProcessMap, (Variants, TemporalProfile)) as Measure>::Total,
) -> impl PartialEq + std::fmt::Debug {
    let (map, (variants, profile)) = measure();
    (map.report(&total.0), variants.report(&total.1.0), profile.report(&total.1.1))
}

/// A store that gives its log in parts of three events, so that no part holds histories whole.
#[derive(Debug)]
struct InParts(MemoryStore);

impl EventStore for InParts {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        self.0.append(batch, condition)
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        self.0.read(query, from, limit)
    }

    fn scan(&self, after: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
        self.0.scan(after, limit.min(3), lanes)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        self.0.head()
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        self.0.wait_past(position)
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        self.0.checkpoint(name)
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        self.0.put_checkpoint(name, checkpoint)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Kept up append by append, measured at once, from a store that gives its log in parts, and as it was known then.
    #[test]
    fn a_measure_that_is_kept_up_is_the_one_measured_at_once(events in log(), cuts in vec(1..20_usize, 6)) {
        let builder = || Builder::new(Rules::default()).unwrap().on_demand();
        let wayfold = builder().with_threads(3).open_blocking(MemoryStore::new()).unwrap();
        let in_parts = builder().with_threads(2).open_blocking(InParts(MemoryStore::new())).unwrap();
        let mut kept = Measured::new(measure(), Tenant::default());
        let (mut rest, mut then) = (&events[..], Vec::new());
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            rest = later;
            wayfold.append(now).unwrap();
            in_parts.append(now).unwrap();
            wayfold.keep_up(&mut kept).unwrap();
            let at_once = wayfold.measure(&measure(), AsOf::At(Timestamp::MAX)).unwrap();
            prop_assert_eq!(reports(kept.total()), reports(&at_once));
            let brought_together = in_parts.measure(&measure(), AsOf::At(Timestamp::MAX)).unwrap();
            prop_assert_eq!(reports(&brought_together), reports(&at_once));
            then.push((kept.position(), at_once));
        }
        for (position, total) in then {
            let known = wayfold.as_known_at(position).measure_of(&Tenant::default(), &measure(), Timestamp::MAX).unwrap();
            prop_assert_eq!(reports(&known), reports(&total));
        }
    }
}

/// The figures of `reference.json` beside the log: BPI Challenge 2012, doi:10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f.
#[test]
fn the_map_of_the_loan_applications_has_the_published_figures() {
    let Some(file) = real_data("bpi_2012_map", "bpi-2012/bpic2012.xes.gz") else { return };
    let answers = std::fs::read_to_string(file.with_file_name("reference.json")).unwrap();
    let answers: serde_json::Value = serde_json::from_str(&answers).unwrap();
    let answer = |name: &str| answers["answers"][name]["value"].clone();
    let folder = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "loans");
    let store = SqliteStore::open(folder.file(), Default::default()).unwrap();
    let wayfold = Builder::new(Rules::default()).unwrap().on_demand().open_blocking(store).unwrap();
    wayfold.import(&mut XesImport::open(file, "bpi-2012", ImportOptions::default()).unwrap()).unwrap();

    let with_lifecycle =
        Cases::new().named_by(Activity::KindAnd(AttributeName::new("lifecycle:transition").unwrap()));
    let a_and_o = Cases::new().keeping(|name| name.starts_with("A_") || name.starts_with("O_"));
    let measure = (
        (ProcessMap::new(Cases::new()), ProcessMap::new(a_and_o)),
        (
            Variants::new(Cases::new()),
            (ProcessMap::new(with_lifecycle.clone()), Variants::new(with_lifecycle)),
        ),
    );
    let ((all, a_and_o), (variants, (lifecycle, variants_with_lifecycle))) =
        wayfold.measure(&measure, Timestamp::MAX).unwrap();

    let ((map, of_a_and_o), (ways, (map_with_lifecycle, ways_with_lifecycle))) = &measure;
    for (map, name) in [(map.report(&all), "df_all"), (of_a_and_o.report(&a_and_o), "df_A_O")] {
        let expected = answer(name);
        assert_eq!(map.edges.len() as u64, expected["distinct_edges"].as_u64().unwrap(), "{name}");
        let total: u64 = map.edges.iter().map(|edge| edge.count).sum();
        assert_eq!(total, expected["edges_total"].as_u64().unwrap(), "{name}");
        for edge in expected["top30"].as_array().unwrap() {
            let (from, to) = (edge[0].as_str().unwrap(), edge[1].as_str().unwrap());
            assert_eq!(map.edge(from, to).map(|edge| edge.count), edge[2].as_u64(), "{from} -> {to}");
        }
        let ends = |of: fn(&wayfold::insight::ActivityRow) -> u64| {
            let rows = map.activities.iter().filter(move |row| of(row) > 0);
            serde_json::Value::Object(rows.map(|row| (row.name.clone(), of(row).into())).collect())
        };
        assert_eq!(
            (ends(|row| row.starts), ends(|row| row.ends)),
            (expected["start"].clone(), expected["end"].clone())
        );
    }
    let map = map.report(&all);
    assert_eq!((map.events, map.cases, map.activities.len()), (262_200, 13_087, 24));
    for (name, cases) in answer("cases_reaching").as_object().unwrap() {
        assert_eq!(map.activity(name).map(|row| row.cases), cases.as_u64(), "{name}");
    }
    let lifecycle = map_with_lifecycle.report(&lifecycle);
    let counts = lifecycle.activities.iter().map(|row| (row.name.clone(), row.events.into())).collect();
    assert_eq!(serde_json::Value::Object(counts), answer("activity_lifecycle_counts"));
    assert_eq!(ways.report(&variants).variants.len() as u64, answer("variants").as_u64().unwrap());
    let with_lifecycle = ways_with_lifecycle.report(&variants_with_lifecycle).variants.len() as u64;
    assert_eq!(with_lifecycle, answer("variants_with_lifecycle").as_u64().unwrap());
}

#[test]
fn measures_are_of_one_tenant_and_up_to_an_instant() {
    let wayfold = Wayfold::open(MemoryStore::new()).unwrap();
    let mut foreign = registered("a", 1, 1);
    foreign.customer.tenant = Tenant::new("other").unwrap();
    wayfold.append(&[foreign, registered("a", 2, 1), order("a", 3, 2), order("a", 4, 9)]).unwrap();
    let map = |tenant: &str, until: u32| {
        let measure = ProcessMap::new(Cases::new().by(CaseBy::Customer));
        let total = wayfold.measure_of(&Tenant::new(tenant).unwrap(), &measure, day(until)).unwrap();
        measure.report(&total)
    };
    assert_eq!(
        (map("", 5).events, map("", 9).events, map("other", 9).events, map("none", 9).events),
        (2, 3, 1, 0)
    );
}
