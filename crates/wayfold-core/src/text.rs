//! serde for values that are text in documents.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserializer, Serialize, Serializer};

use crate::error::Result;

/// Implements serde by `as_str` and a function that reads the text.
macro_rules! serde_as_text {
    ($name:ident, $parse:expr) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                $crate::text::read(deserializer, $parse)
            }
        }
    };
}

pub(crate) use serde_as_text;

/// Reads a text without keeping it.
pub(crate) fn read<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    parse: fn(&str) -> Result<T>,
) -> std::result::Result<T, D::Error> {
    deserializer.deserialize_str(TextVisitor(parse))
}

struct TextVisitor<T>(fn(&str) -> Result<T>);

impl<T> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

/// Implements `Serialize` of a record: in documents by the names of its fields, without those that are nothing, and elsewhere as
/// the list of all values. A value that is kept in another form comes `by` a method of the record. What serde derives to read
/// a record reads both.
macro_rules! serialize_as_record_or_list {
    ($name:ident { $($field:ident $(by $get:ident)? $(unless $is_nothing:path)?),+ $(,)? }) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                use serde::ser::{SerializeStruct, SerializeTuple};
                let record = self;
                $( let $field = $crate::text::value_of_field!(record, $field $($get)?); )+
                if !serializer.is_human_readable() {
                    let mut out = serializer.serialize_tuple([$(stringify!($field)),+].len())?;
                    $( out.serialize_element($field)?; )+
                    return out.end();
                }
                let is_told = [$( true $(&& !$is_nothing($field))? ),+];
                let told = is_told.iter().filter(|is_told| **is_told).count();
                let mut out = serializer.serialize_struct(stringify!($name), told)?;
                let mut is_told = is_told.into_iter();
                $( if is_told.next() == Some(true) { out.serialize_field(stringify!($field), $field)?; } )+
                out.end()
            }
        }
    };
}

/// The value of a record's field as it is written.
macro_rules! value_of_field {
    ($record:ident, $field:ident) => {
        &$record.$field
    };
    ($record:ident, $field:ident $get:ident) => {
        &$record.$get()
    };
}

pub(crate) use {serialize_as_record_or_list, value_of_field};

/// A value that is a text in documents, and the eight bytes of a number where no person reads along.
///
/// What stands in a tagged, untagged or flattened type is read by serde from a copy, which passes for a document whatever
/// it was read from. So both forms are read everywhere. There are no bytes in JSON, and a number stays refused.
pub(crate) trait TextOrNumber: Copy + fmt::Display {
    /// The name under which serde is told the text; by it, fields of views are told from other text.
    const NAME: &'static str;

    fn to_number(self) -> i64;

    fn from_number(number: i64) -> Result<Self>;

    fn from_text(text: &str) -> Result<Self>;
}

/// Implements serde for such a value.
macro_rules! serde_as_text_or_number {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                $crate::text::write_either(*self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                $crate::text::read_either(deserializer)
            }
        }
    };
}

pub(crate) use serde_as_text_or_number;

pub(crate) fn write_either<T: TextOrNumber, S: Serializer>(
    value: T,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_newtype_struct(T::NAME, &Shown(value))
    } else {
        serializer.serialize_bytes(&value.to_number().to_be_bytes())
    }
}

struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

pub(crate) fn read_either<'de, T: TextOrNumber, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<T, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_newtype_struct(T::NAME, EitherVisitor(std::marker::PhantomData))
    } else {
        deserializer.deserialize_bytes(EitherVisitor(std::marker::PhantomData))
    }
}

struct EitherVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: TextOrNumber> Visitor<'de> for EitherVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<T, E> {
        T::from_text(text).map_err(E::custom)
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> std::result::Result<T, E> {
        let number = bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &"eight bytes"))?;
        T::from_number(i64::from_be_bytes(number)).map_err(E::custom)
    }
}
