//! How far one customer comes.

mod plain;

use wayfold_core::{EventView, History, Timestamp};

use self::plain::Plain;
use super::{Exclusion, Funnel, FunnelEntry, FunnelOrder, FunnelTies, RangeOf};
use crate::measure::cases::kind_name;

/// How far a customer has come through a funnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// When it came to each step, from the entry to the furthest; of an unordered funnel, when so many steps were done.
    pub times: Vec<Timestamp>,
    /// The kind of its next event behind the furthest step.
    pub next: Option<String>,
    /// When that was.
    pub next_at: Option<Timestamp>,
}

/// The same, while the history is at hand.
pub(super) struct Reached<'a> {
    pub(super) times: Vec<Timestamp>,
    pub(super) next: Option<(&'a str, Timestamp)>,
}

/// The instants of the steps of an attempt.
type Attempt = Vec<Timestamp>;

pub(super) fn reach<'a>(funnel: &Funnel, history: &History<'a>) -> Option<Reached<'a>> {
    let times = match funnel.order {
        FunnelOrder::Ordered => match Plain::of(funnel, history) {
            Some(plain) => plain.reach(funnel),
            None => Attempts::new(funnel).of(&in_range(funnel, history)),
        },
        FunnelOrder::Unordered => unordered(funnel, &in_range(funnel, history)),
        FunnelOrder::Strict | FunnelOrder::StrictWithReentry => {
            Attempts::new(funnel).of(&in_range(funnel, history))
        }
    }?;
    let last = *times.last()?;
    let next = history.events().iter().find(|event| event.occurred_at() > last);
    Some(Reached { next: next.map(|event| (kind_name(event), event.occurred_at())), times })
}

fn is_in_range(funnel: &Funnel, at: Timestamp) -> bool {
    funnel.range_of == RangeOf::Entry || funnel.range.contains(&at)
}

fn in_range<'a>(funnel: &Funnel, history: &History<'a>) -> Vec<EventView<'a>> {
    let events = history.events().iter();
    events.filter(|event| is_in_range(funnel, event.occurred_at())).copied().collect()
}

/// The attempts of a customer, step by step.
struct Attempts<'a> {
    funnel: &'a Funnel,
    /// The attempt that stands at each step, with the latest entry.
    standing: Vec<Option<Attempt>>,
    furthest: Attempt,
    has_entered: bool,
}

impl<'a> Attempts<'a> {
    fn new(funnel: &'a Funnel) -> Self {
        let standing = vec![None; funnel.steps.len()];
        Self { funnel, standing, furthest: Vec::new(), has_entered: false }
    }

