//! The statements, each made once with the name of the schema.

use crate::locks;

/// The columns of an event, in the order in which rows are read; the numbers of tags are written behind them.
const COLUMNS: &str = "log_transaction, log_number, recorded_at, id, tenant, customer, journey, occurred_at, \
    offset_minutes, received_at, sequence, kind, is_unknown, schema_version, stage, channel, source, team, person, \
    correlation, causation, tags, fields, attributes";

/// What is true of the rows that a filter may match; a part that is NULL is absent. `$3` is the frontier.
const FILTER: &str = "log_transaction < $3
    AND ($4::text IS NULL OR (hashtextextended(customer, 0) = hashtextextended($4, 0) AND customer = $4))
    AND ($5::text IS NULL OR tenant = $5)
    AND ($6::bigint[] IS NULL OR (tag_numbers @> $6 AND tag_numbers <> '{}'))
    AND ($7::text[] IS NULL OR kind = ANY ($7) OR ($8::boolean AND starts_with(kind, 'custom:')))";

/// Transactions below it have ended, also those that wrote nothing.
const FRONTIER: &str = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint + transactions_before";

#[derive(Debug)]
pub(crate) struct Sql {
    /// Locks `$2` in its order, alone where `$3` says so.
    pub(crate) lock: String,
    /// Events with one of the ids `$1`, of any tenant.
    pub(crate) with_ids: String,
    /// Events after a place that a filter may match, in order.
    pub(crate) forward: String,
    /// Events before a place that a filter may match, from the last back.
    pub(crate) backward: String,
    /// Draws places for `$1` events at the time `$2`.
    pub(crate) draw: String,
    pub(crate) copy: String,
    /// Commits, tells who listens, and asks for the frontier, in one go. Telling within the transaction would let
    /// commits wait for each other.
    pub(crate) commit: String,
    /// Tells who listens.
    pub(crate) notify: String,
    /// The frontier and the newest place that is committed.
    pub(crate) look: String,
    /// The last place below the frontier `$1`.
    pub(crate) head: String,
    /// Who holds back the frontier `$1`.
    pub(crate) holder: String,
    pub(crate) checkpoint: String,
    pub(crate) put_checkpoint: String,
    /// Puts it if there is none.
    pub(crate) first_checkpoint: String,
    /// Puts it in the place of the one with the position `$4` and the bytes `$5`.
    pub(crate) move_checkpoint: String,
    pub(crate) listen: String,
}

impl Sql {
    pub(crate) fn new(schema: &str) -> Self {
        let class = locks::class(schema);
        let page = |side: &str, order: &str| {
            format!(
                "SELECT {COLUMNS} FROM {schema}.event_log
                WHERE (log_transaction, log_number) {side} ($1, $2) AND {FILTER}
                ORDER BY log_transaction {order}, log_number {order} LIMIT $9"
            )
        };
        Self {
            lock: format!(
                "SELECT CASE WHEN alone THEN pg_advisory_xact_lock({class}, lock)
                    ELSE pg_advisory_xact_lock_shared({class}, lock) END
                FROM unnest($1::int[], $2::boolean[]) AS locks (lock, alone)"
            ),
            with_ids: format!("SELECT {COLUMNS} FROM {schema}.event_log WHERE id = ANY ($1)"),
            forward: page(">", "ASC"),
            backward: page("<", "DESC"),
            draw: format!("SELECT log_transaction, first_number, recorded FROM {schema}.draw($1, $2)"),
            copy: format!("COPY {schema}.event_log ({COLUMNS}, tag_numbers) FROM STDIN (FORMAT binary)"),
            notify: format!("NOTIFY wayfold_{schema}"),
            commit: format!("COMMIT; NOTIFY wayfold_{schema}; SELECT {FRONTIER} FROM {schema}.log"),
            look: format!(
                "SELECT {FRONTIER}, log_transaction, log_number FROM {schema}.log LEFT JOIN LATERAL (
                    SELECT log_transaction, log_number FROM {schema}.event_log
                    ORDER BY log_transaction DESC, log_number DESC LIMIT 1
                ) AS newest ON true"
            ),
            head: format!(
                "SELECT log_transaction, log_number FROM {schema}.event_log WHERE log_transaction < $1
                ORDER BY log_transaction DESC, log_number DESC LIMIT 1"
            ),
            holder: format!(
                "SELECT holder.pid, activity.application_name FROM {schema}.log
                JOIN pg_locks AS holder ON holder.locktype = 'transactionid' AND holder.granted
                    AND holder.mode = 'ExclusiveLock'
                    AND holder.transactionid = (($1 - transactions_before) & 4294967295)::text::xid
                LEFT JOIN pg_stat_activity AS activity ON activity.pid = holder.pid"
            ),
            checkpoint: format!("SELECT position, bytes FROM {schema}.checkpoint WHERE name = $1"),
            put_checkpoint: format!(
                "INSERT INTO {schema}.checkpoint (name, position, bytes) VALUES ($1, $2, $3)
                ON CONFLICT (name) DO UPDATE SET position = excluded.position, bytes = excluded.bytes"
            ),
            first_checkpoint: format!(
                "INSERT INTO {schema}.checkpoint (name, position, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            ),
            move_checkpoint: format!(
                "UPDATE {schema}.checkpoint SET position = $2, bytes = $3
                WHERE name = $1 AND position = $4 AND bytes = $5"
            ),
            listen: format!("LISTEN wayfold_{schema}"),
        }
    }
}
