//! The whole log in lanes, in each of which histories stand whole.

use wayfold_core::{EventBatch, Position};
use wayfold_store::{EventStore, Lane, Scan};

use crate::error::Result;
use crate::known::Known;
use crate::shards::{check_lanes, readable};

/// Opens the whole log in lanes that each hold their customers' histories whole; says up to where it reaches.
///
/// # Errors
/// As the store; `Unsupported` if it does not give as many lanes as are asked for, whose customers would be left out.
pub(crate) async fn open_whole(
    store: &dyn EventStore,
    known: Known,
    lanes: usize,
) -> Result<(Vec<Lane<'_>>, Position)> {
    let mut scan = store.scan(Position::START, usize::MAX, lanes).await?;
    check_lanes(&scan, lanes)?;
    if scan.is_last || known.ends_by(scan.position) {
        return Ok((scan.lanes, known.last(scan.position)));
    }
    // A store that gives the log in several parts does not give histories whole, so that all of it is brought together.
    let mut batches = Vec::new();
    loop {
        let (position, is_last) = (scan.position, scan.is_last || known.ends_by(scan.position));
        for part in scan.read()? {
            batches.push(EventBatch::from_views(part.events()));
            part.batches.iter().try_for_each(readable)?;
        }
        if is_last {
            return Ok((Scan::of_batches(batches, lanes, position, true).lanes, known.last(position)));
        }
        scan = store.scan(position, usize::MAX, 1).await?;
        check_lanes(&scan, 1)?;
    }
}
