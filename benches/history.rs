//! One customer with a long history: folding it, and explaining it.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use wayfold_core::bodies::NeedIdentified;
use wayfold_core::{
    Currency, CustomerKey, EventBatch, EventId, Fold, JourneyEvent, Money, OrderPlaced, ProjectionSet, Rules,
    Span, Tag, Timestamp, explain,
};

/// A history of an event an hour, of which every `orders`-th places an order with a promise.
fn history(events: u32, orders: u32) -> EventBatch {
    let start = Timestamp::parse("2020-01-01").expect("a date");
    let amount = Money::parse("1", Currency::EUR).expect("an amount");
    let event = |number: u32| {
        let at = start + Span::from_micros(i64::from(number) * 3_600_000_000);
        let (id, customer) =
            (EventId::from_u128(u128::from(number) + 1), CustomerKey::new("ada").expect("a name"));
        if !number.is_multiple_of(orders) {
            return JourneyEvent::new(id, customer, at, NeedIdentified { category: None });
        }
        let placed = OrderPlaced { lines: vec![], amount, promised_at: Some(at) };
        JourneyEvent::new(id, customer, at, placed)
            .with_tag(Tag::order(format!("o{number}")).expect("a name"))
    };
    let events: Vec<JourneyEvent> = (0..events).map(event).collect();
    EventBatch::from_events(&events).expect("the events are valid")
}

fn benches(criterion: &mut Criterion) {
    let projections = ProjectionSet::new(Rules::default()).expect("the default rules are valid");
    let ada = CustomerKey::new("ada").expect("a name");
    let mut group = criterion.benchmark_group("one_customer");
    group.sample_size(10);
    for events in [10_000, 100_000] {
        let batch = [history(events, 1)];
        group.throughput(Throughput::Elements(u64::from(events)));
        group.bench_function(format!("fold/{events}_orders"), |bencher| {
            bencher.iter_batched(
                || Fold::new(&projections),
                |mut fold| {
                    assert_eq!(fold.apply(&batch).folded, u64::from(events));
                    fold
                },
                BatchSize::PerIteration,
            );
        });
    }
    for events in [1_000, 2_000] {
        let batch = [history(events, 5)];
        group.throughput(Throughput::Elements(u64::from(events)));
        group.bench_function(format!("explain/{events}_events"), |bencher| {
            bencher.iter(|| explain(&projections, &ada, &batch, Timestamp::MAX).expect("every view is JSON"));
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
