//! Numbers and money of a row: one column, or the exact product of several.

use wayfold_core::{Amount, Currency, Money as CoreMoney, Rounding};

use super::cell::{Across, CELL_KEYS, Columns, Text};
use super::filling::Gathered;
use super::section::{Item, LinePlace, Section};
use crate::decimal::{Decimal, Unfit};
use crate::error::{Problem, Result, shown};
use crate::row::{ColumnId, Fault, Row};

/// A decimal number of each row.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    /// What is multiplied; one column alone is a product as well.
    pub(crate) factors: Vec<Text>,
    rounding: Option<Rounding>,
    is_negated: bool,
    marks: Marks,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    decimal: char,
    thousands: Option<char>,
}

impl Default for Marks {
    fn default() -> Self {
        Self { decimal: '.', thousands: None }
    }
}

/// What holds for every amount of a mapping unless the amount says otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct MoneyDefaults {
    currency: Option<NamedCurrency>,
    rounding: Option<Rounding>,
    marks: Marks,
}

/// A currency and the line of the mapping that names it.
#[derive(Debug, Clone)]
struct NamedCurrency {
    source: CurrencySource,
    line: u64,
}

/// An amount of money of each row.
#[derive(Debug, Clone)]
pub(crate) struct Money {
    pub(crate) source: MoneySource,
    pub(crate) currency: CurrencySource,
    pub(crate) across: Across,
    /// Which of the sums of a group is its own.
    pub(crate) sum: usize,
}

/// What an amount is made of.
#[derive(Debug, Clone)]
pub(crate) enum MoneySource {
    Number(Number),
    /// The sum of quantity times paid price over the lines.
    Lines {
        is_negated: bool,
    },
}

/// Where the currency comes from.
#[derive(Debug, Clone)]
pub(crate) enum CurrencySource {
    Fixed(Currency),
    Text(Text),
}

const NUMBER_KEYS: &[&str] = &["product", "rounding", "negate", "decimal_mark", "thousands_mark"];
const LINES: &str = "@lines";

impl MoneyDefaults {
    pub(super) fn parse(item: Option<Item<'_>>, columns: &mut Columns) -> Result<Self> {
        let Some(item) = item else { return Ok(Self::default()) };
        let mut section = item.into_section("[money]")?;
        section.allow(&[&["currency", "rounding", "decimal_mark", "thousands_mark"]])?;
        let currency =
            section.take("currency").map(|item| NamedCurrency::parse(item, columns)).transpose()?;
        let marks = Marks::default().with(&mut section)?;
        Ok(Self { currency, rounding: rounding(&mut section)?, marks })
    }
}

impl Number {
    pub(super) fn parse(item: Item<'_>, columns: &mut Columns, defaults: &MoneyDefaults) -> Result<Self> {
        if item.is_text() {
            let text = Text::parse(item, columns)?;
            return Ok(Self::of(text, defaults));
        }
        let mut section = item.into_section_of_value()?;
        section.allow(&[CELL_KEYS, NUMBER_KEYS, &["across"]])?;
        Self::from_section(&mut section, columns, defaults)
    }

    fn of(text: Text, defaults: &MoneyDefaults) -> Self {
        Self { factors: vec![text], rounding: defaults.rounding, is_negated: false, marks: defaults.marks }
    }

    fn from_section(
        section: &mut Section<'_>,
        columns: &mut Columns,
        defaults: &MoneyDefaults,
    ) -> Result<Self> {
        let factors = match section.take("product") {
            None => vec![Text::from_section(section, columns, &[Across::Same, Across::First])?],
            Some(item) => {
                let factors = item.into_array()?;
                factors.into_iter().map(|item| Text::parse(item, columns)).collect::<Result<Vec<_>>>()?
            }
        };
        if factors.is_empty() {
            return Err(section.error(format_args!("the product of {} has no factors", section.title)));
        }
        Ok(Self {
            factors,
            rounding: rounding(section)?.or(defaults.rounding),
            is_negated: section.boolean("negate")?.unwrap_or_default(),
            marks: defaults.marks.with(section)?,
        })
    }

