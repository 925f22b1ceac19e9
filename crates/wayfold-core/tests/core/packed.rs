//! Parts as they are written today, taken apart by a reader of MessagePack that shares no code with the library, and put
//! together otherwise.

use rmpv::Value;
use serde::{Deserialize, Serialize};
use wayfold_core::bodies::Registered;
use wayfold_core::{CustomerKey, ErrorKind, EventView, Fold};

use super::snapshot::{AS_OF, Keeps, Learns, save_one, saved_fold};
use super::snapshot_damage::try_restore;
use super::support::{ada, batch, day, event, projections};

/// The one byte that begins no value.
pub(crate) const NO_KIND: u8 = 0xc1;

/// A part: its head, and the values of each customer as bytes under its spread.
pub(crate) struct Packed {
    pub(crate) head: String,
    pub(crate) customers: Vec<(u64, Vec<u8>)>,
    /// Whose values are taken apart.
    chosen: usize,
}

impl Packed {
    pub(crate) fn read(part: &[u8]) -> Self {
        let end = part.iter().position(|byte| *byte == b'\n').unwrap();
        let (head, mut rest) = (String::from_utf8(part[..end].to_vec()).unwrap(), &part[end + 1..]);
        let mut customers = Vec::new();
        while !rest.is_empty() {
            let spread = u64::from_be_bytes(rest[..8].try_into().unwrap());
            let end = 12 + u32::from_be_bytes(rest[8..12].try_into().unwrap()) as usize;
            customers.push((spread, rest[12..end].to_vec()));
            rest = &rest[end..];
        }
        Self { head, customers, chosen: 0 }
    }

    /// The bytes, with a head that says how many there are.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut rest = Vec::new();
        for (spread, values) in &self.customers {
            rest.extend(spread.to_be_bytes());
            rest.extend((values.len() as u32).to_be_bytes());
            rest.extend(values);
        }
        let (before, after) = self.head.split_once("\"bytes\":").unwrap();
        let head = format!(
            "{before}\"bytes\":{}{}\n",
            rest.len(),
            after.trim_start_matches(|c: char| c.is_ascii_digit())
        );
        [head.into_bytes(), rest].concat()
    }

    /// The values of the chosen customer, and those of states out of their bytes.
    fn values(&self) -> Vec<Told> {
        let mut rest = &self.customers[self.chosen].1[..];
        let mut values = Vec::new();
        while !rest.is_empty() {
            values.push(match rmpv::decode::read_value(&mut rest).unwrap() {
                Value::Binary(state) => Told::State(rmpv::decode::read_value(&mut &state[..]).unwrap()),
                value => Told::Plain(value),
            });
        }
        values
    }

    fn with_values(&self, values: &[Told]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for value in values {
            let mut write = |value: &Value| rmpv::encode::write_value(&mut bytes, value).unwrap();
            match value {
                Told::Plain(value) => write(value),
                Told::State(state) => {
                    let mut packed = Vec::new();
                    rmpv::encode::write_value(&mut packed, state).unwrap();
                    write(&Value::Binary(packed));
                }
            }
        }
        self.with_bytes(bytes)
    }

    fn with_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let (head, mut customers, chosen) = (self.head.clone(), self.customers.clone(), self.chosen);
        customers[chosen].1 = bytes;
        Self { head, customers, chosen }.write()
    }
}

/// A value of a customer: as it stands, or as bytes that hold it.
#[derive(Clone)]
enum Told {
    Plain(Value),
    State(Value),
}

pub(crate) fn spread_of(key: &CustomerKey) -> u64 {
    CustomerKey::spread(key.tenant.as_str(), key.customer.as_str())
}

/// The value at a place among a value and all that stand in it, keys too.
fn nth<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(values) => values.iter_mut().find_map(|value| nth(value, place)),
        Value::Map(entries) => entries.iter_mut().find_map(|(key, value)| {
            if let Some(found) = nth(key, place) { Some(found) } else { nth(value, place) }
        }),
        _ => None,
    }
}

fn instant(micros: i64) -> Value {
    Value::Binary(micros.to_be_bytes().to_vec())
}

fn extremes() -> Vec<Value> {
    let whole = [0, 1, i64::from(i32::MAX), i64::from(u32::MAX), -1, i64::MIN].map(Value::from);
    let texts = ["", "ada", "-922337203685477.5807", "999999999999999999999999999999.9999"].map(Value::from);
    let instants = [0, -62_135_596_800_000_000, 253_402_300_799_999_999, i64::MIN, i64::MAX].map(instant);
    let lists = [Value::Array(vec![]), Value::Map(vec![]), Value::Array(vec![Value::from(0); 20])];
    let others = [Value::Nil, Value::from(true), Value::from(u64::MAX), Value::from(1.5)];
    [&whole[..], &texts, &instants, &lists, &others].concat()
}

