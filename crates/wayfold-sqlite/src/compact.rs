//! Seals everything and gives unused space back.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use wayfold_store::Result;

use crate::build::Step;
use crate::error::{At, unavailable};
use crate::merging::work;
use crate::plan::Goal;
use crate::schema::open_writer;
use crate::store::{Shared, SqliteStore};

const PAUSE: Duration = Duration::from_millis(10);
/// Pages that one step gives back.
const STEP_PAGES: u32 = 1_024;

impl SqliteStore {
    /// Seals every event that is not sealed by now, merges all blocks into as few as
    /// [`SqliteConfig::compact_events_max`](crate::SqliteConfig) allows, and gives unused space of the file back.
    ///
    /// The store seals and merges by itself as it grows, into more and smaller blocks; this is for a log that is finished
    /// or was imported, and for one that is read much more than written. It blocks the calling thread; appends and reads go on meanwhile, and what is appended waits for its
    /// own sealing.
    ///
    /// # Errors
    /// `Unsupported` if the store is open for reading alone; `Unavailable` if the store is closed, the file cannot be
    /// written or another process merges for longer than `busy_timeout_ms`; `Corrupt` if what is to be merged is damaged.
    pub fn compact(&self) -> Result<()> {
        self.writer("compact")?;
        let shared = self.shared();
        refuse_closed(shared)?;
        let connection = open_writer(shared.readers.path(), &shared.config)?;
        let (_, head) = shared.state.ask_now(&connection, |state| Ok(state.meta.head))?;
        let deadline = Instant::now() + shared.config.patience();
        while work(&connection, shared, Goal::UpTo(head))? == Step::Busy {
            if Instant::now() > deadline {
                return Err(unavailable("compact: another process merges"));
            }
            std::thread::sleep(PAUSE);
        }
        // Closing stops it amid its work.
        refuse_closed(shared)?;
        vacuum(shared, &connection)
    }
}

fn refuse_closed(shared: &Shared) -> Result<()> {
    if shared.merging.is_closed() { Err(unavailable("compact: the store is closed")) } else { Ok(()) }
}

/// Gives the pages back that are unused by now, in short transactions between those of the writer.
fn vacuum(shared: &Shared, connection: &Connection) -> Result<()> {
    let tried = "give unused space back";
    let unused: u32 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0)).at(tried)?;
    for _ in 0..unused.div_ceil(STEP_PAGES) {
        let _turn = shared.write_turn();
        shared.readers.check_file()?;
        let mut statement =
            connection.prepare(&format!("PRAGMA incremental_vacuum({STEP_PAGES})")).at(tried)?;
        let mut rows = statement.query([]).at(tried)?;
        // Each row is a page given back; there is nothing in it.
        while rows.next().at(tried)?.is_some() {}
    }
    Ok(())
}
