//! The events that are in no sealed block yet, in memory, and how they are found.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use wayfold_core::{EventBatch, EventView, Upcasters};
use wayfold_store::{EventFilter, Result};

use crate::keys::{Hasher, Keys};
use crate::lifted::Lifted;

/// A fresh block: its events, and how many bytes it has in the file.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) first: u64,
    pub(crate) batch: EventBatch,
    pub(crate) bytes: usize,
    lifted: Lifted,
}

impl Fresh {
    /// Takes the events of a block as they are stored.
    pub(crate) fn new(first: u64, batch: EventBatch, bytes: usize) -> Self {
        Self { first, batch, bytes, lifted: Lifted::default() }
    }

    /// Its events in today's shape.
    pub(crate) fn today(&self, upcasters: &Upcasters) -> Result<&EventBatch> {
        self.lifted.of(&self.batch, upcasters)
    }

    /// The number of its last event.
    pub(crate) fn last(&self) -> u64 {
        self.first + self.batch.len() as u64 - 1
    }
}

/// From so many events on the next ones are indexed apart, so that the index of what is sealed is dropped whole and
/// that of what is left is not made anew.
const INDEX_EVENTS: usize = 65_536;

/// Events with growing numbers and without a gap.
#[derive(Debug)]
pub(crate) struct Tail {
    after: u64,
    head: u64,
    bytes: usize,
    blocks: BTreeMap<u64, Fresh>,
    /// In the order of their events. The first may list some that the tail does not hold any more.
    indexes: VecDeque<Index>,
}

/// How some adjacent events are found.
#[derive(Debug, Default)]
struct Index {
    /// The number of the last of them.
    last: u64,
    ids: Chains,
    customers: Chains,
    tags: Chains,
}

impl Index {
    fn push(&mut self, first: u64, keys: &Keys) {
        let rows = keys.len();
        self.ids.reserve(rows);
        self.customers.reserve(rows);
        self.tags.reserve(rows);
        for (row, number) in (first..).take(rows).enumerate() {
            self.ids.push(keys.ids[row], number);
            self.customers.push(keys.customers[row], number);
            keys.tags(row).iter().for_each(|tag| self.tags.push(*tag, number));
            self.last = number;
        }
    }

    fn is_full(&self) -> bool {
        self.ids.links.len() >= INDEX_EVENTS
    }
}

impl Tail {
    /// Starts empty, behind an event.
    pub(crate) fn after(number: u64) -> Self {
        Self { after: number, head: number, bytes: 0, blocks: BTreeMap::new(), indexes: VecDeque::new() }
    }

    /// Says whether it holds all of its events behind a number in blocks of their own.
    pub(crate) fn can_start_after(&self, number: u64) -> bool {
        number >= self.head || (number >= self.after && self.blocks.contains_key(&(number + 1)))
    }

    /// Lets go of the events up to a number, behind which it [can start](Self::can_start_after).
    pub(crate) fn start_after(&mut self, number: u64) {
        if number >= self.head {
            *self = Self::after(number);
            return;
        }
        self.after = number;
        while let Some(block) = self.blocks.first_entry().filter(|block| *block.key() <= number) {
            self.bytes -= block.remove().bytes;
        }
        while self.indexes.front().is_some_and(|index| index.last <= number) {
            self.indexes.pop_front();
        }
    }

    /// The number of the last event, or of the one behind which the tail starts.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// The number of the event behind which it starts.
    pub(crate) fn start(&self) -> u64 {
        self.after
    }

    /// How many events it holds.
    pub(crate) fn events(&self) -> usize {
        (self.head - self.after) as usize
    }

    /// How many bytes they have in the file.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// In how many blocks they stand.
    pub(crate) fn fresh_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Adds events behind all others.
    ///
    /// # Panics
    /// If they do not follow on the last event: a gap would lose what is in it.
    pub(crate) fn push(&mut self, block: Fresh, keys: &Keys) {
        assert_eq!((block.first, block.batch.len()), (self.head + 1, keys.len()), "blocks follow each other");
        if block.batch.is_empty() {
            return;
        }
        if self.indexes.back().is_none_or(Index::is_full) {
            self.indexes.push_back(Index::default());
        }
        let index = self.indexes.back_mut().expect("there is one");
        index.push(block.first, keys);
        self.head = block.last();
        self.bytes += block.bytes;
        self.blocks.insert(block.first, block);
    }

