//! The bytes that take the most memory to read, as far as the format lets them.

use std::borrow::Cow;

use wayfold_block::Page;
use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, RawValues, Registered, Timestamp};

use super::memory::bounded;

/// The groups fold and identity of as many equal events as a page holds.
fn full_page() -> Page {
    let customer = CustomerKey::new("ada").unwrap();
    let event = JourneyEvent::new(EventId::from_u128(1), customer, Timestamp::MIN, Registered {});
    let one = EventBatch::from_events([&event]).unwrap();
    let mut raw = one.to_raw();
    raw.rows = Page::EVENTS_MAX;
    for column in raw.columns.iter_mut().filter(|column| !column.name.contains('.')) {
        column.values = match &column.values {
            RawValues::Wide(values) => RawValues::Wide(Cow::Owned(vec![values[0]; Page::EVENTS_MAX])),
            RawValues::Integers(values) => RawValues::Integers(Cow::Owned(vec![values[0]; Page::EVENTS_MAX])),
            RawValues::Packed(_) => unreachable!("a batch packs nothing"),
            RawValues::Texts(values) => RawValues::Texts(Cow::Owned(vec![values[0]; Page::EVENTS_MAX])),
        };
    }
    Page::write(&EventBatch::from_raw(raw).unwrap())
}

fn varint(number: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..10).map(|group| (number >> (7 * group)) as u8 | 0x80).collect();
    bytes[9] = 0;
    bytes
}

/// A group of as many rows as a page holds, with a text that nobody names and these columns.
fn group(text: usize, columns: &[Vec<u8>]) -> Vec<u8> {
    let head = [varint(Page::EVENTS_MAX), varint(1), vec![0], varint(text), vec![b'x'; text]].concat();
    [head, varint(columns.len()), columns.concat()].concat()
}

/// A column of one value for every row.
fn constant(name: &str, shape: u8, value: &[u8]) -> Vec<u8> {
    let head = [varint(name.len()), name.as_bytes().to_vec(), vec![shape], varint(Page::EVENTS_MAX)].concat();
    [head, vec![0], value.to_vec()].concat()
}

#[track_caller]
fn read(rest: &[u8]) -> Result<EventBatch, String> {
    let Page { fold, identity, .. } = full_page();
    let length = fold.len() + identity.len() + rest.len();
    bounded(length, || Page::read(&fold, &identity, rest)).map_err(|error| error.to_string())
}

#[test]
fn columns_of_one_value_take_no_more_than_is_promised() {
    let attributes = |kind: &str, count| -> Vec<Vec<u8>> {
        (0..count).map(|number| constant(&format!("attributes.{kind}.a{number}"), 0, &[2])).collect()
    };
    // What may be had for nothing, and what may be had for a hundred kilobytes that say nothing.
    for (text, count) in [(0, 25), (100_000, 120)] {
        assert!(read(&group(text, &attributes("integer", count))).is_ok(), "{count} columns");
    }
    let texts: Vec<_> =
        (0..120).map(|number| constant(&format!("attributes.text.a{number}"), 2, &[0])).collect();
    assert!(read(&group(100_000, &texts)).is_ok());
    let wide: Vec<_> = (0..120).map(|number| constant(&format!("a{number}"), 1, &[7; 16])).collect();
    assert!(read(&group(100_000, &wide)).unwrap_err().contains("does not know it"));
    let more = read(&group(100_000, &attributes("integer", 200))).unwrap_err();
    assert!(more.contains("more values than the bytes can hold"), "{more}");
}

#[test]
fn columns_without_values_take_no_more_than_is_promised() {
    let columns: Vec<_> = (0..60_000_u32)
        .map(|number| {
            let name: String =
                (0..3).map(|place| char::from(b'0' + (number >> (6 * place) & 63) as u8)).collect();
            [&[3], name.as_bytes(), &[0, 0]].concat()
        })
        .collect();
    assert!(read(&group(0, &columns)).is_err());
}

#[test]
fn texts_that_share_all_of_their_bytes_take_no_more_than_is_promised() {
    let mut texts = [vec![0], varint(10_000), vec![b'x'; 10_000]].concat();
    for _ in 1..20_000 {
        texts.extend([0x90, 0x4e, 0]);
    }
    let rest = [varint(Page::EVENTS_MAX), varint(20_000), vec![1], texts, vec![0]].concat();
    assert!(read(&rest).unwrap_err().contains("longer than their bytes can make them"));
}
