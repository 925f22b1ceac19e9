-- A map of shards may be amid a move: 1 while shards are copied, 2 while copies that do not count are taken out, 0 else.
-- `others` has for each of the 256 shards the place of the database that holds such copies, -1 for none.
ALTER TABLE {schema}.shard_map
    ADD COLUMN stage smallint NOT NULL DEFAULT 0 CHECK (stage BETWEEN 0 AND 2),
    ADD COLUMN others smallint[] CHECK (cardinality(others) = 256);
