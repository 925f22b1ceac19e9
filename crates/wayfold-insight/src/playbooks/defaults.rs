//! The strategies of the business texts.

use std::collections::BTreeSet;

use wayfold_core::{BehaviourClass, LifecycleStage};

use super::contact_history::MARKETING;
use super::{ActionKind, ConsentRule, Playbook, PlaybookAction, Playbooks};

/// An action that advertises, and is done again after so many days.
fn advertised(kind: ActionKind, name: &str, days: u32) -> PlaybookAction {
    PlaybookAction { purpose: Some(MARKETING.to_owned()), ..served(kind, name, days) }
}

/// An action that serves, for which nobody has to be asked.
fn served(kind: ActionKind, name: &str, days: u32) -> PlaybookAction {
    PlaybookAction { name: name.to_owned(), kind, again_after_days: Some(days), purpose: None }
}

fn once(action: PlaybookAction) -> PlaybookAction {
    PlaybookAction { again_after_days: None, ..action }
}

fn playbook(name: &str, goal: &str, actions: Vec<PlaybookAction>) -> Playbook {
    Playbook {
        name: name.to_owned(),
        version: 1,
        goal: goal.to_owned(),
        stages: BTreeSet::new(),
        classes: BTreeSet::new(),
        rest_days: 0,
        hold_out: None,
        actions,
    }
}

fn of_stages<const N: usize>(stages: [LifecycleStage; N], playbook: Playbook) -> Playbook {
    Playbook { stages: stages.into(), ..playbook }
}

fn of_classes<const N: usize>(classes: [BehaviourClass; N], playbook: Playbook) -> Playbook {
    Playbook { classes: classes.into(), ..playbook }
}

impl Default for Playbooks {
    /// Who has left comes before who may leave, and classes of behaviour, which say more, before the other stages. Customers
    /// who were won back are served as first-time ones.
    fn default() -> Self {
        use ActionKind::{Care, Message, Offer, Owner, RetentionOffer, Strategy};
        use BehaviourClass as Class;
        use LifecycleStage as Stage;
        let churned = of_stages(
            [Stage::Churned],
            playbook(
                "win_back",
                "to win back who has left",
                vec![
                    served(Care, "what drove you away", 365),
                    advertised(RetentionOffer, "win_back_offer", 180),
                    served(Care, "personal service", 180),
                ],
            ),
        );
        let at_risk = of_classes(
            [Class::AtRisk],
            playbook(
                "keep",
                "to be in touch before they leave",
                vec![served(Care, "what is missing", 90), advertised(Offer, "stay_offer", 180)],
            ),
        );
        let newcomers = of_classes(
            [Class::Newcomer],
            playbook(
                "welcome",
                "to make newcomers feel at home",
                vec![
                    once(served(Care, "welcome gift", 0)),
                    once(served(Care, "guidance and support", 0)),
                    once(advertised(Offer, "first_purchase_offer", 0)),
                ],
            ),
        );
        let low_frequency_high_value = of_classes(
            [Class::LowFrequencyHighValue],
            playbook(
                "success_manager",
                "to become high-frequency",
                vec![
                    once(served(Owner, "success manager", 0)),
                    served(Care, "advice before buying", 90),
                    served(Care, "after-sales care", 180),
                    advertised(Message, "upgrade advice", 180),
                ],
            ),
        );
        let frequent = of_classes(
            [Class::HighFrequency, Class::HighValue],
            playbook(
                "club",
                "to keep and develop frequent buyers",
                vec![
                    once(advertised(Message, "membership", 0)),
                    once(served(Strategy, "priority delivery", 0)),
                    served(Care, "return visit and feedback", 180),
                    advertised(Message, "recommendations", 30),
                    advertised(Offer, "members_discount", 90),
                ],
            ),
        );
        let returning = of_stages(
            [Stage::Repeat, Stage::Loyal],
            playbook(
                "membership",
                "to bind by membership and points",
                vec![once(advertised(Message, "membership", 0)), advertised(Offer, "double_points", 90)],
            ),
        );
        let first_time = of_stages(
            [Stage::FirstTime, Stage::WonBack],
            playbook(
                "good_start",
                "to convince by quality and service",
                vec![
                    once(served(Care, "how is the product", 0)),
                    once(served(Care, "how was the service", 0)),
                ],
            ),
        );
        let prospects = of_stages(
            [Stage::Prospect],
            playbook(
                "attract",
                "to make buyers of prospects",
                vec![
                    once(advertised(Message, "introduction", 0)),
                    advertised(Offer, "first_purchase_offer", 90),
                ],
            ),
        );
        let playbooks = vec![
            churned,
            at_risk,
            newcomers,
            low_frequency_high_value,
            frequent,
            returning,
            first_time,
            prospects,
        ];
        Self { version: 1, consent: ConsentRule::default(), playbooks }
    }
}
