-- What a cluster of databases keeps in each of them: which customers are whose, and who works on which.

CREATE TABLE {schema}.shard_map (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL CHECK (version > 0),
    -- The name of this database among those of the cluster.
    own text COLLATE "C" NOT NULL,
    databases text[] COLLATE "C" NOT NULL,
    -- For each of the 256 shards the place of its database in `databases`, from 0 on.
    shards smallint[] NOT NULL CHECK (cardinality(shards) = 256)
);

-- Who shares the shards, and until when that is known.
CREATE TABLE {schema}.worker (
    states text COLLATE "C",
    worker text COLLATE "C",
    alive_until timestamptz NOT NULL,
    PRIMARY KEY (states, worker)
);

-- Who alone may write the states of a shard. The token grows whenever the lease is given to somebody.
CREATE TABLE {schema}.lease (
    states text COLLATE "C",
    shard smallint CHECK (shard BETWEEN 0 AND 255),
    worker text COLLATE "C",
    token bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (states, shard)
);

-- Says that a worker lives, prolongs its leases, and takes free ones up to its fair part. Returns what it holds then, and
-- the fair part. What somebody writes under a lease locks its row: such a lease is neither prolonged nor taken meanwhile.
CREATE FUNCTION {schema}.keep_leases(
    of_states text,
    of_worker text,
    of_shards smallint[],
    lease_ms bigint,
    OUT shard smallint,
    OUT token bigint,
    OUT fair_part bigint
) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    until timestamptz := clock_timestamp() + lease_ms * interval '1 millisecond';
    part bigint;
    held bigint;
BEGIN
    INSERT INTO {schema}.worker AS known (states, worker, alive_until) VALUES (of_states, of_worker, until)
        ON CONFLICT (states, worker) DO UPDATE SET alive_until = excluded.alive_until;
    WITH gone AS MATERIALIZED (
        SELECT worker FROM {schema}.worker
        WHERE states = of_states AND alive_until < clock_timestamp() - interval '1 day' FOR UPDATE SKIP LOCKED
    )
    DELETE FROM {schema}.worker AS known USING gone WHERE known.states = of_states AND known.worker = gone.worker;
    SELECT ceil(cardinality(of_shards)::numeric / count(*)) INTO STRICT part FROM {schema}.worker
        WHERE states = of_states AND alive_until > clock_timestamp();
    INSERT INTO {schema}.lease (states, shard) SELECT of_states, unnest(of_shards)
        ON CONFLICT (states, shard) DO NOTHING;
    WITH own AS MATERIALIZED (
        SELECT lease.shard FROM {schema}.lease
        WHERE states = of_states AND worker = of_worker AND expires_at > clock_timestamp()
        FOR UPDATE SKIP LOCKED
    )
    UPDATE {schema}.lease SET expires_at = until FROM own WHERE states = of_states AND lease.shard = own.shard;
    SELECT count(*) INTO STRICT held FROM {schema}.lease
        WHERE states = of_states AND worker = of_worker AND expires_at > clock_timestamp();
    WITH free AS MATERIALIZED (
        SELECT lease.shard FROM {schema}.lease
        WHERE states = of_states AND lease.shard = ANY (of_shards) AND expires_at <= clock_timestamp()
        ORDER BY lease.shard LIMIT greatest(part - held, 0) FOR UPDATE SKIP LOCKED
    )
    UPDATE {schema}.lease SET worker = of_worker, token = lease.token + 1, expires_at = until
        FROM free WHERE states = of_states AND lease.shard = free.shard;
    RETURN QUERY SELECT lease.shard, lease.token, part FROM {schema}.lease
        WHERE states = of_states AND worker = of_worker AND expires_at > clock_timestamp()
        ORDER BY lease.shard;
END $$;
