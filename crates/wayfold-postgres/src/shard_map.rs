//! Which database has which customers: a map of the 256 virtual shards, which every database of a cluster holds.
//!
//! Appends of a cluster hold the map's lock, shared, and look at its version in their own transaction. Whoever changes the
//! map holds that lock alone, so that no append goes where an older map has sent it.

use std::collections::BTreeSet;
use std::pin::pin;

use deadpool_postgres::{GenericClient, Transaction};
use futures_util::TryStreamExt as _;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use wayfold_core::VirtualShard;
use wayfold_store::{Error, ErrorKind, Result};

use crate::error::{At, corrupt};
use crate::session::Session;
use crate::sql::Sql;
use crate::store::PostgresStore;
use crate::text::{restored, stored};

const DATABASES_MAX: usize = VirtualShard::COUNT;
const NAME_BYTES_MAX: usize = 64;

const LOOK: &str = "look at the map of shards";

/// Which database has which of the 256 virtual shards, by names: how a database is reached is not in it.
///
/// ```
/// use wayfold_core::{CustomerKey, VirtualShard};
/// use wayfold_postgres::ShardMap;
///
/// let map = ShardMap::even(["north", "south"])?;
/// let ada = VirtualShard::of(&CustomerKey::new("ada")?);
/// assert_eq!((ada.number(), map.database(ada)), (126, "north"));
/// assert_eq!(map.shards_of("south").len(), 128);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardMap {
    version: i64,
    databases: Vec<String>,
    /// For each shard the place of its database.
    shards: Vec<i16>,
    stage: MoveStage,
    /// For each shard the place of the database that holds copies that do not count, or none.
    others: Vec<i16>,
}

/// How far a move of shards has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MoveStage {
    /// Nothing moves.
    #[default]
    Settled,
    /// Shards are copied: nothing is appended to them, they are read where they were, and what stands of them in another
    /// database does not count yet.
    Copying,
    /// Shards are read and appended to where they are, and what stands of them in another database does not count any
    /// more and is taken out.
    Cleaning,
}

/// No database.
const NONE: i16 = -1;

/// A map as a database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredShardMap {
    /// The name of this database in it.
    pub own: String,
    /// The map.
    pub map: ShardMap,
}

/// What became of a map that was to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "only a map that was replaced stands"]
pub enum MapOutcome {
    /// The new one stands.
    Replaced,
    /// Another version stands than the one that was to be replaced; nothing was changed.
    OtherVersion,
    /// The database would lose this shard, and holds events of it that nobody has copied; nothing was changed.
    HoldsEvents(VirtualShard),
}

impl ShardMap {
    /// The first version: the shards go around the databases in the order of their names, so that each has as many as the
    /// others, or one more.
    ///
    /// # Errors
    /// `Unsupported` if there is no database or more than 256, or if a name is there twice or has not 1 to 64 bytes.
    pub fn even(databases: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        let mut databases: Vec<String> = databases.into_iter().map(Into::into).collect();
        databases.sort_unstable();
        let refuse = |why: String| Err(Error::new(ErrorKind::Unsupported, format_args!("map shards: {why}")));
        if databases.is_empty() || databases.len() > DATABASES_MAX {
            return refuse(format!(
                "there are {} databases; 1 to {DATABASES_MAX} are taken",
                databases.len()
            ));
        }
        if let Some(name) = databases.iter().find(|name| name.is_empty() || name.len() > NAME_BYTES_MAX) {
            return refuse(format!("database name {name:?} has not 1 to {NAME_BYTES_MAX} bytes"));
        }
        if let Some(pair) = databases.windows(2).find(|pair| pair[0] == pair[1]) {
            return refuse(format!("two databases have the name {:?}", pair[0]));
        }
        let shards = (0..VirtualShard::COUNT).map(|shard| (shard % databases.len()) as i16).collect();
        let (stage, others) = (MoveStage::Settled, vec![NONE; VirtualShard::COUNT]);
        Ok(Self { version: 1, databases, shards, stage, others })
    }

    /// The next version, in which a database has some shards, whoever has them now: of shards without events.
    ///
    /// # Errors
    /// `Unsupported` if the map names no such database, or is amid a move.
    pub fn with_moved(mut self, shards: impl IntoIterator<Item = VirtualShard>, to: &str) -> Result<Self> {
        let place = self.settled()?.place_of(to)?;
        for shard in shards {
            self.shards[usize::from(shard.number())] = place;
        }
        self.version += 1;
        Ok(self)
    }

