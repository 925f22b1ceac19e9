pub(in crate::batch) mod later;
mod named;
mod orders;
mod take;

use std::borrow::Cow;
use std::ops::RangeInclusive;

use hashbrown::{HashMap, HashSet};

use self::take::{check_rows, out_of_range};
use super::{RawBatch, RawColumn, RawTexts, RawValues, names};
use crate::batch::EventBatch;
use crate::batch::columns::{Columns, RareKinds, RareTexts, Texts};
use crate::batch::lift::ForeignRow;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventBody, EventKind};
use crate::key::{CustomerKey, NAME_BYTES_MAX, Position};
use crate::stage::{Channel, Stage};
use crate::time::{EventTime, Timestamp};

impl EventBatch {
    /// Reads a batch from plain columns.
    ///
    /// Everything that the library relies on is checked: rows and numbers in range, names, words, instants,
    /// currencies, the fields that a kind has and requires, and that what is said twice is said alike. Events of a
    /// kind, or of a version of a kind, that this version of the library does not write are kept as unknown, with
    /// all their fields; see [`EventBatch::lifted`]. The other rules of a kind, such as that amounts are not
    /// negative, are checked when events are taken and not again.
    ///
    /// # Errors
    /// `Malformed`, and the message names the column; `LimitExceeded` if the fields of unknown events take more than
    /// 512 MiB as JSON.
    pub fn from_raw(raw: RawBatch<'_>) -> Result<Self> {
        let mut foreign = Vec::new();
        let columns = Importer::new(raw)?.finish(&mut foreign)?;
        let batch = Self::with_foreign(columns, &foreign)?;
        let unsound = batch.iter().find(|event| !EventBody::is_sound(event.kind(), event));
        match unsound {
            None => Ok(batch),
            Some(event) => {
                let (id, kind) = (event.id(), event.kind().name());
                Err(malformed(format_args!(
                    "event {id}: a field that {kind} requires is absent or no word of its"
                )))
            }
        }
    }
}

fn malformed(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

fn bad(name: &str, what: impl std::fmt::Display) -> Error {
    malformed(format_args!("column {name:?}: {what}"))
}

/// Takes columns out by name.
struct Importer<'a> {
    rows: usize,
    texts: Texts,
    columns: HashMap<Cow<'a, str>, RawColumn<'a>>,
}

impl<'a> Importer<'a> {
    fn new(raw: RawBatch<'a>) -> Result<Self> {
        let texts = read_texts(raw.texts)?;
        let mut columns = HashMap::with_capacity(raw.columns.len());
        for column in raw.columns {
            check_rows(&column)?;
            if let Some(twice) = columns.insert(column.name.clone(), column) {
                return Err(bad(&twice.name, "it stands twice"));
            }
        }
        Ok(Self { rows: raw.rows, texts, columns })
    }

    fn finish(mut self, foreign: &mut Vec<ForeignRow>) -> Result<Columns> {
        let mut columns = self.fold(foreign)?;
        columns.id = self.ids()?;
        (columns.positions, columns.recorded_at) = self.recorded()?;
        self.offsets(&mut columns)?;
        self.lines(&mut columns.lines)?;
        self.tags(&mut columns)?;
        self.check_facts(&columns)?;
        self.rare(&mut columns)?;
        self.named(&mut columns)?;
        self.end()?;
        columns.texts = self.texts;
        named::attribute_names(&mut columns)?;
        named::check_fields(&columns, foreign)?;
        Ok(columns)
    }

    /// What a fold reads of every event.
    fn fold(&mut self, foreign: &mut Vec<ForeignRow>) -> Result<Columns> {
        let mut columns = Columns::default();
        self.kinds(&mut columns, foreign)?;
        self.customers(&mut columns)?;
        self.envelope(&mut columns)?;
        columns.lines.ranges = self.line_ranges()?;
        columns.facts = self.facts(&columns.lines.ranges)?;
        Ok(columns)
    }

    /// Refuses what nobody has taken.
    fn end(&self) -> Result<()> {
        let unknown = |name| bad(name, "this version of the library does not know it; update the library");
        self.columns.keys().min().map_or(Ok(()), |name| Err(unknown(name)))
    }

