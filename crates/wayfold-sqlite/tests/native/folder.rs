//! A folder that goes away with the test.

use std::path::PathBuf;

use wayfold_testkit::Scratch;

/// A folder that goes away with the test.
pub(crate) struct Folder(Scratch);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(Scratch::new(std::env::temp_dir(), "wayfold-sqlite"))
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.file()
    }
}
