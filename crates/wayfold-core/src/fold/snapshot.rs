//! Snapshots: the states of folds as parts of bytes, from which a fold goes on without the log.

mod customer;
mod cut;
mod line;
mod part;
mod restore;

use std::collections::VecDeque;
use std::fmt;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use self::cut::Cut;
use self::part::Head;
use super::Fold;
use crate::error::Result;
use crate::key::CustomerKey;
use crate::projection::Fingerprint;
use crate::shard::Shard;
use crate::time::Timestamp;

/// The states of folds, cut into parts: an iterator over the parts.
///
/// A part holds the customers of a range of [`CustomerKey::spread`] and stands alone. The ranges come from halving
/// the whole as long as a half has more bytes than a part may have, so that equal states give equal parts,
/// whatever the arrival of the events, and however many shards folded them. Between two snapshots as of one
/// instant, the parts in which no customer changed are equal to the byte.
///
/// A part has no checksum: whoever stores it keeps one. Bytes that no fold could have written are refused, but
/// damage may turn a state into another that other events would give.
///
/// ```
/// use wayfold_core::{CustomerKey, EventBatch, EventId, Fold, JourneyEvent, ProjectionSet, Registered, Rules};
/// use wayfold_core::{Snapshot, Timestamp};
///
/// let (key, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
/// let event = JourneyEvent::new(EventId::from_u128(7), key.clone(), at, Registered {});
/// let projections = ProjectionSet::new(Rules::default())?;
/// let mut fold = Fold::new(&projections);
/// let _ = fold.apply(&[EventBatch::from_events([&event])?]);
///
/// let parts = Snapshot::of(std::slice::from_ref(&fold))?.collect::<Result<Vec<_>, _>>()?;
/// let mut restored = Fold::new(&projections);
/// for part in &parts {
///     restored.restore_part(&part.bytes)?;
/// }
/// assert_eq!(restored.view(&key, at)?, fold.view(&key, at)?);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
pub struct Snapshot<'a> {
    shards: &'a [Fold],
    fingerprint: Fingerprint,
    as_of: Timestamp,
    part_bytes_max: usize,
    /// The customers that are still to be written, in the order of the parts.
    customers: VecDeque<Place>,
    /// When the scheduled events of a customer are due.
    due: HashMap<(u32, u32), Vec<Timestamp>>,
    cut: Cut,
}

/// One part of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPart {
    /// What it holds.
    pub entry: PartEntry,
    /// The stored bytes, in the format that `docs/format.md` specifies.
    pub bytes: Vec<u8>,
}

/// What a part holds: one line of a directory of parts, by which the part of a customer is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartEntry {
    /// The [`CustomerKey::spread`] of its first customer, written as 16 hexadecimal digits.
    #[serde(with = "part::hex")]
    pub first: u64,
    /// That of its last customer.
    #[serde(with = "part::hex")]
    pub last: u64,
    /// How many customers.
    pub customers: u64,
    /// How many bytes of customers, without the head of the part.
    pub bytes: u64,
}

impl PartEntry {
    /// Reads what a part says that it holds, so that it can be compared with what a directory says.
    ///
    /// # Errors
    /// `StatesDiffer` if the part has a version that this program does not read, `Malformed` if it does not begin as a part.
    pub fn of_part(part: &[u8]) -> Result<Self> {
        let (head, _) = Head::split(part).map_err(restore::refused)?;
        Ok(head.entry)
    }

    /// Says whether the part may hold a customer. No two parts may, unless the customers of one spread alone fill
    /// one.
    pub fn may_hold(&self, key: &CustomerKey) -> bool {
        (self.first..=self.last).contains(&spread_of(key))
    }
}

/// Where a customer that is to be written stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    spread: u64,
    shard: u32,
    customer: u32,
}

