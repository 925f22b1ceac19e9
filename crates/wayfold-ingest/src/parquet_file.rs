//! Parquet files of Wayfold's own events, in and out, without loss. `docs/guide/parquet.md` describes the columns.

mod cells;
mod columns;
mod event;
mod export;
mod import;
mod layout;
mod read;
mod row;

pub use self::export::{ParquetOptions, ParquetWriter};
pub use self::import::ParquetImport;

/// The version of the columns: it counts up when one changes its meaning.
const FORMAT_VERSION: u32 = 1;
/// The keys of the file's metadata that hold the versions.
const FORMAT_KEY: &str = "wayfold.format_version";
const SCHEMA_KEY: &str = "wayfold.schema_version";

/// The newest shape of any of the library's kinds.
fn schema_version() -> u32 {
    let versions = wayfold_core::EventKind::ALL.iter().map(|kind| kind.schema_version());
    versions.max().unwrap_or_default().into()
}
