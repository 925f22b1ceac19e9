use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wayfold_core::{Amount, Currency, EventKind, EventView, History, OrderBook, PlacedOrder, Timestamp};

use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Measure, Tally, amount};

/// A stage of the pipeline, as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineStage {
    /// Its name.
    pub name: String,
    /// The names of the kinds that bring a deal there, such as `quote_issued`, or `custom:NAME` for one's own.
    pub kinds: Vec<String>,
    /// How many of a hundred deals that stand there are won.
    pub probability_percent: u8,
    /// After how many days there a deal slips.
    pub slips_after_days: u32,
}

/// The stages that are common in sales: lead, qualified, discovery, solution, quote, negotiation, commitment. The
/// probabilities are a start, to be replaced by those that one's own win rates show.
pub fn default_stages() -> Vec<PipelineStage> {
    let stage = |name: &str, kinds: &[&str], probability_percent, slips_after_days| PipelineStage {
        name: name.to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        probability_percent,
        slips_after_days,
    };
    vec![
        stage("lead", &["lead_captured"], 5, 14),
        stage("qualified", &["lead_qualified"], 10, 14),
        stage("discovery", &["need_identified", "need_detailed"], 20, 30),
        stage("solution", &["demo_attended", "solution_proposed"], 35, 30),
        stage("quote", &["quote_issued", "quote_revised"], 50, 21),
        stage("negotiation", &["terms_negotiated", "procurement_step_reached", "approval_requested"], 70, 45),
        stage("commitment", &["quote_accepted", "approval_granted"], 90, 14),
    ]
}

/// Measures deals: the journeys that came into a stage of the pipeline, each as one [`Opportunity`].
///
/// - A deal stands in the stage of its newest event of a stage's kinds; it may go back.
/// - It is worth the purchases that were placed in its journey, else the newest amount of a quote, in the measure's
///   currency.
/// - It is won with a purchase; else lost, or disqualified, if no event that moves a stage follows its last `deal_lost`,
///   `order_cancelled`, `returned` or `refunded`, or `lead_disqualified`; else open.
///
/// All questions are asked of the total, as of the instant up to which histories were measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opportunities {
    pub(super) stages: Vec<PipelineStage>,
    currency: Currency,
}

/// The deals, each so many times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpportunityTotal(Tally<Opportunity>);

/// How a deal stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DealState {
    /// It goes on.
    #[default]
    Open,
    /// It holds a purchase.
    Won,
    /// It was given up, or lost to somebody.
    Lost,
    /// It was not worth following up.
    Disqualified,
}

/// A deal in the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Opportunity {
    /// Whose.
    pub customer: String,
    /// Its journey.
    pub journey: String,
    /// From where its lead came.
    pub source: Option<String>,
    /// When its first event happened.
    pub started_at: Timestamp,
    /// The first contact from then on that the customer did not begin, reached or not.
    pub first_contact_at: Option<Timestamp>,
    /// The stages that it entered, in the order of time, by their place in the pipeline.
    pub entries: Vec<StageEntry>,
    /// What it is worth.
    pub value: Option<Amount>,
    /// How it stands.
    pub state: DealState,
    /// When it was won, lost or disqualified.
    pub closed_at: Option<Timestamp>,
    /// Why it was lost or disqualified.
    pub reason: Option<String>,
    /// To whom it was lost.
    pub competitor: Option<String>,
    /// What was said against buying.
    pub objections: Vec<Objection>,
    /// From team to team.
    pub hand_overs: Vec<HandOver>,
    /// To whom its lead is assigned, if it was not returned to the pool since.
    pub owner: Option<String>,
    /// Since when nobody of the business did anything about it.
    pub untouched_since: Timestamp,
}

/// A stage that a deal entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StageEntry {
    /// Its place in the pipeline.
    pub stage: usize,
    /// When.
    pub at: Timestamp,
}

/// An objection, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Objection {
    /// Against what; empty if nobody said so.
    pub theme: String,
    /// When it was first raised.
    pub raised_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// By which concession.
    pub concession: Option<String>,
}

