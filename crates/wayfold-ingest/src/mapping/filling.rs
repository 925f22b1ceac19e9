//! Typed values of a row: what fills the fields of a kind and the attributes of an event.

use uuid::Uuid;
use wayfold_core::{AttributeValue, Currency, EventId, OrderLine};

use super::cell::{Across, Columns, Text};
use super::clock::{Clock, OTHER, Time, TimeCache};
use super::number::{Money, MoneyDefaults, MoneySource, Number};
use super::section::Item;
use crate::error::{Problem, Result};
use crate::kinds::{FieldType, FieldValue};
use crate::row::{Fault, Row};

/// What the parts of a mapping have in common while it is read.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) columns: Columns,
    pub(super) clock: Clock,
    pub(super) money: MoneyDefaults,
    /// How many times need a cache.
    pub(super) caches: usize,
    /// How many amounts the rule at hand adds up over a group.
    pub(super) sums: usize,
    pub(super) source: String,
}

/// What evaluation remembers from row to row.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) times: Vec<TimeCache>,
    pub(crate) currency: Option<Currency>,
}

/// What the rows of an event have gathered: one row, or those of a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    pub(crate) lines: Vec<OrderLine>,
    /// Quantity times paid price over the lines, in ten-thousandths.
    pub(crate) lines_total: i128,
    /// The amounts that are added up, in ten-thousandths.
    pub(crate) sums: Vec<i128>,
}

/// A typed value of each row.
#[derive(Debug, Clone)]
pub(crate) enum Filling {
    Text(Text),
    Integer(Text),
    Boolean(Text),
    Decimal(Number),
    Time(Time),
    Money(Box<Money>),
    Id(Text),
    /// The id of the event that another rule makes of the key.
    Natural {
        source: String,
        rule: String,
        key: Vec<Text>,
    },
}

impl Filling {
    pub(super) fn parse(item: Item<'_>, field_type: FieldType, shared: &mut Shared) -> Result<Self> {
        let columns = &mut shared.columns;
        match field_type {
            FieldType::Text | FieldType::Word => {
                Text::parse_or_event_id(item, columns, OTHER).map(Self::Text)
            }
            FieldType::Integer => Text::parse(item, columns).map(Self::Integer),
            FieldType::Boolean => Text::parse(item, columns).map(Self::Boolean),
            FieldType::Decimal => Number::parse(item, columns, &shared.money).map(Self::Decimal),
            FieldType::Time => {
                Time::parse(item, columns, &shared.clock, OTHER, &mut shared.caches).map(Self::Time)
            }
            FieldType::Money => {
                let money = Money::parse(item, columns, &shared.money, &mut shared.sums)?;
                Ok(Self::Money(Box::new(money)))
            }
            FieldType::Id => Self::parse_id(item, shared),
            FieldType::Lines => {
                Err(item.error_at("lines are not a field; write them as \"lines\" of the event"))
            }
        }
    }

    /// An attribute, whose type the mapping names; a text unless it does.
    pub(super) fn parse_attribute(mut item: Item<'_>, shared: &mut Shared) -> Result<Self> {
        let Some(type_item) = item.take_key("type") else {
            return Self::parse(item, FieldType::Text, shared);
        };
        let wrong = type_item.error_at(format_args!(
            "{} must be text, integer, decimal, boolean, time or money",
            type_item.title
        ));
        let field_type = match type_item.into_text()?.as_str() {
            "text" => FieldType::Text,
            "integer" => FieldType::Integer,
            "decimal" => FieldType::Decimal,
            "boolean" => FieldType::Boolean,
            "time" => FieldType::Time,
            "money" => FieldType::Money,
            _ => return Err(wrong),
        };
        Self::parse(item, field_type, shared)
    }

    fn parse_id(mut item: Item<'_>, shared: &mut Shared) -> Result<Self> {
        let Some(rule) = item.take_key("rule") else {
            return Text::parse(item, &mut shared.columns).map(Self::Id);
        };
        let mut section = item.into_section_of_value()?;
        section.allow(&[&["rule", "key"]])?;
        let key = section.require("key")?.into_array()?;
        let key =
            key.into_iter().map(|item| Text::parse(item, &mut shared.columns)).collect::<Result<_>>()?;
        Ok(Self::Natural { source: shared.source.clone(), rule: rule.into_text()?, key })
    }

    /// The texts on which rows of a group must agree.
    pub(super) fn must_agree(&self) -> Vec<&Text> {
        match self {
            Self::Text(text) | Self::Integer(text) | Self::Boolean(text) | Self::Id(text) => vec![text],
            Self::Decimal(number) => number.factors.iter().collect(),
            Self::Time(time) => time.must_agree().into_iter().collect(),
            Self::Money(money) => money.must_agree().collect(),
            Self::Natural { key, .. } => key.iter().collect(),
        }
    }

