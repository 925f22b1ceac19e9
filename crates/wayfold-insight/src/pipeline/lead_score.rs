use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wayfold_core::{AttributeValue, CustomerAt, EventKind, EventView, Projection, Span, Timestamp};

use crate::error::{Error, ErrorKind, Result};

/// Folds what is known of a lead into a score (线索评估): fit, ability and intent, each the sum of its factors' points,
/// with the factors that made it.
///
/// Points for events fade: they are halved, and cut to whole points, for every half-life that has passed. Points for what
/// the profile says stay while it says so. Its fields are named by the rules, such as `lead_b2b.total`.
///
/// ```
/// use wayfold_core::{
///     AttributeName, CustomerKey, DemoAttended, EventBatch, EventId, Fold, JourneyEvent, ProfileChanged, ProjectionSet, Rules,
///     Timestamp,
/// };
/// use wayfold_insight::{LeadRules, LeadScore};
///
/// let rules: LeadRules = serde_json::from_str(r#"{"name": "b2b", "version": 1, "factors": [
///     {"name": "our industry", "part": "fit", "points": 30, "evidence": {"attribute": {"name": "industry", "is": ["retail"]}}},
///     {"name": "saw a demo", "part": "intent", "points": 40,
///         "evidence": {"events": {"kind": "demo_attended", "counted_max": 2, "half_life_days": 30}}}
/// ]}"#)?;
/// let mut projections = ProjectionSet::new(Rules::default())?;
/// let score = projections.register(LeadScore::new(rules)?)?;
///
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-03-01")?);
/// let profile = JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, ProfileChanged {})
///     .with_attribute(AttributeName::new("industry")?, "retail");
/// let demo = JourneyEvent::new(EventId::from_u128(2), ada.clone(), at, DemoAttended {});
/// let mut fold = Fold::new(&projections);
/// let _ = fold.apply(&[EventBatch::from_events(&[profile, demo])?]);
///
/// let total = |at| -> wayfold_core::Result<i64> {
///     Ok(fold.own_view(score, &ada, Timestamp::parse(at)?)?.expect("ada is known").total)
/// };
/// assert_eq!(total("2024-03-30")?, 70);
/// assert_eq!(total("2024-03-31")?, 50);
/// assert_eq!(total("2034-03-01")?, 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadScore {
    name: String,
    rules: LeadRules,
    kinds: Vec<Option<EventKind>>,
}

/// What makes a score, as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadRules {
    /// By which the score's fields are named.
    pub name: String,
    /// Counts up when the rules change.
    pub version: u32,
    /// What gives points.
    pub factors: Vec<LeadFactor>,
}

/// Something that gives points, or takes some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadFactor {
    /// How people name it.
    pub name: String,
    /// What it speaks for.
    pub part: LeadPart,
    /// How many points, for each event that counts or once for the profile.
    pub points: i64,
    /// What shows it.
    pub evidence: LeadEvidence,
}

/// The parts of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadPart {
    /// How well the customer fits.
    Fit,
    /// Whether the customer is able to buy.
    Ability,
    /// Whether the customer intends to buy.
    Intent,
}

/// What shows a factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LeadEvidence {
    /// The newest text of an attribute of `profile_changed`, if it is one of these.
    Attribute {
        /// The attribute.
        name: String,
        /// The texts that count.
        is: BTreeSet<String>,
    },
    /// Events of a kind, the newest first.
    Events {
        /// The name of the kind, such as `demo_attended`.
        kind: String,
        /// How many count at most.
        counted_max: u32,
        /// In how many days points are halved; never where there is none.
        half_life_days: Option<u32>,
    },
}

/// What is kept of a lead: by factor, when its newest events happened, the oldest first, or since when the profile says
/// so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeadScoreState(Vec<Vec<Timestamp>>);

/// A lead's score as of an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeadScoreView {
    /// How well the customer fits.
    pub fit: i64,
    /// Whether the customer is able to buy.
    pub ability: i64,
    /// Whether the customer intends to buy.
    pub intent: i64,
    /// The sum of the three.
    pub total: i64,
    /// The factors that gave or took points, in the order of the rules.
    pub reasons: Vec<LeadReason>,
}

/// A factor that gave or took points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeadReason {
    /// The factor's name.
    pub factor: String,
    /// What it speaks for.
    pub part: LeadPart,
    /// How many points are left of it.
    pub points: i64,
    /// How many events they come from; none for the profile.
    pub events: u32,
    /// When the last of them happened, or since when the profile says so.
    pub last_at: Timestamp,
}

