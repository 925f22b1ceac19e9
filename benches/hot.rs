//! The hot paths, each a number of times over: what `cargo xtask bench --instructions` counts the instructions of.
//!
//! `hot prepare FILE` makes the closed store that is scanned. `hot PATH PASSES FILE` walks one path so often; what two
//! passes cost more than one is the cost of a pass, whatever came before it.

use std::hint::black_box;
use std::path::Path;

use pollster::block_on;
use wayfold_benches::{Named, Planned, StoreState, chunks, make_closed, remove_store};
use wayfold_core::{Fold, Position, ProjectionSet, Rules};
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::EventStore;

/// Fewer than are sealed in the background, so that an append costs the same each time.
const EVENTS: u64 = 60_000;
const BATCH: usize = 1_000;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["prepare", file] => {
            make_closed(file.as_ref(), StoreState::Compacted, Planned::new(Named::W, EVENTS).events());
        }
        ["scan", passes, file] => (0..passes.parse()?).try_for_each(|_: u32| scan(file.as_ref()))?,
        ["fold-W", passes, _] => fold(Named::W, passes.parse()?)?,
        ["fold-S", passes, _] => fold(Named::S, passes.parse()?)?,
        ["append", passes, file] => append(passes.parse()?, &Path::new(file).with_extension("appended"))?,
        _ => println!(
            "usage, by `cargo xtask bench --instructions`: hot scan|fold-W|fold-S|append PASSES FILE"
        ),
    }
    Ok(())
}

/// Reads and decodes sealed pages as a fold does.
fn scan(path: &Path) -> Result<()> {
    let store = SqliteStore::open_read_only(path, SqliteConfig::default())?;
    let scan = block_on(store.scan(Position::START, usize::MAX, 1))?;
    assert_eq!(scan.events, EVENTS, "the whole log is read");
    for part in scan.lanes.into_iter().flatten() {
        black_box(part?);
    }
    Ok(())
}

/// Folds all four built-in projections from batches in memory.
fn fold(named: Named, passes: u32) -> Result<()> {
    let batches: Vec<_> = chunks(Planned::new(named, EVENTS).events(), BATCH).collect();
    let projections = ProjectionSet::new(Rules::default())?;
    for _ in 0..passes {
        let mut fold = Fold::new(&projections);
        assert!(fold.apply(&batches).refolds.is_empty(), "all is folded at once");
        black_box(fold);
    }
    Ok(())
}

/// Appends batches to a new file.
fn append(passes: u32, path: &Path) -> Result<()> {
    let batches: Vec<_> = chunks(Planned::new(Named::W, EVENTS).events(), BATCH).collect();
    for _ in 0..passes {
        remove_store(path);
        let store = SqliteStore::open(path, SqliteConfig::default())?;
        for batch in &batches {
            let _ = block_on(store.append(batch.clone(), None))?;
        }
        store.close()?;
    }
    remove_store(path);
    Ok(())
}
