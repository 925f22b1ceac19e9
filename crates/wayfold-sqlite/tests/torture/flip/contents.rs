//! Everything that a store answers, to be compared.

use std::collections::BTreeSet;
use std::path::Path;

use pollster::block_on;
use wayfold_block::write_fresh;
use wayfold_core::{CustomerKey, EventBatch, EventView, JourneyEvent, Position, Tag};
use wayfold_sqlite::{CheckReport, Durability, SqliteStore};
use wayfold_store::{
    AppendCondition, AppendOutcome, Checkpoint, CheckpointName, Error, ErrorKind, EventFilter, EventStore,
    EventStoreExt, ReadQuery, Result, ScanPart,
};
use wayfold_testkit::Scratch;

use crate::torture::run;
use crate::torture::script::LANES;

/// How many customers, and how many tags, are asked for; one of them after each damage.
const ASKED: usize = 12;
/// After so many damages, the more costly questions are asked as well.
const SELDOM: usize = 8;
/// After so many damages, everything is read as a fold reads it as well.
const SCANNED: usize = 3;

/// What became of a damaged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It does not open.
    Refused,
    /// A question is answered with an error, the others as before.
    ToldByARead,
    /// Every question is answered as before, and the check says what is damaged.
    ToldByTheCheck,
    /// Everything is as before.
    Harmless,
    /// An answer is another, or an error says nothing.
    Wrong(String),
}

/// The answers of a sound store.
#[derive(Debug)]
pub(crate) struct Contents {
    events: Vec<JourneyEvent>,
    pages: Pages,
    head: Position,
    newest: Pages,
    scanned: Pages,
    of_filters: Vec<(EventFilter, Pages)>,
    checkpoints: Vec<(CheckpointName, Option<Checkpoint>)>,
    report: CheckReport,
}

/// The bytes of what was read, with positions and recording times.
type Pages = Vec<Vec<u8>>;

fn pages<'a>(batches: impl IntoIterator<Item = &'a EventBatch>) -> Pages {
    batches.into_iter().map(|batch| write_fresh(0, batch)).collect()
}

fn read(store: &SqliteStore, filter: &EventFilter) -> Result<Pages> {
    Ok(pages(&block_on(store.read_all(filter.clone()))?))
}

fn newest(store: &SqliteStore) -> Result<Pages> {
    let page = block_on(store.read(ReadQuery::all().backward(), Position::END, 40))?;
    Ok(pages([&page.batch]))
}

/// Everything as a fold reads it, brought into the order of positions.
fn scanned(store: &SqliteStore) -> Result<Pages> {
    let parts = block_on(store.scan(Position::START, usize::MAX, 2))?.read()?;
    // What is read when it is looked at fails then.
    let unread = parts.iter().flat_map(|part| &part.batches).find_map(|batch| batch.check().err());
    if let Some(error) = unread {
        return Err(Error::new(ErrorKind::Corrupt, error));
    }
    let mut views: Vec<_> = parts.iter().flat_map(ScanPart::events).collect();
    views.sort_by_key(EventView::position);
    Ok(pages([&EventBatch::from_views(views)]))
}

fn events(store: &SqliteStore) -> Result<Vec<JourneyEvent>> {
    let batches = block_on(store.read_all(EventFilter::all()))?;
    Ok(batches.iter().flat_map(EventBatch::to_events).collect())
}

