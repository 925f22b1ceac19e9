use serde::{Deserialize, Serialize};
use wayfold_core::Span;

use crate::discount::DiscountRate;
use crate::history::BuyingHistory;
use crate::model::TransactionModel;

/// Over how many months value is looked ahead, how long a month is, and how much less later money is worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuePlan {
    /// How many months, from now on.
    pub months: u32,
    /// The length of a month.
    pub month: Span,
    /// The discount; a month counts as if all of it came at its end.
    pub discount: DiscountRate,
}

impl ValuePlan {
    /// So many months of 30.4375 days, a twelfth of 365.25.
    pub const fn months(months: u32, discount: DiscountRate) -> Self {
        Self { months, month: Span::from_micros(2_629_800_000_000), discount }
    }
}

/// What a customer is expected to buy in a month to come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MonthValue {
    /// The purchases expected in it.
    pub purchases: f64,
    /// The same, discounted to now.
    pub discounted_purchases: f64,
    /// What they are worth now, in the unit of the spending.
    pub value: f64,
}

/// What a customer is expected to be worth, by month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LifetimeValue {
    /// From the first month to the last.
    pub months: Vec<MonthValue>,
    /// The sum over the months.
    pub total: MonthValue,
}

/// Looks ahead: the purchases that a model expects in each month, at what a purchase is expected to bring.
///
/// `spend` is the value of one purchase, such as [`GammaGamma::expected_spend`](crate::GammaGamma::expected_spend) or
/// that times a margin.
///
/// ```
/// use wayfold_core::Span;
/// use wayfold_insight::{BuyingHistory, DiscountRate, ParetoNbd, TimeUnit, ValuePlan, lifetime_value};
///
/// let model = ParetoNbd::new(TimeUnit::Week, 0.553, 10.578, 0.606, 11.669)?;
/// let history = BuyingHistory::new(2, Span::from_days(213), Span::from_days(272))?;
/// let plan = ValuePlan::months(12, DiscountRate::yearly(0.15)?);
/// let value = lifetime_value(&model, &history, 24.66, &plan);
/// assert_eq!(value.months.len(), 12);
/// assert!(value.total.discounted_purchases < value.total.purchases);
/// assert!((value.total.value - 24.66 * value.total.discounted_purchases).abs() < 1e-12);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
pub fn lifetime_value(
    model: &dyn TransactionModel,
    history: &BuyingHistory,
    spend: f64,
    plan: &ValuePlan,
) -> LifetimeValue {
    let mut total = MonthValue { purchases: 0.0, discounted_purchases: 0.0, value: 0.0 };
    let (mut end, mut expected) = (Span::ZERO, 0.0);
    let mut months = Vec::new();
    for _ in 0..plan.months {
        end = end + plan.month;
        let by_then = model.expected_purchases(history, end);
        let purchases = by_then - expected;
        expected = by_then;
        let discounted_purchases = purchases * plan.discount.factor(end);
        let month = MonthValue { purchases, discounted_purchases, value: discounted_purchases * spend };
        total.purchases += month.purchases;
        total.discounted_purchases += month.discounted_purchases;
        total.value += month.value;
        months.push(month);
    }
    LifetimeValue { months, total }
}
