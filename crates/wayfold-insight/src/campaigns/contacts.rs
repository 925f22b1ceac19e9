use std::collections::BTreeMap;

use wayfold_core::{Channel, Currency, EventKind, EventView, History, Span, Timestamp};

use crate::measure::{Calendar, Measure, SegmentOf, Tally, by_segment};
use crate::placed::{Placed, placed};

use super::report::CampaignBy;

/// Measures campaigns and offers: what was sent and issued, how customers reacted, and which purchases followed.
///
/// - A campaign is what an event names as such: by its field, else by its first tag `campaign:`. An offer to stay is an offer
///   like others: made is issued, accepted is redeemed; its name is the offer's kind.
/// - A reaction (delivered, opened, clicked, unsubscribed) belongs to the newest message of its campaign that the
///   customer was sent before, or of any campaign if it names none, and counts for its campaign and channel; without such
///   a message it counts by itself. What becomes of an offer belongs likewise to the newest one issued of its kind and
///   campaign, as far as it names them.
/// - A purchase counts once. It belongs to the newest redeemed offer that has its `order:` tag; else to the newest touch of
///   its customer that lies no further back than the window, both ends included. Of one instant, the last by the order of the
///   fold counts. What counts as a touch is a [`CampaignTouch`].
/// - Money is that of purchases in the measure's currency, less refunds that name them.
///
/// That an order follows a message is not that it comes from it: see [`Effect`](crate::Effect).
#[derive(Debug, Clone)]
pub struct Campaigns {
    within: Span,
    currency: Currency,
    touch: CampaignTouch,
    segment: SegmentOf,
    calendar: Option<Calendar>,
}

/// What it takes of a customer for a purchase to belong to a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum CampaignTouch {
    /// A message was sent, or more; an offer was issued, or more.
    #[default]
    Sent,
    /// A message was opened or clicked, or an offer redeemed.
    Opened,
    /// A message was clicked, or an offer redeemed.
    Clicked,
}

/// What customers had to do with campaigns, each customer once for each campaign, kind of offer, channel and period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CampaignTotal(Tally<Contact>);

/// What tells contacts apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) campaign: Option<String>,
    pub(super) offer: Option<String>,
    pub(super) channel: Option<Channel>,
    pub(super) segment: Option<String>,
    /// The period in which it was sent or issued.
    pub(super) bucket: Option<i64>,
}

impl Cell {
    /// The cell of a row, where only some of it is asked for.
    pub(super) fn by(&self, by: &[CampaignBy]) -> Self {
        let asked = |what| by.contains(&what);
        Self {
            campaign: self.campaign.clone().filter(|_| asked(CampaignBy::Campaign)),
            offer: self.offer.clone().filter(|_| asked(CampaignBy::Offer)),
            channel: self.channel.filter(|_| asked(CampaignBy::Channel)),
            segment: self.segment.clone().filter(|_| asked(CampaignBy::Segment)),
            bucket: self.bucket.filter(|_| asked(CampaignBy::Period)),
        }
    }
}

/// What can become of a contact, in the order of counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Sent,
    Delivered,
    Opened,
    Clicked,
    Unsubscribed,
    Issued,
    Redeemed,
    Expired,
    Declined,
    Ordered,
}

impl Step {
    pub(super) const COUNT: usize = Self::Ordered as usize + 1;

    fn of(kind: EventKind) -> Option<Self> {
        use EventKind as Kind;
        Some(match kind {
            Kind::MessageSent => Self::Sent,
            Kind::MessageDelivered => Self::Delivered,
            Kind::MessageOpened => Self::Opened,
            Kind::MessageClicked => Self::Clicked,
            Kind::MessageUnsubscribed => Self::Unsubscribed,
            Kind::OfferIssued | Kind::RetentionOfferMade => Self::Issued,
            Kind::OfferRedeemed | Kind::RetentionOfferAccepted => Self::Redeemed,
            Kind::OfferExpired => Self::Expired,
            Kind::RetentionOfferDeclined => Self::Declined,
            _ => return None,
        })
    }

    /// The step that comes first of its kind, which others react to.
    fn begins(self) -> Self {
        if (self as usize) < Self::Issued as usize { Self::Sent } else { Self::Issued }
    }

    /// What the step is as a touch, if it is one.
    fn touch(self) -> Option<CampaignTouch> {
        match self {
            Self::Sent | Self::Delivered | Self::Issued => Some(CampaignTouch::Sent),
            Self::Opened => Some(CampaignTouch::Opened),
            Self::Clicked | Self::Redeemed => Some(CampaignTouch::Clicked),
            Self::Unsubscribed | Self::Expired | Self::Declined | Self::Ordered => None,
        }
    }
}

/// What one customer had to do with a campaign, kind of offer and channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Contact {
    pub(super) customer: String,
    pub(super) cell: Cell,
    pub(super) steps: [u64; Step::COUNT],
    /// What redeemed offers were worth, in ten-thousandths of the currency.
    pub(super) redeemed: i128,
    /// What purchases were worth.
    pub(super) net: i128,
}

impl Contact {
    /// How many messages were sent and offers issued.
    pub(super) fn begun(&self) -> u64 {
        self.steps[Step::Sent as usize] + self.steps[Step::Issued as usize]
    }
}

