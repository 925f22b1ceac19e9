use crate::event::OrderKey;
use crate::projection::{CustomerRecord, SavedState};

/// One customer's state after an event, from which a late event refolds. It is no part of the export.
pub(super) struct Checkpoint {
    pub(super) key: OrderKey,
    pub(super) record: CustomerRecord,
    pub(super) states: Vec<SavedState>,
}

/// The checkpoints of one customer, from the oldest on: the closer the nearer to the end of the history, where most events that are
/// late belong.
#[derive(Default)]
pub(super) struct Checkpoints(Vec<Checkpoint>);

impl Checkpoints {
    /// Puts one behind the others; they are to stand so many events apart.
    pub(super) fn push(&mut self, checkpoint: Checkpoint, every: u64) {
        let step = step(checkpoint.record.events(), every);
        self.0.push(checkpoint);
        thin(&mut self.0, step, |checkpoint| checkpoint.record.events());
    }

    /// The last before an event.
    pub(super) fn before(&self, key: OrderKey) -> Option<&Checkpoint> {
        self.0.iter().rfind(|checkpoint| checkpoint.key < key)
    }

    /// Drops those behind an event, which are of a history without what comes late; gives the last that is left.
    pub(super) fn cut_behind(&mut self, key: Option<OrderKey>) -> Option<&Checkpoint> {
        self.0.retain(|checkpoint| key.is_some_and(|key| checkpoint.key <= key));
        self.0.last()
    }

    /// How many events stand before the newest.
    pub(super) fn events(&self) -> u64 {
        self.0.last().map_or(0, |checkpoint| checkpoint.record.events())
    }
}

/// How many events after these comes the next checkpoint: more in a long history, so that making them does not
/// take time with its square.
pub(super) fn step(events: u64, every: u64) -> u64 {
    every.max(events / 8)
}

/// Drops checkpoints so that from the others a refold of the last n events still takes no more than two times n and a step.
fn thin<T>(checkpoints: &mut Vec<T>, step: u64, events: impl Fn(&T) -> u64) {
    let Some(now) = checkpoints.last().map(&events) else { return };
    let ago = |checkpoint: Option<&T>| now - checkpoint.map_or(0, &events);
    for place in (0..checkpoints.len() - 1).rev() {
        let before = place.checked_sub(1).and_then(|before| checkpoints.get(before));
        if ago(before) <= 2 * ago(checkpoints.get(place + 1)) + step {
            checkpoints.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refold_of_the_last_events_takes_few_more() {
        let (mut checkpoints, mut next) = (Vec::new(), 0);
        while next < 10_000_000 {
            let step = step(next, 1_024);
            next += step;
            checkpoints.push(next);
            thin(&mut checkpoints, step, |events| *events);
            for (newer, older) in checkpoints.iter().zip([0].iter().chain(&checkpoints)) {
                assert!(next - older <= 2 * (next - newer) + step, "{checkpoints:?}");
            }
            assert!(checkpoints.len() <= 7, "{checkpoints:?}");
        }
    }
}
