//! Groups: rows that make one event together, held open until their group ends.

use std::collections::{HashMap, HashSet, VecDeque};

use csv::StringRecord;
use wayfold_core::EventId;

use crate::error::{Error, ErrorKind, Place};
use crate::make::Gathering;
use crate::mapping::{Group, Plan, Text};
use crate::row::Row;

/// The groups of the rules that group rows in the same way, so that a row is in all of them or in none.
#[derive(Debug)]
pub(crate) struct Groups {
    how: Group,
    /// The rules, by their places in the plan.
    pub(crate) rules: Vec<usize>,
    /// The group of the last row: rows of one group most often follow each other.
    current: Option<OpenGroup>,
    /// The other open groups by key.
    waiting: HashMap<String, OpenGroup>,
    /// The groups of adjacent rows in the order in which they end, each with its last row at that time.
    ends: VecDeque<(u64, String)>,
    /// Digests of the keys of ended groups of adjacent rows.
    ended: HashSet<u128>,
    open_rows: u64,
    key: String,
}

/// A group that may get more rows.
#[derive(Debug)]
pub(crate) struct OpenGroup {
    key: String,
    digest: u128,
    first_row: u64,
    last_row: u64,
    row_count: u64,
    /// Row and line of each row, where bad rows are rejected and not an end.
    pub(crate) rows: Vec<(u64, u64)>,
    /// The bad row because of which the group is rejected.
    pub(crate) bad_row: Option<u64>,
    /// What the rows gave to each of the rules.
    pub(crate) members: Vec<Option<Member>>,
}

/// What the rows of a group gave to one rule.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) first: StringRecord,
    pub(crate) row: u64,
    pub(crate) line: u64,
    pub(crate) gathering: Gathering,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowPlace<'a> {
    pub(crate) file: &'a str,
    pub(crate) row: u64,
    pub(crate) line: u64,
}

impl RowPlace<'_> {
    pub(crate) fn to_place(self) -> Place {
        Place { row: Some(self.row), ..Place::line(self.file, self.line) }
    }
}

