use serde::{Deserialize, Serialize};
use wayfold_core::{
    AttributeValue, CustomerAt, EventId, EventKind, EventView, OrderId, Projection, Timestamp,
};

use super::Birthday;

/// Folds what the care calendar looks at: a customer's birthday, and when it was contacted out of care.
///
/// The birthday is the newest value of an attribute of `registered` or `profile_changed`. Purchases and deliveries are those
/// of the orders that a fold keeps for all projections; a fold of one projection alone has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CareRecord {
    attribute: String,
}

impl Default for CareRecord {
    /// Reads the attribute `birthday`.
    fn default() -> Self {
        Self::new("birthday")
    }
}

impl CareRecord {
    /// Takes the name of the attribute that holds the birthday: a text as [`Birthday::parse`] reads it, or an instant, of
    /// which its day in UTC counts.
    pub fn new(attribute: impl Into<String>) -> Self {
        Self { attribute: attribute.into() }
    }
}

/// What is kept of a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CareRecordState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    birthday: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<CareContact>,
}

/// A contact out of care.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CareContact {
    /// On which occasion.
    pub occasion: String,
    /// When.
    pub at: Timestamp,
    /// By which event.
    pub event: EventId,
}

/// What the care calendar looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CareRecordView {
    /// The birthday, if it is told and can be read.
    pub birthday: Option<Birthday>,
    /// What was told as a birthday and cannot be read.
    pub unreadable_birthday: Option<String>,
    /// The purchases, by the time of placement.
    pub purchases: Vec<CareStart>,
    /// The first deliveries of purchases, by order id.
    pub deliveries: Vec<CareStart>,
    /// The contacts, in their order.
    pub contacts: Vec<CareContact>,
    /// What ends; empty until it is told by [`CareRecordView::with_end`].
    pub ends: Vec<CareEnd>,
}

/// Something from which on days are counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CareStart {
    /// Of which order.
    pub order: OrderId,
    /// When.
    pub at: Timestamp,
}

/// Something that ends, such as a contract, a tier or points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CareEnd {
    /// What, as rules name it.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

impl CareRecordView {
    /// Adds what ends, as another view says: the points that [`PointsView`](crate::PointsView) says expire next, the period
    /// of a [`TierView`](crate::TierView), or a contract.
    #[must_use]
    pub fn with_end(mut self, name: impl Into<String>, at: Timestamp) -> Self {
        self.ends.push(CareEnd { name: name.into(), at });
        self
    }
}

impl Projection for CareRecord {
    type State = CareRecordState;
    type View = CareRecordView;

    fn name(&self) -> &str {
        "care_record"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut CareRecordState, event: &EventView<'_>) {
        match event.kind() {
            EventKind::Registered | EventKind::ProfileChanged => {
                let told = event.attribute(&self.attribute).map(|value| match value {
                    AttributeValue::Text(text) => text,
                    AttributeValue::Time(at) => at.to_chrono().date_naive().to_string(),
                    other => format!("{other:?}"),
                });
                state.birthday = told.or(state.birthday.take());
            }
            EventKind::CareContacted => {
                let occasion = event.text("occasion").unwrap_or_default().to_owned();
                state.contacts.push(CareContact { occasion, at: event.occurred_at(), event: event.id() });
            }
            _ => {}
        }
    }

    fn view(&self, state: &CareRecordState, customer: &CustomerAt<'_>) -> CareRecordView {
        let birthday = state.birthday.as_deref().and_then(Birthday::parse);
        let start = |(order, at): (&str, Timestamp)| Some(CareStart { order: OrderId::new(order).ok()?, at });
        let purchases = customer.purchases().iter().map(|of| (of.order, of.placed_at));
        let placed = customer.record().orders().placed().filter(|order| order.is_purchase);
        let deliveries: Vec<_> = placed.filter_map(|of| start((of.order, of.delivered_at?))).collect();
        CareRecordView {
            birthday,
            unreadable_birthday: state.birthday.clone().filter(|_| birthday.is_none()),
            purchases: purchases.filter_map(start).collect(),
            deliveries,
            contacts: state.contacts.clone(),
            ends: Vec::new(),
        }
    }

    fn holds_until(&self, _state: &CareRecordState, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}
