//! Orders, lines and tags, and what the fold reads of them.

use std::cell::OnceCell;

use super::{Importer, bad, check_instants, names};
use crate::batch::columns::{Columns, Indexed, LineColumns, LineFacts, OrderFacts};
use crate::error::{Error, Result};
use crate::event::{LineNumbers, margin_of};
use crate::key::{NAME_BYTES_MAX, Tag};
use crate::time::Timestamp;

impl Importer<'_> {
    /// The first line and the number of lines of each row that has any.
    pub(super) fn line_ranges(&mut self) -> Result<Indexed<(u32, u32)>> {
        let (rows, counts) = self.some_integers(names::LINE_COUNT, self.rows)?.into_parts();
        let (mut ranges, mut next) = (Vec::with_capacity(counts.len()), 0_u32);
        for lines in counts {
            let number = u32::try_from(lines).ok().filter(|number| *number > 0);
            let end = number.and_then(|number| next.checked_add(number)).ok_or_else(other_lines)?;
            ranges.push((next, end - next));
            next = end;
        }
        Ok(Indexed::from_parts(&rows, ranges))
    }

    pub(super) fn lines(&mut self, lines: &mut LineColumns) -> Result<()> {
        lines.product = self.table_texts(names::LINE_PRODUCT)?;
        for product in &lines.product {
            if self.texts.get(*product).is_empty() {
                return Err(bad(names::LINE_PRODUCT, "a line names no product"));
            }
        }
        lines.quantity = self.table_integers(names::LINE_QUANTITY)?;
        let count = lines.product.len();
        if lines.quantity.len() != count {
            return Err(bad(names::LINE_QUANTITY, "it is not as long as the products"));
        }
        lines.list = self.line_prices(names::LINE_LIST, count)?;
        lines.paid = self.line_prices(names::LINE_PAID, count)?;
        lines.cost = self.line_prices(names::LINE_COST, count)?;
        let counted = lines.ranges.last().map_or(0, |(first, lines)| first + lines);
        if counted as usize == count { Ok(()) } else { Err(other_lines()) }
    }

    fn line_prices(&mut self, name: &str, lines: usize) -> Result<Vec<Option<i64>>> {
        let mut prices = vec![None; lines];
        for (line, price) in self.some_integers(name, lines)?.iter() {
            prices[line as usize] = Some(price);
        }
        Ok(prices)
    }

    pub(super) fn tags(&mut self, to: &mut Columns) -> Result<()> {
        to.tags = self.table_texts(names::TAGS)?;
        // A text is looked at once, however many events have it.
        let mut checked = vec![false; self.texts.len()];
        for number in &to.tags {
            let tag = self.texts.get(*number);
            let checked = &mut checked[*number as usize];
            if !*checked && !Tag::is_well_formed(tag) {
                return Err(bad(names::TAGS, format_args!("{tag:?} is no tag")));
            }
            *checked = true;
        }
        let counts: Vec<u32> = self.every_or_zero(names::TAG_COUNT, 0..=u32::MAX.into())?;
        let mut end = 0_u32;
        for count in counts {
            let wrong = || bad(names::TAG_COUNT, "it counts other tags than there are");
            end = end.checked_add(count).filter(|end| *end as usize <= to.tags.len()).ok_or_else(wrong)?;
            to.tag_ends.push(end);
        }
        if end as usize != to.tags.len() {
            return Err(bad(names::TAG_COUNT, "it counts other tags than there are"));
        }
        Ok(())
    }

    /// What the fold reads; orders and margins stand beside the tags and lines that they come from, so that a fold
    /// needs neither.
    pub(super) fn facts(&mut self, lines: &Indexed<(u32, u32)>) -> Result<Indexed<OrderFacts>> {
        let orders = self.some_texts(names::ORDER)?;
        let is_order = |text: &str| text.starts_with("order:") && text.len() <= NAME_BYTES_MAX;
        if let Some((row, _)) = orders.iter().find(|(_, number)| !is_order(self.texts.get(*number))) {
            return Err(other_order(row));
        }
        let amounts = self.moneys(names::AMOUNT, names::AMOUNT_CURRENCY)?;
        let promises = self.some_integers(names::PROMISED_AT, self.rows)?;
        let margins = self.some_integers(names::LINE_MARGIN, self.rows)?;
        check_instants(names::PROMISED_AT, promises.values())?;
        let of_lines: Vec<u32> = lines.iter().map(|(row, _)| row).collect();
        let lists = [orders.rows(), amounts.rows(), promises.rows(), &of_lines];
        let mut facts = Indexed::of_rows(lists, OrderFacts::NONE);
        let places = OnceCell::new();
        facts
            .change_each(&places, orders.rows(), orders.values(), |facts, number| facts.order = Some(number));
        facts.change_each(&places, amounts.rows(), amounts.values(), |facts, money| {
            facts.amount = Some(money);
        });
        facts.change_each(&places, promises.rows(), promises.values(), |facts, micros| {
            facts.promised_at = Some(Timestamp::trusted(micros));
        });
        facts.change_each(&places, &of_lines, &of_lines, |facts, _| {
            facts.lines = Some(LineFacts { margin: None });
        });
        if margins.rows().iter().any(|row| lines.get(*row).is_none()) {
            return Err(bad(names::LINE_MARGIN, "a row without lines has a margin"));
        }
        facts.change_each(&places, margins.rows(), margins.values(), |facts, margin| {
            facts.lines = Some(LineFacts { margin: Some(margin) });
        });
        Ok(facts)
    }

    /// Checks what the fold reads against the tags and lines that it comes from.
    pub(super) fn check_facts(&self, of: &Columns) -> Result<()> {
        let is_order = self.order_tags(of);
        for row in 0..self.rows {
            let facts = of.facts.get(row as u32).unwrap_or(&OrderFacts::NONE);
            self.check_order(of, row, facts.order, &is_order)?;
            check_margin(&of.lines, row, facts)?;
        }
        Ok(())
    }

    /// Which texts are tags of type order; a text is looked at once, however many events have it.
    fn order_tags(&self, of: &Columns) -> Vec<bool> {
        let mut is_order = vec![None; self.texts.len()];
        for number in &of.tags {
            is_order[*number as usize].get_or_insert_with(|| self.texts.get(*number).starts_with("order:"));
        }
        is_order.into_iter().map(|is_order| is_order == Some(true)).collect()
    }

    /// Checks that the tags of a row grow, and that its order is the one of type order.
    fn check_order(&self, of: &Columns, row: usize, order: Option<u32>, is_order: &[bool]) -> Result<()> {
        let tags = of.tags_of(row);
        let text = |number: &u32| self.texts.get(*number);
        if !tags.is_sorted_by(|a, b| text(a) < text(b)) {
            return Err(bad(names::TAGS, format_args!("the tags of row {row} do not grow")));
        }
        let mut orders = tags.iter().filter(|number| is_order[**number as usize]);
        let one = orders.next().filter(|_| orders.next().is_none());
        if one.map(text) == order.as_ref().map(text) {
            return Ok(());
        }
        Err(other_order(row as u32))
    }
}

fn other_order(row: u32) -> Error {
    bad(names::ORDER, format_args!("row {row} has another than its one tag of type order"))
}

fn other_lines() -> Error {
    bad(names::LINE_COUNT, "it counts other lines than there are")
}

/// Checks that the margin of a row is that of its lines.
fn check_margin(lines: &LineColumns, row: usize, facts: &OrderFacts) -> Result<()> {
    let Some(stated) = facts.lines else { return Ok(()) };
    let (first, count) = lines.ranges.get(row as u32).copied().unwrap_or_default();
    let numbers = (first as usize..(first + count) as usize).map(|line| LineNumbers {
        quantity: lines.quantity[line],
        list: lines.list[line],
        paid: lines.paid[line],
        cost: lines.cost[line],
    });
    match margin_of(numbers) {
        Some(margin) if margin == stated.margin => Ok(()),
        Some(_) => Err(bad(names::LINE_MARGIN, format_args!("row {row} has another than that of its lines"))),
        None => Err(bad(names::LINE_QUANTITY, format_args!("the lines of row {row} are worth over 64 bits"))),
    }
}
