//! Which customers are selected: comparisons of fields, joined by and, or, not.

use super::operand::Operand;
use crate::error::{Error, ErrorKind, Result};
use crate::time::Span;

/// How many filters may stand inside each other.
pub const FILTER_DEPTH_MAX: usize = 32;
/// How many filters and operands one filter may hold.
pub const FILTER_NODES_MAX: usize = 1_024;

/// Says of each customer whether it is selected.
///
/// As configuration, a filter is one object: `all` and `any` with a list of filters, `not` with a filter, or
/// `field` with one test or several, all of which must hold. At most [`FILTER_DEPTH_MAX`] filters may stand inside
/// each other, and [`FILTER_NODES_MAX`] filters and operands in one; beyond, it is refused where it is read and where
/// it is asked.
///
/// # Fields
/// A field is named as in [`Change::field`](crate::Change::field): by the projection and the way into its view,
/// such as `lifecycle.stage`, `value.currencies[EUR].net`, `journey.journeys[j1].outcome`, or `loyalty@2.points`
/// of a projection of one's own. `[*]` stands for any element of a list. Of the view itself there are
/// `key.customer`, `events`, `unknown_events`, `first_seen_at`, `last_seen_at` and `holds_until`. `in list NAME` is true of
/// who stands on a [`CustomerList`](crate::CustomerList) as of the instant, and false of the others.
///
/// - Null, and the absent member of a map or element of a list, is no value: no test but `is_not` holds of it.
/// - A field that a record does not have is an error. So is one behind an absent element of a built-in view; in a
///   view of one's own it is found with the first customer that has the element.
/// - With `[*]` a test holds if it does for any value, and `is_not` if no value is the given one.
///
/// # Comparisons
/// Numbers and money are compared exactly, instants as instants, texts by their bytes, as [`Operand`] says; money
/// of two currencies is not equal. `older_than` and `newer_than` compare the age of an instant, which runs up to the
/// instant that is asked about, with a span such as `30 days`. Whatever else cannot be compared is an error. `all` and `any` stop at the first
/// filter that decides.
///
/// ```
/// use wayfold_core::{Filter, LifecycleStage};
///
/// let lost = Filter::field("lifecycle.stage").is(LifecycleStage::Churned);
/// let filter = lost.and(Filter::field("value.currencies[EUR].net").at_least("9.5 EUR"));
///
/// let configured: Filter = serde_json::from_str(r#"{"all": [
///     {"field": "lifecycle.stage", "is": "churned"},
///     {"field": "value.currencies[EUR].net", "at_least": "9.5 EUR"}
/// ]}"#).unwrap();
/// assert_eq!(configured, filter);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Each of them; of none, every customer.
    All(Vec<Filter>),
    /// At least one of them; of none, no customer.
    Any(Vec<Filter>),
    /// Not this one.
    Not(Box<Filter>),
    /// A test of a field.
    Field(FieldFilter),
}

/// A test of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFilter {
    /// The field; see [`Filter`].
    pub field: String,
    /// What must hold of it.
    pub test: FieldTest,
}

/// What must hold of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldTest {
    /// It is the given value.
    Is(Operand),
    /// It is not the given value, or there is none: the opposite of `Is`.
    IsNot(Operand),
    /// It is less, earlier, or before it by bytes.
    Less(Operand),
    /// It is the given value or less.
    AtMost(Operand),
    /// It is more, later, or behind it by bytes.
    More(Operand),
    /// It is the given value or more.
    AtLeast(Operand),
    /// It is one of the given values.
    OneOf(Vec<Operand>),
    /// There is a value.
    Exists,
    /// It is a text with the given text in it, or a list with the given value in it.
    Contains(Operand),
    /// It is an instant that lies further back than the span.
    OlderThan(Span),
    /// It is an instant that lies less far back than the span, or ahead.
    NewerThan(Span),
}

impl FieldTest {
    pub(super) fn operands(&self) -> &[Operand] {
        match self {
            Self::Is(given)
            | Self::IsNot(given)
            | Self::Less(given)
            | Self::AtMost(given)
            | Self::More(given)
            | Self::AtLeast(given)
            | Self::Contains(given) => std::slice::from_ref(given),
            Self::OneOf(given) => given,
            Self::Exists | Self::OlderThan(_) | Self::NewerThan(_) => &[],
        }
    }
}

