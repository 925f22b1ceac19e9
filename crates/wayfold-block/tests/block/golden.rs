//! Stored forms that are read for ever. A golden file is added, never edited.
//!
//! A missing file is a failure. `WAYFOLD_GOLDEN=write` writes what is missing, and never what is there: it is for
//! whoever adds the files of a new version beside the old ones.

#[path = "golden/input.rs"]
mod input;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use wayfold_block::{Merge, PartKind, PartName, SealedBlock, read_fresh, write_fresh};
use wayfold_core::{EventBatch, EventKind, JourneyEvent, Position};

use super::reference::{self, LookedUp, Sealed};
use super::support::Block;

/// The version that today's code writes. Whoever changes what is written adds files of a new version and names it
/// here; the old ones stay among those that are read.
const WRITTEN: &str = "v2";
/// The same with the pages of a block of many events.
const WRITTEN_LARGE: &str = "v2-pages-4096";
/// A block of so many events has these.
const LARGE_EVENTS: u64 = (1 << 18) + 1;
/// The versions that are read; of sealed blocks with how many pages each has at least.
const READ_FRESH: [&str; 2] = ["v1", WRITTEN];
const READ_SEALED: [(&str, usize); 3] = [("v1", 4), (WRITTEN, 4), (WRITTEN_LARGE, 2)];
/// The numbers of the golden blocks.
const FRESH: u64 = 7;
const SEALED: u64 = 8;

/// A golden file; where it is missing and may be written, the closure says what it holds.
fn golden(name: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(_) if std::env::var("WAYFOLD_GOLDEN").is_ok_and(|what| what == "write") => {
            let bytes = make();
            fs::write(&path, &bytes).unwrap();
            bytes
        }
        Err(error) => panic!("{}: {error}; golden files are part of the repository", path.display()),
    }
}

/// The golden fresh block of a version.
pub(crate) fn fresh(version: &str) -> Vec<u8> {
    golden(&format!("fresh.{version}.bin"), || write_fresh(FRESH, &input::fresh()))
}

fn sealed(version: &str) -> Vec<u8> {
    golden(&format!("sealed.{version}.bin"), || {
        let block = Block::seal(SEALED, &input::sealed());
        bytes_of(&if version == WRITTEN_LARGE { large(&block) } else { block })
    })
}

/// The same events as in a block of many.
fn large(block: &Block) -> Block {
    Block::collect(SEALED, Merge::new(SEALED, LARGE_EVENTS, [block.pages()]))
}

/// All parts of a block, one behind the other, the header first.
fn bytes_of(block: &Block) -> Vec<u8> {
    let header = PartName { block: SEALED, kind: PartKind::Header, number: 0 };
    let names = std::iter::once(header).chain(block.header.parts());
    names.flat_map(|name| block.parts[&name].clone()).collect()
}

/// The parts of a block that stand one behind the other.
fn block_of(bytes: &[u8]) -> Block {
    const KINDS: [PartKind; 9] = {
        use PartKind::{Filter, Fold, Fresh, Header, Identity, Ids, Record, Rest, Tags};
        [Fresh, Fold, Identity, Rest, Header, Ids, Tags, Filter, Record]
    };
    let mut parts = HashMap::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (framed, length) = reference::unframe(rest);
        let kind = KINDS.into_iter().find(|kind| *kind as u8 == framed.kind).unwrap();
        let name = PartName { block: framed.block, kind, number: framed.number };
        parts.insert(name, rest[..length].to_vec());
        rest = &rest[length..];
    }
    let header = &parts[&PartName { block: SEALED, kind: PartKind::Header, number: 0 }];
    Block { header: SealedBlock::read(SEALED, header).unwrap(), parts }
}

fn json_lines<'a>(events: impl IntoIterator<Item = &'a JourneyEvent>) -> String {
    events.into_iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect()
}

fn values<'a>(events: impl IntoIterator<Item = &'a JourneyEvent>) -> Vec<Value> {
    events.into_iter().map(|event| serde_json::to_value(event).unwrap()).collect()
}

#[test]
fn golden_fresh_blocks_are_read_as_what_was_written() {
    for version in READ_FRESH {
        let bytes = fresh(version);
        let events = read_fresh(FRESH, &bytes).unwrap().to_events();
        let lines = json_lines(&events);
        let expected =
            golden(&format!("fresh.{version}.jsonl"), || json_lines(&input::fresh().to_events()).into());
        assert!(lines.as_bytes() == expected, "fresh.{version}.bin is read as\n{lines}");
        let (framed, page) = reference::read_fresh(&bytes);
        assert_eq!(framed.block, FRESH);
        assert_eq!(reference::events(&page), values(&events), "{version}");
        let kinds: BTreeSet<_> = events.iter().map(JourneyEvent::kind).collect();
        let missing: Vec<_> = EventKind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
        assert!(missing.is_empty(), "no golden event of {missing:?}");
    }
}

