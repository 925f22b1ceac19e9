//! The statements, each made once with the name of the schema.

use crate::locks::{self, MAP, SEAL};

/// The columns of an event, in the order in which rows are read; the numbers of tags and the
/// shard are written behind them.
const COLUMNS: &str = "log_transaction, log_number, recorded_at, id, tenant, customer, journey, occurred_at, \
    offset_minutes, received_at, sequence, kind, is_unknown, schema_version, stage, channel, source, team, person, \
    correlation, causation, tags, fields, attributes";

/// What is true of the rows that a filter may match; a part that is NULL is absent. `$3` is the frontier.
const FILTER: &str = "log_transaction < $3
    AND ($4::text IS NULL OR (hashtextextended(customer, 0) = hashtextextended($4, 0) AND customer = $4))
    AND ($5::text IS NULL OR tenant = $5)
    AND ($6::bigint[] IS NULL OR (tag_numbers @> $6 AND tag_numbers <> '{}'))
    AND ($7::text[] IS NULL OR kind = ANY ($7) OR ($8::boolean AND starts_with(kind, 'custom:')))
    AND ($10::smallint[] IS NULL OR shard IS NULL OR shard <> ALL ($10))";

/// Transactions below it have ended, also those that wrote nothing.
const FRONTIER: &str = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint + transactions_before";

/// No transaction from it on has ended.
pub(crate) const NEXT: &str = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint + transactions_before";

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
    /// The frontier, the newest place that is committed, and the transaction from which on none has ended.
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
    pub(crate) shard_map: String,
    pub(crate) first_shard_map: String,
    /// Waits for all appends that go by the map of shards, and holds others up.
    pub(crate) lock_map: String,
    pub(crate) replace_map: String,
    /// Keeps the map as it is until the transaction ends.
    pub(crate) share_map: String,
    /// Deletes the events at the places `$1`, `$2`.
    pub(crate) delete_events: String,
    /// Drops the states that workers have kept of the shard `$1`, a text; maybe some more.
    pub(crate) drop_states: String,
    /// Ends the leases of the shard `$1`, whoever holds them.
    pub(crate) end_lease: String,
    /// All customers of the shards `$1`, and those whose shard is not known.
    pub(crate) customers: String,
    /// The version of the map of shards.
    pub(crate) map_version: String,
    pub(crate) keep_leases: String,
    pub(crate) release_lease: String,
    pub(crate) leave_leases: String,
    /// Locks the lease of the shard `$2` of the states `$1` if it is held with the token `$3`.
    pub(crate) hold_lease: String,
    /// Puts a checkpoint if the lease of the shard `$5` of the states `$4` is held with the token `$6`.
    pub(crate) put_checkpoint_under: String,
    /// Whether the role may read sealed blocks, and make some.
    pub(crate) seal_rights: String,
    /// About how many events are not sealed.
    pub(crate) seal_backlog: String,
    /// Takes the lock of who seals for the connection, if nobody has it.
    pub(crate) lock_sealing: String,
    pub(crate) unlock_sealing: String,
    /// The stretches of all blocks, in order.
    pub(crate) stretches: String,
    /// Some blocks that end after a place, in order, and whether the row is there with which each ends.
    pub(crate) blocks_after: String,
    /// The pages from `$2` up to before `$3` of each block `$1` that is there; none of them is one row without a page.
    pub(crate) block_pages: String,
    /// How many rows stand after the place `$1`, `$2` below the frontier `$3`, at most `$4`.
    pub(crate) count_unsealed: String,
    /// How many rows stand after one place and up to another.
    pub(crate) count_between: String,
    pub(crate) rows_digest: String,
    pub(crate) next_block: String,
    pub(crate) put_pages: String,
    pub(crate) put_block: String,
    pub(crate) drop_blocks: String,
    pub(crate) drop_pages: String,
    /// Takes out the pages of no block.
    pub(crate) sweep_pages: String,
    /// Whether the rows of the block `$1` are those that it was made from.
    pub(crate) agrees: String,
    /// How many events there are.
    pub(crate) count: String,
}

