//! Columns from elsewhere: what no builder would have written is refused by the name of the column.

use std::borrow::Cow;

use wayfold_core::bodies::{NeedIdentified, OrderPlaced, Registered, ReviewWritten};
use wayfold_core::{
    Amount, AttributeName, ColumnGroup, ErrorKind, EventBatch, JourneyEvent, OrderLine, RawBatch, RawColumn,
    RawValues, Tag,
};

use super::support::{about, batch, day, eur, event};

/// Changes the columns of these events, and gives the message with which they are refused.
#[track_caller]
fn refused(events: &[JourneyEvent], change: impl Fn(&mut RawBatch<'_>)) -> String {
    let batch = batch(events);
    let mut raw = batch.to_raw();
    assert!(EventBatch::from_raw(raw.clone()).unwrap() == batch, "unchanged columns are taken");
    change(&mut raw);
    let error = EventBatch::from_raw(raw).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    error.to_string()
}

fn column<'a, 'b>(raw: &'a mut RawBatch<'b>, name: &str) -> &'a mut RawColumn<'b> {
    raw.columns.iter_mut().find(|column| column.name == name).unwrap()
}

fn add(raw: &mut RawBatch<'_>, name: &'static str, values: RawValues<'static>) {
    raw.columns.push(RawColumn { group: ColumnGroup::Rest, name: Cow::Borrowed(name), rows: None, values });
}

fn integers(values: &[i64]) -> RawValues<'static> {
    RawValues::Integers(Cow::Owned(values.to_vec()))
}

fn texts(values: &[u32]) -> RawValues<'static> {
    RawValues::Texts(Cow::Owned(values.to_vec()))
}

fn registered() -> JourneyEvent {
    event(1, day(0), Registered {})
}

fn ordered(lines: Vec<OrderLine>) -> JourneyEvent {
    about("o1", 1, day(0), OrderPlaced { lines, amount: eur("1"), promised_at: None })
}

fn line(quantity: i64) -> OrderLine {
    let price = |number| Some(Amount::from_ten_thousandths(number));
    OrderLine { product: "p".to_owned(), quantity, list: None, paid: price(7), cost: price(5) }
}

/// The order that the fold reads stands apart from the tags, and once nothing held them together: the fold counted
/// an order that the event did not name.
#[test]
fn an_order_is_the_one_tag_of_type_order() {
    let tagged = ordered(vec![]).with_tag(Tag::parse("product:p").unwrap());
    let message = "column \"order\": row 0 has another than its one tag of type order";
    let drop_order = |raw: &mut RawBatch<'_>| raw.columns.retain(|column| column.name != "order");
    assert_eq!(refused(std::slice::from_ref(&tagged), drop_order), message);
    let other = refused(std::slice::from_ref(&tagged), |raw| {
        let RawValues::Texts(tags) = column(raw, "tags").values.clone() else { panic!("tags are texts") };
        column(raw, "order").values = texts(&tags[1..]);
    });
    assert_eq!(other, message);
    let several = event(1, day(0), Registered {})
        .with_tag(Tag::order("o1").unwrap())
        .with_tag(Tag::order("o2").unwrap());
    let claimed = refused(&[several], |raw| {
        let RawValues::Texts(tags) = column(raw, "tags").values.clone() else { panic!("tags are texts") };
        add(raw, "order", texts(&tags[..1]));
    });
    assert_eq!(claimed, message);
}

#[test]
fn the_tags_of_an_event_grow() {
    let tagged = ordered(vec![]).with_tag(Tag::parse("product:p").unwrap());
    for pick in [[1, 0], [0, 0]] {
        let message = refused(std::slice::from_ref(&tagged), |raw| {
            let RawValues::Texts(tags) = column(raw, "tags").values.clone() else { panic!("tags are texts") };
            column(raw, "tags").values = texts(&pick.map(|place: usize| tags[place]));
        });
        assert_eq!(message, "column \"tags\": the tags of row 0 do not grow");
    }
}

