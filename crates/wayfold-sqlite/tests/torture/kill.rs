//! The process is killed at any moment, and another goes on with its file.
//!
//! The test starts its own program again as the process to be killed. That one tells of each step on its standard
//! output, a line before it begins and a line once it is acknowledged.

use std::fmt::Write as _;
use std::process::Child;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use wayfold_core::Position;
use wayfold_sqlite::SqliteStore;
use wayfold_testkit::process::{self, PATIENCE, lines_of, say, times};
use wayfold_testkit::{Random, Scratch};

use super::run::{self, Notes};
use super::script::{LANES, Script, Sizes};
use super::verify::{Answers, Known, verify};

const NAME: &str = "torture::kill::acknowledged_events_survive_a_kill";
const KILLS: usize = 300;
/// The steps of a file; once they are done, the next process begins a new one.
const STEPS: usize = 300;

#[test]
fn acknowledged_events_survive_a_kill() {
    match process::task() {
        Some(task) => append_until_killed(&task),
        None => kill_often(),
    }
}

/// What a process is told to do: `file|seed|until|lane|lane|lane`.
fn append_until_killed(task: &str) {
    let parts: Vec<&str> = task.split('|').collect();
    let number = |at: usize| parts[at].parse::<usize>().unwrap();
    let script = Script::new(number(1) as u64, STEPS, Sizes::default());
    let store = SqliteStore::open(parts[0], run::sealing()).unwrap();
    run::lanes(&store, &script, std::array::from_fn(|lane| number(3 + lane)), number(2), &Teller).unwrap();
    say("end");
    store.close().unwrap();
    say("closed");
    std::process::exit(0);
}

struct Teller;

impl Notes for Teller {
    fn begun(&self, step: usize) {
        say(&format!("begun {step}"));
    }

    fn done(&self, step: usize, positions: Vec<Position>) {
        let mut line = format!("done {step}");
        for position in positions {
            write!(line, " {position}").unwrap();
        }
        say(&line);
    }
}

/// When a process is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after its start, mostly before and while it opens the file.
    Opening(Duration),
    /// So long after so many acknowledgements.
    Appending(usize, Duration),
    /// So long after its last step, while it closes the file.
    Closing(Duration),
}

impl Moment {
    fn of(random: &mut Random) -> Self {
        let mut micros = |below: u64| Duration::from_micros(random.below(below));
        let (short, long) = (micros(3_000), micros(25_000));
        match random.below(20) {
            0..5 => Self::Opening(long),
            5..15 => Self::Appending(1 + random.index(25), short),
            _ => Self::Closing(short),
        }
    }
}

/// A file that processes append to one after the other, and what they have said.
struct Case {
    script: Script,
    scratch: Scratch,
    known: Known,
    answers: Answers,
}

impl Case {
    fn new(seed: u64) -> Self {
        Self {
            script: Script::new(seed, STEPS, Sizes::default()),
            scratch: Scratch::new(env!("CARGO_TARGET_TMPDIR"), "kill"),
            known: Known::default(),
            answers: Answers::default(),
        }
    }

    /// The first step of each lane that is not done.
    fn next(&self) -> [usize; LANES] {
        run::START.map(|lane| {
            let mut steps = (lane..).step_by(LANES);
            steps.find(|step| !self.known.done.contains_key(step)).unwrap()
        })
    }

    fn is_over(&self) -> bool {
        self.next().into_iter().all(|step| step >= STEPS)
    }

    fn spawn(&self, until: usize) -> Child {
        let [a, b, c] = self.next();
        let task = format!("{}|{}|{until}|{a}|{b}|{c}", self.scratch.file().display(), self.script.seed);
        process::spawn(NAME, &task)
    }

    /// Takes in a line; gives what it says.
    fn hear(&mut self, line: &str) -> Heard {
        let mut words = line.split(' ');
        let what = words.next();
        let step = words.next().map(|step| step.parse().unwrap());
        match (what, step) {
            (Some("begun"), Some(step)) => {
                self.known.begun.insert(step);
                Heard::Nothing
            }
            (Some("done"), Some(step)) => {
                let positions = words.map(|word| Position::try_from(word.to_owned()).unwrap());
                self.known.done.insert(step, positions.collect());
                Heard::Done
            }
            (Some("end"), None) => Heard::End,
            (Some("closed"), None) => Heard::Nothing,
            _ => panic!("a line of a process: {line:?}"),
        }
    }

