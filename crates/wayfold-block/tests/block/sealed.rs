use std::collections::{BTreeSet, HashMap};

use wayfold_block::{
    Filter, LaterParts, Lookup, Merge, PartKind, PartName, PartSource, cluster, read_fresh, write_fresh,
};
use wayfold_core::bodies::NeedIdentified;
use wayfold_core::{
    CustomerKey, EventBatch, EventId, Fold, JourneyEvent, Position, ProjectionSet, Rules, Timestamp,
};
use wayfold_testkit::Random;
use wayfold_testkit::stream::Stream;

use super::support::{Block, check_labels, hostile, position, recorded, workloads};

fn of(batches: &[EventBatch]) -> Vec<JourneyEvent> {
    batches.iter().flat_map(EventBatch::to_events).collect()
}

#[test]
fn a_fresh_block_gives_back_its_events_with_all_that_a_store_recorded() {
    let histories = (0..40).map(hostile).chain(workloads());
    for (seed, events) in histories.enumerate() {
        for batch in recorded(&events, 1 + seed * 37, 1 + seed as u64) {
            let bytes = write_fresh(9, &batch);
            let read = read_fresh(9, &bytes).unwrap();
            assert_eq!(read, batch, "history {seed}");
            assert_eq!(write_fresh(9, &read), bytes, "history {seed}");
        }
    }
}

#[test]
fn events_that_no_store_recorded_stay_so() {
    let batch = EventBatch::from_events(&hostile(3)).unwrap();
    let read = read_fresh(1, &write_fresh(1, &batch)).unwrap();
    assert!(read == batch && read.event(0).position().is_none());
    let empty = EventBatch::empty();
    assert_eq!(read_fresh(1, &write_fresh(1, &empty)).unwrap(), empty);
}

#[test]
fn a_sealed_block_holds_the_events_of_its_batches_in_the_order_of_the_fold() {
    for (seed, events) in (0..40).map(hostile).chain(workloads()).enumerate() {
        let batches = recorded(&events, 100, 1);
        let block = Block::seal(7, &batches);
        assert_eq!(block.by_position(), of(&batches), "history {seed}");
        assert_eq!(block.header.events(), events.len() as u64);
        assert_eq!((block.header.first(), block.header.last()), (position(1), position(events.len() as u64)));
        let names: BTreeSet<_> =
            block.parts.keys().copied().filter(|name| name.kind != PartKind::Header).collect();
        assert_eq!(block.header.parts().collect::<BTreeSet<_>>(), names);
        let pages: Vec<_> = block.pages().map(Result::unwrap).collect();
        let keys: Vec<_> = pages
            .iter()
            .flat_map(EventBatch::iter)
            .map(|event| {
                let (tenant, customer) = event.customer_texts();
                (CustomerKey::spread(tenant, customer), event.customer(), event.order_key())
            })
            .collect();
        assert!(keys.is_sorted(), "history {seed}");
    }
}

/// The parts do not depend on how the events came together, so that any two stores hold the same bytes.
#[test]
fn merged_blocks_are_those_that_sealing_all_at_once_gives() {
    let mut random = Random::new(11);
    for (seed, events) in (0..25).map(hostile).chain(workloads()).enumerate() {
        let batches = recorded(&events, 60, 1);
        let whole = Block::seal(50, &batches);
        let mut blocks = Vec::new();
        let mut rest = &batches[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(1 + random.below(rest.len() as u64) as usize);
            blocks.push(Block::seal(blocks.len() as u64, now));
            rest = later;
        }
        let merged = Block::merge(50, &blocks.iter().collect::<Vec<_>>());
        assert_eq!(merged.header, whole.header, "history {seed}");
        assert!(merged.parts == whole.parts, "history {seed}");
        let (first, second) = blocks.split_at(blocks.len() / 2);
        let halves = [first, second].map(|half| Block::merge(60, &half.iter().collect::<Vec<_>>()));
        assert!(Block::merge(50, &[&halves[1], &halves[0]]).parts == whole.parts, "history {seed}");
    }
}

/// What is read is the same; a small block has its events on more pages.
#[test]
fn a_large_block_has_large_pages() {
    let events: Vec<_> = Stream::new(10_000).collect();
    let small = Block::seal(1, &recorded(&events, 1_000, 1));
    let of_many = |events| Block::collect(1, Merge::new(1, events, [small.pages()]));
    let (most_of_small, large) = (of_many(1 << 18), of_many((1 << 18) + 1));
    assert_eq!([&small, &most_of_small, &large].map(|block| block.header.pages()), [10, 10, 3]);
    // A page ends with a customer.
    assert!((3_000..=4_096).contains(&large.page(0).unwrap().len()));
    assert_eq!(large.by_position(), small.by_position());
}

