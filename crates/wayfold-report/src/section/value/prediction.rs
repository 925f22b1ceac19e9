//! What is to be expected of customers, and how well a model told it before.

use wayfold_core::{Currency, CustomerKey, MoneySum};
use wayfold_insight::{Evaluation, LifetimeValue};

use crate::chart::{Columns, Series};
use crate::content::{Block, Chart, Content, Figure};
use crate::section::{Management, Section};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// What each customer is expected to be worth, by month: the sum of all, and who is expected to bring most.
    ///
    /// The currency is that of the spending; values are discounted to now.
    pub fn prediction(values: Vec<(CustomerKey, LifetimeValue)>, currency: Currency) -> Self {
        let title = format!("Expected value in {currency}");
        Self::new(Management::Value, "expected", title, move |show| expected(&values, currency, show))
    }

    /// How well a model of purchases told what customers did, beside the rule that needs no model.
    pub fn calibration(evaluation: Evaluation) -> Self {
        Self::new(Management::Value, "calibration", "How well the model tells", move |show| {
            calibration(&evaluation, show)
        })
    }
}

/// Money from a model; what is no number is none.
fn money(units: f64, currency: Currency) -> MoneySum {
    MoneySum::new((units * 1e4).round() as i128, currency)
}

/// So many customers are named.
const BEST: usize = 20;

fn expected(values: &[(CustomerKey, LifetimeValue)], currency: Currency, show: &Show) -> Content {
    let mut content = Content::default();
    let months = values.iter().map(|(_, value)| value.months.len()).max().unwrap_or_default();
    let sum = |month: usize, of: fn(&wayfold_insight::MonthValue) -> f64| -> f64 {
        values.iter().filter_map(|(_, value)| value.months.get(month)).map(of).sum()
    };
    let by_month: Vec<(f64, f64)> =
        (0..months).map(|month| (sum(month, |of| of.value), sum(month, |of| of.purchases))).collect();
    let total: f64 = by_month.iter().map(|(value, _)| value).sum();
    let purchases: f64 = by_month.iter().map(|(_, purchases)| purchases).sum();
    content.blocks.push(Block::Figures(vec![
        Figure::new(format!("Expected in {months} months"), Cell::Money(money(total, currency))),
        Figure::new("Purchases expected", Cell::Number(purchases, 0)),
        Figure::new("Per customer", Cell::Money(money(total / values.len().max(1) as f64, currency))),
    ]));
    if months > 0 {
        content.finding(format!(
            "In the next {months} months, {} customers are expected to bring {} (discounted to now).",
            show.count(values.len()),
            show.money_short(money(total, currency))
        ));
    }
    let series = Series {
        name: "Value".to_owned(),
        class: "bar",
        figures: by_month.iter().map(|(value, _)| *value).collect(),
    };
    let names = (1..=months).map(|month| month.to_string()).collect();
    let columns = Columns { names, series: vec![series], shown: &|figure| show.short(figure) };
    let rows = by_month.iter().enumerate().map(|(month, (value, purchases))| {
        vec![Cell::count(month + 1), Cell::Number(*purchases, 1), Cell::Money(money(*value, currency))]
    });
    let table = Table::new("Expected value by month", ["Month from now", "Purchases", "Value now"], rows);
    let axes = format!("{currency} by month from now, discounted.");
    if months > 0 {
        content.blocks.push(Block::Chart(Chart::new("months", axes, &columns, table)));
    }
    let mut best: Vec<_> = values.iter().collect();
    best.sort_by(|a, b| b.1.total.value.total_cmp(&a.1.total.value).then_with(|| a.0.cmp(&b.0)));
    let rows = best.into_iter().take(BEST).map(|(key, value)| {
        let total = &value.total;
        vec![
            Cell::text(key.customer.as_str()),
            Cell::Number(total.purchases, 2),
            Cell::Money(money(total.value, currency)),
        ]
    });
    let title = format!("The {} customers of whom most is expected", values.len().min(BEST));
    content
        .blocks
        .push(Block::Table(Table::new(title, ["Customer", "Purchases", "Value now"], rows).opened()));
    content
}

fn calibration(evaluation: &Evaluation, show: &Show) -> Content {
    let mut content = Content::default();
    content.blocks.push(Block::Figures(vec![
        Figure::new("Bought", Cell::count(evaluation.bought)).with_note(format!(
            "{} expected by {}",
            show.number(evaluation.expected, 0),
            evaluation.model
        )),
        Figure::new("Ranks right (AUC)", Cell::Number(evaluation.ranking.auc, 3))
            .with_note(format!("{} by the last purchase alone", show.number(evaluation.recency_only.auc, 3))),
        Figure::new("Off by (mean)", Cell::Number(evaluation.mean_absolute_error, 2)).with_note(format!(
            "{} if all went on as before",
            show.number(evaluation.mean_absolute_error_at_rate_so_far, 2)
        )),
    ]));
    let repeats = |repeats: u32| if repeats >= 7 { "7 and more".to_owned() } else { repeats.to_string() };
    let rows = evaluation.calibration.iter().map(|row| {
        vec![
            Cell::text(repeats(row.repeats)),
            Cell::count(row.customers),
            Cell::Number(row.expected, 2),
            Cell::Number(row.bought, 2),
        ]
    });
    let heads = ["Repeats before", "Customers", "Expected", "Bought"];
    content.blocks.push(Block::Table(Table::new("Expected and bought, per customer", heads, rows).opened()));
    content
}