/// Work that went from a team to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HandOver {
    /// The team before.
    pub from: String,
    /// The team behind.
    pub to: String,
    /// When the team before did its last.
    pub from_at: Timestamp,
    /// When the team behind did its first.
    pub to_at: Timestamp,
}

impl Opportunities {
    /// Takes the stages, from the first, and the currency in which deals are valued.
    ///
    /// # Errors
    /// `InvalidParameter` if there is no stage, a name or kind comes twice, a kind is unknown, or a probability is above 100.
    pub fn new(stages: Vec<PipelineStage>, currency: Currency) -> Result<Self> {
        let refuse = |message: String| Err(Error::new(ErrorKind::InvalidParameter, message));
        if stages.is_empty() {
            return refuse("a pipeline without a stage".to_owned());
        }
        for (place, stage) in stages.iter().enumerate() {
            let before = &stages[..place];
            if before.iter().any(|known| known.name == stage.name) {
                return refuse(format!("stage {:?} comes twice", stage.name));
            }
            if stage.probability_percent > 100 {
                return refuse(format!(
                    "stage {:?} is won {} times of 100",
                    stage.name, stage.probability_percent
                ));
            }
            if let Some(kind) =
                stage.kinds.iter().find(|kind| before.iter().any(|known| known.kinds.contains(kind)))
            {
                return refuse(format!("kind {kind:?} belongs to two stages"));
            }
            let is_known =
                |kind: &&String| kind.starts_with("custom:") || EventKind::from_name(kind).is_some();
            if let Some(kind) = stage.kinds.iter().find(|kind| !is_known(kind)) {
                return refuse(format!("kind {kind:?} of stage {:?} is unknown", stage.name));
            }
        }
        Ok(Self { stages, currency })
    }

    fn stage_of(&self, kind: &str) -> Option<usize> {
        self.stages.iter().position(|stage| stage.kinds.iter().any(|known| known == kind))
    }

    /// The deals of a history.
    fn of(&self, history: &History<'_>) -> Vec<Opportunity> {
        let book = OrderBook::of(history.events());
        let mut journeys: BTreeMap<&str, Vec<&EventView<'_>>> = BTreeMap::new();
        for event in history.events() {
            if let Some(journey) = event.journey() {
                journeys.entry(journey).or_default().push(event);
            }
        }
        let deal = |(journey, events): (&str, Vec<&EventView<'_>>)| {
            let mut deal = self.opened(history.customer().1, journey, events[0].occurred_at());
            events.iter().for_each(|event| self.follow(&mut deal, event));
            deal.hand_overs = hand_overs(&events);
            let placed = book.placed().filter(|order| order.is_purchase && order.journey == Some(journey));
            self.settle(&mut deal, placed);
            (!deal.entries.is_empty()).then_some(deal)
        };
        journeys.into_iter().filter_map(deal).collect()
    }

    fn opened(&self, customer: &str, journey: &str, at: Timestamp) -> Opportunity {
        Opportunity {
            customer: customer.to_owned(),
            journey: journey.to_owned(),
            source: None,
            started_at: at,
            first_contact_at: None,
            entries: Vec::new(),
            value: None,
            state: DealState::Open,
            closed_at: None,
            reason: None,
            competitor: None,
            objections: Vec::new(),
            hand_overs: Vec::new(),
            owner: None,
            untouched_since: at,
        }
    }