#[test]
fn a_customer_is_found_without_the_other_pages() {
    for events in workloads() {
        let block = Block::seal(1, &recorded(&events, 500, 1));
        let mut expected: HashMap<CustomerKey, usize> = HashMap::new();
        events.iter().for_each(|event| *expected.entry(event.customer.clone()).or_default() += 1);
        let mut pages_read = 0;
        for (customer, count) in &expected {
            let lookup = Lookup::customer(customer.tenant.as_str(), customer.customer.as_str());
            let pages = block.header.pages_of_customer(lookup);
            pages_read += pages.len();
            let found = pages.map(|page| {
                block.page(page).unwrap().iter().filter(|event| event.customer() == *customer).count()
            });
            assert_eq!(found.sum::<usize>(), *count, "{customer}");
        }
        assert!(pages_read < expected.len() * 5 / 4, "{pages_read} pages for {} customers", expected.len());
        assert!(block.header.pages_of_customer(Lookup::customer("no", "body")).len() <= 1);
    }
}

/// The longest history takes several pages, and none of them is missed.
#[test]
fn a_long_history_is_found_on_all_of_its_pages() {
    let mut events = hostile(5);
    let mut random = Random::new(3);
    let template = events[0].clone();
    for number in 0..5_000 {
        let mut event = template.clone();
        event.id = EventId::from_u128(1 << 100 | number);
        events.insert(random.below(events.len() as u64) as usize, event);
    }
    let block = Block::seal(1, &recorded(&events, 700, 1));
    let (tenant, customer) = (template.customer.tenant.as_str(), template.customer.customer.as_str());
    let pages = block.header.pages_of_customer(Lookup::customer(tenant, customer));
    assert!(pages.len() >= 5);
    let own =
        |page| block.page(page).unwrap().iter().filter(|event| event.customer() == template.customer).count();
    assert_eq!(
        pages.map(own).sum::<usize>(),
        events.iter().filter(|event| event.customer == template.customer).count()
    );
}

#[test]
fn ids_and_tags_are_found_by_the_directories_and_the_filter_and_others_are_not() {
    for events in (0..10).map(hostile).chain(workloads()) {
        let block = Block::seal(1, &recorded(&events, 500, 1));
        let filter = filter(&block);
        let pages_of = |kind: PartKind, parts: std::ops::Range<u32>, lookup: Lookup| -> Vec<u32> {
            let read = |part| block.header.read_directory(kind, part, block.part(kind, part)).unwrap();
            parts.flat_map(|part| read(part).pages_of(lookup).collect::<Vec<_>>()).collect()
        };
        let by_id = |lookup| pages_of(PartKind::Ids, block.header.id_parts(lookup), lookup);
        let by_tag = |lookup| pages_of(PartKind::Tags, block.header.tag_parts(lookup), lookup);
        for (number, page) in (0..).zip(block.pages().map(Result::unwrap)) {
            for event in page.iter().step_by(7) {
                let id = Lookup::id(event.customer_texts().0, event.id());
                assert!(filter.may_hold(id) && by_id(id).contains(&number));
                for tag in event.tags() {
                    let tag = Lookup::tag(tag);
                    assert!(filter.may_hold(tag) && by_tag(tag).contains(&number));
                }
            }
        }
        let absent = |number| Lookup::id("", wayfold_core::EventId::from_u128(number));
        assert_eq!((1..2_000).flat_map(|number| by_id(absent(number << 64))).count(), 0);
        assert!((1..2_000).filter(|number| filter.may_hold(absent(number << 64))).count() < 60);
    }
}

fn filter(block: &Block) -> Filter {
    let parts = block.header.parts().filter(|name| name.kind == PartKind::Filter);
    block.header.read_filter(&parts.map(|name| block.parts[&name].clone()).collect::<Vec<_>>()).unwrap()
}

#[test]
fn kinds_are_listed_with_the_last_position_of_each() {
    let events = &workloads()[1];
    let batches = recorded(events, 500, 1);
    let block = Block::seal(1, &batches);
    let last = of(&batches).into_iter().rev().find(|event| event.kind().name() == "returned").unwrap();
    let at = last.position.unwrap();
    assert!(block.header.may_hold_kind(Position::START, |kind| kind == "returned"));
    assert!(!block.header.may_hold_kind(at, |kind| kind == "returned"));
    assert!(!block.header.may_hold_kind(Position::START, |kind| kind == "exchanged"));
}

#[test]
fn a_source_out_of_order_is_refused() {
    let clustered = cluster(&recorded(&hostile(1), 50, 1));
    let turned = EventBatch::from_views((0..clustered.len()).rev().map(|row| clustered.event(row)));
    let source = std::iter::once(Ok::<_, wayfold_block::Error>(turned));
    let found = Merge::new(1, clustered.len() as u64, [source]).find_map(Result::err).unwrap();
    assert!(found.to_string().contains("out of order"), "{found}");
}

