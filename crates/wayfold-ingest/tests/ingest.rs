//! Tests of the import through its public interface.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "ingest/bad_inputs.rs"]
mod bad_inputs;
#[path = "ingest/cdnow.rs"]
mod cdnow;
#[path = "ingest/common.rs"]
mod common;
#[path = "ingest/groups.rs"]
mod groups;
#[path = "ingest/guide.rs"]
mod guide;
#[path = "ingest/hostile.rs"]
mod hostile;
#[path = "ingest/json_forms.rs"]
mod json_forms;
#[path = "ingest/jsonl.rs"]
mod jsonl;
#[path = "ingest/mappings.rs"]
mod mappings;
#[path = "ingest/ocel.rs"]
mod ocel;
#[path = "ingest/online_retail.rs"]
mod online_retail;
#[cfg(feature = "parquet")]
#[path = "ingest/parquet.rs"]
mod parquet;
#[path = "ingest/properties.rs"]
mod properties;
#[path = "ingest/rejects.rs"]
mod rejects;
#[path = "ingest/xes.rs"]
mod xes;
