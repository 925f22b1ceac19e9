//! What customers are worth by fitted models, and how well the models told it.

use anyhow::Result;
use wayfold::insight::{
    self, BgNbd, BuyingDays, BuyingDaysView, Cells, ChurnModel, Criterion, DiscountRate, Evaluation, Fitted,
    GammaGamma, Holdout, LifetimeValue, MbgNbd, ParetoNbd, SpendHistory, TimeUnit, TransactionModel,
    ValuePlan, lifetime_value,
};
use wayfold::{Currency, CustomerKey, Handle, Population, Span, Timestamp};

use crate::ask::Asked;
use crate::failure::not_found;

/// Models fitted on what was known at an instant, and judged by what came after.
pub(crate) struct Judged {
    pub(crate) split: Timestamp,
    pub(crate) bg: Fitted<BgNbd>,
    pub(crate) mbg: Fitted<MbgNbd>,
    pub(crate) pareto: Fitted<ParetoNbd>,
    pub(crate) spending: Fitted<GammaGamma>,
    /// The best first.
    pub(crate) evaluations: Vec<Evaluation>,
}

/// Fits all models of purchases on what was known at the split, and that of spending.
///
/// # Errors
/// If there is too little to fit or to judge by.
pub(crate) fn judge(
    asked: &Asked,
    buying: Handle<BuyingDays>,
    currency: Currency,
    split: Timestamp,
) -> Result<Judged> {
    let customers = asked.wayfold.own_views_of(&asked.tenant, buying, split)?.into_vec();
    let later = asked.wayfold.own_views_of(&asked.tenant, buying, asked.as_of)?.into_vec();
    let holdout = Holdout::split(&customers, split, &later, asked.as_of)?;
    let cells = holdout.histories();
    let bg = BgNbd::fit(&cells, TimeUnit::Week)?;
    let mbg = MbgNbd::fit(&cells, TimeUnit::Week)?;
    let pareto = ParetoNbd::fit(&cells, TimeUnit::Week)?;
    let spending = GammaGamma::fit(&spends(&customers)?, currency)?;
    let models: [&dyn TransactionModel; 3] = [&bg.model, &mbg.model, &pareto.model];
    let evaluations = holdout.choose(&models, Criterion::MeanAbsoluteError)?;
    Ok(Judged { split, bg, mbg, pareto, spending, evaluations })
}

/// What is expected of each buyer.
pub(crate) struct Predicted {
    /// What it will bring.
    pub(crate) values: Vec<(CustomerKey, LifetimeValue)>,
    /// How likely it is still there.
    pub(crate) alive: Vec<(CustomerKey, f64)>,
}

/// What each buyer will bring within twelve months, discounted by 15 % a year, by models fitted on all that is known.
///
/// # Errors
/// If there is too little to fit.
pub(crate) fn predict(asked: &Asked, buying: Handle<BuyingDays>, currency: Currency) -> Result<Predicted> {
    let customers = asked.wayfold.own_views_of(&asked.tenant, buying, asked.as_of)?.into_vec();
    let mut histories = Vec::new();
    for (key, view) in &customers {
        if let Some(history) = view.history(asked.as_of)? {
            histories.push((key.clone(), history, view.spend()?));
        }
    }
    let cells = histories.iter().map(|(_, history, _)| *history).collect();
    let model = ParetoNbd::fit(&cells, TimeUnit::Week)?.model;
    let spending = GammaGamma::fit(&spends(&customers)?, currency)?.model;
    let plan = ValuePlan::months(12, DiscountRate::yearly(0.15)?);
    let mut predicted = Predicted { values: Vec::new(), alive: Vec::new() };
    for (key, history, spend) in histories {
        let value = lifetime_value(&model, &history, spending.expected_spend(&spend)?, &plan);
        predicted.alive.push((key.clone(), model.probability_alive(&history)));
        predicted.values.push((key, value));
    }
    Ok(predicted)
}

fn spends(customers: &[(CustomerKey, BuyingDaysView)]) -> insight::Result<Cells<SpendHistory>> {
    customers.iter().map(|(_, view)| view.spend()).collect()
}

/// The end of the day before the one in the middle of the history.
pub(crate) fn middle(population: &Population) -> Result<Timestamp> {
    let first = population.members().iter().map(|member| member.first_seen_at).min();
    let first = first.ok_or_else(|| not_found("nothing is known of any customer by then"))?;
    let half = Span::from_micros(population.as_of().since(first).as_micros() / 2);
    let day = (first + half).to_chrono().date_naive();
    Ok(Timestamp::parse(&day.to_string()).map_err(wayfold::Error::from)?.previous())
}
