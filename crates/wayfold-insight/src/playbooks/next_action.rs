use serde::Serialize;
use wayfold_core::{BehaviourClass, CustomerView, EventId, LifecycleStage, MoneySum, Span, Timestamp};

use super::contact_history::{ContactHistoryView, DoneView};
use super::{ActionKind, ConsentRule, Playbook, PlaybookAction, Playbooks};

/// What to do next for a customer (下一步最佳行动), and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextAction {
    /// The version of the playbooks.
    pub version: u32,
    /// What to do; `None` if nothing is left to do for now.
    pub action: Option<SuggestedAction>,
    /// On what it rests.
    pub figures: ActionFigures,
    /// What would have come before, and why it is left out, in the order of the playbooks.
    pub passed_over: Vec<PassedOver>,
    /// The last microsecond up to which this stays as it is without a new event; `None` for ever. It may well stay so
    /// longer: ask again then.
    pub holds_until: Option<Timestamp>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuggestedAction {
    /// Of which playbook.
    pub playbook: String,
    /// In which version.
    pub playbook_version: u32,
    /// What the playbook is for.
    pub goal: String,
    /// What kind of thing it is.
    pub kind: ActionKind,
    /// Its name.
    pub name: String,
    /// Why the playbook is for this customer, in a sentence.
    pub reason: String,
}

/// What a customer's next action rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionFigures {
    /// The stage of the lifecycle.
    pub stage: LifecycleStage,
    /// The class of behaviour.
    pub class: Option<BehaviourClass>,
    /// How many purchases.
    pub purchases: u32,
    /// The last of them.
    pub last_purchase_at: Option<Timestamp>,
    /// Net value by currency.
    pub net: Vec<MoneySum>,
}

/// An action of a playbook that is for a customer and not suggested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// Of which playbook.
    pub playbook: String,
    /// Which one; `None` of the whole playbook.
    pub action: Option<String>,
    /// Why.
    pub why: WhyNot,
}

/// Why something is not suggested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// It was done.
    Done {
        /// When.
        at: Timestamp,
        /// By which event that is known.
        event: EventId,
        /// From when on it is suggested again; never if there is none.
        again_at: Option<Timestamp>,
    },
    /// The customer did not consent to the purpose.
    NoConsent {
        /// To what.
        purpose: String,
    },
    /// The customer withdrew its consent.
    ConsentWithdrawn {
        /// To what.
        purpose: String,
        /// When.
        at: Timestamp,
        /// By which event.
        event: EventId,
    },
    /// The customer is left out so that the effect can be measured.
    HeldOut {
        /// The name of the hold-out.
        group: String,
    },
}

impl Playbook {
    /// Says for which customers it is.
    fn is_for(&self, figures: &ActionFigures) -> bool {
        (self.stages.is_empty() || self.stages.contains(&figures.stage))
            && (self.classes.is_empty() || figures.class.is_some_and(|class| self.classes.contains(&class)))
    }

    /// Why it is for a customer.
    fn reason(&self, figures: &ActionFigures) -> String {
        let of_class = figures.class.filter(|_| !self.classes.is_empty());
        let of_stage = Some(figures.stage).filter(|_| !self.stages.is_empty());
        let why = match (of_stage, of_class) {
            (Some(stage), Some(class)) => format!("the stage is {stage} and the class {class}"),
            (Some(stage), None) => format!("the stage is {stage}"),
            (None, Some(class)) => format!("the class is {class}"),
            (None, None) => "it is for everybody".to_owned(),
        };
        let last = figures.last_purchase_at.map(|at| format!(", the last on {at}"));
        let purchases = if figures.purchases == 1 { "purchase" } else { "purchases" };
        format!("{why}, with {} {purchases}{}", figures.purchases, last.unwrap_or_default())
    }
}

/// Why something that was done is not to be done again as of an instant.
fn done(done: Option<&DoneView>, again_after_days: Option<u32>, as_of: Timestamp) -> Option<WhyNot> {
    let done = done?;
    let again_at = again_after_days.map(|days| done.last_at + Span::from_days(days));
    again_at.is_none_or(|again_at| as_of < again_at).then_some(WhyNot::Done {
        at: done.last_at,
        event: done.event,
        again_at,
    })
}

impl Playbooks {
    /// What to do next for a customer: the first action, of the first playbook that is for it, that is not done, not
    /// forbidden and not held out.
    ///
    /// View and history are those of one customer as of one instant. An action counts as done for so many days of 24 hours
    /// as it says, and may be done again from then on, to the microsecond.
    pub fn next_action(&self, view: &CustomerView, history: &ContactHistoryView) -> NextAction {
        let figures = ActionFigures {
            stage: view.lifecycle.stage,
            class: view.segment.class,
            purchases: view.lifecycle.purchases,
            last_purchase_at: view.lifecycle.last_purchase_at,
            net: view.value.currencies.iter().map(|of| of.net).collect(),
        };
        let mut passed_over = Vec::new();
        let mut action = None;
        for playbook in self.playbooks.iter().filter(|playbook| playbook.is_for(&figures)) {
            let pass = |action: Option<&PlaybookAction>, why| PassedOver {
                playbook: playbook.name.clone(),
                action: action.map(|action| action.name.clone()),
                why,
            };
            if let Some(why) = self.why_not_playbook(playbook, view, history) {
                passed_over.push(pass(None, why));
                continue;
            }
            let mut free = None;
            for candidate in &playbook.actions {
                match self.why_not(candidate, view.as_of, history) {
                    Some(why) => passed_over.push(pass(Some(candidate), why)),
                    None => {
                        free = Some(candidate);
                        break;
                    }
                }
            }
            if let Some(free) = free {
                action = Some(SuggestedAction {
                    playbook: playbook.name.clone(),
                    playbook_version: playbook.version,
                    goal: playbook.goal.clone(),
                    kind: free.kind,
                    name: free.name.clone(),
                    reason: playbook.reason(&figures),
                });
                break;
            }
        }
        let again = passed_over.iter().filter_map(|of| match of.why {
            WhyNot::Done { again_at, .. } => again_at.map(Timestamp::previous),
            _ => None,
        });
        let holds_until = again.chain(view.holds_until).min();
        NextAction { version: self.version, action, figures, passed_over, holds_until }
    }

    /// Why nothing of a playbook is suggested.
    fn why_not_playbook(
        &self,
        playbook: &Playbook,
        view: &CustomerView,
        history: &ContactHistoryView,
    ) -> Option<WhyNot> {
        if let Some(group) = playbook.hold_out.as_ref().filter(|group| group.holds(&view.key)) {
            return Some(WhyNot::HeldOut { group: group.name().to_owned() });
        }
        let applied = history.last(ActionKind::Strategy, &playbook.name);
        done(applied, Some(playbook.rest_days), view.as_of)
    }

    /// Why an action is not suggested.
    fn why_not(
        &self,
        action: &PlaybookAction,
        as_of: Timestamp,
        history: &ContactHistoryView,
    ) -> Option<WhyNot> {
        if let Some(purpose) = &action.purpose {
            match history.consents.get(purpose) {
                Some(said) if said.is_given => {}
                Some(said) => {
                    let (purpose, at, event) = (purpose.clone(), said.since, said.event);
                    return Some(WhyNot::ConsentWithdrawn { purpose, at, event });
                }
                None if self.consent == ConsentRule::NotWithdrawn => {}
                None => return Some(WhyNot::NoConsent { purpose: purpose.clone() }),
            }
        }
        done(history.last(action.kind, &action.name), action.again_after_days, as_of)
    }
}
