//! Which database has which customers: a map of the 256 virtual shards, which every database of a cluster holds.
//!
//! Appends of a cluster hold the map's lock, shared, and look at its version in their own transaction. Whoever changes the
//! map holds that lock alone, so that no append goes where an older map has sent it.

use wayfold_core::VirtualShard;
use wayfold_store::{Error, ErrorKind, Result};

use crate::error::{At, corrupt};
use crate::store::PostgresStore;
use crate::text::{restored, stored};

const DATABASES_MAX: usize = VirtualShard::COUNT;
const NAME_BYTES_MAX: usize = 64;

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
}

/// A map as a database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredShardMap {
    /// The name of this database in it.
    pub own: String,
    /// The map.
    pub map: ShardMap,
}

impl ShardMap {
    /// The first version: the shards go around the databases, so that each has as many as the others, or one more.
    ///
    /// # Errors
    /// `Unsupported` if there is no database or more than 256, or if a name is there twice or has not 1 to 64 bytes.
    pub fn even(databases: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        let databases: Vec<String> = databases.into_iter().map(Into::into).collect();
        let refuse = |why: String| Err(Error::new(ErrorKind::Unsupported, format_args!("map shards: {why}")));
        if databases.is_empty() || databases.len() > DATABASES_MAX {
            return refuse(format!(
                "there are {} databases; 1 to {DATABASES_MAX} are taken",
                databases.len()
            ));
        }
        for (number, name) in databases.iter().enumerate() {
            if name.is_empty() || name.len() > NAME_BYTES_MAX {
                return refuse(format!("database name {name:?} has not 1 to {NAME_BYTES_MAX} bytes"));
            }
            if databases[..number].contains(name) {
                return refuse(format!("two databases have the name {name:?}"));
            }
        }
        let shards = (0..VirtualShard::COUNT).map(|shard| (shard % databases.len()) as i16).collect();
        Ok(Self { version: 1, databases, shards })
    }

    /// Grows with every change; the first is 1.
    pub fn version(&self) -> u64 {
        self.version.unsigned_abs()
    }

    /// The names of the databases.
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

impl PostgresStore {
    /// The map that this database holds, and its own name there; `None` if it is of no cluster.
    ///
    /// # Errors
    /// `Unavailable`, or `Corrupt` if it is no map.
    pub async fn shard_map(&self) -> Result<Option<StoredShardMap>> {
        let shared = self.shared.clone();
        let read = async move {
            let tried = "read the map of shards";
            let client = shared.client().await?;
            let Some(row) = client.query_opt(&shared.sql.shard_map, &[]).await.at(tried)? else {
                return Ok(None);
            };
            let name = |text: &str| restored(text).map(|name| name.into_owned());
            let (own, databases): (&str, Vec<&str>) = (row.get(1), row.get(2));
            let databases = databases.into_iter().map(name).collect::<Option<Vec<_>>>();
            let (version, shards): (i64, Vec<i16>) = (row.get(0), row.get(3));
            let map = databases.map(|databases| ShardMap { version, databases, shards });
            let is_whole = |map: &ShardMap| {
                let is_place = |place: &i16| usize::try_from(*place).is_ok_and(|at| at < map.databases.len());
                map.shards.len() == VirtualShard::COUNT && map.shards.iter().all(is_place)
            };
            let stored = name(own).zip(map.filter(is_whole)).map(|(own, map)| StoredShardMap { own, map });
            stored
                .map(Some)
                .ok_or_else(|| corrupt(format_args!("{tried}: it is not as this library writes it")))
        };
        self.threads.run(read).await
    }

    /// Puts a map where there is none, and says what stands there then.
    ///
    /// # Errors
    /// As [`PostgresStore::shard_map`].
    pub async fn put_first_shard_map(&self, first: &StoredShardMap) -> Result<Option<StoredShardMap>> {
        let (shared, first) = (self.shared.clone(), first.clone());
        let put = async move {
            let client = shared.client().await?;
            let StoredShardMap { own, map: ShardMap { version, databases, shards } } = &first;
            let (own, databases) =
                (stored(own), databases.iter().map(|name| stored(name)).collect::<Vec<_>>());
            let put = client.execute(&shared.sql.first_shard_map, &[version, &own, &databases, shards]).await;
            put.at("put the first map of shards").map(drop)
        };
        self.threads.run(put).await?;
        self.shard_map().await
    }
}

/// The map that an append goes by is not the one that stands.
pub(crate) fn changed(known: u64, now: Option<i64>) -> Error {
    let now = now.map_or("there is none".to_owned(), |now| format!("version {now} stands"));
    let message = format_args!(
        "append by version {known} of the map of shards: {now}; open the cluster again; nothing was written"
    );
    Error::new(ErrorKind::MapChanged, message)
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
