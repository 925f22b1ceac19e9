//! The core's fold, put away as a snapshot on its way and taken up again by other shards.

use wayfold_core::{Fold, Result, Rules, Snapshot};

use super::drive::{Log, Shards};
use super::{Answers, Straight, Subject};
use crate::arrival::Arrival;
use crate::random::Random;

/// The core's [`Fold`] that is saved and restored at a few places of every arrival, each time into another number
/// of shards.
///
/// ```
/// use wayfold_testkit::{Case, Coverage, RestartSubject, check};
///
/// check(&RestartSubject::new(), &Case::hostile(1), &mut Coverage::new()).unwrap();
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RestartSubject {
    name: &'static str,
    alter: fn(&[u8]) -> Option<Vec<u8>>,
}

impl RestartSubject {
    /// Restores what was saved.
    #[allow(clippy::new_without_default, reason = "no default is more right than the one with a name")]
    pub fn new() -> Self {
        Self::altered("the core's fold, restarted", |part| Some(part.to_vec()))
    }

    /// Restores another part in the place of each, or none.
    pub fn altered(name: &'static str, alter: fn(&[u8]) -> Option<Vec<u8>>) -> Self {
        Self { name, alter }
    }

    fn restart(&self, shards: &Shards, random: &mut Random) -> Result<Shards> {
        let part_bytes_max = *random.pick(&[0, 2_000, Snapshot::PART_BYTES_MAX]);
        let snapshot = Snapshot::of(&shards.folds)?.with_part_bytes_max(part_bytes_max);
        let parts = snapshot.collect::<Result<Vec<_>>>()?;
        let (first, of) = (&shards.folds[0], random.between(1, 4) as usize);
        let restore = |index| {
            let mut fold = Fold::new(first.projections()).with_as_of(first.as_of()).with_shard(index, of);
            for part in parts.iter().filter_map(|part| (self.alter)(&part.bytes)) {
                fold.restore_part(&part)?;
            }
            Ok(fold)
        };
        Ok(Shards { folds: (0..of).map(restore).collect::<Result<_>>()?, refolds: shards.refolds })
    }
}

impl Subject for RestartSubject {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn fold(&self, rules: &Rules, arrival: &Arrival) -> Result<Box<dyn Answers>> {
        let mut random = Random::new(arrival.seed ^ 0x5a7ed);
        let log = Log::of(&Straight, arrival);
        let mut shards = Shards::new(&Straight, rules, arrival)?;
        let mut places: Vec<usize> = (0..random.between(1, 3)).map(|_| random.index(log.len() + 1)).collect();
        places.sort_unstable();
        let mut start = 0;
        for place in places {
            shards.drive(&Straight, arrival, &log, start..place)?;
            shards = self.restart(&shards, &mut random)?;
            start = place;
        }
        shards.drive(&Straight, arrival, &log, start..log.len())?;
        Ok(Box::new(shards))
    }
}
