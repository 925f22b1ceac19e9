//! What is done for customers, as sections of a report: campaigns, prices, goals, next actions and the care calendar.

use std::collections::BTreeMap;

use anyhow::Result;
use wayfold::insight::{
    BucketUnit, Calendar, CampaignBy, CampaignCost, CampaignTotal, Campaigns, CareCalendar, CareRecord,
    Confidence, ContactHistory, NextAction, OwnFigure, Playbooks, PriceBy, PriceTotal, Prices, Tz,
    own_figure,
};
use wayfold::{Amount, Builder, Currency, Explanation, Handle, Span};
use wayfold_report::Section;

use crate::ask::Asked;
use crate::command::goals::{GoalFile, Standing};
use crate::command::next;

/// What a report is told of what is done for customers.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// What campaigns cost.
    pub(crate) costs: Vec<CampaignCost>,
    pub(crate) goals: Option<GoalFile>,
    pub(crate) care: Option<CareCalendar>,
    pub(crate) playbooks: Playbooks,
}

/// What is folded for that.
pub(crate) struct FoldedActions {
    contacts: Handle<ContactHistory>,
    care: Option<Handle<CareRecord>>,
}

/// How long after a touch a purchase belongs to a campaign, and how far the care calendar is shown.
const WINDOW_DAYS: u32 = 30;
/// Where bands of discounts begin, in per cent.
const BANDS: [u8; 4] = [0, 10, 20, 30];

impl Actions {
    pub(crate) fn register(&self, builder: &mut Builder) -> Result<FoldedActions> {
        let care = self.care.as_ref().map(|of| builder.register(of.record())).transpose()?;
        Ok(FoldedActions { contacts: next::register(builder)?, care })
    }

    /// What to do next, and whom to contact in the days to come.
    pub(crate) fn to_do(&self, asked: &Asked, folded: &FoldedActions) -> Result<Vec<Section>> {
        let all = next::for_all(asked, folded.contacts, &self.playbooks)?;
        let all: Vec<NextAction> = all.into_iter().map(|next| next.next).collect();
        let mut sections = vec![Section::next_actions(&all)];
        if let Some((calendar, record)) = self.care.as_ref().zip(folded.care) {
            let records = asked.wayfold.own_views_of(&asked.tenant, record, asked.as_of)?.into_vec();
            let due = calendar.due(records, asked.as_of..asked.as_of + Span::from_days(WINDOW_DAYS));
            let note = format!("Of the {WINDOW_DAYS} days to come, if nothing else happens.");
            sections.push(Section::care(due).with_note(note));
        }
        Ok(sections)
    }

    /// What to do next for one customer, in a sentence.
    pub(crate) fn next_of(
        &self,
        asked: &Asked,
        folded: &FoldedActions,
        explanation: &Explanation,
    ) -> Result<Option<String>> {
        let key = &explanation.view.key;
        let history = asked.wayfold.own_view_as_of(folded.contacts, key, asked.as_of)?.unwrap_or_default();
        let action = self.playbooks.next_action(&explanation.view, &history).action;
        Ok(action
            .map(|of| format!("To do next: {}, {}, as {}.", of.name.replace('_', " "), of.goal, of.reason)))
    }

    /// How goals stand; figures of satisfaction are known to them by the names of their instruments.
    pub(crate) fn goals(
        &self,
        asked: &Asked,
        own: &[OwnFigure],
        missing: &mut Vec<String>,
    ) -> Result<Option<Section>> {
        let Some(goals) = &self.goals else { return Ok(None) };
        let mut figures = BTreeMap::new();
        for (name, figure) in [("nps", own_figure::NPS), ("csat", own_figure::CSAT)] {
            if let Some(of) = own.iter().find(|of| of.name == figure) {
                figures.insert(name.to_owned(), wayfold::insight::Goal::figure(of.value)?);
            }
        }
        Ok(match goals.standings(asked, &figures) {
            Ok(all) => Some(Section::goals(
                all.into_iter().map(|Standing { goal, status }| (goal, status)).collect(),
            )),
            Err(error) => {
                missing.push(format!("goals: {error:#}"));
                None
            }
        })
    }
}

/// Measures of what was sent and paid.
pub(crate) fn offers(currency: Currency, zone: Tz) -> (Campaigns, Prices) {
    let campaigns = Campaigns::new(Span::from_days(WINDOW_DAYS), currency);
    (campaigns, Prices::new(Calendar::new(zone, BucketUnit::Month), currency))
}

/// Sections of campaigns and prices, where there is something to say.
pub(crate) fn offered(
    (campaigns, prices): &(Campaigns, Prices),
    (sent, paid): &(CampaignTotal, PriceTotal),
    costs: &[CampaignCost],
    currency: Currency,
) -> Result<Vec<Section>> {
    let rows = campaigns.report(sent, &[CampaignBy::Campaign], costs, Confidence::P95);
    let discounts = prices.discounts(paid, PriceBy::All, &BANDS, Confidence::P95)?;
    let mut sections = Vec::new();
    if !rows.is_empty() {
        let note = format!("Purchases up to {WINDOW_DAYS} days after something was sent or offered.");
        sections.push(Section::campaigns(rows, currency).with_note(note));
    }
    if !discounts.is_empty() {
        sections.push(Section::prices(discounts, prices.responses(paid, PriceBy::All), currency));
    }
    Ok(sections)
}

/// What a campaign cost as a whole.
pub(crate) fn cost(campaign: &str, units: i64) -> CampaignCost {
    CampaignCost::new(campaign, Amount::from_ten_thousandths(units * 10_000))
}
