//! Mappings: what the rows of a file mean, written in TOML.

mod cell;
mod clock;
mod condition;
mod filling;
mod form;
mod lines;
mod number;
mod rule;
mod section;

use std::fs;
use std::path::Path;
use std::sync::Arc;

pub(crate) use self::cell::{Across, Columns, Text};
use self::clock::Time;
pub(crate) use self::condition::Condition;
use self::filling::Shared;
pub(crate) use self::filling::{Gathered, Memory, integer};
pub(crate) use self::form::{Form, Separation};
use self::number::MoneyDefaults;
use self::rule::{ENVELOPE_KEYS, Envelope};
pub(crate) use self::rule::{Group, IdRule, Rule, Sequence};
use self::section::{Document, Item, Section};
use crate::error::{Error, Place, Result};

/// What the rows of a file mean: which become events, of which kind, with what in them.
///
/// A mapping is written in TOML and versioned; a key that it does not know is refused by name and line. Cloning
/// is cheap, for the next file of the same form.
///
/// ```
/// let mapping = wayfold_ingest::Mapping::parse(
///     r#"
///     version = 1
///     source = "shop"
///     customer = "Customer"
///     time = { column = "Date", format = "%d/%m/%Y %H:%M", zone = "Europe/London" }
///     money = { currency = "GBP" }
///
///     [[event]]
///     rule = "order"
///     kind = "order_placed"
///     group = { by = ["Order"], adjacent = true }
///     tags = { order = "Order" }
///     lines = { product = "Product", quantity = "Quantity", paid = "Price" }
///     fields = { amount = "@lines" }
///     "#,
/// )?;
/// assert_eq!(mapping.source(), "shop");
/// # Ok::<(), wayfold_ingest::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mapping {
    plan: Arc<Plan>,
}

/// A mapping as the import walks through it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What messages call the mapping: its file, or its source.
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) form: Form,
    pub(crate) columns: Columns,
    pub(crate) skips: Vec<Skip>,
    pub(crate) rules: Vec<Rule>,
    /// How many times need a cache.
    pub(crate) caches: usize,
}

/// Rows that become no event, and why.
#[derive(Debug)]
pub(crate) struct Skip {
    pub(crate) reason: Arc<str>,
    pub(crate) when: Condition,
}

const KEYS: &[&str] = &["version", "source", "file", "money", "skip", "event"];
const VERSION: u64 = 1;

impl Mapping {
    /// Reads a mapping from its text.
    ///
    /// # Errors
    /// `Mapping` with the line, for text that is no TOML, an unknown key, or a value that makes no sense.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_named("mapping", None, text)
    }

    /// Reads a mapping from a file.
    ///
    /// # Errors
    /// As [`Mapping::parse`], and `Io` if the file cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let name = path.as_ref().display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| Error::io(Place::file(&name), "the mapping cannot be read", error))?;
        Self::parse_named(&name, Some(&name), &text)
    }

    /// The name of the source: a part of every event and of every id.
    pub fn source(&self) -> &str {
        &self.plan.source
    }

    pub(crate) fn into_plan(self) -> Arc<Plan> {
        self.plan
    }

    fn parse_named(name: &str, file: Option<&str>, text: &str) -> Result<Self> {
        let mut section = Document { name, text }.read()?;
        version(&mut section)?;
        section.allow(&[KEYS, ENVELOPE_KEYS])?;
        let mut shared = Shared { source: source(&mut section)?, ..Shared::default() };
        let form = Form::parse(section.take("file"))?;
        shared.money = MoneyDefaults::parse(section.take("money"), &mut shared.columns)?;
        let time = time(&mut section, &mut shared)?;
        let envelope = Envelope { time, ..Envelope::default() }.with(&mut section, &mut shared)?;
        let skips = skips(section.take("skip"), &mut shared)?;
        let rules = rules(&mut section, &envelope, &mut shared)?;
        let Shared { columns, caches, source, .. } = shared;
        let name = match file {
            Some(file) => format!("the mapping {file}"),
            None => format!("the mapping of {source:?}"),
        };
        let plan = Plan { name, source, form, columns, skips, rules, caches };
        Ok(Self { plan: Arc::new(plan) })
    }
}

/// Asks for the version first: a mapping of another version has other keys.
fn version(section: &mut Section<'_>) -> Result<()> {
    let item = section.require("version")?;
    let line = item.place();
    match item.into_count()? {
        VERSION => Ok(()),
        other => {
            Err(line.error(format_args!("version {other} of mappings is not known; version {VERSION} is")))
        }
    }
}

fn source(section: &mut Section<'_>) -> Result<String> {
    let item = section.require("source")?;
    let empty = item.error_at("\"source\" is empty; it names the system that the file comes from");
    let source = item.into_text()?;
    if source.is_empty() { Err(empty) } else { Ok(source) }
}

/// Reads the time of all events, or only how times are written where no column is named.
fn time(section: &mut Section<'_>, shared: &mut Shared) -> Result<Option<Time>> {
    let Some(item) = section.take("time") else { return Ok(None) };
    if !item.is_text() && !item.has_key("column") && !item.has_key("constant") {
        let mut table = item.into_section("[time]")?;
        table.allow(&[clock::CLOCK_KEYS])?;
        shared.clock = shared.clock.with(&mut table)?;
        return Ok(None);
    }
    let inherited = shared.clock.clone();
    let time = Time::parse(item, &mut shared.columns, &inherited, clock::EVENT_TIME, &mut shared.caches)?;
    // Other times are written as the time of the events is, unless they say otherwise.
    shared.clock = time.clock().clone();
    Ok(Some(time))
}

fn skips(item: Option<Item<'_>>, shared: &mut Shared) -> Result<Vec<Skip>> {
    let Some(item) = item else { return Ok(Vec::new()) };
    let read = |item: Item<'_>| {
        let mut section = item.into_section("[[skip]]")?;
        section.allow(&[&["when", "reason"]])?;
        let reason = section.require("reason")?.into_text()?;
        let when = Condition::parse(section.require("when")?, &mut shared.columns)?;
        Ok(Skip { reason: reason.into(), when })
    };
    item.into_array()?.into_iter().map(read).collect()
}

fn rules(section: &mut Section<'_>, envelope: &Envelope, shared: &mut Shared) -> Result<Vec<Rule>> {
    let Some(item) = section.take("event") else {
        return Err(section.error("the mapping makes no events; add at least one [[event]]"));
    };
    let mut rules: Vec<Rule> = Vec::new();
    for item in item.into_array()? {
        let place = item.place();
        let rule = Rule::parse(item, envelope, shared)?;
        if rules.iter().any(|other| other.name == rule.name) {
            let name = &rule.name;
            return Err(place.error(format_args!("two event rules are called {name:?}; ids would collide")));
        }
        rules.push(rule);
    }
    Ok(rules)
}
