//! Files into Wayfold's customer journey events, by a mapping, and out again.
//!
//! ```
//! use wayfold_ingest::{CsvImport, EventSource, ImportOptions, Mapping};
//!
//! let mapping = Mapping::parse(
//!     r#"
//!     version = 1
//!     source = "shop"
//!     customer = "Customer"
//!     time = { column = "Date", format = "%Y-%m-%d %H:%M", zone = "Europe/London" }
//!     money = { currency = "GBP" }
//!
//!     [[event]]
//!     rule = "order"
//!     kind = "order_placed"
//!     group = { by = ["Order"], adjacent = true }
//!     tags = { order = "Order" }
//!     lines = { product = "Product", quantity = "Quantity", paid = "Price" }
//!     fields = { amount = "@lines" }
//!     "#,
//! )?;
//! let file = "Order,Customer,Date,Product,Quantity,Price\n\
//!             o1,c1,2011-06-01 09:30,tea,2,1.25\n\
//!             o1,c1,2011-06-01 09:30,cup,1,3.333\n";
//! let mut import = CsvImport::from_reader(mapping, "shop.csv", file.as_bytes(), ImportOptions::default())?;
//! let batch = import.next_batch()?.expect("two rows make one order");
//! assert_eq!(batch.event(0).money_amount().map(|money| money.amount.to_string()).as_deref(), Some("5.833"));
//! # Ok::<(), wayfold_ingest::Error>(())
//! ```
//!
//! [`Mapping`] says what the rows of a file mean, [`CsvImport`] reads delimited files by it, [`JsonlImport`]
//! reads the library's own events, [`write_jsonl`] writes them, and [`EventSource`] is what all imports are:
//! something that gives batches. [`JsonForm`] names the specifications of others whose events [`JsonlImport`] takes.
//! [`XesImport`] and [`XesWriter`], [`OcelImport`] and [`OcelWriter`] do it for the event logs of process mining. With the feature `parquet`,
//! `ParquetImport` and `ParquetWriter` do the same with Parquet files. The guide to mappings is `docs/guide/import.md`, that to Parquet `docs/guide/parquet.md`.
//!
//! The same input gives the same events under the same ids, whatever the file is called and however the import
//! is cut: so an import that was interrupted is run again, and a store takes each event once. The crate knows no
//! store and reads no clock.

mod account;
mod carried;
mod csv_import;
mod decimal;
mod error;
mod groups;
mod input;
mod json_form;
mod jsonl;
mod kinds;
mod make;
mod mapping;
mod members;
mod ocel;
mod options;
mod outlet;
#[cfg(feature = "parquet")]
mod parquet_file;
mod rejects;
mod row;
mod source;
mod table;
mod xes;

pub use self::csv_import::CsvImport;
pub use self::error::{Error, ErrorKind, Problem, Result};
pub use self::json_form::{ForeignSpec, JsonForm, write_cloud_events};
pub use self::jsonl::{JsonlImport, write_jsonl};
pub use self::mapping::Mapping;
pub use self::ocel::{OcelImport, OcelWriter};
pub use self::options::{ImportOptions, OnBadRow, OnProgress};
#[cfg(feature = "parquet")]
pub use self::parquet_file::{ParquetImport, ParquetOptions, ParquetWriter};
pub use self::rejects::Rejects;
pub use self::source::{EventSource, NO_RULE, Progress};
pub use self::xes::{XesImport, XesWriter};