#[test]
fn golden_sealed_blocks_are_read_as_what_was_written() {
    for (version, _) in READ_SEALED {
        let bytes = sealed(version);
        let events = block_of(&bytes).by_position();
        let digest = digest(&events);
        let expected = golden(&format!("sealed.{version}.digest"), || {
            let whole = input::sealed();
            self::digest(&whole.iter().flat_map(EventBatch::to_events).collect::<Vec<_>>()).into()
        });
        assert_eq!(digest, String::from_utf8(expected).unwrap(), "{version}");
        let sealed = Sealed::read(&bytes);
        let mut found: Vec<Value> = sealed.pages.iter().flat_map(reference::events).collect();
        found.sort_by(|a, b| a["position"].as_str().cmp(&b["position"].as_str()));
        assert!(found == values(&events), "{version}: the reference reader reads other events");
    }
}

/// What a large golden file holds: the events by position as JSON Lines, counted and hashed twice.
fn digest(events: &[JourneyEvent]) -> String {
    let lines = json_lines(events);
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let (crc, fnv) = (reference::crc32(lines.as_bytes()), lines.bytes().fold(0xcbf2_9ce4_8422_2325, fnv));
    format!("events {}\nbytes {}\ncrc32 {crc:08x}\nfnv1a64 {fnv:016x}\n", events.len(), lines.len())
}

#[test]
fn a_golden_sealed_block_stands_in_the_order_of_its_customers_and_lists_what_it_holds() {
    for (version, pages_min) in READ_SEALED {
        let block = Sealed::read(&sealed(version));
        assert!(block.pages.len() >= pages_min, "{version}: several pages");
        let (mut keys, mut customers) = (Vec::new(), BTreeMap::<_, BTreeSet<u64>>::new());
        let mut last_of_kind = BTreeMap::new();
        for (number, page) in (0..).zip(&block.pages) {
            for event in reference::events(page) {
                let event: JourneyEvent = serde_json::from_value(event).unwrap();
                let (tenant, customer) = (event.customer.tenant.as_str(), event.customer.customer.as_str());
                let spread = LookedUp::Customer { tenant, customer }.number();
                let order = (event.occurred_at.instant(), event.sequence, event.kind().rank(), event.id);
                keys.push((spread, event.customer.clone(), order));
                customers.entry(event.customer.clone()).or_default().insert(number);
                let id = LookedUp::Id { tenant, id: event.id.as_u128() };
                assert!(block.pages_of(id).contains(&number) && block.may_hold(id));
                for tag in &event.tags {
                    let tag = LookedUp::Tag(tag.as_str());
                    assert!(block.pages_of(tag).contains(&number) && block.may_hold(tag));
                }
                let position = u128::from_be_bytes(event.position.unwrap().to_bytes());
                let last = last_of_kind.entry(kind_name(&event)).or_insert(position);
                *last = position.max(*last);
            }
        }
        assert!(keys.is_sorted(), "{version}");
        for (customer, pages) in customers {
            let (tenant, customer) = (customer.tenant.as_str(), customer.customer.as_str());
            let customer = LookedUp::Customer { tenant, customer };
            assert!(pages.iter().all(|page| block.pages_of(customer).contains(page)));
            assert!(block.may_hold(customer));
        }
        assert_eq!(block.kinds.as_ref(), Some(&last_of_kind));
        assert_eq!((block.events, block.first), (keys.len() as u64, 1));
        assert_eq!(block.last, keys.len() as u128);
        let absent = |id| block.may_hold(LookedUp::Id { tenant: "", id });
        assert!((1..2_000).filter(|id| absent(id << 64)).count() < 60, "a filter keeps things out");
    }
}

/// The kind as headers list it.
fn kind_name(event: &JourneyEvent) -> String {
    EventBatch::from_events([event]).unwrap().event(0).kind_name().into_owned()
}

/// Reading is promised for ever, the bytes that are written are not: this test moves to the newest files.
#[test]
fn todays_bytes_are_those_of_the_newest_golden_files() {
    let advice = "what is written has changed; if you meant to change it, add a new golden file beside the old ones, \
                  raise the version where an old reader would misread, and let WRITTEN name the new files";
    let bytes = fresh(WRITTEN);
    let batch = read_fresh(FRESH, &bytes).unwrap();
    assert!(write_fresh(FRESH, &rebuilt(&batch.to_events())[0]) == bytes, "{advice}");
    let bytes = sealed(WRITTEN);
    let batches = rebuilt(&block_of(&bytes).by_position());
    let block = Block::seal(SEALED, &batches);
    assert!(bytes_of(&block) == bytes, "{advice}");
    assert!(bytes_of(&large(&block)) == sealed(WRITTEN_LARGE), "{advice}");
}

/// The batches that a store recorded, built anew from their events.
fn rebuilt(events: &[JourneyEvent]) -> Vec<EventBatch> {
    let batches = events.chunk_by(|a, b| a.recorded_at == b.recorded_at);
    let batch = |events: &[JourneyEvent]| {
        let positions: Vec<Position> = events.iter().map(|event| event.position.unwrap()).collect();
        EventBatch::from_events(events).unwrap().recorded(positions, events[0].recorded_at.unwrap())
    };
    batches.map(batch).collect()
}
