//! Answers about a whole tenant as of an instant.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use wayfold_core::{
    BehaviourClass, Currency, CurrencyTotals, CurrencyValue, CustomerKey, CustomerView, LifecycleStage,
    MoneySum, Outcome, PopulationSummary, RfmScores, Tenant, TieRule, Timestamp,
};

use super::Oracle;

impl Oracle {
    /// Counts and sums over the customers of a tenant who have a view as of an instant.
    pub fn population(&self, tenant: &Tenant, as_of: Timestamp) -> PopulationSummary {
        let mut views = self.views(as_of);
        views.retain(|view| view.key.tenant == *tenant);
        let counted =
            |is_met: &dyn Fn(&CustomerView) -> bool| views.iter().filter(|view| is_met(view)).count() as u64;
        let outcomes = |outcome: Outcome| {
            let journeys = views.iter().flat_map(|view| &view.journeys.journeys);
            journeys.filter(|journey| journey.outcome == outcome).count() as u64
        };
        let currencies: BTreeSet<Currency> =
            views.iter().flat_map(|view| &view.value.currencies).map(|line| line.currency).collect();
        PopulationSummary {
            as_of,
            rules: self.rules.version.clone(),
            customers: views.len() as u64,
            events: views.iter().map(|view| view.events).sum(),
            unknown_events: views.iter().map(|view| view.unknown_events).sum(),
            lifecycle: LifecycleStage::ALL
                .iter()
                .map(|stage| (*stage, counted(&|view| view.lifecycle.stage == *stage)))
                .collect(),
            classes: BehaviourClass::ALL
                .iter()
                .map(|class| (*class, counted(&|view| view.segment.class == Some(*class))))
                .collect(),
            unclassified: counted(&|view| view.segment.class.is_none()),
            outcomes: Outcome::ALL.iter().map(|outcome| (*outcome, outcomes(*outcome))).collect(),
            totals: currencies.into_iter().map(|currency| totals(&views, currency)).collect(),
        }
    }

    /// The RFM scores of the customers of a tenant who have a purchase in a currency, over such purchases.
    pub fn rfm(
        &self,
        tenant: &Tenant,
        currency: Currency,
        as_of: Timestamp,
        ties: TieRule,
    ) -> BTreeMap<CustomerKey, RfmScores> {
        let mut buyers: Vec<(CustomerKey, [i128; 3])> = Vec::new();
        for view in self.views(as_of).into_iter().filter(|view| view.key.tenant == *tenant) {
            for values in view.segment.rfm.iter().filter(|values| values.currency == currency) {
                let days = as_of.since(values.last_purchase_at).whole_days();
                // Greater is better in all three, so the age in days counts downwards.
                let [recency, frequency] = [-i128::from(days), i128::from(values.frequency)];
                let better = [recency, frequency, values.monetary.as_ten_thousandths()];
                buyers.push((view.key.clone(), better));
            }
        }
        let score = |field: usize, buyer: usize| match ties {
            TieRule::Shared => shared(&buyers, field, buyer),
            TieRule::Ntile => ntile(&buyers, field, buyer),
            TieRule::Quantile => quantile(&buyers, field, buyer),
        };
        let scores = (0..buyers.len()).map(|buyer| {
            let [recency, frequency, monetary] = [0, 1, 2].map(|field| score(field, buyer));
            (buyers[buyer].0.clone(), RfmScores { recency, frequency, monetary })
        });
        scores.collect()
    }
}

/// The sums of what the views say in one currency.
fn totals(views: &[CustomerView], currency: Currency) -> CurrencyTotals {
    let lines: Vec<&CurrencyValue> = views
        .iter()
        .flat_map(|view| &view.value.currencies)
        .filter(|line| line.currency == currency)
        .collect();
    let sum = |money: &dyn Fn(&CurrencyValue) -> Option<MoneySum>| {
        let parts: Vec<i128> =
            lines.iter().filter_map(|line| money(line)).map(MoneySum::as_ten_thousandths).collect();
        (!parts.is_empty()).then(|| MoneySum::new(parts.iter().sum(), currency))
    };
    let all = |money: &dyn Fn(&CurrencyValue) -> MoneySum| {
        sum(&|line| Some(money(line))).expect("the currency is that of a line")
    };
    CurrencyTotals {
        currency,
        buyers: lines.iter().filter(|line| line.purchases > 0).count() as u64,
        purchases: lines.iter().map(|line| u64::from(line.purchases)).sum(),
        revenue: all(&|line| line.revenue),
        refunds: all(&|line| line.refunds),
        net: all(&|line| line.net),
        margin: sum(&|line| line.margin),
    }
}

fn shared(buyers: &[(CustomerKey, [i128; 3])], field: usize, buyer: usize) -> u8 {
    let own = buyers[buyer].1[field];
    let worse = buyers.iter().filter(|other| other.1[field] < own).count();
    (1 + 5 * worse / buyers.len()) as u8
}

fn ntile(buyers: &[(CustomerKey, [i128; 3])], field: usize, buyer: usize) -> u8 {
    let own = (buyers[buyer].1[field], &buyers[buyer].0);
    let place = buyers.iter().filter(|other| (other.1[field], &other.0).cmp(&own) == Ordering::Less).count();
    let (size, larger) = (buyers.len() / 5, buyers.len() % 5);
    let mut end = 0;
    for group in 0..5 {
        end += size + usize::from(group < larger);
        if place < end {
            return group as u8 + 1;
        }
    }
    unreachable!("the five groups hold every buyer")
}

/// As the R package says: the interval of the plain value, lower border included, and recency the other way round.
fn quantile(buyers: &[(CustomerKey, [i128; 3])], field: usize, buyer: usize) -> u8 {
    let is_recency = field == 0;
    let plain = |buyer: &(CustomerKey, [i128; 3])| if is_recency { -buyer.1[0] } else { buyer.1[field] };
    let one = if field == 2 { 10_000 } else { 1 };
    let mut all: Vec<i128> = buyers.iter().map(plain).collect();
    all.sort_unstable();
    let own = plain(&buyers[buyer]);
    let mut score = 1;
    for fifth in 1..=4 {
        let place = (all.len() - 1) * fifth;
        let part = (place % 5) as i128;
        let above = if part == 0 { 0 } else { all[place / 5 + 1] };
        let five_quantiles = (5 - part) * all[place / 5] + part * above;
        if own * 5 >= five_quantiles + one * 5 {
            score += 1;
        }
    }
    if is_recency { 6 - score } else { score }
}
