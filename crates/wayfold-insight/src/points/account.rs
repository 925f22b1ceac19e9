//! The events of an account run through its rules, up to an instant.

use std::collections::BTreeSet;

use wayfold_core::{EventId, Timestamp};

use super::{PointsChange, PointsEntry, PointsEvent, PointsRules, PointsView};

/// Points that came together.
struct Lot {
    event: EventId,
    left: i128,
    active_at: Timestamp,
    /// The end of time if never.
    expires_at: Timestamp,
}

/// What time does to a lot; in the order in which it happens at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Activation,
    Expiry,
}

/// By how much pending and active points grow, and by which events the points came that are taken.
type Effect = (i128, i128, Vec<(EventId, i128)>);

pub(super) struct Account {
    rules: PointsRules,
    lots: Vec<Lot>,
    pending: BTreeSet<usize>,
    /// By the time at which they expire, and by age.
    active: BTreeSet<(Timestamp, usize)>,
    due: BTreeSet<(Timestamp, Due, usize)>,
    /// Taken and not there. Nothing is active then.
    owed: i128,
    entries: Vec<PointsEntry>,
}

impl Account {
    pub(super) fn new(rules: PointsRules) -> Self {
        Self {
            rules,
            lots: Vec::new(),
            pending: BTreeSet::new(),
            active: BTreeSet::new(),
            due: BTreeSet::new(),
            owed: 0,
            entries: Vec::new(),
        }
    }

    /// Takes the next event of the customer.
    pub(super) fn take_event(&mut self, event: &PointsEvent) {
        self.advance(event.at);
        // Only a reversal may be of less than nothing; events are checked, and a state from outside is not.
        let (points, size) = (i128::from(event.points), i128::from(event.points.max(0)));
        let (pending, active, of) = match event.what {
            PointsChange::Earned => self.earn(event.id, event.at, size),
            PointsChange::Reversed if points < 0 => self.give(event.id, event.at, -points),
            PointsChange::Reversed => self.take_back(points),
            _ => self.take_active(size),
        };
        let PointsEvent { id, at, what, .. } = *event;
        let reason = event.reason.clone();
        self.entries.push(PointsEntry { at, what, event: Some(id), reason, pending, active, of });
    }

    /// Does what time does up to an instant.
    pub(super) fn advance(&mut self, to: Timestamp) {
        while let Some((at, due, lot)) = self.due.first().copied().filter(|(at, _, _)| *at <= to) {
            self.due.pop_first();
            let points = self.lots[lot].left;
            let of = vec![(self.lots[lot].event, points)];
            let (what, pending, active) = match due {
                Due::Activation => {
                    self.pending.remove(&lot);
                    self.activate(lot);
                    (PointsChange::Activated, -points, points)
                }
                Due::Expiry => {
                    self.active.remove(&(at, lot));
                    self.lots[lot].left = 0;
                    (PointsChange::Expired, 0, -points)
                }
            };
            self.entries.push(PointsEntry { at, what, event: None, reason: None, pending, active, of });
        }
    }

    /// The first instant at which time does something.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _, _)| *at)
    }

    fn lot(&mut self, event: EventId, at: Timestamp, points: i128) -> usize {
        let expires_at = self.rules.valid.map_or(Timestamp::MAX, |valid| at + valid);
        self.lots.push(Lot { event, left: points, active_at: at + self.rules.pending, expires_at });
        self.lots.len() - 1
    }

    fn earn(&mut self, event: EventId, at: Timestamp, points: i128) -> Effect {
        if points > 0 {
            let lot = self.lot(event, at, points);
            self.pending.insert(lot);
            self.due.insert((self.lots[lot].active_at, Due::Activation, lot));
        }
        (points, 0, Vec::new())
    }

    fn give(&mut self, event: EventId, at: Timestamp, points: i128) -> Effect {
        let lot = self.lot(event, at, points);
        self.activate(lot);
        (0, points, Vec::new())
    }

    /// Settles what is owed, and makes the rest active.
    fn activate(&mut self, lot: usize) {
        let settled = self.owed.min(self.lots[lot].left);
        self.owed -= settled;
        self.lots[lot].left -= settled;
        let Lot { left, expires_at, .. } = self.lots[lot];
        if left > 0 {
            self.active.insert((expires_at, lot));
            if expires_at < Timestamp::MAX {
                self.due.insert((expires_at, Due::Expiry, lot));
            }
        }
    }

    fn take_active(&mut self, points: i128) -> Effect {
        let (active, mut points) = (-points, points);
        let mut of = Vec::new();
        while let Some((expires_at, lot)) = self.active.first().copied().filter(|_| points > 0) {
            of.push(self.take_of(lot, &mut points));
            if self.lots[lot].left == 0 {
                self.active.pop_first();
                self.due.remove(&(expires_at, Due::Expiry, lot));
            }
        }
        self.owed += points;
        (0, active, of)
    }

    fn take_back(&mut self, points: i128) -> Effect {
        let (all, mut points) = (points, points);
        let mut of = Vec::new();
        while let Some(lot) = self.pending.last().copied().filter(|_| points > 0) {
            of.push(self.take_of(lot, &mut points));
            if self.lots[lot].left == 0 {
                self.pending.pop_last();
                self.due.remove(&(self.lots[lot].active_at, Due::Activation, lot));
            }
        }
        let pending = points - all;
        let (_, active, of_active) = self.take_active(points);
        of.extend(of_active);
        (pending, active, of)
    }

    fn take_of(&mut self, lot: usize, points: &mut i128) -> (EventId, i128) {
        let Lot { event, left, .. } = &mut self.lots[lot];
        let taken = (*left).min(*points);
        *left -= taken;
        *points -= taken;
        (*event, taken)
    }

    pub(super) fn into_view(self) -> PointsView {
        let sum = |of: fn(&PointsEntry) -> i128| self.entries.iter().map(of).sum();
        let next = self.active.first().map(|(at, _)| *at).filter(|at| *at < Timestamp::MAX);
        let expires_next = next.map(|at| {
            let lots = self.active.iter().take_while(|(expires_at, _)| *expires_at == at);
            (at, lots.map(|(_, lot)| self.lots[*lot].left).sum())
        });
        let total = |what| {
            let entries = self.entries.iter().filter(|entry| entry.what == what);
            entries.map(|entry| entry.pending + entry.active).sum::<i128>()
        };
        PointsView {
            pending: sum(|entry| entry.pending),
            active: sum(|entry| entry.active),
            earned: total(PointsChange::Earned),
            redeemed: -total(PointsChange::Redeemed),
            expired: -total(PointsChange::Expired),
            reversed: -total(PointsChange::Reversed),
            expires_next,
            entries: self.entries,
        }
    }
}