    /// Takes a deal's next event.
    fn follow(&self, deal: &mut Opportunity, event: &EventView<'_>) {
        use EventKind as Kind;
        let (kind, at) = (event.kind(), event.occurred_at());
        let text = |field: &str| event.text(field).map(str::to_owned);
        if let Some(stage) = self.stage_of(&event.kind_name())
            && deal.entries.last().is_none_or(|last| last.stage != stage)
        {
            deal.entries.push(StageEntry { stage, at });
        }
        if kind.moves_stage() {
            (deal.state, deal.closed_at, deal.reason, deal.competitor) = (DealState::Open, None, None, None);
        }
        match kind {
            Kind::LeadCaptured if deal.source.is_none() => deal.source = text("source"),
            Kind::ContactMade if event.text("direction") != Some("inbound") => {
                deal.first_contact_at.get_or_insert(at);
                deal.untouched_since = at;
            }
            Kind::LeadAssigned => {
                deal.owner = text("person").or_else(|| text("team"));
                deal.untouched_since = at;
            }
            Kind::LeadReturned => deal.owner = None,
            Kind::NeedDetailed | Kind::SolutionProposed | Kind::TermsNegotiated => deal.untouched_since = at,
            Kind::QuoteIssued | Kind::QuoteRevised | Kind::QuoteAccepted => {
                let quoted = event.money_amount().filter(|money| money.currency == self.currency);
                deal.value = quoted.map(|money| money.amount).or(deal.value);
                if kind != Kind::QuoteAccepted {
                    deal.untouched_since = at;
                }
            }
            Kind::ObjectionRaised => raise(deal, text("theme").unwrap_or_default(), at),
            Kind::ObjectionResolved => {
                let theme = text("theme").unwrap_or_default();
                let open = |known: &&mut Objection| known.resolved_at.is_none() && known.theme == theme;
                if let Some(known) = deal.objections.iter_mut().find(open) {
                    (known.resolved_at, known.concession) = (Some(at), text("concession"));
                }
            }
            Kind::LeadDisqualified => {
                (deal.state, deal.closed_at, deal.reason) =
                    (DealState::Disqualified, Some(at), text("reason"));
            }
            kind if kind.is_outcome() => {
                (deal.state, deal.closed_at) = (DealState::Lost, Some(at));
                (deal.reason, deal.competitor) = (text("reason"), text("competitor"));
            }
            _ => {}
        }
    }

    /// Says what a deal came to by the purchases that were placed in it.
    fn settle<'a>(&self, deal: &mut Opportunity, purchases: impl Iterator<Item = PlacedOrder<'a>>) {
        let (mut worth, mut first) = (None, None::<Timestamp>);
        for order in purchases {
            first = Some(first.map_or(order.placed_at, |known| known.min(order.placed_at)));
            if order.amount.currency == self.currency {
                *worth.get_or_insert(0) += i128::from(order.amount.amount.as_ten_thousandths());
            }
        }
        if first.is_some() {
            (deal.state, deal.closed_at, deal.reason, deal.competitor) = (DealState::Won, first, None, None);
            deal.value = worth.map(amount).or(deal.value);
        }
    }
}

/// An objection that is raised again before it was resolved is the same.
fn raise(deal: &mut Opportunity, theme: String, at: Timestamp) {
    if !deal.objections.iter().any(|known| known.resolved_at.is_none() && known.theme == theme) {
        deal.objections.push(Objection { theme, raised_at: at, resolved_at: None, concession: None });
    }
}

/// Where neighbouring events that name a team name different ones.
fn hand_overs(events: &[&EventView<'_>]) -> Vec<HandOver> {
    let by_team: Vec<_> =
        events.iter().filter_map(|event| Some((event.team()?, event.occurred_at()))).collect();
    let changed = by_team.windows(2).filter(|pair| pair[0].0 != pair[1].0);
    let hand_over = |pair: &[(&str, Timestamp)]| HandOver {
        from: pair[0].0.to_owned(),
        to: pair[1].0.to_owned(),
        from_at: pair[0].1,
        to_at: pair[1].1,
    };
    changed.map(hand_over).collect()
}

impl Measure for Opportunities {
    type Total = OpportunityTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut OpportunityTotal) {
        self.of(history).into_iter().for_each(|deal| total.0.add(deal, times));
    }

    fn merge(&self, total: &mut OpportunityTotal, other: OpportunityTotal) {
        total.0.merge(other.0);
    }
}

impl OpportunityTotal {
    /// The deals, by customer and journey.
    pub fn iter(&self) -> impl Iterator<Item = &Opportunity> {
        self.0.iter()
    }
}
