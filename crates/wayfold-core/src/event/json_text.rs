//! JSON that no type describes, kept as text, so that no number passes through a float.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, forward_to_deserialize_any};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};

/// How many arrays and objects may stand inside each other; the JSON reader takes 128 in a whole document.
const DEPTH_MAX: usize = 64;

/// JSON as its source wrote it.
#[derive(Debug, Clone)]
pub(super) struct JsonText(Box<str>);

impl JsonText {
    /// The JSON form of a value.
    pub(super) fn of(value: &(impl Serialize + ?Sized)) -> serde_json::Result<Self> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// The fields of a kind by name, each once.
    pub(super) fn members(&self) -> Result<BTreeMap<String, Self>> {
        let members: Members<'_> = serde_json::from_str(&self.0)
            .map_err(|error| Error::new(ErrorKind::Malformed, without_place(&error)))?;
        Ok(members.0.into_iter().map(|(key, value)| (key, Self(value.get().into()))).collect())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the fields of a known kind.
    pub(super) fn read_fields<T: DeserializeOwned>(&self, kind: &str) -> Result<T> {
        let fields = if self.0.starts_with('{') {
            serde_json::from_str(&self.0).map_err(|error| without_place(&error))
        } else {
            Err("they are not a JSON object".to_owned())
        };
        fields.map_err(|why| Error::new(ErrorKind::Malformed, format_args!("fields of {kind:?}: {why}")))
    }
}

impl Default for JsonText {
    fn default() -> Self {
        Self("{}".into())
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Box::<RawValue>::deserialize(TextOrTree(deserializer)).map(|raw| Self(raw.into()))
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        AsJson(&self.0).serialize(serializer)
    }
}

/// Writes JSON text as the JSON that it is.
pub(super) struct AsJson<'a>(pub(super) &'a str);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Brings JSON into its one form: no spaces, members in the order of their keys, texts with the fewest
/// escapes, numbers as written.
///
/// # Errors
/// `Malformed` for other text, for a key that stands twice in one object, and beyond [`DEPTH_MAX`].
pub(super) fn canonical(what: impl fmt::Display, text: &str) -> Result<String> {
    let malformed = |why: &str| Error::new(ErrorKind::Malformed, format_args!("{what}: {why}"));
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))?;
    let depth = depth(raw.get());
    if depth > DEPTH_MAX {
        let why =
            format!("JSON of {depth} arrays and objects inside each other; at most {DEPTH_MAX} are taken");
        return Err(malformed(&why));
    }
    let mut out = String::with_capacity(raw.get().len());
    write(raw, &mut out).map_err(|error| malformed(&without_place(&error)))?;
    Ok(out)
}

/// The most arrays and objects inside each other, without recursion, as the text may be hostile.
fn depth(json: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' if !in_text => depth -= 1,
            _ => {}
        }
    }
    most
}

fn write(value: &RawValue, out: &mut String) -> serde_json::Result<()> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => write_object(&serde_json::from_str(text)?, out),
        Some(b'[') => write_array(&serde_json::from_str::<Vec<&RawValue>>(text)?, out),
        Some(b'"') => write_text(&serde_json::from_str::<String>(text)?, out),
        _ => {
            out.push_str(text);
            Ok(())
        }
    }
}

fn write_object(members: &Members<'_>, out: &mut String) -> serde_json::Result<()> {
    out.push('{');
    for (number, (key, value)) in members.0.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write_text(key, out)?;
        out.push(':');
        write(value, out)?;
    }
    out.push('}');
    Ok(())
}

fn write_array(elements: &[&RawValue], out: &mut String) -> serde_json::Result<()> {
    out.push('[');
    for (number, element) in elements.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write(element, out)?;
    }
    out.push(']');
    Ok(())
}

fn write_text(text: &str, out: &mut String) -> serde_json::Result<()> {
    out.push_str(&serde_json::to_string(text)?);
    Ok(())
}

/// The members of an object by key, each once.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members<'de>, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.contains_key(&key) {
                        return Err(de::Error::custom(format_args!(
                            "key {key:?} stands twice in one object"
                        )));
                    }
                    members.insert(key, value);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The message without the place in a part of a document, which would mislead beside that in the whole.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) if error.line() > 0 => message.to_owned(),
        _ => text,
    }
}

/// Gives JSON text to the raw value where the source is text or a JSON value, and where the source is another
/// tree, such as serde's buffer behind `flatten` and tagged enums, the text of that tree.
struct TextOrTree<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for TextOrTree<D> {
    type Error = D::Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> std::result::Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, TextOrTreeVisitor { name, visitor })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct TextOrTreeVisitor<V> {
    name: &'static str,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for TextOrTreeVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<V::Value, A::Error> {
        self.visitor.visit_map(map)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<V::Value, D::Error> {
        let tree = Value::deserialize(deserializer)?;
        tree.deserialize_newtype_struct(self.name, self.visitor).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_whatever_the_spaces_order_and_escapes() {
        let check = |text: &str, expected: &str| {
            let form = canonical("it", text).unwrap();
            assert_eq!(form, expected);
            assert_eq!(canonical("it", &form).unwrap(), expected, "the form is its own form");
        };
        check(
            " { \"b\" : [ 1.10 , -0 , 1e400 ] , \"a\\u0041\" : \"\\/\\u00e9]}\" } ",
            r#"{"aA":"/é]}","b":[1.10,-0,1e400]}"#,
        );
        check("[{}, [], null, true, \"\\\\\"]", r#"[{},[],null,true,"\\"]"#);
        check("123456789012345678901234567890", "123456789012345678901234567890");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for bad in ["", "{", "[1,]", "[01]", "[NaN]", "[1] 2", "\"\\ud800\"", "[\"\u{1}\"]"] {
            assert_eq!(canonical("it", bad).unwrap_err().kind(), ErrorKind::Malformed, "{bad:?}");
        }
    }
}
