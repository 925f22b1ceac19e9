//! A filter made ready for many customers: fields by number, operands read once.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;

use super::filter::{FieldTest, Filter};
use super::operand::{Compared, Given};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Tree;
use crate::time::{Span, Timestamp};

#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Field(usize, Test),
}

#[derive(Debug)]
pub(super) enum Test {
    Exists,
    OneOf(Vec<Given>),
    Contains(Given),
    Ordered(Given, fn(Ordering) -> bool),
    /// Whether the age of an instant is more, or less, than a span.
    Age(Span, Ordering),
}

/// Why a value cannot be tested.
pub(super) struct Misfit {
    given: String,
    other_currency: bool,
}

/// What is asked about one customer.
pub(super) struct Asked<'a, 'f> {
    pub(super) as_of: Timestamp,
    /// The names of the fields.
    pub(super) names: &'f [String],
    /// The values of a field.
    pub(super) values: &'f dyn Fn(usize) -> Result<Vec<&'a Tree>>,
    /// The last instant at which the ages that were looked at compare as they do.
    pub(super) until: Cell<Timestamp>,
}

impl Condition {
    /// Takes a filter whose depth was checked; fields are numbered by the caller.
    pub(super) fn new(filter: &Filter, number: &mut dyn FnMut(&str) -> Result<usize>) -> Result<Self> {
        let mut all = |filters: &[Filter]| {
            filters.iter().map(|filter| Self::new(filter, number)).collect::<Result<Vec<_>>>()
        };
        Ok(match filter {
            Filter::All(filters) => Self::All(all(filters)?),
            Filter::Any(filters) => Self::Any(all(filters)?),
            Filter::Not(filter) => Self::Not(Box::new(Self::new(filter, number)?)),
            Filter::Field(filter) => {
                let test = Self::Field(number(&filter.field)?, Test::new(&filter.test));
                match filter.test {
                    FieldTest::IsNot(_) => Self::Not(Box::new(test)),
                    _ => test,
                }
            }
        })
    }

    /// Says whether it holds of a customer, whose fields are looked up as far as they decide.
    pub(super) fn holds(&self, asked: &Asked<'_, '_>) -> Result<bool> {
        let holds = |condition: &Self| condition.holds(asked);
        match self {
            Self::All(conditions) => decided(conditions.iter().map(holds), false),
            Self::Any(conditions) => decided(conditions.iter().map(holds), true),
            Self::Not(condition) => holds(condition).map(|holds| !holds),
            Self::Field(field, test) => {
                let of = |value: &&Tree| {
                    if let Some(until) = test.holds_until(value, asked.as_of) {
                        asked.until.set(asked.until.get().min(until));
                    }
                    test.holds(value, asked.as_of).map_err(|misfit| misfit.error(&asked.names[*field], value))
                };
                decided((asked.values)(*field)?.iter().map(of), true)
            }
        }
    }

    /// Checks every test against examples of the fields' values; money may be of any currency.
    pub(super) fn check(&self, names: &[String], examples: &[Vec<&Tree>]) -> Result<()> {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                conditions.iter().try_for_each(|condition| condition.check(names, examples))
            }
            Self::Not(condition) => condition.check(names, examples),
            Self::Field(field, test) => {
                examples[*field].iter().try_for_each(|example| match test.holds(example, Timestamp::MIN) {
                    Err(misfit) if !misfit.other_currency => Err(misfit.error(&names[*field], example)),
                    _ => Ok(()),
                })
            }
        }
    }
}

/// The first answer that decides, else the opposite.
fn decided(answers: impl IntoIterator<Item = Result<bool>>, deciding: bool) -> Result<bool> {
    for answer in answers {
        if answer? == deciding {
            return Ok(deciding);
        }
    }
    Ok(!deciding)
}

