//! Parts whose payloads were changed behind a sound checksum.

use std::collections::HashSet;

use wayfold_block::{
    Error, Filter, LaterParts, Lookup, Merge, Page, PartKind, PartName, PartSource, SealedBlock, cluster,
    frame, read_fresh, unframe, write_fresh,
};
use wayfold_core::{EventBatch, EventId, JourneyEvent, Position};
use wayfold_testkit::Random;

use super::check::{check_batch, check_opened, check_unreadable};
use super::memory::bounded;
use super::mutate::mutate;
use super::support::{Block, hostile, recorded};
use super::{for_each_case, tries_all_cases};

/// Batches of every kind and of hostile histories.
pub(crate) fn seeds() -> Vec<EventBatch> {
    let golden = include_str!("../golden/fresh.v1.jsonl");
    let golden: Vec<JourneyEvent> = golden.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Names of ten thousand bytes would take most of the changes.
    let short = golden.into_iter().filter(|event| event.customer.customer.as_str().len() < 100);
    let mut batches = recorded(&short.collect::<Vec<_>>(), 12, 1);
    batches.extend((0..12).map(|seed| recorded(&hostile(seed), 40, 1).remove(0)));
    batches.push(EventBatch::empty());
    batches
}

fn name(kind: PartKind) -> PartName {
    PartName { block: 1, kind, number: 0 }
}

fn any_bytes(random: &mut Random) -> Vec<u8> {
    let most = *random.pick(&[8, 60, 600]);
    // Small numbers make lengths that fit.
    let bound = *random.pick(&[4, 20, 256]);
    (0..random.below(most)).map(|_| random.below(bound) as u8).collect()
}

#[test]
fn any_bytes_are_read_or_refused() {
    let block = Block::seal(1, &recorded(&hostile(3), 40, 1));
    for_each_case(60_000, |random| {
        let (a, b, c) = (any_bytes(random), any_bytes(random), any_bytes(random));
        let length = a.len() + b.len() + c.len();
        assert!(bounded(a.len(), || read_fresh(1, &a)).is_err());
        let page = bounded(length, || Page::read(&a, &b, &c));
        let fresh = frame(name(PartKind::Fresh), &a);
        let fresh = bounded(fresh.len(), || read_fresh(1, &fresh));
        [page, fresh].into_iter().flatten().for_each(|batch| check_batch(&batch));
        check_header(&frame(name(PartKind::Header), &a), &b);
        check_directory(&block.header, &frame(name(PartKind::Ids), &a));
        let _ = bounded(length, || block.header.read_filter(&[frame(name(PartKind::Filter), &a)]));
    });
}

#[test]
fn changed_fresh_blocks_are_read_whole_or_refused() {
    let batches = seeds();
    let payloads: Vec<Vec<u8>> = batches
        .iter()
        .map(|batch| unframe(name(PartKind::Fresh), &write_fresh(1, batch)).unwrap().to_vec())
        .collect();
    let mut accepted = 0;
    for_each_case(4_000, |random| {
        let (mut payload, other) = (random.pick(&payloads).clone(), random.pick(&payloads));
        mutate(random, &mut payload, other);
        let bytes = frame(name(PartKind::Fresh), &payload);
        if let Ok(batch) = bounded(bytes.len(), || read_fresh(1, &bytes)) {
            accepted += 1;
            check_batch(&batch);
        }
    });
    assert!(!tries_all_cases() || accepted > 250, "only {accepted} were accepted");
}

