use proptest::prelude::*;
use wayfold_block::{ErrorKind, Page, PartKind, PartName, SealedBlock, frame, read_fresh};
use wayfold_testkit::Random;

use super::support::{Block, hostile, recorded, workloads};

/// Damage behind a sound checksum: whatever a page claims, reading it ends with events or with an error.
fn check_page(fold: &[u8], identity: &[u8], rest: &[u8]) {
    if let Ok(batch) = Page::read(fold, identity, rest) {
        let events = batch.to_events();
        assert_eq!(events.len(), batch.len());
        let again = Page::write(&batch);
        let read = Page::read(&again.fold, &again.identity, &again.rest).unwrap();
        assert_eq!(read.to_events(), events);
    }
}

#[test]
fn pages_with_any_bytes_changed_are_read_or_refused_and_never_panic() {
    let mut random = Random::new(1);
    let mut read = 0;
    for seed in 0..30 {
        let batch = &recorded(&hostile(seed), 40, 1)[0];
        let page = Page::write(batch);
        for _ in 0..700 {
            let mut parts = [page.fold.clone(), page.identity.clone(), page.rest.clone()];
            for _ in 0..=random.below(3) {
                let part = &mut parts[random.below(3) as usize];
                let at = random.below(part.len() as u64) as usize;
                match random.below(4) {
                    0 => part[at] = random.below(256) as u8,
                    1 => part[at] ^= 1 << random.below(8),
                    2 => drop(part.splice(at..at, [random.below(256) as u8])),
                    _ => drop(part.drain(at..(at + 1 + random.below(8) as usize).min(part.len()))),
                }
                if part.is_empty() {
                    part.push(0);
                }
            }
            let [fold, identity, rest] = &parts;
            check_page(fold, identity, rest);
            read += u32::from(Page::read(fold, identity, rest).is_ok());
        }
    }
    assert!(
        read > 500,
        "only {read} changed pages were read, so the checks behind reading were hardly tried"
    );
}

#[test]
fn every_flipped_bit_of_a_block_is_noticed() {
    let block = Block::seal(3, &recorded(&hostile(2), 40, 1));
    let mut random = Random::new(5);
    for (name, bytes) in &block.parts {
        for _ in 0..200 {
            let bit = random.below(bytes.len() as u64 * 8) as usize;
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = wayfold_block::unframe(*name, &flipped).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name} bit {bit}");
            assert!(error.to_string().starts_with(&name.to_string()), "{error}");
        }
    }
}

#[test]
fn parts_in_each_others_place_are_refused() {
    let block = Block::seal(3, &recorded(&hostile(2), 40, 1));
    let part = |kind| block.part(kind, 0);
    let (fold, identity, rest) = (part(PartKind::Fold), part(PartKind::Identity), part(PartKind::Rest));
    let error = block.header.read_page(0, fold, rest, identity).unwrap_err();
    assert_eq!(error.to_string(), "block 3 Identity 0: block 3 Rest 0 stands in its place");
    let error = block.header.read_page(1, fold, identity, rest).unwrap_err();
    assert_eq!(error.to_string(), "block 3 Fold 1: block 3 Fold 0 stands in its place");
    assert!(SealedBlock::read(4, part(PartKind::Header)).is_err());
}

#[test]
fn columns_that_this_version_does_not_know_are_refused_by_name() {
    let page = Page::write(&recorded(&workloads()[1], 40, 1)[0]);
    let place = page.rest.windows(7).position(|window| window == b"channel").unwrap();
    let mut rest = page.rest.clone();
    rest[place..place + 7].copy_from_slice(b"weather");
    let error = Page::read(&page.fold, &page.identity, &rest).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column \"weather\": this version of the library does not know it; update the library"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_reading_panic(
        a in proptest::collection::vec(any::<u8>(), 0..200),
        b in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let name = |kind| PartName { block: 1, kind, number: 0 };
        let _ = read_fresh(1, &a);
        let _ = read_fresh(1, &frame(name(PartKind::Fresh), &a));
        let _ = SealedBlock::read(1, &frame(name(PartKind::Header), &a));
        check_page(&a, &b, &b);
    }
}
