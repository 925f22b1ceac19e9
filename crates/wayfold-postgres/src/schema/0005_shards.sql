-- The virtual shard of each event's customer, so that a worker is sent the events of its shards alone. Events that an
-- older program wrote have none, and are sent to all.
ALTER TABLE {schema}.event_log ADD COLUMN shard smallint;
