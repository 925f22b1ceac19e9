mod period;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerAt, EventKind, EventView, Projection, Timestamp};

use self::period::starts;
use crate::error::{Error, ErrorKind, Result};

/// Folds a customer's points into its tier of a loyalty programme (会员等级).
///
/// Points that are earned in a period, less those reversed in it, qualify for a tier; redeemed and expired ones take
/// nothing away. A tier is reached at once, and lost at once if points of its period are
/// reversed. Else it is kept until the end of the period and through the next one; who has not
/// qualified for it again by the end of that falls by the programme's rule. Periods begin at midnight in the programme's
/// time zone, the first with the first points.
///
/// ```
/// use wayfold_core::{CustomerKey, EventBatch, EventId, Fold, JourneyEvent, PointsEarned, ProjectionSet, Rules, Timestamp};
/// use wayfold_insight::{Downgrade, QualificationPeriod, Tier, TierLedger, TierRules};
///
/// let rules = TierRules {
///     tiers: vec![Tier { name: "silver".into(), points_min: 100 }, Tier { name: "gold".into(), points_min: 300 }],
///     period: QualificationPeriod::CalendarYear,
///     downgrade: Downgrade::OneTier,
///     zone: "Asia/Shanghai".into(),
/// };
/// let mut projections = ProjectionSet::new(Rules::default())?;
/// let tiers = projections.register(TierLedger::new("club", 1, rules)?)?;
///
/// let ada = CustomerKey::new("ada")?;
/// let earned = PointsEarned { points: 320, reason: None };
/// let event = JourneyEvent::new(EventId::from_u128(1), ada.clone(), Timestamp::parse("2024-05-01")?, earned);
/// let mut fold = Fold::new(&projections);
/// let _ = fold.apply(&[EventBatch::from_events([&event])?]);
///
/// let tier = |at| -> wayfold_core::Result<_> {
///     Ok(fold.own_view(tiers, &ada, Timestamp::parse(at)?)?.expect("ada is known").tier)
/// };
/// // Gold through the year after; then one tier lower each year. A year begins at midnight in Shanghai.
/// assert_eq!(tier("2025-12-31T15:59:59Z")?.as_deref(), Some("gold"));
/// assert_eq!(tier("2025-12-31T16:00:00Z")?.as_deref(), Some("silver"));
/// assert_eq!(tier("2027-01-01")?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierLedger {
    name: String,
    version: u32,
    rules: TierRules,
    zone: Tz,
}

/// The tiers of a programme, and when they are won and lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRules {
    /// From the lowest.
    pub tiers: Vec<Tier>,
    /// In which time points qualify.
    pub period: QualificationPeriod,
    /// How far falls who has not qualified again.
    pub downgrade: Downgrade,
    /// The time zone in which periods begin, by its IANA name.
    pub zone: String,
}

/// A tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// How many points of a period it takes.
    pub points_min: i64,
}

/// In which time points qualify for a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualificationPeriod {
    /// From 1 January to 31 December.
    CalendarYear,
    /// A year from the day of the first points to the day before its anniversary; that of 29 February is 1 March in other
    /// years.
    MembershipYear,
}

/// How far falls who has not qualified again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Downgrade {
    /// To the next lower tier, or to the one for which the points suffice, if that is higher.
    OneTier,
    /// To the one for which the points suffice.
    ToQualified,
}

/// A customer's tier as of an instant, and the periods that it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TierView {
    /// The tier; none below the lowest.
    pub tier: Option<String>,
    /// The next higher tier, and how many points of this period are missing.
    pub next: Option<(String, i128)>,
    /// All periods since the first points; the last one goes on.
    pub periods: Vec<TierPeriod>,
}

/// A period, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TierPeriod {
    /// Its first instant.
    pub from: Timestamp,
    /// Its last microsecond.
    pub until: Timestamp,
    /// The tier that was kept from the period before.
    pub kept: Option<String>,
    /// The points that qualify.
    pub points: i128,
    /// The tier for which they suffice.
    pub qualified: Option<String>,
}

