//! Pages of a read, in the order of the log.

use std::pin::pin;

use deadpool_postgres::Client;
use futures_util::TryStreamExt as _;
use tokio_postgres::types::ToSql;
use wayfold_core::{EventBatch, EventKind, Position, Upcasters, VirtualShard};
use wayfold_store::{Direction, EventFilter, KindFilter, ReadPage, ReadQuery, Result, lifted};

use crate::config::PostgresConfig;
use crate::error::At;
use crate::frontier::settled;
use crate::place::Place;
use crate::row::{self, CUSTOM, Rows, tag_number};
use crate::session::Session;
use crate::sql::Sql;
use crate::text::stored;

/// What a filter says of columns. It may let more rows through, and never fewer: whoever reads looks at each event.
#[derive(Debug)]
pub(crate) struct Columns {
    customer: Option<String>,
    tenant: Option<String>,
    tags: Option<Vec<i64>>,
    kinds: Option<Vec<String>>,
    any_custom: bool,
    /// Virtual shards whose events are not meant.
    others: Option<Vec<i16>>,
    /// No event is of two tenants.
    pub(crate) is_void: bool,
}

impl Columns {
    pub(crate) fn of(filter: &EventFilter) -> Self {
        let EventFilter { kinds, tags, customer, tenant } = filter;
        let own_tenant = customer.as_ref().map(|customer| &customer.tenant);
        let is_void = own_tenant.zip(tenant.as_ref()).is_some_and(|(own, tenant)| own != tenant);
        // An event is unknown to one program and known to another, whatever its columns say.
        let is_any = |kind: &KindFilter| *kind == KindFilter::Kind(EventKind::Unknown);
        let narrows = !kinds.is_empty() && !kinds.iter().any(is_any);
        let text = |text: &str| stored(text).into_owned();
        let name = |kind: &KindFilter| match kind {
            KindFilter::Kind(kind) => kind.name().to_owned(),
            KindFilter::Custom(name) => text(&format!("{CUSTOM}{name}")),
        };
        Self {
            customer: customer.as_ref().map(|customer| text(customer.customer.as_str())),
            tenant: own_tenant.or(tenant.as_ref()).map(|tenant| text(tenant.as_str())),
            tags: (!tags.is_empty()).then(|| tags.iter().map(|tag| tag_number(tag.as_str())).collect()),
            kinds: narrows.then(|| kinds.iter().map(name).collect()),
            any_custom: kinds.iter().any(|kind| matches!(kind, KindFilter::Kind(kind) if kind.is_custom())),
            others: None,
            is_void,
        }
    }

    /// All events but those of some shards.
    pub(crate) fn but(others: &[VirtualShard]) -> Self {
        let others = others.iter().map(|shard| shard.number().into()).collect();
        Self { others: Some(others), ..Self::of(&EventFilter::all()) }
    }
}

/// A stretch of the log, and how many rows of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) from: Place,
    pub(crate) direction: Direction,
    /// Transactions from this one on are left out.
    pub(crate) frontier: i64,
    pub(crate) rows_max: usize,
    pub(crate) bytes_max: usize,
}

/// What was read of a stretch.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) events: EventBatch,
    /// Where the last of them stands.
    pub(crate) last: Option<Place>,
    /// Whether rows or bytes have cut it, and there is more.
    pub(crate) is_cut: bool,
}

impl Stretch {
    /// The events that a filter may match, up to the one with which they are too many bytes. They are decoded while the
    /// server sends the next.
    pub(crate) async fn read(self, session: Session<'_>, sql: &Sql, columns: &Columns) -> Result<Part> {
        let tried = "read the log";
        let statement = match self.direction {
            Direction::Forward => &sql.forward,
            Direction::Backward => &sql.backward,
        };
        // One row more tells whether there are more.
        let rows_max = i64::try_from(self.rows_max.saturating_add(1)).unwrap_or(i64::MAX);
        let values: [&(dyn ToSql + Sync); 10] = [
            &self.from.transaction,
            &self.from.number,
            &self.frontier,
            &columns.customer,
            &columns.tenant,
            &columns.tags,
            &columns.kinds,
            &columns.any_custom,
            &rows_max,
            &columns.others,
        ];
        let statement = session.prepare(statement).await.at(tried)?;
        let mut stream = pin!(session.query_raw(&statement, values).await.at(tried)?);
        let (mut rows, mut last, mut bytes, mut is_cut) = (Rows::default(), None, 0, false);
        while let Some(row) = stream.try_next().await.at(tried)? {
            is_cut = rows.len() == self.rows_max || bytes > self.bytes_max;
            if is_cut {
                break;
            }
            bytes += row.raw_size_bytes();
            rows.push(&row)?;
            last = Some(row::place(&row)?);
        }
        Ok(Part { events: rows.finish(), last, is_cut })
    }
}

/// Reads a page. One customer's events do not wait for the frontier: appends of one customer exclude each other, so that
/// no event of it comes before one that is seen.
pub(crate) async fn page(
    client: &Client,
    (sql, config): (&Sql, &PostgresConfig),
    (query, from, limit): (&ReadQuery, Position, usize),
    upcasters: &Upcasters,
) -> Result<ReadPage> {
    let columns = Columns::of(&query.filter);
    if columns.is_void {
        return Ok(ReadPage { batch: EventBatch::empty(), next: None });
    }
    let (frontier, held) = match &query.filter.customer {
        Some(_) => (i64::MAX, None),
        None => match settled(client, sql, config.held_back_max()).await? {
            Ok(look) => (look.frontier, None),
            Err(held) => (held.look.frontier, Some(held)),
        },
    };
    let stretch = Stretch {
        from: from.into(),
        direction: query.direction,
        frontier,
        rows_max: limit.min(config.read_events_max.max(1)),
        bytes_max: config.read_bytes_max,
    };
    let Part { events, last, is_cut } = stretch.read(client.into(), sql, &columns).await?;
    let mut is_last = !is_cut;
    if let Some(held) = held
        && is_last
    {
        let is_stuck = match query.direction {
            Direction::Forward => last.is_none(),
            Direction::Backward => stretch.from.transaction >= frontier,
        };
        if is_stuck {
            return Err(held.into_error(client, sql).await);
        }
        is_last = query.direction == Direction::Backward;
    }
    let last = last.map_or(from, Position::from);
    let batch = lifted(&events, upcasters)?;
    let batch = match query.filter.is_all() {
        true => batch,
        false => EventBatch::from_views(batch.iter().filter(|event| query.filter.matches(event))),
    };
    Ok(ReadPage { batch, next: (!is_last).then_some(last) })
}