    fn kinds(&mut self, to: &mut Columns, foreign: &mut Vec<ForeignRow>) -> Result<()> {
        let kinds = self.table_texts(names::KIND_NAMES)?;
        let versions = self.table_integers(names::KIND_VERSIONS)?;
        if kinds.len() != versions.len() {
            return Err(bad(names::KIND_VERSIONS, "it is not as long as the names"));
        }
        let read = |(number, version): (&u32, &i64)| {
            self.check_name(names::KIND_NAMES, *number)?;
            let version = u16::try_from(*version).ok().filter(|version| *version > 0);
            let version = version.ok_or_else(|| bad(names::KIND_VERSIONS, "versions are 1 to 65,535"))?;
            Ok((todays_kind(self.texts.get(*number), version), version, *number))
        };
        let table = kinds.iter().zip(&versions).map(read).collect::<Result<Vec<_>>>()?;
        let known: Vec<_> = table.iter().map(|(kind, ..)| kind.unwrap_or(EventKind::Unknown)).collect();
        let stored = self.whole(names::KIND)?.ok_or_else(|| bad(names::KIND, "it is missing"))?;
        let outside = |entry| bad(names::KIND, format_args!("{entry} is out of range"));
        to.kind = self.looked_up(names::KIND, &stored, &known)?.map_err(outside)?;
        to.rare_kinds = RareKinds::among(&known).into();
        let is_foreign = table.iter().any(|(kind, ..)| kind.is_none());
        let has_one_version = table.iter().all(|(_, version, _)| *version == table[0].1);
        if has_one_version && !is_foreign {
            to.schema_version = vec![table.first().map_or(0, |(_, version, _)| *version); self.rows];
            return Ok(());
        }
        let entries = self.looked_up(names::KIND, &stored, &table)?.map_err(outside)?;
        to.schema_version = entries.iter().map(|(_, version, _)| *version).collect();
        if is_foreign {
            let foreign_rows = entries.into_iter().enumerate().filter(|(_, (kind, ..))| kind.is_none());
            foreign.extend(
                foreign_rows
                    .map(|(row, (.., name))| ForeignRow { row, kind: self.texts.get(name).to_owned() }),
            );
        }
        Ok(())
    }

    fn customers(&mut self, to: &mut Columns) -> Result<()> {
        let tenants = self.table_texts(names::TENANTS)?;
        let customers = self.table_texts(names::CUSTOMERS)?;
        if tenants.len() != customers.len() {
            return Err(bad(names::CUSTOMERS, "it is not as long as the tenants"));
        }
        let mut spreads = Vec::with_capacity(customers.len());
        for (tenant, customer) in tenants.iter().zip(&customers) {
            if self.texts.get(*tenant).len() > NAME_BYTES_MAX {
                return Err(bad(names::TENANTS, "a name is too long"));
            }
            self.check_name(names::CUSTOMERS, *customer)?;
            spreads.push(CustomerKey::spread(self.texts.get(*tenant), self.texts.get(*customer)));
        }
        // In a sealed page they stand by their spreads, so that nobody is looked for.
        if !spreads.is_sorted_by(|a, b| a < b) {
            let mut known = HashSet::with_capacity(customers.len());
            let texts = tenants.iter().zip(&customers).map(|(a, b)| (self.texts.get(*a), self.texts.get(*b)));
            if !texts.into_iter().all(|customer| known.insert(customer)) {
                return Err(bad(names::CUSTOMERS, "a customer stands twice"));
            }
        }
        to.spreads = spreads.into();
        to.customers = tenants.into_iter().zip(customers).collect();
        if let Some(RawColumn { values: RawValues::Packed(packed), .. }) = self.columns.get(names::CUSTOMER) {
            to.runs = packed.runs();
        }
        let range = 0..=to.customers.len() as i64 - 1;
        let numbers = self.every(names::CUSTOMER, &range, |number| number as u32)?;
        to.customer = numbers.ok_or_else(|| bad(names::CUSTOMER, "it is missing"))?;
        Ok(())
    }

