//! Turns what serde tells of a view into a [`Tree`].

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::Tree;

/// The name under which [`Timestamp`](crate::Timestamp) tells serde its text.
const INSTANT: &str = "wayfold::Timestamp";
/// The name under which [`Amount`](crate::Amount) tells serde its text.
const DECIMAL: &str = "wayfold::Amount";
/// The names under which serde_json tells the text of JSON and of a number that it keeps as text.
const JSON_TEXT: &str = "$serde_json::private::RawValue";
const NUMBER_TEXT: &str = "$serde_json::private::Number";

type Result<T = Tree> = std::result::Result<T, serde_json::Error>;

impl Tree {
    /// Takes what serde tells; the fields of the outermost record that are not wanted are left null.
    ///
    /// # Errors
    /// If the value fails to serialise, or holds what JSON cannot: a key that is no text, an integer beyond 128
    /// bits.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T, wanted: Option<&[&str]>) -> Result {
        value.serialize(Writer { wanted })
    }
}

fn whole<T: Serialize + ?Sized>(value: &T) -> Result {
    Tree::of(value, None)
}

#[derive(Clone, Copy)]
struct Writer<'a> {
    wanted: Option<&'a [&'a str]>,
}

/// A list, record or map that is being told, inside of the variant that it belongs to.
struct Parts<'a, T> {
    name: &'static str,
    variant: Option<&'static str>,
    wanted: Option<&'a [&'a str]>,
    parts: Vec<T>,
    key: Option<String>,
}

impl<T> Parts<'_, T> {
    fn new(name: &'static str, variant: Option<&'static str>) -> Self {
        Self { name, variant, wanted: None, parts: Vec::new(), key: None }
    }

    fn end(self, tree: impl FnOnce(Vec<T>) -> Tree) -> Result {
        let tree = tree(self.parts);
        Ok(match self.variant {
            Some(variant) => Tree::Map(vec![(variant.to_owned(), tree)]),
            None => tree,
        })
    }
}

macro_rules! leaf {
    ($($name:ident($value:ident: $ty:ty) -> $tree:expr;)*) => {
        $( fn $name(self, $value: $ty) -> Result { Ok($tree) } )*
    };
}

