//! Notices: what changed for a customer, at which instant, and by which events.
//!
//! The notices of a customer are a pure function of the events that are known and of an instant: each instant up to it
//! at which stage, class, journey or promise become another, in order. Equal sets of events give equal notices, in
//! whatever order they arrived. What becomes known later adds some and takes others back.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::fold::Membership;
use crate::key::{CustomerKey, EventId, JourneyKey, OrderId};
use crate::stage::Stage;
use crate::time::Timestamp;
use crate::view::{
    BehaviourClass, JourneysView, LifecycleStage, LifecycleView, Outcome, PromiseState, SegmentView,
};

/// Something that changed for a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Derived from everything below, so that the same fact has the same id whenever and by whomever it is told.
    pub id: NoticeId,
    /// For whom.
    pub customer: CustomerKey,
    /// The instant of the customer's time from which the change holds: an event's, or the one at which silence or a
    /// promise fell due.
    pub at: Timestamp,
    /// What became what.
    pub transition: Transition,
    /// The customer's events at that instant, in the order in which they are folded; empty if time alone made the
    /// change.
    pub causes: Vec<EventId>,
    /// The version of the rules.
    pub rules: String,
}

/// Identifies a notice: version 5, of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoticeId(pub Uuid);

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became what. `None` before: it was not there, or in none; after: likewise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Transition {
    /// The stage of the lifecycle; the first is entered with the first event.
    LifecycleStage {
        /// Before.
        from: Option<LifecycleStage>,
        /// After.
        to: LifecycleStage,
    },
    /// The class of behaviour that is left and entered.
    BehaviourClass {
        /// Before.
        from: Option<BehaviourClass>,
        /// After.
        to: Option<BehaviourClass>,
    },
    /// The stage that a journey is in.
    JourneyStage {
        /// Which journey.
        journey: JourneyKey,
        /// Before.
        from: Option<Stage>,
        /// After.
        to: Option<Stage>,
    },
    /// How a journey stands.
    JourneyOutcome {
        /// Which journey.
        journey: JourneyKey,
        /// Before.
        from: Option<Outcome>,
        /// After.
        to: Option<Outcome>,
    },
    /// How the promise of an order stands.
    Promise {
        /// Of which order.
        order: OrderId,
        /// Before.
        from: Option<PromiseState>,
        /// After; none if the order is cancelled.
        to: Option<PromiseState>,
    },
    /// Whether the customer belongs to a segment that is [watched](crate::ProjectionSet::watch); before its first event it
    /// does not.
    Membership {
        /// The name of the segment.
        segment: String,
        /// The version of its filter.
        version: u32,
        /// After; the opposite before.
        is_member: bool,
    },
}

impl fmt::Display for Notice {
    /// The customer, the instant and the transition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { customer, at, transition, .. } = self;
        write!(f, "{customer} at {at}: {transition}")
    }
}

impl fmt::Display for Transition {
    /// What changed, and from what to what, such as `lifecycle stage from prospect to first_time`; `none` for nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn word<T: fmt::Display>(word: &Option<T>) -> String {
            word.as_ref().map_or_else(|| "none".to_owned(), T::to_string)
        }
        let (what, from, to) = match self {
            Self::LifecycleStage { from, to } => ("lifecycle stage".to_owned(), word(from), to.to_string()),
            Self::BehaviourClass { from, to } => ("behaviour class".to_owned(), word(from), word(to)),
            Self::JourneyStage { journey, from, to } => {
                (format!("stage of journey {journey}"), word(from), word(to))
            }
            Self::JourneyOutcome { journey, from, to } => {
                (format!("outcome of journey {journey}"), word(from), word(to))
            }
            Self::Promise { order, from, to } => (format!("promise of order {order}"), word(from), word(to)),
            Self::Membership { segment, version, is_member } => {
                let side = |is_member| if is_member { "inside" } else { "outside" }.to_owned();
                (format!("segment {segment} version {version}"), side(!is_member), side(*is_member))
            }
        };
        write!(f, "{what} from {from} to {to}")
    }
}

/// What is told of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It holds.
    Fact(Notice),
    /// It was told before and does not hold, by what has become known since.
    Withdrawn(Notice),
}

impl fmt::Display for Told {
    /// The notice; behind `not any more, ` if it is withdrawn.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Withdrawn(_) = self {
            f.write_str("not any more, ")?;
        }
        self.notice().fmt(f)
    }
}

impl Told {
    /// The notice.
    pub fn notice(&self) -> &Notice {
        match self {
            Self::Fact(notice) | Self::Withdrawn(notice) => notice,
        }
    }
}

