//! How events of sealed blocks are found: by id, customer, tag, or one after the other.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use wayfold_block::{Directory, Lookup, PartKind};
use wayfold_core::{EventBatch, EventKind, EventView, Stage, Upcasters};
use wayfold_store::{EventFilter, KindFilter, Result};

use crate::error::{number, position};
use crate::sealed::{Block, Manifest, Page};
use crate::state::SharedState;

/// How many pages and parts of directories one call keeps before it forgets them.
const KEPT_MAX: usize = 512;

/// Events of a block, in the order of their positions.
#[derive(Debug)]
pub(crate) struct Opened {
    block: u64,
    pages: Vec<Page>,
    /// The number of each event, its page, and its row there.
    rows: Vec<(u64, u32, u32)>,
}

impl Opened {
    fn new(block: u64, pages: Vec<Page>) -> Self {
        let mut rows = Vec::new();
        for (place, page) in pages.iter().enumerate() {
            for (row, event) in page.batch.iter().enumerate() {
                rows.push((event.position().map_or(0, number), place as u32, row as u32));
            }
        }
        rows.sort_unstable();
        Self { block, pages, rows }
    }

    /// Its pages; all pages of the block in their order where it was opened whole.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter()
    }

    /// The events after one number and before another: number, page and row of each.
    pub(crate) fn between(
        &self,
        after: u64,
        before: u64,
    ) -> impl DoubleEndedIterator<Item = (u64, &Page, usize)> {
        let start = self.rows.partition_point(|row| row.0 <= after);
        let end = self.rows.partition_point(|row| row.0 < before);
        let rows = self.rows[start..end.max(start)].iter();
        rows.map(|(number, page, row)| (*number, &self.pages[*page as usize], *row as usize))
    }
}

/// The block that was last read from one end to the other: whoever reads in the order of positions comes back to it
/// page by page.
#[derive(Debug, Default)]
pub(crate) struct LastOpened(Mutex<Option<Arc<Opened>>>);

/// The sealed blocks of a transaction.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    connection: &'a Connection,
    manifest: &'a Manifest,
    shared: &'a SharedState,
    pages: RefCell<HashMap<(u64, u32), Page>>,
    directories: RefCell<HashMap<(u64, PartKind, u32), Rc<Directory>>>,
}

impl<'a> Archive<'a> {
    pub(crate) fn new(connection: &'a Connection, manifest: &'a Manifest, shared: &'a SharedState) -> Self {
        let (pages, directories) = (RefCell::default(), RefCell::default());
        Self { connection, manifest, shared, pages, directories }
    }

