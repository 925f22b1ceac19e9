//! Rules tried on history: what other thresholds would have said, beside the live states and without touching them.

use wayfold_core::{
    CustomerKey, Parting, Population, PopulationDifference, ProjectionSet, Rules, Tenant, Timestamp, explain,
};

use crate::engine::Wayfold;
use crate::error::Result;
use crate::known::{Known, KnownAt};
use crate::shards::{Shards, history, readable};

impl Wayfold {
    /// Says where customers of the default tenant would have stood under other rules, and where they stood under the
    /// engine's, as of each of some instants.
    ///
    /// Every instant reads and folds the log twice, with all that is known now; nothing live is touched.
    ///
    /// ```
    /// use wayfold::{Currency, CustomerKey, EventId, JourneyEvent, LifecycleStage, MemoryStore, Money, OrderPlaced};
    /// use wayfold::{Rules, Tag, Timestamp, Wayfold};
    ///
    /// # pollster::block_on(async {
    /// let wayfold = Wayfold::open(MemoryStore::new()).await?;
    /// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
    /// let placed = OrderPlaced { lines: vec![], amount: Money::parse("9", Currency::EUR)?, promised_at: None };
    /// let order = JourneyEvent::new(EventId::from_u128(1), ada, at, placed).with_tag(Tag::order("o1")?);
    /// wayfold.append([&order]).await?;
    ///
    /// let mut stricter = Rules::default();
    /// (stricter.version, stricter.lifecycle.churned_after_days) = ("churn-90".to_owned(), 90);
    /// let (spring, summer) = (Timestamp::parse("2024-03-01")?, Timestamp::parse("2024-05-01")?);
    /// let told = wayfold.backtest(&stricter, &[spring, summer]).await?;
    /// assert_eq!(told[0].members, []);
    /// let moved = told[1].stages[0];
    /// assert_eq!((moved.here, moved.there), (LifecycleStage::FirstTime, LifecycleStage::Churned));
    /// # Ok::<(), wayfold::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidConfiguration` if the rules contradict themselves; `Unavailable` or `Corrupt` if the log cannot be read.
    pub async fn backtest(&self, rules: &Rules, instants: &[Timestamp]) -> Result<Vec<PopulationDifference>> {
        self.backtest_of(&Tenant::default(), rules, instants).await
    }

    /// As [`Wayfold::backtest`], about the customers of a tenant.
    ///
    /// # Errors
    /// As there.
    pub async fn backtest_of(
        &self,
        tenant: &Tenant,
        rules: &Rules,
        instants: &[Timestamp],
    ) -> Result<Vec<PopulationDifference>> {
        let sets = [ProjectionSet::new(self.rules())?, ProjectionSet::new(rules.clone())?];
        let mut differences = Vec::with_capacity(instants.len());
        for as_of in instants {
            let [here, there] = self.populations(&sets, tenant, *as_of).await?;
            differences.push(here.difference(&there));
        }
        Ok(differences)
    }

    /// Says at which event or instant a customer's history would first have been told otherwise under other rules;
    /// `None` if never by then, or if nothing is known of the customer.
    ///
    /// # Errors
    /// As [`Wayfold::backtest`].
    pub async fn parting(
        &self,
        key: &CustomerKey,
        rules: &Rules,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<Parting>> {
        let as_of = as_of.into();
        let history = history(self.store(), key, Known(None)).await?;
        let told = |rules: &Rules| {
            let projections = ProjectionSet::new(rules.clone())?;
            explain(&projections, key, &history, as_of)
        };
        let (here, there) = (told(&self.rules())?, told(rules)?);
        history.iter().try_for_each(readable)?;
        Ok(here.zip(there).and_then(|(here, there)| here.parting(&there)))
    }

    /// Folds the log under two sets, up to one position.
    async fn populations(
        &self,
        sets: &[ProjectionSet; 2],
        tenant: &Tenant,
        as_of: Timestamp,
    ) -> Result<[Population; 2]> {
        let [mut here, mut there] = sets.each_ref().map(|set| Shards::new(set, as_of, self.parts().threads));
        here.catch_up(self.store(), Known(None)).await?;
        there.catch_up(self.store(), Known(Some(KnownAt::Position(here.position())))).await?;
        Ok([here.population(tenant, as_of)?, there.population(tenant, as_of)?])
    }
}
