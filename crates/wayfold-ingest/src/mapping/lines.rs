//! Order lines: what each row adds to an order or cart.

use wayfold_core::{Amount, OrderLine};

use super::cell::Text;
use super::filling::{Shared, integer};
use super::number::Number;
use super::section::Section;
use crate::error::{Problem, Result};
use crate::kinds::{FieldType, KindSpec};
use crate::row::{Fault, Row};

/// What fills the line that each row gives.
#[derive(Debug)]
pub(crate) struct Lines {
    product: Text,
    quantity: Text,
    pub(crate) paid: Option<Number>,
    list: Option<Number>,
    cost: Option<Number>,
}

impl Lines {
    pub(super) fn take(
        section: &mut Section<'_>,
        kind: &KindSpec,
        shared: &mut Shared,
    ) -> Result<Option<Self>> {
        let Some(item) = section.take("lines") else { return Ok(None) };
        // An amount may be made of lines that the kind itself does not keep, but then a product would do.
        if kind.fields.iter().all(|field| field.field_type != FieldType::Lines) {
            return Err(item.error_at(format_args!("{} has no lines; leave \"lines\" out", kind.name)));
        }
        let mut lines = item.into_section("the table of \"lines\"")?;
        lines.allow(&[&["product", "quantity", "paid", "list", "cost"]])?;
        let product = Text::parse(lines.require("product")?, &mut shared.columns)?;
        let quantity = Text::parse(lines.require("quantity")?, &mut shared.columns)?;
        let mut price = |key| {
            let item = lines.take(key);
            item.map(|item| Number::parse(item, &mut shared.columns, &shared.money)).transpose()
        };
        Ok(Some(Self { product, quantity, paid: price("paid")?, list: price("list")?, cost: price("cost")? }))
    }

    /// The line of a row, and quantity times paid price in ten-thousandths.
    pub(crate) fn get(&self, row: &Row<'_>) -> std::result::Result<(OrderLine, i128), Fault> {
        let product = self.product.required(row, "product")?;
        let quantity = integer(&self.quantity, row)?.ok_or_else(|| self.quantity.missing("quantity"))?;
        let price = |number: &Option<Number>| match number {
            Some(number) => number.amount(row),
            None => Ok(None),
        };
        let (paid, list, cost) = (price(&self.paid)?, price(&self.list)?, price(&self.cost)?);
        if let (Some(number), None) = (&self.paid, paid) {
            return Err(number.factors[0].missing("price"));
        }
        let total = i128::from(paid.map_or(0, Amount::as_ten_thousandths)) * i128::from(quantity);
        if i64::try_from(total).is_err() {
            return Err(Fault::new(Problem::Money, "quantity times price is beyond about 922 trillion"));
        }
        Ok((OrderLine { product: product.to_owned(), quantity, list, paid, cost }, total))
    }
}
