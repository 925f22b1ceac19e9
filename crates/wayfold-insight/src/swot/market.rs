//! What the log says of the market: comparisons, deals lost to competitors, research.

use std::collections::{BTreeMap, BTreeSet};

use wayfold_core::{EventKind, History};

use crate::measure::{Measure, Tally};

/// Collects what the log says of competitors and of what people ask for, as a [`SwotRules`](super::SwotRules) judges it.
///
/// Each comparison and each lost deal counts; of research each person once, and once for each theme.
#[derive(Debug, Clone, Copy, Default)]
pub struct Market;

/// What the log says of the market.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarketTotal(Tally<Fact>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    /// A comparison with a competitor: its verdict by its place in [`VERDICTS`].
    Competitor(String, usize),
    /// A comparison by a criterion, likewise.
    Criterion(String, usize),
    /// A deal that was lost to a competitor.
    Lost(String),
    /// Somebody who answered a question of research.
    Asked,
    /// Somebody who spoke of a theme.
    Theme(String),
}

const VERDICTS: [&str; 3] = ["better", "equal", "worse"];

/// Better, equal, worse; by name.
type Verdicts = BTreeMap<String, [u64; 3]>;

impl MarketTotal {
    /// The verdicts on us by competitor, and by criterion.
    pub(super) fn comparisons(&self) -> [Verdicts; 2] {
        let mut found = [Verdicts::new(), Verdicts::new()];
        for (fact, times) in self.0.counts() {
            let (of, name, verdict) = match fact {
                Fact::Competitor(name, verdict) => (0, name, verdict),
                Fact::Criterion(name, verdict) => (1, name, verdict),
                _ => continue,
            };
            found[of].entry(name.clone()).or_default()[*verdict] += times;
        }
        found
    }

    /// Deals by the competitor to whom they were lost.
    pub(super) fn lost_to(&self) -> BTreeMap<String, u64> {
        let lost = self.0.counts().filter_map(|(fact, times)| match fact {
            Fact::Lost(competitor) => Some((competitor.clone(), times)),
            _ => None,
        });
        lost.collect()
    }

    /// How many people were asked, and how many of them spoke of each theme.
    pub(super) fn research(&self) -> (u64, BTreeMap<String, u64>) {
        let (mut asked, mut themes) = (0, BTreeMap::new());
        for (fact, times) in self.0.counts() {
            match fact {
                Fact::Asked => asked += times,
                Fact::Theme(theme) => {
                    themes.insert(theme.clone(), times);
                }
                _ => {}
            }
        }
        (asked, themes)
    }
}

impl Measure for Market {
    type Total = MarketTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut MarketTotal) {
        let mut themes = BTreeSet::new();
        let mut is_asked = false;
        for event in history.events() {
            let text = |field: &str| event.text(field).map(str::to_owned);
            match event.kind() {
                EventKind::ComparisonMade => {
                    let verdict = event.text("verdict");
                    let Some(verdict) = VERDICTS.iter().position(|known| verdict == Some(*known)) else {
                        continue;
                    };
                    if let Some(competitor) = text("competitor") {
                        total.0.add(Fact::Competitor(competitor, verdict), times);
                    }
                    if let Some(criterion) = text("criterion") {
                        total.0.add(Fact::Criterion(criterion, verdict), times);
                    }
                }
                EventKind::DealLost => {
                    if let Some(competitor) = text("competitor") {
                        total.0.add(Fact::Lost(competitor), times);
                    }
                }
                EventKind::ResearchAnswered => {
                    is_asked = true;
                    themes.extend(text("theme"));
                }
                _ => {}
            }
        }
        if is_asked {
            total.0.add(Fact::Asked, times);
        }
        themes.into_iter().for_each(|theme| total.0.add(Fact::Theme(theme), times));
    }

    fn merge(&self, total: &mut MarketTotal, other: MarketTotal) {
        total.0.merge(other.0);
    }
}