/// The columns of a stretch.
const STRETCH: &str = "number, after_transaction, after_number, to_transaction, to_number, events";

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
        let put_checkpoint = |row: &str| {
            format!(
                "INSERT INTO {schema}.checkpoint (name, position, bytes) {row}
                ON CONFLICT (name) DO UPDATE SET position = excluded.position, bytes = excluded.bytes"
            )
        };
        // Who gives it to somebody else waits for the end of the transaction, or passes it over.
        let hold_lease = |[states, shard, token]: [&str; 3]| {
            format!(
                "SELECT token FROM {schema}.lease
                WHERE states = {states} AND shard = {shard} AND token = {token} AND expires_at > clock_timestamp()
                FOR SHARE"
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
            copy: format!("COPY {schema}.event_log ({COLUMNS}, tag_numbers, shard) FROM STDIN (FORMAT binary)"),
            notify: format!("NOTIFY wayfold_{schema}"),
            commit: format!("COMMIT; NOTIFY wayfold_{schema}; SELECT {FRONTIER} FROM {schema}.log"),
            look: format!(
                "SELECT {FRONTIER}, log_transaction, log_number, {NEXT} FROM {schema}.log LEFT JOIN LATERAL (
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
            put_checkpoint: put_checkpoint("VALUES ($1, $2, $3)"),
            first_checkpoint: format!(
                "INSERT INTO {schema}.checkpoint (name, position, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            ),
            move_checkpoint: format!(
                "UPDATE {schema}.checkpoint SET position = $2, bytes = $3
                WHERE name = $1 AND position = $4 AND bytes = $5"
            ),
            listen: format!("LISTEN wayfold_{schema}"),
            shard_map: format!("SELECT version, own, databases, shards, stage, others FROM {schema}.shard_map"),
            first_shard_map: format!(
                "INSERT INTO {schema}.shard_map (version, own, databases, shards, stage, others)
                VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT DO NOTHING"
            ),
            lock_map: format!("SELECT pg_advisory_xact_lock({class}, {MAP})"),
            replace_map: format!(
                "UPDATE {schema}.shard_map SET version = $1, databases = $2, shards = $3, stage = $4, others = $5"
            ),
            share_map: format!("SELECT pg_advisory_xact_lock_shared({class}, {MAP})"),
            delete_events: format!(
                "DELETE FROM {schema}.event_log USING unnest($1::bigint[], $2::bigint[]) AS gone (transaction, number)
                WHERE log_transaction = gone.transaction AND log_number = gone.number"
            ),
            drop_states: format!(
                "DELETE FROM {schema}.checkpoint WHERE starts_with(name, 'wayfold/cluster/')
                AND (name || '/') LIKE '%/' || $1 || '/%'"
            ),
            end_lease: format!(
                "UPDATE {schema}.lease SET worker = NULL, token = token + 1, expires_at = '-infinity' WHERE shard = $1"
            ),
            customers: format!(
                "SELECT DISTINCT tenant, customer FROM {schema}.event_log WHERE shard IS NULL OR shard = ANY ($1)"
            ),
            map_version: format!("SELECT version FROM {schema}.shard_map"),
            keep_leases: format!("SELECT shard, token, fair_part FROM {schema}.keep_leases($1, $2, $3, $4)"),
            release_lease: format!(
                "UPDATE {schema}.lease SET worker = NULL, expires_at = '-infinity'
                WHERE states = $1 AND shard = $2 AND token = $3"
            ),
            leave_leases: format!(
                "WITH gone AS (DELETE FROM {schema}.worker WHERE states = $1 AND worker = $2)
                UPDATE {schema}.lease SET worker = NULL, expires_at = '-infinity' WHERE states = $1 AND worker = $2"
            ),
            hold_lease: hold_lease(["$1", "$2", "$3"]),
            put_checkpoint_under: format!(
                "WITH held AS MATERIALIZED ({}) {}",
                hold_lease(["$4", "$5", "$6"]),
                put_checkpoint("SELECT $1, $2, $3 FROM held"),
            ),
            seal_rights: format!(
                "SELECT has_table_privilege('{schema}.block', 'SELECT')
                    AND has_table_privilege('{schema}.block_page', 'SELECT'),
                has_table_privilege('{schema}.block', 'INSERT') AND has_table_privilege('{schema}.block', 'DELETE')
                    AND has_table_privilege('{schema}.block_page', 'INSERT')
                    AND has_table_privilege('{schema}.block_page', 'DELETE')
                    AND has_sequence_privilege('{schema}.block_number', 'USAGE')"
            ),
            seal_backlog: format!(
                "SELECT last_value - coalesce((SELECT max(to_number) FROM {schema}.block), 0)
                FROM {schema}.last_number"
            ),
            lock_sealing: format!("SELECT pg_try_advisory_lock({class}, {SEAL})"),
            unlock_sealing: format!("SELECT pg_advisory_unlock({class}, {SEAL})"),
            stretches: format!("SELECT {STRETCH} FROM {schema}.block ORDER BY to_transaction, to_number"),
            blocks_after: format!(
                "SELECT {STRETCH}, bytes, shards, header, EXISTS (
                    SELECT FROM {schema}.event_log WHERE (log_transaction, log_number) = (to_transaction, to_number)
                ) FROM {schema}.block WHERE (to_transaction, to_number) > ($1, $2)
                ORDER BY to_transaction, to_number LIMIT 64"
            ),
            block_pages: format!(
                "SELECT wanted.block, page, fold, identity, rest
                FROM unnest($1::bigint[], $2::int[], $3::int[]) AS wanted (block, first, past)
                JOIN {schema}.block ON block.number = wanted.block
                LEFT JOIN {schema}.block_page ON block_page.block = wanted.block AND page >= first AND page < past"
            ),
            count_unsealed: format!(
                "SELECT count(*) FROM (
                    SELECT FROM {schema}.event_log
                    WHERE (log_transaction, log_number) > ($1, $2) AND log_transaction < $3 LIMIT $4
                ) AS found"
            ),
            count_between: format!(
                "SELECT count(*) FROM {schema}.event_log
                WHERE (log_transaction, log_number) > ($1, $2) AND (log_transaction, log_number) <= ($3, $4)"
            ),
            rows_digest: format!("SELECT events, digest::text FROM {schema}.rows_digest($1, $2, $3, $4)"),
            next_block: format!("SELECT nextval('{schema}.block_number')"),
            put_pages: format!(
                "INSERT INTO {schema}.block_page (block, page, fold, identity, rest)
                SELECT $1, page, fold, identity, rest
                FROM unnest($2::int[], $3::bytea[], $4::bytea[], $5::bytea[]) AS made (page, fold, identity, rest)"
            ),
            put_block: format!(
                "INSERT INTO {schema}.block ({STRETCH}, bytes, digest, shards, header)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::numeric, $9, $10)"
            ),
            drop_blocks: format!("DELETE FROM {schema}.block WHERE number = ANY ($1)"),
            drop_pages: format!("DELETE FROM {schema}.block_page WHERE block = ANY ($1)"),
            sweep_pages: format!(
                "DELETE FROM {schema}.block_page
                WHERE NOT EXISTS (SELECT FROM {schema}.block WHERE number = block_page.block)"
            ),
            agrees: format!(
                "SELECT block.digest = found.digest AND block.events = found.events
                FROM {schema}.block,
                    {schema}.rows_digest(after_transaction, after_number, to_transaction, to_number) AS found
                WHERE number = $1"
            ),
            count: format!("SELECT count(*) FROM {schema}.event_log"),
        }
    }
}
