use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use flate2::Compression;
use flate2::write::GzEncoder;
use wayfold::blocking::Wayfold;
use wayfold::ingest::{OcelWriter, ParquetOptions, ParquetWriter, XesWriter, write_cloud_events};
use wayfold::{
    AsOf, AttributeValue, EventBatch, Notice, Position, ProjectionSet, Tenant, Timestamp, Told, Transition,
};
use wayfold_core::{Fold, Teller};

use crate::ask::ScopeArguments;
use crate::failure::{exists, usage};
use crate::output::Output;
use crate::printable::printable_json;
use crate::progress;
use crate::store::{StoreArguments, for_each_batch};
use crate::words::many;

/// Writes all events of the log, or, as `canonical`, the states of all customers, to a new file or to a pipe.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// In which format
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// The new file, compressed with gzip if its name ends in .gz; nothing is overwritten [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    scope: ScopeArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Wayfold's own events, one a line, with position and recording time; `wayfold import` reads them
    Jsonl,
    /// The same as Parquet, for DuckDB, Polars, pandas and Spark
    Parquet,
    /// An event log for process mining: a trace for each customer of the tenant
    Xes,
    /// An object-centric event log for process mining, in OCEL 2.0 as JSON
    Ocel,
    /// CloudEvents 1.0, one a line
    CloudEvents,
    /// The states of all customers in one form: equal sets of events give equal bytes
    Canonical,
}

impl Export {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let wayfold = self.scope.builder()?.open_blocking(self.store.open_to_read()?)?;
        let Some(path) = &self.output else {
            if output.is_terminal() && self.format != Format::Jsonl {
                return Err(usage("this format is not for a terminal; name a file with --output FILE"));
            }
            return self.write(&wayfold, output.bytes()).map(drop);
        };
        let mut file = BufWriter::new(create(path)?);
        let spinner = progress::spinner("writing");
        let written = if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz")) {
            self.write_compressed(&wayfold, &mut file)
        } else {
            self.write(&wayfold, &mut file)
        };
        let events = written.inspect_err(|_| {
            // It was made just now, and half of an export is none.
            let _ = std::fs::remove_file(path);
        })?;
        spinner.finish_and_clear();
        if output.is_json() {
            return output.object(&serde_json::json!({ "file": path, "events": events }));
        }
        output.line(format!("{}: {}", path.display(), many(events, "event")))
    }

    /// The same, compressed with gzip. Parquet compresses its own pages.
    fn write_compressed(&self, wayfold: &Wayfold, out: &mut (impl Write + Send)) -> Result<u64> {
        if self.format == Format::Parquet {
            return Err(usage("Parquet is compressed in itself; name a file without .gz"));
        }
        let mut compressed = GzEncoder::new(out, Compression::default());
        let events = self.write(wayfold, &mut compressed)?;
        compressed.finish()?.flush()?;
        Ok(events)
    }

    /// Writes everything; says how many events it is or stands for.
    fn write(&self, wayfold: &Wayfold, out: &mut (impl Write + Send)) -> Result<u64> {
        let events = match self.format {
            Format::Jsonl => write_jsonl(wayfold, out)?,
            Format::Parquet => write_parquet(wayfold, out)?,
            Format::Xes => self.write_xes(wayfold, out)?,
            Format::Ocel => write_ocel(wayfold, out)?,
            Format::CloudEvents => {
                write_events(wayfold, |batch| Ok(write_cloud_events(batch, "wayfold", out)?))?
            }
            Format::Canonical => {
                out.write_all(&wayfold.export()?)?;
                wayfold.population_of(&self.scope.tenant()?, AsOf::Now)?.summary().events
            }
        };
        out.flush()?;
        Ok(events)
    }

    fn write_xes(&self, wayfold: &Wayfold, out: &mut impl Write) -> Result<u64> {
        let mut writer = XesWriter::new(out)?;
        let (mut written, mut events) = (Ok(()), 0);
        wayfold.for_each_history(&self.scope.tenant()?, Timestamp::MAX, |history| {
            if written.is_ok() {
                events += history.events().len() as u64;
                written = writer.write(history);
            }
        })?;
        written?;
        writer.finish()?;
        Ok(events)
    }
}

