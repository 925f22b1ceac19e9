//! One field, read of whole histories.

use std::sync::Arc;

use super::question::Question;
use super::rank::Value;
use super::{Order, Selection};
use crate::error::Result;
use crate::fold::{Fold, History};
use crate::projection::ProjectionSet;
use crate::time::Timestamp;

/// A field made ready for a set of projections, so that it is read of many histories without looking it up again.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, FieldReader, JourneyEvent, ProjectionSet, Registered, Rules, Shard, Timestamp,
///     for_each_history,
/// };
///
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
/// let batch = EventBatch::from_events([&JourneyEvent::new(EventId::from_u128(1), ada, at, Registered {})])?;
/// let reader = FieldReader::new(&ProjectionSet::new(Rules::default())?, "last_seen_at")?;
/// for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| {
///     let read = |as_of| reader.read(history, as_of).unwrap();
///     assert!(read(at.previous()).is_none() && read(at).is_some());
/// });
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Clone)]
pub struct FieldReader {
    question: Arc<Question>,
    projections: ProjectionSet,
    field: String,
}

impl std::fmt::Debug for FieldReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FieldReader")
            .field("field", &self.field)
            .field("projections", &self.projections)
            .finish()
    }
}

/// What a field holds: a number, money, an instant, a text or a boolean; ordered as by [`Order`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldValue(Value);

impl FieldValue {
    /// Says whether more and less mean something between two values: both are of one type, and money of one currency.
    pub fn compares_with(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Value::Money(own, _), Value::Money(other, _)) => own == other,
            (own, other) => std::mem::discriminant(own) == std::mem::discriminant(other),
        }
    }
}

impl FieldReader {
    /// Makes a field ready.
    ///
    /// # Errors
    /// As [`Selection::validate`] for the field of an order.
    pub fn new(projections: &ProjectionSet, field: &str) -> Result<Self> {
        let selection = Selection::default().with_order(Order::ascending(field));
        let question = Arc::new(Question::new(&selection, projections)?);
        Ok(Self { question, projections: projections.clone(), field: field.to_owned() })
    }

    /// What the field holds of a customer as of an instant; `None` if it has no value, or before the first event.
    ///
    /// # Errors
    /// `InvalidSelection` if the customer's view does not have the field or holds what has no order;
    /// `ProjectionPanicked` if one panics.
    pub fn read(&self, history: &History<'_>, as_of: Timestamp) -> Result<Option<FieldValue>> {
        let known = history.until(as_of);
        if known.events().is_empty() {
            return Ok(None);
        }
        let fold = Fold::of_history(&self.projections, &known);
        let found = self.question.value(&fold, 0, as_of);
        let value = found.map_err(|error| error.at(format_args!("customer {}", fold.key(0))))?;
        Ok(value.map(FieldValue))
    }
}
