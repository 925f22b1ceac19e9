"""Makes a file that the peers read, by DuckDB's own COPY.

The columns are those that the answers ask for; amounts are kept of orders alone, as the peers are asked for no other.

usage: make_files.py FILE.jsonl FILE.parquet
       make_files.py FILE.parquet FILE.duckdb
"""
import sys

import duckdb

source, made = sys.argv[1:]

EVENTS = f"""
SELECT customer, occurred_at AT TIME ZONE 'UTC' AS "at",
  CASE kind WHEN 'information_gathered' THEN 'info_gathered' WHEN 'deal_lost' THEN 'decision_lost' ELSE kind END AS kind,
  channel, CASE kind WHEN 'order_placed' THEN (fields.amount.amount * 100)::BIGINT END AS amount,
  list_filter(tags, lambda tag: starts_with(tag, 'product:'))[1][9:] AS product, fields.score AS score
FROM read_json('{source}', format = 'newline_delimited', columns = {{
  customer: 'VARCHAR', occurred_at: 'TIMESTAMPTZ', kind: 'VARCHAR', channel: 'VARCHAR', tags: 'VARCHAR[]',
  fields: 'STRUCT(amount STRUCT(amount DECIMAL(18, 4)), score BIGINT)'}})
"""

if made.endswith(".parquet"):
    duckdb.connect().execute(f"COPY ({EVENTS}) TO '{made}' (FORMAT parquet)")
else:
    connection = duckdb.connect(made)
    connection.execute(f"CREATE TABLE events AS FROM read_parquet('{source}')")
    connection.close()
