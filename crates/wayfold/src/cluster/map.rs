//! The map of shards as all databases of a cluster hold it: made once, and changed in one database after the other.
//!
//! The first database of the map decides who changes it. A cluster is opened when all databases hold the same version, so
//! that by a new version nothing is appended before every database refuses the old one. Where a database holds events of
//! a shard that it would lose, what was said before is said again as the version after, and the shard is copied first: one
//! version closes it to appends, the next says that the copy counts, and one more that what it was copied from is gone.

use wayfold_core::{Position, VirtualShard};
use wayfold_postgres::{MapOutcome, MoveStage, PostgresStore, ShardMap, StoredShardMap};
use wayfold_store::{Error as StoreError, ErrorKind as StoreErrorKind, EventStore};

use super::Database;
use crate::error::{Error, ErrorKind, Result};

/// How often databases are brought to one version while others change it.
const ATTEMPTS_MAX: usize = 16;

/// The map that all databases hold, made where none holds one.
pub(super) async fn common(databases: &[(String, PostgresStore)]) -> Result<ShardMap> {
    let databases: Vec<_> = databases.iter().map(|(name, store)| (name.as_str(), store)).collect();
    let mut newest: Option<ShardMap> = None;
    for (_, store) in &databases {
        let map = store.shard_map().await?.map(|stored| stored.map);
        newest = newest.into_iter().chain(map).max_by_key(ShardMap::version);
    }
    let map = match newest {
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
        // It was added, and has not been told.
        None if map.version() > 1 && map.shards_of(name).is_empty() => {
            check_empty(name, store).await?;
            let first = StoredShardMap { own: name.to_owned(), map: map.clone() };
            store.put_first_shard_map(&first).await?
        }
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
        Some(stored) if stored.own == name && is_of_line(&stored.map, map) => Ok(()),
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

/// Says whether a map may have become the newest one.
fn is_of_line(map: &ShardMap, newest: &ShardMap) -> bool {
    let is_known = |name: &String| newest.databases().contains(name);
    map.databases() == newest.databases()
        || (map.version() < newest.version() && map.databases().iter().all(is_known))
}

async fn check_empty(name: &str, store: &PostgresStore) -> Result<()> {
    if store.head().await? == Position::START {
        return Ok(());
    }
    Err(refused(format_args!("database {name:?} is to be added, and holds events already")))
}

/// Adds a database without shards.
pub(super) async fn add(
    databases: &[Database],
    from: &ShardMap,
    name: &str,
    store: &PostgresStore,
) -> Result<ShardMap> {
    if let Some(StoredShardMap { own, .. }) = store.shard_map().await? {
        return Err(refused(format_args!("database {name:?} is {own:?} of a cluster already")));
    }
    check_empty(name, store).await?;
    let map = change(databases, from, from.clone().with_database(name)?).await?;
    let first = StoredShardMap { own: name.to_owned(), map: map.clone() };
    store.put_first_shard_map(&first).await?;
    Ok(map)
}

/// Gives shards to a database: at once if they hold no events, else by copying them.
pub(super) async fn move_shards(
    databases: &[Database],
    from: &ShardMap,
    shards: &[VirtualShard],
    to: &str,
) -> Result<ShardMap> {
    let moved = from.clone().with_moved(shards.iter().copied(), to)?;
    let stands = match change_unless_held(databases, from, moved).await? {
        (map, None) => return Ok(map),
        (stands, Some(_)) => stands,
    };
    let copying = stands.clone().with_copying(shards.iter().copied(), to)?;
    check_free(databases, &copying).await?;
    let copying = change(databases, &stands, copying).await?;
    finish(databases, copying).await
}

/// Goes on with a move from wherever it is.
pub(super) async fn finish(databases: &[Database], mut map: ShardMap) -> Result<ShardMap> {
    if map.stage() == MoveStage::Copying {
        map = match copy(databases, &map).await {
            Ok(()) => change(databases, &map, map.clone().switched()).await?,
            // What cannot be copied is given up; nothing is taken out because something cannot be read.
            Err(error) if error.kind() != ErrorKind::IdReused => return Err(error),
            Err(error) => {
                let given_up = change(databases, &map, map.clone().given_up()).await?;
                clean(databases, given_up).await?;
                return Err(error);
            }
        };
    }
    match map.stage() {
        MoveStage::Cleaning => clean(databases, map).await,
        _ => Ok(map),
    }
}

/// Refuses databases that hold events of shards that are to be copied to them: nobody has copied those.
async fn check_free(databases: &[Database], copying: &ShardMap) -> Result<()> {
    for Database { name, store, .. } in databases {
        if store.contents(&copying.copies_in(name)).await?.events > 0 {
            return Err(strangers(name));
        }
    }
    Ok(())
}

fn strangers(database: &str) -> Error {
    let message = format_args!(
        "database {database:?} holds events of shards that are to be moved there, which were appended past the cluster; take \
         them out"
    );
    StoreError::new(StoreErrorKind::Corrupt, message).into()
}

/// Copies all shards that are to be, and holds what was copied against what it was copied from.
async fn copy(databases: &[Database], map: &ShardMap) -> Result<()> {
    for target in databases {
        let copies = map.copies_in(&target.name);
        for source in databases {
            let is_there = |shard: &VirtualShard| map.database(*shard) == source.name;
            let shards: Vec<_> = copies.iter().copied().filter(is_there).collect();
            if shards.is_empty() {
                continue;
            }
            source.store.copy_shards(&target.store, &shards, map.version()).await?;
            if source.store.contents(&shards).await? != target.store.contents(&shards).await? {
                return Err(strangers(&target.name));
            }
        }
    }
    Ok(())
}

/// Takes out copies that do not count.
async fn clean(databases: &[Database], map: ShardMap) -> Result<ShardMap> {
    for database in databases {
        let copies = map.copies_in(&database.name);
        if !copies.is_empty() {
            database.store.drop_shards(&copies, map.version()).await?;
        }
    }
    change(databases, &map, map.clone().cleaned()).await
}

/// Changes the map.
async fn change(databases: &[Database], from: &ShardMap, to: ShardMap) -> Result<ShardMap> {
    match change_unless_held(databases, from, to).await? {
        (map, None) => Ok(map),
        (_, Some(shard)) => Err(overtaken(format_args!("shard {shard} holds events"))),
    }
}

/// Changes the map; or takes the change back and says what stands then, and which shard holds events that would be lost.
async fn change_unless_held(
    databases: &[Database],
    from: &ShardMap,
    to: ShardMap,
) -> Result<(ShardMap, Option<VirtualShard>)> {
    let databases: Vec<_> =
        databases.iter().map(|database| (database.name.as_str(), database.store.as_ref())).collect();
    let (name, first) = databases[0];
    let stored = StoredShardMap { own: name.to_owned(), map: to.clone() };
    match first.replace_shard_map(from.version(), &stored).await? {
        MapOutcome::Replaced => {}
        MapOutcome::HoldsEvents(shard) => return Ok((from.clone(), Some(shard))),
        MapOutcome::OtherVersion => {
            return Err(overtaken(format_args!("another version stands than {}", from.version())));
        }
    }
    match level(&databases).await? {
        (stands, _) if stands == to => Ok((to, None)),
        (stands, Some(shard)) => Ok((stands, Some(shard))),
        (stands, None) => Err(overtaken(format_args!("version {} came after it", stands.version()))),
    }
}

fn overtaken(why: impl std::fmt::Display) -> Error {
    let message = format_args!("change the map of shards: {why}; open the cluster again");
    StoreError::new(StoreErrorKind::MapChanged, message).into()
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