impl TierLedger {
    /// Takes the programme, by which the projection is named, and the version of its rules, which counts up when they
    /// change.
    ///
    /// # Errors
    /// `InvalidParameter` if there is no tier, points do not rise from tier to tier from above zero, a name comes twice, or
    /// the time zone is unknown.
    pub fn new(programme: &str, version: u32, rules: TierRules) -> Result<Self> {
        let refuse = |message: String| Err(Error::new(ErrorKind::InvalidParameter, message));
        let Ok(zone) = rules.zone.parse::<Tz>() else {
            return refuse(format!("{:?} is no time zone; write one such as Europe/Berlin", rules.zone));
        };
        if rules.tiers.is_empty() {
            return refuse("a programme without a tier".to_owned());
        }
        let mut least = 0;
        for (place, tier) in rules.tiers.iter().enumerate() {
            if tier.points_min <= least {
                return refuse(format!("tier {:?} takes no more points than {least}", tier.name));
            }
            if rules.tiers[..place].iter().any(|lower| lower.name == tier.name) {
                return refuse(format!("tier {:?} comes twice", tier.name));
            }
            least = tier.points_min;
        }
        Ok(Self { name: format!("tier_{programme}"), version, rules, zone })
    }

    /// How many tiers points suffice for, from the lowest.
    fn qualified(&self, points: i128) -> usize {
        self.rules.tiers.partition_point(|tier| i128::from(tier.points_min) <= points)
    }

    /// The name of the highest of so many tiers.
    fn tier(&self, level: usize) -> Option<String> {
        level.checked_sub(1).map(|place| self.rules.tiers[place].name.clone())
    }

    /// How many tiers are kept into the next period.
    fn kept(&self, held: usize, qualified: usize) -> usize {
        match self.rules.downgrade {
            _ if qualified >= held => qualified,
            Downgrade::OneTier => qualified.max(held - 1),
            Downgrade::ToQualified => qualified,
        }
    }
}

/// Points that qualify, or less than none, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierPoints {
    at: Timestamp,
    points: i64,
}

impl Projection for TierLedger {
    type State = Vec<TierPoints>;
    type View = TierView;

    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn evolve(&self, state: &mut Vec<TierPoints>, event: &EventView<'_>) {
        let points = event.integer("points").unwrap_or_default();
        let points = match event.kind() {
            EventKind::PointsEarned => points,
            EventKind::PointsReversed => points.saturating_neg(),
            _ => return,
        };
        state.push(TierPoints { at: event.occurred_at(), points });
    }

    fn view(&self, state: &Vec<TierPoints>, customer: &CustomerAt<'_>) -> TierView {
        let mut view = TierView { tier: None, next: None, periods: Vec::new() };
        let Some(first) = state.first() else { return view };
        let mut starts = starts(self.rules.period, self.zone, first.at).peekable();
        let (mut rest, mut kept) = (state.as_slice(), 0);
        while let Some(from) = starts.next().filter(|from| *from <= customer.as_of()) {
            let until = starts.peek().map_or(Timestamp::MAX, |next| next.previous());
            let (now, later) = rest.split_at(rest.partition_point(|of| of.at <= until));
            rest = later;
            let points = now.iter().map(|of| i128::from(of.points)).sum();
            let qualified = self.qualified(points);
            let held = qualified.max(kept);
            view.periods.push(TierPeriod {
                from,
                until,
                kept: self.tier(kept),
                points,
                qualified: self.tier(qualified),
            });
            view.tier = self.tier(held);
            view.next = self
                .rules
                .tiers
                .get(held)
                .map(|tier| (tier.name.clone(), i128::from(tier.points_min) - points));
            kept = self.kept(held, qualified);
        }
        view
    }

    fn holds_until(&self, state: &Vec<TierPoints>, customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let first = state.first()?;
        let next = starts(self.rules.period, self.zone, first.at).find(|start| *start > customer.as_of())?;
        Some(next.previous())
    }
}
