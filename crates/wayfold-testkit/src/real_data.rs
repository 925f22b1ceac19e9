use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// The path of a file of real data that may not be committed, or `None` where it is absent.
///
/// The folder that holds `data/` is named by the environment variable `WAYFOLD_SHARED`. A test that gets `None`
/// returns; it has been noted by name in the file that `WAYFOLD_SKIPS_FILE` names, so that the runner counts it
/// as skipped and not as passed.
///
/// # Panics
/// If the variable is set and the file is not there, or the note cannot be written.
pub fn real_data(test: &str, file: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("WAYFOLD_SHARED") {
        let path = PathBuf::from(folder).join("data").join(file);
        assert!(path.exists(), "WAYFOLD_SHARED is set, but {} is not there", path.display());
        return Some(path);
    }
    let note =
        format!("{test}: real data is absent; set WAYFOLD_SHARED to the folder that holds data/{file}");
    println!("SKIPPED: {note}");
    if let Some(skips) = std::env::var_os("WAYFOLD_SKIPS_FILE") {
        let skips = OpenOptions::new().create(true).append(true).open(skips);
        let written = skips.and_then(|mut skips| writeln!(skips, "{note}"));
        written.expect("the file that WAYFOLD_SKIPS_FILE names can be written");
    }
    None
}
