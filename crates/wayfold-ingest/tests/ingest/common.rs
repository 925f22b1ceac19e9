//! What the tests share: running an import to its end, and finding the real data.

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use wayfold_core::{EventBatch, JourneyEvent};
use wayfold_ingest::{CsvImport, EventSource, ImportOptions, Mapping, Progress, Result};

/// What an import gave until it ended or stopped.
pub(crate) struct Imported {
    pub(crate) batches: Vec<EventBatch>,
    pub(crate) progress: Progress,
    pub(crate) result: Result<()>,
}

impl Imported {
    pub(crate) fn events(&self) -> Vec<JourneyEvent> {
        self.batches.iter().flat_map(EventBatch::to_events).collect()
    }
}

pub(crate) fn drain(source: &mut dyn EventSource) -> Imported {
    let mut batches = Vec::new();
    let result = loop {
        match source.next_batch() {
            Ok(Some(batch)) => batches.push(batch),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    Imported { batches, progress: source.progress(), result }
}

/// Imports `file.csv` by a mapping; refusals to open count as a stop.
pub(crate) fn import(mapping: &str, file: impl Into<Vec<u8>>, options: ImportOptions) -> Imported {
    let opened = Mapping::parse(mapping)
        .and_then(|mapping| CsvImport::from_reader(mapping, "file.csv", Cursor::new(file.into()), options));
    match opened {
        Ok(mut source) => drain(&mut source),
        Err(error) => Imported { batches: Vec::new(), progress: Progress::default(), result: Err(error) },
    }
}

/// Imports what must not stop.
#[track_caller]
pub(crate) fn events(mapping: &str, file: impl Into<Vec<u8>>) -> Vec<JourneyEvent> {
    let imported = import(mapping, file, ImportOptions::default());
    imported.result.as_ref().unwrap_or_else(|error| panic!("{error}"));
    imported.events()
}

/// A writer whose bytes can be read while an import holds it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file of the repository's examples.
pub(crate) fn example(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(path)
}

/// A file of the real data that is not part of the repository; without it the test is noted as skipped.
pub(crate) fn real_data(test: &str, path: &str) -> Option<PathBuf> {
    if let Some(shared) = std::env::var_os("WAYFOLD_SHARED") {
        return Some(PathBuf::from(shared).join("data").join(path));
    }
    let reason = format!("{test}: real data not present (set WAYFOLD_SHARED)");
    println!("SKIPPED: {reason}");
    if let Some(file) = std::env::var_os("WAYFOLD_SKIPS_FILE") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
        writeln!(file, "{reason}").unwrap();
    }
    None
}
