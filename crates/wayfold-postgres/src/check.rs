//! Holds sealed blocks against the rows that they copy.

use std::collections::BTreeSet;

use wayfold_core::{Position, VirtualShard};
use wayfold_store::Result;

use crate::error::At;
use crate::place::Place;
use crate::sealed::{Block, blocks_after, read_pages};
use crate::store::{PostgresStore, Shared};

/// What [`PostgresStore::check`] has found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// How many sealed blocks there are.
    pub sealed_blocks: u64,
    /// How many events they hold.
    pub sealed_events: u64,
    /// How many events are in no block.
    pub unsealed_events: u64,
}

impl PostgresStore {
    /// Checks every sealed block: that its pages are whole and hold each event of its stretch once, and that its rows are
    /// those that it was made from.
    ///
    /// The server reads all rows for it, and every page is sent. Rows that are changed in SQL drop their blocks in the
    /// same transaction; this finds what came past that, as by damage or where triggers were switched off.
    ///
    /// # Errors
    /// `Corrupt` for the first block that is damaged or disagrees with the rows, by its number, and with what to do;
    /// `Unsupported` if a block is of a later version, or the role may not read blocks; `Unavailable`.
    pub async fn check(&self) -> Result<CheckReport> {
        let shared = self.shared.clone();
        self.threads.run(async move { check(&shared).await }).await
    }
}

async fn check(shared: &Shared) -> Result<CheckReport> {
    let tried = "check sealed blocks";
    let (client, sql) = (shared.client().await?, &shared.sql);
    let mut report = CheckReport { sealed_blocks: 0, sealed_events: 0, unsealed_events: 0 };
    let mut end = Place::START;
    loop {
        let blocks = blocks_after(&client, sql, end).await?;
        if blocks.is_empty() {
            break;
        }
        for mut block in blocks {
            end = block.stretch.to;
            let whole = block.whole();
            if !read_pages(&client, sql, std::slice::from_mut(&mut block), &[whole]).await? {
                // Others stand in its place since.
                continue;
            }
            check_pages(&block)?;
            if block.stretch.agrees(&client, sql).await? {
                report.sealed_blocks += 1;
                report.sealed_events += block.stretch.events;
            }
        }
    }
    let events: i64 = client.query_one(&sql.count, &[]).await.at(tried)?.get(0);
    report.unsealed_events = events.unsigned_abs().saturating_sub(report.sealed_events);
    Ok(report)
}

/// Every page is whole, every event stands once within the stretch, and the shards are those of its customers.
fn check_pages(block: &Block) -> Result<()> {
    let (first, last) = (Position::from(block.stretch.after), Position::from(block.stretch.to));
    let (mut places, mut shards) = (BTreeSet::new(), BTreeSet::new());
    for page in 0..block.header.pages() {
        let batch = block.decode_page(page)?;
        shards.extend(batch.customers().map(|customer| VirtualShard::of(&customer)));
        for event in batch.iter() {
            let place = event.position().filter(|place| first < *place && *place <= last);
            if !place.is_some_and(|place| places.insert(place)) {
                return Err(block
                    .stretch
                    .corrupt(format_args!("event {} stands elsewhere, or twice", event.id())));
            }
        }
    }
    if shards.into_iter().eq(block.shards.iter().copied()) {
        return Ok(());
    }
    Err(block.stretch.corrupt("it names other shards than those of its customers"))
}