impl Default for Filter {
    /// Selects every customer.
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Filter {
    /// Names the field that the next call tests.
    pub fn field(name: impl Into<String>) -> FilteredField {
        FilteredField(name.into())
    }

    /// Selects whom both select.
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut filters) => {
                filters.push(other);
                Self::All(filters)
            }
            one => Self::All(vec![one, other]),
        }
    }

    /// Selects whom one of the two selects.
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Any(mut filters) => {
                filters.push(other);
                Self::Any(filters)
            }
            one => Self::Any(vec![one, other]),
        }
    }

    /// Checks that it is neither too deep nor too large, without going deeper than that.
    ///
    /// # Errors
    /// `LimitExceeded`, with the limit.
    pub fn check_limits(&self) -> Result<()> {
        let mut level: Vec<&Self> = vec![self];
        let (mut depth, mut nodes) = (0, 0);
        while !level.is_empty() {
            let operands = |filter: &&Self| match filter {
                Self::Field(field) => field.test.operands().len(),
                _ => 0,
            };
            depth += 1;
            nodes += level.len() + level.iter().map(operands).sum::<usize>();
            if let Some(message) = limit_exceeded(depth, nodes) {
                return Err(Error::new(ErrorKind::LimitExceeded, message));
            }
            level = level.into_iter().flat_map(Self::parts).collect();
        }
        Ok(())
    }

    fn parts(&self) -> &[Self] {
        match self {
            Self::All(filters) | Self::Any(filters) => filters,
            Self::Not(filter) => std::slice::from_ref(filter),
            Self::Field(_) => &[],
        }
    }
}

/// Says what is too deep or too large.
pub(super) fn limit_exceeded(depth: usize, nodes: usize) -> Option<String> {
    if depth > FILTER_DEPTH_MAX {
        return Some(format!("more than {FILTER_DEPTH_MAX} filters stand inside each other"));
    }
    (nodes > FILTER_NODES_MAX)
        .then(|| format!("a filter holds more than {FILTER_NODES_MAX} filters and operands"))
}

impl std::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// A field that is about to be tested; made by [`Filter::field`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "name the test, such as `is`"]
pub struct FilteredField(String);

macro_rules! tests {
    ($($(#[$doc:meta])* $name:ident $test:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(self, given: impl Into<Operand>) -> Filter {
            self.test(FieldTest::$test(given.into()))
        }
    )*};
}

impl FilteredField {
    tests! {
        /// The field is the given value.
        is Is;
        /// The field is not the given value, or has none.
        is_not IsNot;
        /// The field is less than the given value.
        less Less;
        /// The field is the given value or less.
        at_most AtMost;
        /// The field is more than the given value.
        more More;
        /// The field is the given value or more.
        at_least AtLeast;
        /// The field is a text or list with the given value in it.
        contains Contains;
    }

    /// The field is one of the given values.
    pub fn one_of<T: Into<Operand>>(self, given: impl IntoIterator<Item = T>) -> Filter {
        self.test(FieldTest::OneOf(given.into_iter().map(Into::into).collect()))
    }

    /// The field is an instant further back than the span, seen from the instant that is asked about.
    ///
    /// What lies back by exactly the span is neither older nor newer.
    ///
    /// ```
    /// use wayfold_core::{Filter, Span};
    ///
    /// let filter = Filter::field("lifecycle.last_purchase_at").older_than(Span::from_days(30));
    /// let json = r#"{"field": "lifecycle.last_purchase_at", "older_than": "30 days"}"#;
    /// assert_eq!(serde_json::from_str::<Filter>(json).unwrap(), filter);
    /// ```
    pub fn older_than(self, span: Span) -> Filter {
        self.test(FieldTest::OlderThan(span))
    }

    /// The field is an instant less far back than the span, seen from the instant that is asked about, or ahead of it.
    pub fn newer_than(self, span: Span) -> Filter {
        self.test(FieldTest::NewerThan(span))
    }

    /// The field has a value.
    pub fn exists(self) -> Filter {
        self.test(FieldTest::Exists)
    }

    fn test(self, test: FieldTest) -> Filter {
        Filter::Field(FieldFilter { field: self.0, test })
    }
}
