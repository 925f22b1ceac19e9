use std::path::PathBuf;

use crate::skip::skip;

/// The path of a file of real data that may not be committed, or `None` where it is absent.
///
/// The folder that holds `data/` is named by the environment variable `WAYFOLD_SHARED`. A test that gets `None`
/// returns; it has been noted as skipped, see [`skip`].
///
/// # Panics
/// If the variable is set and the file is not there, or the note cannot be written.
pub fn real_data(test: &str, file: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("WAYFOLD_SHARED") {
        let path = PathBuf::from(folder).join("data").join(file);
        assert!(path.exists(), "WAYFOLD_SHARED is set, but {} is not there", path.display());
        return Some(path);
    }
    let reason = format!("real data is absent; set WAYFOLD_SHARED to the folder that holds data/{file}");
    skip(test, &reason);
    None
}
