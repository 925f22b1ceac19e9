//! An append: it locks, looks at ids, checks the condition, draws places and writes, in a transaction of its own or of the
//! caller's.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::pin::{Pin, pin};

use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::{Client, Object};
use futures_util::SinkExt;
use futures_util::future::{Either, select, try_join, try_join3};
use tokio_postgres::{CopyInSink, SimpleQueryMessage};
use uuid::Uuid;
use wayfold_core::{EventBatch, EventId, EventView, Limits, Position, Timestamp, Upcasters};
use wayfold_store::{
    AppendCondition, AppendOutcome, Direction, Error, Result, Written, admit_instant, is_same_event, lifted,
};

use crate::config::PostgresConfig;
use crate::error::{At, corrupt, is_answer};
use crate::locks::Locks;
use crate::place::Place;
use crate::read::{Columns, Part, Stretch};
use crate::row;
use crate::session::{Session, in_time};
use crate::shard_map::VersionCheck;
use crate::sql::Sql;

/// A condition that has to look at many events takes so many at a time.
const LOOK_EVENTS: usize = 1_024;
const LOOK_BYTES: usize = 8 << 20;
/// Rows go to the server in pieces of about so many bytes.
const PIECE_BYTES: usize = 64 << 10;

/// An append as its caller prepared it.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) batch: EventBatch,
    pub(crate) condition: Option<AppendCondition>,
    pub(crate) limits: Limits,
    pub(crate) now: Timestamp,
    pub(crate) upcasters: Upcasters,
    /// The version of the map of shards that has sent it here.
    pub(crate) map_version: Option<u64>,
}

/// How ids are held against those that stand in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// They are looked up before anything is written.
    Looked,
    /// They are taken for new ones, as nearly all are. The index refuses what is not: nothing is written then, and they are
    /// to be looked up.
    New,
}

impl Append {
    /// Whether its ids may be taken for new ones: events that stand already are not judged by what events may be, and
    /// conditions look at the log anyway.
    pub(crate) fn may_be_new(&self) -> bool {
        let is_admitted = |event| admit_instant(&event, &self.limits, self.now).is_ok();
        self.condition.is_none() && !self.batch.is_empty() && self.batch.iter().all(is_admitted)
    }
}

/// What became of an append.
#[derive(Debug)]
pub(crate) struct Appended {
    pub(crate) outcome: AppendOutcome,
    /// The last place that was written, if every transaction before it has ended.
    pub(crate) head: Option<Position>,
}

/// What was written into a transaction that is still open.
pub(crate) struct Placed {
    pub(crate) outcome: AppendOutcome,
    /// Rows that are on their way, if any are.
    pub(crate) rows: Option<Rows>,
}

/// Rows on their way into the log.
pub(crate) struct Rows {
    copy: Pin<Box<CopyInSink<Bytes>>>,
    first: Place,
    recorded_at: Timestamp,
    /// The place of the last of them.
    last: Place,
}

/// Where an event of the batch stands, or will stand.
#[derive(Debug, Clone, Copy)]
enum Slot {
    At(Position),
    /// It is the new event of that number.
    New(usize),
}

/// What the ids of a batch say: where each event stands, and which rows are new.
#[derive(Debug, Default)]
struct Slots {
    slots: Vec<Slot>,
    new: Vec<usize>,
}

/// Appends, or leaves nothing behind; but for a commit whose answer does not come.
pub(crate) async fn append(
    client: Client,
    (sql, config): (&Sql, &PostgresConfig),
    append: &Append,
    ids: Ids,
) -> Result<Appended> {
    let result = transact(&client, (sql, config), append, ids).await;
    if let Err(error) = &result {
        let may_commit = error.written() == Written::Unknown;
        if may_commit || client.batch_execute("ROLLBACK").await.is_err() {
            // A connection that may be amid a transaction is nobody's any more.
            drop(Object::take(client));
        }
    }
    result
}

async fn transact(
    client: &Client,
    (sql, config): (&Sql, &PostgresConfig),
    append: &Append,
    ids: Ids,
) -> Result<Appended> {
    let begin =
        async { client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await.at("begin an append") };
    // They are sent together, and the server does one after the other.
    let ((), Placed { outcome, rows }) = try_join(begin, place(client.into(), sql, append, ids)).await?;
    let head = match rows {
        Some(rows) => commit(client, (sql, config), rows).await?,
        None => {
            client.batch_execute("ROLLBACK").await.at("end an append that wrote nothing")?;
            None
        }
    };
    Ok(Appended { outcome, head })
}

