use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use wayfold::blocking::Wayfold;
use wayfold::ingest::{
    self, CsvImport, EventSource, ForeignSpec, ImportOptions, JsonForm, JsonlImport, Mapping, OcelImport,
    OnBadRow, ParquetImport, Progress, Rejects, XesImport,
};
use wayfold::{Currency, CustomerKey, EventBatch, EventStore, MemoryStore, Rounding, Timestamp};

use crate::ask::ScopeArguments;
use crate::failure::{Exit, usage};
use crate::output::Output;
use crate::progress;
use crate::store::StoreArguments;
use crate::table::Table;
use crate::words::{count, many, or_none};

/// How many rejected rows are listed; a file of rejects takes them all.
const LISTED_MAX: usize = 20;

/// Takes files of events into a store. What it holds already is not taken twice, so that an import may be run again.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// CSV with a mapping, Wayfold's own events as JSON Lines or Parquet, an event log in XES or OCEL, or, with --format, JSON
    /// Lines of CloudEvents, Segment or GA4; each but Parquet also .gz
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the columns of a CSV file mean, as TOML (docs/guide/import.md)
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// What the files are [default: by their names]
    #[arg(long)]
    format: Option<Format>,
    /// What ids of events from XES, OCEL, Segment and GA4 begin with; logs that number their cases alike need names of their
    /// own [default: the format]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Which type of objects are the customers of a log in OCEL
    #[arg(long, value_name = "TYPE", default_value = "customer")]
    customer: String,
    /// The currency of amounts from Segment and GA4 that state none
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// Rounds amounts from Segment and GA4 of more than four decimals, half to even, instead of rejecting their rows
    #[arg(long)]
    round: bool,
    /// Writes all rejected rows to this new file, as CSV or, if its name ends in .jsonl, JSON Lines
    #[arg(long, value_name = "FILE", conflicts_with = "strict")]
    rejects: Option<PathBuf>,
    /// Stops at the first row that cannot be read, instead of going on without it
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    scope: ScopeArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
    Parquet,
    Xes,
    Ocel,
    CloudEvents,
    Segment,
    Ga4,
}

/// What became of a file; its JSON is documented in docs/guide/command.md.
#[derive(Debug, Serialize)]
struct ImportedFile {
    file: String,
    rows: u64,
    events: u64,
    new_events: u64,
    known_events: u64,
    customers: u64,
    skipped_rows: BTreeMap<String, u64>,
    rejected_rows: BTreeMap<String, u64>,
    unknown_kinds: BTreeMap<String, u64>,
    rejects: Vec<RejectedRow>,
}

/// A row that was rejected, as [`Rejects`] writes it.
#[derive(Debug, Serialize, Deserialize)]
struct RejectedRow {
    row: Option<u64>,
    line: Option<u64>,
    column: Option<String>,
    value: Option<String>,
    problem: String,
    reason: String,
}

impl Import {
    pub(crate) fn run(&self, output: &mut Output) -> Result<Exit> {
        let mapping = self.mapping.as_ref().map(Mapping::load).transpose()?;
        if self.rejects.is_some() && self.files.len() > 1 {
            return Err(usage("--rejects takes the rows of one file; import one at a time with it"));
        }
        let store: Box<dyn EventStore> = match self.look_ahead(mapping.as_ref())? {
            true => self.store.open_to_append()?,
            // What was wrong with every row is told all the same.
            false => Box::new(MemoryStore::new()),
        };
        let wayfold = self.scope.builder()?.open_blocking(store)?;
        let mut rejected = false;
        for file in &self.files {
            let start = Instant::now();
            let imported = self.import(&wayfold, file, mapping.as_ref())?;
            rejected |= !imported.rejected_rows.is_empty();
            if output.is_json() {
                output.object_line(&imported)?;
            } else {
                self.tell(output, &imported, start.elapsed())?;
            }
        }
        Ok(if rejected { Exit::Rejected } else { Exit::Done })
    }

