//! The file in which a test notes that it could not do its work.
//!
//! A file and not the output, because runners keep the output of passing tests to themselves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The environment variable that names the file to the tests.
pub(super) const VARIABLE: &str = "WAYFOLD_SKIPS_FILE";

#[derive(Debug)]
pub(super) struct SkipsFile {
    path: PathBuf,
}

impl SkipsFile {
    /// Makes the file, empty: skips of an earlier run are none of this one.
    pub(super) fn create(target: &Path) -> Result<Self> {
        let path = target.join("wayfold-skips.txt");
        fs::create_dir_all(target)
            .and_then(|()| fs::write(&path, ""))
            .with_context(|| format!("failed to create {}", path.display()))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the reasons by the tests' names.
    pub(super) fn read(&self) -> Result<BTreeMap<String, String>> {
        let text = fs::read_to_string(&self.path)
            .with_context(|| format!("failed to read {}", self.path.display()))?;
        Ok(parse(&text))
    }
}

/// A name may hold `::` but no `: `; a test that was run twice is one test.
fn parse(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pairs = lines.map(|line| line.split_once(": ").unwrap_or((line, "no reason given")));
    pairs.map(|(name, reason)| (name.to_owned(), reason.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_is_one_skip_with_its_reason() {
        let skips = parse("online_retail::rfm: no data: set it\n\ncdnow: no data\ncdnow: no data\nbare\n");
        let expected =
            [("bare", "no reason given"), ("cdnow", "no data"), ("online_retail::rfm", "no data: set it")];
        assert!(
            skips.iter().map(|(name, reason)| (name.as_str(), reason.as_str())).eq(expected),
            "{skips:?}"
        );
    }
}
