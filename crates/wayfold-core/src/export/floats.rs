//! Finds floats in what serde writes.
//!
//! Neither the written text nor a formatter of serde_json shows them all: NaN and the infinities become `null`
//! before the formatter is asked.

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

type Result<T = ()> = std::result::Result<T, serde_json::Error>;

/// Refuses a value that holds a float; one written as text may differ between platforms.
pub(super) fn refuse(value: &(impl Serialize + ?Sized)) -> Result {
    value.serialize(NoFloats { is_human_readable: true })
}

/// Refuses a value that MessagePack cannot give back: one that holds a float, or the text of JSON, which serde_json alone
/// can read.
pub(crate) fn refuse_packed(value: &(impl Serialize + ?Sized)) -> Result {
    value.serialize(NoFloats { is_human_readable: false })
}

/// What the names begin with under which serde_json tells the text of JSON and of a number that it keeps as text.
const JSON_TEXT: &str = "$serde_json::private::";

/// Walks through a value, writes nothing, and fails at the first float.
#[derive(Clone, Copy)]
struct NoFloats {
    /// Whether it is written for people, so that some types are walked through otherwise.
    is_human_readable: bool,
}

macro_rules! plain {
    ($($name:ident: $ty:ty,)*) => { $( fn $name(self, _value: $ty) -> Result { Ok(()) } )* };
}

macro_rules! float {
    ($($name:ident: $ty:ty,)*) => {
        $( fn $name(self, _value: $ty) -> Result { Err(Error::custom("it holds a float; keep whole numbers")) } )*
    };
}

macro_rules! compound {
    ($($name:ident($($arg:ty),*) -> $compound:ident;)*) => {
        $( type $compound = Self; )*
        $( fn $name(self, $(_: $arg),*) -> Result<Self> { Ok(self) } )*
    };
}

impl Serializer for NoFloats {
    type Ok = ();
    type Error = serde_json::Error;

    float! { serialize_f32: f32, serialize_f64: f64, }

    plain! {
        serialize_bool: bool, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_unit_struct: &'static str,
    }

    fn serialize_unit(self) -> Result {
        Ok(())
    }

    fn serialize_none(self) -> Result {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result {
        value.serialize(self)
    }

    fn is_human_readable(&self) -> bool {
        self.is_human_readable
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self> {
        if name.starts_with(JSON_TEXT) && !self.is_human_readable {
            return Err(Error::custom("it holds JSON as text; keep a String"));
        }
        Ok(self)
    }

    type SerializeStruct = Self;

    compound! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }
}

macro_rules! parts {
    ($($compound:ident { $($part:ident($($key:ty)?)),+ })*) => {$(
        impl $compound for NoFloats {
            type Ok = ();
            type Error = serde_json::Error;

            $( fn $part<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result { value.serialize(*self) } )+

            fn end(self) -> Result {
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeSeq { serialize_element() }
    SerializeTuple { serialize_element() }
    SerializeTupleStruct { serialize_field() }
    SerializeTupleVariant { serialize_field() }
    SerializeMap { serialize_key(), serialize_value() }
    SerializeStruct { serialize_field(&'static str) }
    SerializeStructVariant { serialize_field(&'static str) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(serde::Serialize)]
    enum Holder<T> {
        Newtype(T),
        Tuple(T, u8),
        Struct { value: T },
    }

    #[track_caller]
    fn check<T: Serialize + Copy>(value: T, is_taken: bool) {
        let found = [
            refuse(&value),
            refuse(&Some(value)),
            refuse(&(1, value)),
            refuse(&[value]),
            refuse(&vec![value]),
            refuse(&BTreeMap::from([("key", value)])),
            refuse(&Holder::Newtype(value)),
            refuse(&Holder::Tuple(value, 1)),
            refuse(&Holder::Struct { value }),
        ];
        for (place, found) in found.iter().enumerate() {
            assert_eq!(found.is_ok(), is_taken, "place {place}: {found:?}");
        }
    }

    /// The check once read the written text, in which NaN and the infinities are `null`: a state with one was
    /// exported as if it held nothing.
    #[test]
    fn every_float_is_found_wherever_it_stands() {
        for float in [0.0, 1.5, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            check(float, false);
            check(float as f32, false);
        }
    }

    #[test]
    fn what_is_no_float_is_taken() {
        check(i128::MIN, true);
        check("1.5", true);
        check('e', true);
        check(None::<f64>, true);
        check((), true);
    }
}