    /// An event of the tail.
    pub(crate) fn event(&self, number: u64) -> EventView<'_> {
        let block = self.block(number);
        block.batch.event((number - block.first) as usize)
    }

    /// The block that holds an event of the tail.
    pub(crate) fn block(&self, number: u64) -> &Fresh {
        let found = self.blocks.range(..=number).next_back();
        found.map(|(_, block)| block).filter(|block| number <= block.last()).expect("the tail has no gap")
    }

    /// The blocks that hold events after one number and before another.
    pub(crate) fn blocks(&self, after: u64, before: u64) -> impl DoubleEndedIterator<Item = &Fresh> {
        let start = match after < self.head && self.blocks.contains_key(&(after + 1)) {
            true => after + 1,
            false => self.blocks.range(..=after).next_back().map_or(0, |(first, _)| *first),
        };
        let found = self.blocks.range(start..before.max(start)).map(|(_, block)| block);
        found.filter(move |block| block.last() > after)
    }

    /// The number of the event with the tenant and id of another event.
    pub(crate) fn find(&self, key: u64, event: &EventView<'_>) -> Option<u64> {
        self.newest_first(|index| &index.ids, key, 0).find(|number| {
            let known = self.event(*number);
            (known.customer_texts().0, known.id()) == (event.customer_texts().0, event.id())
        })
    }

    /// Numbers of events among which are all of a set that stand after one number and before another, the newest
    /// first; `None` if every event may be one.
    pub(crate) fn candidates<'a>(
        &'a self,
        hasher: &Hasher,
        filter: &EventFilter,
        after: u64,
        before: u64,
    ) -> Option<impl Iterator<Item = u64> + use<'a>> {
        let found = match (&filter.customer, filter.tags.first()) {
            (Some(key), _) => {
                let key = hasher.customer((key.tenant.as_str(), key.customer.as_str()));
                self.newest_first(|index| &index.customers, key, after)
            }
            (None, Some(tag)) => self.newest_first(|index| &index.tags, hasher.tag(tag.as_str()), after),
            (None, None) => return None,
        };
        Some(found.skip_while(move |number| *number >= before))
    }

    /// The numbers behind one that are listed under a key, the newest first.
    fn newest_first(
        &self,
        chains: fn(&Index) -> &Chains,
        key: u64,
        after: u64,
    ) -> impl Iterator<Item = u64> + use<'_> {
        let after = after.max(self.after);
        let found = self.indexes.iter().rev().flat_map(move |index| chains(index).newest_first(key));
        found.take_while(move |number| *number > after)
    }

    /// The first event of a set after a number, leaving aside those that `own` names.
    pub(crate) fn first_match(
        &self,
        hasher: &Hasher,
        (filter, upcasters): (&EventFilter, &Upcasters),
        after: u64,
        own: impl Fn(u64) -> bool,
    ) -> Result<Option<u64>> {
        let matches = |block: &Fresh, number: u64| -> Result<bool> {
            let events = block.today(upcasters)?;
            Ok(filter.matches(&events.event((number - block.first) as usize)) && !own(number))
        };
        let mut found = None;
        if let Some(newest_first) = self.candidates(hasher, filter, after, u64::MAX) {
            for number in newest_first {
                if matches(self.block(number), number)? {
                    found = Some(number);
                }
            }
            return Ok(found);
        }
        for block in self.blocks(after, u64::MAX) {
            for number in block.first.max(after + 1)..=block.last() {
                if matches(block, number)? {
                    return Ok(Some(number));
                }
            }
        }
        Ok(None)
    }
}

/// Lists of growing numbers by key, each threaded through one array from its newest back.
#[derive(Debug, Default)]
struct Chains {
    /// The place of the newest number of each key, from 1.
    newest: HashMap<u64, u32, BuildHasherDefault<IsHashed>>,
    /// Each number, and the place of the one before it with the same key, or 0.
    links: Vec<(u64, u32)>,
}

/// Takes numbers as they are that were hashed already; see [`Hasher`].
#[derive(Debug, Default, Clone, Copy)]
struct IsHashed(u64);

impl std::hash::Hasher for IsHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers of 64 bits")
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

impl Chains {
    /// Makes room for more numbers.
    fn reserve(&mut self, more: usize) {
        self.newest.reserve(more);
        self.links.reserve(more);
    }

    fn push(&mut self, key: u64, number: u64) {
        let place = u32::try_from(self.links.len() + 1).expect("a tail is sealed long before");
        let before = self.newest.insert(key, place).unwrap_or_default();
        self.links.push((number, before));
    }

    fn newest_first(&self, key: u64) -> impl Iterator<Item = u64> + use<'_> {
        let mut place = self.newest.get(&key).copied().unwrap_or_default();
        std::iter::from_fn(move || {
            let (number, before) = *self.links.get((place as usize).checked_sub(1)?)?;
            place = before;
            Some(number)
        })
    }
}

#[cfg(test)]
mod tests {
    use wayfold_core::{CustomerKey, EventId, JourneyEvent, Registered, Tag, Timestamp};

