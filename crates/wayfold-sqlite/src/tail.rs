//! The events that are in no sealed block yet, in memory, and how they are found.

use std::collections::{BTreeMap, HashMap};
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

/// Events with growing numbers and without a gap.
#[derive(Debug)]
pub(crate) struct Tail {
    after: u64,
    head: u64,
    bytes: usize,
    blocks: BTreeMap<u64, Fresh>,
    ids: Chains,
    customers: Chains,
    tags: Chains,
}

impl Tail {
    /// Starts empty, behind an event.
    pub(crate) fn after(number: u64) -> Self {
        Self {
            after: number,
            head: number,
            bytes: 0,
            blocks: BTreeMap::new(),
            ids: Chains::default(),
            customers: Chains::default(),
            tags: Chains::default(),
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
        let rows = keys.len();
        self.ids.reserve(rows);
        self.customers.reserve(rows);
        self.tags.reserve(rows);
        for (row, number) in (block.first..=block.last()).enumerate() {
            self.ids.push(keys.ids[row], number);
            self.customers.push(keys.customers[row], number);
            keys.tags(row).iter().for_each(|tag| self.tags.push(*tag, number));
        }
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
        self.ids.newest_first(key).find(|number| {
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
                self.customers.newest_first(key)
            }
            (None, Some(tag)) => self.tags.newest_first(hasher.tag(tag.as_str())),
            (None, None) => return None,
        };
        Some(found.skip_while(move |number| *number >= before).take_while(move |number| *number > after))
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
}
