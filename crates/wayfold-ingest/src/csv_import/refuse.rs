//! What becomes of rows that are bad: the import stops, or they are rejected with the groups that they spoil.

use std::sync::Arc;

use csv::StringRecord;

use super::CsvImport;
use crate::error::{Error, Place, Problem, Result};
use crate::groups::{Groups, OpenGroup, RowPlace};
use crate::row::{Fault, Row};

/// A row that is not made of the cells that the header names.
pub(super) struct Unreadable {
    pub(super) error: Error,
    pub(super) record: StringRecord,
}

impl CsvImport {
    /// Refuses a row, and with it the groups that it belongs to.
    pub(super) fn refuse(&mut self, fault: &Fault, row: &Row<'_>, line: u64) -> Result<()> {
        let place = self.at(line);
        let (number, error) = (place.row, self.error(fault, place));
        self.account.refuse(error)?;
        for groups in 0..self.groups.len() {
            if self.may_be_in(groups, row) {
                self.spoil(groups, row, number, line)?;
            }
        }
        Ok(())
    }

    /// Says whether a rule of the groups is about the row, or nobody can tell.
    fn may_be_in(&self, groups: usize, row: &Row<'_>) -> bool {
        let rules = self.groups[groups].rules.iter().map(|rule| &self.plan.rules[*rule]);
        rules.into_iter().any(|rule| rule.when.holds(row).unwrap_or(true))
    }

    /// Rejects the rows that a bad row shares its group with, and those that are still to come.
    fn spoil(&mut self, groups: usize, row: &Row<'_>, number: u64, line: u64) -> Result<()> {
        if self.groups[groups].has_no_key(row) {
            return Ok(());
        }
        let plan = Arc::clone(&self.plan);
        let place = RowPlace { file: &self.account.progress.file, row: number, line };
        let group = self.groups[groups].open(place, &plan)?;
        if group.bad_row.is_some() {
            return Ok(());
        }
        group.bad_row = Some(number);
        let rows = std::mem::take(&mut group.rows);
        group.members.iter_mut().for_each(|member| *member = None);
        self.reject_rest(&rows, number)
    }

    fn reject_rest(&mut self, rows: &[(u64, u64)], bad_row: u64) -> Result<()> {
        for (row, line) in rows.iter().filter(|(row, _)| *row != bad_row) {
            let place = RowPlace { file: &self.account.progress.file, row: *row, line: *line };
            let error = self.error(&group_fault(bad_row), place);
            self.account.refuse(error)?;
        }
        Ok(())
    }

    /// Rejects a group whose event breaks a rule.
    pub(super) fn refuse_group(
        &mut self,
        fault: &Fault,
        group: &OpenGroup,
        row: u64,
        line: u64,
    ) -> Result<()> {
        let error = self.error(fault, RowPlace { file: &self.account.progress.file, row, line });
        self.account.refuse(error)?;
        self.reject_rest(&group.rows, row)
    }

    /// Refuses a row that has no cells to tell its group by, if it might be in one.
    pub(super) fn refuse_unreadable(&mut self, unreadable: Unreadable, line: u64) -> Result<()> {
        let Unreadable { error, record } = unreadable;
        self.account.refuse(error)?;
        let places = std::mem::take(&mut self.places);
        let is_known = |groups: &Groups| {
            let columns = groups.key_texts().iter().filter_map(|text| text.column_id());
            columns.into_iter().all(|column| {
                let cell = record.get(places[column.0]);
                cell.is_some_and(|cell| !cell.contains(char::REPLACEMENT_CHARACTER))
            })
        };
        if !self.groups.iter().all(is_known) {
            let reason = "the row cannot be read up to the key of its group, so nobody can tell which group lacks \
                          it; mend the row first";
            self.places = places;
            return Err(Error::bad_row(Problem::Group, self.at(line).to_place(), reason));
        }
        // A short row lacks cells; those of the key are there.
        let number = self.table.row();
        let row = Row { record: &record, places: &places, event_id: "" };
        for groups in 0..self.groups.len() {
            for ended in self.groups[groups].advance(&row, number) {
                self.end_with(groups, ended, &places)?;
            }
            self.spoil(groups, &row, number, line)?;
        }
        self.places = places;
        Ok(())
    }

    fn error(&self, fault: &Fault, place: RowPlace<'_>) -> Error {
        let column = fault.column.map(|column| self.plan.columns.name(column).to_owned());
        let place = Place { column, value: fault.value.clone(), ..place.to_place() };
        Error::bad_row(fault.problem, place, &fault.reason)
    }
}

/// What is wrong with the other rows of a group.
pub(super) fn group_fault(bad_row: u64) -> Fault {
    Fault::new(Problem::Group, format_args!("row {bad_row} of its group is bad; mend that row"))
}
