//! A process that embeds the engine is killed at any moment, and another goes on with its log: it says what it found,
//! and is right.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "killed/case.rs"]
mod case;
#[path = "killed/history.rs"]
mod history;
#[path = "killed/known.rs"]
mod known;
#[path = "killed/life.rs"]
mod life;
#[path = "killed/line.rs"]
mod line;
#[path = "killed/verify.rs"]
mod verify;

use wayfold_testkit::Random;
use wayfold_testkit::process::{self, times};

use crate::case::{Case, Clocks, Ended, Moment};
use crate::line::Phase;
use crate::verify::Found;

const NAME: &str = "a_process_killed_amid_a_rebuild_a_snapshot_or_a_swap_is_taken_up_by_the_next";
/// How often each phase is to be hit.
const HITS: usize = 34;
/// Some kills miss their phase: they come too late, or the machine is busy.
const ROUNDS_MAX: usize = 9 * HITS;
/// How many processes live on one file, one after the other.
const LIVES: usize = 24;

#[test]
fn a_process_killed_amid_a_rebuild_a_snapshot_or_a_swap_is_taken_up_by_the_next() {
    match process::task() {
        Some(task) => life::live(&task),
        None => kill_often(),
    }
}

#[derive(Debug, Default)]
struct Tally {
    snapshot: usize,
    rebuild: usize,
    swap: usize,
    elsewhere: usize,
    by_themselves: usize,
    files: u64,
    found: Found,
}

impl Tally {
    fn hits(&mut self, phase: Phase) -> &mut usize {
        match phase {
            Phase::Snapshot => &mut self.snapshot,
            Phase::Rebuild => &mut self.rebuild,
            Phase::Swap => &mut self.swap,
        }
    }

    fn least(&mut self) -> (Phase, usize) {
        Phase::ALL.map(|phase| (phase, *self.hits(phase))).into_iter().min_by_key(|(_, hits)| *hits).unwrap()
    }
}

fn kill_often() {
    let (mut random, mut clocks, mut tally) = (Random::new(11), Clocks::default(), Tally::default());
    let mut case = Case::new(0);
    for round in 0.. {
        let (phase, hits) = tally.least();
        if hits >= HITS * times() {
            break;
        }
        assert!(round < ROUNDS_MAX * times(), "the kills met too little: {tally:?}");
        if round > 0 && round % LIVES == 0 {
            tally.files += 1;
            case = Case::new(tally.files);
        }
        let moment = if random.percent(10) { Moment::Opening } else { Moment::Amid(phase) };
        let ended = case.run(moment, &mut clocks, &mut random);
        println!("round {round}, file {}, {moment:?}: {ended:?}", tally.files);
        match ended {
            Ended::Killed(Some(phase)) => *tally.hits(phase) += 1,
            Ended::Killed(None) => tally.elsewhere += 1,
            Ended::ByItself => tally.by_themselves += 1,
        }
        case.verify(&mut random, &mut tally.found);
    }
    println!("{tally:?}");
    let Found { restored, dropped, resumed, begun_anew, told_again, .. } = tally.found;
    assert!([restored, dropped, begun_anew].into_iter().all(|count| count >= 15), "{tally:?}");
    assert!(resumed >= 5 && told_again >= 5, "{tally:?}");
}
