use std::fs::OpenOptions;
use std::io::Write;

/// Notes that a test cannot do its work, in the file that the environment variable `WAYFOLD_SKIPS_FILE` names, so that
/// the runner counts it as skipped and not as passed. The test returns after that.
///
/// # Panics
/// If the note cannot be written.
pub fn skip(test: &str, reason: &str) {
    let note = format!("{test}: {reason}");
    println!("SKIPPED: {note}");
    if let Some(skips) = std::env::var_os("WAYFOLD_SKIPS_FILE") {
        let skips = OpenOptions::new().create(true).append(true).open(skips);
        let written = skips.and_then(|mut skips| writeln!(skips, "{note}"));
        written.expect("the file that WAYFOLD_SKIPS_FILE names can be written");
    }
}
