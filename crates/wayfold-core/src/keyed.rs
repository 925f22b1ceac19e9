use std::fmt;
use std::hash::BuildHasher;
use std::marker::PhantomData;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::check_name;

/// Beyond this many entries a search by key uses an index instead of looking at each.
const SCAN_MAX: usize = 16;
/// For as many entries room is made at once where a map says how many it has.
const ROOM_MAX: usize = 64;
/// And for so many bytes of keys that are not there yet.
const ROOM_BYTES_MAX: usize = 16 << 10;

/// A map by text that is small for most customers: a list, indexed once it grows.
///
/// It is written as a map in the order of the keys' bytes, and read from nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Keyed<T> {
    /// All keys, one behind the other.
    keys: String,
    /// What is kept under each key.
    entries: Vec<T>,
    /// What is told of few maps.
    more: Option<Box<More>>,
}

/// What a map of few keys, all of one length, does without.
#[derive(Debug, Clone, Default)]
struct More {
    /// Where each key ends, once their lengths differ.
    ends: Vec<usize>,
    /// The places of entries by the hash of their keys, once there are many.
    index: Option<Index>,
}

#[derive(Debug, Clone, Default)]
struct Index {
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { keys: String::new(), entries: Vec::new(), more: None }
    }
}

impl<T: Default> Keyed<T> {
    /// The entry of a key, made empty if there is none; where there is no room for another, it is made for so many, with keys of
    /// this length.
    pub(crate) fn entry(&mut self, key: &str, room: usize) -> &mut T {
        let place = self.entry_place(key, room);
        self.at(place)
    }

    /// The place of the entry of a key, made as [`Keyed::entry`] does; it stays.
    pub(crate) fn entry_place(&mut self, key: &str, room: usize) -> usize {
        self.place(key).unwrap_or_else(|| self.insert(key, room))
    }

    /// The entry at a place.
    pub(crate) fn at(&mut self, place: usize) -> &mut T {
        &mut self.entries[place]
    }

    fn insert(&mut self, key: &str, room: usize) -> usize {
        let place = self.entries.len();
        self.reserve(room.max(1), key.len());
        self.note_end(key.len());
        self.keys.push_str(key);
        self.entries.push(T::default());
        if place >= SCAN_MAX {
            self.index_new();
        }
        place
    }

    /// Notes where the next key will end, from the first on that is longer or shorter than those before.
    fn note_end(&mut self, key_bytes: usize) {
        let places = self.entries.len();
        if self.ends().is_empty() {
            let even = self.even_bytes();
            if places == 0 || even == key_bytes {
                return;
            }
            self.more.get_or_insert_default().ends = (1..=places).map(|place| place * even).collect();
        }
        let end = self.keys.len() + key_bytes;
        self.more.get_or_insert_default().ends.push(end);
    }

    /// Puts the entries into the index that are not in it yet.
    fn index_new(&mut self) {
        let mut index = self.more.get_or_insert_default().index.take().unwrap_or_default();
        let hash = |place: &u32| index.hasher.hash_one(self.key_bytes(*place as usize));
        for place in index.places.len() as u32..self.entries.len() as u32 {
            index.places.insert_unique(hash(&place), place, hash);
        }
        self.more.get_or_insert_default().index = Some(index);
    }
}

impl<T> Keyed<T> {
    /// Makes room for so many entries with keys of this length, where there is none for one: for half as many again at least,
    /// so that a list that grows one by one is not copied for each, and most customers' short lists stay short.
    fn reserve(&mut self, entries: usize, key_bytes: usize) {
        if self.entries.capacity() == self.entries.len() {
            self.entries.reserve_exact(entries.max(self.entries.len() / 2));
        }
        if self.keys.capacity() - self.keys.len() < key_bytes {
            // Keys are mostly of one length; what one long key says of the others is believed as far as it costs little.
            let alike = entries.saturating_mul(key_bytes).min(ROOM_BYTES_MAX);
            self.keys.reserve_exact(alike.max(key_bytes).max(self.keys.len() / 2));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where each key ends; none where all have one length.
    fn ends(&self) -> &[usize] {
        self.more.as_ref().map_or(&[], |more| &more.ends)
    }

    /// The length of each key where all have one.
    fn even_bytes(&self) -> usize {
        self.keys.len().checked_div(self.entries.len()).unwrap_or_default()
    }

    fn range(&self, place: usize) -> Range<usize> {
        match self.ends() {
            [] => {
                let even = self.even_bytes();
                place * even..(place + 1) * even
            }
            ends => place.checked_sub(1).map_or(0, |before| ends[before])..ends[place],
        }
    }

    fn key(&self, place: usize) -> &str {
        &self.keys[self.range(place)]
    }

    /// Compared without a look at where characters begin.
    fn key_bytes(&self, place: usize) -> &[u8] {
        &self.keys.as_bytes()[self.range(place)]
    }

    fn place(&self, key: &str) -> Option<usize> {
        let key = key.as_bytes();
        if let Some(index) = self.more.as_ref().and_then(|more| more.index.as_ref()) {
            let is_it = |place: &u32| self.key_bytes(*place as usize) == key;
            return index.places.find(index.hasher.hash_one(key), is_it).map(|place| *place as usize);
        }
        // The newest entries are asked for most.
        if self.ends().is_empty() && !key.is_empty() {
            let is_of_length = key.len() == self.even_bytes();
            let mut keys = self.keys.as_bytes().chunks_exact(key.len());
            return if is_of_length { keys.rposition(|other| other == key) } else { None };
        }
        (0..self.entries.len()).rev().find(|place| self.key_bytes(*place) == key)
    }

    /// Entries in the order in which they were made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries.iter().enumerate().map(|(place, value)| (self.key(place), value))
    }

    /// Entries in the order of the keys' bytes.
    pub(crate) fn sorted(&self) -> Vec<(&str, &T)> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries
    }
}

