"""A funnel of three steps, or retention by months, of a whole workload by DuckDB, once.

usage: journeys.py {funnel|retention} FILE THREADS
FILE is Parquet, or a database of DuckDB with the table events. Prints one line of JSON: seconds from opening the file to
the answer in memory, peak memory by then, the figures.

The funnel: a need, an order, its delivery, within 30 days of the need; each step keeps the latest need that reached it, and a
customer counts once. No two events of a customer are of one instant. Retention: months of UTC by the first event ever and any
event behind it; a bit a month, because one pass of grouping is what DuckDB does fastest.
"""
import json
import sys
import time

import duckdb

from peak import peak_rss_kib

question, path, threads = sys.argv[1:]

FUNNEL = """
WITH e AS (SELECT customer, epoch_us("at") AS at_us, kind FROM {source} WHERE kind IN ('need_identified', 'order_placed', 'delivered')),
n AS (SELECT *, max(at_us) FILTER (kind = 'need_identified') OVER so_far AS need_us FROM e
  WINDOW so_far AS (PARTITION BY customer ORDER BY at_us ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)),
o AS (SELECT *, max(need_us) FILTER (kind = 'order_placed' AND at_us - need_us <= 30 * 86400000000) OVER so_far AS ordered_us FROM n
  WINDOW so_far AS (PARTITION BY customer ORDER BY at_us ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)),
c AS (SELECT customer, count(need_us) > 0 AS needs, count(ordered_us) > 0 AS orders,
    count(*) FILTER (kind = 'delivered' AND at_us - ordered_us <= 30 * 86400000000) > 0 AS delivered FROM o GROUP BY customer)
SELECT count(*) FILTER (needs), count(*) FILTER (orders), count(*) FILTER (delivered) FROM c
"""

RETENTION = """
WITH c AS (SELECT customer, bit_or(1::BIGINT << ((year("at") - 2024) * 12 + month("at") - 1)) AS months FROM {source} GROUP BY customer),
s AS (SELECT months, (log2(months & -months))::INTEGER AS start, count(*) AS customers FROM c GROUP BY ALL)
SELECT start, later, sum(customers) FROM s, range(24) AS r(later) WHERE (months >> (start + later)) & 1 = 1 GROUP BY ALL ORDER BY ALL
"""

start = time.perf_counter()
connection = duckdb.connect()
connection.execute(f"SET threads = {threads}")
source = f"read_parquet('{path}')"
if path.endswith(".duckdb"):
    connection.execute(f"ATTACH '{path}' AS stored (READ_ONLY)")
    source = "stored.events"
if question == "funnel":
    figures = connection.execute(FUNNEL.format(source=source)).fetchall()[0]
else:
    figures = [customers for _, _, customers in connection.execute(RETENTION.format(source=source)).fetchall()]
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": [int(figure) for figure in figures]}))
