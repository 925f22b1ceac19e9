//! Imports of delimited files: rows in, batches of events out, by a mapping.

mod refuse;

use std::collections::{HashMap, VecDeque};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use csv::{ByteRecord, StringRecord};
use wayfold_core::{EventBatch, EventTime, JourneyEvent};

use self::refuse::{Unreadable, group_fault};
use crate::account::Account;
use crate::error::{Error, Problem, Result};
use crate::groups::{Groups, Member, OpenGroup, RowPlace};
use crate::input::Input;
use crate::make::{Gathering, check_agreement, make, natural_id, occurrence_id};
use crate::mapping::{Mapping, Memory, Plan, Rule};
use crate::options::ImportOptions;
use crate::outlet::{FileOrder, Outlet};
use crate::row::{Fault, Row};
use crate::source::{EventSource, NO_RULE, Progress};
use crate::table::Table;

/// Reads a delimited file and makes events of its rows by a [`Mapping`].
///
/// It streams: memory holds one batch, the open groups, and what the mapping needs to remember, which the
/// import guide lists key by key.
///
/// ```
/// use wayfold_ingest::{CsvImport, EventSource, ImportOptions, Mapping};
///
/// let mapping = Mapping::parse(
///     r#"
///     version = 1
///     source = "crm"
///     customer = "Customer"
///     time = "At"
///
///     [[event]]
///     rule = "registration"
///     kind = "registered"
///     id = { key = ["Customer"] }
///     "#,
/// )?;
/// let file = "Customer,At\nc1,2024-01-31T10:00:00+01:00\n";
/// let mut import = CsvImport::from_reader(mapping, "crm.csv", file.as_bytes(), ImportOptions::default())?;
/// let batch = import.next_batch()?.expect("the file has a row");
/// assert_eq!(batch.event(0).customer().to_string(), "c1");
/// assert!(import.next_batch()?.is_none());
/// # Ok::<(), wayfold_ingest::Error>(())
/// ```
pub struct CsvImport {
    plan: Arc<Plan>,
    table: Table,
    places: Vec<usize>,
    /// The row at hand; its memory is used again.
    record: Option<StringRecord>,
    groups: Vec<Groups>,
    /// The groups that are left at the end of the file.
    ending: Option<VecDeque<(usize, OpenGroup)>>,
    memory: Memory,
    scratch: Gathering,
    staged: Vec<Made>,
    occurrences: HashMap<u128, u64>,
    file_order: FileOrder,
    outlet: Outlet,
    account: Account,
}

/// How many rows may pass without a word about progress.
const PROGRESS_ROWS: u64 = 65_536;

impl CsvImport {
    /// Opens a file, plain or compressed with gzip.
    ///
    /// # Errors
    /// `Io` if the file cannot be opened or the rejects cannot be written; `Mismatch` if it is empty or lacks a column
    /// that the mapping names.
    pub fn open(mapping: Mapping, path: impl AsRef<Path>, options: ImportOptions) -> Result<Self> {
        Self::start(mapping, Input::open(path.as_ref())?, options)
    }

    /// Reads from anything; `name` stands for the file in messages and nowhere else.
    ///
    /// # Errors
    /// As [`CsvImport::open`].
    pub fn from_reader(
        mapping: Mapping,
        name: &str,
        reader: impl Read + Send + 'static,
        options: ImportOptions,
    ) -> Result<Self> {
        Self::start(mapping, Input::new(name, Box::new(reader), None)?, options)
    }

    fn start(mapping: Mapping, input: Input, mut options: ImportOptions) -> Result<Self> {
        let plan = mapping.into_plan();
        let (file, bytes_total) = (input.file().to_owned(), input.bytes_total());
        let (table, places) = Table::open(input, &plan, options.row_bytes_max)?;
        let account = Account::begin(&file, bytes_total, &mut options)?;
        let memory = Memory { times: vec![Default::default(); plan.caches], currency: None };
        Ok(Self {
            groups: Groups::of(&plan),
            plan,
            table,
            places,
            record: None,
            ending: None,
            memory,
            scratch: Gathering::default(),
            staged: Vec::new(),
            occurrences: HashMap::new(),
            file_order: FileOrder::default(),
            outlet: Outlet::new(&options),
            account,
        })
    }

