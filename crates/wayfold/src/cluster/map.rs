//! The map of shards as all databases of a cluster hold it: made once, and changed in one database after the other.
//!
//! The first database of the map decides who changes it. A cluster is opened when all databases hold the same version, so
//! that by a new version nothing is appended before every database refuses the old one. Where a database holds events of
//! a shard that it would lose, what was said before is said again as the version after.

use wayfold_core::{Position, VirtualShard};
use wayfold_postgres::{MapOutcome, PostgresStore, ShardMap, StoredShardMap};
use wayfold_store::{Error as StoreError, ErrorKind as StoreErrorKind, EventStore};

use super::Database;
use crate::error::{Error, ErrorKind, Result};

/// How often databases are brought to one version while others change it.
const ATTEMPTS_MAX: usize = 16;

/// The map that all databases hold, made where none holds one.
pub(super) async fn common(databases: &[(String, PostgresStore)]) -> Result<ShardMap> {
    let databases: Vec<_> = databases.iter().map(|(name, store)| (name.as_str(), store)).collect();
    let mut known: Option<ShardMap> = None;
    for (_, store) in &databases {
        known = known.or(store.shard_map().await?.map(|stored| stored.map));
    }
    let map = match known {
        Some(map) => map,
        None => ShardMap::even(databases.iter().map(|(name, _)| *name))?,
    };
    let mut named: Vec<&str> = databases.iter().map(|(name, _)| *name).collect();
    named.sort_unstable();
    if named != map.databases() {
        let of_map = map.databases();
        return Err(refused(format_args!(
            "the databases are {named:?}, and the map of shards names {of_map:?}"
        )));
    }
    for (name, store) in &databases {
        check(name, store, &map).await?;
    }
    Ok(level(&databases).await?.0)
}

/// Makes the first map in a database that holds none, and refuses one that is not of this cluster or of another name.
async fn check(name: &str, store: &PostgresStore, map: &ShardMap) -> Result<()> {
    let stored = match store.shard_map().await? {
        None if map.version() > 1 => None,
        None if map.databases().len() > 1 && store.head().await? > Position::START => {
            let message =
                format_args!("database {name:?} holds events already, of customers that others are to have");
            return Err(refused(message));
        }
        None => {
            let first = StoredShardMap { own: name.to_owned(), map: map.clone() };
            store.put_first_shard_map(&first).await?
        }
        stored => stored,
    };
    match stored {
        Some(stored) if stored.own == name && stored.map.databases() == map.databases() => Ok(()),
        Some(StoredShardMap { own, map }) => {
            let names = map.databases();
            Err(refused(format_args!("database {name:?} is {own:?} among the databases {names:?}")))
        }
        None => {
            let version = map.version();
            Err(refused(format_args!(
                "database {name:?} holds no map of shards, and others hold version {version}"
            )))
        }
    }
}

/// Changes the map, or takes the change back.
pub(super) async fn change(databases: &[Database], from: &ShardMap, to: ShardMap) -> Result<ShardMap> {
    let databases: Vec<_> =
        databases.iter().map(|database| (database.name.as_str(), database.store.as_ref())).collect();
    let (name, first) = databases[0];
    let stored = StoredShardMap { own: name.to_owned(), map: to.clone() };
    match first.replace_shard_map(from.version(), &stored).await? {
        MapOutcome::Replaced => {}
        MapOutcome::HoldsEvents(shard) => return Err(holds_events(shard)),
        MapOutcome::OtherVersion => {
            let message =
                format_args!("change version {} of the map of shards: another one stands", from.version());
            return Err(StoreError::new(StoreErrorKind::MapChanged, message).into());
        }
    }
    match level(&databases).await? {
        (stands, _) if stands == to => Ok(to),
        (_, Some(shard)) => Err(holds_events(shard)),
        (stands, None) => {
            let message =
                format_args!("change the map of shards: version {} came after it", stands.version());
            Err(StoreError::new(StoreErrorKind::MapChanged, message).into())
        }
    }
}

/// Brings all databases, in the order of the map, to the newest version that one of them holds; and says for which shard
/// that was taken back, if it was here.
async fn level(databases: &[(&str, &PostgresStore)]) -> Result<(ShardMap, Option<VirtualShard>)> {
    let mut taken_back = None;
    let mut databases = databases.to_vec();
    databases.sort_unstable_by_key(|(name, _)| *name);
    for _ in 0..ATTEMPTS_MAX {
        let mut maps = Vec::with_capacity(databases.len());
        for (_, store) in &databases {
            maps.extend(store.shard_map().await?.map(|stored| stored.map));
        }
        let newest = maps.iter().max_by_key(|map| map.version()).expect("each was looked at").clone();
        for ((name, store), map) in databases.iter().zip(&maps).filter(|(_, map)| **map != newest) {
            let of = |name: &str, map: ShardMap| StoredShardMap { own: name.to_owned(), map };
            let outcome = store.replace_shard_map(map.version(), &of(name, newest.clone())).await?;
            if let MapOutcome::HoldsEvents(shard) = outcome {
                taken_back = Some(shard);
                let (name, first) = databases[0];
                let back = of(name, map.clone().again_after(&newest));
                // Whoever was quicker has written the same, or a later one.
                let _ = first.replace_shard_map(newest.version(), &back).await?;
                break;
            }
        }
        if maps.iter().all(|map| *map == newest) {
            return Ok((newest, taken_back));
        }
    }
    let message = "bring all databases to one version of the map of shards: others change it; try again";
    Err(StoreError::new(StoreErrorKind::Unavailable, message).into())
}

fn refused(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidConfiguration, message)
}

fn holds_events(shard: VirtualShard) -> Error {
    let message = format_args!("shard {shard} holds events, which cannot be moved to another database yet");
    Error::new(ErrorKind::Unsupported, message)
}
