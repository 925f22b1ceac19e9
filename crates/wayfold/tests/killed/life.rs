//! The life of a process that is to be killed.

use std::path::PathBuf;

use pollster::block_on;
use serde::{Deserialize, Serialize};
use wayfold::{JourneyEvent, Opened, Position, Rebuild, Start, Subscription, Told, Wayfold};
use wayfold_testkit::Random;

use crate::history::{Rulebook, batches, open};
use crate::line::{Line, Point};

/// More than a process comes to do before it is killed.
const STEPS: usize = 60;

/// What a process is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) file: PathBuf,
    /// Of the history.
    pub(crate) history: u64,
    /// Of what the process does.
    pub(crate) seed: u64,
    pub(crate) rulebook: Rulebook,
    pub(crate) threads: usize,
    /// The first batch that nobody has acknowledged.
    pub(crate) next: usize,
}

struct Life {
    history: u64,
    batches: Vec<Vec<JourneyEvent>>,
    next: usize,
    random: Random,
    wayfold: Wayfold,
    rulebook: Rulebook,
    threads: usize,
    notices: Subscription,
}

/// The name under which notices are heard that the rules give.
pub(crate) fn listener(rulebook: Rulebook) -> String {
    format!("mail/{}", rulebook.rules().version)
}

pub(crate) fn live(task: &str) {
    let Task { file, history, seed, rulebook, threads, next } = serde_json::from_str(task).unwrap();
    let builder = rulebook.builder(history).with_threads(threads);
    let wayfold = block_on(builder.open(open(&file))).unwrap();
    let Opened { snapshot, dropped, folded } = block_on(wayfold.opened()).unwrap();
    Line::Opened { snapshot, dropped, folded }.say();
    let notices = block_on(wayfold.subscribe_as(&listener(rulebook), Start::Beginning)).unwrap();
    let (batches, random) = (batches(history), Random::new(seed));
    let mut life = Life { history, batches, next, random, wayfold, rulebook, threads, notices };
    if life.next == 0 {
        life.append();
    }
    for _ in 0..STEPS {
        match life.random.below(10) {
            0..3 => life.append(),
            3..5 => life.snapshot(),
            5..7 => life.listen(),
            _ => life.rebuild(),
        }
    }
    std::process::exit(0);
}

impl Life {
    fn append(&mut self) {
        let Some(batch) = self.batches.get(self.next) else { return };
        Line::Appending(self.next).say();
        block_on(self.wayfold.append(batch)).unwrap();
        Line::Appended(self.next).say();
        self.next += 1;
    }

    /// Up to where the next step folds, as nobody else appends.
    fn head(&self) -> Position {
        block_on(self.wayfold.store().head()).unwrap()
    }

    fn snapshot(&mut self) {
        Line::Snapshotting(self.head()).say();
        block_on(self.wayfold.snapshot()).unwrap();
        Line::Snapshotted.say();
    }

    /// Hears what there is to hear, and often does something else before it says so.
    fn listen(&mut self) {
        while let Some(delivery) = block_on(self.notices.try_next()).unwrap() {
            if self.random.percent(50) {
                self.snapshot();
            }
            let told = delivery.told.iter().map(|told| (told.notice().id, matches!(told, Told::Fact(_))));
            Line::Told(told.collect()).say();
        }
    }

    /// Rebuilds by and by under the other rules, keeps what is folded, and mostly swaps.
    fn rebuild(&mut self) {
        let target = self.rulebook.other();
        Line::Rebuilding(target).say();
        let builder = target.builder(self.history).with_threads(self.threads);
        let mut rebuild = block_on(self.wayfold.rebuild(builder)).unwrap();
        Line::Resumed(point(&rebuild)).say();
        for _ in 0..self.random.below(4) {
            self.append();
            while block_on(rebuild.step()).unwrap() {}
            Line::Keeping(point(&rebuild)).say();
            block_on(rebuild.keep()).unwrap();
            Line::Kept.say();
        }
        Line::Rebuilt.say();
        if self.random.percent(65) {
            self.swap(rebuild, target);
        }
    }

    fn swap(&mut self, rebuild: Rebuild, target: Rulebook) {
        if self.random.percent(50) {
            self.append();
        }
        Line::Swapping(self.head()).say();
        block_on(rebuild.swap()).unwrap();
        Line::Swapped.say();
        self.rulebook = target;
    }
}

/// How far a rebuild has come.
pub(crate) fn point(rebuild: &Rebuild) -> Point {
    let progress = block_on(rebuild.progress());
    Point { position: progress.position, events: progress.events }
}
