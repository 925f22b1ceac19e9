use anyhow::Result;
use clap::Args;
use serde::Serialize;
use wayfold::insight::{BuyingDays, Evaluation, FitReport};
use wayfold::{Currency, Timestamp};

use crate::ask::{AskArguments, currency_of, parse_time};
use crate::failure::not_found;
use crate::output::Output;
use crate::table::Table;
use crate::words::{count, instant};
use crate::worth::{Judged, judge, middle};

/// Fits models of when customers buy again and for how much, and lets the last part of the history judge them.
#[derive(Debug, Args)]
pub(crate) struct Models {
    /// What was known before this instant is fitted, and what came after judges [default: the middle of the history]
    #[arg(long, value_name = "TIME")]
    split: Option<String>,
    /// The currency of purchases and amounts [default: the one with the most purchases]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    #[command(flatten)]
    ask: AskArguments,
}

/// The answer; its JSON is documented in docs/guide/command.md.
#[derive(Debug, Serialize)]
struct Answer {
    currency: Currency,
    split: Timestamp,
    end: Timestamp,
    fits: Vec<NamedFit>,
    evaluations: Vec<Evaluation>,
}

#[derive(Debug, Serialize)]
struct NamedFit {
    model: &'static str,
    fit: FitReport,
}

impl Models {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let split = self.split.as_deref().map(parse_time).transpose()?;
        let answer = self.answer(split)?;
        if output.is_json() { output.object(&answer) } else { tell(output, &answer) }
    }

    fn answer(&self, split: Option<Timestamp>) -> Result<Answer> {
        let currency = self.currency()?;
        let mut builder = self.ask.builder()?;
        let buying = builder.register(BuyingDays::new(currency))?;
        let asked = self.ask.open_built(builder)?;
        let split = match split {
            Some(split) => split.previous(),
            None => middle(&asked.population()?)?,
        };
        let Judged { split, bg, mbg, pareto, spending, evaluations } =
            judge(&asked, buying, currency, split)?;
        let fits = [
            ("bg_nbd", bg.report),
            ("mbg_nbd", mbg.report),
            ("pareto_nbd", pareto.report),
            ("gamma_gamma", spending.report),
        ];
        let fits = fits.into_iter().map(|(model, fit)| NamedFit { model, fit }).collect();
        Ok(Answer { currency, split, end: asked.as_of, fits, evaluations })
    }

    fn currency(&self) -> Result<Currency> {
        let population = self.ask.open()?.population()?;
        let nobody = || not_found("nobody has bought by then, so that there is nothing to fit");
        currency_of(self.currency.as_deref(), &population)?.ok_or_else(nobody)
    }
}

fn tell(output: &mut Output, answer: &Answer) -> Result<()> {
    let Answer { currency, split, end, fits, evaluations } = answer;
    let customers = evaluations.first().map_or(0, |best| best.customers);
    output.heading(&format!(
        "{} buyers, fitted on what came before {}",
        count(customers),
        instant(split.next())
    ))?;
    output.line(format!(
        "Judged by what they bought until {}; time in weeks, money in {currency}.",
        instant(*end)
    ))?;
    output.line("")?;
    let rows = fits.iter().flat_map(|NamedFit { model, fit }| {
        fit.estimates.iter().map(move |of| {
            vec![(*model).to_owned(), of.name.clone(), figure(of.value), figure(of.standard_error)]
        })
    });
    output.table(Table::new(&["model", "parameter", "value", "standard error"], 2).with_rows(rows))?;
    let rows = evaluations.iter().map(|found| {
        vec![
            found.model.clone(),
            figure(found.expected),
            count(found.bought),
            figure(found.mean_absolute_error),
            figure(found.mean_absolute_error_at_rate_so_far),
            figure(found.ranking.auc),
            figure(found.recency_only.auc),
        ]
    });
    let header = ["model", "expected", "bought", "error", "error at rate so far", "AUC", "AUC by recency"];
    output.table(Table::new(&header, 1).with_rows(rows))?;
    output.line("The best stands first: its expectation is off by the least for each customer.")
}

fn figure(number: f64) -> String {
    format!("{number:.3}")
}
