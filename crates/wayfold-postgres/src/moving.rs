//! What moves events of shards from one database to another: copied, counted, and taken out, each step again if it was
//! left half done.

use deadpool_postgres::Client;
use wayfold_core::{
    EventBatch, EventView, JourneyEvent, Limits, Position, Span, Upcasters, VirtualShard, spread,
};
use wayfold_store::{AppendOutcome, Error, ErrorKind, Result};

use crate::append::Append;
use crate::error::At;
use crate::place::Place;
use crate::scan::of_shards;
use crate::shard_map::check_version;
use crate::sql::Sql;
use crate::store::{PostgresStore, append_through};

/// How many events one transaction copies or takes out.
const STEP_EVENTS: usize = 4_096;

const TRIED: &str = "take out events of shards that were moved";

/// What a database holds of some shards: how many events, and a sum over what they state, which does not depend on their
/// order, positions and recording times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// How many events there are.
    pub events: u64,
    sum: u64,
}

impl Contents {
    fn add(&mut self, event: &JourneyEvent) -> Result<()> {
        let mut event = event.clone();
        (event.position, event.recorded_at) = (None, None);
        let bytes = serde_json::to_vec(&event).map_err(|error| {
            Error::new(ErrorKind::Corrupt, format_args!("count event {}", event.id)).with_source(error)
        })?;
        self.events += 1;
        self.sum = self.sum.wrapping_add(spread(&[&bytes]));
        Ok(())
    }
}

impl PostgresStore {
    /// What this database holds of some shards, whether it counts or not.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn contents(&self, shards: &[VirtualShard]) -> Result<Contents> {
        let (shared, shards) = (self.shared.clone(), shards.to_vec());
        let count = async move {
            let (mut contents, mut after) = (Contents::default(), Position::START);
            while let Some((batches, position)) = of_shards(&shared, after, &shards).await? {
                for event in batches.iter().flat_map(EventBatch::to_events) {
                    contents.add(&event)?;
                }
                after = position;
            }
            Ok(contents)
        };
        self.threads.run(count).await
    }

    /// Copies the events of some shards to another database, in their order and as they are stored; they are recorded
    /// there anew. What stands there already stays, so that it may be done again. Says how many were new.
    ///
    /// # Errors
    /// `IdReused` if an id is taken there by another event; `MapChanged` if the other database holds another version of the
    /// map; `Unavailable` or `Corrupt`.
    pub async fn copy_shards(&self, to: &Self, shards: &[VirtualShard], map_version: u64) -> Result<u64> {
        let (shared, target, shards) = (self.shared.clone(), to.shared.clone(), shards.to_vec());
        let (now, map_version) = (to.now(), Some(map_version));
        // They were admitted once, by whichever clock.
        let mut limits = Limits::default();
        limits.future_max = Span::from_days(3_650_000);
        let copy = async move {
            let (mut copied, mut after) = (0, Position::START);
            while let Some((batches, position)) = of_shards(&shared, after, &shards).await? {
                let events: Vec<EventView<'_>> = batches.iter().flat_map(EventBatch::iter).collect();
                for step in events.chunks(STEP_EVENTS) {
                    let batch = EventBatch::from_views(step.iter().copied());
                    let upcasters = Upcasters::default();
                    let append = Append {
                        batch,
                        condition: None,
                        limits: limits.clone(),
                        now,
                        upcasters,
                        map_version,
                    };
                    if let AppendOutcome::Appended { new, .. } = append_through(&target, &append).await? {
                        copied += new as u64;
                    }
                }
                after = position;
            }
            Ok(copied)
        };
        self.threads.run(copy).await
    }

    /// Takes out the events of some shards, and what workers have kept of them, while the map has a version. The role needs
    /// the right to delete events. Says how many there were.
    ///
    /// # Errors
    /// `MapChanged` if it has another version; `Unsupported` if the role may not; `Unavailable` or `Corrupt`.
    pub async fn drop_shards(&self, shards: &[VirtualShard], map_version: u64) -> Result<u64> {
        let (shared, shards, map_version) = (self.shared.clone(), shards.to_vec(), Some(map_version));
        let drop = async move {
            let mut client = shared.client().await?;
            let (mut dropped, mut after) = (0, Position::START);
            while let Some((batches, position)) = of_shards(&shared, after, &shards).await? {
                let places = batches.iter().flat_map(EventBatch::iter).filter_map(|event| event.position());
                let places: Vec<Place> = places.map(Place::from).collect();
                for step in places.chunks(STEP_EVENTS) {
                    let (transactions, numbers): (Vec<i64>, Vec<i64>) =
                        step.iter().map(|place| (place.transaction, place.number)).unzip();
                    let transaction = begin(&mut client, &shared.sql, map_version).await?;
                    dropped += transaction
                        .execute(&shared.sql.delete_events, &[&transactions, &numbers])
                        .await
                        .at(TRIED)?;
                    transaction.commit().await.at(TRIED)?;
                }
                after = position;
            }
            let transaction = begin(&mut client, &shared.sql, map_version).await?;
            for number in shards.iter().map(|shard| i16::from(shard.number())) {
                transaction.execute(&shared.sql.drop_states, &[&number.to_string()]).await.at(TRIED)?;
                transaction.execute(&shared.sql.end_lease, &[&number]).await.at(TRIED)?;
            }
            transaction.commit().await.at(TRIED)?;
            Ok(dropped)
        };
        self.threads.run(drop).await
    }
}

/// Begins a transaction in which the map keeps its version.
async fn begin<'a>(
    client: &'a mut Client,
    sql: &Sql,
    map_version: Option<u64>,
) -> Result<deadpool_postgres::Transaction<'a>> {
    let transaction = client.transaction().await.at(TRIED)?;
    transaction.execute(&sql.share_map, &[]).await.at(TRIED)?;
    check_version((&*transaction).into(), sql, map_version).await?;
    Ok(transaction)
}