    /// The amount of a row; `None` where the cell is empty.
    pub(crate) fn amount(&self, row: &Row<'_>) -> std::result::Result<Option<Amount>, Fault> {
        let Some(number) = self.decimal(row)? else { return Ok(None) };
        match number.to_amount(self.rounding) {
            Ok(amount) => Ok(Some(amount)),
            Err(unfit) => Err(self.unfit(unfit, row)),
        }
    }

    fn decimal(&self, row: &Row<'_>) -> std::result::Result<Option<Decimal>, Fault> {
        let mut product = Decimal::ONE;
        for factor in &self.factors {
            let text = factor.get(row);
            if text.is_empty() && self.factors.len() == 1 {
                return Ok(None);
            }
            if text.is_empty() {
                return Err(factor.missing("factor of a product"));
            }
            let number = self
                .marks
                .parse(text)
                .map_err(|unfit| self.marks.bad_number(unfit, factor.column_id(), text))?;
            product = product.times(number).map_err(|unfit| self.unfit(unfit, row))?;
        }
        Ok(Some(if self.is_negated { product.negated() } else { product }))
    }

    /// What is wrong with a product, or with the only factor.
    fn unfit(&self, unfit: Unfit, row: &Row<'_>) -> Fault {
        let first = &self.factors[0];
        if self.factors.len() == 1 {
            return self.marks.bad_number(unfit, first.column_id(), first.get(row));
        }
        let factors = self.factors.iter().map(|factor| factor.get(row)).collect::<Vec<_>>().join(" x ");
        let mut fault = self.marks.bad_number(unfit, first.column_id(), &factors);
        fault.reason = format!("the product {} {}", shown(&factors), self.marks.reason(unfit));
        fault
    }
}

impl Money {
    /// Reads the name of a column, `"@lines"`, or a table; `sums` counts the amounts that groups add up.
    pub(super) fn parse(
        item: Item<'_>,
        columns: &mut Columns,
        defaults: &MoneyDefaults,
        sums: &mut usize,
    ) -> Result<Self> {
        let place = item.place();
        let title = item.title.clone();
        let needs_currency = item.error_at(format_args!(
            "{} needs a currency; name it there, or for all amounts in [money]",
            item.title
        ));
        let default_currency = || defaults.currency.clone().ok_or(needs_currency);
        if item.is_text() {
            let is_lines = item.as_text() == Some(LINES);
            let source = match is_lines {
                true => MoneySource::Lines { is_negated: false },
                false => MoneySource::Number(Number::of(Text::parse(item, columns)?, defaults)),
            };
            let currency = default_currency()?;
            let currency = if is_lines { currency.of_sum(place, &title)? } else { currency.source };
            return Ok(Self { source, currency, across: Across::Same, sum: 0 });
        }
        let mut section = item.into_section_of_value()?;
        section.allow(&[CELL_KEYS, NUMBER_KEYS, &["across", "currency", "lines"]])?;
        let currency = match section.take("currency") {
            Some(item) => NamedCurrency::parse(item, columns)?,
            None => default_currency()?,
        };
        if section.boolean("lines")? == Some(true) {
            section.allow(&[&["negate"]])?;
            let is_negated = section.boolean("negate")?.unwrap_or_default();
            return Ok(Self {
                source: MoneySource::Lines { is_negated },
                currency: currency.of_sum(place, &title)?,
                across: Across::Same,
                sum: 0,
            });
        }
        let across = Across::take(&mut section, &[Across::Same, Across::First, Across::Sum])?;
        let across = across.unwrap_or(Across::Same);
        let source = MoneySource::Number(Number::from_section(&mut section, columns, defaults)?);
        let currency = match across {
            Across::Sum => {
                *sums += 1;
                currency.of_sum(place, &title)?
            }
            _ => currency.source,
        };
        Ok(Self { source, currency, across, sum: sums.saturating_sub(1) })
    }

