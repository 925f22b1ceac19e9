//! Strategies (客户策略) as data, and what they suggest to do next for a customer.

mod contact_history;
mod defaults;
mod next_action;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wayfold_core::{BehaviourClass, LifecycleStage};

pub use self::contact_history::{
    ConsentView, ContactHistory, ContactHistoryState, ContactHistoryView, DoneView,
};
pub use self::next_action::{ActionFigures, NextAction, PassedOver, SuggestedAction, WhyNot};
use crate::effect::HoldOutGroup;
use crate::error::{Error, ErrorKind, Result};

/// Playbooks under one version, the most urgent first.
///
/// The default has those of the business texts: of each stage of the lifecycle and each class of behaviour. What they ask
/// consent for is the purpose `marketing`.
///
/// ```
/// use wayfold_core::{
///     ConsentGiven, CustomerKey, EventBatch, EventId, Fold, JourneyEvent, ProjectionSet, Registered, Rules, Timestamp,
/// };
/// use wayfold_insight::{ContactHistory, Playbooks};
///
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-03-01")?);
/// let mut projections = ProjectionSet::new(Rules::default())?;
/// let contacts = projections.register(ContactHistory)?;
/// let mut fold = Fold::new(&projections);
/// let registered = JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, Registered {});
/// let consent = ConsentGiven { purpose: "marketing".into() };
/// let consent = JourneyEvent::new(EventId::from_u128(2), ada.clone(), at, consent);
/// let _ = fold.apply(&[EventBatch::from_events(&[registered, consent])?]);
///
/// let view = fold.view(&ada, at)?.expect("ada is known");
/// let history = fold.own_view(contacts, &ada, at)?.expect("ada is known");
/// let next = Playbooks::default().next_action(&view, &history);
/// let action = next.action.expect("prospects are attracted");
/// assert_eq!((action.playbook.as_str(), action.name.as_str()), ("attract", "introduction"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbooks {
    /// Counts up with every change, and is cited by what is suggested.
    pub version: u32,
    /// Whether an action that needs consent takes one that was given, or only none that was withdrawn.
    pub consent: ConsentRule,
    /// The playbooks, the most urgent first.
    pub playbooks: Vec<Playbook>,
}

/// When a customer may be sent what needs consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentRule {
    /// Once consent was given, and until it is withdrawn.
    #[default]
    Given,
    /// Until it is withdrawn.
    NotWithdrawn,
}

/// What to do for customers of a stage or class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Its name, by which `strategy_applied` cites it.
    pub name: String,
    /// Counts up with every change.
    pub version: u32,
    /// What it is for.
    pub goal: String,
    /// For which stages of the lifecycle; for all if there is none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stages: BTreeSet<LifecycleStage>,
    /// For which classes of behaviour; for all if there is none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub classes: BTreeSet<BehaviourClass>,
    /// For how many days nothing of it is suggested after it was applied.
    #[serde(default)]
    pub rest_days: u32,
    /// Who is left out, so that its effect can be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_out: Option<HoldOutGroup>,
    /// What to do, the first thing first.
    pub actions: Vec<PlaybookAction>,
}

/// One thing to do for a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaybookAction {
    /// Its name: the campaign, kind of offer, offer to stay, occasion, role or playbook that events of it state.
    pub name: String,
    /// What kind of thing it is.
    pub kind: ActionKind,
    /// For how many days it is not suggested again after it was done; never again if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_after_days: Option<u32>,
    /// The purpose to which the customer must have consented; none is needed without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// What kind of thing is done, which says by what event it is known to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A message, known by `message_sent` of the campaign.
    Message,
    /// An offer, known by `offer_issued` of the kind.
    Offer,
    /// An offer to stay, known by `retention_offer_made`.
    RetentionOffer,
    /// A contact out of care, known by `care_contacted` of the occasion.
    Care,
    /// Somebody who looks after the customer, known by `owner_assigned` of the role.
    Owner,
    /// A whole strategy that leaves no other event, known by `strategy_applied` of a playbook of that name.
    Strategy,
}

impl Playbook {
    /// What it does in a line: what it is for, and its actions.
    ///
    /// ```
    /// use wayfold_core::LifecycleStage;
    /// use wayfold_insight::Playbooks;
    ///
    /// let playbooks = Playbooks::default();
    /// let attract = playbooks.of_stage(LifecycleStage::Prospect).expect("prospects are attracted");
    /// assert_eq!(attract.strategy(), "to make buyers of prospects: introduction, first purchase offer");
    /// ```
    pub fn strategy(&self) -> String {
        let names: Vec<String> = self.actions.iter().map(|action| action.name.replace('_', " ")).collect();
        format!("{}: {}", self.goal, names.join(", "))
    }
}

impl Playbooks {
    /// The first playbook for a stage of the lifecycle, whatever the class.
    pub fn of_stage(&self, stage: LifecycleStage) -> Option<&Playbook> {
        self.playbooks.iter().find(|playbook| playbook.classes.is_empty() && playbook.stages.contains(&stage))
    }

    /// The first playbook for a class of behaviour, whatever the stage. Dormant is who has churned.
    pub fn of_class(&self, class: BehaviourClass) -> Option<&Playbook> {
        let of_class = |playbook: &&Playbook| playbook.stages.is_empty() && playbook.classes.contains(&class);
        let churned = || self.of_stage(LifecycleStage::Churned).filter(|_| class == BehaviourClass::Dormant);
        self.playbooks.iter().find(of_class).or_else(churned)
    }

    /// Checks playbooks that were read or changed.
    ///
    /// # Errors
    /// `InvalidParameter` if a playbook's name comes twice, one has no action, or an action's kind and name come twice in it.
    pub fn validate(&self) -> Result<()> {
        let refuse = |message: std::fmt::Arguments<'_>| Err(Error::new(ErrorKind::InvalidParameter, message));
        for (place, playbook) in self.playbooks.iter().enumerate() {
            if self.playbooks[..place].iter().any(|known| known.name == playbook.name) {
                return refuse(format_args!("playbook {:?} comes twice", playbook.name));
            }
            if playbook.actions.is_empty() {
                return refuse(format_args!("playbook {:?} has no action", playbook.name));
            }
            for (place, action) in playbook.actions.iter().enumerate() {
                let is_same =
                    |known: &PlaybookAction| (known.kind, &known.name) == (action.kind, &action.name);
                if playbook.actions[..place].iter().any(is_same) {
                    return refuse(format_args!(
                        "action {:?} of playbook {:?} comes twice",
                        action.name, playbook.name
                    ));
                }
            }
        }
        Ok(())
    }
}
