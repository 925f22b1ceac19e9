//! Figures that a report makes of results: of one's own for the SWOT page, clusters, and what goes with leaving.

use std::collections::BTreeMap;

use anyhow::Result;
use wayfold::insight::{
    self, Clusters, Confidence, FitReport, KMeans, NormRow, Observation, Opportunities, OpportunityTotal,
    OwnFigure, Regression, Rule, own_figure,
};
use wayfold::{Currency, CustomerKey, LifecycleStage, Population, ScoredCustomer, Selection, TieRule};

use crate::ask::Asked;

/// How promised deliveries were kept.
pub(crate) fn on_time(row: &NormRow) -> Option<OwnFigure> {
    let source = "order_placed with a promise, and delivered";
    OwnFigure::share(own_figure::ON_TIME, row.kept, row.kept + row.broken, Confidence::P95, source)
}

/// Which of the deals that were decided were won.
pub(crate) fn won(deals: &Opportunities, total: &OpportunityTotal) -> Option<OwnFigure> {
    let rows = deals.win_rates(total, Confidence::P95);
    let (won, lost) = rows.iter().fold((0, 0), |sum, row| (sum.0 + row.won, sum.1 + row.lost));
    let source = "the journeys of the pipeline: order_placed, deal_lost";
    OwnFigure::share(own_figure::WON, won, won + lost, Confidence::P95, source)
}

/// Whether there is a deal that somebody works on: an owner, a quote, an objection, or a loss.
pub(crate) fn has_deals(total: &OpportunityTotal) -> bool {
    total.iter().any(|deal| {
        deal.owner.is_some()
            || deal.reason.is_some()
            || deal.competitor.is_some()
            || !deal.objections.is_empty()
    })
}

/// What the population says of who buys again, who has churned, and where revenue comes from.
pub(crate) fn of_population(population: &Population, currency: Option<Currency>) -> Vec<OwnFigure> {
    let members = population.members();
    let buyers = members.iter().filter(|member| member.purchases > 0).count() as u64;
    let again = members.iter().filter(|member| member.purchases > 1).count() as u64;
    let churned = members.iter().filter(|member| member.lifecycle == LifecycleStage::Churned).count() as u64;
    let share =
        |name, part| OwnFigure::share(name, part, buyers, Confidence::P95, "order_placed, by the lifecycle");
    let mut figures: Vec<OwnFigure> =
        [share(own_figure::BOUGHT_AGAIN, again), share(own_figure::CHURNED, churned)]
            .into_iter()
            .flatten()
            .collect();
    let Some(currency) = currency else { return figures };
    let percent = |name: &str, part: i128, whole: i128, evidence: u64, source: &str| OwnFigure {
        name: name.to_owned(),
        value: 100.0 * part as f64 / whole as f64,
        unit: "%".to_owned(),
        interval: None,
        evidence,
        source: source.to_owned(),
    };
    let summary = population.summary();
    if let Some(total) = summary.totals.iter().find(|total| total.currency == currency) {
        let (refunds, revenue) = (total.refunds.as_ten_thousandths(), total.revenue.as_ten_thousandths());
        if revenue > 0 {
            let source = format!("order_placed and refunded in {currency}");
            figures.push(percent(own_figure::REFUNDED, refunds, revenue, total.purchases, &source));
        }
        let tenth = (buyers / 10) as usize;
        let net = |member: &wayfold::Member| {
            member.value(currency).map_or(0, |value| value.net.as_ten_thousandths())
        };
        let all: i128 = members.iter().map(net).sum();
        if tenth > 0 && all > 0 {
            let best: i128 = population.top(currency, tenth).into_iter().map(net).sum();
            let source = format!("net value in {currency} of {tenth} buyers");
            figures.push(percent(own_figure::TOP_TENTH, best, all, buyers, &source));
        }
    }
    figures
}

/// How many customers match a rule.
pub(crate) fn count_members(asked: &Asked, rule: &Rule) -> Result<u64> {
    let selection = Selection::new(rule.filter().clone()).with_limit(1);
    Ok(asked.wayfold.customers_of(&asked.tenant, &selection, asked.as_of)?.matching())
}

/// How many clusters, and the seed from which they begin.
const CLUSTERS: usize = 4;
const SEED: u64 = 1;

/// Buyers who are alike in how long ago, how often and for how much they bought. Numbers and money go in as logarithms, because
/// a few are very large; the centres are the means of what they are.
pub(crate) fn clusters(
    population: &Population,
    currency: Currency,
) -> insight::Result<(Clusters, Vec<String>)> {
    let buyers = population.rfm(currency, TieRule::default()).customers;
    let rows: Vec<[f64; 3]> = buyers.iter().map(features).collect();
    let logarithms: Vec<Vec<f64>> =
        rows.iter().map(|[days, often, net]| vec![*days, often.ln_1p(), net.max(0.0).ln_1p()]).collect();
    let mut clusters = KMeans::new(CLUSTERS, SEED).fit(&logarithms)?;
    for (cluster, centre) in clusters.centres.iter_mut().enumerate() {
        let here =
            || rows.iter().zip(&clusters.of_rows).filter(|(_, of)| **of == cluster).map(|(row, _)| row);
        let count = here().count().max(1) as f64;
        *centre = (0..3).map(|feature| here().map(|row| row[feature]).sum::<f64>() / count).collect();
    }
    let names =
        ["days since the last purchase".to_owned(), "purchases".to_owned(), format!("net {currency}")];
    Ok((clusters, names.into()))
}

/// How many days ago, how often and for how much somebody bought.
fn features(buyer: &ScoredCustomer) -> [f64; 3] {
    [buyer.recency_days as f64, f64::from(buyer.frequency), buyer.monetary.as_ten_thousandths() as f64 / 1e4]
}

/// What was known at one instant of the buyers who had not churned then, and what goes with having churned at another.
pub(crate) fn drivers(
    before: &Population,
    after: &Population,
    currency: Currency,
) -> insight::Result<FitReport> {
    let lifecycle = |population: &Population| -> BTreeMap<CustomerKey, LifecycleStage> {
        population.members().iter().map(|member| (member.key.clone(), member.lifecycle)).collect()
    };
    let (then, now) = (lifecycle(before), lifecycle(after));
    let here = |buyer: &&ScoredCustomer| then.get(&buyer.key) != Some(&LifecycleStage::Churned);
    let table = before.rfm(currency, TieRule::default());
    let observations: Vec<Observation> = table
        .customers
        .iter()
        .filter(here)
        .map(|buyer| {
            let [days, often, net] = features(buyer);
            let has_left = now.get(&buyer.key) == Some(&LifecycleStage::Churned);
            Observation::new([days / 30.0, often, net / 100.0], f64::from(u8::from(has_left)))
        })
        .collect();
    let names =
        ["30 days since the last purchase".to_owned(), "purchase".to_owned(), format!("100 {currency} net")];
    Ok(Regression::new(names).fit_logistic(&observations)?.report)
}
