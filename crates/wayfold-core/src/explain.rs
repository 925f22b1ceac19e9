//! Why a customer stands where it stands: the history told event by event, with what each changed.
//!
//! Nothing of it is stored. The history is folded again, and after each event, and at each instant at which
//! time alone changes something, the views of all projections are compared with those before.

mod difference;
mod parting;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::batch::{EventBatch, EventView, RowRef, Run, rows_of};
use crate::error::Result;
use crate::event::EventKind;
use crate::field::Tree;
use crate::fold::Fold;
use crate::key::{CustomerKey, EventId, OrderId};
use crate::projection::{CustomerAt, ProjectionSet, StateColumn};
use crate::time::Timestamp;
use crate::view::CustomerView;

pub use self::parting::Parting;

/// A customer's history as of an instant, and what made each field what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Where the customer stands.
    pub view: CustomerView,
    /// What happened, in the order in which it was folded, and what time alone changed in between.
    pub steps: Vec<Step>,
    /// What was left out or does not fit, and why.
    pub reports: Vec<Report>,
}

impl Explanation {
    /// The last change of a field: why it is what it is. Fields are named as in [`Change::field`], such as
    /// `lifecycle.stage` or `value.currencies[EUR].net`; `None` for one that never changed or does not exist.
    pub fn why(&self, field: &str) -> Option<(&Step, &Change)> {
        self.steps.iter().rev().find_map(|step| {
            let change = step.changes.iter().find(|change| change.field == field)?;
            Some((step, change))
        })
    }
}

/// One thing that happened, and what it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// What.
    pub cause: Cause,
    /// Which fields changed, by projection and field.
    pub changes: Vec<Change>,
}

/// What made a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// An event.
    Event {
        /// Its id.
        id: EventId,
        /// The name of its kind.
        kind: String,
    },
    /// Time that passed without an event.
    Time,
}

impl std::fmt::Display for Cause {
    /// The event's kind and id, or the passing of time.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Event { id, kind } => write!(f, "{kind} {id}"),
            Self::Time => f.write_str("the passing of time"),
        }
    }
}

/// One field that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The projection and the field in its view, such as `lifecycle.stage`. Journeys and promises go by
    /// their keys, such as `journey.journeys[j1].stage`; a key with a bracket in it, or a name with a point,
    /// stands as a JSON text, such as `journey.journeys["a]b"].stage`. The built-in projections' rules are named
    /// in the view; a version beyond the first of a name is written behind it, such as `lifecycle@2.stage`.
    pub field: String,
    /// What it was: a text as it is, money such as `9.5 EUR`, anything else as JSON; `None` if it was not there.
    pub before: Option<String>,
    /// What it became, likewise; `None` if it is not there any more.
    pub after: Option<String>,
}

/// Something in a history that was left out or does not fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Report {
    /// A retraction whose target this customer has no event for, so far.
    RetractionWithoutTarget {
        /// The retraction.
        event: EventId,
        /// What it names.
        target: EventId,
    },
    /// A retraction that names a retraction.
    RetractionOfRetraction {
        /// The retraction.
        event: EventId,
        /// What it names.
        target: EventId,
    },
    /// An event that a retraction leaves out.
    Retracted {
        /// The event.
        event: EventId,
    },
    /// A second placement of a known order, which is ignored.
    SecondPlacement {
        /// The event.
        event: EventId,
        /// The order.
        order: OrderId,
    },
    /// An event about an order that none placed by the instant.
    UnknownOrder {
        /// The order.
        order: OrderId,
    },
    /// An event of a kind that this version does not know.
    UnknownKind {
        /// The event.
        event: EventId,
        /// The name of the kind.
        kind: String,
    },
}

/// Tells a customer's history as of an instant; `None` if no event of it stands by then.
///
/// The history holds all of the customer's events; other customers' events are passed over.
///
/// # Errors
/// `InvalidProjection` if a view cannot be written as JSON; `ProjectionPanicked` if a projection panics.
pub fn explain(
    projections: &ProjectionSet,
    key: &CustomerKey,
    history: &[EventBatch],
    as_of: Timestamp,
) -> Result<Option<Explanation>> {
    let mut rows = rows_of(key, history);
    let mut reports = take_retractions(&mut rows, history, as_of);
    rows.retain(|row| row.event(history).occurred_at() <= as_of);
    let run = Run::sorted(history, &mut rows);
    if run.is_empty() {
        return Ok(None);
    }
    let mut narrator = Narrator::new(projections, key);
    for event in run.iter() {
        narrator.tell(&event, &mut reports)?;
    }
    narrator.pass_time(as_of)?;
    let view = narrator.fold.view(key, as_of)?.expect("an event of the customer is folded");
    let unknown = narrator.fold.unknown_orders(key);
    reports.extend(unknown.into_iter().map(|order| Report::UnknownOrder { order }));
    reports.sort_unstable();
    Ok(Some(Explanation { view, steps: narrator.steps, reports }))
}