/// Groups keep their lengths apart, so that more of the changed ones are read than of a fresh block.
#[test]
fn changed_groups_of_pages_are_read_whole_or_refused() {
    let pages: Vec<Page> = seeds()
        .iter()
        .enumerate()
        .map(|(number, batch)| if number % 2 == 0 { Page::write(batch) } else { Page::write_dense(batch) })
        .collect();
    let mut accepted = 0;
    for_each_case(4_000, |random| {
        let (mut page, other) = (random.pick(&pages).clone(), random.pick(&pages));
        let (group, others) = match random.below(6) {
            0..3 => (&mut page.fold, &other.fold),
            3 => (&mut page.identity, &other.identity),
            _ => (&mut page.rest, &other.rest),
        };
        match random.percent(4) {
            true => group.clone_from(others),
            false => mutate(random, group, others),
        }
        let length = page.fold.len() + page.identity.len() + page.rest.len();
        let read = bounded(length, || Page::read(&page.fold, &page.identity, &page.rest));
        if let Ok(batch) = read {
            accepted += 1;
            check_batch(&batch);
        }
    });
    assert!(!tries_all_cases() || accepted > 350, "only {accepted} were accepted");
}

/// Identity and rest of a page.
struct Kept([Vec<u8>; 2]);

impl PartSource for Kept {
    fn part(&self, name: PartName) -> wayfold_core::Result<Vec<u8>> {
        match name.kind {
            PartKind::Identity => Ok(self.0[0].clone()),
            PartKind::Rest => Ok(self.0[1].clone()),
            _ => Err(wayfold_core::Error::malformed(name)),
        }
    }
}

/// What a fold reads is decoded at once and the rest when it is looked at: in either way the same events, or an error.
#[test]
fn changed_pages_are_opened_as_they_are_read() {
    const KINDS: [PartKind; 3] = [PartKind::Fold, PartKind::Identity, PartKind::Rest];
    let block = |seed| Block::seal(1, &recorded(&hostile(seed), 40, 1));
    let blocks = (0..8).map(block).map(|block| (block.page(0).unwrap(), block));
    let blocks: Vec<(Block, EventBatch)> = blocks.map(|(page, block)| (block, page)).collect();
    let payload = |block: &Block, kind| unframe(name(kind), block.part(kind, 0)).unwrap().to_vec();
    let (mut accepted, mut told_later, mut alone) = (0, 0, 0);
    for_each_case(6_000, |random| {
        let ((block, unchanged), (other, _)) = (random.pick(&blocks), random.pick(&blocks));
        let mut parts = KINDS.map(|kind| payload(block, kind));
        let changed = random.below(4) as usize;
        if let Some(part) = parts.get_mut(changed) {
            mutate(random, part, &payload(other, KINDS[changed]));
        }
        let parts = [0, 1, 2].map(|place| frame(name(KINDS[place]), &parts[place]));
        let [fold, identity, rest] = &parts;
        let read = block.header.read_page(0, fold, identity, rest);
        let length = parts.iter().map(Vec::len).sum();
        let opened = bounded(length, || {
            let [fold, others @ ..] = parts.clone();
            let later = match random.percent(50) {
                true => LaterParts::Read(others),
                false => LaterParts::Source(Box::new(Kept(others))),
            };
            block.header.open_page(0, fold, later)
        });
        // One of the customers who stand there now, or stood there.
        let customers: Vec<_> = read.iter().chain([unchanged]).flat_map(EventBatch::customers).collect();
        let customer = random.pick(&customers);
        let of_one = bounded(length, || {
            let later = LaterParts::Source(Box::new(Kept([identity.clone(), rest.clone()])));
            block.header.open_page_of(0, customer, fold.clone(), later)
        });
        match (read, opened) {
            (Ok(read), opened) => {
                accepted += 1;
                check_opened(&opened.unwrap(), &read);
                let of = |batch: &EventBatch| {
                    EventBatch::from_views(batch.iter().filter(|event| event.customer() == *customer))
                };
                let (own, found) = (of(&read), of_one.unwrap().unwrap_or(EventBatch::empty()));
                alone += usize::from(found.len() == own.len() && !own.is_empty());
                match found.len() == own.len() {
                    true => check_opened(&found, &own),
                    false => assert_eq!(of(&found).to_events(), own.to_events()),
                }
            }
            (Err(_), Ok(opened)) => {
                told_later += 1;
                check_unreadable(&opened);
            }
            (Err(_), Err(_)) => {}
        }
    });
    let enough = accepted > 1_500 && told_later > 300 && alone > 1_500;
    assert!(!tries_all_cases() || enough, "{accepted}, {told_later}, {alone}");
}

