use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerKey, spread};

use crate::error::{Error, ErrorKind, Result};

/// Customers who are left out of a campaign, offer or strategy, so that its effect can be told from chance (对照组).
///
/// Who is held out follows from the name and the customer's key alone, the same on every machine and for ever: a customer
/// is, if [`spread`] of `hold-out`, the name, the tenant and the customer lies in the lowest share of all numbers of 64 bits.
/// So it does not matter when or where it is asked, each name draws anew, and a larger share holds out the same customers
/// and more.
///
/// ```
/// use wayfold_core::CustomerKey;
/// use wayfold_insight::HoldOutGroup;
///
/// let group = HoldOutGroup::new("spring mailing", 100)?;
/// let held_out = (0..10_000).filter(|of| CustomerKey::new(of.to_string()).is_ok_and(|key| group.holds(&key)));
/// assert_eq!(held_out.count(), 1_009);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "UncheckedGroup")]
pub struct HoldOutGroup {
    name: String,
    per_mille: u16,
}

impl HoldOutGroup {
    /// Takes what customers are left out of, and how many of a thousand.
    ///
    /// # Errors
    /// `InvalidParameter` for more than a thousand, or an empty name.
    pub fn new(name: impl Into<String>, per_mille: u16) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || per_mille > 1_000 {
            let message = format_args!("a hold-out of {per_mille} of a thousand, named {name:?}");
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        Ok(Self { name, per_mille })
    }

    /// What customers are left out of.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many of a thousand are held out.
    pub fn per_mille(&self) -> u16 {
        self.per_mille
    }

    /// Says whether a customer is held out.
    pub fn holds(&self, customer: &CustomerKey) -> bool {
        let (tenant, name) = (customer.tenant.as_str().as_bytes(), customer.customer.as_str().as_bytes());
        let number = spread(&[b"hold-out", self.name.as_bytes(), tenant, name]);
        (u128::from(number) * 1_000) >> 64 < u128::from(self.per_mille)
    }
}

/// A group from outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedGroup {
    name: String,
    per_mille: u16,
}

impl TryFrom<UncheckedGroup> for HoldOutGroup {
    type Error = Error;

    fn try_from(unchecked: UncheckedGroup) -> Result<Self> {
        Self::new(unchecked.name, unchecked.per_mille)
    }
}
