//! Event rules: which rows become which event, and what fills it.

use wayfold_core::{AttributeName, Channel, Stage, Tag};

use super::cell::{Across, Text};
use super::clock::{EVENT_TIME, OTHER, Time};
use super::condition::Condition;
use super::filling::{Filling, Shared};
use super::lines::Lines;
use super::section::{Item, Section};
use crate::error::Result;
use crate::kinds::{self, FieldSpec, FieldType, FieldValue, KindSpec};

/// One kind of event that rows give.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) kind: KindSpec,
    pub(crate) when: Condition,
    pub(crate) id: IdRule,
    pub(crate) envelope: Envelope,
    pub(crate) stage: Option<Stage>,
    pub(crate) tags: Vec<(String, Text)>,
    pub(crate) attributes: Vec<(AttributeName, Filling)>,
    /// What fills the fields of the kind, by their places.
    pub(crate) fields: Vec<Option<Filling>>,
    pub(crate) lines: Option<Lines>,
    /// How many amounts a group adds up.
    pub(crate) sums: usize,
    /// Says whether something is made of the id, so that its text is needed.
    pub(crate) uses_event_id: bool,
    /// On what the rows of a group must agree.
    pub(crate) must_agree: Vec<Text>,
    pub(crate) group: Option<Group>,
}

/// How the id of an event comes about.
#[derive(Debug, Clone)]
pub(crate) enum IdRule {
    /// From the natural key of a row or group.
    Key(Vec<Text>),
    /// From the whole row and how often it has occurred before.
    Occurrence,
}

/// Which rows make one event together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) by: Vec<Text>,
    /// How many foreign rows may lie between two of the group; `None` where they may lie anywhere.
    pub(crate) window: Option<u64>,
    pub(crate) max_open: u64,
}

/// What every event says, by the mapping as a whole or by its own rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Envelope {
    pub(crate) tenant: Option<Text>,
    pub(crate) customer: Option<Text>,
    pub(crate) journey: Option<Text>,
    pub(crate) time: Option<Time>,
    pub(crate) received_at: Option<Time>,
    pub(crate) channel: Option<Text>,
    pub(crate) sequence: Sequence,
    pub(crate) team: Option<Text>,
    pub(crate) person: Option<Text>,
}

/// What orders the events of a customer at one instant.
#[derive(Debug, Clone, Default)]
pub(crate) enum Sequence {
    #[default]
    None,
    /// Their order in the file: 0, 1, 2 and so on.
    FileOrder,
    Column(Text),
}

/// The rows that wait for their groups to end, unless the mapping says otherwise.
const MAX_OPEN: u64 = 100_000;
pub(super) const ENVELOPE_KEYS: &[&str] =
    &["tenant", "customer", "journey", "time", "received_at", "channel", "sequence", "actor"];
const RULE_KEYS: &[&str] =
    &["rule", "kind", "when", "id", "group", "stage", "tags", "attributes", "fields", "lines"];

impl Envelope {
    /// Reads the keys of [`ENVELOPE_KEYS`]; what is not there stays as it is. A time is left to the caller.
    pub(super) fn with(mut self, section: &mut Section<'_>, shared: &mut Shared) -> Result<Self> {
        if let Some(item) = section.take("tenant") {
            self.tenant = Some(Text::parse(item, &mut shared.columns)?);
        }
        if let Some(item) = section.take("customer") {
            self.customer = Some(Text::parse(item, &mut shared.columns)?);
        }
        if let Some(item) = section.take("journey") {
            self.journey = Some(Text::parse_or_event_id(item, &mut shared.columns, OTHER)?);
        }
        if let Some(item) = section.take("received_at") {
            let clock = shared.clock.clone();
            let time = Time::parse(item, &mut shared.columns, &clock, OTHER, &mut shared.caches)?;
            self.received_at = Some(time);
        }
        if let Some(item) = section.take("channel") {
            self.channel = Some(channel(item, shared)?);
        }
        if let Some(item) = section.take("sequence") {
            self.sequence = match item.as_text() {
                Some("file_order") => Sequence::FileOrder,
                _ => Sequence::Column(Text::parse(item, &mut shared.columns)?),
            };
        }
        if let Some(item) = section.take("actor") {
            let mut actor = item.into_section("the table of \"actor\"")?;
            actor.allow(&[&["team", "person"]])?;
            let mut text =
                |key| actor.take(key).map(|item| Text::parse(item, &mut shared.columns)).transpose();
            (self.team, self.person) = (text("team")?, text("person")?);
        }
        Ok(self)
    }

