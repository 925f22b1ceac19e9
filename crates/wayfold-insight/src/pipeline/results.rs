//! What the pipeline is worth, and what deals came to.

use std::collections::BTreeMap;

use serde::Serialize;
use wayfold_core::{Amount, Span, Timestamp};

use super::opportunity::{DealState, Opportunities, Opportunity, OpportunityTotal};
use crate::interval::{self, Confidence, Interval};
use crate::measure::{Durations, amount};

/// The open deals of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PipelineRow {
    /// The stage.
    pub stage: String,
    /// How many of a hundred are won from here, by the stage's definition.
    pub probability_percent: u8,
    /// How many deals stand there.
    pub open: u64,
    /// What they are worth.
    pub value: Amount,
    /// The value times the probability, cut to a ten-thousandth.
    pub weighted_value: Amount,
}

/// An open deal that stands in its stage for longer than the stage allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlippingDeal {
    /// Whose.
    pub customer: String,
    /// Which one.
    pub journey: String,
    /// The stage.
    pub stage: String,
    /// Since when it stands there.
    pub since: Timestamp,
    /// What it is worth.
    pub value: Option<Amount>,
}

/// How many deals of a source were won.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WinRow {
    /// The source; `None` of leads without one.
    pub source: Option<String>,
    /// How many were won.
    pub won: u64,
    /// How many were lost; disqualified and open ones are neither.
    pub lost: u64,
    /// The percentage of those won of those won and lost, with Wilson's interval; `None` where there is neither.
    pub rate: Option<(f64, Interval)>,
    /// What the won ones are worth.
    pub value: Amount,
}

/// Why deals were lost, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostRow {
    /// The reason.
    pub reason: Option<String>,
    /// The competitor.
    pub competitor: Option<String>,
    /// How many deals.
    pub deals: u64,
    /// What they were worth.
    pub value: Amount,
}

/// How an objection was resolved, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConcessionRow {
    /// The objection's theme.
    pub theme: String,
    /// By which concession it was resolved; `None` without one, or while it is not.
    pub concession: Option<String>,
    /// How many objections.
    pub objections: u64,
    /// How many of them were resolved.
    pub resolved: u64,
    /// How many of their deals were won.
    pub won: u64,
    /// How many were lost.
    pub lost: u64,
    /// The percentage of those won of those won and lost, with Wilson's interval; `None` where there is neither.
    pub win_rate: Option<(f64, Interval)>,
}

/// Work that goes from a team to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandOverRow {
    /// The team before.
    pub from: String,
    /// The team behind.
    pub to: String,
    /// How often.
    pub count: u64,
    /// The median time between the last that one did and the first that the other did, by nearest rank.
    pub median: Span,
    /// The 90th percentile, by nearest rank.
    pub p90: Span,
}

/// A sum of values in ten-thousandths.
fn worth<'a>(deals: impl Iterator<Item = &'a Opportunity>) -> i128 {
    deals.filter_map(|deal| deal.value).map(|value| i128::from(value.as_ten_thousandths())).sum()
}

fn rate(won: u64, lost: u64, confidence: Confidence) -> Option<(f64, Interval)> {
    (won + lost > 0).then(|| interval::share(won, won + lost, confidence))
}

impl Opportunities {
    /// The open deals by stage, in the order of the pipeline; their weighted value is what is to be expected of them.
    pub fn pipeline(&self, total: &OpportunityTotal) -> Vec<PipelineRow> {
        let row = |(place, stage): (usize, &super::PipelineStage)| {
            let there = || total.iter().filter(move |deal| open_in(deal).is_some_and(|of| of.0 == place));
            let value = worth(there());
            PipelineRow {
                stage: stage.name.clone(),
                probability_percent: stage.probability_percent,
                open: there().count() as u64,
                value: amount(value),
                weighted_value: amount(value * i128::from(stage.probability_percent) / 100),
            }
        };
        self.stages.iter().enumerate().map(row).collect()
    }

    /// The open deals that slip as of an instant, the longest in their stage first.
    pub fn slipping(&self, total: &OpportunityTotal, as_of: Timestamp) -> Vec<SlippingDeal> {
        let slips = |deal: &Opportunity| {
            let (stage, since) = open_in(deal)?;
            let stage = &self.stages[stage];
            let limit = Span::from_days(stage.slips_after_days);
            (as_of.since(since) > limit).then(|| SlippingDeal {
                customer: deal.customer.clone(),
                journey: deal.journey.clone(),
                stage: stage.name.clone(),
                since,
                value: deal.value,
            })
        };
        let mut slipping: Vec<_> = total.iter().filter_map(slips).collect();
        slipping.sort_by_key(|deal| deal.since);
        slipping
    }

