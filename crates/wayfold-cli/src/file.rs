//! Files of TOML that a command is given.

use std::path::Path;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use crate::failure::usage;

/// Reads a file that holds something, as an error names it.
pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read the {what} {name}"))?;
    toml::from_str(&text).map_err(|error| usage(format_args!("{name} holds no {what}: {error}")))
}
