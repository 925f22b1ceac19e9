//! What a user may choose about the file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How hard a commit is pressed onto the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Durability {
    /// An acknowledged append survives the end of the process and a power cut: the log is synced at every commit.
    #[default]
    Full,
    /// An acknowledged append survives the end of the process. A power cut or a crash of the operating system may
    /// take back the last commits, whole ones and from the newest back; the file stays sound.
    Normal,
    /// An acknowledged append survives the end of the process alone. A power cut may leave a damaged file.
    Off,
}

/// How a [`SqliteStore`](crate::SqliteStore) opens its file; every field has a default.
///
/// ```
/// let mut config = wayfold_sqlite::SqliteConfig::default();
/// config.busy_timeout_ms = 1_000;
/// assert_eq!(config.durability, wayfold_sqlite::Durability::Full);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// How hard a commit is pressed onto the disk. Default [`Durability::Full`].
    pub durability: Durability,
    /// Bytes of a page of the file, a power of two from 512 to 65,536; it takes effect when the file is made.
    /// Default 4,096.
    pub page_bytes: u32,
    /// How long a call waits for another process that holds the file, in milliseconds; what is beyond 2,147,483,647
    /// counts as that. Default 5,000.
    pub busy_timeout_ms: u32,
    /// How often the file is looked at for appends of other processes while somebody waits for one, in
    /// milliseconds. Default 20.
    pub poll_interval_ms: u32,
    /// How many idle connections for reading are kept; more are opened when more reads run at once. Default 8.
    pub idle_readers_max: usize,
    /// How many events the writer brings together in one commit; one append may have more. Default 65,536.
    pub group_events_max: usize,
    /// How many bytes the writer brings together in one commit, counted as [`Limits`](wayfold_core::Limits) count;
    /// one append may have more. Default 33,554,432.
    pub group_bytes_max: usize,
    /// How many events a page of a read holds at most, whatever the caller asks for. Default 65,536.
    pub read_events_max: usize,
    /// How many stored bytes a page of a read takes up at most; one event may have more. Default 33,554,432.
    pub read_bytes_max: usize,
    /// How many bytes the write-ahead log beside the file may have before it is begun anew. Reads that overlap put that
    /// off, by the longest of them; a read that takes minutes, as a backup does, puts it off as long. Default
    /// 67,108,864.
    pub wal_bytes_max: u64,
    /// From how many events on the newest ones are sealed: clustered by customer, with directories. Default 65,536.
    pub seal_events: usize,
    /// From how many commits on the newest events are sealed. Default 2,048.
    pub seal_blocks: usize,
    /// From how many stored bytes on the newest events are sealed; what is not sealed is kept in memory. Default
    /// 67,108,864.
    pub seal_bytes: usize,
    /// How many adjacent sealed blocks of about the same size become one. Default 16.
    pub merge_blocks: usize,
    /// How many events a merged block holds at most. Default 1,048,576.
    pub merge_events_max: usize,
    /// How many stored bytes a merged block has at most; a read of everything keeps one block in memory. Default
    /// 268,435,456.
    pub merge_bytes_max: u64,
    /// How many events a block holds at most that [`SqliteStore::compact`](crate::SqliteStore::compact) makes. The more
    /// of a customer's events stand in one block, the faster a fold and a customer's view; a read of everything in order
    /// keeps one block in memory, decoded. Below `merge_events_max`, what is due is still merged. Default 4,194,304.
    pub compact_events_max: usize,
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            page_bytes: 4096,
            busy_timeout_ms: 5_000,
            poll_interval_ms: 20,
            idle_readers_max: 8,
            group_events_max: 65_536,
            group_bytes_max: 32 << 20,
            read_events_max: 65_536,
            read_bytes_max: 32 << 20,
            wal_bytes_max: 64 << 20,
            seal_events: 65_536,
            seal_blocks: 2_048,
            seal_bytes: 64 << 20,
            merge_blocks: 16,
            merge_events_max: 1 << 20,
            merge_bytes_max: 256 << 20,
            compact_events_max: 4 << 20,
        }
    }
}

impl SqliteConfig {
    /// Chooses how hard a commit is pressed onto the disk.
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long a call waits for another process. SQLite counts it in a signed number.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(u64::from(self.busy_timeout_ms.min(i32::MAX as u32)))
    }

    /// Chooses how long a call waits for another process, in milliseconds.
    pub fn with_busy_timeout_ms(mut self, busy_timeout_ms: u32) -> Self {
        self.busy_timeout_ms = busy_timeout_ms;
        self
    }
}
