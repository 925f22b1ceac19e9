//! Disks without room, and files that may only be read.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

use pollster::block_on;
use wayfold_sqlite::SqliteStore;
use wayfold_store::{ErrorKind, EventFilter, EventStore, EventStoreExt, Written};
use wayfold_testkit::Scratch;
use wayfold_testkit::process::{self, PATIENCE, lines_of, say};

use super::faults::{FULL_DISK, Faults, Length};
use crate::torture::run;
use crate::torture::script::{Script, Sizes};
use crate::torture::verify::{Answers, Known, verify};
use crate::torture::vfs;

/// Does the steps of a range, one after the other.
fn append(store: &SqliteStore, script: &Script, steps: std::ops::Range<usize>, known: &mut Known) {
    for step in steps {
        known.begun.insert(step);
        known.done.insert(step, run::step(store, script, step).unwrap());
    }
}

#[test]
fn a_full_disk_refuses_appends_answers_reads_and_goes_on_once_there_is_room() {
    let (scratch, script) =
        (Scratch::new(env!("CARGO_TARGET_TMPDIR"), "full"), Script::new(6, 60, Sizes::default()));
    let faults = Arc::new(Mutex::new(Faults::new(FULL_DISK, Length::UntilMended, usize::MAX)));
    let _watching = vfs::watch(scratch.folder(), faults.clone());
    let store = SqliteStore::open(scratch.file(), run::sealing()).unwrap();
    let mut known = Known::default();
    append(&store, &script, 0..20, &mut known);
    let head = block_on(store.head()).unwrap();
    *faults.lock().unwrap() = Faults::new(FULL_DISK, Length::UntilMended, 1);
    for step in 20..40 {
        if script.events(step).is_empty() || script.is_impossible(step) {
            continue;
        }
        known.begun.insert(step);
        if let Err(error) = block_on(store.append(script.batch(step), None)) {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert!(error.to_string().contains("the disk is full"), "{error}");
            assert!(error.written() == Written::Unknown || block_on(store.head()).unwrap() == head);
        }
        assert!(!block_on(store.read_all(EventFilter::all())).unwrap().is_empty());
    }
    assert_eq!(block_on(store.head()).unwrap(), head, "a full disk took events");
    store.check().unwrap();
    faults.lock().unwrap().mend();
    append(&store, &script, 20..60, &mut known);
    verify(&store, &script, &known, &mut Answers::default()).unwrap();
}

/// Tells how a store in a folder that may not be written opens, either way.
fn tell_how_it_opens(file: &str) {
    match SqliteStore::open(file, run::sealing()) {
        Ok(_) => say("opened"),
        Err(error) => say(&format!("{:?} {error}", error.kind())),
    }
    let read = SqliteStore::open_read_only(file, run::sealing()).and_then(|store| {
        block_on(store.read_all(EventFilter::all())).and_then(|read| store.check().map(|_| read))
    });
    match read {
        Ok(read) => say(&format!("read {}", read.iter().map(|batch| batch.len()).sum::<usize>())),
        Err(error) => say(&format!("{:?} {error}", error.kind())),
    }
    std::process::exit(0);
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A folder that every user can come to, wherever this program was built.
fn public(name: &str) -> Scratch {
    let scratch = Scratch::new(std::env::temp_dir(), &format!("wayfold-{name}"));
    chmod(scratch.folder(), 0o755);
    scratch
}

/// What another process tells that may write neither the file nor, if the permissions say so, its folder.
fn ask_another(test: &str, file: &Path) -> [String; 2] {
    // Root may write whatever the permissions say, so that the other process is somebody else then.
    let is_root = std::fs::metadata(file).unwrap().uid() == 0;
    let (task, public) = (file.to_str().unwrap(), public("program"));
    let mut other = match is_root {
        true => process::spawn_as_nobody(test, task, public.folder()),
        false => process::spawn(test, task),
    };
    let lines = lines_of(&mut other);
    let told = [(); 2].map(|()| lines.recv_timeout(PATIENCE).unwrap());
    other.wait().unwrap();
    told
}

#[test]
fn a_log_that_was_not_closed_is_refused_by_name_where_its_folder_may_only_be_read() {
    const NAME: &str = "torture::fault::full::\
                        a_log_that_was_not_closed_is_refused_by_name_where_its_folder_may_only_be_read";
    if let Some(file) = process::task() {
        return tell_how_it_opens(&file);
    }
    let (scratch, script) = (public("unclosed"), Script::new(8, 20, Sizes::default()));
    let store = SqliteStore::open(scratch.file(), run::sealing()).unwrap();
    append(&store, &script, 0..20, &mut Known::default());
    let left = public("left");
    for file in ["log.wayfold", "log.wayfold-wal"] {
        std::fs::copy(scratch.folder().join(file), left.folder().join(file)).unwrap();
        chmod(&left.folder().join(file), 0o444);
    }
    chmod(left.folder(), 0o555);
    let [_, read] = ask_another(NAME, &left.file());
    chmod(left.folder(), 0o755);
    // Reading the one file without its log would leave out the newest events.
    assert!(read.starts_with("Un") && read.contains(left.file().to_str().unwrap()), "{read}");
}

#[test]
fn a_file_or_folder_that_may_only_be_read_is_refused_by_name_and_read() {
    const NAME: &str =
        "torture::fault::full::a_file_or_folder_that_may_only_be_read_is_refused_by_name_and_read";
    if let Some(file) = process::task() {
        return tell_how_it_opens(&file);
    }
    let (scratch, script) = (public("read-only"), Script::new(8, 20, Sizes::default()));
    let mut known = Known::default();
    let store = SqliteStore::open(scratch.file(), run::sealing()).unwrap();
    append(&store, &script, 0..20, &mut known);
    let events = store.check().unwrap().events;
    store.close().unwrap();
    chmod(&scratch.file(), 0o444);
    for folder_mode in [0o555, 0o777] {
        chmod(scratch.folder(), folder_mode);
        let [opened, read] = ask_another(NAME, &scratch.file());
        let file = scratch.file().display().to_string();
        assert!(opened.starts_with("Unsupported") && opened.contains(&file), "{opened}");
        assert_eq!(read, format!("read {events}"), "in a folder with mode {folder_mode:o}");
    }
    chmod(scratch.folder(), 0o755);
    chmod(&scratch.file(), 0o644);
    let store = SqliteStore::open(scratch.file(), run::sealing()).unwrap();
    verify(&store, &script, &known, &mut Answers::default()).unwrap();
}
