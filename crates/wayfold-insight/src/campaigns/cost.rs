use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use wayfold_core::{Amount, Channel};

use super::contacts::{CampaignTotal, Campaigns, Cell};
use super::report::CampaignBy;

/// What a campaign cost, or a part of it: on a channel, for a kind of offer, for a segment, in a period.
///
/// It is spread evenly over the messages sent and offers issued that agree with all that it names, in the order of rows and
/// to the last ten-thousandth, so that rows add up to it however they are told apart. Where none agrees, it has a row of
/// its own. What a measure does not tell apart, a segment or a period, is not looked at.
///
/// ```
/// use wayfold_core::{Amount, Channel};
/// use wayfold_insight::CampaignCost;
///
/// let letters: CampaignCost =
///     serde_json::from_str(r#"{"campaign": "spring", "channel": "email", "on": "2024-03-01", "amount": "120.50"}"#)?;
/// assert_eq!((letters.channel, letters.amount), (Some(Channel::Email), Amount::parse("120.5")?));
/// assert_eq!(letters.segment, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignCost {
    /// Which campaign.
    pub campaign: String,
    /// For which kind of offer; for all if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Where it was sent or issued; anywhere if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// For customers of which segment; of any if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// A day of the period in which it was sent or issued; at any time if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<NaiveDate>,
    /// How much, in the currency of the measure.
    pub amount: Amount,
}

impl CampaignCost {
    /// What a whole campaign cost.
    pub fn new(campaign: impl Into<String>, amount: Amount) -> Self {
        Self { campaign: campaign.into(), offer: None, channel: None, segment: None, on: None, amount }
    }
}

impl Campaigns {
    /// What falls on each row, in ten-thousandths.
    pub(super) fn spread(
        &self,
        total: &CampaignTotal,
        by: &[CampaignBy],
        costs: &[CampaignCost],
    ) -> BTreeMap<Cell, i128> {
        let mut spent: BTreeMap<Cell, i128> = BTreeMap::new();
        for cost in costs {
            let amount = i128::from(cost.amount.as_ten_thousandths());
            let meant = self.meant(cost);
            let mut begun: BTreeMap<Cell, i128> = BTreeMap::new();
            for contact in
                total.contacts().filter(|contact| contact.begun() > 0 && agrees(&meant, &contact.cell))
            {
                *begun.entry(contact.cell.by(by)).or_default() += i128::from(contact.begun());
            }
            let all: i128 = begun.values().sum();
            if all == 0 {
                *spent.entry(meant.by(by)).or_default() += amount;
            }
            // Up to each row its share of all, so that what is rounded away from one is in the next.
            let (mut contacts, mut given) = (0, 0);
            for (cell, begun) in begun {
                contacts += begun;
                let by_here = (amount * contacts).div_euclid(all);
                *spent.entry(cell).or_default() += by_here - given;
                given = by_here;
            }
        }
        spent
    }

    /// What a cost names, of what is told apart here.
    fn meant(&self, cost: &CampaignCost) -> Cell {
        Cell {
            campaign: Some(cost.campaign.clone()),
            offer: cost.offer.clone(),
            channel: cost.channel,
            segment: cost.segment.clone().filter(|_| self.tells_segments()),
            bucket: self.calendar().zip(cost.on).map(|(calendar, on)| calendar.bucket_of_day(on)),
        }
    }
}

/// Whether a contact has all that is meant.
fn agrees(meant: &Cell, contact: &Cell) -> bool {
    fn same<T: PartialEq>(meant: &Option<T>, has: &Option<T>) -> bool {
        meant.is_none() || meant == has
    }
    same(&meant.campaign, &contact.campaign)
        && same(&meant.offer, &contact.offer)
        && same(&meant.channel, &contact.channel)
        && same(&meant.segment, &contact.segment)
        && same(&meant.bucket, &contact.bucket)
}