/// Hands over all events; says how many they are.
fn write_events(wayfold: &Wayfold, mut write: impl FnMut(&EventBatch) -> Result<()>) -> Result<u64> {
    let mut events = 0;
    for_each_batch(wayfold.store(), |batch| {
        events += batch.len() as u64;
        write(batch)
    })?;
    Ok(events)
}

fn write_ocel(wayfold: &Wayfold, out: &mut impl Write) -> Result<u64> {
    let mut writer = OcelWriter::new(out)?;
    let mut tenants = BTreeSet::new();
    let events = write_events(wayfold, |batch| {
        tenants.extend(batch.customers().map(|customer| customer.tenant));
        Ok(writer.write(batch)?)
    })?;
    // As of the newest event, as every answer of the command.
    if let Some(as_of) = wayfold.newest()? {
        let mut said = Said { projections: ProjectionSet::new(wayfold.rules())?, as_of, writer: &mut writer };
        tenants.iter().try_for_each(|tenant| said.say_of(wayfold, tenant))?;
    }
    writer.finish()?;
    Ok(events)
}

/// How many events are folded together to say what their customers were.
const EVENTS_TOGETHER: usize = 65_536;

/// Says of customers what their stage and class were, and since when.
struct Said<'a, W: Write> {
    projections: ProjectionSet,
    as_of: Timestamp,
    writer: &'a mut OcelWriter<W>,
}

impl<W: Write> Said<'_, W> {
    fn say_of(&mut self, wayfold: &Wayfold, tenant: &Tenant) -> Result<()> {
        let (mut batches, mut events, mut told) = (Vec::new(), 0, Ok(()));
        wayfold.for_each_history(tenant, self.as_of, |history| {
            batches.push(EventBatch::from_views(history.events().iter().copied()));
            events += history.events().len();
            if events >= EVENTS_TOGETHER && told.is_ok() {
                told = self.tell(&batches);
                (batches, events) = (Vec::new(), 0);
            }
        })?;
        told?;
        self.tell(&batches)
    }

    /// Tells what changed for customers whose whole histories these are: nothing in them is late.
    fn tell(&mut self, batches: &[EventBatch]) -> Result<()> {
        let fold = Fold::new(&self.projections).with_as_of(Timestamp::MIN);
        let mut teller = Teller::new(fold, Position::START)?;
        let late = teller.step(batches, Position::END, self.as_of)?;
        debug_assert!(late.is_empty(), "whole histories are folded at once");
        let told = teller.take();
        for (place, told_now) in told.iter().enumerate() {
            let Notice { customer, at, transition, .. } = told_now.notice();
            let mut say = |name: &str, value: String| {
                self.writer.say_of_customer(customer, name, *at, &AttributeValue::Text(value));
            };
            match transition {
                Transition::LifecycleStage { from, to } => {
                    // Who is in no class yet is told so; one that is entered at once comes next.
                    let next = told.get(place + 1).map(Told::notice).filter(|next| next.at == *at);
                    let enters = next.is_some_and(|next| {
                        next.customer == *customer
                            && matches!(next.transition, Transition::BehaviourClass { .. })
                    });
                    if from.is_none() && !enters {
                        say("segment", "none".to_owned());
                    }
                    say("lifecycle_stage", to.to_string());
                }
                Transition::BehaviourClass { to, .. } => {
                    say("segment", to.map_or_else(|| "none".to_owned(), |class| class.to_string()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn write_jsonl(wayfold: &Wayfold, out: &mut impl Write) -> Result<u64> {
    write_events(wayfold, |batch| {
        for event in batch.iter() {
            let json = serde_json::to_string(&event.to_event())?;
            // It may be a terminal that reads.
            writeln!(out, "{}", printable_json(&json))?;
        }
        Ok(())
    })
}

fn write_parquet(wayfold: &Wayfold, out: &mut (impl Write + Send)) -> Result<u64> {
    let mut writer = ParquetWriter::new(out, ParquetOptions::default())?;
    let events = write_events(wayfold, |batch| Ok(writer.write(batch)?))?;
    writer.finish()?;
    Ok(events)
}

fn create(path: &Path) -> Result<File> {
    File::create_new(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => anyhow::Error::from(error).context(format!("failed to make {}", path.display())),
    })
}
