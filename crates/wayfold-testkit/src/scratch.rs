//! A folder that is gone when the test is.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder of a test's own, with a place for the file of a store; it is removed when this is dropped.
///
/// ```
/// let folder = {
///     let scratch = wayfold_testkit::Scratch::new(std::env::temp_dir(), "example");
///     assert!(!scratch.file().exists());
///     scratch.folder().to_owned()
/// };
/// assert!(!folder.exists());
/// ```
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty folder under another one: for tests, what `CARGO_TARGET_TMPDIR` names.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new(under: impl AsRef<Path>, name: &str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{name}-{}-{number}", std::process::id());
        let folder = under.as_ref().join(name);
        // An earlier process of this number may have been killed before it could clear up.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a test may make a folder");
        Self(folder)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The folder, for somebody else to remove.
    pub(crate) fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }

    /// Where the store's file lies.
    pub fn file(&self) -> PathBuf {
        self.0.join("log.wayfold")
    }

    /// Another folder beside it with the same files.
    ///
    /// # Panics
    /// If a file cannot be copied.
    pub fn copy(&self, name: &str) -> Self {
        let copy = Self::new(self.0.parent().expect("it lies under another folder"), name);
        for entry in std::fs::read_dir(&self.0).expect("the folder is there") {
            let entry = entry.expect("the folder can be read");
            std::fs::copy(entry.path(), copy.0.join(entry.file_name())).expect("a test may copy its files");
        }
        copy
    }

    /// Takes every file out of the folder.
    ///
    /// # Panics
    /// If a file cannot be removed.
    pub fn clear(&self) {
        for entry in std::fs::read_dir(&self.0).expect("the folder is there") {
            let entry = entry.expect("the folder can be read");
            std::fs::remove_file(entry.path()).expect("a test may remove its files");
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // One that was kept has no name any more, and then nothing is removed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