    /// How many deals are won, by source, those without one first.
    pub fn win_rates(&self, total: &OpportunityTotal, confidence: Confidence) -> Vec<WinRow> {
        let mut by_source: BTreeMap<&Option<String>, Vec<&Opportunity>> = BTreeMap::new();
        total.iter().for_each(|deal| by_source.entry(&deal.source).or_default().push(deal));
        let row = |(source, deals): (&Option<String>, Vec<&Opportunity>)| {
            let of = |state| deals.iter().copied().filter(move |deal| deal.state == state);
            let (won, lost) = (of(DealState::Won).count() as u64, of(DealState::Lost).count() as u64);
            WinRow {
                source: source.clone(),
                won,
                lost,
                rate: rate(won, lost, confidence),
                value: amount(worth(of(DealState::Won))),
            }
        };
        by_source.into_iter().map(row).collect()
    }

    /// Why deals were lost and to whom, what was worth most first, then by reason and competitor.
    pub fn lost(&self, total: &OpportunityTotal) -> Vec<LostRow> {
        let mut reasons: BTreeMap<_, Vec<&Opportunity>> = BTreeMap::new();
        for deal in total.iter().filter(|deal| deal.state == DealState::Lost) {
            reasons.entry((&deal.reason, &deal.competitor)).or_default().push(deal);
        }
        let row = |((reason, competitor), deals): ((&Option<String>, &Option<String>), Vec<&Opportunity>)| {
            LostRow {
                reason: reason.clone(),
                competitor: competitor.clone(),
                deals: deals.len() as u64,
                value: amount(worth(deals.into_iter())),
            }
        };
        let mut rows: Vec<_> = reasons.into_iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.value));
        rows
    }

    /// Which concession resolves which objection, and how many deals with it are won, by theme and concession.
    pub fn concessions(&self, total: &OpportunityTotal, confidence: Confidence) -> Vec<ConcessionRow> {
        let mut rows: BTreeMap<_, [u64; 4]> = BTreeMap::new();
        for deal in total.iter() {
            for objection in &deal.objections {
                let counts = rows.entry((&objection.theme, &objection.concession)).or_default();
                counts[0] += 1;
                counts[1] += u64::from(objection.resolved_at.is_some());
                counts[2] += u64::from(deal.state == DealState::Won);
                counts[3] += u64::from(deal.state == DealState::Lost);
            }
        }
        let row = |((theme, concession), [objections, resolved, won, lost]): (
            (&String, &Option<String>),
            [u64; 4],
        )| {
            let (theme, concession) = (theme.clone(), concession.clone());
            let win_rate = rate(won, lost, confidence);
            ConcessionRow { theme, concession, objections, resolved, won, lost, win_rate }
        };
        rows.into_iter().map(row).collect()
    }

    /// From which team to which deals go, the most frequent first, then by name.
    pub fn hand_overs(&self, total: &OpportunityTotal) -> Vec<HandOverRow> {
        let mut waits: BTreeMap<(&str, &str), (u64, Durations)> = BTreeMap::new();
        for hand_over in total.iter().flat_map(|deal| &deal.hand_overs) {
            let known = waits.entry((&hand_over.from, &hand_over.to)).or_default();
            known.0 += 1;
            known.1.add(hand_over.to_at.since(hand_over.from_at).as_micros(), 1);
        }
        let row = |((from, to), (count, waits)): ((&str, &str), (u64, Durations))| {
            let figures = waits.figures()?;
            let (from, to) = (from.to_owned(), to.to_owned());
            Some(HandOverRow { from, to, count, median: figures.median, p90: figures.p90 })
        };
        let mut rows: Vec<_> = waits.into_iter().filter_map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows
    }
}

/// The stage in which an open deal stands, and since when.
fn open_in(deal: &Opportunity) -> Option<(usize, Timestamp)> {
    let last = deal.entries.last().filter(|_| deal.state == DealState::Open)?;
    Some((last.stage, last.at))
}
