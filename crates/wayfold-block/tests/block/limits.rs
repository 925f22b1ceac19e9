//! What is written is read again, however much of it there is; what only claims to be much is refused.

use std::borrow::Cow;

use wayfold_block::{Page, PartKind, PartName, SealedBlock, frame, read_fresh, write_fresh};
use wayfold_core::{
    AttributeName, ColumnGroup, CustomerKey, EventBatch, EventId, JourneyEvent, RawColumn, RawValues,
    Registered, Timestamp,
};

fn registered(number: u128) -> JourneyEvent {
    let customer = CustomerKey::new("ada").unwrap();
    JourneyEvent::new(EventId::from_u128(number), customer, Timestamp::MIN, Registered {})
}

/// A page once held at most 8,192 columns when it was read, but any number when it was written: an append of many
/// attribute names was acknowledged and never read again.
#[test]
fn any_number_of_attribute_names_is_read_again() {
    let event = |number: u128| {
        (0..100).fold(registered(number), |event, name| {
            let name = AttributeName::new(format!("a{}", number * 100 + name)).unwrap();
            event.with_attribute(name, 1)
        })
    };
    let events: Vec<_> = (0..100).map(event).collect();
    let batch = EventBatch::from_events(&events).unwrap();
    assert_eq!(read_fresh(1, &write_fresh(1, &batch)).unwrap().to_events(), events);
}

/// Columns of one value take no bytes for their rows, and reading once refused so much from so little.
#[test]
fn many_columns_of_one_value_are_read_again() {
    let one = EventBatch::from_events(&[registered(1)]).unwrap();
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
    for number in 0..35 {
        raw.columns.push(RawColumn {
            group: ColumnGroup::Rest,
            name: Cow::Owned(format!("attributes.boolean.a{number}")),
            rows: None,
            values: RawValues::Integers(Cow::Owned(vec![1; Page::EVENTS_MAX])),
        });
    }
    let batch = EventBatch::from_raw(raw).unwrap();
    let read = read_fresh(1, &write_fresh(1, &batch)).unwrap();
    assert_eq!((read.len(), read.event(65_535).to_event()), (65_536, batch.event(0).to_event()));
}

/// A fold reads its group alone, so a text of a later group must not be named in it.
#[test]
fn a_column_names_texts_of_its_own_group_or_of_those_before() {
    let fold = [0, 0, 0, 1, 1, b'x', 2, 1, 0, 0];
    let identity = [0, 1, 0, 1, b't', 0];
    let error = Page::read(&fold, &identity, &[0, 0, 0, 0]).unwrap_err();
    assert_eq!(error.to_string(), "Fold: column \"x\": text 0 of 0");
}

/// A header of a hundred bytes once made reading set aside 64 MiB for a filter that was not there.
#[test]
fn a_filter_without_its_parts_is_refused() {
    let payload = [&[0; 36][..], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0]].concat();
    let name = PartName { block: 1, kind: PartKind::Header, number: 0 };
    let header = SealedBlock::read(1, &frame(name, &payload)).unwrap();
    let error = header.read_filter::<Vec<u8>>(&[]).unwrap_err();
    assert_eq!(error.to_string(), "block 1 Filter 0: a filter of 0 lines instead of 4294967295");
}