    /// The next version, in which shards are about to be copied to a database: nothing is appended to them from then on.
    ///
    /// # Errors
    /// As [`ShardMap::with_moved`].
    pub fn with_copying(mut self, shards: impl IntoIterator<Item = VirtualShard>, to: &str) -> Result<Self> {
        let place = self.settled()?.place_of(to)?;
        for shard in shards.into_iter().map(|shard| usize::from(shard.number())) {
            self.others[shard] = if self.shards[shard] == place { NONE } else { place };
        }
        (self.stage, self.version) = (MoveStage::Copying, self.version + 1);
        Ok(self)
    }

    /// The next version, in which what was copied counts, and what it was copied from does not.
    pub fn switched(mut self) -> Self {
        for (shard, other) in
            self.shards.iter_mut().zip(&mut self.others).filter(|(_, other)| **other != NONE)
        {
            std::mem::swap(shard, other);
        }
        (self.stage, self.version) = (MoveStage::Cleaning, self.version + 1);
        self
    }

    /// The next version, in which copies do not count, and never have: a move that is given up.
    pub fn given_up(mut self) -> Self {
        (self.stage, self.version) = (MoveStage::Cleaning, self.version + 1);
        self
    }

    /// The next version, in which there are no copies any more.
    pub fn cleaned(mut self) -> Self {
        self.others = vec![NONE; VirtualShard::COUNT];
        (self.stage, self.version) = (MoveStage::Settled, self.version + 1);
        self
    }

    /// The next version, in which there is one more database, without shards.
    ///
    /// # Errors
    /// `Unsupported` if the name is there or has not 1 to 64 bytes, if there are 256 databases, or if the map is amid a move.
    pub fn with_database(mut self, name: &str) -> Result<Self> {
        let (old, mut names) = (self.settled()?.databases.clone(), self.databases.clone());
        names.push(name.to_owned());
        self.databases = Self::even(names)?.databases;
        let moved = |place: &i16| self.place_of(&old[usize::try_from(*place).unwrap_or_default()]);
        self.shards = self.shards.iter().map(moved).collect::<Result<_>>()?;
        self.version += 1;
        Ok(self)
    }

    fn settled(&self) -> Result<&Self> {
        if self.stage == MoveStage::Settled {
            return Ok(self);
        }
        let message = "map shards: shards are moved already; finish_move ends that";
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    fn place_of(&self, database: &str) -> Result<i16> {
        let place = self.databases.iter().position(|name| name == database).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, format_args!("map shards: there is no database {database:?}"))
        })?;
        Ok(place as i16)
    }

    /// How far a move has come.
    pub fn stage(&self) -> MoveStage {
        self.stage
    }

    /// The shards of which a database may hold copies that do not count.
    pub fn copies_in(&self, database: &str) -> Vec<VirtualShard> {
        let other = |shard: &VirtualShard| usize::try_from(self.others[usize::from(shard.number())]).ok();
        VirtualShard::all()
            .filter(|shard| other(shard).is_some_and(|place| self.databases[place] == database))
            .collect()
    }

    /// The shards that nothing is appended to, because they are copied.
    pub fn closed(&self) -> Vec<VirtualShard> {
        let is_closed = |shard: &VirtualShard| self.others[usize::from(shard.number())] != NONE;
        let is_copying = self.stage == MoveStage::Copying;
        VirtualShard::all().filter(|shard| is_copying && is_closed(shard)).collect()
    }

    /// What this map says, as the version after another one: a change that is taken back.
    pub fn again_after(mut self, other: &Self) -> Self {
        self.version = other.version + 1;
        self
    }

    /// Grows with every change; the first is 1.
    pub fn version(&self) -> u64 {
        self.version.unsigned_abs()
    }

    /// The names of the databases. The first decides who changes the map.
    pub fn databases(&self) -> &[String] {
        &self.databases
    }

    /// The database that has a shard.
    pub fn database(&self, shard: VirtualShard) -> &str {
        &self.databases[self.place(shard)]
    }

    /// The place in [`databases`](Self::databases) of the one that has a shard.
    pub fn place(&self, shard: VirtualShard) -> usize {
        self.shards[usize::from(shard.number())].unsigned_abs().into()
    }

    /// The shards of a database; none of one that the map does not name.
    pub fn shards_of(&self, database: &str) -> Vec<VirtualShard> {
        VirtualShard::all().filter(|shard| self.database(*shard) == database).collect()
    }
}

impl MoveStage {
    fn number(self) -> i16 {
        match self {
            Self::Settled => 0,
            Self::Copying => 1,
            Self::Cleaning => 2,
        }
    }
}