    fn envelope(&mut self, to: &mut Columns) -> Result<()> {
        let missing = || bad(names::OCCURRED_AT, "it is missing");
        to.occurred_at = self.every_instant(names::OCCURRED_AT)?.ok_or_else(missing)?;
        to.sequence = self.every_or_zero(names::SEQUENCE, 0..=u32::MAX.into())?;
        to.stage = self.words(names::STAGE, |word| Stage::parse(word).map(|stage| stage as u8))?;
        let (rows, journeys) = self.some_texts(names::JOURNEY)?.into_parts();
        let mut texts = journeys.chunk_by(|a, b| a == b);
        texts.try_for_each(|same| self.check_name(names::JOURNEY, same[0]))?;
        to.journey = RareTexts::from_parts(&rows, journeys);
        Ok(())
    }

    fn offsets(&mut self, to: &mut Columns) -> Result<()> {
        to.offset_minutes = self.every_or_zero(names::OFFSET_MINUTES, i16::MIN.into()..=i16::MAX.into())?;
        for (micros, minutes) in to.occurred_at.iter().zip(&to.offset_minutes) {
            if *minutes != 0 {
                EventTime::new(Timestamp::trusted(*micros), *minutes)
                    .map_err(|error| bad(names::OFFSET_MINUTES, error))?;
            }
        }
        Ok(())
    }

    fn ids(&mut self) -> Result<Vec<u128>> {
        self.every_wide(names::ID)?.ok_or_else(|| bad(names::ID, "it is missing"))
    }

    /// Positions and recording times.
    fn recorded(&mut self) -> Result<(Vec<Position>, Vec<i64>)> {
        let positions = self.every_wide(names::POSITION)?;
        let recorded_at = self.every_instant(names::RECORDED_AT)?;
        match (positions, recorded_at) {
            (None, None) => Ok((Vec::new(), Vec::new())),
            (Some(positions), Some(recorded_at)) => {
                let place = |number: u128| Position::from_bytes(number.to_be_bytes());
                Ok((positions.into_iter().map(place).collect(), recorded_at))
            }
            _ => Err(bad(names::POSITION, "positions and recording times stand together or not at all")),
        }
    }

    /// The labels that are no fields of kinds.
    fn labels(&mut self, to: &mut Columns) -> Result<()> {
        to.channel = self.words(names::CHANNEL, |word| Channel::parse(word).map(|channel| channel as u8))?;
        to.team = self.some_texts(names::TEAM)?;
        to.person = self.some_texts(names::PERSON)?;
        Ok(())
    }

    fn rare(&mut self, to: &mut Columns) -> Result<()> {
        self.labels(to)?;
        to.source = self.some_texts(names::SOURCE)?;
        to.correlation = self.some_wide(names::CORRELATION)?;
        to.causation = self.some_wide(names::CAUSATION)?;
        to.received_at = self.some_integers(names::RECEIVED_AT, self.rows)?;
        check_instants(names::RECEIVED_AT, to.received_at.values())?;
        Ok(())
    }
}

/// The kind of a stored name, if this version of the library writes it in that version.
fn todays_kind(name: &str, version: u16) -> Option<EventKind> {
    let kind = EventKind::from_stored_name(name)?;
    let counts_itself = kind.is_custom() || kind == EventKind::Unknown;
    (counts_itself || kind.schema_version() == version).then_some(kind)
}

const INSTANTS: RangeInclusive<i64> = Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros();

fn no_instant(name: &str, micros: i64) -> Error {
    bad(name, format_args!("{micros} us lie outside of the years 1 to 9999"))
}

fn check_instants(name: &str, micros: &[i64]) -> Result<()> {
    out_of_range(micros, &INSTANTS).map_or(Ok(()), |micros| Err(no_instant(name, micros)))
}

fn read_texts(raw: RawTexts<'_>) -> Result<Texts> {
    let (bytes, ends) = (raw.bytes.into_owned(), raw.ends.into_owned());
    let grows = ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == bytes.len();
    if !grows || ends.iter().any(|end| !bytes.is_char_boundary(*end as usize)) {
        return Err(malformed("the texts do not end where they say"));
    }
    Ok(Texts { bytes, ends })
}
