//! Where the events of a replay are kept.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result};
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{EventStore, MemoryStore};

/// A store as the command line names it.
#[derive(Debug, Clone)]
pub(crate) enum StoreName {
    Memory,
    Sqlite(PathBuf),
}

impl StoreName {
    /// Opens the store; the folder of a file is made where there is none.
    pub(crate) fn open(&self) -> Result<Box<dyn EventStore>> {
        let Self::Sqlite(path) = self else { return Ok(Box::new(MemoryStore::new())) };
        if let Some(folder) = path.parent() {
            let failed = || format!("failed to make the folder {}", folder.display());
            std::fs::create_dir_all(folder).with_context(failed)?;
        }
        Ok(Box::new(SqliteStore::open(path, SqliteConfig::default())?))
    }
}

impl FromStr for StoreName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            _ => Err("write sqlite:FILE or memory:".to_owned()),
        }
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}
