//! What single calls cost, each beside what is bare where there is such a thing: what `cargo xtask bench` starts, each
//! time with a copy of a closed store that may be changed. Every command prints one line of JSON, a list of measures.

mod append;
mod disk;
mod import;
mod live;
mod view;

use std::error::Error;
use std::path::Path;

use mimalloc::MiMalloc;
use wayfold::Timestamp;
use wayfold_benches::{Named, NewEvents, Planned};

/// As services with many short-lived lists choose one; peers bring theirs.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const USAGE: &str = "usage, by `cargo xtask bench`:
  calls append|view|open|live|disk W|W5|S EVENTS AS_OF_US FILE  measures on a store that holds so many events
  calls import MAPPING CSV FILE                                 measures the import of a file into a new store";

/// New events are like so many of the workload.
const TEMPLATE_EVENTS: u64 = 100_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A store and what is known of it.
struct Stored<'a> {
    workload: Named,
    events: u64,
    /// An instant after all events.
    as_of: Timestamp,
    path: &'a Path,
}

impl Stored<'_> {
    /// Events for appends.
    fn new_events(&self) -> NewEvents {
        NewEvents::like(Planned::new(self.workload, self.events.min(TEMPLATE_EVENTS)).standing())
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["import", mapping, csv, file] => {
            println!("{}", import::measure(mapping.as_ref(), csv.as_ref(), file.as_ref())?);
        }
        [command, workload, events, as_of_us, file] => {
            let as_of = Timestamp::from_micros(as_of_us.parse()?)?;
            let stored =
                Stored { workload: workload.parse()?, events: events.parse()?, as_of, path: file.as_ref() };
            let measured = match command {
                "append" => append::measure(&stored)?,
                "view" => view::measure(&stored)?,
                "open" => view::measure_opening(&stored)?,
                "live" => live::measure(&stored)?,
                "disk" => disk::measure(&stored)?,
                _ => return Err(format!("there is no command {command}").into()),
            };
            println!("{}", serde_json::to_string(&measured)?);
        }
        _ => println!("{USAGE}"),
    }
    Ok(())
}