    /// Starts a process, kills it at a moment, and takes in all it has said.
    fn run(&mut self, moment: Moment, steps: usize) -> Ended {
        let until = (self.next().into_iter().min().unwrap() + steps).min(STEPS);
        let mut child = self.spawn(until);
        let lines = lines_of(&mut child);
        let mut is_at_end = self.listen(&lines, moment);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        lines.iter().for_each(|line| is_at_end |= self.hear(&line) == Heard::End);
        match (status.code(), is_at_end) {
            (Some(0), _) => Ended::ByItself,
            (Some(code), _) => panic!("the process failed with code {code}; seed {}", self.script.seed),
            (None, true) => Ended::Closing,
            (None, false) => Ended::Killed,
        }
    }

    /// Takes in what a process says until the moment has come or it has ended; says whether it has done all steps.
    fn listen(&mut self, lines: &Receiver<String>, moment: Moment) -> bool {
        let start = Instant::now();
        let mut deadline = match moment {
            Moment::Opening(delay) => start + delay,
            _ => start + PATIENCE,
        };
        let (mut done, mut is_at_end) = (0, false);
        while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            let heard = self.hear(&line);
            is_at_end |= heard == Heard::End;
            done += usize::from(heard == Heard::Done);
            deadline = match (moment, heard) {
                (Moment::Appending(steps, delay), Heard::Done) if done == steps => Instant::now() + delay,
                (Moment::Closing(delay), Heard::End) => Instant::now() + delay,
                _ => deadline,
            };
        }
        assert!(start.elapsed() < PATIENCE, "the process did not come to an end");
        is_at_end
    }

    /// Says whether a process was killed while it made a sealed block, and lets so much time pass since that others
    /// may go on with sealing.
    fn was_sealing(&self) -> bool {
        let connection = Connection::open(self.scratch.file()).unwrap();
        let building =
            connection.query_row("SELECT count(*) FROM block WHERE state = 0", [], |row| row.get(0));
        // A process that was killed early has made no tables.
        let building: i64 = building.unwrap_or(0);
        if building > 0 {
            connection.execute("UPDATE block SET touched_at = 0 WHERE state = 0", []).unwrap();
        }
        building > 0
    }

    /// Verifies a copy of the files or the files themselves, so that some processes find them as a kill left them.
    fn verify(&mut self, on_a_copy: bool) -> Result<usize, String> {
        let copy = on_a_copy.then(|| self.scratch.copy("copy"));
        let file = copy.as_ref().unwrap_or(&self.scratch).file();
        let store = SqliteStore::open(file, run::sealing()).map_err(|error| format!("open: {error}"))?;
        verify(&store, &self.script, &self.known, &mut self.answers)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Nothing,
    Done,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Killed,
    /// Killed while it closed the file.
    Closing,
    /// It had ended before it could be killed.
    ByItself,
}

fn kill_often() {
    let mut random = Random::new(7);
    let mut files = 0;
    let (mut killed, mut closing, mut by_themselves, mut in_doubt, mut events) = (0, 0, 0, 0, 0);
    let mut sealing = 0;
    let mut case = Case::new(files);
    while killed + closing < KILLS * times() {
        let moment = Moment::of(&mut random);
        let steps = random.between(10, 60) as usize;
        match case.run(moment, steps) {
            Ended::Killed => killed += 1,
            Ended::Closing => closing += 1,
            Ended::ByItself => by_themselves += 1,
        }
        let seed = case.script.seed;
        let is_in_doubt = case.known.begun.iter().any(|step| !case.known.done.contains_key(step));
        in_doubt += usize::from(is_in_doubt);
        let found = case.verify(random.percent(50));
        events += found.unwrap_or_else(|error| panic!("seed {seed}, killed {moment:?}: {error}"));
        if random.percent(50) {
            sealing += usize::from(case.was_sealing());
        }
        if case.is_over() || random.percent(2) {
            files += 1;
            case = Case::new(files);
        }
    }
    println!(
        "{killed} killed, {closing} while closing, {by_themselves} ended by themselves, {in_doubt} with steps in \
         doubt, {sealing} of half of them while sealing, {} files, {events} events",
        files + 1
    );
    assert!(closing >= 10 && in_doubt >= 100 && sealing >= 5 && files >= 3, "the kills met too little");
}
