use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use hashbrown::HashMap;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::check_name;

/// Beyond this many entries a search by key uses an index instead of looking at each.
const SCAN_MAX: usize = 16;

/// A map by text that is small for most customers: a list, indexed once it grows.
///
/// It is written as a map in the order of the keys' bytes, and read from nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Keyed<T> {
    entries: Vec<(Arc<str>, T)>,
    index: Option<Box<HashMap<Arc<str>, u32>>>,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), index: None }
    }
}

impl<T: Default> Keyed<T> {
    /// The entry of a key, made empty if there is none.
    pub(crate) fn entry(&mut self, key: &str) -> &mut T {
        let place = self.place(key).unwrap_or_else(|| self.insert(key));
        &mut self.entries[place].1
    }

    fn place(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).map(|place| *place as usize),
            // The newest entries are asked for most.
            None => self.entries.iter().rposition(|(known, _)| known.as_ref() == key),
        }
    }

    fn insert(&mut self, key: &str) -> usize {
        let place = self.entries.len();
        let key: Arc<str> = key.into();
        if place == SCAN_MAX {
            let known = self.entries.iter().enumerate().map(|(place, (key, _))| (key.clone(), place as u32));
            self.index = Some(Box::new(known.collect()));
        }
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), place as u32);
        }
        if place == self.entries.capacity() {
            // Most customers have one entry or two, so the list starts small.
            self.entries.reserve_exact(place.max(1));
        }
        self.entries.push((key, T::default()));
        place
    }
}

impl<T> Keyed<T> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Entries in the order in which they were made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries.iter().map(|(key, value)| (key.as_ref(), value))
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
        while let Some(key) = map.next_key::<String>()? {
            check_name("key", &key).map_err(A::Error::custom)?;
            if keyed.entries.last().is_some_and(|(last, _)| last.as_ref() >= key.as_str()) {
                return Err(A::Error::custom(format_args!("key {key:?} is out of order")));
            }
            let place = keyed.insert(&key);
            keyed.entries[place].1 = map.next_value()?;
        }
        Ok(keyed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_answers_alike_below_and_above_the_index() {
        let mut keyed = Keyed::<u32>::default();
        for round in 0..3 {
            for number in 0..40 {
                *keyed.entry(&format!("k{number}")) += number + round;
            }
        }
        assert_eq!(keyed.iter().count(), 40);
        assert!(keyed.iter().enumerate().all(|(place, (_, sum))| *sum == place as u32 * 3 + 3));
        assert_eq!(keyed.sorted()[1].0, "k1");
        let json = serde_json::to_string(&keyed).unwrap();
        assert!(json.starts_with(r#"{"k0":3,"k1":6,"k10":33,"#));
        let mut read: Keyed<u32> = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        *read.entry("k39") += 1;
        assert_eq!((read.len(), *read.entry("k39")), (40, 121));
    }

    #[test]
    fn a_map_is_read_in_the_order_in_which_it_is_written() {
        for bad in [r#"{"b":1,"a":2}"#, r#"{"a":1,"a":2}"#, r#"{"":1}"#, "[]", r#"{"a":"1"}"#] {
            assert!(serde_json::from_str::<Keyed<u32>>(bad).is_err(), "{bad}");
        }
    }
}