impl Groups {
    /// One for each way in which the rules of a plan group rows.
    pub(crate) fn of(plan: &Plan) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (number, rule) in plan.rules.iter().enumerate() {
            let Some(how) = &rule.group else { continue };
            match all.iter_mut().find(|groups| groups.how == *how) {
                Some(groups) => groups.rules.push(number),
                None => all.push(Self::new(how.clone(), number)),
            }
        }
        all
    }

    fn new(how: Group, rule: usize) -> Self {
        Self {
            how,
            rules: vec![rule],
            current: None,
            waiting: HashMap::new(),
            ends: VecDeque::new(),
            ended: HashSet::new(),
            open_rows: 0,
            key: String::new(),
        }
    }

    /// Takes note of a row, whatever it is, and gives the groups that end before it.
    pub(crate) fn advance(&mut self, row: &Row<'_>, number: u64) -> Vec<OpenGroup> {
        self.read_key(row);
        let is_current = self.current.as_ref().is_some_and(|group| group.key == self.key);
        if !is_current && let Some(group) = self.waiting.remove(&self.key) {
            self.put_aside();
            self.current = Some(group);
        }
        if let Some(group) = self.current.as_mut().filter(|group| group.key == self.key) {
            group.last_row = number;
        }
        match self.how.window {
            None => Vec::new(),
            Some(window) => self.end_before(number.saturating_sub(window)),
        }
    }

    fn read_key(&mut self, row: &Row<'_>) {
        self.key.clear();
        if let [text] = self.how.by.as_slice() {
            self.key.push_str(text.get(row));
            return;
        }
        for text in &self.how.by {
            let part = text.get(row);
            // Each part is preceded by its length, so that parts do not run into each other.
            self.key.push_str(&part.len().to_string());
            self.key.push(':');
            self.key.push_str(part);
        }
    }

    fn put_aside(&mut self) {
        if let Some(group) = self.current.take() {
            if self.how.window.is_some() {
                self.ends.push_back((group.last_row, group.key.clone()));
            }
            self.waiting.insert(group.key.clone(), group);
        }
    }

    /// Ends the groups of adjacent rows whose last row lies before `oldest`.
    fn end_before(&mut self, oldest: u64) -> Vec<OpenGroup> {
        let mut ended = Vec::new();
        while let Some((last_row, key)) = self.ends.front().filter(|(last_row, _)| *last_row < oldest) {
            // A group that got rows since was put aside again, with an end of its own.
            let is_over = self.waiting.get(key).is_some_and(|group| group.last_row == *last_row);
            if is_over && let Some(group) = self.waiting.remove(key) {
                ended.push(group);
            }
            self.ends.pop_front();
        }
        if self.current.as_ref().is_some_and(|group| group.last_row < oldest) {
            ended.extend(self.current.take());
        }
        for group in &ended {
            self.forget(group);
        }
        ended
    }

    fn forget(&mut self, group: &OpenGroup) {
        self.open_rows -= group.row_count;
        if self.how.window.is_some() {
            self.ended.insert(group.digest);
        }
    }

    /// Ends every group, in the order of their first rows.
    pub(crate) fn end_all(&mut self) -> Vec<OpenGroup> {
        self.put_aside();
        let mut ended: Vec<OpenGroup> = self.waiting.drain().map(|(_, group)| group).collect();
        ended.sort_unstable_by_key(|group| group.first_row);
        ended
    }

    /// The group of the row that was noted last; it is opened if need be.
    pub(crate) fn open(&mut self, place: RowPlace<'_>, plan: &Plan) -> Result<&mut OpenGroup, Error> {
        let is_current = self.current.as_ref().is_some_and(|group| group.key == self.key);
        if !is_current {
            self.put_aside();
            self.current = Some(self.begin(place, plan)?);
        }
        Ok(self.current.as_mut().expect("the group was opened"))
    }

    fn begin(&self, place: RowPlace<'_>, plan: &Plan) -> Result<OpenGroup, Error> {
        let digest = EventId::from_natural_key("", "", &[&self.key]).as_u128();
        if self.ended.contains(&digest) {
            return Err(Error::new(
                ErrorKind::NotAdjacent,
                place.to_place(),
                format_args!(
                    "the group {} had ended before this row; sort the file by {}, raise \"window\", or say \
                     adjacent = false",
                    crate::error::shown(&self.key),
                    self.by(plan)
                ),
            ));
        }
        Ok(OpenGroup {
            key: self.key.clone(),
            digest,
            first_row: place.row,
            last_row: place.row,
            row_count: 0,
            rows: Vec::new(),
            bad_row: None,
            members: self.rules.iter().map(|_| None).collect(),
        })
    }

    /// Counts a row that was added to the open group.
    pub(crate) fn count(&mut self, place: RowPlace<'_>, plan: &Plan) -> Result<(), Error> {
        let group = self.current.as_mut().expect("rows are added to the group of the last row");
        group.row_count += 1;
        self.open_rows += 1;
        if self.open_rows <= self.how.max_open {
            return Ok(());
        }
        let (open, most, by) = (self.open_rows, self.how.max_open, self.by(plan));
        let advice = match self.how.window {
            None => format!("sort the file by {by} and say adjacent = true, or raise \"max_open\""),
            Some(_) => format!("lower \"window\", raise \"max_open\", or look whether {by} is the right key"),
        };
        let reason = format!("{open} rows wait for their groups to end, and at most {most} may; {advice}");
        Err(Error::new(ErrorKind::TooManyOpenRows, place.to_place(), reason))
    }

    /// The columns of the key, for messages.
    fn by(&self, plan: &Plan) -> String {
        let columns = self.how.by.iter().filter_map(Text::column_id).map(|column| plan.columns.name(column));
        columns.collect::<Vec<_>>().join(", ")
    }

    /// Says whether the key of the row that was noted last is empty.
    pub(crate) fn has_no_key(&self, row: &Row<'_>) -> bool {
        self.how.by.iter().all(|text| text.get(row).is_empty())
    }

    /// The first text of the key, for messages.
    pub(crate) fn first_key(&self) -> &Text {
        &self.how.by[0]
    }

    /// The columns that make the key.
    pub(crate) fn key_texts(&self) -> &[Text] {
        &self.how.by
    }
}
