//! A filter asked of whole histories: who is selected from when to when, and by what.

use std::sync::Arc;

use serde::Serialize;

use super::question::Question;
use super::verdict::FilterVerdict;
use super::{Filter, Selection};
use crate::batch::EventView;
use crate::error::Result;
use crate::fold::{Fold, History};
use crate::key::EventId;
use crate::projection::ProjectionSet;
use crate::time::Timestamp;

/// A filter made ready for a set of projections, so that many histories are judged without looking it up again.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, Filter, FilterJudge, JourneyEvent, ProjectionSet, Registered, Rules, Shard, Span,
///     Timestamp, for_each_history,
/// };
///
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
/// let event = JourneyEvent::new(EventId::from_u128(1), ada, at, Registered {});
/// let quiet = Filter::field("last_seen_at").older_than(Span::from_days(30));
/// let judge = FilterJudge::new(&ProjectionSet::new(Rules::default())?, &quiet)?;
///
/// let mut spells = Vec::new();
/// for_each_history(&[EventBatch::from_events([&event])?], Shard::ALL, Timestamp::MAX, |history| {
///     spells = judge.spells(history, Timestamp::parse("2024-03-01").unwrap()).unwrap();
/// });
/// // From the first microsecond beyond 30 days, by time alone, and still.
/// assert_eq!(spells[0].entered_at, Timestamp::parse("2024-01-31")?.next());
/// assert_eq!((spells[0].entered_by.len(), spells[0].left_at), (0, None));
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Clone)]
pub struct FilterJudge {
    prepared: PreparedFilter,
    projections: ProjectionSet,
    filter: Filter,
}

/// A filter whose names are looked up.
#[derive(Clone)]
pub(crate) struct PreparedFilter(Arc<Question>);

impl std::fmt::Debug for PreparedFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PreparedFilter")
    }
}

impl PreparedFilter {
    pub(crate) fn new(projections: &ProjectionSet, filter: &Filter) -> Result<Self> {
        Ok(Self(Arc::new(Question::new(&Selection::new(filter.clone()), projections)?)))
    }

    /// What the filter says of a customer of a fold.
    pub(crate) fn judge(&self, fold: &Fold, customer: usize, as_of: Timestamp) -> Result<FilterVerdict> {
        let verdict = self.0.judge(fold, customer, as_of);
        verdict.map_err(|error| error.at(format_args!("customer {}", fold.key(customer))))
    }
}

impl std::fmt::Debug for FilterJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilterJudge")
            .field("filter", &self.filter)
            .field("projections", &self.projections)
            .finish()
    }
}

/// A time in which a filter selects a customer: what came in between, and what ended it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Spell {
    /// The first microsecond of it.
    pub entered_at: Timestamp,
    /// The events at that instant, in the order in which they are folded; none if time alone began it.
    pub entered_by: Vec<EventId>,
    /// The first microsecond behind it; `None` while it goes on.
    pub left_at: Option<Timestamp>,
    /// The events at that instant; none if time alone ended it, or while it goes on.
    pub left_by: Vec<EventId>,
}

impl FilterJudge {
    /// Makes a filter ready.
    ///
    /// # Errors
    /// As [`Selection::validate`].
    pub fn new(projections: &ProjectionSet, filter: &Filter) -> Result<Self> {
        let prepared = PreparedFilter::new(projections, filter)?;
        Ok(Self { prepared, projections: projections.clone(), filter: filter.clone() })
    }

    /// The filter.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The projections of which it is asked.
    pub fn projections(&self) -> &ProjectionSet {
        &self.projections
    }

    /// What the filter says of a customer as of an instant; `None` before its first event.
    ///
    /// # Errors
    /// `InvalidSelection` if the customer's view does not have a field or holds what cannot be compared;
    /// `ProjectionPanicked` if one panics.
    pub fn verdict(&self, history: &History<'_>, as_of: Timestamp) -> Result<Option<FilterVerdict>> {
        let known = history.until(as_of);
        if known.events().is_empty() {
            return Ok(None);
        }
        let fold = Fold::of_history(&self.projections, &known);
        self.prepared.judge(&fold, 0, as_of).map(Some)
    }

    /// From when to when the filter selects a customer, up to an instant, in order. Retractions count wherever they
    /// stand, so that a history says what is known now of every instant.
    ///
    /// # Errors
    /// As [`FilterJudge::verdict`].
    pub fn spells(&self, history: &History<'_>, as_of: Timestamp) -> Result<Vec<Spell>> {
        let mut fold = Fold::new(&self.projections);
        let mut spells = Vec::new();
        let mut rest = history.until(as_of).events();
        while let Some(first) = rest.first() {
            let at = first.occurred_at();
            let count = rest.iter().take_while(|event| event.occurred_at() == at).count();
            let (now, later) = rest.split_at(count);
            now.iter().for_each(|event| fold.evolve_one(event));
            let mut verdict = self.prepared.judge(&fold, 0, at)?;
            note(&mut spells, at, verdict.holds, now);
            let end = later.first().map_or(as_of, |next| next.occurred_at().previous());
            while let Some(until) = verdict.until.filter(|until| *until < end) {
                verdict = self.prepared.judge(&fold, 0, until.next())?;
                note(&mut spells, until.next(), verdict.holds, &[]);
            }
            rest = later;
        }
        Ok(spells)
    }
}

fn note(spells: &mut Vec<Spell>, at: Timestamp, holds: bool, events: &[EventView<'_>]) {
    let causes = || events.iter().map(EventView::id).collect();
    match spells.last_mut().filter(|last| last.left_at.is_none()) {
        Some(open) if !holds => (open.left_at, open.left_by) = (Some(at), causes()),
        None if holds => {
            spells.push(Spell { entered_at: at, entered_by: causes(), left_at: None, left_by: Vec::new() });
        }
        _ => {}
    }
}
