//! A log of which something cannot be read when it is looked at: whoever looks gets an error, and others do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pollster::block_on;
use wayfold::bodies::Registered;
use wayfold::store::{
    AppendCondition, BoxFuture, Capabilities, Checkpoint, CheckpointName, ReadPage, Result, Scan,
};
use wayfold::{
    AppendOutcome, Builder, CustomerKey, ErrorKind, EventBatch, EventId, EventStore, JourneyEvent,
    MemoryStore, Position, ReadQuery, Rules, Timestamp, fold_alone,
};
use wayfold_core::bodies::SurveyAnswered;
use wayfold_core::{ColumnGroup, ColumnSource, EventBody, Instrument, RawBatch, RawColumn};
use wayfold_testkit::answer_a::AnswerA;

/// Hands over for a fold what a fold reads of every event, and nothing else can be read while it is told so.
#[derive(Debug)]
struct Unreadable {
    inner: MemoryStore,
    is_cut: Arc<AtomicBool>,
    lanes_max: usize,
}

#[derive(Debug)]
struct Nothing;

impl ColumnSource for Nothing {
    fn id(&self, row: usize) -> wayfold_core::Result<u128> {
        Ok(row as u128)
    }

    fn recorded(&self) -> wayfold_core::Result<Vec<RawColumn<'_>>> {
        Err(wayfold_core::Error::malformed("the bytes end too early"))
    }

    fn numbers(&self) -> wayfold_core::Result<Vec<RawColumn<'_>>> {
        Err(wayfold_core::Error::malformed("the bytes end too early"))
    }

    fn labels(&self) -> wayfold_core::Result<RawBatch<'_>> {
        Err(wayfold_core::Error::malformed("the bytes end too early"))
    }

    fn whole(&self) -> wayfold_core::Result<EventBatch> {
        Err(wayfold_core::Error::malformed("the bytes end too early"))
    }
}

/// The batch with what a fold reads of every event alone.
fn cut(batch: &EventBatch) -> EventBatch {
    let RawBatch { rows, texts, columns } = batch.to_raw();
    let columns = columns.into_iter().filter(|column| column.group == ColumnGroup::Fold).collect();
    EventBatch::with_source(RawBatch { rows, texts, columns }, Arc::new(Nothing)).unwrap()
}

impl EventStore for Unreadable {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        self.inner.append(batch, condition)
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        self.inner.read(query, from, limit)
    }

    fn scan(&self, after: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
        Box::pin(async move {
            let lanes = lanes.min(self.lanes_max);
            let scan = self.inner.scan(after, limit, lanes).await?;
            if !self.is_cut.load(Ordering::SeqCst) {
                return Ok(scan);
            }
            let (position, is_last) = (scan.position, scan.is_last);
            let batches = scan.read()?.iter().flat_map(|part| &part.batches).map(cut).collect();
            Ok(Scan::of_batches(batches, lanes, position, is_last))
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        self.inner.head()
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        self.inner.wait_past(position)
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        self.inner.checkpoint(name)
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        self.inner.put_checkpoint(name, checkpoint)
    }
}

fn at() -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap()
}

/// A log of one event, of which little can be read.
fn log(body: impl Into<EventBody>) -> Unreadable {
    let event = JourneyEvent::new(EventId::from_u128(1), CustomerKey::new("ada").unwrap(), at(), body.into());
    let store = Unreadable { inner: MemoryStore::new(), is_cut: Arc::default(), lanes_max: usize::MAX };
    let outcome = block_on(store.append(EventBatch::from_events([&event]).unwrap(), None)).unwrap();
    assert!(matches!(outcome, AppendOutcome::Appended { .. }));
    store.is_cut.store(true, Ordering::SeqCst);
    store
}

fn survey() -> SurveyAnswered {
    SurveyAnswered { instrument: Instrument::Nps, dimension: None, score: 9 }
}

#[test]
fn what_nobody_looks_at_stops_nobody() {
    assert_eq!(block_on(fold_alone(&log(Registered {}), AnswerA, at(), 1)).unwrap().len(), 1);
}

#[test]
fn a_projection_that_looks_at_what_cannot_be_read_gives_no_answer() {
    let error = block_on(fold_alone(&log(survey()), AnswerA, at(), 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("the bytes end too early"), "{error}");
    let mut builder = Builder::new(Rules::default()).unwrap();
    builder.register(AnswerA).unwrap();
    let wayfold = block_on(builder.open(log(survey()))).unwrap();
    let error = block_on(wayfold.catch_up()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

/// A store of one's own that gives the engine one lane, however many it asks for.
#[test]
fn a_store_that_leaves_lanes_out_is_refused() {
    let store = Unreadable { lanes_max: 1, ..log(Registered {}) };
    let error = block_on(fold_alone(&store, AnswerA, at(), 2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("the store reads in 1 lanes, not in 2"), "{error}");
    let wayfold = block_on(Builder::new(Rules::default()).unwrap().with_threads(2).open(store)).unwrap();
    let error = block_on(wayfold.catch_up()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn positions_that_cannot_be_read_leave_nothing_out() {
    let store = log(Registered {});
    let is_cut = store.is_cut.clone();
    is_cut.store(false, Ordering::SeqCst);
    let wayfold = block_on(Builder::new(Rules::default()).unwrap().open(store)).unwrap();
    is_cut.store(true, Ordering::SeqCst);
    let error = block_on(wayfold.as_known_at(Position::END).population(at())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}
