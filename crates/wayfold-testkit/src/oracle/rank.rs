//! The causal rank and the stage of each kind, transcribed from the domain's table.

use std::collections::HashMap;
use std::sync::LazyLock;

use wayfold_core::{EventBody, JourneyEvent, Stage};

/// The rows of the domain's table: the stage, and the kinds in their order; custom comes last in its stage.
const TABLE: [(Option<Stage>, &[&str]); 8] = [
    (
        Some(Stage::Need),
        &[
            "lead_captured",
            "need_identified",
            "need_detailed",
            "lead_scored",
            "lead_qualified",
            "lead_disqualified",
            "lead_assigned",
            "lead_returned",
            "custom",
        ],
    ),
    (
        Some(Stage::Information),
        &[
            "information_gathered",
            "product_viewed",
            "search_made",
            "comparison_made",
            "review_read",
            "demo_attended",
            "event_attended",
            "custom",
        ],
    ),
    (
        Some(Stage::Decision),
        &[
            "cart_changed",
            "solution_proposed",
            "quote_issued",
            "quote_revised",
            "quote_accepted",
            "terms_negotiated",
            "objection_raised",
            "objection_resolved",
            "procurement_step_reached",
            "approval_requested",
            "approval_granted",
            "approval_rejected",
            "order_placed",
            "order_changed",
            "order_cancelled",
            "deal_lost",
            "custom",
        ],
    ),
    (
        Some(Stage::Delivery),
        &[
            "payment_received",
            "payment_failed",
            "order_confirmed",
            "shipped",
            "delivered",
            "delivery_accepted",
            "delivery_failed",
            "onboarded",
            "custom",
        ],
    ),
    (
        Some(Stage::AfterSales),
        &[
            "returned",
            "refunded",
            "exchanged",
            "ticket_opened",
            "ticket_answered",
            "ticket_resolved",
            "ticket_reopened",
            "complained",
            "renewed",
            "subscription_cancelled",
            "referral_made",
            "review_written",
            "custom",
        ],
    ),
    (
        None,
        &[
            "contact_made",
            "message_sent",
            "message_delivered",
            "message_opened",
            "message_clicked",
            "message_unsubscribed",
            "touchpoint_reached",
            "feedback_given",
            "feedback_classified",
            "feedback_answered",
            "feedback_result_told",
            "feedback_used",
            "survey_answered",
            "research_answered",
            "offer_issued",
            "offer_redeemed",
            "offer_expired",
            "points_earned",
            "points_redeemed",
            "points_expired",
            "points_reversed",
            "tier_changed",
            "membership_joined",
            "membership_left",
            "care_contacted",
            "retention_offer_made",
            "retention_offer_accepted",
            "retention_offer_declined",
            "recommendation_shown",
            "recommendation_taken",
            "community_joined",
            "community_left",
            "community_posted",
            "community_interacted",
            "strategy_applied",
            "custom",
        ],
    ),
    (None, &["event_retracted"]),
    (
        None,
        &[
            "registered",
            "profile_changed",
            "preference_stated",
            "identity_linked",
            "identity_unlinked",
            "account_joined",
            "account_left",
            "owner_assigned",
            "consent_given",
            "consent_withdrawn",
            "customer_erased",
        ],
    ),
];

/// Kinds that belong to a stage and never move a journey there: they close it or correct it.
const OUTCOMES: [&str; 4] = ["order_cancelled", "deal_lost", "returned", "refunded"];

/// The rank of a kind and its stage.
type Place = (usize, Option<Stage>);

/// Rank and stage by the name of a kind and, for custom kinds, the stage that the event states.
static PLACES: LazyLock<HashMap<(&'static str, Option<Stage>), Place>> = LazyLock::new(|| {
    let mut places = HashMap::new();
    let mut rank = 0;
    for (stage, names) in TABLE {
        for name in names {
            let stated = if *name == "custom" { stage } else { None };
            places.insert((*name, stated), (rank, stage));
            rank += 1;
        }
    }
    places
});

fn place(event: &JourneyEvent) -> Option<Place> {
    let stated = match &event.body {
        EventBody::Custom(custom) => custom.stage,
        _ => None,
    };
    PLACES.get(&(event.kind().name(), stated)).copied()
}

/// The place of an event's kind in the domain's table; kinds that the table lacks come after all others.
pub fn causal_rank(event: &JourneyEvent) -> usize {
    place(event).map_or(usize::MAX, |(rank, _)| rank)
}

/// The stage to which an event's kind belongs; `None` for neutral kinds, facts about the customer and kinds
/// that the table lacks.
pub fn stage_of(event: &JourneyEvent) -> Option<Stage> {
    place(event).and_then(|(_, stage)| stage)
}

/// Says whether an event closes or corrects its journey.
pub(super) fn is_outcome(event: &JourneyEvent) -> bool {
    OUTCOMES.contains(&event.kind().name())
}

/// The stage to which an event moves its journey, if it moves it.
pub(super) fn moves_to(event: &JourneyEvent) -> Option<Stage> {
    stage_of(event).filter(|_| !is_outcome(event))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use wayfold_core::EventKind;

    use super::*;

    #[test]
    fn table_names_every_kind_once_and_no_other() {
        let mut left: Vec<&str> = TABLE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let distinct: HashSet<&str> = left.iter().copied().filter(|name| *name != "custom").collect();
        assert_eq!(
            distinct.len() + 6,
            left.len(),
            "five stages and the neutral kinds hold a custom one each"
        );
        for kind in EventKind::ALL.iter().filter(|kind| **kind != EventKind::Unknown) {
            let found = left.iter().position(|name| *name == kind.name());
            left.remove(found.unwrap_or_else(|| panic!("the table lacks {}", kind.name())));
        }
        assert_eq!(left, Vec::<&str>::new());
    }

    #[test]
    fn rank_and_stage_agree_with_the_core() {
        let names: Vec<&str> = TABLE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let stages: Vec<Option<Stage>> =
            TABLE.iter().flat_map(|(stage, names)| names.iter().map(|_| *stage)).collect();
        for (rank, kind) in EventKind::ALL.iter().enumerate().filter(|(_, kind)| **kind != EventKind::Unknown)
        {
            assert_eq!((names[rank], stages[rank]), (kind.name(), kind.stage()));
            assert_eq!(usize::from(kind.rank()), rank);
            assert_eq!(kind.is_outcome(), OUTCOMES.contains(&kind.name()));
        }
    }
}