    fn of(mut self, events: &[EventView<'_>]) -> Option<Attempt> {
        let is_folded = self.funnel.ties == FunnelTies::AsFolded;
        for instant in events.chunk_by(|a, b| !is_folded && a.occurred_at() == b.occurred_at()) {
            if !self.take(instant) {
                return None;
            }
        }
        (!self.furthest.is_empty()).then_some(self.furthest)
    }

    /// Takes the events of an instant; says whether the customer stays in.
    fn take(&mut self, events: &[EventView<'_>]) -> bool {
        let at = events[0].occurred_at();
        let excluded = events.iter().any(|event| self.funnel.exclusions.iter().any(|test| test.holds(event)));
        let is_done = self.furthest.len() == self.funnel.steps.len();
        if excluded && !is_done {
            let is_open = |attempt: &Attempt| at.since(attempt[0]) <= self.funnel.window;
            if self.funnel.exclusion == Exclusion::DropsCustomer
                && self.standing.iter().flatten().any(is_open)
            {
                return false;
            }
            self.standing.iter_mut().for_each(|standing| *standing = None);
        }
        let before = std::mem::take(&mut self.standing);
        self.standing = before
            .iter()
            .map(|attempt| attempt.clone().filter(|attempt| self.goes_on(attempt, events)))
            .collect();
        let may_enter = self.funnel.range.contains(&at)
            && (self.funnel.entry == FunnelEntry::Latest || !self.has_entered);
        for attempt in before.into_iter().flatten().chain(may_enter.then(Vec::new)) {
            self.advance(&attempt, events);
        }
        true
    }

    /// Whether an attempt stands still where it stands, through events that it did not use.
    fn goes_on(&self, attempt: &Attempt, events: &[EventView<'_>]) -> bool {
        let steps = &self.funnel.steps;
        let passes = |event: &EventView<'_>| match self.funnel.order {
            FunnelOrder::Strict => steps[attempt.len() - 1].holds(event),
            FunnelOrder::StrictWithReentry => steps[..attempt.len()].iter().any(|step| step.holds(event)),
            FunnelOrder::Ordered | FunnelOrder::Unordered => true,
        };
        events.iter().all(passes)
    }

    /// Takes an attempt as far as the events of an instant reach, each used for one step.
    fn advance(&mut self, attempt: &Attempt, events: &[EventView<'_>]) {
        let at = events[0].occurred_at();
        if attempt.first().is_some_and(|entry| at.since(*entry) > self.funnel.window) {
            return;
        }
        let mut matching = Matching::new(events.len());
        let mut reached = attempt.clone();
        while let Some(step) = self.funnel.steps.get(reached.len()) {
            let fits = |place: usize| step.holds(&events[place]);
            let uses: Vec<usize> = (0..events.len()).filter(|place| fits(*place)).collect();
            if !matching.add(uses) {
                break;
            }
            reached.push(at);
            self.has_entered = true;
            let standing = &mut self.standing[reached.len() - 1];
            if standing.as_ref().is_none_or(|known| known[0] < reached[0]) {
                *standing = Some(reached.clone());
            }
            if reached.len() > self.furthest.len() {
                self.furthest.clone_from(&reached);
            }
            if self.funnel.ties == FunnelTies::Apart {
                break;
            }
        }
    }
}

/// Which event is used for which step; steps are added one after the other, and others move over where that helps.
struct Matching {
    /// The step that uses each event.
    user: Vec<Option<usize>>,
    /// The events that each step can use.
    uses: Vec<Vec<usize>>,
}

impl Matching {
    fn new(events: usize) -> Self {
        Self { user: vec![None; events], uses: Vec::new() }
    }

    /// Adds a step; says whether every step has an event of its own.
    fn add(&mut self, uses: Vec<usize>) -> bool {
        self.uses.push(uses);
        let step = self.uses.len() - 1;
        let found = self.place(step, &mut vec![false; self.user.len()]);
        if !found {
            self.uses.pop();
        }
        found
    }

    fn place(&mut self, step: usize, seen: &mut [bool]) -> bool {
        for use_of in 0..self.uses[step].len() {
            let event = self.uses[step][use_of];
            if std::mem::replace(&mut seen[event], true) {
                continue;
            }
            let is_free = match self.user[event] {
                None => true,
                Some(other) => self.place(other, seen),
            };
            if is_free {
                self.user[event] = Some(step);
                return true;
            }
        }
        false
    }
}

/// An event in a funnel whose steps come in any order.
#[derive(Clone, Copy)]
struct Mark {
    at: Timestamp,
    /// Counts instants, or where they count as they are folded, events.
    moment: usize,
    /// The steps that it may be, a bit each.
    steps: u64,
    is_excluded: bool,
}

fn marks(funnel: &Funnel, events: &[EventView<'_>]) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for event in events {
        let at = event.occurred_at();
        let fits = |step: &usize| funnel.steps[*step].holds(event);
        let steps = (0..funnel.steps.len()).filter(fits).fold(0_u64, |steps, step| steps | 1 << step);
        let is_excluded = funnel.exclusions.iter().any(|test| test.holds(event));
        match marks.last_mut() {
            // The events of an instant are together good for one step.
            Some(last) if funnel.ties == FunnelTies::Apart && last.at == at => {
                (last.steps, last.is_excluded) = (last.steps | steps, last.is_excluded | is_excluded);
            }
            last => {
                let is_new = |last: &Mark| funnel.ties == FunnelTies::AsFolded || last.at != at;
                let moment = last.map_or(0, |last| last.moment + usize::from(is_new(last)));
                marks.push(Mark { at, moment, steps, is_excluded });
            }
        }
    }
    marks
}

/// The attempt with the most steps in any order; of several the one that begins first.
fn unordered(funnel: &Funnel, events: &[EventView<'_>]) -> Option<Attempt> {
    let marks = marks(funnel, events);
    let excluded: Vec<Mark> = marks.iter().copied().filter(|mark| mark.is_excluded).collect();
    let steps: Vec<Mark> = marks.into_iter().filter(|mark| mark.steps != 0).collect();
    let mut furthest = Vec::new();
    for (place, entry) in steps.iter().enumerate().filter(|(_, mark)| funnel.range.contains(&mark.at)) {
        let attempt = attempt_from(funnel, &steps[place..]);
        // What is excluded ends the attempt where it stands, up to the last step.
        let until = excluded.iter().find(|mark| mark.moment >= entry.moment);
        let kept =
            attempt.iter().take_while(|mark| until.is_none_or(|until| mark.moment < until.moment)).count();
        let is_done = kept == funnel.steps.len();
        let is_in_window = until.is_some_and(|until| until.at.since(entry.at) <= funnel.window);
        if is_in_window && !is_done && funnel.exclusion == Exclusion::DropsCustomer {
            return None;
        }
        if kept > furthest.len() {
            furthest = attempt[..kept].iter().map(|mark| mark.at).collect();
        }
        if is_done || funnel.entry == FunnelEntry::First {
            break;
        }
    }
    (!furthest.is_empty()).then_some(furthest)
}

/// What was used for so many steps, from the first event on.
fn attempt_from(funnel: &Funnel, marks: &[Mark]) -> Vec<Mark> {
    let (mut attempt, mut matching) = (Vec::new(), Matching::new(funnel.steps.len()));
    // Steps of which an event was of no use: one that came later would be of none either.
    let mut useless: Vec<u64> = Vec::new();
    for mark in marks {
        let is_over = mark.at.since(marks[0].at) > funnel.window || attempt.len() == funnel.steps.len();
        if is_over {
            break;
        }
        if useless.contains(&mark.steps) {
            continue;
        }
        let uses = (0..funnel.steps.len()).filter(|step| mark.steps & (1 << step) != 0).collect();
        if matching.add(uses) {
            attempt.push(*mark);
        } else {
            useless.push(mark.steps);
        }
    }
    attempt
}