impl PostgresStore {
    /// The map that this database holds, and its own name there; `None` if it is of no cluster.
    ///
    /// # Errors
    /// `Unavailable`, or `Corrupt` if it is no map.
    pub async fn shard_map(&self) -> Result<Option<StoredShardMap>> {
        let shared = self.shared.clone();
        let read = async move {
            let client = shared.client().await?;
            read_map(&client, &shared.sql).await
        };
        self.threads.run(read).await
    }

    /// Says whether the map still has the version of [`with_map_version`](Self::with_map_version): what was read from this
    /// database before was then read where it stands.
    ///
    /// # Errors
    /// `MapChanged` if it has another one; `Unavailable`. None where no version was set.
    pub async fn check_map_version(&self) -> Result<()> {
        let (shared, map_version) = (self.shared.clone(), self.map_version);
        let check = async move {
            let client = shared.client().await?;
            check_version((&client).into(), &shared.sql, map_version).await
        };
        self.threads.run(check).await
    }

    /// Puts a map where there is none, and says what stands there then.
    ///
    /// # Errors
    /// As [`PostgresStore::shard_map`].
    pub async fn put_first_shard_map(&self, first: &StoredShardMap) -> Result<Option<StoredShardMap>> {
        let (shared, first) = (self.shared.clone(), first.clone());
        let put = async move {
            let client = shared.client().await?;
            let StoredShardMap { own, map: ShardMap { version, databases, shards, stage, others } } = &first;
            let (own, databases) =
                (stored(own), databases.iter().map(|name| stored(name)).collect::<Vec<_>>());
            let row: [&(dyn ToSql + Sync); 6] = [version, &own, &databases, shards, &stage.number(), others];
            let put = client.execute(&shared.sql.first_shard_map, &row).await;
            put.at("put the first map of shards").map(drop)
        };
        self.threads.run(put).await?;
        self.shard_map().await
    }

    /// Puts a map in the place of the one of a version. Appends by the one before are over then, and later ones refused.
    ///
    /// # Behavior
    /// - A shard of which the database holds events is not taken from it. All customers are looked at for that.
    /// - If the answer does not come, do it again: the new one that stands already counts as replaced.
    ///
    /// # Errors
    /// As [`PostgresStore::shard_map`].
    pub async fn replace_shard_map(&self, version: u64, to: &StoredShardMap) -> Result<MapOutcome> {
        let (shared, to) = (self.shared.clone(), to.clone());
        let replace = async move {
            let tried = "replace the map of shards";
            let mut client = shared.client().await?;
            let transaction = client.transaction().await.at(tried)?;
            transaction.execute(&shared.sql.lock_map, &[]).await.at(tried)?;
            let stands = read_map(&transaction, &shared.sql).await?;
            let Some(StoredShardMap { own, map }) = stands.filter(|stands| stands.own == to.own) else {
                return Ok(MapOutcome::OtherVersion);
            };
            if map == to.map {
                return Ok(MapOutcome::Replaced);
            }
            if map.version() != version {
                return Ok(MapOutcome::OtherVersion);
            }
            let lost = |shard: &VirtualShard| map.database(*shard) == own && to.map.database(*shard) != own;
            let is_copied = map.stage == MoveStage::Copying && to.map == map.clone().switched();
            let lost: BTreeSet<_> = VirtualShard::all().filter(|shard| !is_copied && lost(shard)).collect();
            if let Some(shard) = first_held(&transaction, &shared.sql, &lost).await? {
                return Ok(MapOutcome::HoldsEvents(shard));
            }
            let ShardMap { version, databases, shards, stage, others } = &to.map;
            let databases: Vec<_> = databases.iter().map(|name| stored(name)).collect();
            let row: [&(dyn ToSql + Sync); 5] = [version, &databases, shards, &stage.number(), others];
            transaction.execute(&shared.sql.replace_map, &row).await.at(tried)?;
            transaction.commit().await.at(tried)?;
            Ok(MapOutcome::Replaced)
        };
        self.threads.run(replace).await
    }
}