    /// Opens each file before a store is made for what cannot be read; whether there is an event to take.
    fn look_ahead(&self, mapping: Option<&Mapping>) -> Result<bool> {
        self.store.source()?;
        if let Some(path) = self.rejects.as_ref().filter(|path| path.exists()) {
            // It says what is in the way.
            Rejects::create(path)?;
        }
        let mut holds_events = false;
        for file in &self.files {
            ensure!(file.is_file(), "{} is no file that can be read; look at its name", file.display());
            let on_bad_row = match self.strict {
                true => OnBadRow::Stop,
                false => OnBadRow::Reject(Rejects::jsonl(io::sink())),
            };
            let mut source = self.open(file, mapping, options(&ProgressBar::hidden(), on_bad_row))?;
            holds_events = holds_events || source.next_batch()?.is_some();
        }
        Ok(holds_events)
    }

    fn format_of(&self, file: &Path) -> Result<Format> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        Ok(match plain.rsplit_once('.').map(|(_, ending)| ending) {
            _ if self.mapping.is_some() => Format::Csv,
            Some("jsonl" | "ndjson" | "json") => Format::Jsonl,
            Some("parquet") => Format::Parquet,
            Some("xes") => Format::Xes,
            Some("jsonocel") => Format::Ocel,
            _ => {
                let file = file.display();
                return Err(usage(format_args!(
                    "what the columns of {file} mean is not known; give --mapping M.toml (docs/guide/import.md), or --format if it holds events"
                )));
            }
        })
    }

    fn import(&self, wayfold: &Wayfold, file: &Path, mapping: Option<&Mapping>) -> Result<ImportedFile> {
        let bar = progress::bytes();
        let (rejects, listed) = self.rejects()?;
        let source = self.open(file, mapping, options(&bar, rejects)).inspect_err(|_| {
            // Nothing was read, so that the file for rejected rows is empty and would be in the way of the next try.
            self.rejects.as_ref().map(std::fs::remove_file);
        })?;
        let mut source = Watched { source, customers: BTreeSet::new() };
        let imported = wayfold.import(&mut source)?;
        bar.finish_and_clear();
        let Progress { file, rows, skipped_by_reason, rejected_by_problem, unknown_kinds, .. } =
            source.source.progress();
        Ok(ImportedFile {
            file,
            rows,
            events: imported.events,
            new_events: imported.new,
            known_events: imported.events - imported.new,
            customers: source.customers.len() as u64,
            skipped_rows: skipped_by_reason,
            rejected_rows: rejected_by_problem
                .iter()
                .map(|(problem, rows)| (problem.to_string(), *rows))
                .collect(),
            unknown_kinds,
            rejects: listed.rows()?,
        })
    }

    /// Where bad rows go: to the file that is named, else to a list of the first ones.
    fn rejects(&self) -> Result<(OnBadRow, Listed)> {
        let listed = Listed::default();
        let on_bad_row = match &self.rejects {
            _ if self.strict => OnBadRow::Stop,
            Some(path) => OnBadRow::Reject(Rejects::create(path)?),
            None => OnBadRow::Reject(Rejects::jsonl(listed.clone())),
        };
        Ok((on_bad_row, listed))
    }

    fn open(
        &self,
        file: &Path,
        mapping: Option<&Mapping>,
        options: ImportOptions,
    ) -> Result<Box<dyn EventSource + Send>> {
        let lines = |options, form| -> Result<Box<dyn EventSource + Send>> {
            Ok(Box::new(JsonlImport::open(file, options)?.of_form(form)))
        };
        let format = self.format_of(file)?;
        Ok(match format {
            Format::Csv => {
                let mapping = mapping
                    .ok_or_else(|| usage("a CSV file needs --mapping M.toml (docs/guide/import.md)"))?;
                Box::new(CsvImport::open(mapping.clone(), file, options)?)
            }
            Format::Jsonl => lines(options, JsonForm::Own)?,
            Format::Parquet => Box::new(ParquetImport::open(file, options)?),
            Format::Xes => Box::new(XesImport::open(file, self.source("xes"), options)?),
            Format::Ocel => Box::new(OcelImport::open(file, self.source("ocel"), &self.customer, options)?),
            Format::CloudEvents => lines(options, JsonForm::CloudEvents)?,
            Format::Segment => lines(options, JsonForm::Segment(self.foreign("segment")?))?,
            Format::Ga4 => lines(options, JsonForm::Ga4(self.foreign("ga4")?))?,
        })
    }

    fn source<'a>(&'a self, format: &'a str) -> &'a str {
        self.source.as_deref().unwrap_or(format)
    }

    fn foreign(&self, format: &str) -> Result<ForeignSpec> {
        let mut spec = ForeignSpec::new(self.source(format));
        if let Some(code) = &self.currency {
            spec = spec.with_currency(Currency::new(code).map_err(usage)?);
        }
        Ok(if self.round { spec.with_rounding(Rounding::HalfEven) } else { spec })
    }

    fn tell(&self, output: &mut Output, imported: &ImportedFile, time: Duration) -> Result<()> {
        let (events, customers) = (many(imported.events, "event"), many(imported.customers, "customer"));
        let (file, seconds) = (&imported.file, time.as_secs_f64());
        output.heading(&format!("{file}: {events} of {customers} in {seconds:.1} s"))?;
        match (imported.new_events, imported.known_events) {
            (_, 0) => {}
            (0, _) => output.line("Nothing is new: the log held them all.")?,
            (new, known) => {
                output.line(format!("{} of them are new; the log held {}.", count(new), count(known)))?;
            }
        }
        for (reason, rows) in &imported.skipped_rows {
            output.line(format!("{} skipped: {reason}", many(*rows, "row")))?;
        }
        for (kind, events) in &imported.unknown_kinds {
            output
                .line(format!("{} of the unknown kind {kind:?}, which are kept", many(*events, "event")))?;
        }
        for (problem, rows) in &imported.rejected_rows {
            output.line(format!("{} rejected: {problem}", many(*rows, "row")))?;
        }
        let rejected = imported.rejected_rows.values().sum::<u64>();
        if let Some(path) = self.rejects.as_ref().filter(|_| rejected > 0) {
            return output.line(format!("They stand in {}.", path.display()));
        }
        if imported.rejects.is_empty() {
            return Ok(());
        }
        let rows = imported.rejects.iter().map(|bad| {
            vec![
                or_none(bad.row.or(bad.line)),
                or_none(bad.column.as_ref()),
                or_none(bad.value.as_ref()),
                bad.reason.clone(),
            ]
        });
        output.table(Table::new(&["row", "column", "value", "reason"], 4).with_rows(rows))?;
        let more = rejected.saturating_sub(imported.rejects.len() as u64);
        if more > 0 {
            output.line(format!("And {more} more; --rejects FILE takes all of them."))?;
        }
        Ok(())
    }
}

