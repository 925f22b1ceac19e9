//! What a user may choose about the database.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use wayfold_store::{Error, ErrorKind, Result};

/// PostgreSQL cuts names at 63 bytes, and the channel of a log is its schema's name with a prefix.
const SCHEMA_BYTES_MAX: usize = 48;

const KEEPALIVE: Duration = Duration::from_secs(10);

/// How a [`PostgresStore`](crate::PostgresStore) reaches its database; every field has a default.
///
/// ```
/// let config = wayfold_postgres::PostgresConfig::new("host=db user=shop password=secret dbname=shop")
///     .with_schema("customers");
/// assert!(!format!("{config:?}").contains("secret"));
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PostgresConfig {
    /// Where the database is and who connects: `host=.. user=.. password=.. dbname=..` or `postgres://..`, also with
    /// several hosts and `target_session_attrs`. It may hold a password and is never shown. Default `host=localhost
    /// user=wayfold dbname=wayfold`.
    ///
    /// `sslmode=require` and `sslmode=verify-full` are the same: the connection is encrypted, over TCP, the certificate
    /// is of an authority that is trusted, and it names the host; that needs the feature `tls`. Without `sslmode`, and
    /// with `disable` or `prefer`, it is in clear text.
    pub connection: String,
    /// A file in PEM with the authorities that may have signed the server's certificate; by default those that the
    /// system trusts. It is refused where `connection` asks for no encryption.
    pub root_certificates: Option<PathBuf>,
    /// The schema that holds the log: 1 to 48 lower-case letters, digits and underscores, a letter first. One database
    /// may hold several logs. Default `wayfold`.
    pub schema: String,
    /// How many connections are open at most; one more listens while somebody waits for events. Default 10.
    pub connections_max: usize,
    /// How long a call waits for a connection, in milliseconds: for one that is free, and for a server that refuses or
    /// does not answer, which is asked again with waits that grow. Several hosts share the time. Default 5,000.
    pub connect_timeout_ms: u64,
    /// How long the server works at one statement at most, and waits for the next one of an append, in milliseconds; 0
    /// for any time. An append whose commit takes longer, as it waits for standbys, has an unknown outcome. Default
    /// 30,000.
    pub statement_timeout_ms: u32,
    /// How often the log is looked at while somebody waits for events, besides what the server tells, in milliseconds.
    /// Default 1,000.
    pub poll_interval_ms: u64,
    /// How long a read waits for transactions that hold back events beyond them, in milliseconds; then it fails and
    /// names who holds them back. Default 5,000.
    pub held_back_max_ms: u64,
    /// How many events a page of a read holds at most, whatever the caller asks for. Default 65,536.
    pub read_events_max: usize,
    /// How many bytes the texts of a page take up at most; one event may have more. Default 33,554,432.
    pub read_bytes_max: usize,
    /// From how many events on the newest ones are sealed: copied into blocks that are clustered by customer, from which
    /// folds read the log. A handle counts what it appends and reads, and seals in the background; 0 for never, as where
    /// one process calls [`compact`](crate::PostgresStore::compact) now and then. Default 65,536.
    pub seal_events: usize,
    /// How many events a sealed block holds at most. Making one takes as many decoded in memory. Default 262,144.
    pub compact_events_max: usize,
    /// Whether a fold holds each sealed block against its rows before it uses it, as
    /// [`check`](crate::PostgresStore::check) does: rows that were changed past the triggers, as by who switched them off,
    /// are found then. The server reads all rows for it. Default `false`.
    pub checks_blocks: bool,
    /// How many threads of the store talk to the server and decode what it sends. Default 2.
    pub threads: usize,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            connection: "host=localhost user=wayfold dbname=wayfold".to_owned(),
            root_certificates: None,
            schema: "wayfold".to_owned(),
            connections_max: 10,
            connect_timeout_ms: 5_000,
            statement_timeout_ms: 30_000,
            poll_interval_ms: 1_000,
            held_back_max_ms: 5_000,
            read_events_max: 65_536,
            read_bytes_max: 32 << 20,
            seal_events: 65_536,
            compact_events_max: 1 << 18,
            checks_blocks: false,
            threads: 2,
        }
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("root_certificates", &self.root_certificates)
            .field("schema", &self.schema)
            .field("connections_max", &self.connections_max)
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .field("poll_interval_ms", &self.poll_interval_ms)
            .field("held_back_max_ms", &self.held_back_max_ms)
            .field("read_events_max", &self.read_events_max)
            .field("read_bytes_max", &self.read_bytes_max)
            .field("seal_events", &self.seal_events)
            .field("compact_events_max", &self.compact_events_max)
            .field("checks_blocks", &self.checks_blocks)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl PostgresConfig {
    /// Names the database and who connects; the rest is as by default.
    pub fn new(connection: impl Into<String>) -> Self {
        Self { connection: connection.into(), ..Self::default() }
    }

    /// Names the file of the authorities that are trusted.
    pub fn with_root_certificates(mut self, file: impl Into<PathBuf>) -> Self {
        self.root_certificates = Some(file.into());
        self
    }

    /// Chooses the schema that holds the log.
    pub fn with_schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Chooses how many connections are open at most.
    pub fn with_connections_max(mut self, connections_max: usize) -> Self {
        self.connections_max = connections_max;
        self
    }

    /// Chooses how long a read waits for what is held back, in milliseconds.
    pub fn with_held_back_max_ms(mut self, held_back_max_ms: u64) -> Self {
        self.held_back_max_ms = held_back_max_ms;
        self
    }

    /// Chooses from how many events on the newest ones are sealed in the background; 0 for never.
    pub fn with_seal_events(mut self, seal_events: usize) -> Self {
        self.seal_events = seal_events;
        self
    }

    /// Holds each sealed block against its rows whenever a fold reads it.
    pub fn with_checked_blocks(mut self) -> Self {
        self.checks_blocks = true;
        self
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// How long a statement may take, if not any time.
    pub(crate) fn statement_timeout(&self) -> Option<Duration> {
        (self.statement_timeout_ms > 0).then(|| Duration::from_millis(self.statement_timeout_ms.into()))
    }

    pub(crate) fn held_back_max(&self) -> Duration {
        Duration::from_millis(self.held_back_max_ms)
    }

    /// The schema, as it may stand in a statement.
    pub(crate) fn checked_schema(&self) -> Result<&str> {
        let schema = self.schema.as_str();
        let is_plain = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_');
        if schema.len() <= SCHEMA_BYTES_MAX
            && schema.starts_with(|first: char| first.is_ascii_lowercase())
            && schema.chars().all(is_plain)
        {
            return Ok(schema);
        }
        let message = format_args!(
            "open the log: schema {schema:?} is no name of 1 to {SCHEMA_BYTES_MAX} lower-case letters, digits and \
             underscores with a letter first"
        );
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// What the driver is told. The text may hold a password, so an error says nothing of it.
    pub(crate) fn driver(&self) -> Result<tokio_postgres::Config> {
        let parse = |text: &str| text.parse::<tokio_postgres::Config>();
        // The driver has one name for what is here the same.
        let verified = || parse(&self.connection.replace("sslmode=verify-full", "sslmode=require"));
        let mut driver = parse(&self.connection).or_else(|_| verified()).map_err(|_| {
            let message = "open the log: the connection text cannot be read; write host=.. user=.. dbname=.. or \
                           postgres://.., and sslmode as require, verify-full or disable";
            Error::new(ErrorKind::Unsupported, message)
        })?;
        if driver.get_connect_timeout().is_none() {
            let hosts = driver.get_hosts().len().max(driver.get_hostaddrs().len()).max(1);
            driver.connect_timeout(self.connect_timeout() / u32::try_from(hosts).unwrap_or(u32::MAX));
        }
        // A server that is gone without a word is found out by the silence.
        driver.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE).keepalives_retries(3);
        driver.tcp_user_timeout(KEEPALIVE * 4);
        if driver.get_application_name().is_none() {
            driver.application_name("wayfold");
        }
        // Each plan is made for its values: the parts of a filter that are absent fall away. A process that stops amid an
        // append gives its locks up.
        let own = format!(
            "-c plan_cache_mode=force_custom_plan -c jit=off -c statement_timeout={timeout} \
             -c idle_in_transaction_session_timeout={timeout}",
            timeout = self.statement_timeout_ms
        );
        let options = driver.get_options().map_or(own.clone(), |options| format!("{options} {own}"));
        driver.options(options);
        Ok(driver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_have_to_be_quoted_are_refused() {
        let check = |schema: &str| PostgresConfig::default().with_schema(schema).checked_schema().is_ok();
        assert!(check("wayfold") && check("shop_2"));
        for bad in ["", "2shop", "Shop", "a b", "a;b", "\"a\"", "ä", &"a".repeat(49)] {
            assert!(!check(bad), "{bad}");
        }
    }

    #[test]
    fn no_error_and_no_debug_output_shows_the_connection() {
        for connection in ["host=db password=hunter2 hunter2", "postgres://u:hunter2@db:port/d", "hunter2"] {
            let config = PostgresConfig::new(connection);
            let error = config.driver().unwrap_err();
            for shown in [format!("{error}"), format!("{error:?}"), format!("{config:?}")] {
                assert!(!shown.contains("hunter2"), "{shown}");
            }
        }
    }
}