impl Contents {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let store = SqliteStore::open_read_only(file, run::sealing())?;
        let events = events(&store)?;
        let customers: BTreeSet<&CustomerKey> = events.iter().map(|event| &event.customer).collect();
        let tags: BTreeSet<&Tag> = events.iter().flat_map(|event| &event.tags).collect();
        let every = |count: usize| (count / ASKED).max(1);
        let of_customers = customers.iter().step_by(every(customers.len()));
        let of_tags = tags.iter().step_by(every(tags.len()));
        let of_customers = of_customers.map(|key| EventFilter::customer((*key).clone()));
        let of_tags = of_tags.map(|tag| EventFilter::all().with_tag((*tag).clone()));
        let of_filters = of_customers
            .chain(of_tags)
            .map(|filter| read(&store, &filter).map(|pages| (filter, pages)))
            .collect::<Result<Vec<_>>>()?;
        let names = (0..LANES).map(|lane| CheckpointName::new(format!("reader {lane}")));
        let checkpoints = names
            .map(|name| name.and_then(|name| Ok((name.clone(), block_on(store.checkpoint(name))?))))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            head: block_on(store.head())?,
            pages: read(&store, &EventFilter::all())?,
            newest: newest(&store)?,
            scanned: scanned(&store)?,
            report: store.check()?,
            events,
            of_filters,
            checkpoints,
        })
    }

    pub(crate) fn report(&self) -> &CheckReport {
        &self.report
    }

    /// Asks everything of a damaged file, but of customers and tags the one whose turn it is. Where a read tells of
    /// the damage, the check is asked now and then only.
    pub(crate) fn find_in(&self, scratch: &Scratch, turn: usize) -> Finding {
        let store = match SqliteStore::open_read_only(scratch.file(), run::sealing()) {
            Ok(store) => store,
            Err(error) if error.to_string().is_empty() => return Finding::Wrong("no message".to_owned()),
            Err(_) => return Finding::Refused,
        };
        let mut asking = Asking { is_told: false, wrong: None };
        asking.compare("events", &self.pages, read(&store, &EventFilter::all()));
        asking.compare("head", &self.head, block_on(store.head()));
        asking.compare("newest events", &self.newest, newest(&store));
        if turn.is_multiple_of(SCANNED) {
            asking.compare("events for a fold", &self.scanned, scanned(&store));
        }
        let (filter, pages) = &self.of_filters[turn % self.of_filters.len()];
        asking.compare("events of a filter", pages, read(&store, filter));
        for (name, checkpoint) in &self.checkpoints {
            asking.compare_checkpoint(checkpoint, block_on(store.checkpoint(name.clone())));
        }
        if asking.is_told && asking.wrong.is_none() && !turn.is_multiple_of(SELDOM) {
            return Finding::ToldByARead;
        }
        let checked = store.check();
        drop(store);
        match (asking, checked) {
            (Asking { wrong: Some((what, is_checkable)), .. }, checked)
                if checked.is_ok() || !is_checkable =>
            {
                Finding::Wrong(format!("{what}; the check says {checked:?}"))
            }
            (Asking { is_told: true, .. }, Err(_)) => Finding::ToldByARead,
            (Asking { is_told: true, .. }, Ok(_)) => {
                Finding::Wrong("the check passes what reads refuse".into())
            }
            (_, Err(_)) => Finding::ToldByTheCheck,
            (_, Ok(report)) if report != self.report => Finding::Wrong(format!("{report:?}")),
            (_, Ok(_)) if turn.is_multiple_of(SELDOM) => self.use_on(scratch),
            (_, Ok(_)) => Finding::Harmless,
        }
    }

    /// What the check passes takes every id for taken, honours conditions, and takes new events.
    fn use_on(&self, scratch: &Scratch) -> Finding {
        let Ok(store) = SqliteStore::open(scratch.file(), run::sealing().with_durability(Durability::Off))
        else {
            // The header says that the file may only be read.
            return Finding::Refused;
        };
        let used = || -> Result<bool> {
            let appended: Vec<JourneyEvent> = self.events.iter().cloned().map(as_appended).collect();
            let again = block_on(store.append(EventBatch::from_events(&appended)?, None))?;
            let places: Vec<Position> = self.events.iter().filter_map(|event| event.position).collect();
            let is_taken = again == AppendOutcome::AlreadyTaken { positions: places };
            let mut new = appended[0].clone();
            new.id = wayfold_core::EventId::from_u128(1);
            let filter = EventFilter::customer(new.customer.clone());
            let condition = Some(AppendCondition { filter, after: Position::START });
            let refused = block_on(store.append(EventBatch::from_events([&new])?, condition))?;
            let is_refused = refused
                == AppendOutcome::Conflict { position: self.events[0].position.unwrap_or(Position::START) };
            let added = block_on(store.append(EventBatch::from_events([&new])?, None))?;
            let is_added = matches!(added, AppendOutcome::Appended { new: 1, .. });
            store.compact()?;
            let mut events = events(&store)?;
            events.pop();
            Ok(is_taken && is_refused && is_added && store.check().is_ok() && events == self.events)
        };
        match used() {
            Ok(true) => Finding::Harmless,
            Ok(false) => Finding::Wrong("it passes the check and goes on wrongly".to_owned()),
            Err(error) => Finding::Wrong(format!("it passes the check and fails later: {error}")),
        }
    }
}

fn as_appended(mut event: JourneyEvent) -> JourneyEvent {
    (event.recorded_at, event.position) = (None, None);
    event
}

/// Goes on after the first error, because each question is answered for itself.
struct Asking {
    is_told: bool,
    /// What was answered otherwise, and whether a check suffices to tell of it.
    wrong: Option<(String, bool)>,
}

impl Asking {
    fn compare<T: PartialEq>(&mut self, what: &str, expected: &T, found: Result<T>) {
        match found {
            Ok(found) if found == *expected => {}
            Ok(_) => self.wrong = Some((format!("{what}: another answer"), false)),
            Err(_) => self.is_told = true,
        }
    }

    /// A row that SQLite cannot find any more looks like one that was never put, which the check alone can tell.
    fn compare_checkpoint(&mut self, expected: &Option<Checkpoint>, found: Result<Option<Checkpoint>>) {
        match found {
            Ok(None) if expected.is_some() && self.wrong.as_ref().is_none_or(|wrong| wrong.1) => {
                self.wrong = Some(("a checkpoint is gone".to_owned(), true));
            }
            found => self.compare("checkpoint", expected, found),
        }
    }
}