fn options(bar: &ProgressBar, on_bad_row: OnBadRow) -> ImportOptions {
    let drawn = bar.clone();
    let on_progress = move |progress: &Progress| {
        drawn.set_length(progress.bytes_total.unwrap_or(progress.bytes_read));
        drawn.set_position(progress.bytes_read);
        drawn.set_message(format!("{} events", count(progress.events)));
    };
    let now = Timestamp::from(chrono::Utc::now());
    ImportOptions::default().with_now(now).with_on_bad_row(on_bad_row).with_on_progress(on_progress)
}

/// A source that is watched for whose events it gives.
struct Watched {
    source: Box<dyn EventSource + Send>,
    customers: BTreeSet<CustomerKey>,
}

impl EventSource for Watched {
    fn next_batch(&mut self) -> ingest::Result<Option<EventBatch>> {
        let batch = self.source.next_batch()?;
        self.customers.extend(batch.iter().flat_map(EventBatch::customers));
        Ok(batch)
    }

    fn progress(&self) -> Progress {
        self.source.progress()
    }
}

/// The first rejected rows, a line of JSON each.
#[derive(Debug, Clone, Default)]
struct Listed(Arc<Mutex<Vec<Vec<u8>>>>);

impl Listed {
    fn rows(&self) -> Result<Vec<RejectedRow>> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(lines.iter().map(|line| serde_json::from_slice(line)).collect::<Result<_, _>>()?)
    }
}

impl Write for Listed {
    /// Takes a line, which comes whole; those beyond the limit are counted elsewhere.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LISTED_MAX {
            lines.push(line.to_vec());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