    /// Reads rows until a batch is full or the file ends.
    fn fill(&mut self) -> Result<Option<EventBatch>> {
        loop {
            if let Some(batch) = self.outlet.take_full() {
                return Ok(Some(batch));
            }
            if self.ending.is_none() {
                self.read_row()?;
                continue;
            }
            match self.ending.as_mut().and_then(VecDeque::pop_front) {
                Some((groups, group)) => self.end(groups, group)?,
                None => return Ok(self.outlet.take_rest()),
            }
        }
    }

    fn read_row(&mut self) -> Result<()> {
        let mut bytes = self.record.take().map(StringRecord::into_byte_record).unwrap_or_default();
        let Some(line) = self.table.read(&mut bytes)? else {
            let left = self.groups.iter_mut().enumerate();
            let left = left
                .flat_map(|(number, groups)| groups.end_all().into_iter().map(move |group| (number, group)));
            self.ending = Some(left.collect());
            return Ok(());
        };
        self.account.progress.rows = self.table.row();
        if self.account.progress.rows.is_multiple_of(PROGRESS_ROWS) {
            self.account.report(self.table.input().bytes_read());
        }
        match self.readable(bytes, line) {
            Ok(record) => {
                let taken = self.take_row(&record, line);
                self.record = Some(record);
                taken
            }
            Err(unreadable) => self.refuse_unreadable(*unreadable, line),
        }
    }

    /// Checks that a row has its cells and is text.
    fn readable(&self, bytes: ByteRecord, line: u64) -> std::result::Result<StringRecord, Box<Unreadable>> {
        let (found, expected) = (bytes.len(), self.table.width());
        if found != expected {
            let reason = format!(
                "the row has {found} cells and the header {expected}; look for a delimiter or a quote too many or \
                 too few"
            );
            let error = Error::bad_row(Problem::Ragged, self.at(line).to_place(), reason);
            return Err(Box::new(Unreadable { error, record: StringRecord::from_byte_record_lossy(bytes) }));
        }
        StringRecord::from_byte_record(bytes).map_err(|error| {
            let cell = error.utf8_error().field();
            let record = StringRecord::from_byte_record_lossy(error.into_byte_record());
            let mut place = self.at(line).to_place();
            place.column = Some(self.column_at(cell));
            place.value = record.get(cell).map(str::to_owned);
            let shown = crate::error::shown(record.get(cell).unwrap_or_default());
            let reason = format!("{shown} is not UTF-8; save the file as UTF-8");
            Box::new(Unreadable { error: Error::bad_row(Problem::Encoding, place, reason), record })
        })
    }

    fn column_at(&self, cell: usize) -> String {
        let known = self.places.iter().position(|place| *place == cell);
        let name = known.and_then(|column| self.plan.columns.iter().nth(column));
        name.map_or_else(|| (cell + 1).to_string(), |(name, _)| name.to_owned())
    }

