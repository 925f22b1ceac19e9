use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use wayfold_core::{
    AttributeValue, CustomerAt, EventId, EventKind, EventView, OrderId, Projection, Timestamp,
};

use super::Birthday;
use crate::local_time::first_instant;

/// Folds what the care calendar looks at: a customer's birthday, and when it was contacted out of care.
///
/// The birthday is the newest value of an attribute of `registered` or `profile_changed`. Purchases and deliveries are those
/// of the orders that a fold keeps for all projections; a fold of one projection alone has none.
///
/// What ends is told by attributes of any events, if it is asked for: a contract, a warranty. Events about an order tell it for
/// that order, others for the customer; the newest value counts. The projection is named by such attributes, as in
/// `care_record_warranty_until`, and `care_record` without any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CareRecord {
    projection: String,
    attribute: String,
    /// What ends, and by which attribute that is told.
    ends: Vec<(String, String)>,
    zone: Tz,
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
        Self {
            projection: "care_record".to_owned(),
            attribute: attribute.into(),
            ends: Vec::new(),
            zone: Tz::UTC,
        }
    }

    /// Reads when something ends from an attribute of events: an instant, or a text with an instant or a date. A date is
    /// the first instant of a day in the zone.
    ///
    /// ```
    /// use wayfold_core::{AttributeName, CustomerKey, EventBatch, EventId, Fold, JourneyEvent, Registered, ProjectionSet, Rules, Timestamp};
    /// use wayfold_insight::CareRecord;
    ///
    /// let mut projections = ProjectionSet::new(Rules::default())?;
    /// let record = projections.register(CareRecord::default().with_end_attribute("contract", "contract_until"))?;
    /// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-03-01")?);
    /// let event = JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, Registered {})
    ///     .with_attribute(AttributeName::new("contract_until")?, "2025-02-28");
    /// let mut fold = Fold::new(&projections);
    /// let _ = fold.apply(&[EventBatch::from_events([&event])?]);
    /// let ends = fold.own_view(record, &ada, at)?.expect("ada is known").ends;
    /// assert_eq!((ends[0].name.as_str(), ends[0].at), ("contract", Timestamp::parse("2025-02-28")?));
    /// # Ok::<(), wayfold_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_end_attribute(mut self, name: impl Into<String>, attribute: impl Into<String>) -> Self {
        let attribute = attribute.into();
        self.projection = format!("{}_{attribute}", self.projection);
        self.ends.push((name.into(), attribute));
        self
    }

    /// Sets the time zone of dates on which something ends; UTC otherwise.
    #[must_use]
    pub fn with_zone(self, zone: Tz) -> Self {
        Self { zone, ..self }
    }

    /// When something ends by what is told.
    fn end(&self, told: &str) -> Option<Timestamp> {
        match told.parse::<NaiveDate>() {
            Ok(day) => Some(first_instant(self.zone, day.and_time(NaiveTime::MIN))),
            Err(_) => Timestamp::parse(told).ok(),
        }
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
    /// What is told of what ends, by its name and then by order; those of no order stand under an empty text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    ends: BTreeMap<String, BTreeMap<String, String>>,
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
    /// What ends, by its name, as attributes tell it or [`CareRecordView::with_end`].
    pub ends: Vec<CareEnd>,
    /// What attributes tell of what ends that cannot be read, with its name.
    pub unreadable_ends: Vec<(String, String)>,
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
        &self.projection
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut CareRecordState, event: &EventView<'_>) {
        for (name, attribute) in &self.ends {
            let Some(value) = event.attribute(attribute) else { continue };
            let order = event.order().unwrap_or_default().to_owned();
            let told = text_of(value, |at| at.to_string());
            state.ends.entry(name.clone()).or_default().insert(order, told);
        }
        match event.kind() {
            EventKind::Registered | EventKind::ProfileChanged => {
                let day = |at: Timestamp| at.to_chrono().date_naive().to_string();
                let told = event.attribute(&self.attribute).map(|value| text_of(value, day));
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
        let mut view = CareRecordView {
            birthday,
            unreadable_birthday: state.birthday.clone().filter(|_| birthday.is_none()),
            purchases: purchases.filter_map(start).collect(),
            deliveries,
            contacts: state.contacts.clone(),
            ends: Vec::new(),
            unreadable_ends: Vec::new(),
        };
        let told = state.ends.iter().flat_map(|(name, of)| of.values().map(move |told| (name, told)));
        for (name, told) in told {
            match self.end(told) {
                Some(at) => view = view.with_end(name, at),
                None => view.unreadable_ends.push((name.clone(), told.clone())),
            }
        }
        view
    }

    fn holds_until(&self, _state: &CareRecordState, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

/// A value of an attribute as a text; of an instant, what is made of it.
fn text_of(value: AttributeValue, instant: impl Fn(Timestamp) -> String) -> String {
    match value {
        AttributeValue::Text(text) => text,
        AttributeValue::Time(at) => instant(at),
        other => format!("{other:?}"),
    }
}
