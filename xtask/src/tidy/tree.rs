//! The files of the repository, by their path from its root.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Build output and git's own files are nobody's sources.
const NOT_SOURCES: [&str; 2] = [".git", "target"];

/// Every file and folder, by paths with `/` between their parts.
///
/// The folder is walked rather than git asked, so that the check also runs where there is no git.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    root: PathBuf,
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self { root: root.to_path_buf(), ..Self::default() };
        tree.walk("")?;
        Ok(tree)
    }

    fn walk(&mut self, folder: &str) -> Result<()> {
        let place = self.root.join(folder);
        for entry in fs::read_dir(&place).with_context(|| format!("failed to list {}", place.display()))? {
            let entry = entry.with_context(|| format!("failed to list {}", place.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if NOT_SOURCES.contains(&name.as_str()) {
                continue;
            }
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if entry.file_type().with_context(|| format!("failed to look at {path}"))?.is_dir() {
                self.walk(&path)?;
                self.folders.insert(path);
            } else {
                self.files.insert(path);
            }
        }
        Ok(())
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Says whether a file or folder of this path exists; the empty path is the root.
    pub(crate) fn contains(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty() || self.files.contains(path) || self.folders.contains(path)
    }

    pub(crate) fn text(&self, file: &str) -> Result<String> {
        fs::read_to_string(self.root.join(file)).with_context(|| format!("failed to read {file}"))
    }
}

#[cfg(test)]
impl Tree {
    /// Makes a tree of file names alone.
    pub(crate) fn of(files: &[&str]) -> Self {
        let mut tree = Self::default();
        for file in files {
            for (end, _) in file.match_indices('/') {
                tree.folders.insert(file[..end].to_owned());
            }
            tree.files.insert((*file).to_owned());
        }
        tree
    }
}