    /// The texts on which rows of a group must agree.
    pub(super) fn must_agree(&self) -> impl Iterator<Item = &Text> {
        let factors = match &self.source {
            MoneySource::Number(number) if self.across == Across::Same => number.factors.as_slice(),
            _ => &[],
        };
        factors.iter().chain(self.currency_text())
    }

    /// The text that names the currency.
    pub(super) fn currency_text(&self) -> Option<&Text> {
        match &self.currency {
            CurrencySource::Text(text) => Some(text),
            CurrencySource::Fixed(_) => None,
        }
    }

    /// The money of a row or group; `None` where the cell is empty.
    pub(crate) fn get(
        &self,
        row: &Row<'_>,
        gathered: &Gathered,
        cache: &mut Option<Currency>,
    ) -> std::result::Result<Option<CoreMoney>, Fault> {
        let amount = match &self.source {
            MoneySource::Lines { is_negated: false } => total(gathered.lines_total)?,
            MoneySource::Lines { is_negated: true } => total(-gathered.lines_total)?,
            MoneySource::Number(_) if self.across == Across::Sum => total(gathered.sums[self.sum])?,
            MoneySource::Number(number) => match number.amount(row)? {
                Some(amount) => amount,
                None => return Ok(None),
            },
        };
        Ok(Some(CoreMoney::new(amount, self.currency.get(row, cache)?)))
    }

    /// What a row adds to the sum of its group, in ten-thousandths.
    pub(crate) fn addend(&self, row: &Row<'_>) -> std::result::Result<i128, Fault> {
        let MoneySource::Number(number) = &self.source else { return Ok(0) };
        let amount = number.amount(row)?.ok_or_else(|| number.factors[0].missing("amount"))?;
        Ok(i128::from(amount.as_ten_thousandths()))
    }
}

fn total(ten_thousandths: i128) -> std::result::Result<Amount, Fault> {
    let number = i64::try_from(ten_thousandths);
    number.map(Amount::from_ten_thousandths).map_err(|_| {
        Fault::new(Problem::Money, "the amounts of the rows add up beyond the range of about 922 trillion")
    })
}

impl NamedCurrency {
    fn parse(item: Item<'_>, columns: &mut Columns) -> Result<Self> {
        let line = item.line;
        Ok(Self { source: CurrencySource::parse(item, columns)?, line })
    }

    /// The currency of a sum over rows: they must agree on it, or amounts of several currencies were added up.
    fn of_sum(self, place: LinePlace<'_>, title: &str) -> Result<CurrencySource> {
        match &self.source {
            CurrencySource::Text(text) if text.across != Across::Same => {
                Err(place.at_line(self.line).error(format_args!(
                    "{title} adds up the amounts of several rows, so they must agree on the currency; leave \
                     \"across\" of the currency out, or put its column into \"by\""
                )))
            }
            _ => Ok(self.source),
        }
    }
}

impl CurrencySource {
    fn parse(item: Item<'_>, columns: &mut Columns) -> Result<Self> {
        if !item.is_text() {
            return Text::parse(item, columns).map(Self::Text);
        }
        let code = item.as_text().unwrap_or_default();
        Currency::new(code).map(Self::Fixed).map_err(|error| {
            item.error_at(format_args!("{}: {error}; for a column write {{ column = {code:?} }}", item.title))
        })
    }

    fn get(&self, row: &Row<'_>, cache: &mut Option<Currency>) -> std::result::Result<Currency, Fault> {
        let text = match self {
            Self::Fixed(currency) => return Ok(*currency),
            Self::Text(text) => text,
        };
        let code = text.required(row, "currency")?;
        match cache {
            Some(known) if known.as_str() == code => Ok(*known),
            _ => {
                let currency =
                    Currency::new(code).map_err(|error| Fault::core(text.column_id(), code, &error))?;
                *cache = Some(currency);
                Ok(currency)
            }
        }
    }
}

