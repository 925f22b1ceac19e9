use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;

use hashbrown::HashMap;
use wayfold_core::{EventKind, History, Timestamp};

use crate::measure::{Measure, Names, SegmentOf, by_segment};
use crate::placed::placed;

/// What says that an item is to a customer's taste.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ItemSignal {
    /// It was viewed.
    Views,
    /// It is part of a purchase.
    #[default]
    Orders,
    /// Either.
    ViewsAndOrders,
}

/// Measures in how many customers' histories two items go together.
///
/// - An ordered item is the product of a line of a purchase, as the order was last changed; an item is viewed by
///   `product_viewed`, whose tags `product:` name it. A customer counts once for an item.
/// - Of a customer with more items than [`CoOccurrence::ITEMS_MAX`] the newest count, as whoever touches everything says
///   nothing about what goes together, and pairs grow with the square.
/// - What is popular is counted beside it, in the segment that a customer belongs to and over all.
///
/// A [`Recommender`](super::Recommender) is made of the total.
#[derive(Debug, Clone, Default)]
pub struct CoOccurrence {
    signal: ItemSignal,
    segment: SegmentOf,
}

/// What is known of a customer's taste: what to recommend by, and what to leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taste {
    /// The items that speak for it.
    pub items: BTreeSet<String>,
    /// The items that it has bought, which are not recommended again.
    pub owned: BTreeSet<String>,
    /// The segment whose popular items stand in where items say too little.
    pub segment: Option<String>,
}

impl CoOccurrence {
    /// How many items of a customer count at most.
    pub const ITEMS_MAX: usize = 2_000;

    /// Measures by a signal, without segments.
    pub fn new(signal: ItemSignal) -> Self {
        Self { signal, segment: SegmentOf::default() }
    }

    by_segment! {
        /// Also counts what is popular in the segment that a history belongs to, such as a country.
    }

    /// What a history says about a customer's taste.
    pub fn taste(&self, history: &History<'_>) -> Taste {
        let ordered = ordered_items(history);
        let owned = ordered.keys().map(|item| (*item).to_owned()).collect();
        let mut touched = match self.signal {
            ItemSignal::Views => viewed_items(history),
            ItemSignal::Orders => ordered,
            ItemSignal::ViewsAndOrders => {
                let mut touched = viewed_items(history);
                ordered.into_iter().for_each(|(item, at)| touch(&mut touched, item, at));
                touched
            }
        };
        if touched.len() > Self::ITEMS_MAX {
            let mut by_time: Vec<_> = touched.into_iter().collect();
            by_time.sort_by_key(|(item, at)| (std::cmp::Reverse(*at), *item));
            by_time.truncate(Self::ITEMS_MAX);
            touched = by_time.into_iter().collect();
        }
        let items = touched.into_keys().map(str::to_owned).collect();
        Taste { items, owned, segment: self.segment.of(history) }
    }
}

/// Items by when they were last touched.
type Touched<'a> = BTreeMap<&'a str, Timestamp>;

fn touch<'a>(touched: &mut Touched<'a>, item: &'a str, at: Timestamp) {
    let last = touched.entry(item).or_insert(at);
    *last = (*last).max(at);
}

fn viewed_items<'a>(history: &History<'a>) -> Touched<'a> {
    let mut viewed = Touched::new();
    for event in history.events().iter().filter(|event| event.kind() == EventKind::ProductViewed) {
        let items = event.tags().filter_map(|tag| tag.strip_prefix("product:"));
        items.for_each(|item| touch(&mut viewed, item, event.occurred_at()));
    }
    viewed
}

fn ordered_items<'a>(history: &History<'a>) -> Touched<'a> {
    let mut ordered = Touched::new();
    for order in placed(history) {
        let bought = order.lines.lines().filter(|line| line.quantity() > 0);
        bought.for_each(|line| touch(&mut ordered, line.product(), order.placed_at));
    }
    ordered
}

/// What a [`CoOccurrence`] adds up.
#[derive(Debug, Clone, Default)]
pub struct CoOccurrenceTotal {
    pub(super) names: Names,
    /// Customers with an item.
    pub(super) customers: i64,
    /// How many of them have an item.
    pub(super) items: HashMap<u32, i64>,
    /// How many of them have both items, the lower number first.
    pub(super) pairs: HashMap<(u32, u32), i64>,
    /// How many of a segment have an item.
    pub(super) segments: HashMap<(String, u32), i64>,
}

impl Measure for CoOccurrence {
    type Total = CoOccurrenceTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut CoOccurrenceTotal) {
        let taste = self.taste(history);
        let mut items: Vec<u32> = taste.items.iter().map(|item| total.names.number(item)).collect();
        items.sort_unstable();
        total.customers += times * i64::from(!items.is_empty());
        for (place, item) in items.iter().enumerate() {
            count(&mut total.items, *item, times);
            items[place + 1..].iter().for_each(|other| count(&mut total.pairs, (*item, *other), times));
            if let Some(segment) = &taste.segment {
                count(&mut total.segments, (segment.clone(), *item), times);
            }
        }
    }

    fn merge(&self, total: &mut CoOccurrenceTotal, other: CoOccurrenceTotal) {
        let numbers = total.names.take_over(&other.names);
        let number = |item: u32| numbers[item as usize];
        total.customers += other.customers;
        other.items.into_iter().for_each(|(item, times)| count(&mut total.items, number(item), times));
        for ((low, high), times) in other.pairs {
            let (low, high) = (number(low), number(high));
            count(&mut total.pairs, (low.min(high), low.max(high)), times);
        }
        for ((segment, item), times) in other.segments {
            count(&mut total.segments, (segment, number(item)), times);
        }
    }
}

/// Counts, and forgets what comes to nothing.
fn count<K: Hash + Eq>(counts: &mut HashMap<K, i64>, key: K, times: i64) {
    use hashbrown::hash_map::Entry;
    match counts.entry(key) {
        Entry::Occupied(mut known) => {
            *known.get_mut() += times;
            if *known.get() == 0 {
                known.remove();
            }
        }
        Entry::Vacant(free) => {
            free.insert(times);
        }
    }
}