    pub(crate) fn upcasters(&self) -> &'a Upcasters {
        self.shared.upcasters()
    }

    pub(crate) fn manifest(&self) -> &'a Manifest {
        self.manifest
    }

    fn page(&self, block: &Block, number: u32) -> Result<Page> {
        let key = (block.header.number(), number);
        if let Some(page) = self.pages.borrow().get(&key) {
            return Ok(page.clone());
        }
        let page = block.page(self.connection, number)?;
        let mut pages = self.pages.borrow_mut();
        if pages.len() >= KEPT_MAX {
            pages.clear();
        }
        pages.insert(key, page.clone());
        Ok(page)
    }

    fn directory(&self, block: &Block, kind: PartKind, number: u32) -> Result<Rc<Directory>> {
        let key = (block.header.number(), kind, number);
        if let Some(directory) = self.directories.borrow().get(&key) {
            return Ok(directory.clone());
        }
        let directory = Rc::new(block.directory(self.connection, kind, number)?);
        let mut directories = self.directories.borrow_mut();
        if directories.len() >= KEPT_MAX {
            directories.clear();
        }
        directories.insert(key, directory.clone());
        Ok(directory)
    }

    /// Says of each lookup whether a block may hold it. A block is asked for all of them at once, so that memory is not
    /// waited for one by one.
    pub(crate) fn may_hold(&self, lookups: &[Lookup]) -> Result<Vec<bool>> {
        let mut found = vec![false; lookups.len()];
        for block in &self.manifest.blocks {
            let filter = block.filter(self.connection)?;
            found.iter_mut().zip(lookups).for_each(|(found, lookup)| *found |= filter.may_hold(*lookup));
        }
        Ok(found)
    }

    /// The event with the tenant and id of another event: its number, page and row.
    pub(crate) fn find(&self, event: &EventView<'_>) -> Result<Option<(u64, EventBatch, usize)>> {
        let lookup = Lookup::id(event.customer_texts().0, event.id());
        for block in self.manifest.blocks.iter().rev() {
            if !block.filter(self.connection)?.may_hold(lookup) {
                continue;
            }
            if let Some(found) = self.find_in(block, lookup, event)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The same in one block, by its directory.
    pub(crate) fn find_in(
        &self,
        block: &Block,
        lookup: Lookup,
        event: &EventView<'_>,
    ) -> Result<Option<(u64, EventBatch, usize)>> {
        let named = (event.customer_texts().0, event.id());
        for part in block.header.id_parts(lookup) {
            let directory = self.directory(block, PartKind::Ids, part)?;
            for number in directory.pages_of(lookup) {
                let Page { batch, .. } = self.page(block, number)?;
                let is_it = |known: EventView<'_>| (known.customer_texts().0, known.id()) == named;
                let row = batch.iter().position(is_it);
                if let Some(row) = row {
                    let place = batch.event(row).position().map_or(0, crate::error::number);
                    return Ok(Some((place, batch, row)));
                }
            }
        }
        Ok(None)
    }

    /// Says whether a customer leads to a page on which it stands.
    pub(crate) fn lists_customer(&self, block: &Block, page: u32, customer: Lookup) -> Result<bool> {
        Ok(block.header.pages_of_customer(customer).contains(&page)
            && block.filter(self.connection)?.may_hold(customer))
    }

    /// Says whether an id or a tag leads to a page on which it stands.
    pub(crate) fn lists(&self, block: &Block, kind: PartKind, page: u32, lookup: Lookup) -> Result<bool> {
        if !block.filter(self.connection)?.may_hold(lookup) {
            return Ok(false);
        }
        let mut parts = match kind {
            PartKind::Tags => block.header.tag_parts(lookup),
            _ => block.header.id_parts(lookup),
        };
        let lists = |part| Ok(self.directory(block, kind, part)?.pages_of(lookup).any(|found| found == page));
        let found = parts.find_map(|part| lists(part).map(|is_in| is_in.then_some(true)).transpose());
        found.unwrap_or(Ok(false))
    }

    /// The first event of a set after a number, leaving aside those that `own` names.
    pub(crate) fn first_match(
        &self,
        filter: &EventFilter,
        after: u64,
        own: impl Fn(u64) -> bool,
    ) -> Result<Option<u64>> {
        let lookups: Vec<_> = lookups(filter).collect();
        for block in self.manifest.between(after, u64::MAX) {
            if filter.is_all() {
                // Whatever stands there is in the set.
                if let Some(found) = (block.first.max(after + 1)..=block.last).find(|number| !own(*number)) {
                    return Ok(Some(found));
                }
                continue;
            }
            if !may_hold(block, filter, &lookups, after) {
                continue;
            }
            let Some(opened) = self.open_pages(block, filter)? else { continue };
            for (number, page, row) in opened.between(after, u64::MAX) {
                if filter.matches(&page.today(self.upcasters())?.event(row)) && !own(number) {
                    return Ok(Some(number));
                }
            }
        }
        Ok(None)
    }

    /// Opens the pages of a block on which events of a set may stand; `None` if surely none stands after a number.
    pub(crate) fn open(
        &self,
        block: &Block,
        filter: &EventFilter,
        after: u64,
    ) -> Result<Option<Arc<Opened>>> {
        match may_hold(block, filter, &lookups(filter).collect::<Vec<_>>(), after) {
            true => self.open_pages(block, filter),
            false => Ok(None),
        }
    }

    /// The same, whatever is known in memory.
    fn open_pages(&self, block: &Block, filter: &EventFilter) -> Result<Option<Arc<Opened>>> {
        let Some(numbers) = self.pages_of(block, filter)? else { return self.open_all(block).map(Some) };
        if numbers.is_empty() {
            return Ok(None);
        }
        let pages = numbers.into_iter().map(|number| self.page(block, number)).collect::<Result<_>>()?;
        Ok(Some(Arc::new(Opened::new(block.header.number(), pages))))
    }

    /// The pages on which events of a set may stand; `None` for all.
    fn pages_of(&self, block: &Block, filter: &EventFilter) -> Result<Option<BTreeSet<u32>>> {
        if let Some(key) = &filter.customer {
            let lookup = Lookup::customer(key.tenant.as_str(), key.customer.as_str());
            return Ok(Some(block.header.pages_of_customer(lookup).collect()));
        }
        let Some(tag) = filter.tags.first() else { return Ok(None) };
        let lookup = Lookup::tag(tag.as_str());
        let mut pages = BTreeSet::new();
        for part in block.header.tag_parts(lookup) {
            pages.extend(self.directory(block, PartKind::Tags, part)?.pages_of(lookup));
        }
        Ok(Some(pages))
    }

    /// Opens a whole block, or takes it as it was opened last.
    pub(crate) fn open_all(&self, block: &Block) -> Result<Arc<Opened>> {
        let number = block.header.number();
        let last = self.shared.last_opened.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(opened) = last.filter(|opened| opened.block == number) {
            return Ok(opened);
        }
        let pages = (0..block.header.pages()).map(|page| block.page(self.connection, page));
        let opened = Arc::new(Opened::new(number, pages.collect::<Result<_>>()?));
        let expected = block.first..=block.last;
        if !opened.rows.iter().map(|row| row.0).eq(expected.clone()) {
            let (found, mut numbers) = (&opened.rows, expected.enumerate());
            let gap = numbers.find(|(place, number)| found.get(*place).map(|row| row.0) != Some(*number));
            let gap = gap.map_or(block.last, |(_, number)| number);
            return Err(block.corrupt(format_args!("position {} is missing or doubled", position(gap))));
        }
        *self.shared.last_opened.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened.clone());
        Ok(opened)
    }
}

