//! Where a log is kept, as one text.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use wayfold_core::Timestamp;
use wayfold_store::{EventStore, MemoryStore};

use crate::error::{Error, ErrorKind, Result};

/// Where a log is kept, as one text that configuration and command lines hold.
///
/// | text | store | feature |
/// |---|---|---|
/// | `memory:` | [`MemoryStore`], which ends with the program | |
/// | `sqlite:PATH` | [`SqliteStore`](crate::sqlite::SqliteStore) in the file of that path, which is made where there is none | `sqlite` |
/// | `postgres://..`, `postgresql://..`, `postgres:host=.. user=.. dbname=..` | [`PostgresStore`](crate::postgres::PostgresStore) in the schema `wayfold`, reached by what follows `postgres:` or by the whole address | `postgres` |
///
/// A path is taken as it stands, without escapes. A text of PostgreSQL may hold a password: neither `Debug` nor `Display`
/// nor an error shows it. Whoever sets anything else, as limits, upcasters or certificates, opens the store itself.
///
/// ```
/// use wayfold::{StoreUrl, Wayfold};
///
/// # pollster::block_on(async {
/// let url: StoreUrl = "memory:".parse()?;
/// let wayfold = Wayfold::open(url.open().await?).await?;
/// assert_eq!(wayfold.catch_up().await?, 0);
///
/// let url: StoreUrl = "postgres://shop:secret@db/shop".parse()?;
/// assert_eq!(url.to_string(), "postgres:..");
/// # Ok::<(), wayfold::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Backend);

#[derive(Clone, PartialEq, Eq)]
enum Backend {
    Memory,
    Sqlite(PathBuf),
    Postgres(String),
}

impl StoreUrl {
    /// Opens the store; that of SQLite works on the thread that asks.
    ///
    /// # Errors
    /// `Unsupported` if the program is built without the feature of the backend; otherwise as the backend's `open`.
    pub async fn open(&self) -> Result<Box<dyn EventStore>> {
        self.open_with_clock(|| chrono::Utc::now().into()).await
    }

    /// Opens the store with another clock than the system's, as of the instants at which events are recorded: for tests,
    /// and for what has to come out the same whenever it runs.
    ///
    /// # Errors
    /// As [`StoreUrl::open`].
    pub async fn open_with_clock(
        &self,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Box<dyn EventStore>> {
        match &self.0 {
            Backend::Memory => Ok(Box::new(MemoryStore::new().with_clock(clock))),
            Backend::Sqlite(path) => sqlite(path, clock),
            Backend::Postgres(connection) => postgres(connection, clock).await,
        }
    }

    /// Opens a log that is there already to be read, and makes none: a file for reading alone, a database as it is, and in
    /// memory an empty log.
    ///
    /// # Errors
    /// As [`StoreUrl::open`]; `Unavailable` if there is no log.
    pub async fn open_existing(&self) -> Result<Box<dyn EventStore>> {
        match &self.0 {
            Backend::Memory => Ok(Box::new(MemoryStore::new())),
            Backend::Sqlite(path) => existing_sqlite(path),
            Backend::Postgres(connection) => existing_postgres(connection).await,
        }
    }

    /// The file of a log in SQLite.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Backend::Sqlite(path) => Some(path),
            Backend::Memory | Backend::Postgres(_) => None,
        }
    }

    /// How a database of PostgreSQL is reached, which may hold a password: for who opens its store with a configuration.
    pub fn connection(&self) -> Option<&str> {
        match &self.0 {
            Backend::Postgres(connection) => Some(connection),
            Backend::Memory | Backend::Sqlite(_) => None,
        }
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &Path, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Result<Box<dyn EventStore>> {
    let store = wayfold_sqlite::SqliteStore::open(path, wayfold_sqlite::SqliteConfig::default())?;
    Ok(Box::new(store.with_clock(clock)))
}

#[cfg(feature = "sqlite")]
fn existing_sqlite(path: &Path) -> Result<Box<dyn EventStore>> {
    let config = wayfold_sqlite::SqliteConfig::default();
    Ok(Box::new(wayfold_sqlite::SqliteStore::open_read_only(path, config)?))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &Path, _: impl Fn() -> Timestamp) -> Result<Box<dyn EventStore>> {
    Err(not_built("sqlite"))
}

#[cfg(not(feature = "sqlite"))]
fn existing_sqlite(_: &Path) -> Result<Box<dyn EventStore>> {
    Err(not_built("sqlite"))
}

#[cfg(feature = "postgres")]
async fn postgres(
    connection: &str,
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> Result<Box<dyn EventStore>> {
    let config = wayfold_postgres::PostgresConfig::new(connection);
    Ok(Box::new(wayfold_postgres::PostgresStore::open(config).await?.with_clock(clock)))
}

#[cfg(feature = "postgres")]
async fn existing_postgres(connection: &str) -> Result<Box<dyn EventStore>> {
    let config = wayfold_postgres::PostgresConfig::new(connection);
    Ok(Box::new(wayfold_postgres::PostgresStore::open_existing(config).await?))
}

#[cfg(not(feature = "postgres"))]
async fn postgres(_: &str, _: impl Fn() -> Timestamp) -> Result<Box<dyn EventStore>> {
    Err(not_built("postgres"))
}

#[cfg(not(feature = "postgres"))]
async fn existing_postgres(_: &str) -> Result<Box<dyn EventStore>> {
    Err(not_built("postgres"))
}

#[cfg(not(all(feature = "sqlite", feature = "postgres")))]
fn not_built(feature: &str) -> Error {
    let message = format_args!(
        "the store URL names a store that this program is built without; add the feature {feature} of wayfold"
    );
    Error::new(ErrorKind::Unsupported, message)
}

impl FromStr for StoreUrl {
    type Err = Error;

    /// Reads a store URL; the server or file is looked at when it is opened.
    ///
    /// # Errors
    /// `InvalidConfiguration`, which says what to write.
    fn from_str(text: &str) -> Result<Self> {
        // Nothing of a text that is not understood is shown: where it holds a password is not known.
        let backend = match text.split_once(':') {
            Some(("memory", rest)) => memory(rest),
            Some(("sqlite", path)) => file(path),
            Some(("postgres" | "postgresql", rest)) => server(text, rest),
            _ => Err("it begins with memory:, sqlite: or postgres:"),
        };
        let refused = |reason| {
            Error::new(
                ErrorKind::InvalidConfiguration,
                format_args!("the store URL cannot be read: {reason}"),
            )
        };
        backend.map(Self).map_err(refused)
    }
}

fn memory(rest: &str) -> std::result::Result<Backend, &'static str> {
    match rest {
        "" => Ok(Backend::Memory),
        _ => Err("nothing follows memory:, whose log has no name"),
    }
}

fn file(path: &str) -> std::result::Result<Backend, &'static str> {
    match path {
        "" => Err("a path follows sqlite:, as in sqlite:customers.wayfold"),
        ":memory:" => Err("a log in memory is memory:, without sqlite"),
        // Other libraries mean by it a path from where they stand, or options.
        _ if path.starts_with("//") => Err(
            "the path follows sqlite: at once, as in sqlite:customers.wayfold or sqlite:/var/lib/customers.wayfold",
        ),
        _ if path.contains('?') => {
            Err("sqlite: takes no options after a ?; open SqliteStore with a SqliteConfig for them")
        }
        _ => Ok(Backend::Sqlite(path.into())),
    }
}

