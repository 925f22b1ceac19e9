//! Snapshots of the live states, kept in the store beside the log, so that an engine that is opened again folds only
//! what has come since.
//!
//! The parts of a snapshot are checkpoints, written into one of two places in turn; a last checkpoint, the directory,
//! says which place counts. So a snapshot counts whole or not at all, and the one before counts until then.

use std::collections::VecDeque;
use std::time::Instant;

use metrics::{counter, gauge, histogram};
use serde::{Deserialize, Serialize};
use tracing::{Instrument, info_span, warn};
use wayfold_core::{Fingerprint, Fold, PartEntry, Position, ProjectionSet, Shard, SnapshotPart, Timestamp};
use wayfold_store::{Checkpoint, CheckpointName, EventStore};

use crate::engine::{Engine, Parts, Wayfold};
use crate::error::Result;
use crate::shards::Shards;

/// The version of the directory.
const FORMAT: u32 = 1;
/// So many parts are read for each fold before all of them restore theirs.
const PARTS_AT_ONCE: usize = 16;

/// What an engine found when its live states were begun, and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// The position up to which a snapshot held the states; `None` if everything was folded.
    pub snapshot: Option<Position>,
    /// Why a snapshot was there and not used.
    pub dropped: Option<String>,
    /// How many events were read and folded.
    pub folded: u64,
}

/// A snapshot that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshotted {
    /// Up to which position of the log.
    pub position: Position,
    /// Up to which instant.
    pub as_of: Timestamp,
    /// How many customers it holds.
    pub customers: u64,
    /// How many bytes were written.
    pub bytes: u64,
}

/// What counts as the snapshot, and where it stands.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Directory {
    format: u32,
    fingerprint: Fingerprint,
    as_of: Timestamp,
    /// How many events were read to come there.
    events: u64,
    /// Which of the two places counts.
    place: usize,
    /// How many parts stand in each place, whether they count or not.
    counts: [usize; 2],
    parts: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    part: PartEntry,
    crc32: u32,
}

/// The part of the directory that every version has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Wayfold {
    /// Writes a snapshot of the live states, from which the engine goes on when it is opened again.
    ///
    /// Appends go on meanwhile, and so do questions once the states are copied. The engine writes snapshots by
    /// itself, see [`Builder::with_snapshot_every`](crate::Builder::with_snapshot_every).
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the store fails: the snapshot before counts on. `Panicked` if a projection of one's
    /// own has panicked, `InvalidConfiguration` if a state of it cannot be written.
    pub async fn snapshot(&self) -> Result<Snapshotted> {
        self.engine().snapshot().await
    }

    /// What the engine found when its live states were begun, and did; they are begun by this call if nothing else has.
    ///
    /// # Errors
    /// As [`Wayfold::catch_up`].
    pub async fn opened(&self) -> Result<Opened> {
        self.engine().opened().await
    }
}

impl Engine {
    pub(crate) async fn snapshot(&self) -> Result<Snapshotted> {
        let span = info_span!("wayfold.snapshot");
        async {
            let (start, _turn) = (Instant::now(), self.live.snapshot_turn.lock().await);
            let taken = Taken::of(&*self.settled().await?)?;
            let events = taken.events;
            let written = taken.write(self.parts.store.as_ref(), LIVE).await?;
            self.live.note_snapshot(events);
            histogram!("wayfold_snapshot_seconds").record(start.elapsed());
            gauge!("wayfold_snapshot_bytes").set(written.bytes as f64);
            counter!("wayfold_snapshots_total").increment(1);
            Ok(written)
        }
        .instrument(span)
        .await
    }
}

/// Where the snapshot of the live states stands.
pub(crate) const LIVE: &str = "wayfold/snapshot";

/// States that were copied and are to be written.
pub(crate) struct Taken {
    position: Position,
    as_of: Timestamp,
    events: u64,
    fingerprint: Fingerprint,
    parts: Vec<SnapshotPart>,
}

