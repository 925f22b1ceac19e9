use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use wayfold::insight::Rule;
use wayfold::{CustomerView, Filter, Order, Selection, Timestamp};

use crate::ask::{AskArguments, Asked, currency_of};
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, instant, many};

/// Lists customers: all, or whom a rule selects.
#[derive(Debug, Args)]
pub(crate) struct Customers {
    /// A rule such as `lifecycle.stage is loyal and count of product_viewed within 7 days >= 3` (docs/guide/segments.md)
    rule: Option<String>,
    /// The field by which they are ordered [default: key.customer]
    #[arg(long, value_name = "FIELD")]
    sort: Option<String>,
    /// Puts the highest or latest first
    #[arg(long)]
    descending: bool,
    /// How many are listed; 0 only counts
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
    /// Which fields are shown, with commas between them, such as `lifecycle.stage,value.currencies[EUR].net`
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    columns: Vec<String>,
    #[command(flatten)]
    ask: AskArguments,
}

impl Customers {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let rule = self.rule.as_deref().map(str::parse::<Rule>).transpose()?;
        let filter = rule.as_ref().map_or_else(Filter::default, |rule| rule.filter().clone());
        let asked = self.ask.open_for(&rule.iter().collect::<Vec<_>>())?;
        let selection = Selection::new(filter).with_order(self.order()).with_limit(self.limit);
        let page = asked.wayfold.customers_of(&asked.tenant, &selection, asked.as_of)?;
        let matching = page.matching();
        if output.is_json() {
            return page.customers().try_for_each(|view| self.object(output, view));
        }
        let columns = if self.columns.is_empty() { default_columns(&asked)? } else { self.columns.clone() };
        let header: Vec<&str> =
            std::iter::once("customer").chain(columns.iter().map(String::as_str)).collect();
        let mut table = Table::new(&header, header.len());
        for view in page.customers() {
            let fields = columns.iter().map(|column| shown(view, column)).collect::<Result<Vec<_>>>()?;
            table.row(std::iter::once(view.key.to_string()).chain(fields));
        }
        if page.customers().len() > 0 {
            output.table(table)?;
        }
        let listed = page.customers().len() as u64;
        let more = if listed < matching {
            format!(", of whom {listed} are listed (--limit)")
        } else {
            String::new()
        };
        output.line(format!("{}{more}, as of {}.", many(matching, "customer"), asked.as_of))
    }

    fn order(&self) -> Order {
        let field = self.sort.as_deref().unwrap_or("key.customer");
        if self.descending { Order::descending(field) } else { Order::ascending(field) }
    }

    /// The whole view, or the fields that were asked for by their names.
    fn object(&self, output: &mut Output, view: &CustomerView) -> Result<()> {
        if self.columns.is_empty() {
            return output.object_line(view);
        }
        let mut fields = BTreeMap::from([("key.customer", Some(view.key.customer.to_string()))]);
        for column in &self.columns {
            fields.insert(column, view.field(column).map_err(wayfold::Error::from)?);
        }
        output.object_line(&fields)
    }
}

fn default_columns(asked: &Asked) -> Result<Vec<String>> {
    let fixed = ["lifecycle.stage", "segment.class", "value.purchases", "lifecycle.last_purchase_at"];
    let money = currency_of(None, &asked.population()?)?;
    let net = money.map(|currency| format!("value.currencies[{currency}].net"));
    Ok(fixed.into_iter().map(str::to_owned).chain(net).collect())
}

/// A field as people read it.
fn shown(view: &CustomerView, column: &str) -> Result<String> {
    let text = view.field(column).map_err(wayfold::Error::from)?;
    let at = text.as_deref().filter(|_| column.ends_with("_at")).and_then(|text| Timestamp::parse(text).ok());
    Ok(at.map(instant).or(text).unwrap_or_else(|| NONE.to_owned()))
}
