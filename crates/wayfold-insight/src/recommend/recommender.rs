use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::Serialize;

use super::co_occurrence::{CoOccurrenceTotal, Taste};

/// Recommends items to customers by what goes together.
///
/// - Two items go together by Dunning's log-likelihood ratio (1993, "Accurate methods for the statistics of surprise and
///   coincidence") of the table of customers who have both, one or neither: how surprising the overlap is, so that rare
///   items do not win by chance and popular ones not by being everywhere. Items that go together less often than chance
///   are no neighbours.
/// - Each item keeps its nearest neighbours. An item is worth the sum of its ratios with the items of the customer's
///   taste that it is a neighbour of; what the customer owns is left out.
/// - Where these are too few, the most popular items of the customer's segment follow, then those of all.
/// - Equals stand in the order of their names.
///
/// ```
/// use wayfold_core::{
///     Currency, CustomerKey, EventBatch, EventId, JourneyEvent, Money, OrderLine, OrderPlaced, Shard, Tag, Timestamp,
///     for_each_history,
/// };
/// use wayfold_insight::{Because, CoOccurrence, ItemSignal, Measure, Recommender};
///
/// let order = |id: u128, customer: &str, products: &[&str]| -> wayfold_core::Result<JourneyEvent> {
///     let line = |product: &&str| OrderLine { product: product.to_string(), quantity: 1, list: None, paid: None, cost: None };
///     let lines = products.iter().map(line).collect();
///     let placed = OrderPlaced { lines, amount: Money::parse("9", Currency::EUR)?, promised_at: None };
///     let (key, at) = (CustomerKey::new(customer)?, Timestamp::parse("2024-03-01")?);
///     Ok(JourneyEvent::new(EventId::from_u128(id), key, at, placed).with_tag(Tag::order(customer)?))
/// };
/// let events = [
///     order(1, "ada", &["tea", "pot"])?, order(2, "bob", &["tea", "pot"])?, order(3, "cem", &["rug", "lamp"])?,
///     order(4, "dan", &["rug"])?, order(5, "eve", &["tea"])?,
/// ];
/// let (measure, mut total, mut eve) = (CoOccurrence::new(ItemSignal::Orders), Default::default(), Default::default());
/// for_each_history(&[EventBatch::from_events(&events)?], Shard::ALL, Timestamp::MAX, |history| {
///     measure.add(history, 1, &mut total);
///     if history.customer().1 == "eve" {
///         eve = measure.taste(history);
///     }
/// });
/// let found = Recommender::new(&total, Recommender::NEIGHBOURS).recommend(&eve, 2);
/// assert_eq!((found[0].item.as_str(), &found[0].because), ("pot", &Because::Items(vec!["tea".to_owned()])));
/// assert_eq!((found[1].item.as_str(), &found[1].because), ("rug", &Because::Popular));
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Recommender {
    /// The items by name; elsewhere they stand by their place here.
    items: Vec<String>,
    /// The nearest first.
    neighbours: Vec<Vec<(u32, f64)>>,
    popular: Vec<u32>,
    popular_in: BTreeMap<String, Vec<u32>>,
}

/// An item that is recommended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recommendation {
    /// Which one.
    pub item: String,
    /// The sum of the log-likelihood ratios with the customer's items; zero for popular ones.
    pub score: f64,
    /// Why.
    pub because: Because,
}

/// Why an item is recommended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It goes together with these items of the customer, the closest first, at most three.
    Items(Vec<String>),
    /// It is popular in the customer's segment.
    PopularIn(String),
    /// It is popular.
    Popular,
}

impl Recommender {
    /// How many neighbours of an item serve well: chosen on purchases of UCI Online Retail before September 2011.
    pub const NEIGHBOURS: usize = 20;