impl<'a> Serializer for Writer<'a> {
    type Ok = Tree;
    type Error = serde_json::Error;
    type SerializeSeq = Parts<'a, Tree>;
    type SerializeTuple = Parts<'a, Tree>;
    type SerializeTupleStruct = Parts<'a, Tree>;
    type SerializeTupleVariant = Parts<'a, Tree>;
    type SerializeMap = Parts<'a, (String, Tree)>;
    type SerializeStruct = Parts<'a, (&'static str, Tree)>;
    type SerializeStructVariant = Parts<'a, (&'static str, Tree)>;

    leaf! {
        serialize_bool(value: bool) -> Tree::Boolean(value);
        serialize_i8(value: i8) -> Tree::Integer(value.into());
        serialize_i16(value: i16) -> Tree::Integer(value.into());
        serialize_i32(value: i32) -> Tree::Integer(value.into());
        serialize_i64(value: i64) -> Tree::Integer(value.into());
        serialize_i128(value: i128) -> Tree::Integer(value);
        serialize_u8(value: u8) -> Tree::Integer(value.into());
        serialize_u16(value: u16) -> Tree::Integer(value.into());
        serialize_u32(value: u32) -> Tree::Integer(value.into());
        serialize_u64(value: u64) -> Tree::Integer(value.into());
        serialize_f32(value: f32) -> float(value.is_finite(), &value);
        serialize_f64(value: f64) -> float(value.is_finite(), &value);
        serialize_char(value: char) -> Tree::Text(value.into());
        serialize_str(value: &str) -> Tree::Text(value.to_owned());
        serialize_bytes(value: &[u8]) ->
            Tree::List(value.iter().map(|byte| Tree::Integer((*byte).into())).collect());
        serialize_unit_struct(_name: &'static str) -> Tree::Null;
    }

    fn serialize_u128(self, value: u128) -> Result {
        i128::try_from(value).map(Tree::Integer).map_err(|_| Error::custom("a number is beyond 128 bits"))
    }

    fn serialize_unit(self) -> Result {
        Ok(Tree::Null)
    }

    fn serialize_none(self) -> Result {
        Ok(Tree::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result {
        Ok(Tree::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result {
        Ok(match (name, value.serialize(self)?) {
            (INSTANT, Tree::Text(text)) => Tree::Instant(text),
            (DECIMAL, Tree::Text(text)) => Tree::Decimal(text),
            (_, tree) => tree,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        Ok(Tree::Map(vec![(variant.to_owned(), whole(value)?)]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq> {
        Ok(Parts::new("", None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple> {
        Ok(Parts::new("", None))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeTupleStruct> {
        Ok(Parts::new(name, None))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        Ok(Parts::new(name, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap> {
        Ok(Parts::new("", None))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeStruct> {
        Ok(Parts { wanted: self.wanted, ..Parts::new(name, None) })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant> {
        Ok(Parts::new(name, Some(variant)))
    }
}

/// JSON has no NaN and no infinities: they are null in it.
fn float(is_finite: bool, value: &dyn std::fmt::Debug) -> Tree {
    if is_finite { Tree::Decimal(format!("{value:?}")) } else { Tree::Null }
}

macro_rules! list {
    ($($compound:ident $part:ident,)*) => {$(
        impl $compound for Parts<'_, Tree> {
            type Ok = Tree;
            type Error = serde_json::Error;

            fn $part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.parts.push(whole(value)?);
                Ok(())
            }

            fn end(self) -> Result {
                self.end(Tree::List)
            }
        }
    )*};
}

list! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

impl SerializeMap for Parts<'_, (String, Tree)> {
    type Ok = Tree;
    type Error = serde_json::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.key = Some(match whole(key)? {
            Tree::Text(text) | Tree::Instant(text) | Tree::Decimal(text) => text,
            Tree::Integer(number) => number.to_string(),
            Tree::Boolean(value) => value.to_string(),
            _ => return Err(Error::custom("a key of a map is no text")),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.key.take().ok_or_else(|| Error::custom("a value of a map has no key"))?;
        self.parts.push((key, whole(value)?));
        Ok(())
    }

    fn end(self) -> Result {
        self.end(Tree::Map)
    }
}

impl SerializeStruct for Parts<'_, (&'static str, Tree)> {
    type Ok = Tree;
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        let is_wanted = self.wanted.is_none_or(|wanted| wanted.contains(&name));
        self.parts.push((name, if is_wanted { whole(value)? } else { Tree::Null }));
        Ok(())
    }

    /// A field that is left out is a field all the same: asked for, it gives nothing, and is no typo.
    fn skip_field(&mut self, name: &'static str) -> Result<()> {
        self.parts.push((name, Tree::Null));
        Ok(())
    }

    fn end(self) -> Result {
        match (self.name, self.parts.as_slice()) {
            (JSON_TEXT, [(_, Tree::Text(text))]) => whole(&serde_json::from_str::<serde_json::Value>(text)?),
            (NUMBER_TEXT, [(_, Tree::Text(text))]) => {
                Ok(text.parse().map_or_else(|_| Tree::Decimal(text.clone()), Tree::Integer))
            }
            _ => self.end(Tree::Record),
        }
    }
}

impl SerializeStructVariant for Parts<'_, (&'static str, Tree)> {
    type Ok = Tree;
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        SerializeStruct::serialize_field(self, name, value)
    }

    fn skip_field(&mut self, name: &'static str) -> Result<()> {
        SerializeStruct::skip_field(self, name)
    }

    fn end(self) -> Result {
        self.end(Tree::Record)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Amount, Currency, Money, Timestamp};

    #[derive(serde::Serialize)]
    struct View {
        at: Timestamp,
        rate: Amount,
        paid: Money,
        share: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        tier: Option<u8>,
        by_shop: BTreeMap<u16, Kind>,
        json: Box<serde_json::value::RawValue>,
    }

    #[derive(serde::Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Plain,
        Pair(u8, bool),
    }

    fn view() -> View {
        View {
            at: Timestamp::parse("2024-01-01").unwrap(),
            rate: Amount::parse("2.50").unwrap(),
            paid: Money::parse("9.5", Currency::EUR).unwrap(),
            share: 0.1,
            tier: None,
            by_shop: BTreeMap::from([(7, Kind::Plain), (8, Kind::Pair(1, true))]),
            json: serde_json::value::RawValue::from_string("{\"a\":[1]}".to_owned()).unwrap(),
        }
    }

    #[test]
    fn records_keep_their_fields_and_ours_keep_their_types() {
        let text = |text: &str| Tree::Text(text.to_owned());
        let decimal = |text: &str| Tree::Decimal(text.to_owned());
        let pair = Tree::List(vec![Tree::Integer(1), Tree::Boolean(true)]);
        let by_shop = vec![
            ("7".to_owned(), text("plain")),
            ("8".to_owned(), Tree::Map(vec![("pair".to_owned(), pair)])),
        ];
        let expected = Tree::Record(vec![
            ("at", Tree::Instant("2024-01-01T00:00:00Z".to_owned())),
            ("rate", decimal("2.5")),
            ("paid", Tree::Record(vec![("amount", decimal("9.5")), ("currency", text("EUR"))])),
            ("share", decimal("0.1")),
            ("tier", Tree::Null),
            ("by_shop", Tree::Map(by_shop)),
            ("json", Tree::Map(vec![("a".to_owned(), Tree::List(vec![Tree::Integer(1)]))])),
        ]);
        assert_eq!(Tree::of(&view(), None).unwrap(), expected);
    }

    #[test]
    fn fields_that_are_not_wanted_are_not_looked_at() {
        let tree = Tree::of(&view(), Some(&["share"])).unwrap();
        assert_eq!(
            (tree.member("share"), tree.member("paid")),
            (Some(&Tree::Decimal("0.1".to_owned())), Some(&Tree::Null))
        );
    }

    #[test]
    fn what_json_cannot_hold_is_refused() {
        assert!(whole(&u128::MAX).is_err());
        assert!(whole(&BTreeMap::from([(vec![1], 1)])).is_err());
        assert_eq!(whole(&f64::NAN).unwrap(), Tree::Null);
    }
}
