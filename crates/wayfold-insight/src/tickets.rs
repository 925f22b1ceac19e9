//! Tickets (技术支持) against a service level, in business hours.

mod business_hours;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wayfold_core::{EventKind, EventView, History, Priority, Span, Timestamp};

pub use self::business_hours::BusinessHours;
use crate::interval::{self, Confidence, Interval};
use crate::measure::{Durations, Measure, Tally};

/// Measures tickets: how long they waited for the first answer, and how long they were open, in business hours.
///
/// A ticket is what its `ticket:` tag names. It is open from `ticket_opened` or `ticket_reopened` to `ticket_resolved`; its
/// time to resolve is all that it was open. Priority is that with which it was opened first. All questions are asked of
/// the total, as of the instant up to which histories were measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tickets {
    hours: BusinessHours,
    levels: Vec<ServiceLevel>,
}

/// What is promised to tickets of a priority, in business hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceLevel {
    /// The priority; `None` for tickets without one, and for those whose priority has no level of its own.
    pub priority: Option<Priority>,
    /// Within which time they are answered.
    pub answer_within: Span,
    /// Within which time they are resolved.
    pub resolve_within: Span,
}

/// The tickets that there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketTotal(Tally<Ticket>);

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ticket {
    /// Its name, as in its tag.
    pub ticket: String,
    /// Whose.
    pub customer: String,
    /// How urgent.
    pub priority: Option<Priority>,
    /// When it was first opened.
    pub opened_at: Timestamp,
    /// When it was first answered or resolved.
    pub answered_at: Option<Timestamp>,
    /// How often it was reopened.
    pub reopened: u32,
    /// How long it was open, in business hours, up to when it was last resolved.
    pub open: Span,
    /// Since when it is open; `None` if it is resolved.
    pub open_since: Option<Timestamp>,
}

/// How tickets of a priority fared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TicketRow {
    /// The priority.
    pub priority: Option<Priority>,
    /// How many tickets.
    pub tickets: u64,
    /// How many are open.
    pub open: u64,
    /// How many were reopened.
    pub reopened: u64,
    /// The first answers: those in time, and how long they took.
    pub answered: Option<LevelRow>,
    /// The resolutions, likewise.
    pub resolved: Option<LevelRow>,
}

/// How a time was kept, in business hours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelRow {
    /// The percentage in time, of those that are done or overdue, with Wilson's interval.
    pub in_time: (f64, Interval),
    /// The median of those that are done, by nearest rank; `None` if none is.
    pub median: Option<Span>,
    /// Their 90th percentile, by nearest rank.
    pub p90: Option<Span>,
    /// How many are not done, and overdue.
    pub overdue: u64,
}

impl Tickets {
    /// Takes when the business is open, and what it promises.
    pub fn new(hours: BusinessHours, levels: Vec<ServiceLevel>) -> Self {
        Self { hours, levels }
    }

    /// How tickets fared as of an instant, by priority, those without one first. Without a level for them, nothing is said
    /// about time.
    pub fn report(&self, total: &TicketTotal, as_of: Timestamp, confidence: Confidence) -> Vec<TicketRow> {
        let mut by_priority: BTreeMap<Option<Priority>, Vec<&Ticket>> = BTreeMap::new();
        total.0.iter().for_each(|ticket| by_priority.entry(ticket.priority).or_default().push(ticket));
        let row = |(priority, tickets): (Option<Priority>, Vec<&Ticket>)| {
            let level = self.level(priority);
            let times = |of: &dyn Fn(&Ticket) -> (Span, bool)| {
                tickets.iter().map(|ticket| of(ticket)).collect::<Vec<_>>()
            };
            let answered = level.and_then(|level| {
                level_row(&times(&|ticket| self.to_answer(ticket, as_of)), level.answer_within, confidence)
            });
            let resolved = level.and_then(|level| {
                level_row(&times(&|ticket| self.to_resolve(ticket, as_of)), level.resolve_within, confidence)
            });
            TicketRow {
                priority,
                tickets: tickets.len() as u64,
                open: tickets.iter().filter(|ticket| ticket.open_since.is_some()).count() as u64,
                reopened: tickets.iter().filter(|ticket| ticket.reopened > 0).count() as u64,
                answered,
                resolved,
            }
        };
        by_priority.into_iter().map(row).collect()
    }

