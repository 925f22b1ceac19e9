//! A rebuild from a closed store: how fast the log is read for a fold, and read and folded.
//!
//! `cargo bench -p wayfold-benches --bench rebuild -- [W|S] [fresh|compacted]`; `WAYFOLD_BENCH_EVENTS` says how many
//! events, a million if nothing does. The store is made once and kept for the next run; the page cache is warm.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use pollster::block_on;
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Builder, EventStore, Position, Rules, Timestamp};
use wayfold_benches::{StoreState, Workload, make_closed};

/// How often each is measured; the median counts.
const RUNS: usize = 5;

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_chosen = |word: &str, others: [&str; 2]| {
        let names_one = chosen.iter().any(|chosen| others.contains(&chosen.as_str()));
        !names_one || chosen.iter().any(|chosen| chosen == word)
    };
    println!("{:28} {:>10} {:>14}", "", "seconds", "M events/s");
    for (name, workload) in [("W", Workload::w as fn() -> Workload), ("S", Workload::s)] {
        for state in StoreState::ALL {
            if is_chosen(name, ["W", "S"]) && is_chosen(state.name(), ["fresh", "compacted"]) {
                measure(&format!("{name} {}", state.name()), &file(name, state, workload));
            }
        }
    }
}

/// The store of a workload, made if it is not there.
fn file(name: &str, state: StoreState, workload: fn() -> Workload) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("rebuild-bench");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let path = folder.join(format!("{name}-{}-{}.wayfold", state.name(), wayfold_benches::events()));
    if !path.exists() {
        make_closed(&path, state, workload().events);
    }
    path
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open_read_only(path, SqliteConfig::default()).expect("the file can be opened")
}

fn measure(name: &str, path: &Path) {
    let read = |path: &Path, threads| {
        let store = open(path);
        let scan = block_on(store.scan(Position::START, usize::MAX, threads)).expect("the log can be read");
        let events = scan.events as usize;
        std::thread::scope(|scope| {
            for lane in scan.lanes {
                scope.spawn(|| lane.for_each(|part| drop(black_box(part.expect("the lane can be read")))));
            }
        });
        events
    };
    let folded = |path: &Path, threads| {
        let builder = Builder::new(Rules::default()).expect("rules").by_hand(Timestamp::MAX);
        let builder = builder.with_threads(threads).on_demand().without_snapshots().fold_anew();
        let wayfold = block_on(builder.open(open(path))).expect("the file can be opened");
        block_on(wayfold.opened()).expect("the log can be folded").folded as usize
    };
    for threads in [1, 2] {
        report(&format!("{name} read, {threads} threads"), || read(path, threads));
        report(&format!("{name} folded, {threads} threads"), || folded(path, threads));
    }
}

fn report(name: &str, run: impl Fn() -> usize) {
    let mut seconds: Vec<(f64, usize)> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let events = run();
            (start.elapsed().as_secs_f64(), events)
        })
        .collect();
    seconds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (median, events) = seconds[RUNS / 2];
    println!("{name:28} {median:10.3} {:14.2}", events as f64 / median / 1e6);
}