/// Locks, judges and writes in a transaction that is open, which sees whatever is committed when a statement begins. The
/// locks are held until it ends.
pub(crate) async fn place(session: Session<'_>, sql: &Sql, append: &Append, ids: Ids) -> Result<Placed> {
    let Begun { known, look, rows } = begin(session, sql, append, ids).await?;
    let slots = slots(&known, append)?;
    let admit = |row: &usize| admit_instant(&append.batch.event(*row), &append.limits, append.now);
    slots.new.iter().try_for_each(admit)?;
    let positions =
        |first: Place| -> Vec<Position> { slots.slots.iter().map(|slot| slot.position(first)).collect() };
    if slots.new.is_empty() && !append.batch.is_empty() {
        if let Some(rows) = rows {
            rows.finish().await?;
        }
        return Ok(Placed::nothing(AppendOutcome::AlreadyTaken { positions: positions(Place::START) }));
    }
    if let Some(look) = look
        && let Some(position) = look.conflict(session, sql, append).await?
    {
        return Ok(Placed::nothing(AppendOutcome::Conflict { position }));
    }
    let new = slots.new.len();
    if new == 0 {
        return Ok(Placed::nothing(AppendOutcome::Appended { positions: Vec::new(), new }));
    }
    let mut rows = match rows {
        Some(rows) => rows,
        None => Rows::begin(session, sql, append).await?,
    };
    rows.send(append, &slots.new).await?;
    let outcome = AppendOutcome::Appended { positions: positions(rows.first), new };
    Ok(Placed { outcome, rows: Some(rows) })
}

impl Placed {
    fn nothing(outcome: AppendOutcome) -> Self {
        Self { outcome, rows: None }
    }
}

impl Place {
    fn after(self, events: usize) -> Self {
        Self { number: self.number + events as i64, ..self }
    }
}

impl Slot {
    fn position(self, first: Place) -> Position {
        match self {
            Self::At(position) => position,
            Self::New(number) => first.after(number).into(),
        }
    }
}

/// What is known when everything is locked.
struct Begun {
    /// The events that have one of the ids.
    known: EventBatch,
    /// What the condition looks at first, if there is one.
    look: Option<Look>,
    /// Where rows go, if it was asked for together: all of a batch without a condition are new, but for tries again.
    rows: Option<Rows>,
}

/// Locks, and asks for all that can be asked for at once.
async fn begin(session: Session<'_>, sql: &Sql, append: &Append, ids: Ids) -> Result<Begun> {
    let tried = "lock customers and ids";
    let filter = append.condition.as_ref().map(|condition| &condition.filter);
    let mut locks = Locks::of(&append.batch, filter);
    if append.map_version.is_some() {
        locks.keep_map();
    }
    let (locks, alone) = locks.into_columns();
    // From a copy's begin to its end nothing else is sent: what is waited for before the end is prepared by then.
    let (lock, with_ids, version) = try_join3(
        async { session.prepare(&sql.lock).await.at(tried) },
        async { session.prepare(&sql.with_ids).await.at(tried) },
        VersionCheck::prepare(session, sql, append.map_version),
    )
    .await?;
    let known = async {
        if ids == Ids::New {
            return Ok(Vec::new());
        }
        let mut ids: Vec<Uuid> = append.batch.iter().map(|event| event.id().0).collect();
        ids.sort_unstable();
        ids.dedup();
        session.query(&with_ids, &[&ids]).await.at(tried)
    };
    let rows = async {
        // A transaction of the caller's must not be one that writes before there is something to write.
        let is_likely = append.condition.is_none() && !append.batch.is_empty() && session.is_ours();
        if is_likely { Rows::begin(session, sql, append).await.map(Some) } else { Ok(None) }
    };
    let (_, (known, ()), (look, rows)) = try_join3(
        async { session.query(&lock, &[&locks, &alone]).await.at(tried) },
        try_join(known, version.run(session)),
        try_join(Look::begin(session, sql, append), rows),
    )
    .await?;
    Ok(Begun { known: row::batch(&known)?, look, rows })
}

fn name<'a>(event: &EventView<'a>) -> (&'a str, EventId) {
    (event.customer_texts().0, event.id())
}

fn slots(known: &EventBatch, append: &Append) -> Result<Slots> {
    let batch = &append.batch;
    let standing: HashMap<_, EventView<'_>> = known.iter().map(|event| (name(&event), event)).collect();
    let mut own: HashMap<(&str, EventId), (usize, usize)> = HashMap::with_capacity(batch.len());
    let mut found = Slots { slots: Vec::with_capacity(batch.len()), new: Vec::new() };
    for (row, event) in batch.iter().enumerate() {
        if let Some(standing) = standing.get(&name(&event)) {
            let position =
                standing.position().ok_or_else(|| corrupt("read the log: an event has no place"))?;
            if !is_same_event(standing, &event, &append.upcasters)? {
                return Err(Error::id_reused(event.id(), Some(position)));
            }
            found.slots.push(Slot::At(position));
            continue;
        }
        match own.entry(name(&event)) {
            Entry::Occupied(first) => {
                let (first, number) = *first.get();
                if !batch.event(first).same_content(&event) {
                    return Err(Error::id_reused(event.id(), None));
                }
                found.slots.push(Slot::New(number));
            }
            Entry::Vacant(free) => {
                free.insert((row, found.new.len()));
                found.slots.push(Slot::New(found.new.len()));
                found.new.push(row);
            }
        }
    }
    Ok(found)
}

