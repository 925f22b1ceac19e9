//! Who follows the log sees every event once, whoever writes.

use std::panic::resume_unwind;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use wayfold_core::{EventId, JourneyEvent, Position};
use wayfold_store::ReadQuery;

use super::events::{plain, plains};
use super::trial::{Caller, Trial, ids, positions};

const WRITERS: u128 = 4;
const BATCHES: u128 = 60;
/// The id of the event after which nobody writes.
const LAST: u128 = u128::MAX;

pub(crate) fn follower_sees_every_event_once(trial: &Trial) {
    let log = trial.caller();
    follow_writers(&log, &vec![log.clone(); WRITERS as usize]);
}

pub(crate) fn follower_sees_the_events_of_every_handle(trial: &Trial) {
    let (log, second) = (trial.caller(), trial.second());
    follow_writers(&log, &[log.clone(), second.clone(), log.clone(), second]);
}

/// A batch is never seen in part where a page has room for it.
pub(crate) fn follower_sees_the_end_of_every_batch(trial: &Trial) {
    let log = trial.caller();
    let mut seen = Position::START;
    for round in 0..20_u128 {
        let given = log.put(&plains(round * 100, 1 + round % 5, "a"));
        let new = log.read(&ReadQuery::all(), seen, 2);
        assert_eq!(positions(&new), given, "round {round}");
        seen = given[given.len() - 1];
    }
}

fn follow_writers(reader: &Caller, writers: &[Caller]) {
    let follower = reader.clone();
    let (beat, beats) = mpsc::channel();
    let following = thread::spawn(move || follow(&follower, &beat));
    thread::scope(|scope| {
        for (number, writer) in (0_u128..).zip(writers) {
            scope.spawn(move || {
                for batch in 0..BATCHES {
                    let first = (number * BATCHES + batch) * 10;
                    writer.put(&plains(first, 1 + batch % 3, &format!("c{number}")));
                }
            });
        }
    });
    reader.put(&[plain(LAST, "end")]);
    let patience: Duration = reader.patience();
    // The channel closes when the follower ends.
    loop {
        match beats.recv_timeout(patience) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("the follower saw nothing for {patience:?}"),
        }
    }
    let followed = following.join().unwrap_or_else(|panic| resume_unwind(panic));
    assert_eq!(ids(&followed), ids(&reader.all()), "what was followed is what the log holds");
    assert_eq!(
        followed.len() as u128,
        writers.len() as u128 * BATCHES * 2 + 1,
        "events were lost or doubled"
    );
    let places = positions(&followed);
    assert!(places.is_sorted_by(|earlier, later| earlier < later), "positions do not grow");
}

/// Reads on whenever the log has grown, up to the last event.
fn follow(log: &Caller, beat: &Sender<()>) -> Vec<JourneyEvent> {
    let (store, mut seen) = (log.store(), Position::START);
    let mut followed: Vec<JourneyEvent> = Vec::new();
    while followed.last().is_none_or(|event| event.id != EventId::from_u128(LAST)) {
        let head = log.wait(store.wait_past(seen)).unwrap_or_else(|error| panic!("a wait failed: {error}"));
        assert!(head > seen, "a wait past {seen} ended at {head}");
        for page in log.pages(&ReadQuery::all(), seen, 7) {
            let events = page.batch.to_events();
            let last = events.last().and_then(|event| event.position);
            seen = page.next.or(last).unwrap_or(seen);
            followed.extend(events);
        }
        // Nobody counts any more where the follower has come too late.
        let _ = beat.send(());
    }
    followed
}
