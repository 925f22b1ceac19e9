//! Orders, lines and tags, and what the fold reads of them.

use super::{Importer, bad, check_instants, names};
use crate::batch::columns::{Columns, Indexed, LineColumns, LineFacts, OrderFacts};
use crate::error::Result;
use crate::event::{LineNumbers, margin_of};
use crate::key::Tag;
use crate::time::Timestamp;

impl Importer<'_> {
    pub(super) fn lines(&mut self) -> Result<LineColumns> {
        let product = self.table_texts(names::LINE_PRODUCT)?;
        let mut lines = LineColumns { product, ..LineColumns::default() };
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
        let mut next = 0_u32;
        for (row, lines_of_row) in self.some_integers(names::LINE_COUNT, self.rows)? {
            let number = u32::try_from(lines_of_row).ok().filter(|number| *number > 0);
            let end = number.and_then(|number| next.checked_add(number)).filter(|end| *end as usize <= count);
            let end = end.ok_or_else(|| bad(names::LINE_COUNT, "it counts other lines than there are"))?;
            lines.ranges.push(row, (next, end - next));
            next = end;
        }
        if next as usize != count {
            return Err(bad(names::LINE_COUNT, "it counts other lines than there are"));
        }
        Ok(lines)
    }

    fn line_prices(&mut self, name: &str, lines: usize) -> Result<Vec<Option<i64>>> {
        let mut prices = vec![None; lines];
        for (line, price) in self.some_integers(name, lines)? {
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
        let counts = self.every_or_zero(names::TAG_COUNT, |_: &u32| true)?;
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
    pub(super) fn facts(&mut self, of: &Columns) -> Result<Indexed<OrderFacts>> {
        let mut facts = vec![OrderFacts::default(); self.rows];
        for (row, number) in self.some_texts(names::ORDER)? {
            facts[row as usize].order = Some(number);
        }
        for (row, money) in self.moneys(names::AMOUNT, names::AMOUNT_CURRENCY)? {
            facts[row as usize].amount = Some(money);
        }
        for (row, micros) in self.some_integers(names::PROMISED_AT, self.rows)? {
            check_instants(names::PROMISED_AT, &[micros])?;
            facts[row as usize].promised_at = Some(Timestamp::trusted(micros));
        }
        for (row, fact) in facts.iter_mut().enumerate() {
            if of.lines.ranges.get(row as u32).is_some() {
                fact.lines = Some(LineFacts { margin: None });
            }
        }
        for (row, margin) in self.some_integers(names::LINE_MARGIN, self.rows)? {
            let lines = facts[row as usize].lines.as_mut();
            lines.ok_or_else(|| bad(names::LINE_MARGIN, "a row without lines has a margin"))?.margin =
                Some(margin);
        }
        let is_order = self.order_tags(of);
        let mut found = Indexed::default();
        for (row, fact) in facts.into_iter().enumerate() {
            self.check_order(of, row, fact.order, &is_order)?;
            if fact != OrderFacts::default() {
                check_margin(&of.lines, row, &fact)?;
                found.push(row as u32, fact);
            }
        }
        Ok(found)
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
        Err(bad(names::ORDER, format_args!("row {row} has another than its one tag of type order")))
    }
}

/// Checks that the margin of a row is that of its lines.
fn check_margin(lines: &LineColumns, row: usize, facts: &OrderFacts) -> Result<()> {
    let Some(stated) = facts.lines else { return Ok(()) };
    let (first, count) = lines.ranges.get(row as u32).unwrap_or_default();
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