/// An event of a campaign, with the cell for which it counts.
struct Touched<'a> {
    step: Step,
    at: Timestamp,
    event: &'a EventView<'a>,
    campaign: Option<&'a str>,
    offer: Option<&'a str>,
    channel: Option<Channel>,
    /// When the message was sent or the offer issued.
    begun_at: Timestamp,
}

impl Touched<'_> {
    fn cell(&self, segment: Option<&String>, calendar: Option<&Calendar>) -> Cell {
        Cell {
            campaign: self.campaign.map(str::to_owned),
            offer: self.offer.map(str::to_owned),
            channel: self.channel,
            segment: segment.cloned(),
            bucket: calendar.map(|calendar| calendar.bucket(self.begun_at)),
        }
    }
}

impl Campaigns {
    /// Takes how long after a touch a purchase belongs to it, and the currency of the money.
    pub fn new(within: Span, currency: Currency) -> Self {
        Self {
            within,
            currency,
            touch: CampaignTouch::default(),
            segment: SegmentOf::default(),
            calendar: None,
        }
    }

    /// Sets what counts as a touch. Default: that something was sent.
    pub fn with_touch(mut self, touch: CampaignTouch) -> Self {
        self.touch = touch;
        self
    }

    by_segment! {
        /// Tells segments apart.
    }

    /// Tells apart in which period of a calendar messages were sent and offers issued; what came of them counts there too.
    pub fn by_period(mut self, calendar: Calendar) -> Self {
        self.calendar = Some(calendar);
        self
    }

    pub(super) fn calendar(&self) -> Option<&Calendar> {
        self.calendar.as_ref()
    }

    pub(super) fn tells_segments(&self) -> bool {
        self.segment.is_asked()
    }

    /// The touch to which a purchase belongs, among the customer's in the order of time.
    fn touch_of<'t, 'a>(&self, order: &Placed<'_>, touched: &'t [Touched<'a>]) -> Option<&'t Touched<'a>> {
        let names_it = |of: &&Touched<'_>| of.step == Step::Redeemed && of.event.order() == Some(order.order);
        let is_near = |of: &&Touched<'_>| order.placed_at.since(of.at) <= self.within;
        let before = touched.partition_point(|of| of.at <= order.placed_at);
        touched.iter().rev().find(names_it).or_else(|| {
            let mut near = touched[..before].iter().rev().take_while(is_near);
            near.find(|of| of.step.touch().is_some_and(|touch| touch >= self.touch))
        })
    }
}

/// The campaign that an event names: by its field, else by its first tag.
pub(crate) fn campaign_of<'a>(event: &EventView<'a>) -> Option<&'a str> {
    let tagged = || event.tags().find_map(|tag| tag.strip_prefix("campaign:"));
    event.text("campaign").or_else(tagged)
}

/// The events of campaigns, in the order of the fold.
fn touched<'a>(history: &History<'a>) -> Vec<Touched<'a>> {
    let mut all: Vec<Touched<'a>> = Vec::new();
    for event in history.events() {
        let Some(step) = Step::of(event.kind()) else { continue };
        let campaign = campaign_of(event);
        let offer = event.text("offer_kind").or_else(|| event.text("offer"));
        let (at, channel) = (event.occurred_at(), event.channel());
        let mut new = Touched { step, at, event, campaign, offer, channel, begun_at: at };
        let begins = step.begins();
        if step != begins {
            let is_meant = |of: &&Touched<'_>| {
                of.step == begins
                    && (campaign.is_none() || of.campaign == campaign)
                    && (offer.is_none() || of.offer == offer)
            };
            if let Some(first) = all.iter().rev().find(is_meant) {
                (new.campaign, new.offer, new.channel) = (first.campaign, first.offer, first.channel);
                new.begun_at = first.at;
            }
        }
        all.push(new);
    }
    all
}

impl Measure for Campaigns {
    type Total = CampaignTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut CampaignTotal) {
        let touched = touched(history);
        if touched.is_empty() {
            return;
        }
        let segment = self.segment.of(history);
        let cell = |of: &Touched<'_>| of.cell(segment.as_ref(), self.calendar.as_ref());
        let mut cells: BTreeMap<Cell, ([u64; Step::COUNT], i128, i128)> = BTreeMap::new();
        for of in &touched {
            let (steps, redeemed, _) = cells.entry(cell(of)).or_default();
            steps[of.step as usize] += 1;
            let value = of.event.money("value").filter(|money| money.currency == self.currency);
            if let (Step::Redeemed, Some(value)) = (of.step, value) {
                *redeemed += i128::from(value.amount.as_ten_thousandths());
            }
        }
        for order in placed(history) {
            let Some(of) = self.touch_of(&order, &touched) else { continue };
            let (steps, _, net) = cells.entry(cell(of)).or_default();
            steps[Step::Ordered as usize] += 1;
            if order.amount.currency == self.currency {
                *net += order.net;
            }
        }
        let customer = history.customer().1;
        for (cell, (steps, redeemed, net)) in cells {
            total.0.add(Contact { customer: customer.to_owned(), cell, steps, redeemed, net }, times);
        }
    }

    fn merge(&self, total: &mut CampaignTotal, other: CampaignTotal) {
        total.0.merge(other.0);
    }
}

impl CampaignTotal {
    pub(super) fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.0.iter()
    }
}
