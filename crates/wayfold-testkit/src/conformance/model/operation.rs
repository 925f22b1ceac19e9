//! What a sequence may do, made up from a seed.

use wayfold_core::{EventId, JourneyEvent};
use wayfold_store::{Direction, EventFilter};

use crate::conformance::events::{at, mixed};
use crate::conformance::filters::filters;
use crate::random::Random;

const SECONDS_PER_DAY: i64 = 86_400;
const CHECKPOINT_NAMES: [&str; 4] = ["mails", "mails ", "MAILS", "客户"];

/// One operation; places in the log are named by rank, as positions are each store's own.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Append { events: Vec<JourneyEvent>, condition: Option<(EventFilter, Place)> },
    Read { filter: EventFilter, direction: Direction, from: Place, limit: usize },
    Head,
    PollPast { place: Place },
    PutCheckpoint { name: &'static str, place: Place, bytes: Vec<u8> },
    Checkpoint { name: &'static str },
    SetClock { seconds: i64 },
    Upkeep,
    Reopen,
}

/// A place in a log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Start,
    End,
    /// That event of the log, counted round and round.
    Event(u64),
    /// That event from the end.
    Last(u64),
}

/// The operations of a seed.
pub(crate) fn sequence(seed: u64) -> Vec<Operation> {
    let mut random = Random::new(seed);
    let count = random.between(4, 40);
    (0..count).map(|_| operation(&mut random)).collect()
}

fn operation(random: &mut Random) -> Operation {
    let name = *random.pick(&CHECKPOINT_NAMES);
    match random.below(100) {
        0..45 => {
            let condition = random.percent(40).then(|| (filter(random), place(random)));
            Operation::Append { events: batch(random), condition }
        }
        45..75 => {
            let direction = if random.percent(50) { Direction::Forward } else { Direction::Backward };
            let limit = *random.pick(&[1, 2, 3, 5, 100]);
            Operation::Read { filter: filter(random), direction, from: place(random), limit }
        }
        75..80 => Operation::Head,
        80..84 => Operation::PollPast { place: place(random) },
        84..88 => {
            let bytes = vec![random.below(256) as u8; random.index(9)];
            Operation::PutCheckpoint { name, place: place(random), bytes }
        }
        88..91 => Operation::Checkpoint { name },
        91..94 => Operation::SetClock { seconds: random.between(-3, 3) * SECONDS_PER_DAY },
        94..97 => Operation::Upkeep,
        _ => Operation::Reopen,
    }
}

fn filter(random: &mut Random) -> EventFilter {
    random.pick(&filters()).1.clone()
}

fn place(random: &mut Random) -> Place {
    match random.below(10) {
        0..3 => Place::Start,
        3 => Place::End,
        4..7 => Place::Last(random.below(3)),
        _ => Place::Event(random.below(64)),
    }
}

/// Events from a small stock, so that ids come again: mostly with the content that they had.
fn batch(random: &mut Random) -> Vec<JourneyEvent> {
    let stock = mixed();
    let count = *random.pick(&[0, 1, 1, 1, 2, 3, 5, 9]);
    let mut events: Vec<JourneyEvent> = Vec::new();
    for _ in 0..count {
        let number = random.index(40);
        let mut event = stock[number % stock.len()].clone();
        event.id = EventId::from_u128(number as u128);
        match random.below(100) {
            0..2 => event.sequence = 1,
            // An id that belongs to another customer, perhaps of another tenant.
            2..5 => event.id = EventId::from_u128(random.below(40).into()),
            5..7 => event.occurred_at = at(random.between(-1, 4) * SECONDS_PER_DAY).into(),
            7..10 => event = events.last().unwrap_or(&event).clone(),
            _ => {}
        }
        events.push(event);
    }
    events
}