/// Takes retractions and what they leave out from the rows, and reports both.
fn take_retractions(rows: &mut Vec<RowRef>, history: &[EventBatch], as_of: Timestamp) -> Vec<Report> {
    let is_retraction = |event: &EventView<'_>| event.kind() == EventKind::EventRetracted;
    let ids: BTreeMap<EventId, bool> =
        rows.iter().map(|row| row.event(history)).map(|event| (event.id(), is_retraction(&event))).collect();
    let mut targets = BTreeSet::new();
    let mut reports = Vec::new();
    for event in rows.iter().map(|row| row.event(history)).filter(is_retraction) {
        let Some(target) = event.event_id("event") else { continue };
        let event = event.id();
        match ids.get(&target) {
            None => reports.push(Report::RetractionWithoutTarget { event, target }),
            Some(true) => reports.push(Report::RetractionOfRetraction { event, target }),
            Some(false) => {
                targets.insert(target);
            }
        }
    }
    rows.retain(|row| {
        let event = row.event(history);
        let retracted = targets.contains(&event.id()) && !is_retraction(&event);
        if retracted && event.occurred_at() <= as_of {
            reports.push(Report::Retracted { event: event.id() });
        }
        !retracted && !is_retraction(&event)
    });
    reports
}

/// Folds a history event by event and notes what changes.
struct Narrator<'a> {
    fold: Fold,
    key: &'a CustomerKey,
    /// The views of all projections after the last step, by name.
    views: Vec<(String, Tree)>,
    told_until: Option<Timestamp>,
    steps: Vec<Step>,
}

impl<'a> Narrator<'a> {
    fn new(projections: &ProjectionSet, key: &'a CustomerKey) -> Self {
        let fold = Fold::new(projections);
        Self { fold, key, views: Vec::new(), told_until: None, steps: Vec::new() }
    }

    fn tell(&mut self, event: &EventView<'_>, reports: &mut Vec<Report>) -> Result<()> {
        let at = event.occurred_at();
        self.pass_time(at)?;
        let (id, kind) = (event.id(), event.kind_name().into_owned());
        let placements = self.fold.ignored_placements(self.key);
        self.fold.evolve_one(event);
        if let (true, Some(order)) = (self.fold.ignored_placements(self.key) > placements, event.order()) {
            reports.push(Report::SecondPlacement { event: id, order: OrderId::trusted(order) });
        }
        if event.kind() == EventKind::Unknown {
            reports.push(Report::UnknownKind { event: id, kind: kind.clone() });
        }
        let changes = self.changes(at)?;
        self.steps.push(Step { at, cause: Cause::Event { id, kind }, changes });
        self.told_until = Some(at);
        Ok(())
    }

    /// Notes what time alone changes after the last step, up to an instant.
    fn pass_time(&mut self, until: Timestamp) -> Result<()> {
        while let Some(told) = self.told_until {
            let Some(holds_until) = self.fold.holds_until(self.key, told) else { return Ok(()) };
            if holds_until >= until {
                return Ok(());
            }
            let at = holds_until.next();
            let changes = self.changes(at)?;
            if !changes.is_empty() {
                self.steps.push(Step { at, cause: Cause::Time, changes });
            }
            self.told_until = Some(at);
        }
        Ok(())
    }

    fn changes(&mut self, at: Timestamp) -> Result<Vec<Change>> {
        let views = self.fold.view_trees(self.key, at)?;
        let before = std::mem::replace(&mut self.views, views);
        let mut changes = Vec::new();
        for (number, (name, view)) in self.views.iter().enumerate() {
            let before = before.get(number).map(|(_, view)| view);
            difference::note(name, before, Some(view), &mut changes);
        }
        Ok(changes)
    }
}

/// What a narrator asks of its fold, which holds one customer.
impl Fold {
    fn at(&self, key: &CustomerKey, as_of: Timestamp) -> Option<(usize, CustomerAt<'_>)> {
        let customer = self.number_of(key)?;
        Some((customer, self.customer_at(customer, as_of)))
    }

    fn ignored_placements(&self, key: &CustomerKey) -> u32 {
        self.number_of(key).map_or(0, |customer| self.record(customer).orders().ignored_placements())
    }

    fn unknown_orders(&self, key: &CustomerKey) -> Vec<OrderId> {
        let Some(customer) = self.number_of(key) else { return Vec::new() };
        let unknown = self.record(customer).orders().records().filter(|(_, order)| !order.is_placed());
        unknown.map(|(order, _)| OrderId::trusted(order)).collect()
    }

    fn holds_until(&self, key: &CustomerKey, as_of: Timestamp) -> Option<Timestamp> {
        let (customer, at) = self.at(key, as_of)?;
        self.held_until(customer, &at)
    }

    /// The view of every projection, by the name that fields begin with.
    fn view_trees(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Vec<(String, Tree)>> {
        let Some((customer, at)) = self.at(key, as_of) else { return Ok(Vec::new()) };
        let view =
            |column: &dyn StateColumn| Ok((column.field_name(), column.view_tree(customer, &at, None)?));
        self.columns().iter().map(|column| view(column.as_ref())).collect()
    }
}