impl Taken {
    pub(crate) fn of(shards: &Shards) -> Result<Self> {
        Ok(Self {
            position: shards.position(),
            as_of: shards.as_of(),
            events: shards.events(),
            fingerprint: shards.projections().fingerprint(),
            parts: shards.snapshot()?,
        })
    }

    /// Writes the parts into the place that does not count, and then makes it count.
    pub(crate) async fn write(self, store: &dyn EventStore, prefix: &str) -> Result<Snapshotted> {
        let Self { position, as_of, events, fingerprint, parts } = self;
        let known = store.checkpoint(directory_name(prefix)).await?;
        // What cannot be read does not count, and neither does any part that it may have named.
        let known: Option<Directory> = known.and_then(|known| serde_json::from_slice(&known.bytes).ok());
        let (place, mut counts) = known.map_or((0, [0; 2]), |known| (1 - known.place.min(1), known.counts));
        for (number, part) in parts.iter().enumerate() {
            let checkpoint = Checkpoint { position, bytes: part.bytes.clone() };
            store.put_checkpoint(part_name(prefix, place, number), checkpoint).await?;
        }
        let left_over = parts.len()..counts[place];
        counts[place] = parts.len();
        let entry = |part: &SnapshotPart| Entry { part: part.entry, crc32: crc32fast::hash(&part.bytes) };
        let named = parts.iter().map(entry).collect();
        let directory = Directory { format: FORMAT, fingerprint, as_of, events, place, counts, parts: named };
        let bytes = serde_json::to_vec(&directory).expect("names and numbers are JSON");
        // What is left over goes first: the directory would not name it any more.
        for number in left_over {
            let nothing = Checkpoint { position, bytes: Vec::new() };
            store.put_checkpoint(part_name(prefix, place, number), nothing).await?;
        }
        store.put_checkpoint(directory_name(prefix), Checkpoint { position, bytes }).await?;
        let customers = parts.iter().map(|part| part.entry.customers).sum();
        let bytes = parts.iter().map(|part| part.bytes.len() as u64).sum();
        Ok(Snapshotted { position, as_of, customers, bytes })
    }
}

/// Empties what stands under a prefix, so that it takes no room.
pub(crate) async fn clear(store: &dyn EventStore, prefix: &str) -> Result<()> {
    let Some(known) = store.checkpoint(directory_name(prefix)).await? else { return Ok(()) };
    let nothing = || Checkpoint { position: Position::START, bytes: Vec::new() };
    store.put_checkpoint(directory_name(prefix), nothing()).await?;
    let Ok(directory) = serde_json::from_slice::<Directory>(&known.bytes) else { return Ok(()) };
    for (place, count) in directory.counts.into_iter().enumerate() {
        for number in 0..count {
            store.put_checkpoint(part_name(prefix, place, number), nothing()).await?;
        }
    }
    Ok(())
}

/// The states from which an engine begins: those of the snapshot if it can be used, else none.
pub(crate) async fn restore(parts: &Parts, projections: &ProjectionSet) -> Result<(Shards, Opened)> {
    let nothing = || Shards::new(projections, parts.clock.now(), parts.threads);
    let begin = |as_of| Shards::new(projections, as_of, parts.threads);
    let store = parts.store.as_ref();
    Ok(match restored(store, LIVE, &projections.fingerprint(), None, begin).await? {
        None => (nothing(), Opened::default()),
        Some(Ok(shards)) => {
            let snapshot = Some(shards.position());
            (shards, Opened { snapshot, ..Opened::default() })
        }
        Some(Err(why)) => {
            counter!("wayfold_snapshots_dropped_total").increment(1);
            warn!(%why, "the snapshot is not used; the log is folded from its beginning");
            (nothing(), Opened { dropped: Some(why), ..Opened::default() })
        }
    })
}