impl fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("shards", &self.shards)
            .field("part_bytes_max", &self.part_bytes_max)
            .field("customers_left", &self.customers.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Snapshot<'a> {
    /// How many bytes of customers a part has at most, unless another number is given: 1 MiB.
    pub const PART_BYTES_MAX: usize = 1 << 20;

    /// Begins the snapshot of all shards of a fold, or of some that follow each other.
    ///
    /// # Behavior
    /// - Parts are written one by one, when the iterator is asked for them.
    /// - A customer is in it if an event of it is folded, retracted or scheduled.
    /// - No customer at all makes no part.
    /// - Shards that are saved one by one give the same customers, cut otherwise.
    ///
    /// # Errors
    /// `NotRefolded` if a customer waits for a refold. A part fails with `InvalidProjection` if a state holds a
    /// float or fails to serialise.
    ///
    /// # Panics
    /// If there is no shard, or the shards are of different projections or instants, or do not follow each other.
    pub fn of(shards: &'a [Fold]) -> Result<Self> {
        let first = shards.first().expect("there is at least one shard");
        let fingerprint = first.projections.fingerprint();
        for pair in shards.windows(2) {
            let (one, next) = (pair[0].shard, pair[1].shard);
            assert!(one.last().checked_add(1) == Some(next.first()), "{one:?} is followed by {next:?}");
            assert!(pair[1].as_of == first.as_of, "shards as of different instants");
            assert!(pair[1].projections.fingerprint() == fingerprint, "shards of different projections");
        }
        let (mut customers, mut due) = (VecDeque::new(), HashMap::new());
        for (number, shard) in (0..).zip(shards) {
            shard.check_refolded()?;
            let of_shard = shard.saved_places(number);
            customers.extend(of_shard);
            for (at, customer) in &shard.due {
                due.entry((number, *customer)).or_insert_with(Vec::new).push(*at);
            }
        }
        let (as_of, part_bytes_max) = (first.as_of, Self::PART_BYTES_MAX);
        Ok(Self { shards, fingerprint, as_of, part_bytes_max, customers, due, cut: Cut::default() })
    }

    /// Takes another most of bytes; a customer that has more is a part of its own.
    pub fn with_part_bytes_max(mut self, part_bytes_max: usize) -> Self {
        self.part_bytes_max = part_bytes_max;
        self
    }

    fn next_part(&mut self) -> Result<Option<SnapshotPart>> {
        while self.cut.bytes() <= self.part_bytes_max
            && let Some(place) = self.customers.pop_front()
        {
            let due = self.due.remove(&(place.shard, place.customer)).unwrap_or_default();
            let (shard, names) = (&self.shards[place.shard as usize], self.fingerprint.projections());
            self.cut.push(place.spread, |out| shard.write_customer(place, &due, names, out))?;
        }
        let Some((entry, customers)) = self.cut.take(self.part_bytes_max) else { return Ok(None) };
        let head = Head::new(self.as_of, self.fingerprint.clone(), entry);
        Ok(Some(SnapshotPart { entry, bytes: head.before(&customers) }))
    }
}

impl Iterator for Snapshot<'_> {
    type Item = Result<SnapshotPart>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_part().transpose()
    }
}

impl Fold {
    fn check_refolded(&self) -> Result<()> {
        let stale = self.stale.keys().next();
        stale.map_or(Ok(()), |customer| self.check_customer(*customer as usize, self.as_of))
    }

    /// The customers that something is known of, by spread and then by the bytes of their keys.
    fn saved_places(&self, shard: u32) -> Vec<Place> {
        let mut known: Vec<bool> = self.records.iter().map(|record| record.events() > 0).collect();
        let retracted = self.retracted.iter().filter(|(_, ids)| !ids.is_empty());
        for customer in retracted.map(|(customer, _)| customer).chain(self.due.iter().map(|(_, it)| it)) {
            known[*customer as usize] = true;
        }
        let place = |customer: u32| {
            let (tenant, name) = self.customers.texts(customer as usize);
            Place { spread: CustomerKey::spread(tenant, name), shard, customer }
        };
        let customers = (0..).zip(known).filter(|(_, known)| *known);
        let mut places: Vec<Place> = customers.map(|(customer, _)| place(customer)).collect();
        places.sort_unstable_by(|a, b| {
            let key = |place: &Place| self.customers.texts(place.customer as usize);
            a.spread.cmp(&b.spread).then_with(|| key(a).cmp(&key(b)))
        });
        places
    }
}

fn spread_of(key: &CustomerKey) -> u64 {
    Shard::of(key).first()
}