/// A look at what a condition could forbid.
struct Look {
    columns: Columns,
    stretch: Stretch,
    part: Part,
}

impl Look {
    async fn begin(session: Session<'_>, sql: &Sql, append: &Append) -> Result<Option<Self>> {
        let Some(AppendCondition { filter, after }) = &append.condition else { return Ok(None) };
        let columns = Columns::of(filter);
        if columns.is_void {
            return Ok(None);
        }
        let stretch = Stretch {
            from: (*after).into(),
            direction: Direction::Forward,
            // Whoever could write before what stands has ended: the locks have waited for it.
            frontier: i64::MAX,
            rows_max: LOOK_EVENTS,
            bytes_max: LOOK_BYTES,
        };
        let part = stretch.read(session, sql, &columns).await?;
        Ok(Some(Self { columns, stretch, part }))
    }

    /// The first event that the condition forbids, leaving the batch's own aside.
    async fn conflict(self, session: Session<'_>, sql: &Sql, append: &Append) -> Result<Option<Position>> {
        let Some(AppendCondition { filter, .. }) = &append.condition else { return Ok(None) };
        let own: HashSet<_> = append.batch.iter().map(|event| name(&event)).collect();
        let Self { columns, mut stretch, mut part } = self;
        loop {
            let events = lifted(&part.events, &append.upcasters)?;
            let first = events.iter().find(|event| filter.matches(event) && !own.contains(&name(event)));
            if let Some(event) = first {
                return Ok(event.position());
            }
            match part.last {
                Some(last) if part.is_cut => stretch.from = last,
                _ => return Ok(None),
            }
            part = stretch.read(session, sql, &columns).await?;
        }
    }
}

const WRITE: &str = "write events";

impl Rows {
    /// Draws places for all events of the batch, of which the last stay empty where some stand already, and begins a copy.
    async fn begin(session: Session<'_>, sql: &Sql, append: &Append) -> Result<Self> {
        let (draw, copy) =
            try_join(session.prepare(&sql.draw), session.prepare(&sql.copy)).await.at(WRITE)?;
        let (events, clock) = (append.batch.len() as i64, append.now.as_micros());
        let (drawn, mut copy) =
            try_join(async { session.query_one(&draw, &[&events, &clock]).await.at(WRITE) }, async {
                session.copy_in(&copy).await.map(Box::pin).at(WRITE)
            })
            .await?;
        copy.feed(Bytes::from_static(row::COPY_BEGIN)).await.at(WRITE)?;
        let first = Place { transaction: drawn.get(0), number: drawn.get(1) };
        Ok(Self { copy, first, recorded_at: Timestamp::from_micros(drawn.get(2))?, last: first })
    }

    async fn send(&mut self, append: &Append, new: &[usize]) -> Result<()> {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        for (number, row) in new.iter().enumerate() {
            self.last = self.first.after(number);
            row::write(&mut piece, &append.batch.event(*row), self.last, self.recorded_at)?;
            if piece.len() >= PIECE_BYTES {
                self.copy.feed(piece.split().freeze()).await.at(WRITE)?;
            }
        }
        self.copy.feed(piece.freeze()).await.at(WRITE)
    }

    /// Waits until the server has taken what was sent.
    pub(crate) async fn finish(mut self) -> Result<()> {
        let mut end = BytesMut::new();
        end.put_i16(row::COPY_END);
        self.copy.feed(end.freeze()).await.at(WRITE)?;
        self.copy.as_mut().finish().await.at(WRITE)?;
        Ok(())
    }
}

/// Commits rows; the last place of them, if everything before it has ended too.
async fn commit(
    client: &Client,
    (sql, config): (&Sql, &PostgresConfig),
    rows: Rows,
) -> Result<Option<Position>> {
    let (tried, last) = ("commit an append", rows.last);
    // It is sent behind the rows at once. If the server does not take them all, it rolls back.
    let commit = pin!(async { client.simple_query(&sql.commit).await.at(tried) });
    let answers = match select(pin!(rows.finish()), commit).await {
        Either::Left((finished, commit)) => {
            finished.map_err(unless_answered)?;
            in_time(config, tried, commit).await
        }
        Either::Right((answers, finish)) => {
            finish.await.map_err(unless_answered)?;
            answers
        }
    };
    let answers = answers.map_err(Error::with_unknown_outcome)?;
    let frontier = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse::<i64>().ok(),
        _ => None,
    });
    Ok(frontier.is_some_and(|frontier| frontier > last.transaction).then(|| last.into()))
}

/// Where the server does not say why it has not taken the rows, it may have, and the commit behind them.
fn unless_answered(error: Error) -> Error {
    if is_answer(&error) { error } else { error.with_unknown_outcome() }
}
