//! What a closed store takes up on disk, by the tables of its file.

use wayfold_benches::{Measured, Named};

use crate::{Result, Stored};

const UNIT: &str = "bytes an event";

pub(crate) fn measure(stored: &Stored<'_>) -> Result<Vec<Measured>> {
    let ids = match stored.workload {
        Named::W => "v7",
        Named::W5 | Named::S => "v5",
    };
    let of_event = |bytes: i64| bytes as f64 / stored.events as f64;
    let file = i64::try_from(std::fs::metadata(stored.path)?.len())?;
    let mut measured = vec![Measured::new(format!("D1-{ids}"), of_event(file), UNIT)];
    let connection = rusqlite::Connection::open(stored.path)?;
    let mut parts =
        connection.prepare("SELECT name, sum(pgsize) bytes FROM dbstat GROUP BY name ORDER BY bytes DESC")?;
    let parts = parts.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    for part in parts {
        let (name, bytes) = part?;
        measured.push(Measured::new(format!("D1-{ids}-{name}"), of_event(bytes), UNIT));
    }
    Ok(measured)
}