#[test]
fn every_packed_value_can_be_another_without_a_panic() {
    let packed = Packed::read(&super::golden::part("snapshot.v2.part"));
    let told = packed.values();
    assert_eq!(packed.with_values(&told), packed.write(), "what is taken apart is put together again");
    let (mut read, mut refused) = (0, 0);
    for number in 0..told.len() {
        for place in 0.. {
            let mut other = told.clone();
            let (Told::Plain(whole) | Told::State(whole)) = &mut other[number];
            if nth(whole, &mut place.clone()).is_none() {
                break;
            }
            for extreme in extremes() {
                let mut other = told.clone();
                let (Told::Plain(whole) | Told::State(whole)) = &mut other[number];
                *nth(whole, &mut place.clone()).unwrap() = extreme;
                let is_read = try_restore(&packed.with_values(&other), 250);
                *(if is_read { &mut read } else { &mut refused }) += 1;
            }
        }
    }
    assert!(read > 50 && refused > 1_000, "{read} were read, {refused} refused");
}

/// Restores the part of a fold with other values of one customer, of which nothing may be left behind.
#[track_caller]
fn check_refused(change: impl FnOnce(&Packed) -> Vec<u8>, message: &str) {
    let part = save_one(&saved_fold());
    let mut packed = Packed::read(&part);
    packed.chosen = packed.customers.iter().position(|(spread, _)| *spread == spread_of(&ada())).unwrap();
    let mut fold = Fold::new(&projections()).with_as_of(day(AS_OF));
    let error = fold.restore_part(&change(&packed)).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.kind()), (message, ErrorKind::Malformed));
    assert_eq!(fold.restore_part(&part).unwrap(), 3, "a refused part changes nothing");
}

/// Where the states of the projections stand among the values of a customer.
const STATES: usize = 4;

#[test]
fn packed_values_that_no_fold_writes_are_refused_and_the_customer_is_named() {
    let with = |place: usize, value: Told| {
        move |packed: &Packed| {
            let mut values = packed.values();
            values[place] = value;
            packed.with_values(&values)
        }
    };
    check_refused(
        with(STATES + 1, Told::State(Value::from(0))),
        "snapshot: customer ada: state lifecycle@1: invalid type: integer `0`, expected unit",
    );
    check_refused(
        with(1, Told::Plain(Value::from("eve"))),
        "snapshot: customer eve: it stands under the spread of another key",
    );
    check_refused(
        with(STATES, Told::Plain(Value::Binary(vec![0xc0, 0xc0]))),
        "snapshot: customer ada: state journey@1: invalid type: unit value, expected a map in the order of its keys",
    );
    check_refused(
        with(STATES + 1, Told::Plain(Value::Binary(vec![0xc0, 0xc0]))),
        "snapshot: customer ada: state lifecycle@1: there is more than was written",
    );
    check_refused(
        |packed| packed.with_bytes([&packed.customers[packed.chosen].1[..], &[0x91]].concat()),
        "snapshot: customer ada: there is more than was written",
    );
    check_refused(
        |packed| packed.with_bytes(vec![NO_KIND; 9]),
        "snapshot: spread 7e820c1541eb4f4b: wrong msgpack marker Reserved",
    );
}

/// A state that holds itself, and lists of any length.
#[derive(Clone, Default, Serialize, Deserialize)]
enum Nested {
    #[default]
    Leaf,
    Node(Box<Nested>),
    Both(Vec<Nested>),
    Wide(Vec<[u64; 32]>),
}

impl Learns for Nested {
    fn learn(&mut self, _: &EventView<'_>) {}
}

/// Bytes that claim more than they hold, or that stand deeper in each other than a stack has room for.
#[test]
fn a_hostile_state_costs_neither_memory_nor_the_stack() {
    let mut set = projections();
    set.register(Keeps::<Nested>::new(1)).unwrap();
    let mut fold = Fold::new(&set);
    let _ = fold.apply(&[batch(&[event(1, day(0), Registered {})])]);
    let packed = Packed::read(&save_one(&fold));
    let check = |state: Vec<u8>, expected: Result<(), &str>| {
        let mut values = packed.values();
        values[STATES + 4] = Told::Plain(Value::Binary(state));
        let restored = Fold::new(&set).restore_part(&packed.with_values(&values));
        let message = |why: &&str| format!("snapshot: customer ada: state keeps@1: {why}");
        assert_eq!(
            restored.map_err(|error| error.to_string()).map(|count| assert_eq!(count, 1)),
            expected.map_err(|why| message(&why))
        );
    };
    let nested = |depth: usize| [b"\x81\xa4Node".repeat(depth), b"\xa4Leaf".to_vec()].concat();
    check(nested(100), Ok(()));
    check(nested(1_000_000), Err("its values stand too deep in each other"));
    check(b"\x81\xa4Both\x91".repeat(1_000_000), Err("its values stand too deep in each other"));
    for wide in
        [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"]
    {
        check([&b"\x81\xa4Wide"[..], wide].concat(), Err("it is cut"));
    }
    check(b"\x81\xa4Node".to_vec(), Err("it is cut"));
    check(vec![NO_KIND], Err("a value is of no kind"));
}
