//! Other processes that have the same file open.

use std::process::{Child, Command, Stdio};

use pollster::block_on;
use wayfold_core::{CustomerKey, Position};
use wayfold_store::{AppendOutcome, EventFilter, EventStore};

use super::support::{Folder, all, append, append_if, head, ids, place, registered};

const FOLDER: &str = "WAYFOLD_SQLITE_TEST_FILE";
const FIRST: &str = "WAYFOLD_SQLITE_TEST_FIRST";
const ROUNDS: u128 = 200;

/// The other process: appends, or does nothing when the tests run as usual.
#[test]
fn the_other_process_appends() {
    let (Ok(file), Ok(first)) = (std::env::var(FOLDER), std::env::var(FIRST)) else { return };
    let first: u128 = first.parse().unwrap();
    let store = wayfold_sqlite::SqliteStore::open(file, wayfold_sqlite::SqliteConfig::default()).unwrap();
    work(&store, first);
    // The process ends without closing the store, as one that is killed does.
    std::process::exit(0);
}

fn work(store: &wayfold_sqlite::SqliteStore, first: u128) {
    let shared = EventFilter::customer(CustomerKey::new("shared").unwrap());
    for round in 0..ROUNDS {
        let id = first + round;
        assert!(matches!(append(store, &[registered(id, "own")]).unwrap(), AppendOutcome::Appended { .. }));
        // All processes append these: each is taken once.
        let _ = append(store, &[registered(round, "same")]).unwrap();
        let _ =
            append_if(store, &[registered(id + 500_000, "shared")], shared.clone(), Position::START).unwrap();
    }
}

fn spawn(folder: &Folder, first: u128) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "native::process::the_other_process_appends", "--nocapture"])
        .env(FOLDER, folder.file())
        .env(FIRST, first.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn processes_append_to_one_file_without_losing_or_doubling_anything() {
    let folder = Folder::new();
    let store = folder.open();
    let mut others = [spawn(&folder, 10_000), spawn(&folder, 20_000)];
    let watched = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let total = u64::try_from(ROUNDS * 4 + 1).unwrap();
            let mut seen = Position::START;
            while seen < place(total) {
                seen = block_on(store.wait_past(seen)).unwrap();
            }
            seen
        });
        work(&store, 30_000);
        watcher.join().unwrap()
    });
    for other in &mut others {
        assert!(other.wait().unwrap().success());
    }
    let events = all(&store, EventFilter::all());
    let places: Vec<_> = events.iter().map(|event| event.position.unwrap()).collect();
    let total = u64::try_from(ROUNDS * 4 + 1).unwrap();
    assert_eq!(places, (1..=total).map(place).collect::<Vec<_>>());
    assert_eq!((watched, head(&store)), (place(total), place(total)));
    assert_eq!(ids(&store, EventFilter::customer(CustomerKey::new("own").unwrap())).len(), 600);
    assert_eq!(ids(&store, EventFilter::customer(CustomerKey::new("same").unwrap())).len(), 200);
    assert_eq!(ids(&store, EventFilter::customer(CustomerKey::new("shared").unwrap())).len(), 1);
    assert_eq!(store.check().unwrap().events, total);
    assert!(events.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at));
}

#[test]
fn a_killed_process_leaves_what_it_acknowledged() {
    let folder = Folder::new();
    let store = folder.open();
    let mut other = spawn(&folder, 10_000);
    let seen = block_on(store.wait_past(place(50))).unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    drop(store);
    let store = folder.open();
    assert!(head(&store) >= seen);
    assert_eq!(store.check().unwrap().head, head(&store));
    let _ = append(&store, &[registered(1_000_000, "a")]).unwrap();
}
