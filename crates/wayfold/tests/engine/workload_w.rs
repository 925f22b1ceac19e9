//! Workload W at a million events, through the engine: every published check figure.

use wayfold::{
    AppendOutcome, Builder, Currency, EventBatch, EventStore, MemoryStore, Rules, Tenant, TieRule, Timestamp,
    fold_alone,
};
use wayfold_testkit::answer_a::{AnswerA, CheckFigures, quintiles};
use wayfold_testkit::stream::Stream;

#[test]
fn a_million_events_give_the_published_check_figures_on_one_thread_and_on_several() {
    let as_of = Timestamp::parse("2026-01-01").unwrap();
    let events: Vec<_> = Stream::new(1_000_000).collect();
    let batches: Vec<_> =
        events.chunks(100_000).map(|chunk| EventBatch::from_events(chunk).unwrap()).collect();
    drop(events);
    let store = MemoryStore::new();
    for batch in &batches {
        let outcome = pollster::block_on(store.append(batch.clone(), None)).unwrap();
        assert!(matches!(outcome, AppendOutcome::Appended { .. }));
    }
    let alone = pollster::block_on(fold_alone(&store, AnswerA, as_of, 2)).unwrap();
    let mut exports = Vec::new();
    for threads in [1, 3] {
        let mut builder = Builder::new(Rules::default()).unwrap().with_threads(threads);
        let answer_a = builder.register(AnswerA).unwrap();
        let wayfold = builder.open_blocking(MemoryStore::new()).unwrap();
        for batch in &batches {
            pollster::block_on(wayfold.engine().append_batch(batch.clone())).unwrap();
        }
        let answers = wayfold.own_views(answer_a, as_of).unwrap();
        let each = || answers.iter().map(|(_, answer)| answer);
        let figures = CheckFigures::of(each(), &quintiles(each()));
        assert_eq!(Some(figures), CheckFigures::published(1_000_000));
        assert!(answers == alone, "the projection alone gives other views");
        check_built_in(&wayfold, as_of);
        exports.push(wayfold.export().unwrap());
    }
    assert!(exports[0] == exports[1], "the export depends on the threads");
}

/// What the built-in projections say of the same figures, by another way.
fn check_built_in(wayfold: &wayfold::blocking::Wayfold, as_of: Timestamp) {
    let population = wayfold.population_of(&Tenant::default(), as_of).unwrap();
    let summary = population.summary();
    let euros = &summary.totals[0];
    assert_eq!((summary.customers, euros.purchases), (49_917, 105_308));
    assert_eq!(euros.revenue.to_decimal(), "16317086.93");
    assert_eq!(summary.lifecycle.values().sum::<u64>(), 49_917);
    let best = population
        .rfm(Currency::EUR, TieRule::Ntile)
        .customers
        .into_iter()
        .filter(|customer| customer.scores.monetary == 5);
    let revenue: i128 = best.map(|customer| customer.monetary.as_ten_thousandths()).sum();
    assert_eq!(revenue, 1_083_474_310 * 100);
}
