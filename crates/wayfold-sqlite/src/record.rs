//! The store's own records: what the log is, and checkpoints. Each is framed, so that damage is noticed.

use rusqlite::{Connection, OptionalExtension, params};
use wayfold_block::{PartKind, PartName, frame, unframe};
use wayfold_core::{Position, Timestamp, spread};
use wayfold_store::{Checkpoint, CheckpointName, Result};

use crate::error::{At, corrupt, position};

/// The version of the tables and records that this library writes.
pub(crate) const FORMAT: u32 = 1;

const META: PartName = PartName { block: 0, kind: PartKind::Record, number: 0 };

/// What the log is at a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The number of the last event.
    pub(crate) head: u64,
    /// The number of the last event in sealed blocks.
    pub(crate) sealed_to: u64,
    /// Grows whenever the set of sealed blocks changes.
    pub(crate) generation: u64,
    /// When the last event was recorded.
    pub(crate) recorded_at: Option<Timestamp>,
}

impl Meta {
    const BYTES: usize = 4 + 3 * 8 + 8;

    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        let tried = "read the record of the log";
        let mut statement = connection.prepare_cached("SELECT bytes FROM meta WHERE id = 1").at(tried)?;
        let mut rows = statement.query([]).at(tried)?;
        let row = rows.next().at(tried)?;
        let row = row.ok_or_else(|| corrupt("read the record of the log: it is missing"))?;
        let bytes = row.get_ref(0).at(tried)?.as_blob().map_err(rusqlite::Error::from).at(tried)?;
        Self::decode(unframe(META, bytes).at(tried)?)
    }

    /// Says whether a log that was so once may be as this one now.
    pub(crate) fn may_follow(&self, earlier: &Self) -> bool {
        self.generation >= earlier.generation
            && self.sealed_to >= earlier.sealed_to
            && self.head >= earlier.head
            && self.recorded_at >= earlier.recorded_at
            && (self.head > earlier.head || self.recorded_at == earlier.recorded_at)
    }

    pub(crate) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let bytes = frame(META, &self.encode());
        let mut statement =
            connection.prepare_cached("INSERT OR REPLACE INTO meta (id, bytes) VALUES (1, ?1)")?;
        statement.execute([bytes]).map(|_| ())
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        for number in [self.head, self.sealed_to, self.generation] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        // No event can be recorded at the smallest number, so it stands for none.
        let micros = self.recorded_at.map_or(i64::MIN, Timestamp::as_micros);
        bytes.extend_from_slice(&micros.to_le_bytes());
        bytes
    }

    fn decode(payload: &[u8]) -> Result<Self> {
        let wrong = || corrupt("read the record of the log: it is not as this library writes it");
        let payload: &[u8; Self::BYTES] = payload.try_into().map_err(|_| wrong())?;
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&payload[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let micros = number(28) as i64;
        let recorded_at = match micros {
            i64::MIN => None,
            micros => Some(Timestamp::from_micros(micros).map_err(|_| wrong())?),
        };
        let meta = Self { head: number(4), sealed_to: number(12), generation: number(20), recorded_at };
        let is_sound = payload[..4] == FORMAT.to_le_bytes()
            && meta.sealed_to <= meta.head
            && i64::try_from(meta.head).is_ok()
            && (meta.head == 0) == meta.recorded_at.is_none();
        if is_sound { Ok(meta) } else { Err(wrong()) }
    }
}

/// The frame of a checkpoint holds its name's number, so that rows cannot stand in for each other.
fn checkpoint_part(name: &CheckpointName) -> PartName {
    PartName { block: spread(&[name.as_str().as_bytes()]), kind: PartKind::Record, number: 1 }
}

/// Puts a checkpoint in the place of the one before.
pub(crate) fn put_checkpoint(
    connection: &Connection,
    name: &CheckpointName,
    checkpoint: &Checkpoint,
) -> rusqlite::Result<()> {
    let mut payload = Vec::with_capacity(18 + name.as_str().len() + checkpoint.bytes.len());
    payload.extend_from_slice(&checkpoint.position.to_bytes());
    payload.extend_from_slice(&(name.as_str().len() as u16).to_le_bytes());
    payload.extend_from_slice(name.as_str().as_bytes());
    payload.extend_from_slice(&checkpoint.bytes);
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO checkpoint (name, bytes) VALUES (?1, ?2)")?;
    statement.execute(params![name.as_str().as_bytes(), frame(checkpoint_part(name), &payload)]).map(|_| ())
}

/// Reads a checkpoint; `None` if it was never put.
pub(crate) fn read_checkpoint(connection: &Connection, name: &CheckpointName) -> Result<Option<Checkpoint>> {
    let tried = format_args!("read checkpoint {:?}", name.as_str());
    let mut statement =
        connection.prepare_cached("SELECT bytes FROM checkpoint WHERE name = ?1").at(tried)?;
    let bytes: Option<Vec<u8>> =
        statement.query_row([name.as_str().as_bytes()], |row| row.get(0)).optional().at(tried)?;
    let Some(bytes) = bytes else { return Ok(None) };
    decode_checkpoint(name, unframe(checkpoint_part(name), &bytes).at(tried)?)
        .map(Some)
        .ok_or_else(|| corrupt(format_args!("{tried}: another checkpoint stands in its place")))
}

fn decode_checkpoint(name: &CheckpointName, payload: &[u8]) -> Option<Checkpoint> {
    let (position, rest) = payload.split_first_chunk::<16>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (own, bytes) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let checkpoint = Checkpoint { position: Position::from_bytes(*position), bytes: bytes.to_vec() };
    (own == name.as_str().as_bytes()).then_some(checkpoint)
}

/// Names the events of a range for a message.
pub(crate) fn range(first: u64, last: u64) -> String {
    format!("positions {} to {}", position(first), position(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_the_log_comes_back_and_what_contradicts_itself_is_refused() {
        let recorded_at = Some(Timestamp::from_micros(7).unwrap());
        for meta in [Meta::default(), Meta { head: 9, sealed_to: 3, generation: 2, recorded_at }] {
            assert_eq!(Meta::decode(&meta.encode()).unwrap(), meta);
        }
        for broken in [
            Meta { head: 1, ..Meta::default() },
            Meta { head: 1, sealed_to: 2, generation: 0, recorded_at },
            Meta { head: u64::MAX, recorded_at, ..Meta::default() },
        ] {
            assert!(Meta::decode(&broken.encode()).is_err(), "{broken:?}");
        }
        assert!(Meta::decode(&[]).is_err());
    }
}
