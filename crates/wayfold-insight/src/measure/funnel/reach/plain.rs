//! Ordered steps where no two events that matter are of one instant: each is then used by itself, and nothing but the instants
//! of the attempts has to be kept.

use wayfold_core::{History, Timestamp};

use super::{Attempt, Exclusion, Funnel, FunnelEntry, is_in_range};

/// An event that is a step or is excluded.
struct Mark {
    at: Timestamp,
    /// The steps that it may be, a bit each.
    steps: u64,
    is_excluded: bool,
}

/// The events that matter, in the order of time.
pub(super) struct Plain(Vec<Mark>);

impl Plain {
    /// `None` if two of them are of one instant.
    pub(super) fn of(funnel: &Funnel, history: &History<'_>) -> Option<Self> {
        let mut marks: Vec<Mark> = Vec::new();
        for event in history.events() {
            let fits =
                |bits, (step, test): (usize, &crate::EventTest)| bits | u64::from(test.holds(event)) << step;
            let steps = funnel.steps.iter().enumerate().fold(0, fits);
            let is_excluded = funnel.exclusions.iter().any(|test| test.holds(event));
            let at = event.occurred_at();
            if (steps == 0 && !is_excluded) || !is_in_range(funnel, at) {
                continue;
            }
            if marks.last().is_some_and(|last| last.at == at) {
                return None;
            }
            marks.push(Mark { at, steps, is_excluded });
        }
        Some(Self(marks))
    }

    /// The first attempt that comes furthest; `None` of who does not enter or is left out.
    pub(super) fn reach(&self, funnel: &Funnel) -> Option<Attempt> {
        let mut attempts = Standing::new(funnel.steps.len());
        let (mut furthest, mut has_entered) = (Attempt::new(), false);
        for Mark { at, steps, is_excluded } in &self.0 {
            let is_open = |entry: Timestamp| at.since(entry) <= funnel.window;
            if *is_excluded && furthest.len() < funnel.steps.len() {
                if funnel.exclusion == Exclusion::DropsCustomer && attempts.entries().any(is_open) {
                    return None;
                }
                attempts.clear();
            }
            let may_enter =
                funnel.range.contains(at) && (funnel.entry == FunnelEntry::Latest || !has_entered);
            // From behind, so that each attempt goes one step by an event.
            for step in (1..funnel.steps.len()).rev().filter(|step| steps >> step & 1 == 1) {
                if attempts.entry(step - 1).is_some_and(is_open) {
                    attempts.advance(step, *at);
                    attempts.note(step, &mut furthest);
                }
            }
            if may_enter && steps & 1 == 1 {
                attempts.enter(*at);
                attempts.note(0, &mut furthest);
                has_entered = true;
            }
        }
        (!furthest.is_empty()).then_some(furthest)
    }
}

/// The attempt that stands at each step, with the latest entry.
struct Standing {
    steps: usize,
    /// Which steps have one, a bit each.
    has: u64,
    /// The instants of each, one row a step.
    times: Vec<Timestamp>,
}

impl Standing {
    fn new(steps: usize) -> Self {
        Self { steps, has: 0, times: Vec::new() }
    }

    fn entry(&self, step: usize) -> Option<Timestamp> {
        (self.has >> step & 1 == 1).then(|| self.times[step * self.steps])
    }

    fn entries(&self) -> impl Iterator<Item = Timestamp> {
        (0..self.steps).filter_map(|step| self.entry(step))
    }

    fn clear(&mut self) {
        self.has = 0;
    }

    fn enter(&mut self, at: Timestamp) {
        self.times.resize(self.steps * self.steps, at);
        self.times[0] = at;
        self.has |= 1;
    }

    /// Takes the attempt before a step to it, unless one with as late an entry stands there.
    fn advance(&mut self, step: usize, at: Timestamp) {
        let (from, to) = ((step - 1) * self.steps, step * self.steps);
        if self.entry(step).is_some_and(|entry| entry >= self.times[from]) {
            return;
        }
        self.times.copy_within(from..from + step, to);
        self.times[to + step] = at;
        self.has |= 1 << step;
    }

    /// Keeps the attempt at a step if it is further than any before.
    fn note(&self, step: usize, furthest: &mut Attempt) {
        if step >= furthest.len() {
            let row = step * self.steps;
            furthest.clear();
            furthest.extend_from_slice(&self.times[row..=row + step]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use wayfold_core::bodies::Custom;
    use wayfold_core::{
        CustomKind, CustomerKey, EventBatch, EventId, JourneyEvent, Shard, Span, for_each_history,
    };

    use super::super::{Attempts, RangeOf, in_range};
    use super::*;
    use crate::EventTest;

    fn at(hour: i64) -> Timestamp {
        Timestamp::parse("2024-05-01").unwrap() + Span::from_micros(hour * 3_600_000_000)
    }

    proptest! {
        /// Against the attempts that are followed one by one, which also know ties.
        #[test]
        fn instants_of_their_own_reach_what_attempts_reach(
            names in vec((0..5_usize, 1..4_i64), 1..16), steps in vec(0..3_usize, 1..5), window in 1..9_i64,
            is_first: bool, drops: bool, of_every_step: bool, excludes: bool, range in (0..9_i64, 9..40_i64),
        ) {
            const NAMES: [&str; 5] = ["a", "b", "c", "d", "out"];
            let mut hour = 0;
            let events: Vec<_> = names.iter().enumerate().map(|(id, (name, gap))| {
                hour += gap;
                let body = Custom { name: CustomKind::new(NAMES[*name]).unwrap(), stage: None, amount: None };
                JourneyEvent::new(EventId::from_u128(id as u128 + 1), CustomerKey::new("p").unwrap(), at(hour), body)
            }).collect();
            let tests = steps.iter().map(|step| EventTest::custom(NAMES[*step])).collect();
            let mut funnel = Funnel::new(tests, Span::from_micros(window * 3_600_000_000)).unwrap()
                .with_entry(if is_first { FunnelEntry::First } else { FunnelEntry::Latest })
                .within(at(range.0)..=at(range.1), if of_every_step { RangeOf::EveryStep } else { RangeOf::Entry });
            if excludes {
                let exclusion = if drops { Exclusion::DropsCustomer } else { Exclusion::EndsAttempt };
                funnel = funnel.excluding(vec![EventTest::custom("out")], exclusion);
            }
            let batch = EventBatch::from_events(&events).unwrap();
            let mut found = Vec::new();
            for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| {
                let plain = Plain::of(&funnel, history).expect("no two events are of one instant");
                found.push((plain.reach(&funnel), Attempts::new(&funnel).of(&in_range(&funnel, history))));
            });
            let (plain, attempts) = found.remove(0);
            prop_assert_eq!(plain, attempts);
        }
    }
}