    /// The text that names the currency of an amount.
    pub(crate) fn currency(&self) -> Option<&Text> {
        match self {
            Self::Money(money) => money.currency_text(),
            _ => None,
        }
    }

    pub(super) fn is_event_id(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_event_id())
    }

    /// The amount that the rows of a group add up.
    pub(crate) fn summed(&self) -> Option<&Money> {
        match self {
            Self::Money(money) if money.across == Across::Sum => Some(money),
            _ => None,
        }
    }

    /// The text of the first cell, for messages.
    pub(crate) fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) | Self::Integer(text) | Self::Boolean(text) | Self::Id(text) => Some(text),
            Self::Decimal(number) => number.factors.first(),
            Self::Time(time) => Some(&time.text),
            Self::Money(money) => match &money.source {
                MoneySource::Number(number) => number.factors.first(),
                MoneySource::Lines { .. } => None,
            },
            Self::Natural { key, .. } => key.first(),
        }
    }

    /// The value of a row; absent where the cell is empty.
    pub(crate) fn get(
        &self,
        row: &Row<'_>,
        gathered: &Gathered,
        memory: &mut Memory,
    ) -> std::result::Result<FieldValue, Fault> {
        let value = match self {
            Self::Text(text) => present(text.get(row)).map(|text| FieldValue::Text(text.to_owned())),
            Self::Integer(text) => integer(text, row)?.map(FieldValue::Integer),
            Self::Boolean(text) => boolean(text, row)?.map(FieldValue::Boolean),
            Self::Decimal(number) => number.amount(row)?.map(FieldValue::Decimal),
            Self::Time(time) => {
                time.get(row, &mut memory.times)?.map(|time| FieldValue::Time(time.instant()))
            }
            Self::Money(money) => money.get(row, gathered, &mut memory.currency)?.map(FieldValue::Money),
            Self::Id(text) => event_id(text, row)?.map(FieldValue::Id),
            Self::Natural { source, rule, key } => {
                let parts = key
                    .iter()
                    .map(|text| text.required(row, "key"))
                    .collect::<std::result::Result<Vec<_>, _>>()?;
                Some(FieldValue::Id(EventId::from_natural_key(source, rule, &parts)))
            }
        };
        Ok(value.unwrap_or_default())
    }

    pub(crate) fn attribute(
        &self,
        row: &Row<'_>,
        gathered: &Gathered,
        memory: &mut Memory,
    ) -> std::result::Result<Option<AttributeValue>, Fault> {
        Ok(match self.get(row, gathered, memory)? {
            FieldValue::Text(text) => Some(AttributeValue::Text(text)),
            FieldValue::Integer(number) => Some(AttributeValue::Integer(number)),
            FieldValue::Boolean(value) => Some(AttributeValue::Boolean(value)),
            FieldValue::Decimal(amount) => Some(AttributeValue::Decimal(amount)),
            FieldValue::Time(instant) => Some(AttributeValue::Time(instant)),
            FieldValue::Money(money) => Some(AttributeValue::Money(money)),
            FieldValue::Absent | FieldValue::Id(_) | FieldValue::Lines(_) => None,
        })
    }
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A whole number, also one that a program wrote as `3.0`.
pub(crate) fn integer(text: &Text, row: &Row<'_>) -> std::result::Result<Option<i64>, Fault> {
    let Some(cell) = present(text.get(row)) else { return Ok(None) };
    let number = cell.parse().ok().or_else(|| crate::decimal::Decimal::parse(cell).ok()?.to_integer());
    number.map(Some).ok_or_else(|| {
        Fault::cell(
            Problem::Number,
            text.column_id(),
            cell,
            "is no whole number within 64 bits; write digits alone",
        )
    })
}

fn boolean(text: &Text, row: &Row<'_>) -> std::result::Result<Option<bool>, Fault> {
    let Some(cell) = present(text.get(row)) else { return Ok(None) };
    let is = |words: &[&str]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    match (is(&["true", "yes", "1"]), is(&["false", "no", "0"])) {
        (true, _) => Ok(Some(true)),
        (_, true) => Ok(Some(false)),
        _ => {
            let reason = "is neither true, yes, 1 nor false, no, 0; translate it with \"map\"";
            Err(Fault::cell(Problem::Number, text.column_id(), cell, reason))
        }
    }
}

fn event_id(text: &Text, row: &Row<'_>) -> std::result::Result<Option<EventId>, Fault> {
    let Some(cell) = present(text.get(row)) else { return Ok(None) };
    match Uuid::parse_str(cell) {
        Ok(id) => Ok(Some(EventId(id))),
        Err(_) => Err(Fault::cell(Problem::Word, text.column_id(), cell, "is no event id; write a UUID")),
    }
}
