-- Sealed blocks: copies of the rows of a stretch of the log, clustered by customer, for folds. Their bytes are specified
-- in docs/format.md. Rows are the truth: a block that is not there is made from them, and nothing else needs one.

CREATE SEQUENCE {schema}.block_number;

CREATE TABLE {schema}.block (
    number bigint PRIMARY KEY,
    -- It holds every event after the one place and up to the other.
    after_transaction bigint NOT NULL,
    after_number bigint NOT NULL,
    to_transaction bigint NOT NULL,
    to_number bigint NOT NULL,
    events bigint NOT NULL CHECK (events > 0),
    -- Of its pages.
    bytes bigint NOT NULL,
    -- Of the rows that it copies, by rows_digest.
    digest numeric NOT NULL,
    -- The virtual shards of its customers.
    shards smallint[] NOT NULL,
    header bytea NOT NULL,
    UNIQUE (to_transaction, to_number)
);

-- Pages of a block that is not in the table of blocks are those of one that was never finished, or is gone.
CREATE TABLE {schema}.block_page (
    block bigint,
    page integer,
    fold bytea NOT NULL,
    identity bytea NOT NULL,
    rest bytea NOT NULL,
    PRIMARY KEY (block, page)
);
ALTER TABLE {schema}.block_page
    ALTER COLUMN fold SET STORAGE EXTERNAL,
    ALTER COLUMN identity SET STORAGE EXTERNAL,
    ALTER COLUMN rest SET STORAGE EXTERNAL;

-- How many rows stand after one place and up to another, and the sum of a hash of each.
CREATE FUNCTION {schema}.rows_digest(bigint, bigint, bigint, bigint, OUT events bigint, OUT digest numeric)
LANGUAGE sql STABLE SET timezone = 'UTC' SET datestyle = 'ISO, YMD' AS $$
    SELECT count(*), coalesce(sum(('x' || encode(substring(sha256(convert_to(ROW(
            log_transaction, log_number, recorded_at, id, tenant, customer, journey, occurred_at, offset_minutes,
            received_at, sequence, kind, is_unknown, schema_version, stage, channel, source, team, person, correlation,
            causation, tags, fields, attributes
        )::text, 'UTF8')) FROM 1 FOR 8), 'hex'))::bit(64)::bigint), 0)
    FROM {schema}.event_log
    WHERE (log_transaction, log_number) > ($1, $2) AND (log_transaction, log_number) <= ($3, $4)
$$;

-- Drops the blocks of rows that are changed or deleted, in the same transaction. It waits for who seals, who may have
-- read them before; a snapshot from before that would not show what was sealed meanwhile.
CREATE FUNCTION {schema}.drop_blocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'rows of the log are changed in a READ COMMITTED transaction alone'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM pg_advisory_xact_lock({class}, {seal});
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM {schema}.block;
    ELSE
        DELETE FROM {schema}.block WHERE EXISTS (
            SELECT FROM old_rows WHERE (log_transaction, log_number) > (after_transaction, after_number)
                AND (log_transaction, log_number) <= (to_transaction, to_number));
    END IF;
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM {schema}.block WHERE EXISTS (
            SELECT FROM new_rows WHERE (log_transaction, log_number) > (after_transaction, after_number)
                AND (log_transaction, log_number) <= (to_transaction, to_number));
    END IF;
    DELETE FROM {schema}.block_page WHERE NOT EXISTS (SELECT FROM {schema}.block WHERE number = block_page.block);
    RETURN NULL;
END $$;

CREATE TRIGGER drop_blocks_deleted AFTER DELETE ON {schema}.event_log
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION {schema}.drop_blocks();
CREATE TRIGGER drop_blocks_updated AFTER UPDATE ON {schema}.event_log
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {schema}.drop_blocks();
CREATE TRIGGER drop_blocks_truncated AFTER TRUNCATE ON {schema}.event_log
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.drop_blocks();
-- Also where rows come by replication.
ALTER TABLE {schema}.event_log
    ENABLE ALWAYS TRIGGER drop_blocks_deleted,
    ENABLE ALWAYS TRIGGER drop_blocks_updated,
    ENABLE ALWAYS TRIGGER drop_blocks_truncated;