impl LeadScore {
    /// Takes the rules.
    ///
    /// # Errors
    /// `InvalidParameter` if there is no factor, a name comes twice, a kind is unknown, no event is counted or more than a
    /// thousand, a half-life is zero, or points are beyond a billion.
    pub fn new(rules: LeadRules) -> Result<Self> {
        let refuse = |message: String| Err(Error::new(ErrorKind::InvalidParameter, message));
        if rules.factors.is_empty() {
            return refuse(format!("lead rules {:?} without a factor", rules.name));
        }
        let mut kinds = Vec::new();
        for (place, factor) in rules.factors.iter().enumerate() {
            if rules.factors[..place].iter().any(|known| known.name == factor.name) {
                return refuse(format!("factor {:?} comes twice", factor.name));
            }
            if factor.points.unsigned_abs() > 1_000_000_000 {
                return refuse(format!("factor {:?} gives {} points", factor.name, factor.points));
            }
            kinds.push(match &factor.evidence {
                LeadEvidence::Attribute { .. } => None,
                LeadEvidence::Events { kind, counted_max, half_life_days } => {
                    if !(1..=1_000).contains(counted_max) || *half_life_days == Some(0) {
                        return refuse(format!(
                            "factor {:?} counts {counted_max} events with a half-life of {half_life_days:?} days",
                            factor.name
                        ));
                    }
                    let known = EventKind::from_name(kind);
                    if known.is_none() {
                        return refuse(format!("factor {:?} is shown by {kind:?}, which is no kind", factor.name));
                    }
                    known
                }
            });
        }
        Ok(Self { name: format!("lead_{}", rules.name), rules, kinds })
    }

    /// What is left of a factor's points for an event, and the last instant at which so much is left.
    fn left(factor: &LeadFactor, happened: Timestamp, as_of: Timestamp) -> (i64, Option<Timestamp>) {
        let LeadEvidence::Events { half_life_days: Some(days), .. } = &factor.evidence else {
            return (factor.points, None);
        };
        let half_life = Span::from_days(*days).as_micros();
        let halvings = as_of.since(happened).as_micros().max(0) / half_life;
        // A billion is nothing after 30 halvings.
        if halvings >= 30 {
            return (0, None);
        }
        let next = happened + Span::from_micros((halvings + 1) * half_life);
        (factor.points / (1 << halvings), Some(next.previous()))
    }
}

impl Projection for LeadScore {
    type State = LeadScoreState;
    type View = LeadScoreView;

    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        self.rules.version
    }

    fn evolve(&self, state: &mut LeadScoreState, event: &EventView<'_>) {
        state.0.resize_with(self.rules.factors.len(), Vec::new);
        for ((factor, kind), known) in self.rules.factors.iter().zip(&self.kinds).zip(&mut state.0) {
            match &factor.evidence {
                LeadEvidence::Attribute { name, is } if event.kind() == EventKind::ProfileChanged => {
                    let says_so = match event.attribute(name) {
                        None => continue,
                        Some(AttributeValue::Text(text)) => is.contains(&text),
                        Some(_) => false,
                    };
                    if !says_so {
                        known.clear();
                    } else if known.is_empty() {
                        known.push(event.occurred_at());
                    }
                }
                LeadEvidence::Events { counted_max, .. } if *kind == Some(event.kind()) => {
                    if known.len() == *counted_max as usize {
                        known.remove(0);
                    }
                    known.push(event.occurred_at());
                }
                _ => {}
            }
        }
    }

    fn view(&self, state: &LeadScoreState, customer: &CustomerAt<'_>) -> LeadScoreView {
        let reason = |(factor, known): (&LeadFactor, &Vec<Timestamp>)| {
            let left = known.iter().map(|at| Self::left(factor, *at, customer.as_of()).0);
            let (points, is_event) = (left.sum(), matches!(factor.evidence, LeadEvidence::Events { .. }));
            let events = if is_event { known.len() as u32 } else { 0 };
            let last_at = *known.last()?;
            Some(LeadReason { factor: factor.name.clone(), part: factor.part, points, events, last_at })
        };
        let reasons = self.rules.factors.iter().zip(&state.0).filter_map(reason);
        let reasons: Vec<_> = reasons.filter(|reason| reason.points != 0).collect();
        let of = |part| reasons.iter().filter(|reason| reason.part == part).map(|reason| reason.points).sum();
        let (fit, ability, intent): (i64, i64, i64) =
            (of(LeadPart::Fit), of(LeadPart::Ability), of(LeadPart::Intent));
        LeadScoreView { fit, ability, intent, total: fit + ability + intent, reasons }
    }

    fn holds_until(&self, state: &LeadScoreState, customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let all = self.rules.factors.iter().zip(&state.0);
        all.flat_map(|(factor, known)| known.iter().map(move |at| Self::left(factor, *at, customer.as_of())))
            .filter_map(|(_, until)| until)
            .min()
    }
}
