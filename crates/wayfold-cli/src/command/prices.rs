use anyhow::Result;
use clap::Args;
use serde::Serialize;
use wayfold::Currency;
use wayfold::insight::{Calendar, Confidence, DiscountRow, PriceBy, PriceResponse, Prices, ProductResponse};

use super::retention::Unit;
use crate::ask::{AskArguments, currency_of, parse_zone};
use crate::by::segment_of;
use crate::failure::not_found;
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, count, many, or_none};

/// Shows how deep discounts go and what they leave, and how many more units of a product a lower price sells.
#[derive(Debug, Args)]
pub(crate) struct PricesCommand {
    /// Where bands of discounts begin in per cent, from 0
    #[arg(long, value_name = "PERCENTS", value_delimiter = ',', default_value = "0,10,20,30")]
    bands: Vec<u8>,
    /// The periods by which units are held against prices
    #[arg(long, value_enum, default_value = "month")]
    period: Unit,
    /// Tells customers apart by stage, class, channel or attribute:NAME
    #[arg(long, value_name = "WHAT")]
    by: Option<String>,
    /// The currency [default: the one with the most purchases]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// The time zone of periods, such as Europe/London
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// How many products are shown, those sold most first; JSON has all
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    ask: AskArguments,
}

/// The answer; its JSON is documented in docs/guide/command.md.
#[derive(Debug, Serialize)]
struct Answer {
    currency: Currency,
    discounts: Vec<DiscountRow>,
    responses: Vec<Response>,
}

/// How units of a product follow its price, or why that is not told.
#[derive(Debug, Serialize)]
struct Response {
    product: String,
    segment: Option<String>,
    response: Option<PriceResponse>,
    reason: Option<String>,
}

impl From<ProductResponse> for Response {
    fn from(of: ProductResponse) -> Self {
        let (response, reason) = match of.response {
            Ok(response) => (Some(response), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self { product: of.product, segment: of.segment, response, reason }
    }
}

impl PricesCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let zone = parse_zone(&self.zone)?;
        let asked = self.ask.open()?;
        let Some(currency) = currency_of(self.currency.as_deref(), &asked.population()?)? else {
            return Err(not_found("nobody has bought by then; name a --currency, or a later --as-of"));
        };
        let mut prices = Prices::new(Calendar::new(zone, self.period.into()), currency);
        let mut by = PriceBy::All;
        if let Some(what) = &self.by {
            prices = prices.by_segment(segment_of(what, &asked)?);
            by = PriceBy::Segment;
        }
        let total = asked.wayfold.measure_of(&asked.tenant, &prices, asked.as_of)?;
        let discounts = prices.discounts(&total, by, &self.bands, Confidence::P95)?;
        let responses = prices.responses(&total, by).into_iter().map(Response::from).collect();
        let answer = Answer { currency, discounts, responses };
        if output.is_json() { output.object(&answer) } else { self.tell(output, &answer) }
    }

    fn tell(&self, output: &mut Output, answer: &Answer) -> Result<()> {
        let Answer { currency, discounts, responses } = answer;
        let segment = |of: &Option<String>| self.by.as_ref().map(|_| or_none(of.as_ref()));
        let header = |first: &str, rest: &[&str]| -> Vec<String> {
            let names = self.by.iter().map(String::as_str).chain([first]).chain(rest.iter().copied());
            names.map(str::to_owned).collect()
        };
        let texts = 1 + usize::from(self.by.is_some());
        if discounts.is_empty() {
            output.line("No purchase states list and paid prices of its lines.")?;
        } else {
            let row = |row: &DiscountRow| {
                let percent = |of: f64| format!("{of:.1} %");
                let margin = row.margin_percent.map_or_else(|| NONE.to_owned(), percent);
                let cells = [band(row), count(row.orders), percent(row.order_share.0)];
                let money =
                    [row.revenue.to_string(), percent(row.revenue_share), row.discount.to_string(), margin];
                segment(&row.segment).into_iter().chain(cells).chain(money).collect()
            };
            let revenue = format!("paid {currency}");
            let rest = ["orders", "of all", &revenue, "of all", "taken off", "margin"];
            output
                .table(Table::new(&header("discount", &rest), texts).with_rows(discounts.iter().map(row)))?;
        }
        let mut told: Vec<_> = responses.iter().filter_map(|of| Some((of, of.response.as_ref()?))).collect();
        // It is stable, so that equal ones stay by name.
        told.sort_by_key(|(_, response)| std::cmp::Reverse(response.units));
        let untold = responses.len() - told.len();
        if !told.is_empty() {
            let row = |(of, response): &(&Response, &PriceResponse)| {
                let elasticity = &response.elasticity;
                let cells = [
                    of.product.clone(),
                    count(response.units.max(0).unsigned_abs()),
                    count(response.periods),
                    response.price_min.to_string(),
                    response.price_max.to_string(),
                    format!("{:+.2} (\u{b1} {:.2})", elasticity.value, elasticity.standard_error),
                ];
                segment(&of.segment).into_iter().chain(cells).collect()
            };
            let rest = ["units", "periods", "lowest price", "highest", "units per 1 % of price"];
            let rows = told.iter().take(self.limit).map(row);
            output.table(Table::new(&header("product", &rest), texts).with_rows(rows))?;
        }
        if untold > 0 {
            output.line(format!(
                "Of {} the log tells too little of prices; --json says why.",
                many(untold as u64, "product")
            ))?;
        }
        output.line("Per cent by which units change where the price is one per cent higher; season and promotions move units too.")
    }
}

fn band(row: &DiscountRow) -> String {
    match (row.from_percent, row.below_percent) {
        (None, _) => "none".to_owned(),
        (Some(from), Some(below)) => format!("{from} to {below} %"),
        (Some(from), None) => format!("{from} % and more"),
    }
}