impl<T: Serialize> Serialize for Keyed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for (key, value) in self.sorted() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeyedVisitor(PhantomData))
    }
}

struct KeyedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for KeyedVisitor<T> {
    type Value = Keyed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map in the order of its keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keyed<T>, A::Error> {
        let mut keyed = Keyed::default();
        // What is claimed is believed as far as it costs little.
        let room = map.size_hint().unwrap_or_default().min(ROOM_MAX);
        while let Some(place) = map.next_key_seed(NextKey { keyed: &mut keyed, room })? {
            keyed.entries[place] = map.next_value()?;
        }
        Ok(keyed)
    }
}

/// Takes the next key behind the others; its value is the place.
struct NextKey<'a, T> {
    keyed: &'a mut Keyed<T>,
    /// For how many entries room is made when the first comes.
    room: usize,
}

impl<'de, T: Default> DeserializeSeed<'de> for NextKey<'_, T> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T: Default> Visitor<'_> for NextKey<'_, T> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<usize, E> {
        let Self { keyed, room } = self;
        check_name("key", key).map_err(E::custom)?;
        match keyed.len().checked_sub(1).map(|last| keyed.key(last)) {
            Some(last) if last >= key => {
                return Err(E::custom(format_args!("key {key:?} is out of order")));
            }
            Some(_) => {}
            None => return Ok(keyed.insert(key, room)),
        }
        Ok(keyed.insert(key, 1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_map_answers_alike_below_and_above_the_index() {
        let mut keyed = Keyed::<u32>::default();
        for round in 0..3 {
            for number in 0..40 {
                *keyed.entry(&format!("k{number}"), 1) += number + round;
            }
        }
        assert_eq!(keyed.iter().count(), 40);
        assert!(keyed.iter().enumerate().all(|(place, (_, sum))| *sum == place as u32 * 3 + 3));
        assert_eq!(keyed.sorted()[1].0, "k1");
        let json = serde_json::to_string(&keyed).unwrap();
        assert!(json.starts_with(r#"{"k0":3,"k1":6,"k10":33,"#));
        let mut read: Keyed<u32> = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        *read.entry("k39", 1) += 1;
        let place = read.entry_place("new", 1);
        *read.at(place) += 5;
        assert_eq!((place, *read.entry("new", 1)), (40, 5));
        assert_eq!(read.len(), 41);
    }

    proptest! {
        /// Keys of one length or of several, few or many: each is found where it was put.
        #[test]
        fn a_key_is_found_where_it_was_put(
            lengths in 1_usize..4,
            keys in proptest::collection::vec((0_u8..40, 0_usize..3), 1..80),
        ) {
            let (mut keyed, mut known) = (Keyed::<usize>::default(), Vec::new());
            for (number, length) in keys {
                let key = format!("{}{number:02}", "x".repeat(length % lengths));
                let meant = known.iter().position(|other| *other == key).unwrap_or(known.len());
                prop_assert_eq!(keyed.place(&key), (meant < known.len()).then_some(meant));
                prop_assert_eq!(keyed.entry_place(&key, 1), meant);
                *keyed.at(meant) += 1;
                if meant == known.len() {
                    known.push(key);
                }
            }
            prop_assert!(keyed.iter().map(|(key, _)| key).eq(known.iter().map(String::as_str)));
        }
    }

    #[test]
    fn a_long_key_claims_no_room_for_others_like_it() {
        let mut keyed = Keyed::<u32>::default();
        keyed.entry(&"x".repeat(10_000), 1_000);
        assert!(keyed.keys.capacity() < 20_000 && keyed.entries.capacity() >= 1_000);
    }

    #[test]
    fn a_map_is_read_in_the_order_in_which_it_is_written() {
        for bad in [r#"{"b":1,"a":2}"#, r#"{"a":1,"a":2}"#, r#"{"":1}"#, "[]", r#"{"a":"1"}"#] {
            assert!(serde_json::from_str::<Keyed<u32>>(bad).is_err(), "{bad}");
        }
    }
}
