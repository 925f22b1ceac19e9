//! A layer over SQLite's own way to the disk: whoever watches a folder sees every operation on its files in one
//! order, and may refuse it.
//!
//! It becomes the default of the process, so that a store needs no option for it. Files of folders that nobody
//! watches pass straight through.

mod layer;

use std::ffi::c_int;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

/// One operation on a file, before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op<'a> {
    /// A file is opened; `is_new` if it is not there yet. The first sync of a new log also syncs the folder.
    Open {
        is_new: bool,
        syncs_folder: bool,
    },
    Read,
    Write {
        offset: u64,
        bytes: &'a [u8],
    },
    Truncate {
        len: u64,
    },
    Sync,
    Delete {
        syncs_folder: bool,
    },
    FileSize,
    /// A lock of the whole file is taken or made stronger.
    Lock,
    /// A piece of the index that processes share is mapped.
    ShmMap,
    /// A lock in that index is taken.
    ShmLock,
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Do,
    /// It succeeds without being done; of a sync alone.
    Skip,
    /// It fails with a code of SQLite.
    Refuse(c_int),
    /// A write fails with a code after so many of its bytes.
    Tear(usize, c_int),
}

/// Sees the operations on the files of a folder, one at a time.
pub(crate) trait Watch: Send {
    /// Decides what becomes of an operation.
    fn before(&mut self, file: &Path, op: &Op<'_>) -> Answer;

    /// Learns that an operation succeeded.
    fn after(&mut self, file: &Path, op: &Op<'_>);
}

pub(crate) type Watcher = Arc<Mutex<dyn Watch>>;

/// Watches until it is dropped; files that are open by then are watched until they are closed.
#[derive(Debug)]
pub(crate) struct Watching(PathBuf);

impl Drop for Watching {
    fn drop(&mut self) {
        lock(&WATCHED).retain(|(folder, _)| *folder != self.0);
    }
}

/// Watches the files that lie in a folder.
pub(crate) fn watch(folder: &Path, watcher: Watcher) -> Watching {
    layer::register();
    lock(&WATCHED).push((folder.to_owned(), watcher));
    Watching(folder.to_owned())
}

static WATCHED: Mutex<Vec<(PathBuf, Watcher)>> = Mutex::new(Vec::new());

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watcher_of(path: &Path) -> Option<Watcher> {
    let folder = path.parent()?;
    let watched = lock(&WATCHED);
    watched.iter().find(|(known, _)| known == folder).map(|(_, watcher)| watcher.clone())
}

/// Asks the watcher, does what it decides, and tells it of success; the watcher is locked meanwhile, so that the
/// order that it sees is the order of what happens.
fn around(
    watcher: Option<&Watcher>,
    path: &Path,
    op: &Op<'_>,
    run: impl Fn(Option<usize>) -> c_int,
) -> c_int {
    let Some(watcher) = watcher else { return run(None) };
    let mut watcher = lock(&**watcher);
    let code = match watcher.before(path, op) {
        Answer::Do => run(None),
        Answer::Skip => ffi::SQLITE_OK,
        Answer::Refuse(code) => return code,
        Answer::Tear(bytes, code) => {
            run(Some(bytes));
            return code;
        }
    };
    if code == ffi::SQLITE_OK {
        watcher.after(path, op);
    }
    code
}