/// The states of a snapshot, restored into states of one meaning that are begun as of an instant; `None` if there is no
/// snapshot, and why if it cannot be used. Who knows where the log ends says so.
pub(crate) async fn restored(
    store: &dyn EventStore,
    prefix: &str,
    fingerprint: &Fingerprint,
    head: Option<Position>,
    begin: impl FnOnce(Timestamp) -> Shards,
) -> Result<Option<std::result::Result<Shards, String>>> {
    let known = store.checkpoint(directory_name(prefix)).await?;
    let Some(known) = known.filter(|known| !known.bytes.is_empty()) else { return Ok(None) };
    let directory = match read_directory(&known.bytes, fingerprint) {
        Ok(directory) => directory,
        Err(why) => return Ok(Some(Err(why))),
    };
    let head = match head {
        Some(head) => head,
        None => store.head().await?,
    };
    if head < known.position {
        let why = format!("it is of position {}, and the log ends at {head}", known.position);
        return Ok(Some(Err(why)));
    }
    let mut shards = begin(directory.as_of);
    let mut left = directory.parts_of(shards.customers());
    while left.iter().any(|numbers| !numbers.is_empty()) {
        let mut read = Vec::with_capacity(left.len());
        for numbers in &mut left {
            let mut parts = Vec::new();
            for number in numbers.drain(..numbers.len().min(PARTS_AT_ONCE)) {
                let part = store.checkpoint(part_name(prefix, directory.place, number)).await?;
                parts.push((number, part.map(|part| part.bytes).unwrap_or_default()));
            }
            read.push(parts);
        }
        if let Err(why) = shards.restore(read, |fold, parts| directory.restore(fold, &parts)) {
            return Ok(Some(Err(why)));
        }
    }
    shards.begin_at(known.position, directory.events);
    Ok(Some(Ok(shards)))
}

impl Directory {
    /// The numbers of the parts that each fold restores, given by its customers. One that reaches from one fold's
    /// customers to another's is restored by both; one of nobody's is looked at by the first, so that each is looked at.
    fn parts_of(&self, folds: impl Iterator<Item = Shard>) -> Vec<VecDeque<usize>> {
        let folds: Vec<Shard> = folds.collect();
        let mut parts = vec![VecDeque::new(); folds.len()];
        for (number, Entry { part, .. }) in self.parts.iter().enumerate() {
            let holds = |fold: &Shard| part.first <= fold.last() && fold.first() <= part.last;
            let held: Vec<usize> = (0..folds.len()).filter(|fold| holds(&folds[*fold])).collect();
            for fold in if held.is_empty() { vec![0] } else { held } {
                parts[fold].push_back(number);
            }
        }
        parts
    }

    /// Restores parts, each of which must be the one that was written.
    fn restore(&self, fold: &mut Fold, parts: &[(usize, Vec<u8>)]) -> std::result::Result<(), String> {
        for (number, bytes) in parts {
            let Entry { part, crc32 } = &self.parts[*number];
            let refused = |error| format!("part {number}: {error}");
            if crc32fast::hash(bytes) != *crc32 || PartEntry::of_part(bytes).map_err(refused)? != *part {
                return Err(format!("part {number} is not the one that was written"));
            }
            fold.restore_part(bytes).map_err(refused)?;
        }
        Ok(())
    }
}

fn read_directory(bytes: &[u8], fingerprint: &Fingerprint) -> std::result::Result<Directory, String> {
    let unreadable = |error| format!("its directory cannot be read: {error}");
    let Format { format } = serde_json::from_slice(bytes).map_err(unreadable)?;
    if format != FORMAT {
        return Err(format!("it has format {format}; this program knows format {FORMAT}"));
    }
    let directory: Directory = serde_json::from_slice(bytes).map_err(unreadable)?;
    match fingerprint.difference(&directory.fingerprint) {
        Some(difference) => Err(difference),
        None if directory.place > 1 => Err(format!("it names place {}", directory.place)),
        None => Ok(directory),
    }
}

fn directory_name(prefix: &str) -> CheckpointName {
    name(prefix.to_owned())
}

fn part_name(prefix: &str, place: usize, number: usize) -> CheckpointName {
    name(format!("{prefix}/{place}/{number}"))
}

fn name(text: String) -> CheckpointName {
    CheckpointName::new(text).expect("a short name")
}
