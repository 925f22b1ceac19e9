use std::ops::Range;

use serde::{Deserialize, Serialize};
use wayfold_core::{Amount, Currency, CustomerKey, EventKind, EventView, History, Timestamp};

use crate::campaigns::campaign_of;
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Measure, Tally, amount};
use crate::placed::placed;

/// What is done to customers, and leaves an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// A message or offer of a campaign.
    Campaign(String),
    /// An offer of a kind.
    Offer(String),
    /// An offer to stay.
    RetentionOffer(String),
    /// A strategy, by the name of its playbook.
    Playbook(String),
}

impl Treatment {
    fn is_applied_by(&self, event: &EventView<'_>) -> bool {
        let kind = event.kind();
        match self {
            Self::Campaign(name) => {
                matches!(kind, EventKind::MessageSent | EventKind::OfferIssued)
                    && campaign_of(event) == Some(name)
            }
            Self::Offer(name) => kind == EventKind::OfferIssued && event.text("offer_kind") == Some(name),
            Self::RetentionOffer(name) => {
                kind == EventKind::RetentionOfferMade && event.text("offer") == Some(name)
            }
            Self::Playbook(name) => {
                kind == EventKind::StrategyApplied && event.text("playbook") == Some(name)
            }
        }
    }
}

/// Measures what customers did after a treatment, or without it: whom it reached, who bought, and for how much.
///
/// - Who has an event before the enrolment takes part. Others are not known to have been there to be treated.
/// - The treatment reached whom it was applied to during the enrolment.
/// - Purchases placed in the observed time count, with their amounts in the currency less refunds that name them.
///
/// Both ranges hold their first instant and not their last. Against a hold-out, observe from the beginning of the enrolment.
/// Where there is none, observe from its end: who bought before being treated would else look like an effect (a landmark,
/// Anderson, Cain and Gelber 1983).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreatmentOutcomes {
    treatment: Treatment,
    enrolled: Range<Timestamp>,
    observed: Range<Timestamp>,
    currency: Currency,
}

/// What customers did, each of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutcomeTotal(Tally<CustomerOutcome>);

/// What one customer did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CustomerOutcome {
    /// Who.
    pub customer: CustomerKey,
    /// When the treatment first reached it.
    pub treated_at: Option<Timestamp>,
    /// How many purchases it made.
    pub purchases: u64,
    /// What they are worth: amounts less refunds.
    pub net: Amount,
}

impl TreatmentOutcomes {
    /// Takes the treatment, during which time customers are treated, when what they do counts, and in which currency.
    ///
    /// # Errors
    /// `InvalidParameter` if a range is empty, or the observed time begins before the enrolment.
    pub fn new(
        treatment: Treatment,
        enrolled: Range<Timestamp>,
        observed: Range<Timestamp>,
        currency: Currency,
    ) -> Result<Self> {
        if enrolled.is_empty() || observed.is_empty() || observed.start < enrolled.start {
            let message = format_args!(
                "treated from {} to {} and observed from {} to {}; each must end after it begins, and customers be \
                 observed no earlier than they are treated",
                enrolled.start, enrolled.end, observed.start, observed.end
            );
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        Ok(Self { treatment, enrolled, observed, currency })
    }
}

impl OutcomeTotal {
    /// What each customer did, by the bytes of their keys.
    pub fn outcomes(&self) -> Vec<CustomerOutcome> {
        self.0.iter().cloned().collect()
    }
}

impl Measure for TreatmentOutcomes {
    type Total = OutcomeTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut OutcomeTotal) {
        let events = history.events();
        if events[0].occurred_at() >= self.enrolled.start {
            return;
        }
        let treated = events.iter().find(|event| {
            self.enrolled.contains(&event.occurred_at()) && self.treatment.is_applied_by(event)
        });
        let (mut purchases, mut net) = (0, 0);
        for order in placed(history).iter().filter(|order| self.observed.contains(&order.placed_at)) {
            purchases += 1;
            if order.amount.currency == self.currency {
                net += order.net;
            }
        }
        let outcome = CustomerOutcome {
            customer: events[0].customer(),
            treated_at: treated.map(EventView::occurred_at),
            purchases,
            net: amount(net),
        };
        total.0.add(outcome, times);
    }

    fn merge(&self, total: &mut OutcomeTotal, other: OutcomeTotal) {
        total.0.merge(other.0);
    }
}
