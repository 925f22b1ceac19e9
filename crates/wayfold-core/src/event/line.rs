use serde::{Deserialize, Serialize};

use crate::money::Amount;

/// A line of an order or cart: a product, a whole quantity, and prices for one unit.
///
/// Prices are in the currency of the order's amount. The paid price is what the customer pays for a unit;
/// the cost is what the unit cost the business, and gives the margin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// The product.
    pub product: String,
    /// How many units; negative for units taken back.
    pub quantity: i64,
    /// The list price of a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Amount>,
    /// The price paid for a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Amount>,
    /// The cost of a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Amount>,
}

/// The numbers of a line: its quantity, and its prices in ten-thousandths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineNumbers {
    pub(crate) quantity: i64,
    pub(crate) list: Option<i64>,
    pub(crate) paid: Option<i64>,
    pub(crate) cost: Option<i64>,
}

impl LineNumbers {
    pub(crate) fn of(line: &OrderLine) -> Self {
        let number = |price: Option<Amount>| price.map(Amount::as_ten_thousandths);
        let (list, paid, cost) = (number(line.list), number(line.paid), number(line.cost));
        Self { quantity: line.quantity, list, paid, cost }
    }

    fn worth(self, price: i64) -> i128 {
        i128::from(price) * i128::from(self.quantity)
    }
}

/// What lines say together: paid less cost over those that carry both, or nothing if none does.
///
/// `None` if all prices together are worth more than 64 bits, so that no sum over the lines of an event overflows.
pub(crate) fn margin_of(lines: impl IntoIterator<Item = LineNumbers>) -> Option<Option<i64>> {
    let (mut total, mut margin) = (0_u128, None);
    for line in lines {
        for price in [line.list, line.paid, line.cost].into_iter().flatten() {
            total += line.worth(price).unsigned_abs();
            i64::try_from(total).ok()?;
        }
        if let (Some(paid), Some(cost)) = (line.paid, line.cost) {
            // Both are parts of the total, and their difference is no larger than it.
            margin = Some(margin.unwrap_or(0) + (line.worth(paid) - line.worth(cost)) as i64);
        }
    }
    Some(margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_counts_lines_with_both_prices_and_stops_at_64_bits() {
        let line = |quantity, paid, cost| LineNumbers { quantity, list: None, paid, cost };
        assert_eq!(margin_of([]), Some(None));
        assert_eq!(margin_of([line(2, Some(5), None)]), Some(None));
        assert_eq!(margin_of([line(2, Some(5), Some(3)), line(-1, Some(1), Some(0))]), Some(Some(3)));
        assert_eq!(margin_of([line(1, Some(i64::MAX), Some(0))]), Some(Some(i64::MAX)));
        assert_eq!(margin_of([line(1, Some(i64::MAX), Some(1))]), None);
        assert_eq!(margin_of([line(i64::MIN, Some(i64::MIN), Some(i64::MIN))]), None);
    }
}