    /// Makes a recommender of what was counted, with at most so many neighbours of each item.
    pub fn new(total: &CoOccurrenceTotal, neighbours_max: usize) -> Self {
        let mut numbers: Vec<u32> = total.items.keys().copied().collect();
        numbers.sort_unstable_by_key(|number| total.names.name(*number));
        let items: Vec<String> = numbers.iter().map(|number| total.names.name(*number).to_owned()).collect();
        let places: HashMap<u32, u32> =
            numbers.iter().zip(0..).map(|(number, place)| (*number, place)).collect();

        let mut neighbours = vec![Vec::new(); items.len()];
        for ((low, high), both) in &total.pairs {
            let ratio = log_likelihood_ratio(*both, total.items[low], total.items[high], total.customers);
            if ratio > 0.0 {
                let (low, high) = (places[low], places[high]);
                neighbours[low as usize].push((high, ratio));
                neighbours[high as usize].push((low, ratio));
            }
        }
        for of_item in &mut neighbours {
            of_item.sort_unstable_by(|a: &(u32, f64), b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            of_item.truncate(neighbours_max);
            of_item.shrink_to_fit();
        }
        let popular = most_popular(total.items.iter().map(|(item, customers)| (places[item], *customers)));
        let mut by_segment: BTreeMap<&String, Vec<(u32, i64)>> = BTreeMap::new();
        for ((segment, item), customers) in &total.segments {
            by_segment.entry(segment).or_default().push((places[item], *customers));
        }
        let popular_in = by_segment
            .into_iter()
            .map(|(name, items)| (name.clone(), most_popular(items.into_iter())))
            .collect();
        Self { items, neighbours, popular, popular_in }
    }

    /// At most so many items for a customer of a taste, the best first; fewer only if there are no more.
    pub fn recommend(&self, taste: &Taste, count: usize) -> Vec<Recommendation> {
        let mut found = self.by_items(taste, count);
        let segment = taste.segment.as_ref().and_then(|name| Some((name, self.popular_in.get(name)?)));
        let in_segment = segment.into_iter().flat_map(|(name, popular)| {
            popular.iter().map(move |item| (*item, Because::PopularIn(name.clone())))
        });
        let over_all = self.popular.iter().map(|item| (*item, Because::Popular));
        for (item, because) in in_segment.chain(over_all) {
            if found.len() >= count {
                break;
            }
            let item = &self.items[item as usize];
            if !taste.owned.contains(item) && found.iter().all(|known| known.item != *item) {
                found.push(Recommendation { item: item.clone(), score: 0.0, because });
            }
        }
        found
    }

    fn by_items(&self, taste: &Taste, count: usize) -> Vec<Recommendation> {
        let mut candidates: BTreeMap<u32, (f64, Vec<(u32, f64)>)> = BTreeMap::new();
        // In the order of the names, so that sums have equal bits however the taste came about.
        for own in taste.items.iter().filter_map(|item| self.items.binary_search(item).ok()) {
            for (item, ratio) in &self.neighbours[own] {
                let (score, owned) = candidates.entry(*item).or_default();
                *score += ratio;
                owned.push((own as u32, *ratio));
            }
        }
        let mut ranked: Vec<_> = candidates
            .into_iter()
            .filter(|(item, _)| !taste.owned.contains(&self.items[*item as usize]))
            .collect();
        ranked.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(&b.0)));
        ranked.truncate(count);
        let name = |item: u32| self.items[item as usize].clone();
        let recommended = |(item, (score, mut owned)): (u32, (f64, Vec<(u32, f64)>))| {
            owned.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let because = Because::Items(owned.iter().take(3).map(|(own, _)| name(*own)).collect());
            Recommendation { item: name(item), score, because }
        };
        ranked.into_iter().map(recommended).collect()
    }
}

fn most_popular(customers: impl Iterator<Item = (u32, i64)>) -> Vec<u32> {
    let mut items: Vec<_> = customers.collect();
    items.sort_unstable_by_key(|(item, customers)| (std::cmp::Reverse(*customers), *item));
    items.into_iter().map(|(item, _)| item).collect()
}

/// Dunning's ratio (1993, section 6), in nats, of how many have both items, each of them, and any: 2 (sum k ln k over the
/// four cells - rows - columns + total). Zero where fewer have both than chance would bring together. Of 100, ten
/// with each and five with both: 12.53 (hand-worked).
fn log_likelihood_ratio(both: i64, first: i64, second: i64, all: i64) -> f64 {
    if i128::from(both) * i128::from(all) <= i128::from(first) * i128::from(second) {
        return 0.0;
    }
    let entropy = |counts: &[i64]| -> f64 {
        counts.iter().filter(|count| **count > 0).map(|count| *count as f64 * libm::log(*count as f64)).sum()
    };
    let cells = entropy(&[both, first - both, second - both, all - first - second + both]);
    let margins = entropy(&[first, all - first, second, all - second]);
    (2.0 * (cells - margins + entropy(&[all]))).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_the_formula() {
        // The same ratio cell by cell: 2 sum k ln(k n / (row column)).
        let by_cells = |cells: [[f64; 2]; 2]| {
            let n: f64 = cells.iter().flatten().sum();
            let row = |i: usize| cells[i][0] + cells[i][1];
            let column = |j: usize| cells[0][j] + cells[1][j];
            let term = |i: usize, j: usize| {
                let k = cells[i][j];
                if k > 0.0 { k * libm::log(k * n / (row(i) * column(j))) } else { 0.0 }
            };
            2.0 * (term(0, 0) + term(0, 1) + term(1, 0) + term(1, 1))
        };
        for (both, first, second, all) in
            [(5, 10, 10, 100), (1, 1, 1, 2), (3, 7, 3, 50), (110, 2442, 111, 31_777)]
        {
            let cells = [[both, first - both], [second - both, all - first - second + both]];
            let expected = by_cells(cells.map(|row| row.map(|k: i64| k as f64)));
            let found = log_likelihood_ratio(both, first, second, all);
            assert!((found - expected).abs() < 1e-8 * expected, "{found} instead of {expected}");
        }
        assert!((log_likelihood_ratio(5, 10, 10, 100) - 12.53).abs() < 0.005);
        assert_eq!(log_likelihood_ratio(1, 10, 10, 100), 0.0);
        assert_eq!(log_likelihood_ratio(0, 10, 10, 100), 0.0);
    }
}
