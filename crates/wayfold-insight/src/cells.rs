use std::collections::BTreeMap;

/// Equal histories counted together, in their order: what a model is fitted on.
///
/// Many customers share a history of whole days, 1,016 cells stand for the 2,357 customers of the CDNOW sample. Cells
/// are the same in whatever order customers come, so a fit has the same bits too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells<H> {
    counts: BTreeMap<H, u64>,
}

impl<H> Default for Cells<H> {
    fn default() -> Self {
        Self { counts: BTreeMap::new() }
    }
}

impl<H: Ord> Cells<H> {
    /// Adds so many customers with this history.
    pub fn add(&mut self, history: H, customers: u64) {
        if customers > 0 {
            *self.counts.entry(history).or_default() += customers;
        }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Says whether there is no customer.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many customers there are.
    pub fn customers(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The cells with their numbers of customers, in the order of the histories.
    pub fn iter(&self) -> impl Iterator<Item = (&H, u64)> {
        self.counts.iter().map(|(history, customers)| (history, *customers))
    }
}

impl<H: Ord> FromIterator<H> for Cells<H> {
    fn from_iter<I: IntoIterator<Item = H>>(histories: I) -> Self {
        let mut cells = Self::default();
        cells.extend(histories);
        cells
    }
}

impl<H: Ord> Extend<H> for Cells<H> {
    fn extend<I: IntoIterator<Item = H>>(&mut self, histories: I) {
        histories.into_iter().for_each(|history| self.add(history, 1));
    }
}
