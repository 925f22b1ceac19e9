//! Which file stands under the name of the log, and whether it is still the one that was opened.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What the platform tells files apart by; all are alike where it has nothing of the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    node: u64,
}

impl FileId {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|found| Self::read(&found))
    }

    #[cfg(unix)]
    fn read(found: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: found.dev(), node: found.ino() }
    }

    #[cfg(not(unix))]
    fn read(_: &std::fs::Metadata) -> Self {
        Self {}
    }
}

/// What a closed log looks like from outside: nobody wrote to it as long as this stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    file: FileId,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// `None` if the log is not closed: what is written to it stands in a file beside it.
    pub(crate) fn of(path: &Path) -> io::Result<Option<Self>> {
        let found = std::fs::metadata(path)?;
        let stamp = Self { file: FileId::read(&found), bytes: found.len(), modified: found.modified().ok() };
        Ok((bytes_of(&write_ahead(path)) == 0).then_some(stamp))
    }
}

/// The name of the write-ahead log, which SQLite keeps beside the file itself and not beside a link that leads there.
pub(crate) fn write_ahead(path: &Path) -> PathBuf {
    beside(&std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()), "-wal")
}

/// The bytes of a file; none if it is not there.
pub(crate) fn bytes_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// The name of a file with something behind it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
