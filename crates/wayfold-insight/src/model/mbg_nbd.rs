use super::ChurnModel;
use super::beta_geometric::BetaGeometric;
use crate::history::BuyingHistory;

/// MBG/NBD: as [`BgNbd`](crate::BgNbd), but a customer may also leave right after the first purchase.
///
/// Batislam, Denizel and Filiztekin (2007), Empirical validation and comparison of models for customer base analysis,
/// International Journal of Research in Marketing 24(3); Hoppe and Wagner (2007) for the expectation.
pub type MbgNbd = BetaGeometric<1>;

impl ChurnModel for MbgNbd {
    fn probability_alive(&self, history: &BuyingHistory) -> f64 {
        self.formula().alive(&self.counted(history))
    }
}
