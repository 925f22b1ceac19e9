-- Places grow in the order in which they are drawn, also where a transaction got its number long before it draws: it
-- takes the last number that was drawn from, if that is higher than its own. Whoever waits until all transactions up to a
-- place have ended waits for this one too, as its own number is not higher.

CREATE SEQUENCE {schema}.last_transaction MINVALUE 0 START 0;
SELECT setval('{schema}.last_transaction', greatest(
        (SELECT max(log_transaction) FROM {schema}.event_log),
        pg_current_xact_id()::text::bigint + transactions_before
    )) FROM {schema}.log;

CREATE OR REPLACE FUNCTION {schema}.draw(
    events bigint,
    clock bigint,
    OUT log_transaction bigint,
    OUT first_number bigint,
    OUT recorded bigint
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock({class}, {draw});
    BEGIN
        SELECT setval('{schema}.last_transaction',
            greatest(last_value, pg_current_xact_id()::text::bigint + transactions_before))
            INTO STRICT log_transaction FROM {schema}.last_transaction, {schema}.log;
        recorded := setval('{schema}.last_recorded', greatest(last_value, clock)) FROM {schema}.last_recorded;
        first_number := setval('{schema}.last_number', last_value + events) - events + 1 FROM {schema}.last_number;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        PERFORM pg_advisory_unlock({class}, {draw});
        RAISE;
    END;
    PERFORM pg_advisory_unlock({class}, {draw});
END $$;
