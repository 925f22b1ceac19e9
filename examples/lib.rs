//! Examples of Wayfold, in reading order; run one with `cargo run --example NAME`.
//!
//! They keep their log in memory, or where the URL behind `--store` says. It has to be empty: they are sure of what they
//! count.

use std::path::{Path, PathBuf};

use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::{EventStore, StoreUrl, Tenant};

/// Where the log is kept: what the URL behind `--store` says, such as `sqlite:shop.wayfold`, or with the feature `postgres`
/// of the examples `postgres://shop@db/shop`; else in memory.
///
/// # Errors
/// As reading a [`StoreUrl`].
pub fn store_url() -> wayfold::Result<StoreUrl> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--store");
    match arguments.next() {
        Some(_) => arguments.next().unwrap_or_default().parse(),
        None => "memory:".parse(),
    }
}

/// Opens the log there.
///
/// # Errors
/// As [`store_url`] and [`StoreUrl::open`].
pub fn store() -> wayfold::Result<Box<dyn EventStore>> {
    store_url()?.open_blocking()
}

/// A file that ships with the examples: named from the repository's root where that is the current folder.
pub fn shipped(name: &str) -> PathBuf {
    let from_root = Path::new("examples").join(name);
    if from_root.exists() { from_root } else { Path::new(env!("CARGO_MANIFEST_DIR")).join(name) }
}

/// Imports a file by one of the mappings that ship with the examples, as the events of a tenant: several sources may stand
/// in one log, and nothing that is asked of one of them looks at another.
///
/// # Errors
/// As reading a mapping, opening a file and importing it.
pub fn import_as(wayfold: &Wayfold, tenant: &Tenant, mapping: &str, file: &Path) -> anyhow::Result<()> {
    let mapping = std::fs::read_to_string(shipped("mappings").join(mapping))?;
    let mapping = Mapping::parse(&format!("tenant = {{ constant = {:?} }}\n{mapping}", tenant.as_str()))?;
    wayfold.import(&mut CsvImport::open(mapping, file, ImportOptions::default())?)?;
    Ok(())
}

/// Prints lines that have to be these.
///
/// # Panics
/// If they are others.
#[track_caller]
pub fn tell(lines: impl IntoIterator<Item = String>, expected: &[&str]) {
    let lines: Vec<String> = lines.into_iter().collect();
    println!("{}", lines.join("\n"));
    assert_eq!(lines, expected);
}

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../docs/guide/report.md")]
struct ReportGuide;
