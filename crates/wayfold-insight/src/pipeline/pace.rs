//! How fast deals are followed up: first contacts, time in stage, and leads that nobody touches.

use std::collections::BTreeMap;

use serde::Serialize;
use wayfold_core::{Span, Timestamp};

use super::opportunity::{DealState, Opportunities, Opportunity, OpportunityTotal};
use crate::interval::{self, Confidence, Interval};
use crate::measure::Durations;

/// How long leads of a source waited for the first contact.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FirstContactRow {
    /// The source; `None` of leads without one.
    pub source: Option<String>,
    /// How many deals there are.
    pub deals: u64,
    /// How many were contacted.
    pub contacted: u64,
    /// The percentage of all that were contacted within the limit, with Wilson's interval.
    pub in_time: (f64, Interval),
    /// The median time to the first contact, by nearest rank; `None` where nobody was contacted.
    pub median: Option<Span>,
    /// The 90th percentile, by nearest rank.
    pub p90: Option<Span>,
}

/// How long deals stayed in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageTimeRow {
    /// The stage.
    pub stage: String,
    /// How many stays ended, by going to another stage or by the end of the deal.
    pub ended: u64,
    /// Their mean time; `None` where none ended.
    pub mean: Option<Span>,
    /// Their median, by nearest rank.
    pub median: Option<Span>,
    /// Their 90th percentile, by nearest rank.
    pub p90: Option<Span>,
}

/// A lead that is somebody's, and that this somebody leaves alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UntouchedLead {
    /// Whose deal.
    pub customer: String,
    /// Which one.
    pub journey: String,
    /// To whom it is assigned.
    pub owner: String,
    /// Since when nothing was done about it.
    pub since: Timestamp,
    /// From when on it is due for the pool.
    pub due_at: Timestamp,
}

impl Opportunities {
    /// How long leads wait for their first contact, by source, those without one first.
    pub fn first_contacts(
        &self,
        total: &OpportunityTotal,
        within: Span,
        confidence: Confidence,
    ) -> Vec<FirstContactRow> {
        let mut by_source: BTreeMap<&Option<String>, Vec<&Opportunity>> = BTreeMap::new();
        total.iter().for_each(|deal| by_source.entry(&deal.source).or_default().push(deal));
        let row = |(source, deals): (&Option<String>, Vec<&Opportunity>)| {
            let mut waits = Durations::default();
            let (mut contacted, mut in_time) = (0, 0);
            for contact in deals.iter().filter_map(|deal| Some(deal.first_contact_at?.since(deal.started_at)))
            {
                contacted += 1;
                in_time += u64::from(contact <= within);
                waits.add(contact.as_micros(), 1);
            }
            let figures = waits.figures();
            let deals = deals.len() as u64;
            FirstContactRow {
                source: source.clone(),
                deals,
                contacted,
                in_time: interval::share(in_time, deals, confidence),
                median: figures.as_ref().map(|figures| figures.median),
                p90: figures.as_ref().map(|figures| figures.p90),
            }
        };
        by_source.into_iter().map(row).collect()
    }

    /// How long deals stay in each stage, in the order of the pipeline.
    pub fn stage_times(&self, total: &OpportunityTotal) -> Vec<StageTimeRow> {
        let mut stays = vec![(0, Durations::default()); self.stages.len()];
        for deal in total.iter() {
            let ends = deal.entries.iter().skip(1).map(|entry| entry.at).chain(deal.closed_at);
            for (entry, end) in deal.entries.iter().zip(ends) {
                stays[entry.stage].0 += 1;
                // A deal may be won, and then come into a stage again.
                stays[entry.stage].1.add(end.since(entry.at).as_micros().max(0), 1);
            }
        }
        let row = |(stage, (ended, stays)): (&super::PipelineStage, (u64, Durations))| {
            let figures = stays.figures();
            StageTimeRow {
                stage: stage.name.clone(),
                ended,
                mean: figures.as_ref().map(|figures| figures.mean),
                median: figures.as_ref().map(|figures| figures.median),
                p90: figures.as_ref().map(|figures| figures.p90),
            }
        };
        self.stages.iter().zip(stays).map(row).collect()
    }

    /// The open deals whose owner did nothing about them for longer than a span, as of an instant: due for the pool
    /// (公海), the longest first.
    pub fn untouched(
        &self,
        total: &OpportunityTotal,
        longer_than: Span,
        as_of: Timestamp,
    ) -> Vec<UntouchedLead> {
        let open = total.iter().filter(|deal| deal.state == DealState::Open);
        let lead = |deal: &Opportunity| {
            let due_at = (deal.untouched_since + longer_than).next();
            Some(UntouchedLead {
                customer: deal.customer.clone(),
                journey: deal.journey.clone(),
                owner: deal.owner.clone()?,
                since: deal.untouched_since,
                due_at,
            })
        };
        let mut leads: Vec<_> = open.filter_map(lead).filter(|lead| lead.due_at <= as_of).collect();
        leads.sort_by_key(|lead| lead.since);
        leads
    }
}
