//! A copy of the file as it is at one commit, while it is in use.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use wayfold_store::{Error, ErrorKind, Result};

use crate::error::{At, unavailable};
use crate::identity::beside;
use crate::state::Snapshot;
use crate::store::SqliteStore;

/// What SQLite keeps beside a file goes by these names.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];
/// How many pages of the file are copied at a time.
const STEP_PAGES: i32 = 1_024;
/// How long to wait when a step finds the copy in use.
const PAUSE: Duration = Duration::from_millis(5);

impl SqliteStore {
    /// Copies the log as it is at one commit into a new file, which is a log of its own.
    ///
    /// Appends go on meanwhile; they are not in the copy, and the write-ahead log beside the file grows with them
    /// until the copy is done. It blocks the calling thread. The file appears under its name once it is whole.
    ///
    /// # Errors
    /// `Unsupported` if there is something under that name, or under that name with `.part` behind it, where the copy
    /// grows: nothing is overwritten; and if a `-wal`, `-shm` or `-journal` stands beside one of them, which whoever
    /// opens the copy would take for a part of it. `Unavailable` if one of the files fails.
    pub fn backup(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        // Early, because a copy takes long; what comes meanwhile is found in the end. A link that leads nowhere counts.
        if path.symlink_metadata().is_ok() {
            return Err(is_taken(path));
        }
        let part = beside(path, ".part");
        for name in [path, &part] {
            refuse_beside(path, name)?;
        }
        claim(&part)?;
        let copied = self.copy_to(&part).and_then(|()| put_in_place(&part, path));
        if copied.is_err() {
            // The failure counts; a part that cannot be removed is named so that nobody takes it for a copy. What SQLite
            // kept beside it is ours, for nothing stood there before.
            for suffix in BESIDE.into_iter().chain([""]) {
                let _ = std::fs::remove_file(beside(&part, suffix));
            }
        }
        copied
    }

    fn copy_to(&self, part: &Path) -> Result<()> {
        self.shared().readers.read(|connection| self.copy_by(connection, part))
    }

    fn copy_by(&self, connection: &Connection, part: &Path) -> Result<()> {
        let tried = format_args!("back up to {}", part.display());
        // One transaction for all steps: else every append would make the copy start again.
        let snapshot = Snapshot::begin(connection, &self.shared().state)?;
        let mut copy =
            Connection::open(std::path::absolute(part).unwrap_or_else(|_| part.to_owned())).at(tried)?;
        let patience = self.shared().config.patience();
        copy.busy_timeout(patience).at(tried)?;
        {
            let backup = Backup::new(&snapshot.transaction, &mut copy).at(tried)?;
            let mut deadline = Instant::now() + patience;
            loop {
                match backup.step(STEP_PAGES).at(tried)? {
                    StepResult::Done => break,
                    StepResult::Busy | StepResult::Locked if Instant::now() < deadline => {
                        std::thread::sleep(PAUSE);
                    }
                    StepResult::Busy | StepResult::Locked => {
                        let message = "another process holds the file for longer than busy_timeout_ms";
                        return Err(unavailable(format_args!("{tried}: {message}")));
                    }
                    _ => deadline = Instant::now() + patience,
                }
            }
        }
        // What is read from the copy is what the log was.
        let found = crate::record::Meta::read(&copy)?;
        if found != snapshot.meta {
            return Err(unavailable(format_args!("{tried}: the copy is of another commit")));
        }
        copy.close().map_err(|(_, error)| error).at(tried)
    }
}

fn is_taken(path: &Path) -> Error {
    let message = format_args!("back up to {}: there is something under that name", path.display());
    Error::new(ErrorKind::Unsupported, message)
}

/// Gives a whole copy its name, unless something has it by now, and presses the name onto the disk.
fn put_in_place(part: &Path, path: &Path) -> Result<()> {
    let failed = |error| unavailable(format_args!("back up to {}", path.display())).with_source(error);
    match std::fs::hard_link(part, path) {
        Ok(()) => std::fs::remove_file(part).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(is_taken(path)),
        // Not every file system has two names for a file. An empty file keeps the name free for the copy instead.
        Err(_) => {
            OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
                if error.kind() == io::ErrorKind::AlreadyExists { is_taken(path) } else { failed(error) }
            })?;
            if let Err(error) = std::fs::rename(part, path) {
                // The failure counts, and nobody takes an empty file for a copy for long.
                let _ = std::fs::remove_file(path);
                return Err(failed(error));
            }
        }
    }
    sync_folder(path).map_err(failed)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

/// A folder cannot be synced there; the file system writes names by itself.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Refuses a name beside which files of another database stand: SQLite would read them as this one's.
fn refuse_beside(path: &Path, name: &Path) -> Result<()> {
    for suffix in BESIDE {
        let foreign = beside(name, suffix);
        if foreign.symlink_metadata().is_ok() {
            let message = format_args!(
                "back up to {}: {} would be read as a part of it; if no log is open under that name, remove it or \
                 choose another name",
                path.display(),
                foreign.display()
            );
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    }
    Ok(())
}

/// Makes an empty file where there is nothing yet, so that what is written and removed there is ours.
fn claim(part: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).open(part);
    made.map(drop).map_err(|error| {
        let tried = format!("back up to {}", part.display());
        if error.kind() == io::ErrorKind::AlreadyExists {
            let message = format_args!(
                "{tried}: there is something under that name; if a backup that was killed left it, remove it"
            );
            return Error::new(ErrorKind::Unsupported, message);
        }
        unavailable(tried).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that was free when a backup began was taken before it ended, and what had come was overwritten.
    #[test]
    fn what_comes_while_a_backup_is_made_is_not_written_over() {
        let folder = std::env::temp_dir().join(format!("wayfold-backup-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (part, path) = (folder.join("copy.part"), folder.join("copy"));
        std::fs::write(&part, "a copy").unwrap();
        std::fs::write(&path, "a note").unwrap();
        assert_eq!(put_in_place(&part, &path).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a note");
        std::fs::remove_file(&path).unwrap();
        put_in_place(&part, &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a copy");
        assert!(!part.exists());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