async fn read_map(client: &impl GenericClient, sql: &Sql) -> Result<Option<StoredShardMap>> {
    let tried = "read the map of shards";
    let Some(row) = client.query_opt(&sql.shard_map, &[]).await.at(tried)? else { return Ok(None) };
    let name = |text: &str| restored(text).map(|name| name.into_owned());
    let (own, databases): (&str, Vec<&str>) = (row.get(1), row.get(2));
    let databases = databases.into_iter().map(name).collect::<Option<Vec<_>>>();
    let (version, shards): (i64, Vec<i16>) = (row.get(0), row.get(3));
    let stage = match row.get::<_, i16>(4) {
        1 => MoveStage::Copying,
        2 => MoveStage::Cleaning,
        _ => MoveStage::Settled,
    };
    let others = row.get::<_, Option<Vec<i16>>>(5).unwrap_or_else(|| vec![NONE; VirtualShard::COUNT]);
    let map = databases.map(|databases| ShardMap { version, databases, shards, stage, others });
    let is_whole = |map: &ShardMap| {
        let is_place = |place: &i16| usize::try_from(*place).is_ok_and(|place| place < map.databases.len());
        let is_other = |place: &i16| *place == NONE || is_place(place);
        let are_256 = map.shards.len() == VirtualShard::COUNT && map.others.len() == VirtualShard::COUNT;
        are_256 && map.shards.iter().all(is_place) && map.others.iter().all(is_other)
    };
    let stored = name(own).zip(map.filter(is_whole)).map(|(own, map)| StoredShardMap { own, map });
    stored.map(Some).ok_or_else(|| corrupt(format_args!("{tried}: it is not as this library writes it")))
}

/// One of some shards of which the log holds events.
async fn first_held(
    transaction: &Transaction<'_>,
    sql: &Sql,
    shards: &BTreeSet<VirtualShard>,
) -> Result<Option<VirtualShard>> {
    if shards.is_empty() {
        return Ok(None);
    }
    let tried = "look at the customers of a database";
    let numbers: Vec<i16> = shards.iter().map(|shard| shard.number().into()).collect();
    let mut rows = pin!(transaction.query_raw(&sql.customers, [numbers]).await.at(tried)?);
    while let Some(row) = rows.try_next().await.at(tried)? {
        let texts = (restored(row.get(0)), restored(row.get(1)));
        let (Some(tenant), Some(customer)) = texts else {
            return Err(corrupt(format_args!("{tried}: a name is not as this library writes it")));
        };
        let shard = VirtualShard::of_texts(&tenant, &customer);
        if shards.contains(&shard) {
            return Ok(Some(shard));
        }
    }
    Ok(None)
}

/// Refuses whoever goes by another version of the map than the one that stands.
pub(crate) async fn check_version(session: Session<'_>, sql: &Sql, known: Option<u64>) -> Result<()> {
    VersionCheck::prepare(session, sql, known).await?.run(session).await
}

/// The same check in two steps: one that is prepared sends a single statement, and at once.
pub(crate) struct VersionCheck(Option<(u64, Statement)>);

impl VersionCheck {
    /// Prepares nothing for who goes by no map.
    pub(crate) async fn prepare(session: Session<'_>, sql: &Sql, known: Option<u64>) -> Result<Self> {
        let Some(known) = known else { return Ok(Self(None)) };
        Ok(Self(Some((known, session.prepare(&sql.map_version).await.at(LOOK)?))))
    }

    pub(crate) async fn run(&self, session: Session<'_>) -> Result<()> {
        let Some((known, look)) = &self.0 else { return Ok(()) };
        let now: Option<i64> = session.query_opt(look, &[]).await.at(LOOK)?.map(|row| row.get(0));
        if now.is_some_and(|now| now.unsigned_abs() == *known) {
            return Ok(());
        }
        let now = now.map_or("there is none".to_owned(), |now| format!("version {now} stands"));
        let message = format_args!(
            "go by version {known} of the map of shards: {now}; open the cluster again; nothing was written"
        );
        Err(Error::new(ErrorKind::MapChanged, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_has_one_database_and_each_about_as_many() {
        for count in [1, 2, 3, 7, 256] {
            let names: Vec<String> = (0..count).map(|number| format!("db{number}")).collect();
            let map = ShardMap::even(names.clone()).unwrap();
            let shards: Vec<_> = names.iter().map(|name| map.shards_of(name)).collect();
            assert!(
                shards.iter().all(|shards| (256 / count..=256_usize.div_ceil(count)).contains(&shards.len()))
            );
            assert_eq!(shards.iter().map(Vec::len).sum::<usize>(), 256);
            assert!(shards[0].iter().all(|shard| map.place(*shard) == 0 && map.database(*shard) == "db0"));
        }
        assert!(ShardMap::even(["a"]).unwrap().shards_of("b").is_empty());
    }

    #[test]
    fn names_that_do_not_tell_databases_apart_are_refused() {
        let long = "x".repeat(65);
        for names in [vec![], vec!["a", "b", "a"], vec![""], vec![&long]] {
            assert_eq!(
                ShardMap::even(names.clone()).unwrap_err().kind(),
                ErrorKind::Unsupported,
                "{names:?}"
            );
        }
        let many = (0..257).map(|number| number.to_string());
        assert_eq!(ShardMap::even(many).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