    fn texts(&self) -> impl Iterator<Item = &Text> {
        let sequence = match &self.sequence {
            Sequence::Column(text) => Some(text),
            _ => None,
        };
        let times = [&self.time, &self.received_at].into_iter().flatten().filter_map(Time::must_agree);
        [&self.tenant, &self.customer, &self.journey, &self.channel, &self.team, &self.person]
            .into_iter()
            .flatten()
            .chain(sequence)
            .chain(times)
    }
}

fn channel(item: Item<'_>, shared: &mut Shared) -> Result<Text> {
    let place = item.place();
    let text = Text::parse(item, &mut shared.columns)?;
    match text.constant().map(Channel::parse) {
        Some(Err(error)) => Err(place.error(error)),
        _ => Ok(text),
    }
}

impl Rule {
    pub(super) fn parse(item: Item<'_>, common: &Envelope, shared: &mut Shared) -> Result<Self> {
        let mut section = item.into_section("[[event]]")?;
        section.allow(&[RULE_KEYS, ENVELOPE_KEYS])?;
        shared.sums = 0;
        let name = section.require("rule")?.into_text()?;
        section.title = format!("the event rule {name:?}");
        let (kind, custom_name) = kind(&section.require("kind")?)?;
        let when = match section.take("when") {
            Some(item) => Condition::parse(item, &mut shared.columns)?,
            None => Condition::always(),
        };
        let mut envelope = common.clone().with(&mut section, shared)?;
        if let Some(item) = section.take("time") {
            let clock = shared.clock.clone();
            let time = Time::parse(item, &mut shared.columns, &clock, EVENT_TIME, &mut shared.caches)?;
            envelope.time = Some(time);
        }
        for (is_there, key) in [(envelope.customer.is_some(), "customer"), (envelope.time.is_some(), "time")]
        {
            if !is_there {
                let title = &section.title;
                return Err(section.error(format_args!("{title} needs a {key}, its own or the mapping's")));
            }
        }
        let group = group(&mut section, shared)?;
        let id = id_rule(&mut section, group.as_ref(), shared)?;
        let mut fields = fields(&mut section, &kind, custom_name, shared)?;
        let stage = stage(&mut section, &kind, &mut fields)?;
        check_required(&section, &kind, &fields)?;
        let mut rule = Self {
            name,
            when,
            id,
            envelope,
            stage,
            tags: tags(&mut section, shared)?,
            attributes: attributes(&mut section, shared)?,
            fields,
            lines: Lines::take(&mut section, &kind, shared)?,
            sums: shared.sums,
            uses_event_id: false,
            must_agree: Vec::new(),
            group,
            kind,
        };
        rule.check_line_amounts(&section)?;
        rule.uses_event_id = rule.has_event_id();
        rule.must_agree = rule.agreed_texts();
        Ok(rule)
    }

    /// An amount made of the lines needs lines with prices.
    fn check_line_amounts(&self, section: &Section<'_>) -> Result<()> {
        let needs_lines = self.fillings().any(|filling| {
            matches!(filling, Filling::Money(money) if matches!(money.source, super::number::MoneySource::Lines { .. }))
        });
        if needs_lines && self.lines.as_ref().is_none_or(|lines| lines.paid.is_none()) {
            let title = &section.title;
            return Err(section.error(format_args!(
                "{title} makes an amount of its lines, so it needs \"lines\" with product, quantity and paid"
            )));
        }
        Ok(())
    }