/// What all events of a set have in common, as it is looked up.
pub(crate) fn lookups(filter: &EventFilter) -> impl Iterator<Item = Lookup> {
    let customer = filter.customer.as_ref();
    let customer = customer.map(|key| Lookup::customer(key.tenant.as_str(), key.customer.as_str()));
    let tags = filter.tags.iter().map(|tag| Lookup::tag(tag.as_str()));
    customer.into_iter().chain(tags)
}

/// Says whether an event of a set, which has these in common, may stand in a block after a number, by what is known in
/// memory.
pub(crate) fn may_hold(block: &Block, filter: &EventFilter, lookups: &[Lookup], after: u64) -> bool {
    let is_meant = |name: &str| filter.kinds.iter().any(|kind| may_mean(kind, name));
    if !filter.kinds.is_empty() && !block.header.may_hold_kind(position(after), is_meant) {
        return false;
    }
    block.known_filter().is_none_or(|known| lookups.iter().all(|lookup| known.may_hold(*lookup)))
}

/// Says whether events that a block lists under this name may be meant.
///
/// A name is that of the event as it was sealed, and what is meant is looked for in today's shape: an event of a
/// version that was unknown then stands under the bare name of its sort.
fn may_mean(filter: &KindFilter, name: &str) -> bool {
    match filter {
        // Unknown kinds have names of their own.
        KindFilter::Kind(EventKind::Unknown) => true,
        KindFilter::Kind(kind) if kind.is_custom() => name == "custom" || name.starts_with("custom:"),
        KindFilter::Kind(kind) => kind.name() == name,
        KindFilter::Custom(custom) => match name.strip_prefix("custom:") {
            Some(known) => known == custom.as_str() || is_stored_for_stage(known),
            None => name == "custom",
        },
    }
}

/// Says whether batches store custom events of a stage under this name: whoever did not know the stage sealed any of
/// them under it.
fn is_stored_for_stage(name: &str) -> bool {
    let is_it = |kind: &EventKind| kind.stage().map_or("neutral", Stage::as_str) == name;
    EventKind::ALL.iter().filter(|kind| kind.is_custom()).any(is_it)
}

#[cfg(test)]
mod tests {
    use wayfold_core::CustomKind;

    use super::*;

    #[test]
    fn a_name_is_passed_over_only_if_no_program_can_lift_its_events_to_what_is_meant() {
        let visited = KindFilter::Custom(CustomKind::new("visited").unwrap());
        let decides = KindFilter::Kind(EventKind::CustomDecision);
        let unknown = KindFilter::Kind(EventKind::Unknown);
        let needs = KindFilter::Kind(EventKind::NeedIdentified);
        for (name, expected) in [
            ("custom:visited", [true, true, true, false]),
            ("custom:seen", [false, true, true, false]),
            ("custom", [true, true, true, false]),
            ("custom:after_sales", [true, true, true, false]),
            ("custom:neutral", [true, true, true, false]),
            ("need_identified", [false, false, true, true]),
            ("visited", [false, false, true, false]),
        ] {
            let found = [&visited, &decides, &unknown, &needs].map(|filter| may_mean(filter, name));
            assert_eq!(found, expected, "{name}");
        }
    }
}