    fn at(&self, line: u64) -> RowPlace<'_> {
        RowPlace { file: &self.account.progress.file, row: self.table.row(), line }
    }

    /// Makes the events of a row that can be read.
    fn take_row(&mut self, record: &StringRecord, line: u64) -> Result<()> {
        let places = std::mem::take(&mut self.places);
        let row = Row { record, places: &places, event_id: "" };
        let taken = self.take_events(&row, line);
        self.places = places;
        taken
    }

    fn take_events(&mut self, row: &Row<'_>, line: u64) -> Result<()> {
        for groups in 0..self.groups.len() {
            for ended in self.groups[groups].advance(row, self.table.row()) {
                self.end_with(groups, ended, row.places)?;
            }
        }
        match self.stage(row, line) {
            Ok(Taken::Events) => self.push_staged(row, line),
            Ok(Taken::Skipped(reason)) => {
                self.account.progress.skip(reason.as_deref().unwrap_or(NO_RULE));
                Ok(())
            }
            Err(Refusal::Fault(fault)) => self.refuse(&fault, row, line),
            Err(Refusal::Stop(error)) => Err(error),
        }
    }

    /// Makes the events of a row by every rule that is about it, and adds it to its groups.
    fn stage(&mut self, row: &Row<'_>, line: u64) -> std::result::Result<Taken, Refusal> {
        let plan = Arc::clone(&self.plan);
        self.staged.clear();
        for skip in &plan.skips {
            if skip.when.holds(row)? {
                return Ok(Taken::Skipped(Some(Arc::clone(&skip.reason))));
            }
        }
        for (number, rule) in plan.rules.iter().enumerate().filter(|(_, rule)| rule.group.is_none()) {
            if rule.when.holds(row)? {
                let event = self.make_single(rule, row).map_err(|fault| fault.of_rule(&rule.name))?;
                self.staged.push(Made { event, rule: number, is_file_ordered: rule.is_file_ordered() });
            }
        }
        // What can fail is looked at before a group takes the row.
        let is_alone = self.staged.len() <= 1 && self.groups.is_empty();
        if !is_alone || self.staged.iter().any(|made| made.is_file_ordered) {
            let mut wrong = None;
            for made in &self.staged {
                if let Err(fault) = self.outlet.check(&made.event) {
                    wrong = Some((fault, made.rule, made.event.occurred_at));
                    break;
                }
            }
            if let Some((fault, rule, time)) = wrong {
                return Err(self.explained(fault, &plan.rules[rule], row, time).into());
            }
        }
        let mut is_grouped = false;
        for groups in 0..self.groups.len() {
            is_grouped |= self.add_to_group(groups, &plan, row, line)?;
        }
        if self.staged.is_empty() && !is_grouped {
            return Ok(Taken::Skipped(None));
        }
        Ok(Taken::Events)
    }

    fn make_single(&mut self, rule: &Rule, row: &Row<'_>) -> std::result::Result<JourneyEvent, Fault> {
        let source = &self.plan.source;
        let id = match natural_id(source, rule, row)? {
            Some(id) => id,
            None => {
                let first = occurrence_id(source, &rule.name, row.record, 0);
                let count = self.occurrences.entry(first.as_u128()).or_default();
                *count += 1;
                if *count == 1 { first } else { occurrence_id(source, &rule.name, row.record, *count - 1) }
            }
        };
        self.scratch.clear();
        self.scratch.add(rule, row, &mut self.memory)?;
        make(source, rule, id, row, &mut self.scratch, &mut self.memory)
    }

    /// Adds a row to the group of each rule that is about it; says whether there was one.
    fn add_to_group(
        &mut self,
        groups: usize,
        plan: &Plan,
        row: &Row<'_>,
        line: u64,
    ) -> std::result::Result<bool, Refusal> {
        let place = RowPlace { file: &self.account.progress.file, row: self.table.row(), line };
        let groups = &mut self.groups[groups];
        let mut is_grouped = false;
        for slot in 0..groups.rules.len() {
            let rule = &plan.rules[groups.rules[slot]];
            if !rule.when.holds(row)? {
                continue;
            }
            if groups.has_no_key(row) {
                return Err(groups.first_key().missing("key of the group").into());
            }
            let group = groups.open(place, plan)?;
            if let Some(bad_row) = group.bad_row {
                return Err(group_fault(bad_row).into());
            }
            let member = group.members[slot].get_or_insert_with(|| Member {
                first: row.record.clone(),
                row: place.row,
                line,
                gathering: Gathering::default(),
            });
            let first = Row { record: &member.first, ..*row };
            check_agreement(rule, &first, row)?;
            member.gathering.add(rule, row, &mut self.memory)?;
            is_grouped = true;
        }
        if is_grouped {
            if self.account.goes_on() {
                groups.open(place, plan)?.rows.push((place.row, line));
            }
            groups.count(place, plan)?;
        }
        Ok(is_grouped)
    }

    fn push_staged(&mut self, row: &Row<'_>, line: u64) -> Result<()> {
        let mut staged = std::mem::take(&mut self.staged);
        for made in staged.drain(..) {
            let (rule, time) = (made.rule, made.event.occurred_at);
            if let Err(fault) = self.push(made) {
                let plan = Arc::clone(&self.plan);
                let fault = self.explained(fault, &plan.rules[rule], row, time);
                return self.refuse(&fault, row, line);
            }
        }
        self.staged = staged;
        Ok(())
    }

    fn push(&mut self, mut made: Made) -> std::result::Result<(), Fault> {
        if made.is_file_ordered {
            made.event.sequence = self.file_order.number(&made.event);
        }
        self.outlet.push(&made.event)
    }

    /// Says what in the mapping and in the row made an event that was refused as a whole.
    fn explained(&mut self, fault: Fault, rule: &Rule, row: &Row<'_>, time: EventTime) -> Fault {
        if fault.problem != Problem::Future {
            return fault.of_rule(&rule.name);
        }
        let reader = rule.envelope.time.as_ref().expect("a mapping without a time is refused");
        let column = reader.text.column_id();
        let (at, beyond) = (time.instant(), self.outlet.beyond_the_clock());
        let advice = format!("{at}, {beyond}; mend the cell or raise future_max");
        // Another row of a group may have given the time.
        match reader.get(row, &mut self.memory.times) {
            Ok(Some(own)) if own.instant() == at => {
                Fault::cell(Problem::Future, column, reader.text.get(row), &format!("is {advice}"))
            }
            _ => Fault { column, ..Fault::new(Problem::Future, format_args!("it occurred at {advice}")) },
        }
    }

    /// Ends a group at the end of the file.
    fn end(&mut self, groups: usize, group: OpenGroup) -> Result<()> {
        let places = std::mem::take(&mut self.places);
        let ended = self.end_with(groups, group, &places);
        self.places = places;
        ended
    }

    /// Makes the events of a group that has ended: all of them, or none and its rows are rejected.
    fn end_with(&mut self, groups: usize, mut group: OpenGroup, places: &[usize]) -> Result<()> {
        if group.bad_row.is_some() {
            return Ok(());
        }
        let plan = Arc::clone(&self.plan);
        let mut events = Vec::new();
        for (slot, member) in group.members.iter_mut().enumerate() {
            let Some(member) = member else { continue };
            let rule = &plan.rules[self.groups[groups].rules[slot]];
            match self.make_grouped(&plan, rule, member, places) {
                Ok(event) => {
                    let rule = self.groups[groups].rules[slot];
                    let is_file_ordered = plan.rules[rule].is_file_ordered();
                    events.push(Made { event, rule, is_file_ordered });
                }
                Err(fault) => {
                    let (row, line) = (member.row, member.line);
                    return self.refuse_group(&fault, &group, row, line);
                }
            }
        }
        for made in events {
            self.push(made).expect("the event was checked");
        }
        Ok(())
    }

    fn make_grouped(
        &mut self,
        plan: &Plan,
        rule: &Rule,
        member: &mut Member,
        places: &[usize],
    ) -> std::result::Result<JourneyEvent, Fault> {
        let first = Row { record: &member.first, places, event_id: "" };
        let id = natural_id(&plan.source, rule, &first)?.expect("a grouped rule has a key");
        let made = make(&plan.source, rule, id, &first, &mut member.gathering, &mut self.memory);
        let event = made.map_err(|fault| fault.of_rule(&rule.name))?;
        match self.outlet.check(&event) {
            Ok(()) => Ok(event),
            Err(fault) => Err(self.explained(fault, rule, &first, event.occurred_at)),
        }
    }
}

impl EventSource for CsvImport {
    fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        self.account.check()?;
        let batch = self.fill();
        self.account.hand_out(batch, self.table.input().bytes_read())
    }

    fn progress(&self) -> Progress {
        Progress { bytes_read: self.table.input().bytes_read(), ..self.account.progress.clone() }
    }
}

/// An event that is about to be handed on.
struct Made {
    event: JourneyEvent,
    /// The rule that made it, by its place in the plan.
    rule: usize,
    is_file_ordered: bool,
}

/// What became of a row.
enum Taken {
    Events,
    /// The reason, if the mapping states one.
    Skipped(Option<Arc<str>>),
}

/// Why a row gave no events.
enum Refusal {
    Fault(Fault),
    Stop(Error),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Stop(error)
    }
}
