//! The order of customers by the bytes of their keys.

use std::cmp::Ordering;

/// The places of customers, given by the texts of tenant and customer at each, in the order of the bytes of their keys.
pub(super) fn places_by_key<'a>(customers: u32, texts: impl Fn(u32) -> (&'a str, &'a str)) -> Vec<u32> {
    let is_of_one_tenant = (1..customers).all(|place| texts(place).0 == texts(place - 1).0);
    if is_of_one_tenant {
        return NameOrder::new(0..customers, |place| texts(place).1).places().collect();
    }
    let mut places: Vec<u32> = (0..customers).collect();
    places.sort_unstable_by(|a, b| texts(*a).cmp(&texts(*b)));
    places
}

/// Places by the bytes of the names at them.
#[derive(Debug, Clone, Default)]
pub(super) struct NameOrder {
    /// How many bytes all names begin with alike.
    shared: usize,
    /// The places, each behind the next bytes of its name, as a number: they tell most names apart.
    places: Vec<(u64, u32)>,
}

impl NameOrder {
    /// Puts places in order.
    pub(super) fn new<'a>(places: impl Iterator<Item = u32> + Clone, name: impl Fn(u32) -> &'a str) -> Self {
        let shared = shared_beginning(places.clone().map(&name));
        let begin = |place: u32| {
            let name = &name(place).as_bytes()[shared..];
            let mut first = [0; 8];
            let length = name.len().min(first.len());
            first[..length].copy_from_slice(&name[..length]);
            u64::from_be_bytes(first)
        };
        let mut places: Vec<_> = places.map(|place| (begin(place), place)).collect();
        radsort::sort_by_key(&mut places, |(begin, _)| *begin);
        for alike in places.chunk_by_mut(|(a, _), (b, _)| a == b).filter(|alike| alike.len() > 1) {
            alike.sort_unstable_by(|(_, a), (_, b)| name(*a).cmp(name(*b)));
        }
        Self { shared, places }
    }

    /// Brings orders together, which have no place in common.
    pub(super) fn merge<'a>(all: Vec<Self>, name: impl Fn(u32) -> &'a str) -> Self {
        let mut all = all.into_iter().filter(|order| order.len() > 0);
        let Some(mut merged) = all.next() else { return Self::default() };
        let beginning = |of: &Self| &name(of.place(0)).as_bytes()[..of.shared];
        let (first, length) = (beginning(&merged), merged.len());
        let mut begin_alike = true;
        for other in all {
            begin_alike &= beginning(&other) == first;
            merged.places.extend(other.places);
        }
        if !begin_alike {
            return Self::new(merged.places(), name);
        }
        if merged.len() > length {
            // Each stands in order already, which a stable sort finds; names lie anywhere, and few are looked at.
            merged.places.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| name(*one).cmp(name(*other))));
        }
        merged
    }

    /// Adds to the number of each place.
    pub(super) fn moved_by(mut self, places: u32) -> Self {
        self.places.iter_mut().for_each(|(_, place)| *place += places);
        self
    }

    /// The place of which a comparison says that it is the one, where it grows with the names.
    pub(super) fn find(&self, compare: impl Fn(u32) -> Ordering) -> Option<u32> {
        let found = self.places.binary_search_by(|(_, place)| compare(*place));
        found.ok().map(|number| self.place(number))
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    fn place(&self, number: usize) -> u32 {
        self.places[number].1
    }

    pub(super) fn places(&self) -> impl ExactSizeIterator<Item = u32> + Clone {
        self.places.iter().map(|(_, place)| *place)
    }
}

/// How many bytes all names begin with alike.
fn shared_beginning<'a>(mut names: impl Iterator<Item = &'a str>) -> usize {
    let Some(first) = names.next() else { return 0 };
    names.fold(first.len(), |shared, name| {
        let alike = first.as_bytes()[..shared].iter().zip(name.as_bytes());
        alike.take_while(|(a, b)| a == b).count()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However names are dealt out, and whatever they have in common, they come together in the order of their bytes.
        #[test]
        fn orders_are_merged_in_the_order_of_the_names(
            names in proptest::collection::btree_map("(customer-0000|customer-)?[a-c\u{0}é]{0,10}", 0_usize..4, 0..40),
        ) {
            let dealt: Vec<_> = names.into_iter().collect();
            let name = |place: u32| dealt[place as usize].0.as_str();
            let mut hands = vec![Vec::new(); 4];
            (0..dealt.len() as u32).zip(&dealt).rev().for_each(|(place, (_, hand))| hands[*hand].push(place));
            let hands = hands.into_iter().map(|places: Vec<u32>| NameOrder::new(places.into_iter(), name)).collect();
            let merged = NameOrder::merge(hands, name);
            prop_assert!(merged.places().eq(0..dealt.len() as u32));
            prop_assert!(places_by_key(dealt.len() as u32, |place| ("", name(place))).into_iter().eq(merged.places()));
        }
    }
}
