use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerAt, EventId, EventKind, EventView, Projection, Timestamp};

use super::ActionKind;
use crate::campaigns::campaign_of;

/// Folds what was done for a customer and what it consented to (联系记录): the newest of each.
///
/// What unsubscribes from messages withdraws consent to `marketing`.
#[derive(Debug, Clone, Copy)]
pub struct ContactHistory;

/// To what unsubscribing withdraws consent.
pub(super) const MARKETING: &str = "marketing";

/// What was done for a customer and what it consented to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactHistoryView {
    /// What was said last about each purpose.
    pub consents: BTreeMap<String, ConsentView>,
    /// What was done, by kind and name.
    pub done: BTreeMap<ActionKind, BTreeMap<String, DoneView>>,
}

/// What is kept of a customer: what its view shows.
pub type ContactHistoryState = ContactHistoryView;

/// What a customer said last about a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentView {
    /// Whether it consents.
    pub is_given: bool,
    /// Since when.
    pub since: Timestamp,
    /// By which event.
    pub event: EventId,
}

/// When something was last done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoneView {
    /// How often it was done.
    pub times: u64,
    /// When it was last done.
    pub last_at: Timestamp,
    /// By which event that is known.
    pub event: EventId,
}

impl ContactHistoryView {
    fn consent(&mut self, purpose: &str, is_given: bool, event: &EventView<'_>) {
        let said = ConsentView { is_given, since: event.occurred_at(), event: event.id() };
        match self.consents.get_mut(purpose) {
            // What is said again holds since it was said first.
            Some(known) if known.is_given == is_given => {}
            Some(known) => *known = said,
            None => {
                self.consents.insert(purpose.to_owned(), said);
            }
        }
    }

    /// When something was last done.
    pub fn last(&self, kind: ActionKind, name: &str) -> Option<&DoneView> {
        self.done.get(&kind)?.get(name)
    }
}

/// What an event says was done.
fn done<'a>(event: &EventView<'a>) -> Option<(ActionKind, &'a str)> {
    Some(match event.kind() {
        EventKind::MessageSent => (ActionKind::Message, campaign_of(event)?),
        EventKind::OfferIssued => (ActionKind::Offer, event.text("offer_kind")?),
        EventKind::RetentionOfferMade => (ActionKind::RetentionOffer, event.text("offer")?),
        EventKind::CareContacted => (ActionKind::Care, event.text("occasion")?),
        EventKind::OwnerAssigned => (ActionKind::Owner, event.text("role")?),
        EventKind::StrategyApplied => (ActionKind::Strategy, event.text("playbook")?),
        _ => return None,
    })
}

impl Projection for ContactHistory {
    type State = ContactHistoryState;
    type View = ContactHistoryView;

    fn name(&self) -> &str {
        "contact_history"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut ContactHistoryState, event: &EventView<'_>) {
        match event.kind() {
            EventKind::ConsentGiven => {
                state.consent(event.text("purpose").unwrap_or_default(), true, event);
            }
            EventKind::ConsentWithdrawn => {
                state.consent(event.text("purpose").unwrap_or_default(), false, event);
            }
            EventKind::MessageUnsubscribed => state.consent(MARKETING, false, event),
            _ => {}
        }
        if let Some((kind, name)) = done(event) {
            let (last_at, id) = (event.occurred_at(), event.id());
            let all = state.done.entry(kind).or_default();
            let times = all.get(name).map_or(0, |known| known.times) + 1;
            all.insert(name.to_owned(), DoneView { times, last_at, event: id });
        }
    }

    fn view(&self, state: &ContactHistoryState, _customer: &CustomerAt<'_>) -> ContactHistoryView {
        state.clone()
    }

    fn holds_until(&self, _state: &ContactHistoryState, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}
