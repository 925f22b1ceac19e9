//! What a step from one schema version to the next changes.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::attribute::{AttributeValue, Attributes};
use super::json_text::{JsonText, without_place};
use crate::error::{Error, ErrorKind, Result};
use crate::key::AttributeName;

/// What a step gives back: any error refuses the event.
pub type UpcastResult = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// The fields of an event, before any type reads them, and its attributes: what a step of [`Upcasters`] changes.
///
/// A step sees nothing else, because ids, customers, times and tags are what stores find events by. Fields are
/// those of the kind; of a user's own kind they are those of [`Custom`], and what the user keeps is in the
/// attributes.
///
/// [`Upcasters`]: crate::Upcasters
/// [`Custom`]: crate::Custom
#[derive(Debug)]
pub struct RawFields {
    fields: BTreeMap<String, JsonText>,
    attributes: Attributes,
}

impl RawFields {
    pub(super) fn new(fields: &JsonText, attributes: Attributes) -> Result<Self> {
        Ok(Self { fields: fields.members()?, attributes })
    }

    pub(super) fn into_parts(self) -> Result<(JsonText, Attributes)> {
        Ok((json_of("fields", &self.fields)?, self.attributes))
    }

    /// Reads a field from its JSON; `None` if it is absent.
    ///
    /// A type that keeps raw JSON, such as that of your JSON library, keeps the text of numbers too.
    ///
    /// # Errors
    /// `Malformed` if the field is of another type.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let read = |json: &JsonText| {
            serde_json::from_str(json.as_str()).map_err(|error| malformed(name, without_place(&error)))
        };
        self.fields.get(name).map(read).transpose()
    }

    /// Sets a field, whether it is there or not.
    ///
    /// # Errors
    /// `Malformed` if the value has no JSON form.
    pub fn set_field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<()> {
        self.fields.insert(name.to_owned(), json_of(name, value)?);
        Ok(())
    }

    /// Gives a field another name; an absent one stays absent.
    ///
    /// # Errors
    /// `Malformed` if there is a field of the new name already, as one of the two would be lost.
    pub fn rename_field(&mut self, from: &str, to: &str) -> Result<()> {
        let Some(json) = self.fields.remove(from) else { return Ok(()) };
        match self.fields.insert(to.to_owned(), json) {
            None => Ok(()),
            Some(_) => Err(malformed(to, "it is there already; remove one of the two first")),
        }
    }

    /// Takes a field away; says whether it was there.
    pub fn remove_field(&mut self, name: &str) -> bool {
        self.fields.remove(name).is_some()
    }

    /// Looks up an attribute.
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes.get(&AttributeName::new(name).ok()?)
    }

    /// Sets an attribute, whether it is there or not.
    ///
    /// # Errors
    /// `InvalidName` if there can be no attribute of that name.
    pub fn set_attribute(&mut self, name: &str, value: impl Into<AttributeValue>) -> Result<()> {
        self.attributes.insert(AttributeName::new(name)?, value.into());
        Ok(())
    }

    /// Gives an attribute another name; an absent one stays absent.
    ///
    /// # Errors
    /// `InvalidName` if there can be no attribute of the new name; `Malformed` if there is one already, as one of
    /// the two would be lost.
    pub fn rename_attribute(&mut self, from: &str, to: &str) -> Result<()> {
        let Some(value) = self.remove_attribute(from) else { return Ok(()) };
        match self.attributes.insert(AttributeName::new(to)?, value) {
            None => Ok(()),
            Some(_) => {
                let message = format_args!("attribute {to:?} is there already; remove one of the two first");
                Err(Error::new(ErrorKind::Malformed, message))
            }
        }
    }

    /// Takes an attribute away and gives it back.
    pub fn remove_attribute(&mut self, name: &str) -> Option<AttributeValue> {
        self.attributes.remove(&AttributeName::new(name).ok()?)
    }
}

fn json_of(name: &str, value: &(impl Serialize + ?Sized)) -> Result<JsonText> {
    JsonText::of(value).map_err(|error| malformed(name, error))
}

fn malformed(name: &str, why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Malformed, format_args!("field {name:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> RawFields {
        let fields =
            JsonText::of(serde_json::from_str::<&serde_json::value::RawValue>(json).unwrap()).unwrap();
        RawFields::new(&fields, Attributes::new()).unwrap()
    }

    #[test]
    fn fields_are_read_set_renamed_and_removed() {
        let mut raw = fields(r#"{"a":1.10,"b":"x"}"#);
        assert_eq!(raw.field::<String>("b"), Ok(Some("x".to_owned())));
        assert_eq!(raw.field::<String>("c"), Ok(None));
        let error = raw.field::<u8>("b").unwrap_err().to_string();
        assert_eq!(error, "field \"b\": invalid type: string \"x\", expected u8");
        raw.rename_field("a", "c").unwrap();
        raw.rename_field("absent", "b").unwrap();
        raw.set_field("d", &["y"]).unwrap();
        assert!(raw.remove_field("b") && !raw.remove_field("b"));
        let (json, _) = raw.into_parts().unwrap();
        assert_eq!(json.as_str(), r#"{"c":1.10,"d":["y"]}"#, "numbers keep their text");
    }

    #[test]
    fn attributes_are_read_set_renamed_and_removed() {
        let mut raw = fields("{}");
        raw.set_attribute("shop", "s1").unwrap();
        raw.set_attribute("visits", 2).unwrap();
        raw.rename_attribute("shop", "store").unwrap();
        raw.rename_attribute("absent", "store").unwrap();
        assert_eq!(raw.attribute("store"), Some(&"s1".into()));
        assert_eq!((raw.attribute("shop"), raw.attribute("")), (None, None));
        assert_eq!(raw.remove_attribute("visits"), Some(2.into()));
        assert_eq!(raw.set_attribute("", 1).unwrap_err().kind(), ErrorKind::InvalidName);
    }

    #[test]
    fn renaming_never_loses_a_value() {
        let mut raw = fields(r#"{"a":1,"b":2}"#);
        let error = raw.rename_field("a", "b").unwrap_err().to_string();
        assert_eq!(error, "field \"b\": it is there already; remove one of the two first");
        raw.set_attribute("a", 1).unwrap();
        raw.set_attribute("b", 2).unwrap();
        let error = raw.rename_attribute("a", "b").unwrap_err().to_string();
        assert_eq!(error, "attribute \"b\" is there already; remove one of the two first");
    }
}
