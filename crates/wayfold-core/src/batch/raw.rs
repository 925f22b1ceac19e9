//! A batch as plain columns by name, for those who store it as bytes.
//!
//! The names are stored and read for ever: a column gets a new name if its meaning changes. A column whose values
//! are all absent, or zero where every row has one, is left out.

mod cut;
mod export;
mod import;
mod packed;

use std::borrow::Cow;

pub(super) use self::import::later as later_columns;
pub use self::packed::{RawOffsets, RawPacked};

/// Which columns are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnGroup {
    /// What the fold reads of every event, and the fields of kinds that hold no texts, which projections read most.
    Fold,
    /// Id, position and recording time.
    Identity,
    /// Everything else.
    Rest,
}

impl ColumnGroup {
    /// The groups in the order in which they are written.
    pub const ALL: [Self; 3] = [Self::Fold, Self::Identity, Self::Rest];
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawValues<'a> {
    /// Whole numbers: also booleans as 0 and 1, instants in microseconds since 1970, amounts in ten-thousandths,
    /// and currencies as the big-endian number of their three letters.
    Integers(Cow<'a, [i64]>),
    /// Ids and positions.
    Wide(Cow<'a, [u128]>),
    /// Whole numbers as well, as they are stored.
    Packed(RawPacked<'a>),
    /// Numbers of texts.
    Texts(Cow<'a, [u32]>),
}

impl<'a> RawValues<'a> {
    /// The same values, none of them packed.
    pub fn unpacked(self) -> Self {
        match self {
            Self::Packed(packed) => Self::Integers(Cow::Owned(packed.to_vec())),
            values => values,
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Packed(values) => values.len(),
            Self::Wide(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    /// Says whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A column by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawColumn<'a> {
    /// With which columns it is read.
    pub group: ColumnGroup,
    /// The name.
    pub name: Cow<'a, str>,
    /// The rows that have a value, growing; `None` where every row has one.
    pub rows: Option<Cow<'a, [u32]>>,
    /// A value for each of these rows.
    pub values: RawValues<'a>,
}

/// The texts of a batch, each once, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawTexts<'a> {
    /// All texts one behind the other.
    pub bytes: Cow<'a, str>,
    /// Where each text ends.
    pub ends: Cow<'a, [u32]>,
}

impl RawTexts<'_> {
    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Says whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text with a number.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.bytes[start..self.ends[number] as usize]
    }
}

/// A batch as plain columns by name.
///
/// [`EventBatch::to_raw`](crate::EventBatch::to_raw) and [`EventBatch::from_raw`](crate::EventBatch::from_raw)
/// are each other's reverse; a raw batch from anywhere else is checked before it becomes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBatch<'a> {
    /// How many events there are.
    pub rows: usize,
    /// The texts that columns name by number.
    pub texts: RawTexts<'a>,
    /// The columns, those of a group together.
    pub columns: Vec<RawColumn<'a>>,
}

/// Says whether a column is a field of a kind that holds no texts: it stands in the group fold, and is read when somebody
/// looks.
pub fn is_numeric_field(name: &str) -> bool {
    let field = name.strip_prefix("fields.");
    field.is_some_and(|field| !field.starts_with("text.") && !field.starts_with("json."))
}

/// Says whether a column is a label of events: channel, team, person, or a field of a kind that holds a text. It stands in the
/// group rest, and is read apart when somebody looks.
pub fn is_label(name: &str) -> bool {
    let field = name.strip_prefix("fields.");
    matches!(name, names::CHANNEL | names::TEAM | names::PERSON)
        || field.is_some_and(|field| field.starts_with("text."))
}

/// How many rows columns of fixed names have; `customers`, `kinds`, `tags` and `lines` are tables of their own.
mod names {
    pub(super) const KIND_NAMES: &str = "kinds.name";
    pub(super) const KIND_VERSIONS: &str = "kinds.version";
    pub(super) const KIND: &str = "kind";
    pub(super) const TENANTS: &str = "customers.tenant";
    pub(super) const CUSTOMERS: &str = "customers.customer";
    pub(super) const CUSTOMER: &str = "customer";
    pub(super) const OCCURRED_AT: &str = "occurred_at";
    pub(super) const SEQUENCE: &str = "sequence";
    pub(super) const STAGE: &str = "stage";
    pub(super) const JOURNEY: &str = "journey";
    pub(super) const ORDER: &str = "order";
    pub(super) const AMOUNT: &str = "amount";
    pub(super) const AMOUNT_CURRENCY: &str = "amount.currency";
    pub(super) const PROMISED_AT: &str = "promised_at";
    pub(super) const LINE_COUNT: &str = "lines.count";
    pub(super) const LINE_MARGIN: &str = "lines.margin";
    pub(super) const ID: &str = "id";
    pub(super) const POSITION: &str = "position";
    pub(super) const RECORDED_AT: &str = "recorded_at";
    pub(super) const OFFSET_MINUTES: &str = "offset_minutes";
    pub(super) const RECEIVED_AT: &str = "received_at";
    pub(super) const CHANNEL: &str = "channel";
    pub(super) const TAG_COUNT: &str = "tags.count";
    pub(super) const TAGS: &str = "tags";
    pub(super) const LINE_PRODUCT: &str = "lines.product";
    pub(super) const LINE_QUANTITY: &str = "lines.quantity";
    pub(super) const LINE_LIST: &str = "lines.list";
    pub(super) const LINE_PAID: &str = "lines.paid";
    pub(super) const LINE_COST: &str = "lines.cost";
    pub(super) const SOURCE: &str = "source";
    pub(super) const TEAM: &str = "actor.team";
    pub(super) const PERSON: &str = "actor.person";
    pub(super) const CORRELATION: &str = "correlation";
    pub(super) const CAUSATION: &str = "causation";
    /// Before the type and name of a field of a kind, and of a user's attribute.
    pub(super) const FIELDS: &str = "fields";
    pub(super) const ATTRIBUTES: &str = "attributes";
}
