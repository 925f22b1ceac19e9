//! Names of tenants, customers, journeys, tags, events and positions.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};
use crate::text::serde_as_text;
use crate::text_enum::debug_as_text;

/// The longest name in bytes: of a tenant, customer, journey, tag, custom kind or attribute.
pub const NAME_BYTES_MAX: usize = 16_384;

pub(crate) fn check_name(what: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidName,
            format_args!("{what} is empty; give it at least one character"),
        ));
    }
    if text.len() > NAME_BYTES_MAX {
        let message = format_args!("{what} has {} bytes; at most {NAME_BYTES_MAX} are taken", text.len());
        return Err(Error::new(ErrorKind::InvalidName, message));
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// Any text of 1 to [`NAME_BYTES_MAX`] bytes; ordered by its bytes.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(SmolStr);

        impl $name {
            /// Takes the text as it is.
            ///
            /// # Errors
            /// `InvalidName` if it is empty or longer than [`NAME_BYTES_MAX`] bytes.
            pub fn new(text: impl AsRef<str>) -> Result<Self> {
                check_name($what, text.as_ref())?;
                Ok(Self(text.as_ref().into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Takes text that came out of a batch, which holds checked names only.
            #[allow(dead_code, reason = "not every name is stored in a batch")]
            pub(crate) fn trusted(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;

            fn try_from(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.into()
            }
        }

        serde_as_text!($name, |text| Self::new(text));
    };
}

name! {
    /// Names a customer within its tenant.
    CustomerId, "customer id"
}
name! {
    /// Names a journey within its customer: a lead, deal, cart or order key.
    JourneyKey, "journey key"
}
name! {
    /// Names an order within its customer: the value of the one `order:` tag.
    OrderId, "order id"
}
name! {
    /// Names a user's own event kind.
    CustomKind, "custom kind"
}
name! {
    /// Names an attribute of an event.
    AttributeName, "attribute name"
}

/// Separates customers of one log: quantiles, rates, ids and erasure are per tenant.
///
/// The default tenant is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(SmolStr);

impl Tenant {
    /// Takes the text as it is; the empty text is the default tenant.
    ///
    /// # Errors
    /// `InvalidName` if it is longer than [`NAME_BYTES_MAX`] bytes.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        if !text.as_ref().is_empty() {
            check_name("tenant", text.as_ref())?;
        }
        Ok(Self(text.as_ref().into()))
    }

    /// The text, empty for the default tenant.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether this is the default tenant.
    pub fn is_default(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self("".into())
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Tenant {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<Tenant> for String {
    fn from(tenant: Tenant) -> String {
        tenant.0.into()
    }
}

serde_as_text!(Tenant, |text| Self::new(text));

/// Names a customer in the whole log; ordered by tenant, then customer, by bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CustomerKey {
    /// The tenant, empty unless used.
    #[serde(default, skip_serializing_if = "Tenant::is_default")]
    pub tenant: Tenant,
    /// The customer within the tenant.
    pub customer: CustomerId,
}

impl CustomerKey {
    /// Names a customer of the default tenant.
    ///
    /// # Errors
    /// `InvalidName` if the text is no valid [`CustomerId`].
    pub fn new(customer: impl AsRef<str>) -> Result<Self> {
        Ok(Self { tenant: Tenant::default(), customer: CustomerId::new(customer)? })
    }

    /// Names a customer of a tenant.
    ///
    /// # Errors
    /// `InvalidName` if one of the texts is no valid name.
    pub fn in_tenant(tenant: impl AsRef<str>, customer: impl AsRef<str>) -> Result<Self> {
        Ok(Self { tenant: Tenant::new(tenant)?, customer: CustomerId::new(customer)? })
    }

    /// A number that spreads customers evenly, the same on every machine and for ever: [`spread`] of the two
    /// texts. Shards and stored blocks go by it; no answer depends on it.
    pub fn spread(tenant: &str, customer: &str) -> u64 {
        spread(&[tenant.as_bytes(), customer.as_bytes()])
    }
}

/// A number that spreads lists of bytes evenly, the same on every machine and for ever.
///
/// It is FNV-1a with 64 bits over each part followed by the byte 255, and then the finalizer of MurmurHash3, which
/// carries the last bytes into the upper bits. Whoever chooses the bytes can make them collide, so it orders and
/// narrows down, and never decides alone.
pub fn spread(parts: &[&[u8]]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash =
        parts.iter().fold(0xcbf2_9ce4_8422_2325, |hash, part| part.iter().chain(&[u8::MAX]).fold(hash, step));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

impl fmt::Display for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tenant.is_default() {
            return self.customer.fmt(f);
        }
        write!(f, "{}/{}", self.tenant, self.customer)
    }
}

/// An object that an event touches, as `type:id`; the id may hold further colons.
///
/// ```
/// let tag = wayfold_core::Tag::new("order", "o:1").unwrap();
/// assert_eq!((tag.object_type(), tag.id(), tag.as_str()), ("order", "o:1", "order:o:1"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(SmolStr);

impl Tag {
    /// Joins a type and an id.
    ///
    /// # Errors
    /// `InvalidName` if one is empty, the type holds a colon, or both are too long.
    pub fn new(object_type: impl AsRef<str>, id: impl AsRef<str>) -> Result<Self> {
        let (object_type, id) = (object_type.as_ref(), id.as_ref());
        if object_type.contains(':') {
            let message =
                format_args!("tag type {object_type:?} holds a colon; the type ends at the first one");
            return Err(Error::new(ErrorKind::InvalidName, message));
        }
        Self::parse(format!("{object_type}:{id}"))
    }

    /// Reads `type:id`, split at the first colon.
    ///
    /// # Errors
    /// `InvalidName` without a colon, with an empty type or id, or beyond [`NAME_BYTES_MAX`].
    pub fn parse(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        check_name("tag", text)?;
        if Self::is_well_formed(text) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(ErrorKind::InvalidName, format_args!("tag {text:?} is not of the form type:id")))
    }

    /// Says whether a text is of the form `type:id` and not too long.
    pub(crate) fn is_well_formed(text: &str) -> bool {
        let colon = colon_in(text);
        text.len() <= NAME_BYTES_MAX && colon.is_some_and(|colon| colon > 0 && colon + 1 < text.len())
    }

    /// Names the order that an event is about, as the tag `order:ID`.
    ///
    /// # Errors
    /// `InvalidName` if the id is empty or too long.
    pub fn order(id: impl AsRef<str>) -> Result<Self> {
        Self::new("order", id)
    }

    /// The type, before the first colon.
    pub fn object_type(&self) -> &str {
        colon_in(&self.0).map_or("", |colon| &self.0[..colon])
    }

    /// The id, after the first colon.
    pub fn id(&self) -> &str {
        colon_in(&self.0).map_or("", |colon| &self.0[colon + 1..])
    }

    /// The whole tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn trusted(text: &str) -> Self {
        Self(text.into())
    }
}

