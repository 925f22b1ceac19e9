//! An append: it locks, looks at ids, checks the condition, draws places and writes, in a transaction of its own or of the
//! caller's.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::pin;

use deadpool_postgres::{Client, Object};
use futures_util::future::try_join;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use uuid::Uuid;
use wayfold_core::{EventBatch, EventId, EventView, Limits, Position, Timestamp, Upcasters};
use wayfold_store::{
    AppendCondition, AppendOutcome, Direction, Error, Result, Written, admit_instant, is_same_event, lifted,
};

use crate::config::PostgresConfig;
use crate::error::{At, corrupt};
use crate::locks::Locks;
use crate::place::Place;
use crate::read::{Columns, Part, Stretch};
use crate::row;
use crate::session::{Session, in_time};
use crate::shard_map::check_version;
use crate::sql::Sql;

/// A condition that has to look at many events takes so many at a time.
const LOOK_EVENTS: usize = 1_024;
const LOOK_BYTES: usize = 8 << 20;

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

/// What became of an append.
#[derive(Debug)]
pub(crate) struct Appended {
    pub(crate) outcome: AppendOutcome,
    /// The last place that was written, if every transaction before it has ended.
    pub(crate) head: Option<Position>,
}

/// What was written into a transaction that is still open.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) outcome: AppendOutcome,
    /// The last place that was written, if any was.
    last: Option<Place>,
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
) -> Result<Appended> {
    let result = transact(&client, (sql, config), append).await;
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
) -> Result<Appended> {
    let begin =
        async { client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await.at("begin an append") };
    // They are sent together, and the server does one after the other.
    let ((), Placed { outcome, last }) = try_join(begin, place(client.into(), sql, append)).await?;
    let head = match last {
        Some(last) => commit(client, (sql, config), last).await.map_err(Error::with_unknown_outcome)?,
        None => {
            client.batch_execute("ROLLBACK").await.at("end an append that wrote nothing")?;
            None
        }
    };
    Ok(Appended { outcome, head })
}

/// Locks, judges and writes in a transaction that is open, which sees whatever is committed when a statement begins. The
/// locks are held until it ends.
pub(crate) async fn place(session: Session<'_>, sql: &Sql, append: &Append) -> Result<Placed> {
    let known = lock(session, sql, append).await?;
    let slots = slots(&known, append)?;
    let admit = |row: &usize| admit_instant(&append.batch.event(*row), &append.limits, append.now);
    slots.new.iter().try_for_each(admit)?;
    let positions =
        |first: Place| -> Vec<Position> { slots.slots.iter().map(|slot| slot.position(first)).collect() };
    let nowhere = Place { transaction: 0, number: 0 };
    if slots.new.is_empty() && !append.batch.is_empty() {
        return Ok(Placed::nothing(AppendOutcome::AlreadyTaken { positions: positions(nowhere) }));
    }
    if let Some(position) = conflict(session, sql, append).await? {
        return Ok(Placed::nothing(AppendOutcome::Conflict { position }));
    }
    let new = slots.new.len();
    if new == 0 {
        return Ok(Placed::nothing(AppendOutcome::Appended { positions: Vec::new(), new }));
    }
    let first = write(session, sql, append, &slots.new).await?;
    let outcome = AppendOutcome::Appended { positions: positions(first), new };
    Ok(Placed { outcome, last: Some(first.after(new - 1)) })
}

impl Placed {
    fn nothing(outcome: AppendOutcome) -> Self {
        Self { outcome, last: None }
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

/// Locks, and reads the events that have one of the ids.
async fn lock(session: Session<'_>, sql: &Sql, append: &Append) -> Result<EventBatch> {
    let tried = "lock customers and ids";
    let filter = append.condition.as_ref().map(|condition| &condition.filter);
    let mut locks = Locks::of(&append.batch, filter);
    if append.map_version.is_some() {
        locks.keep_map();
    }
    let (locks, alone) = locks.into_columns();
    let mut ids: Vec<Uuid> = append.batch.iter().map(|event| event.id().0).collect();
    ids.sort_unstable();
    ids.dedup();
    let (lock, with_ids) =
        try_join(session.prepare(&sql.lock), session.prepare(&sql.with_ids)).await.at(tried)?;
    let (_, (rows, ())) = try_join(
        async { session.query(&lock, &[&locks, &alone]).await.at(tried) },
        try_join(
            async { session.query(&with_ids, &[&ids]).await.at(tried) },
            check_version(session, sql, append.map_version),
        ),
    )
    .await?;
    row::batch(&rows)
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

/// The first event that the condition forbids, leaving the batch's own aside.
async fn conflict(session: Session<'_>, sql: &Sql, append: &Append) -> Result<Option<Position>> {
    let Some(AppendCondition { filter, after }) = &append.condition else { return Ok(None) };
    let columns = Columns::of(filter);
    if columns.is_void {
        return Ok(None);
    }
    let own: std::collections::HashSet<_> = append.batch.iter().map(|event| name(&event)).collect();
    let mut stretch = Stretch {
        from: (*after).into(),
        direction: Direction::Forward,
        // Whoever could write before what stands has ended: the locks have waited for it.
        frontier: i64::MAX,
        rows_max: LOOK_EVENTS,
        bytes_max: LOOK_BYTES,
    };
    loop {
        let Part { events, last, is_cut } = stretch.read(session, sql, &columns).await?;
        let events = lifted(&events, &append.upcasters)?;
        let first = events.iter().find(|event| filter.matches(event) && !own.contains(&name(event)));
        if let Some(event) = first {
            return Ok(event.position());
        }
        match last {
            Some(last) if is_cut => stretch.from = last,
            _ => return Ok(None),
        }
    }
}

/// Writes the new events; where the first of them stands.
async fn write(session: Session<'_>, sql: &Sql, append: &Append, new: &[usize]) -> Result<Place> {
    let tried = "write events";
    let (draw, copy) = try_join(session.prepare(&sql.draw), session.prepare(&sql.copy)).await.at(tried)?;
    let (events, clock) = (new.len() as i64, append.now.as_micros());
    let (drawn, sink) =
        try_join(session.query_one(&draw, &[&events, &clock]), session.copy_in(&copy)).await.at(tried)?;
    let first = Place { transaction: drawn.get(0), number: drawn.get(1) };
    let recorded_at = Timestamp::from_micros(drawn.get(2))?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &row::types()));
    for (number, row) in new.iter().enumerate() {
        row::write(writer.as_mut(), &append.batch.event(*row), first.after(number), recorded_at)
            .await
            .at(tried)?;
    }
    writer.finish().await.at(tried)?;
    Ok(first)
}

/// Commits what stands up to a place; says whether everything before it has ended too.
async fn commit(
    client: &Client,
    (sql, config): (&Sql, &PostgresConfig),
    last: Place,
) -> Result<Option<Position>> {
    let tried = "commit an append";
    let commit = async { client.simple_query(&sql.commit).await.at(tried) };
    let answers = in_time(config, tried, commit).await?;
    let frontier = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse::<i64>().ok(),
        _ => None,
    });
    Ok(frontier.is_some_and(|frontier| frontier > last.transaction).then(|| last.into()))
}