#[test]
fn changed_headers_directories_and_filters_are_read_or_refused() {
    let blocks: Vec<Block> = (0..6).map(|seed| Block::seal(1, &recorded(&hostile(seed), 40, 1))).collect();
    let payload = |block: &Block, kind| unframe(name(kind), block.part(kind, 0)).unwrap().to_vec();
    for_each_case(40_000, |random| {
        let (block, other) = (random.pick(&blocks), random.pick(&blocks));
        let mut changed = |kind| {
            let mut bytes = payload(block, kind);
            mutate(random, &mut bytes, &payload(other, kind));
            frame(name(kind), &bytes)
        };
        let filter = changed(PartKind::Filter);
        check_header(&changed(PartKind::Header), &filter);
        check_directory(&block.header, &changed(PartKind::Ids));
        check_directory(&block.header, &changed(PartKind::Tags));
        let read = bounded(filter.len(), || block.header.read_filter(&[&filter]));
        if let Ok(filter) = read {
            assert!(lookups().filter(|lookup| filter.may_hold(*lookup)).count() <= lookups().count());
        }
    });
}

fn lookups() -> impl Iterator<Item = Lookup> {
    let ids = [0, 1, u128::MAX].map(|number| Lookup::id("", EventId::from_u128(number)));
    ids.into_iter().chain([Lookup::tag("order:o1"), Lookup::customer("", "c0"), Lookup::customer("t2", "c0")])
}

/// Asks a header for all that it can say.
fn check_header(bytes: &[u8], filter: &[u8]) {
    let Ok(header) = bounded(bytes.len(), || SealedBlock::read(1, bytes)) else { return };
    for lookup in lookups() {
        let ranges = [header.pages_of_customer(lookup), header.id_parts(lookup), header.tag_parts(lookup)];
        assert!(ranges.iter().all(|range| range.start <= range.end));
        assert!(ranges[0].end <= header.pages());
    }
    header.may_hold_kind(Position::START, |kind| !kind.is_empty());
    assert!(header.parts().take(10_000).collect::<HashSet<_>>().len() <= 10_000);
    for number in [0, header.pages(), u32::MAX] {
        assert!(header.read_page(number, bytes, bytes, bytes).is_err());
    }
    let _: Result<Filter, Error> = bounded(bytes.len() + filter.len(), || header.read_filter(&[filter]));
}

fn check_directory(header: &SealedBlock, bytes: &[u8]) {
    for kind in [PartKind::Ids, PartKind::Tags] {
        let Ok(directory) = bounded(bytes.len(), || header.read_directory(kind, 0, bytes)) else { continue };
        for lookup in lookups() {
            assert!(directory.pages_of(lookup).all(|page| page < header.pages()));
        }
    }
}

/// A merge takes whatever pages its source gives, and ends with parts or with an error.
#[test]
fn pages_in_any_order_are_merged_or_refused() {
    let seeds = seeds();
    for_each_case(2_000, |random| {
        let mut source = || {
            let pages: Vec<EventBatch> = (0..random.below(4))
                .map(|_| {
                    let batch = random.pick(&seeds);
                    if random.percent(70) { cluster(std::slice::from_ref(batch)) } else { batch.clone() }
                })
                .collect();
            pages.into_iter().map(Ok::<_, Error>)
        };
        let sources = [source(), source()];
        let given: usize =
            sources.iter().flat_map(|pages| pages.clone()).map(|page| page.unwrap().len()).sum();
        let parts: Vec<_> = Merge::new(1, given as u64, sources).collect();
        if let Some(Ok(header)) = parts.last() {
            let header = SealedBlock::read(1, &header.bytes).unwrap();
            assert_eq!(header.events(), given as u64, "no event is lost");
        }
    });
}
