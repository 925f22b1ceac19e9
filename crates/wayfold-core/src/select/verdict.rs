//! What a filter says of single customers, and how long it stays so.

use super::question::Question;
use super::{Filter, Selection};
use crate::error::Result;
use crate::fold::Fold;
use crate::key::CustomerKey;
use crate::time::Timestamp;

/// What a filter says of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterVerdict {
    /// Whether the customer is selected.
    pub holds: bool,
    /// The last microsecond up to which that stays so without a new event; `None` for ever. It may well stay so
    /// longer: ask again then.
    pub until: Option<Timestamp>,
}

impl Fold {
    /// Says of each customer whether a filter selects it as of an instant at or after its last event folded, and how
    /// long it stays so; `None` where no event of the customer is folded.
    ///
    /// With what it says, a population is kept up to date at the cost of what changes: ask again for those with new
    /// events, and for those whose verdict has run out. The tenant is that of each key.
    ///
    /// ```
    /// use wayfold_core::{
    ///     CustomerKey, EventBatch, EventId, Filter, Fold, JourneyEvent, ProjectionSet, Registered, Rules, Span, Timestamp,
    /// };
    ///
    /// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
    /// let event = JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, Registered {});
    /// let mut fold = Fold::new(&ProjectionSet::new(Rules::default())?);
    /// let _ = fold.apply(&[EventBatch::from_events([&event])?]);
    ///
    /// let quiet = Filter::field("last_seen_at").older_than(Span::from_days(30));
    /// let verdict = fold.verdicts(&quiet, [(&ada, at)])?[0].expect("ada is known");
    /// assert!(!verdict.holds);
    /// assert_eq!(verdict.until, Some(Timestamp::parse("2024-01-31")?));
    /// # Ok::<(), wayfold_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Fold::select`], for the first customer in the order given.
    pub fn verdicts<'a>(
        &self,
        filter: &Filter,
        customers: impl IntoIterator<Item = (&'a CustomerKey, Timestamp)>,
    ) -> Result<Vec<Option<FilterVerdict>>> {
        let question = Question::new(&Selection::new(filter.clone()), self.projections())?;
        let judge = |(key, as_of): (&CustomerKey, Timestamp)| {
            let Some(customer) = self.answerable(key, as_of)? else { return Ok(None) };
            let verdict = question.judge(self, customer, as_of);
            verdict.map(Some).map_err(|error| error.at(format_args!("customer {key}")))
        };
        customers.into_iter().map(judge).collect()
    }
}
