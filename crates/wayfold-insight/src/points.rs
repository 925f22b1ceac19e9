mod account;

use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerAt, EventId, EventKind, EventView, Projection, Span, Timestamp};

use self::account::Account;
use crate::error::{Error, ErrorKind, Result};

/// Folds a customer's points (积分) into a ledger: pending, active, redeemed, expired, reversed, each balance explained by
/// its entries.
///
/// - Earned points are pending, and active from the rules' span after they were earned. They expire another span after
///   they were earned, where the rules name one; where they do not, events alone tell what expired.
/// - Redeemed points are taken from active ones, those that expire first first, the older of equals. Points that events
///   expire likewise.
/// - Reversed points are taken from pending ones first, the newest first, as a purchase that is undone is mostly young;
///   then as redeemed ones. Points given back are active at once, and valid anew.
/// - What is taken and not there is owed: active points are below zero then, and what becomes active settles it first.
/// - At one instant, points become active before others expire, and both before events.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventBody, EventId, Fold, JourneyEvent, PointsEarned, PointsRedeemed, ProjectionSet, Rules,
///     Span, Timestamp,
/// };
/// use wayfold_insight::{PointsLedger, PointsRules};
///
/// let ada = CustomerKey::new("ada")?;
/// let event = |id, at, body: EventBody| -> wayfold_core::Result<JourneyEvent> {
///     Ok(JourneyEvent::new(EventId::from_u128(id), ada.clone(), Timestamp::parse(at)?, body))
/// };
/// let events = [
///     event(1, "2024-01-01", PointsEarned { points: 50, reason: Some("order o1".into()) }.into())?,
///     event(2, "2024-02-01", PointsEarned { points: 30, reason: Some("order o2".into()) }.into())?,
///     event(3, "2024-03-01", PointsRedeemed { points: 20, reward: Some("coffee".into()) }.into())?,
/// ];
/// let rules = PointsRules { pending: Span::from_days(14), valid: Some(Span::from_days(365)) };
/// let mut projections = ProjectionSet::new(Rules::default())?;
/// let points = projections.register(PointsLedger::new("club", 1, rules)?)?;
/// let mut fold = Fold::new(&projections);
/// let _ = fold.apply(&[EventBatch::from_events(&events)?]);
///
/// let view = |at| fold.own_view(points, &ada, Timestamp::parse(at)?);
/// let now = view("2024-03-01")?.expect("ada is known");
/// assert_eq!((now.pending, now.active, now.redeemed), (0, 60, 20));
/// // What is left of the 50 expires after a year, the 30 a month later.
/// assert_eq!(view("2025-01-01")?.expect("ada is known").active, 30);
/// assert_eq!(view("2025-02-01")?.expect("ada is known").expired, 60);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsLedger {
    programme: String,
    version: u32,
    rules: PointsRules,
}

/// When points of a programme become active, and when they expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PointsRules {
    /// How long earned points are pending. Default: not at all.
    #[serde(rename = "pending_us")]
    pub pending: Span,
    /// How long after they were earned they expire. Default: never but by events.
    #[serde(rename = "valid_us", skip_serializing_if = "Option::is_none")]
    pub valid: Option<Span>,
}

impl PointsLedger {
    /// Takes the programme, by which the projection is named, and the version of its rules, which counts up when they
    /// change.
    ///
    /// # Errors
    /// `InvalidParameter` if points are pending for less than no time, or are not valid for longer than that.
    pub fn new(programme: &str, version: u32, rules: PointsRules) -> Result<Self> {
        let PointsRules { pending, valid } = rules;
        if pending < Span::ZERO || valid.is_some_and(|valid| valid <= pending) {
            let message = "points must be pending for no time or longer, and valid for longer than that";
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        Ok(Self { programme: format!("points_{programme}"), version, rules })
    }

    fn account(&self, events: &[PointsEvent], as_of: Timestamp) -> Account {
        let mut account = Account::new(self.rules);
        events.iter().for_each(|event| account.take_event(event));
        account.advance(as_of);
        account
    }
}

/// An event about points, as a state keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointsEvent {
    id: EventId,
    at: Timestamp,
    what: PointsChange,
    points: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What an entry of a ledger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointsChange {
    /// Points were earned, and are pending.
    Earned,
    /// Pending points became active.
    Activated,
    /// Points were redeemed.
    Redeemed,
    /// Points expired.
    Expired,
    /// Points were taken back, or given back.
    Reversed,
}

/// A customer's points as of an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PointsView {
    /// Earned and not yet active.
    pub pending: i128,
    /// What can be redeemed; below zero if points are owed.
    pub active: i128,
    /// All that were earned.
    pub earned: i128,
    /// All that were redeemed.
    pub redeemed: i128,
    /// All that expired.
    pub expired: i128,
    /// All that were taken back, less those given back.
    pub reversed: i128,
    /// When the next of the active ones expire, and how many; none without such.
    pub expires_next: Option<(Timestamp, i128)>,
    /// Every change, in its order: the sums of their effects are the balances.
    pub entries: Vec<PointsEntry>,
}

/// One change of a customer's points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PointsEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: PointsChange,
    /// The event that states it; none where the rules alone made it.
    pub event: Option<EventId>,
    /// The reason or reward that the event names.
    pub reason: Option<String>,
    /// By how much the pending points grow.
    pub pending: i128,
    /// By how much the active points grow.
    pub active: i128,
    /// By which events the points came that it moves or takes, and how many of each; what is owed is in none.
    pub of: Vec<(EventId, i128)>,
}

impl Projection for PointsLedger {
    type State = Vec<PointsEvent>;
    type View = PointsView;

    fn name(&self) -> &str {
        &self.programme
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn evolve(&self, state: &mut Vec<PointsEvent>, event: &EventView<'_>) {
        let (what, reason) = match event.kind() {
            EventKind::PointsEarned => (PointsChange::Earned, "reason"),
            EventKind::PointsRedeemed => (PointsChange::Redeemed, "reward"),
            EventKind::PointsExpired => (PointsChange::Expired, "reason"),
            EventKind::PointsReversed => (PointsChange::Reversed, "reason"),
            _ => return,
        };
        let points = event.integer("points").unwrap_or_default();
        let reason = event.text(reason).map(str::to_owned);
        state.push(PointsEvent { id: event.id(), at: event.occurred_at(), what, points, reason });
    }

    fn view(&self, state: &Vec<PointsEvent>, customer: &CustomerAt<'_>) -> PointsView {
        self.account(state, customer.as_of()).into_view()
    }

    fn holds_until(&self, state: &Vec<PointsEvent>, customer: &CustomerAt<'_>) -> Option<Timestamp> {
        self.account(state, customer.as_of()).next_due().map(Timestamp::previous)
    }
}