    use super::*;

    fn event(id: u128, customer: &str) -> JourneyEvent {
        let at = Timestamp::parse("2024-01-01").unwrap();
        JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(customer).unwrap(), at, Registered {})
    }

    fn push(tail: &mut Tail, hasher: &Hasher, events: &[JourneyEvent]) {
        let batch = EventBatch::from_events(events).unwrap();
        let keys = Keys::of(hasher, &batch);
        tail.push(Fresh::new(tail.head() + 1, batch, 0), &keys);
    }

    #[test]
    fn events_are_found_by_id_customer_tag_and_place() {
        let (hasher, mut tail) = (Hasher::default(), Tail::after(10));
        let tag = Tag::order("x").unwrap();
        push(&mut tail, &hasher, &[event(1, "a"), event(2, "b").with_tag(tag.clone()), event(3, "a")]);
        push(&mut tail, &hasher, &[event(4, "a"), event(5, "b")]);
        let known = EventBatch::from_events([&event(4, "z"), &event(9, "z")]).unwrap();
        assert_eq!(tail.find(hasher.id("", &known.event(0)), &known.event(0)), Some(14));
        assert_eq!(tail.find(hasher.id("", &known.event(1)), &known.event(1)), None);
        let of_a = EventFilter::customer(CustomerKey::new("a").unwrap());
        let numbers: Vec<_> = tail.candidates(&hasher, &of_a, 11, 14).unwrap().collect();
        assert_eq!(numbers, [13]);
        let upcasters = Upcasters::default();
        let first = |filter: &EventFilter, after| {
            tail.first_match(&hasher, (filter, &upcasters), after, |_| false).unwrap()
        };
        assert_eq!(first(&of_a, 11), Some(13));
        assert_eq!(first(&EventFilter::all().with_tag(tag), 0), Some(12));
        assert_eq!(first(&EventFilter::all(), 12), Some(13));
        assert_eq!(first(&EventFilter::all(), 15), None);
        let all = EventFilter::all();
        let found = tail.first_match(&hasher, (&all, &upcasters), 12, |number| number < 15);
        assert_eq!(found.unwrap(), Some(15));
        let firsts = |after, before| tail.blocks(after, before).map(|block| block.first).collect::<Vec<_>>();
        assert_eq!(firsts(0, u64::MAX), [11, 14]);
        assert_eq!(firsts(13, u64::MAX), [14]);
        assert_eq!(firsts(12, 14), [11]);
        assert_eq!(firsts(15, u64::MAX), [0_u64; 0]);
    }

    /// Beyond one index, and after the index that it began with was dropped.
    #[test]
    fn what_is_let_go_is_not_found_and_the_rest_is() {
        let (hasher, mut tail) = (Hasher::default(), Tail::after(0));
        let many = INDEX_EVENTS as u128;
        let events: Vec<_> = (1..=many).map(|id| event(id, if id % 2 == 0 { "a" } else { "b" })).collect();
        push(&mut tail, &hasher, &events[..2]);
        push(&mut tail, &hasher, &events[2..]);
        push(&mut tail, &hasher, &[event(many + 1, "b"), event(many + 2, "a")]);
        assert_eq!(tail.indexes.len(), 2);
        let last = INDEX_EVENTS as u64 + 2;
        let find = |tail: &Tail, id: u128| {
            let batch = EventBatch::from_events([&event(id, "z")]).unwrap();
            tail.find(hasher.id("", &batch.event(0)), &batch.event(0))
        };
        let of_a = EventFilter::customer(CustomerKey::new("a").unwrap());
        let of_a = |tail: &Tail| tail.candidates(&hasher, &of_a, 0, u64::MAX).unwrap().collect::<Vec<_>>();
        let expected = |from: u64| (from..=last).filter(|number| number % 2 == 0).rev().collect::<Vec<_>>();
        assert_eq!(of_a(&tail), expected(1));
        let starts = [0, 1, 2, 3, last - 2, last - 1, last, last + 9];
        let can_start = starts.map(|number| tail.can_start_after(number));
        assert_eq!(can_start, [true, false, true, false, true, false, true, true]);

        tail.start_after(2);
        assert_eq!([2, 3, many + 2].map(|id| find(&tail, id)), [None, Some(3), Some(last)]);
        assert_eq!(of_a(&tail), expected(3));
        assert_eq!((tail.start(), tail.events(), tail.fresh_blocks()), (2, INDEX_EVENTS, 2));

        tail.start_after(last - 2);
        assert_eq!((tail.indexes.len(), of_a(&tail)), (1, vec![last]));
        tail.start_after(last + 9);
        assert_eq!((tail.head(), tail.events(), find(&tail, many + 2)), (last + 9, 0, None));
    }
}