/// Where the type of a tag ends. Types are short, and every tag comes by here, so the bytes are looked at one by one.
fn colon_in(text: &str) -> Option<usize> {
    text.bytes().position(|byte| byte == b':')
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Tag {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> String {
        tag.0.into()
    }
}

/// Identifies an event for ever: taken once per tenant.
///
/// What a source names gets its id by [`EventId::from_natural_key`], so that a retry or a second import changes
/// nothing. A fact that has no name gets a version 7 id, `EventId(Uuid::now_v7())`, once, before the first try.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// The id as a number; ids order by it.
    pub fn as_u128(self) -> u128 {
        self.0.as_u128()
    }

    /// The id with this number.
    pub fn from_u128(number: u128) -> Self {
        Self(Uuid::from_u128(number))
    }

    /// Derives a version 5 id from a source, a rule of its mapping and a natural key.
    ///
    /// Each part is preceded by its length, so that no two lists of parts give one name.
    pub fn from_natural_key(source: &str, rule: &str, key: &[&str]) -> Self {
        /// The name space of Wayfold's own version 5 ids.
        const SPACE: Uuid = Uuid::from_u128(0x5f1c_6a0e_2b9d_4c57_9a43_77d1_0e8b_a6f2);
        let mut name = Vec::new();
        for part in [source, rule].iter().chain(key) {
            name.extend_from_slice(&(part.len() as u64).to_le_bytes());
            name.extend_from_slice(part.as_bytes());
        }
        Self(Uuid::new_v5(&SPACE, &name))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in a log, given by its store: opaque, ordered, 16 bytes; written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Position([u8; 16]);

impl Position {
    /// The place before the first event.
    pub const START: Self = Self([0; 16]);
    /// The place after the last event, whatever comes: where reading backward begins.
    pub const END: Self = Self([u8::MAX; 16]);

    /// Takes the bytes of a store; positions order as their bytes do.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl TryFrom<String> for Position {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        match u128::from_str_radix(&text, 16) {
            Ok(number) if text.len() == 32 && !text.starts_with('+') => Ok(Self(number.to_be_bytes())),
            _ => {
                let message = format_args!("position {text:?} is not 32 hexadecimal digits");
                Err(Error::new(ErrorKind::Malformed, message))
            }
        }
    }
}

impl From<Position> for String {
    fn from(position: Position) -> String {
        position.to_string()
    }
}

debug_as_text!(EventId, Position);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_what_is_empty_or_too_long_and_keep_hostile_text() {
        assert_eq!(CustomerId::new("").unwrap_err().kind(), ErrorKind::InvalidName);
        assert!(CustomerId::new("x".repeat(NAME_BYTES_MAX + 1)).is_err());
        for hostile in ["o'; drop table", "\0", "\u{202e}abc", " "] {
            assert_eq!(CustomerId::new(hostile).unwrap().as_str(), hostile);
        }
    }

    /// Stored blocks are ordered by it: the values were computed by a program of its own from the definition.
    #[test]
    fn the_spread_is_the_same_for_ever() {
        assert_eq!(spread(&[]), 0xefd01f60ba992926);
        assert_eq!(CustomerKey::spread("", "c0000001"), 0x566d28fdb1af5062);
        assert_ne!(CustomerKey::spread("a", "b"), CustomerKey::spread("ab", ""));
    }

    #[test]
    fn tags_split_at_the_first_colon() {
        assert_eq!(Tag::parse("a:b:c").unwrap().id(), "b:c");
        for bad in ["", "a", ":a", "a:", ":"] {
            assert!(Tag::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Tag::new("a:b", "c").is_err());
    }

    #[test]
    fn natural_keys_do_not_run_into_each_other() {
        let of = |key: &[&str]| EventId::from_natural_key("s", "r", key);
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
        assert_eq!(of(&["a"]), of(&["a"]));
    }
}
