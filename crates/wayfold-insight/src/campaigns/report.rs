use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use wayfold_core::{Amount, Channel};

use super::contacts::{CampaignTotal, Campaigns, Cell, Step};
use super::cost::CampaignCost;
use crate::interval::{self, Confidence, Interval};
use crate::measure::{Calendar, amount};

/// By what campaigns are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CampaignBy {
    /// By campaign.
    Campaign,
    /// By the kind of offer, or the name of an offer to stay.
    Offer,
    /// By the channel on which it was sent or issued.
    Channel,
    /// By the segment of the customer.
    Segment,
    /// By the period in which it was sent or issued.
    Period,
}

/// How far customers came with a campaign; what was not asked for, or what events have none of, is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignRow {
    /// Which campaign.
    pub campaign: Option<String>,
    /// Which kind of offer.
    pub offer: Option<String>,
    /// Where it was sent or issued.
    pub channel: Option<Channel>,
    /// The segment of the customers.
    pub segment: Option<String>,
    /// The first day of the period in which it was sent or issued.
    pub starts_on: Option<NaiveDate>,
    /// How many customers had to do with it.
    pub customers: u64,
    /// Messages sent. Its percentage is of all customers of the row, and so are those of issued offers and orders.
    pub sent: CampaignStep,
    /// Messages delivered. The percentage is of customers who were sent one, and so are the next three.
    pub delivered: CampaignStep,
    /// Messages opened.
    pub opened: CampaignStep,
    /// Messages clicked.
    pub clicked: CampaignStep,
    /// Messages after which the customer unsubscribed.
    pub unsubscribed: CampaignStep,
    /// Offers issued, and offers to stay made.
    pub issued: CampaignStep,
    /// Offers redeemed or accepted. The percentage is of customers to whom one was issued, and so are the next two.
    pub redeemed: CampaignStep,
    /// Offers expired.
    pub expired: CampaignStep,
    /// Offers to stay declined.
    pub declined: CampaignStep,
    /// Purchases that belong to it.
    pub ordered: CampaignStep,
    /// What they are worth: amounts less refunds.
    pub net: Amount,
    /// What redeemed offers were worth, as far as events say so.
    pub redeemed_value: Amount,
    /// What it cost, where a cost that is given falls on it.
    pub cost: Option<Amount>,
    /// Net money less cost, in per cent of the cost; `None` without a cost above zero.
    pub return_percent: Option<f64>,
}

/// One step of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignStep {
    /// How many events.
    pub events: u64,
    /// Of how many customers.
    pub customers: u64,
    /// The percentage of customers who came here, of those whom the row names for it, with Wilson's interval; who came
    /// here without having been there does not count. `None` where nobody was there.
    pub rate: Option<(f64, Interval)>,
}

/// The steps that the customers of a row came to.
#[derive(Default)]
struct Row<'a> {
    customers: BTreeMap<&'a str, [bool; Step::COUNT]>,
    events: [u64; Step::COUNT],
    redeemed: i128,
    net: i128,
    cost: Option<i128>,
}

impl Row<'_> {
    fn step(&self, step: Step, of: Option<Step>, confidence: Confidence) -> CampaignStep {
        let was = |steps: &&[bool; Step::COUNT]| of.is_none_or(|of| steps[of as usize]);
        let there = self.customers.values().filter(was);
        let (base, came) =
            there.fold((0, 0), |(base, came), steps| (base + 1, came + u64::from(steps[step as usize])));
        CampaignStep {
            events: self.events[step as usize],
            customers: self.customers.values().filter(|steps| steps[step as usize]).count() as u64,
            rate: (base > 0).then(|| interval::share(came, base, confidence)),
        }
    }
}

impl Campaigns {
    /// How far customers came, by what is asked for, in the order of [`CampaignBy`]; what has no such thing comes first.
    ///
    /// Each row bears its share of the costs, which are in the measure's currency; a cost that falls on no message or offer
    /// has a row of its own.
    pub fn report(
        &self,
        total: &CampaignTotal,
        by: &[CampaignBy],
        costs: &[CampaignCost],
        confidence: Confidence,
    ) -> Vec<CampaignRow> {
        let mut rows: BTreeMap<Cell, Row<'_>> = BTreeMap::new();
        for contact in total.contacts() {
            let row = rows.entry(contact.cell.by(by)).or_default();
            let reached = row.customers.entry(&contact.customer).or_default();
            for (step, events) in contact.steps.iter().enumerate() {
                row.events[step] += events;
                reached[step] |= *events > 0;
            }
            row.redeemed += contact.redeemed;
            row.net += contact.net;
        }
        for (cell, spent) in self.spread(total, by, costs) {
            rows.entry(cell).or_default().cost = Some(spent);
        }
        rows.into_iter().map(|(cell, row)| row.finish(cell, self.calendar(), confidence)).collect()
    }
}

impl Row<'_> {
    fn finish(&self, cell: Cell, calendar: Option<&Calendar>, confidence: Confidence) -> CampaignRow {
        let step = |step, of| self.step(step, of, confidence);
        let (sent, issued) = (Some(Step::Sent), Some(Step::Issued));
        let spent = self.cost.filter(|cost| *cost > 0);
        CampaignRow {
            campaign: cell.campaign,
            offer: cell.offer,
            channel: cell.channel,
            segment: cell.segment,
            starts_on: calendar.zip(cell.bucket).map(|(calendar, bucket)| calendar.starts_on(bucket)),
            customers: self.customers.len() as u64,
            sent: step(Step::Sent, None),
            delivered: step(Step::Delivered, sent),
            opened: step(Step::Opened, sent),
            clicked: step(Step::Clicked, sent),
            unsubscribed: step(Step::Unsubscribed, sent),
            issued: step(Step::Issued, None),
            redeemed: step(Step::Redeemed, issued),
            expired: step(Step::Expired, issued),
            declined: step(Step::Declined, issued),
            ordered: step(Step::Ordered, None),
            net: amount(self.net),
            redeemed_value: amount(self.redeemed),
            cost: self.cost.map(amount),
            return_percent: spent.map(|cost| 100.0 * (self.net - cost) as f64 / cost as f64),
        }
    }
}