fn server(text: &str, rest: &str) -> std::result::Result<Backend, &'static str> {
    match rest {
        _ if rest.trim().is_empty() => Err(
            "postgres://user@host/database or postgres:host=.. user=.. dbname=.. says where the database is",
        ),
        _ if rest.starts_with("//") => Ok(Backend::Postgres(text.to_owned())),
        _ => Ok(Backend::Postgres(rest.to_owned())),
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Backend::Memory => f.write_str("memory:"),
            Backend::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Backend::Postgres(_) => f.write_str("postgres:.."),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_backend_is_named_by_what_its_url_begins_with() {
        let postgres = |connection: &str| Backend::Postgres(connection.to_owned());
        for (text, backend) in [
            ("memory:", Backend::Memory),
            ("sqlite:shop.log", Backend::Sqlite("shop.log".into())),
            ("sqlite:/var/lib/a b:c%20.log", Backend::Sqlite("/var/lib/a b:c%20.log".into())),
            ("postgres:host=db user=shop", postgres("host=db user=shop")),
            ("postgresql:host=db", postgres("host=db")),
            (
                "postgres://shop@db:5433/shop?sslmode=require",
                postgres("postgres://shop@db:5433/shop?sslmode=require"),
            ),
            ("postgresql://db", postgres("postgresql://db")),
        ] {
            assert_eq!(text.parse::<StoreUrl>().unwrap(), StoreUrl(backend), "{text}");
        }
    }

    #[track_caller]
    fn assert_refused(text: &str, says: &str) {
        let error = text.parse::<StoreUrl>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{text}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }

    #[test]
    fn what_is_no_store_url_is_refused_with_what_to_write() {
        for text in
            ["", "shop.log", "/var/lib/shop.log", "mysql://db", "Memory:", " memory:", "postgres", "://"]
        {
            assert_refused(text, "it begins with memory:, sqlite: or postgres:");
        }
        assert_refused("memory:shop", "nothing follows memory:");
        assert_refused("sqlite:", "as in sqlite:customers.wayfold");
        assert_refused("sqlite::memory:", "is memory:");
        for text in ["sqlite://shop.log", "sqlite:///var/lib/shop.log"] {
            assert_refused(text, "the path follows sqlite: at once");
        }
        assert_refused("sqlite:shop.log?mode=ro", "takes no options");
        assert_refused("postgres: ", "says where the database is");
    }

    #[test]
    fn a_password_is_in_no_output() {
        const SECRET: &str = "hunter2";
        for text in ["postgres://shop:hunter2@db/shop", "postgres:host=db password=hunter2"] {
            let url: StoreUrl = text.parse().unwrap();
            assert_eq!(
                (url.to_string(), format!("{url:?}")),
                ("postgres:..".into(), "StoreUrl(postgres:..)".into())
            );
        }
        for text in ["postgre://shop:hunter2@db", "hunter2", "hunter2:", "memory:hunter2", "sqlite://hunter2"]
        {
            let error = text.parse::<StoreUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
        }
    }
}