    /// The tickets that are not answered, or not resolved, within their level as of an instant, the oldest first.
    pub fn overdue<'a>(&self, total: &'a TicketTotal, as_of: Timestamp) -> Vec<&'a Ticket> {
        let is_overdue = |ticket: &&Ticket| {
            let Some(level) = self.level(ticket.priority) else { return false };
            let late = |(time, is_done): (Span, bool), within| !is_done && time > within;
            late(self.to_answer(ticket, as_of), level.answer_within)
                || late(self.to_resolve(ticket, as_of), level.resolve_within)
        };
        let mut overdue: Vec<_> = total.0.iter().filter(is_overdue).collect();
        overdue.sort_by_key(|ticket| ticket.opened_at);
        overdue
    }

    fn level(&self, priority: Option<Priority>) -> Option<&ServiceLevel> {
        let of = |priority| self.levels.iter().find(move |level| level.priority == priority);
        of(priority).or_else(|| of(None))
    }

    /// How long it took to the first answer, and whether there was one.
    fn to_answer(&self, ticket: &Ticket, as_of: Timestamp) -> (Span, bool) {
        let until = ticket.answered_at.unwrap_or(as_of);
        (self.hours.between(ticket.opened_at, until), ticket.answered_at.is_some())
    }

    /// How long it was open, and whether it is resolved.
    fn to_resolve(&self, ticket: &Ticket, as_of: Timestamp) -> (Span, bool) {
        let still = ticket.open_since.map_or(Span::ZERO, |since| self.hours.between(since, as_of));
        (ticket.open + still, ticket.open_since.is_none())
    }

    fn follow(&self, ticket: &mut Ticket, event: &EventView<'_>) {
        let at = event.occurred_at();
        match event.kind() {
            EventKind::TicketAnswered => {
                ticket.answered_at.get_or_insert(at);
            }
            EventKind::TicketResolved => {
                ticket.answered_at.get_or_insert(at);
                if let Some(since) = ticket.open_since.take() {
                    ticket.open = ticket.open + self.hours.between(since, at);
                }
            }
            EventKind::TicketReopened if ticket.open_since.is_none() => {
                ticket.reopened += 1;
                ticket.open_since = Some(at);
            }
            _ => {}
        }
    }
}

/// None if nothing is done or overdue.
fn level_row(times: &[(Span, bool)], within: Span, confidence: Confidence) -> Option<LevelRow> {
    let mut done = Durations::default();
    let (mut in_time, mut late, mut overdue) = (0, 0, 0);
    for (time, is_done) in times {
        match (*is_done, *time <= within) {
            (true, true) => in_time += 1,
            (true, false) => late += 1,
            (false, true) => continue,
            (false, false) => overdue += 1,
        }
        if *is_done {
            done.add(time.as_micros(), 1);
        }
    }
    let judged = in_time + late + overdue;
    let figures = done.figures();
    (judged > 0).then(|| LevelRow {
        in_time: interval::share(in_time, judged, confidence),
        median: figures.as_ref().map(|figures| figures.median),
        p90: figures.as_ref().map(|figures| figures.p90),
        overdue,
    })
}

impl Measure for Tickets {
    type Total = TicketTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut TicketTotal) {
        let mut tickets: BTreeMap<&str, Ticket> = BTreeMap::new();
        for event in history.events() {
            let is_ticket = |kind| {
                use EventKind::{TicketAnswered, TicketOpened, TicketReopened, TicketResolved};
                matches!(kind, TicketOpened | TicketAnswered | TicketResolved | TicketReopened)
            };
            let name =
                event.tags().find_map(|tag| tag.strip_prefix("ticket:")).filter(|_| is_ticket(event.kind()));
            let Some(name) = name else { continue };
            if let Some(ticket) = tickets.get_mut(name) {
                self.follow(ticket, event);
            } else if event.kind() == EventKind::TicketOpened {
                let priority = event.text("priority").and_then(|text| Priority::parse(text).ok());
                let ticket = Ticket {
                    ticket: name.to_owned(),
                    customer: history.customer().1.to_owned(),
                    priority,
                    opened_at: event.occurred_at(),
                    answered_at: None,
                    reopened: 0,
                    open: Span::ZERO,
                    open_since: Some(event.occurred_at()),
                };
                tickets.insert(name, ticket);
            }
        }
        tickets.into_values().for_each(|ticket| total.0.add(ticket, times));
    }

    fn merge(&self, total: &mut TicketTotal, other: TicketTotal) {
        total.0.merge(other.0);
    }
}
