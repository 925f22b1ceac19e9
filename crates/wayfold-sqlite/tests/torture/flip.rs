//! Bits of a closed store are flipped, pages cut off, zeroed and swapped.
//!
//! Whatever is damaged, each question is answered with an error or as before: no event is changed, missing or in
//! another place without a word, also where nobody has asked for a check. What the check passes may be used on: it
//! answers everything as before, and takes every id for taken.

mod contents;
mod layout;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use wayfold_sqlite::SqliteStore;

use self::contents::{Contents, Finding};
use self::layout::Layout;
use super::run;
use super::script::{Script, Sizes};
use wayfold_testkit::process::times;
use wayfold_testkit::{Random, Scratch};

/// One way to damage a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Flip { bit: usize },
    Cut { len: usize },
    Zero { page: usize },
    Swap { pages: [usize; 2] },
}

impl Damage {
    /// Damages a file; says no if that changes nothing.
    fn apply(self, bytes: &mut Vec<u8>, page_bytes: usize) -> bool {
        let range = |page: usize| page * page_bytes..(page + 1) * page_bytes;
        match self {
            Self::Flip { bit } => bytes[bit / 8] ^= 1 << (bit % 8),
            Self::Cut { len } => bytes.truncate(len),
            Self::Zero { page } => {
                let is_zero = bytes[range(page)].iter().all(|byte| *byte == 0);
                bytes[range(page)].fill(0);
                return !is_zero;
            }
            Self::Swap { pages: [one, other] } => {
                let (one, other) = (range(one), range(other));
                let kept = bytes[one.clone()].to_vec();
                bytes.copy_within(other.clone(), one.start);
                bytes[other].copy_from_slice(&kept);
                return bytes[one] != kept;
            }
        }
        true
    }
}

/// A closed store, and what it answers.
struct Specimen {
    page_bytes: usize,
    bytes: Vec<u8>,
    contents: Contents,
}

impl Specimen {
    /// About 200 kB with sealed blocks, fresh blocks and checkpoints in it, and pages that are free again.
    fn new(page_bytes: usize) -> Self {
        let scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "specimen");
        let script = Script::new(12, 110, Sizes { batch: 8, large: 50 }).with_long_texts();
        let mut config = run::sealing();
        config.page_bytes = page_bytes as u32;
        (config.seal_events, config.seal_blocks) = (usize::MAX, usize::MAX);
        let append = |steps: std::ops::Range<usize>, seals: bool| {
            let store = SqliteStore::open(scratch.file(), config.clone()).unwrap();
            for step in steps {
                run::step(&store, &script, step).unwrap();
            }
            if seals {
                store.compact().unwrap();
            }
            store.close().unwrap();
        };
        append(0..45, true);
        append(45..80, true);
        append(80..110, false);
        let contents = Contents::read(&scratch.file()).unwrap();
        let report = contents.report();
        assert!(
            report.sealed_blocks >= 2 && report.fresh_blocks >= 12 && report.checkpoints == 3,
            "{report:?}"
        );
        // Reading leaves files beside it where it may not take them away; all is in the one file.
        assert!(std::fs::metadata(scratch.folder().join("log.wayfold-wal")).map_or(0, |log| log.len()) == 0);
        let bytes = std::fs::read(scratch.file()).unwrap();
        println!("{} bytes in pages of {page_bytes}, {report:?}", bytes.len());
        assert!((150_000..400_000).contains(&bytes.len()), "{}", bytes.len());
        Self { page_bytes, bytes, contents }
    }

    fn pages(&self) -> usize {
        self.bytes.len() / self.page_bytes
    }

    /// Damages the file in each way in turn, on every core.
    fn damage_each(&self, damages: &[Damage]) -> Tally {
        let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
        let layout = Layout::new(&self.bytes, self.page_bytes);
        let work = || {
            let scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "damaged");
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let Some(damage) = damages.get(turn) else { return };
                let mut bytes = self.bytes.clone();
                if !damage.apply(&mut bytes, self.page_bytes) {
                    continue;
                }
                std::fs::write(scratch.file(), &bytes).unwrap();
                let found = std::panic::catch_unwind(|| self.contents.find_in(&scratch, turn));
                let found = found.unwrap_or_else(|_| Finding::Wrong("a panic".to_owned()));
                tally.lock().unwrap().note(*damage, found, &layout);
                scratch.clear();
            }
        };
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
        let tally = tally.into_inner().unwrap();
        println!("{tally}");
        assert_eq!(tally.wrong, Vec::<String>::new());
        tally
    }
}

/// What became of damages.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    told_by_a_read: usize,
    told_by_the_check: usize,
    harmless: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn note(&mut self, damage: Damage, found: Finding, layout: &Layout) {
        match found {
            Finding::Refused => self.refused += 1,
            Finding::ToldByARead => self.told_by_a_read += 1,
            Finding::ToldByTheCheck => self.told_by_the_check += 1,
            Finding::Harmless => {
                let place = match damage {
                    Damage::Flip { bit } => layout.place(bit / 8),
                    Damage::Cut { .. } => "cut",
                    Damage::Zero { page } => layout.place_of_page(page),
                    Damage::Swap { .. } => "swap",
                };
                *self.harmless.entry(place).or_default() += 1;
            }
            Finding::Wrong(what) => self.wrong.push(format!("{damage:?}: {what}")),
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { refused, told_by_a_read, told_by_the_check, harmless, wrong } = self;
        write!(f, "{refused} refused at opening, {told_by_a_read} told by a read, {told_by_the_check} ")?;
        write!(f, "by the check alone, {} wrong, harmless: {harmless:?}", wrong.len())
    }
}

/// So many bits drawn by chance.
fn some_bits(specimen: &Specimen, seed: u64, count: usize) -> Vec<Damage> {
    let mut random = Random::new(seed);
    let bits = specimen.bytes.len() * 8;
    (0..count * times()).map(|_| Damage::Flip { bit: random.index(bits) }).collect()
}

#[test]
fn a_flipped_bit_is_told_or_harmless() {
    // Small pages, so that all bits of two of them can be tried.
    let specimen = Specimen::new(512);
    let (page, end) = (specimen.page_bytes * 8, specimen.bytes.len() * 8);
    let mut damages: Vec<Damage> = (0..page).chain(end - page..end).map(|bit| Damage::Flip { bit }).collect();
    damages.extend(some_bits(&specimen, 1, 7_900));
    specimen.damage_each(&damages);
}

#[test]
fn a_flipped_bit_in_pages_of_usual_size_is_told_or_harmless() {
    let specimen = Specimen::new(4096);
    specimen.damage_each(&some_bits(&specimen, 2, 4_000));
}

#[test]
fn a_file_that_is_cut_off_is_told() {
    let specimen = Specimen::new(512);
    let mut random = Random::new(3);
    let mut cuts: Vec<usize> = (0..specimen.pages()).map(|page| page * specimen.page_bytes).collect();
    cuts.extend((0..200).map(|_| random.index(specimen.bytes.len())));
    let damages: Vec<Damage> = cuts.into_iter().map(|len| Damage::Cut { len }).collect();
    specimen.damage_each(&damages);
}

#[test]
fn pages_that_are_zeroed_or_swapped_are_told() {
    let specimen = Specimen::new(512);
    let mut random = Random::new(4);
    let mut damages: Vec<Damage> = (0..specimen.pages()).map(|page| Damage::Zero { page }).collect();
    let mut page = || random.index(specimen.pages());
    damages.extend((0..400).map(|_| Damage::Swap { pages: [page(), page()] }));
    specimen.damage_each(&damages);
}