impl Marks {
    fn with(mut self, section: &mut Section<'_>) -> Result<Self> {
        if let Some(item) = section.take("decimal_mark") {
            self.decimal = mark(item)?;
        }
        if let Some(item) = section.take("thousands_mark") {
            self.thousands = Some(mark(item)?);
        }
        if self.thousands == Some(self.decimal) {
            return Err(section.error(format_args!("both marks of {} are {:?}", section.title, self.decimal)));
        }
        Ok(self)
    }

    fn parse(self, text: &str) -> std::result::Result<Decimal, Unfit> {
        if self.decimal == '.' && self.thousands.is_none() {
            return Decimal::parse(text);
        }
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut plain = match self.thousands {
            Some(mark) => ungrouped(whole, mark).ok_or(Unfit::NoNumber)?,
            None => whole.to_owned(),
        };
        // A point that is no mark would pass for the decimal point.
        if plain.contains('.') {
            return Err(Unfit::NoNumber);
        }
        if let Some(fraction) = fraction {
            plain.push('.');
            plain.push_str(fraction);
        }
        Decimal::parse(&plain)
    }

    /// How an amount is written with these marks, for messages.
    fn sample(self) -> String {
        let Self { decimal, thousands } = self;
        match thousands {
            None => format!("12{decimal}50"),
            Some(thousands) => format!("12{decimal}50 or 1{thousands}234{decimal}50"),
        }
    }

    /// What is wrong with a number, and how to write it.
    fn reason(self, unfit: Unfit) -> String {
        match unfit {
            Unfit::NoNumber => format!(
                "is no amount; write it as {}, or look at decimal_mark and thousands_mark in [money]",
                self.sample()
            ),
            Unfit::TooLarge => "is beyond the range of about 922 trillion".to_owned(),
            Unfit::TooFine => "has more than four decimals; write fewer, or say rounding = \"half_even\", \
                               \"half_up\" or \"down\""
                .to_owned(),
        }
    }

    fn bad_number(self, unfit: Unfit, column: Option<ColumnId>, value: &str) -> Fault {
        Fault::cell(Problem::Money, column, value, &self.reason(unfit))
    }
}

/// The digits of a whole part without its thousands marks; `None` where a mark does not part thousands.
///
/// A mark stands after one to three digits that do not begin with a zero, and before three digits each: so that
/// the mark of another country's decimals is never taken for it unnoticed.
fn ungrouped(whole: &str, mark: char) -> Option<String> {
    let mut groups = whole.split(mark);
    let first = groups.next().unwrap_or_default();
    let digits = first.strip_prefix(['-', '+']).unwrap_or(first);
    let may_lead = (1..=3).contains(&digits.len()) && !digits.starts_with('0');
    let mut plain = first.to_owned();
    for group in groups {
        if !may_lead || group.len() != 3 || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        plain.push_str(group);
    }
    Some(plain)
}

fn mark(item: Item<'_>) -> Result<char> {
    let wrong = item.error_at(format_args!("{} must be one character that is no digit", item.title));
    let text = item.into_text()?;
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(mark), None) if !mark.is_ascii_digit() && mark != '-' && mark != '+' => Ok(mark),
        _ => Err(wrong),
    }
}

fn rounding(section: &mut Section<'_>) -> Result<Option<Rounding>> {
    let Some(item) = section.take("rounding") else { return Ok(None) };
    let wrong = item.error_at(format_args!("{} must be \"half_even\", \"half_up\" or \"down\"", item.title));
    match item.into_text()?.as_str() {
        "half_even" => Ok(Some(Rounding::HalfEven)),
        "half_up" => Ok(Some(Rounding::HalfUp)),
        "down" => Ok(Some(Rounding::Down)),
        _ => Err(wrong),
    }
}