impl Test {
    fn new(test: &FieldTest) -> Self {
        match test {
            FieldTest::Exists => Self::Exists,
            FieldTest::Is(given) | FieldTest::IsNot(given) => Self::OneOf(vec![Given::new(given)]),
            FieldTest::OneOf(given) => Self::OneOf(given.iter().map(Given::new).collect()),
            FieldTest::Contains(given) => Self::Contains(Given::new(given)),
            FieldTest::Less(given) => Self::Ordered(Given::new(given), Ordering::is_lt),
            FieldTest::AtMost(given) => Self::Ordered(Given::new(given), Ordering::is_le),
            FieldTest::More(given) => Self::Ordered(Given::new(given), Ordering::is_gt),
            FieldTest::AtLeast(given) => Self::Ordered(Given::new(given), Ordering::is_ge),
            FieldTest::OlderThan(span) => Self::Age(*span, Ordering::Greater),
            FieldTest::NewerThan(span) => Self::Age(*span, Ordering::Less),
        }
    }

    fn holds(&self, value: &Tree, as_of: Timestamp) -> std::result::Result<bool, Misfit> {
        match self {
            Self::Exists => Ok(true),
            Self::OneOf(given) => {
                for given in given {
                    if is(value, given)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Contains(given) => match (value, given.text()) {
                (Tree::List(list), _) => {
                    for element in list.iter().filter(|element| **element != Tree::Null) {
                        if is(element, given)? {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                }
                (Tree::Text(text) | Tree::Name(text), Some(part)) => Ok(text.contains(part)),
                _ => Err(Misfit::of(given.operand())),
            },
            Self::Ordered(given, holds) => match given.compare(value) {
                Compared::As(ordering) => Ok(holds(ordering)),
                other => {
                    let other_currency = other == Compared::OtherCurrency;
                    Err(Misfit { other_currency, ..Misfit::of(given.operand()) })
                }
            },
            Self::Age(span, is) => match value.instant() {
                Some(instant) => Ok(as_of.since(instant).cmp(span) == *is),
                None => Err(Misfit::of(format_args!("an age of {span}"))),
            },
        }
    }

    /// The last instant at which the answer about an age stays as it is; `None` if the answer is not about an age or
    /// stays for ever.
    fn holds_until(&self, value: &Tree, as_of: Timestamp) -> Option<Timestamp> {
        let Self::Age(span, is) = self else { return None };
        let instant = value.instant()?;
        let age = as_of.since(instant).cmp(span);
        // At the age of the span itself an instant is neither older nor newer.
        let last_age = match is {
            Ordering::Less => age.is_lt().then(|| *span + Span::from_micros(-1)),
            _ => age.is_le().then_some(*span),
        }?;
        (Timestamp::MAX.since(instant) > last_age).then(|| instant + last_age)
    }
}

fn is(value: &Tree, given: &Given) -> std::result::Result<bool, Misfit> {
    match given.compare(value) {
        Compared::As(ordering) => Ok(ordering.is_eq()),
        Compared::OtherCurrency => Ok(false),
        Compared::Not => Err(Misfit::of(given.operand())),
    }
}

impl Misfit {
    fn of(given: impl fmt::Display) -> Self {
        Self { given: given.to_string(), other_currency: false }
    }

    fn error(&self, field: &str, value: &Tree) -> Error {
        let advice = match value {
            _ if self.other_currency => "; name the element of one currency",
            Tree::Integer(_) | Tree::Decimal(_) => "; write a whole number, or a decimal one as a text",
            Tree::Instant(_) => "; write RFC 3339 or a date",
            Tree::List(_) => "; name an element, or write [*] behind it for any",
            money if money.money_texts().is_some() => "; write amount and currency, such as \"9.5 EUR\"",
            Tree::Record(_) | Tree::Map(_) => "; name a field of it",
            _ => "",
        };
        let other = if self.other_currency { " of another currency" } else { "" };
        let (what, given) = (value.what(), &self.given);
        let message =
            format_args!("field {field:?} holds {what}{other}, which does not compare with {given}{advice}");
        Error::new(ErrorKind::InvalidSelection, message)
    }
}