/// Gives the parts of a block when they are asked for.
struct Later(HashMap<PartName, Vec<u8>>);

impl PartSource for Later {
    fn part(&self, name: PartName) -> wayfold_core::Result<Vec<u8>> {
        Ok(self.0[&name].clone())
    }
}

fn opened(block: &Block) -> Vec<EventBatch> {
    let open = |number| {
        let later = LaterParts::Source(Box::new(Later(block.parts.clone())));
        block.header.open_page(number, block.part(PartKind::Fold, number).to_vec(), later).unwrap()
    };
    (0..block.header.pages()).map(open).collect()
}

/// Labels are read without what else stands in their group, and without the group identity.
#[test]
fn labels_are_read_apart() {
    for events in workloads() {
        let block = Block::seal(1, &recorded(&events, 500, 1));
        for (number, page) in (0..).zip(block.pages().map(Result::unwrap)) {
            let rest = PartName { block: 1, kind: PartKind::Rest, number };
            let later = Later(HashMap::from([(rest, block.parts[&rest].clone())]));
            let fold = block.part(PartKind::Fold, number).to_vec();
            let opened = block.header.open_page(number, fold, LaterParts::Source(Box::new(later))).unwrap();
            check_labels(&opened, &page);
            assert_eq!(opened.failure(), None);
        }
    }
}

/// Of a page, who asks for one customer gets its events alone, and all that is said of them.
#[test]
fn a_customer_is_opened_without_the_others_of_its_page() {
    for (seed, events) in (0..10).map(hostile).chain(workloads()).enumerate() {
        let block = Block::seal(1, &recorded(&events, 500, 1));
        let open = |page, customer: &CustomerKey| {
            let later = LaterParts::Source(Box::new(Later(block.parts.clone())));
            let fold = block.part(PartKind::Fold, page).to_vec();
            block.header.open_page_of(page, customer, fold, later).unwrap()
        };
        let mut asked = 0;
        for (number, page) in (0..).zip(block.pages().map(Result::unwrap)) {
            let nobody = CustomerKey::in_tenant("no", "body").unwrap();
            assert!(open(number, &nobody).is_none());
            let customers: BTreeSet<_> = page.customers().collect();
            let some = customers.len().div_ceil(30);
            for customer in customers.into_iter().step_by(some) {
                let own = EventBatch::from_views(page.iter().filter(|event| event.customer() == customer));
                let found = open(number, &customer).unwrap();
                check_labels(&found, &own);
                let last = own.len() - 1;
                assert_eq!(found.event(last).id(), own.event(last).id());
                assert_eq!(found.event(last).position(), own.event(last).position());
                assert_eq!(found.event(last).integer("score"), own.event(last).integer("score"));
                assert_eq!(found.to_raw(), own.to_raw(), "history {seed}, {customer}");
                assert_eq!(found.failure(), None);
                asked += 1;
            }
        }
        assert!(asked > 0, "history {seed}");
    }
}

/// A checkpoint that does not know the id of its last event, because nobody has read it, stands between events of one
/// instant too.
#[test]
fn a_late_event_is_folded_into_a_long_history_of_which_no_ids_are_read() {
    let projections = ProjectionSet::new(Rules::default()).unwrap();
    let export = |fold: &Fold| {
        let mut bytes = Vec::new();
        fold.export(&mut bytes).unwrap();
        bytes
    };
    let new = |id: u128, instant: i64| {
        let at = Timestamp::from_micros(1_700_000_000_000_000 + instant).unwrap();
        let body = NeedIdentified { category: None };
        JourneyEvent::new(EventId::from_u128(id), CustomerKey::new("ada").unwrap(), at, body)
    };
    for tied in [1, 3, 256, 300] {
        let event = |number: i64| new(1_000 + (number as u128 * 7_919) % 1_009, number / tied);
        let events: Vec<_> = (0..700).map(event).collect();
        let pages = opened(&Block::seal(1, &recorded(&events, 100, 1)));
        for (number, id) in [(100, 1), (255, 1), (255, u128::MAX), (256, 1_500), (512, 1), (513, u128::MAX)] {
            let late = EventBatch::from_events([&new(id, number / tied)]).unwrap();
            let mut fold = Fold::new(&projections);
            assert!(fold.apply(&pages).refolds.is_empty());
            let history: Vec<_> = pages.iter().cloned().chain([late.clone()]).collect();
            for refold in fold.apply(std::slice::from_ref(&late)).refolds {
                fold.refold(&refold, &history);
            }
            let all: Vec<_> = recorded(&events, 100, 1).into_iter().chain([late]).collect();
            let mut meant = Fold::new(&projections);
            assert!(meant.apply(&all).refolds.is_empty());
            assert_eq!(export(&fold), export(&meant), "{tied} events at an instant, a late one at {number}");
        }
    }
}