    /// Says whether events of one instant are numbered in the order of the file.
    pub(crate) fn is_file_ordered(&self) -> bool {
        matches!(self.envelope.sequence, Sequence::FileOrder)
    }

    pub(crate) fn fillings(&self) -> impl Iterator<Item = &Filling> {
        self.fields.iter().flatten().chain(self.attributes.iter().map(|(_, filling)| filling))
    }

    fn has_event_id(&self) -> bool {
        let journey = self.envelope.journey.as_ref();
        let texts = self.tags.iter().map(|(_, text)| text).chain(journey);
        texts.into_iter().any(Text::is_event_id) || self.fillings().any(Filling::is_event_id)
    }

    fn agreed_texts(&self) -> Vec<Text> {
        let key = match &self.id {
            IdRule::Key(key) => key.as_slice(),
            IdRule::Occurrence => &[],
        };
        let texts = (self.envelope.texts())
            .chain(key)
            .chain(self.tags.iter().map(|(_, text)| text))
            .chain(self.fillings().flat_map(Filling::must_agree));
        // The rows agree on the key of the group already.
        let by = self.group.as_ref().map_or(&[][..], |group| group.by.as_slice());
        let mut agreed = Vec::new();
        for text in texts.filter(|text| text.must_agree() && !by.contains(text)) {
            if !agreed.contains(text) {
                agreed.push(text.clone());
            }
        }
        agreed
    }
}

/// Finds the kind, and the name that `custom:NAME` gives.
fn kind(item: &Item<'_>) -> Result<(KindSpec, Option<String>)> {
    let text = item.as_text().unwrap_or_default().to_owned();
    let (name, custom) = match text.strip_prefix("custom:") {
        Some(custom) => ("custom", Some(custom.to_owned())),
        None => (text.as_str(), None),
    };
    match kinds::find(name) {
        Some(kind) => Ok((kind, custom)),
        None => Err(item.error_at(format_args!(
            "{text:?} is no kind of event; it is one of: {}; your own kind is \"custom:NAME\"",
            kinds::names().join(", ")
        ))),
    }
}

fn id_rule(section: &mut Section<'_>, group: Option<&Group>, shared: &mut Shared) -> Result<IdRule> {
    let Some(item) = section.take("id") else {
        return Ok(group.map_or(IdRule::Occurrence, |group| IdRule::Key(group.by.clone())));
    };
    let mut id = item.into_section("the table of \"id\"")?;
    id.allow(&[&["key"]])?;
    texts(id.require("key")?, shared).map(IdRule::Key)
}

/// A list of at least one column.
fn texts(item: Item<'_>, shared: &mut Shared) -> Result<Vec<Text>> {
    let empty = item.error_at(format_args!("{} is empty; it needs at least one column", item.title));
    let texts = item.into_array()?.into_iter().map(|item| Text::parse(item, &mut shared.columns));
    let texts = texts.collect::<Result<Vec<_>>>()?;
    if texts.is_empty() { Err(empty) } else { Ok(texts) }
}

fn group(section: &mut Section<'_>, shared: &mut Shared) -> Result<Option<Group>> {
    let Some(item) = section.take("group") else { return Ok(None) };
    let mut group = item.into_section("the table of \"group\"")?;
    group.allow(&[&["by", "adjacent", "window", "max_open"]])?;
    let by = texts(group.require("by")?, shared)?;
    let is_adjacent = group.boolean("adjacent")?.unwrap_or_default();
    let window = match (group.take("window"), is_adjacent) {
        (Some(item), true) => Some(item.into_count()?),
        (Some(item), false) => {
            return Err(
                item.error_at("\"window\" is for groups of adjacent rows; say adjacent = true as well")
            );
        }
        (None, true) => Some(0),
        (None, false) => None,
    };
    let max_open = group.take("max_open").map(Item::into_count).transpose()?.unwrap_or(MAX_OPEN);
    Ok(Some(Group { by, window, max_open }))
}