/// A margin stands beside its lines, and once any number was taken for it, also lines whose worth overflows.
#[test]
fn a_margin_is_that_of_its_lines_and_fits_64_bits() {
    let event = [ordered(vec![line(3), line(-1)])];
    let message = refused(&event, |raw| column(raw, "lines.margin").values = integers(&[5]));
    assert_eq!(message, "column \"lines.margin\": row 0 has another than that of its lines");
    for quantity in [i64::MIN, i64::MAX] {
        let message = refused(&event, |raw| column(raw, "lines.quantity").values = integers(&[3, quantity]));
        assert_eq!(message, "column \"lines.quantity\": the lines of row 0 are worth over 64 bits");
    }
}

/// An attribute in two types was once read as the one and lost as the other; one of type id was lost altogether.
#[test]
fn an_attribute_has_one_value_of_a_type_that_attributes_have() {
    let named = registered().with_attribute(AttributeName::new("shoe").unwrap(), 44);
    let twice =
        refused(std::slice::from_ref(&named), |raw| add(raw, "attributes.boolean.shoe", integers(&[1])));
    assert_eq!(twice, "row 0 has two attributes \"shoe\"");
    let id = refused(&[named], |raw| add(raw, "attributes.id.shoe", RawValues::Wide(Cow::Owned(vec![1]))));
    assert_eq!(id, "column \"attributes.id.shoe\": no attribute is of that type");
}

/// Fields that a kind does not have were once kept in the columns and left out of the event.
#[test]
fn an_event_has_the_fields_of_its_kind_alone() {
    let with =
        |name: &'static str, value: i64| refused(&[registered()], |raw| add(raw, name, integers(&[value])));
    assert_eq!(
        with("fields.integer.points", 5),
        "column \"fields.integer.points\": row 0 is registered, which has no such field"
    );
    assert_eq!(
        with("promised_at", 5),
        "column \"fields.time.promised_at\": row 0 is registered, which has no such field"
    );
    assert_eq!(
        with("fields.time.promised_at", 5),
        "column \"fields.time.promised_at\": it has a column of its own"
    );
    let other_type = refused(&[event(1, day(0), ReviewWritten { rating: None })], |raw| {
        add(raw, "fields.integer.rating", integers(&[5]));
    });
    assert_eq!(
        other_type,
        "column \"fields.integer.rating\": row 0 is review_written, which has no such field"
    );
}

#[test]
fn versions_begin_at_one() {
    let message = refused(&[registered()], |raw| column(raw, "kinds.version").values = integers(&[0]));
    assert_eq!(message, "column \"kinds.version\": versions are 1 to 65,535");
}

/// Two columns of a kind that only a newer library knows may claim one field; the second value was once lost.
#[test]
fn a_field_of_an_unknown_kind_stands_once() {
    let need = event(1, day(0), NeedIdentified { category: Some("lamps".to_owned()) });
    let message = refused(&[need], |raw| {
        column(raw, "kinds.version").values = integers(&[2]);
        add(raw, "fields.integer.category", integers(&[1]));
    });
    assert_eq!(message, "field \"category\" stands twice in one event");
}

/// Every event of a page may name the same long text, so that few bytes once spelled out as many gigabytes.
#[test]
fn the_fields_of_unknown_events_are_bounded_together() {
    let need = NeedIdentified { category: Some("x".repeat(200_000)) };
    let batch = batch(&[event(1, day(0), need)]);
    let mut raw = batch.to_raw();
    raw.rows = 3_000;
    let of_kinds = |name: &str| name.starts_with("kinds.") || name.starts_with("customers.");
    for column in raw.columns.iter_mut().filter(|column| !of_kinds(&column.name)) {
        column.values = match &column.values {
            RawValues::Integers(values) => integers(&vec![values[0]; 3_000]),
            RawValues::Packed(_) => unreachable!("a batch packs nothing"),
            RawValues::Wide(values) => RawValues::Wide(Cow::Owned(vec![values[0]; 3_000])),
            RawValues::Texts(values) => texts(&vec![values[0]; 3_000]),
        };
    }
    assert_eq!(EventBatch::from_raw(raw.clone()).unwrap().len(), 3_000);
    column(&mut raw, "kinds.version").values = integers(&[2]);
    let error = EventBatch::from_raw(raw).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}
