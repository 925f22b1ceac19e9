-- The log: one row is one event, and rows are never changed.
--
-- Texts hold no U+0000, which PostgreSQL does not store: it is written as U+2400 and a zero, and U+2400 itself twice.
-- JSON is of the type json, which keeps numbers as they were written; the view `event` shows it as jsonb.

CREATE TABLE {schema}.event_log (
    -- The place in the log: the transaction that wrote the event, counted on when a dump is restored elsewhere, and the
    -- number of the event. Transactions draw both together.
    log_transaction bigint NOT NULL,
    log_number bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    id uuid NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    customer text COLLATE "C" NOT NULL,
    journey text COLLATE "C",
    occurred_at timestamptz NOT NULL,
    offset_minutes smallint NOT NULL,
    received_at timestamptz,
    sequence bigint NOT NULL,
    -- The name of the kind; a user's own is custom:NAME.
    kind text COLLATE "C" NOT NULL,
    -- Whether the program that wrote the event did not know the kind, or not this version of it.
    is_unknown boolean NOT NULL,
    schema_version integer NOT NULL,
    stage text COLLATE "C",
    channel text COLLATE "C",
    source text COLLATE "C",
    team text COLLATE "C",
    person text COLLATE "C",
    correlation uuid,
    causation uuid,
    tags text[] COLLATE "C" NOT NULL,
    -- A number for each tag, by which it is found: an index takes no text of 16 KiB.
    tag_numbers bigint[] NOT NULL,
    fields json NOT NULL,
    attributes json NOT NULL,
    PRIMARY KEY (log_transaction, log_number)
);

-- Indexes are on hashes, as an index takes no text of 16 KiB; they narrow down and never decide.
CREATE UNIQUE INDEX event_log_id ON {schema}.event_log (id, hashtextextended(tenant, 0));
CREATE INDEX event_log_customer ON {schema}.event_log (hashtextextended(customer, 0), log_transaction, log_number);
-- Without a list of what is to be put in later, which every condition on a tag would have to look through.
CREATE INDEX event_log_tag ON {schema}.event_log USING gin (tag_numbers) WITH (fastupdate = off)
    WHERE tag_numbers <> '{}';

-- What transactions draw from: how many events were numbered, and the last recording time in microseconds since 1970.
CREATE SEQUENCE {schema}.last_number MINVALUE 0 START 0;
CREATE SEQUENCE {schema}.last_recorded MINVALUE -9223372036854775808 START -9223372036854775808;

-- One row. Numbers of transactions begin anew in another cluster; what is added to them here goes on beyond the last.
CREATE TABLE {schema}.log (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    transactions_before bigint NOT NULL DEFAULT 0
);
INSERT INTO {schema}.log DEFAULT VALUES;

-- Draws places for events and the time at which they are recorded. Numbers, transactions and times grow together: they
-- are drawn under a lock that is held for this alone and not up to the commit.
CREATE FUNCTION {schema}.draw(
    events bigint,
    clock bigint,
    OUT log_transaction bigint,
    OUT first_number bigint,
    OUT recorded bigint
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock({class}, {draw});
    BEGIN
        SELECT pg_current_xact_id()::text::bigint + transactions_before INTO STRICT log_transaction FROM {schema}.log;
        recorded := setval('{schema}.last_recorded', greatest(last_value, clock)) FROM {schema}.last_recorded;
        first_number := setval('{schema}.last_number', last_value + events) - events + 1 FROM {schema}.last_number;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        PERFORM pg_advisory_unlock({class}, {draw});
        RAISE;
    END;
    PERFORM pg_advisory_unlock({class}, {draw});
END $$;

CREATE TABLE {schema}.checkpoint (
    name text COLLATE "C" PRIMARY KEY,
    position bytea NOT NULL,
    bytes bytea NOT NULL
);
ALTER TABLE {schema}.checkpoint ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- JSON that jsonb does not take, such as the escape of U+0000, is NULL in views.
CREATE FUNCTION {schema}.as_jsonb(value json) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN value::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- The events for people and reports.
CREATE VIEW {schema}.event AS
SELECT log_transaction, log_number, recorded_at, id, tenant, customer, journey, occurred_at, offset_minutes,
    received_at, sequence, kind, is_unknown, schema_version, stage, channel, source, team, person, correlation,
    causation, tags, {schema}.as_jsonb(fields) AS fields, {schema}.as_jsonb(attributes) AS attributes
FROM {schema}.event_log;

-- The history of one customer in the order of the log, by the index.
CREATE FUNCTION {schema}.history(of_tenant text, of_customer text) RETURNS SETOF {schema}.event LANGUAGE sql STABLE AS $$
    SELECT event.* FROM {schema}.event
    WHERE hashtextextended(customer, 0) = hashtextextended(of_customer, 0)
        AND customer = of_customer AND tenant = of_tenant
    ORDER BY log_transaction, log_number
$$;