/// What notices are made of, at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    lifecycle: LifecycleStage,
    class: Option<BehaviourClass>,
    /// By key.
    journeys: Vec<(JourneyKey, (Option<Stage>, Outcome))>,
    /// By order.
    promises: Vec<(OrderId, PromiseState)>,
    /// In the order in which they are watched.
    memberships: Vec<Membership>,
}

impl Facts {
    pub(crate) fn new(
        lifecycle: &LifecycleView,
        segment: &SegmentView,
        journeys: JourneysView,
        memberships: Vec<Membership>,
    ) -> Self {
        let journey = |view: crate::view::JourneyView| (view.key, (view.stage, view.outcome));
        let promise = |view: crate::view::PromiseView| (view.order, view.state);
        Self {
            lifecycle: lifecycle.stage,
            class: segment.class,
            journeys: journeys.journeys.into_iter().map(journey).collect(),
            promises: journeys.promises.into_iter().map(promise).collect(),
            memberships,
        }
    }

    /// What is other than before, in a fixed order.
    fn since(&self, before: Option<&Self>) -> Vec<Transition> {
        let mut transitions = Vec::new();
        let (from, to) = (before.map(|facts| facts.lifecycle), self.lifecycle);
        if from != Some(to) {
            transitions.push(Transition::LifecycleStage { from, to });
        }
        let (from, to) = (before.and_then(|facts| facts.class), self.class);
        if from != to {
            transitions.push(Transition::BehaviourClass { from, to });
        }
        let journeys = before.map_or(&[][..], |facts| &facts.journeys);
        for_each_key(journeys, &self.journeys, |journey, before, after| {
            let (from, to) = (before.and_then(|(stage, _)| *stage), after.and_then(|(stage, _)| *stage));
            if from != to {
                transitions.push(Transition::JourneyStage { journey: journey.clone(), from, to });
            }
            let (from, to) = (before.map(|(_, outcome)| *outcome), after.map(|(_, outcome)| *outcome));
            if from != to {
                transitions.push(Transition::JourneyOutcome { journey: journey.clone(), from, to });
            }
        });
        let promises = before.map_or(&[][..], |facts| &facts.promises);
        for_each_key(promises, &self.promises, |order, from, to| {
            if from != to {
                let (from, to) = (from.copied(), to.copied());
                transitions.push(Transition::Promise { order: order.clone(), from, to });
            }
        });
        for (place, Membership { segment, version, is_member }) in self.memberships.iter().enumerate() {
            let was_member = before.is_some_and(|facts| facts.memberships[place].is_member);
            if was_member != *is_member {
                let (segment, version, is_member) = (segment.to_string(), *version, *is_member);
                transitions.push(Transition::Membership { segment, version, is_member });
            }
        }
        transitions
    }

    /// Notes each change since other facts of the same customer.
    pub(crate) fn note(&self, before: Option<&Self>, change: &ChangeAt<'_>, notices: &mut Vec<Notice>) {
        notices.extend(self.since(before).into_iter().map(|transition| change.notice(transition)));
    }
}

/// Calls with each key of two lists that are sorted by it, and what each list holds for it.
fn for_each_key<'a, K: Ord, V>(
    before: &'a [(K, V)],
    after: &'a [(K, V)],
    mut take: impl FnMut(&'a K, Option<&'a V>, Option<&'a V>),
) {
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return,
        };
        let old = if order.is_le() { before.next() } else { None };
        let new = if order.is_ge() { after.next() } else { None };
        let (key, _) = old.or(new).expect("one of the lists has a key");
        take(key, old.map(|(_, value)| value), new.map(|(_, value)| value));
    }
}

/// Where and by what facts changed.
pub(crate) struct ChangeAt<'a> {
    pub(crate) customer: &'a CustomerKey,
    pub(crate) at: Timestamp,
    pub(crate) causes: &'a [EventId],
    pub(crate) rules: &'a str,
}

impl ChangeAt<'_> {
    fn notice(&self, transition: Transition) -> Notice {
        /// The name space of the ids of notices.
        const SPACE: Uuid = Uuid::from_u128(0x0b7d_5ab2_77c1_4f0e_8f26_3c94_d21e_60a8);
        let content = (self.customer, self.at, &transition, self.causes, self.rules);
        let bytes = serde_json::to_vec(&content).expect("texts, numbers and ids are JSON");
        Notice {
            id: NoticeId(Uuid::new_v5(&SPACE, &bytes)),
            customer: self.customer.clone(),
            at: self.at,
            transition,
            causes: self.causes.to_vec(),
            rules: self.rules.to_owned(),
        }
    }
}
