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