fn fields(
    section: &mut Section<'_>,
    kind: &KindSpec,
    custom_name: Option<String>,
    shared: &mut Shared,
) -> Result<Vec<Option<Filling>>> {
    let mut fields: Vec<Option<Filling>> = kind.fields.iter().map(|_| None).collect();
    if let Some(item) = section.take("fields") {
        let table = item.into_section(format!("the fields of {}", kind.name))?;
        let names = kind.fields.iter().filter(|field| field.field_type != FieldType::Lines);
        table.allow(&[&names.map(|field| field.name).collect::<Vec<_>>()])?;
        for (name, item) in table.into_entries() {
            let place = kind.fields.iter().position(|field| field.name == name);
            let place = place.expect("the table was asked for unknown fields");
            fields[place] = Some(field(item, &kind.fields[place], shared)?);
        }
    }
    if let Some(name) = custom_name {
        let place = kind.fields.iter().position(|field| field.name == "name");
        fields[place.expect("the custom kind has a name")] = Some(Filling::Text(Text::constant_of(name)));
    }
    Ok(fields)
}

fn field(item: Item<'_>, spec: &FieldSpec, shared: &mut Shared) -> Result<Filling> {
    let place = item.place();
    let filling = Filling::parse(item, spec.field_type, shared)?;
    if let Filling::Text(text) = &filling
        && let Some(constant) = text.constant()
    {
        (spec.check)(FieldValue::Text(constant.to_owned())).map_err(|error| place.error(error))?;
    }
    Ok(filling)
}

/// Reads the stage that a neutral event names, or to which a custom kind belongs.
fn stage(
    section: &mut Section<'_>,
    kind: &KindSpec,
    fields: &mut [Option<Filling>],
) -> Result<Option<Stage>> {
    let Some(item) = section.take("stage") else { return Ok(None) };
    let place = item.place();
    let stage = Stage::parse(&item.into_text()?).map_err(|error| place.error(error))?;
    if kind.name == "custom" {
        let field = kind.fields.iter().position(|field| field.name == "stage");
        let field = field.expect("the custom kind has a stage");
        fields[field] = Some(Filling::Text(Text::constant_of(stage.as_str())));
        return Ok(None);
    }
    match kind.kind.stage() {
        None => Ok(Some(stage)),
        Some(own) => {
            let name = kind.name;
            Err(place.error(format_args!("{name} belongs to stage {own}; leave \"stage\" out")))
        }
    }
}

fn check_required(section: &Section<'_>, kind: &KindSpec, fields: &[Option<Filling>]) -> Result<()> {
    for (spec, filling) in kind.fields.iter().zip(fields) {
        if spec.is_required && filling.is_none() {
            return Err(section.error(format_args!(
                "{} makes {}, which needs the field {:?}; add it to \"fields\"",
                section.title, kind.name, spec.name
            )));
        }
    }
    Ok(())
}

fn tags(section: &mut Section<'_>, shared: &mut Shared) -> Result<Vec<(String, Text)>> {
    let Some(item) = section.take("tags") else { return Ok(Vec::new()) };
    let across = [Across::Same, Across::First, Across::All];
    let mut tags = Vec::new();
    for (object_type, item) in item.into_section("the table of \"tags\"")?.into_entries() {
        Tag::new(&object_type, "x").map_err(|error| item.error_at(error))?;
        tags.push((object_type, Text::parse_or_event_id(item, &mut shared.columns, &across)?));
    }
    Ok(tags)
}

fn attributes(section: &mut Section<'_>, shared: &mut Shared) -> Result<Vec<(AttributeName, Filling)>> {
    let Some(item) = section.take("attributes") else { return Ok(Vec::new()) };
    let mut attributes = Vec::new();
    for (name, item) in item.into_section("the table of \"attributes\"")?.into_entries() {
        let name = AttributeName::new(name).map_err(|error| item.error_at(error))?;
        attributes.push((name, Filling::parse_attribute(item, shared)?));
    }
    Ok(attributes)
}
