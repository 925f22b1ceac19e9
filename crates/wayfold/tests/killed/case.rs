//! A file on which processes live and are killed, one after the other.

use std::process::Child;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use wayfold::JourneyEvent;
use wayfold_testkit::process::{self, PATIENCE, lines_of};
use wayfold_testkit::{Random, Scratch};

use crate::NAME;
use crate::history::batches;
use crate::known::Known;
use crate::life::Task;
use crate::line::{Line, Phase};
use crate::verify::{Found, verify};

/// When a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So long after its start as it has taken others to come to their first step.
    Opening,
    /// Amid a phase, the first time that it comes there.
    Amid(Phase),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Amid a phase or elsewhere.
    Killed(Option<Phase>),
    /// It had ended before it could be killed.
    ByItself,
}

/// How long things take on this machine, by which the moments are drawn.
#[derive(Debug)]
pub(crate) struct Clocks {
    opening: Duration,
    phases: [Duration; 3],
}

impl Default for Clocks {
    fn default() -> Self {
        Self { opening: Duration::from_millis(50), phases: [Duration::from_millis(5); 3] }
    }
}

impl Clocks {
    fn note(&mut self, phase: Phase, took: Duration) {
        let mean = &mut self.phases[phase as usize];
        *mean = (*mean * 3 + took) / 4;
    }
}

pub(crate) struct Case {
    number: u64,
    batches: Vec<Vec<JourneyEvent>>,
    scratch: Scratch,
    known: Known,
}

impl Case {
    pub(crate) fn new(number: u64) -> Self {
        let scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "killed");
        Self { number, batches: batches(number), scratch, known: Known::new() }
    }

    /// Starts a process, kills it at a moment, and takes in all it has said.
    pub(crate) fn run(&mut self, moment: Moment, clocks: &mut Clocks, random: &mut Random) -> Ended {
        let mut child = self.spawn(random);
        let lines = lines_of(&mut child);
        self.listen(&lines, moment, clocks, random);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        lines.iter().for_each(|line| self.known.hear(Line::parse(&line)));
        match status.code() {
            Some(0) => Ended::ByItself,
            Some(code) => panic!("the process failed with code {code}: {:?}", self.known),
            None => Ended::Killed(self.known.phase()),
        }
    }

    fn spawn(&mut self, random: &mut Random) -> Child {
        let rulebook = self.known.opener(random);
        let task = Task {
            file: self.scratch.file(),
            history: self.number,
            seed: random.next(),
            rulebook,
            threads: 1 + random.index(3),
            next: self.known.done,
        };
        self.known.start(rulebook);
        process::spawn(NAME, &serde_json::to_string(&task).unwrap())
    }

    /// Takes in what a process says until the moment has come or it has ended.
    fn listen(&mut self, lines: &Receiver<String>, moment: Moment, clocks: &mut Clocks, random: &mut Random) {
        let (start, part) = (Instant::now(), random.fraction());
        let mut deadline = match moment {
            Moment::Opening => start + clocks.opening.mul_f64(part),
            Moment::Amid(_) => start + PATIENCE,
        };
        let mut begun = None;
        while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            let (line, now) = (Line::parse(&line), Instant::now());
            if matches!(line, Line::Opened { .. }) {
                clocks.opening = (clocks.opening * 3 + start.elapsed()) / 4;
            }
            if let Some(phase) = line.begins() {
                if begun.is_none_or(|(other, _)| other != phase) && moment == Moment::Amid(phase) {
                    deadline = deadline.min(now + clocks.phases[phase as usize].mul_f64(part));
                }
                begun = Some((phase, now));
            } else if let Some((phase, began)) = begun.filter(|_| line.ends()) {
                clocks.note(phase, now - began);
            }
            self.known.hear(line);
        }
        assert!(start.elapsed() < PATIENCE, "the process did not come to an end");
    }

    /// Looks at a copy of the file, which the next process finds as it was left.
    pub(crate) fn verify(&mut self, random: &mut Random, found: &mut Found) {
        let copy = self.scratch.copy("copy");
        let history = (self.number, &self.batches[..]);
        verify(&copy, history, &mut self.known, random, found);
    }
}
