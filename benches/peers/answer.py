"""An answer about a whole workload, once, by an engine that a user would pick instead.

usage: answer.py {A|B} {duckdb|polars} FILE THREADS AS_OF_US
FILE is Parquet, or a database of DuckDB with the table events; AS_OF_US is an instant in microseconds since 1970. Prints
one line of JSON: seconds from opening the file to the answer in memory, peak memory by then, check figures. Answer B is
a matter of windows, which DuckDB is asked for.
"""
import json
import os
import sys
import time

from peak import peak_rss_kib

question, engine, path, threads, as_of_us = sys.argv[1:]
os.environ["POLARS_MAX_THREADS"] = threads
CHURNS_BEFORE_US = int(as_of_us) - 180 * 86_400_000_000

ANSWER_A = """
WITH p AS (SELECT customer, min("at") first_seen, max("at") last_seen,
    count(*) FILTER (kind = 'order_placed') orders, coalesce(sum(amount) FILTER (kind = 'order_placed'), 0) revenue,
    min("at") FILTER (kind = 'order_placed') first_order, max("at") FILTER (kind = 'order_placed') last_order,
    count(*) FILTER (kind = 'ticket_opened') opened, count(*) FILTER (kind = 'ticket_resolved') resolved,
    count(score) nps_n, sum(CASE WHEN score >= 9 THEN 1 WHEN score <= 6 THEN -1 ELSE 0 END) nps_sum
  FROM {source} GROUP BY customer),
q AS (SELECT *, CASE WHEN orders > 1 THEN date_diff('millisecond', first_order, last_order) / (orders - 1) END gap_ms,
    CASE WHEN orders = 0 THEN 'prospect' WHEN last_order < make_timestamp({churns_before}) THEN 'churned'
         WHEN orders >= 5 THEN 'loyal' WHEN orders >= 2 THEN 'repeat' ELSE 'first' END stage,
    greatest(0, opened - resolved) tickets_open FROM p),
r AS (SELECT customer, ntile(5) OVER (ORDER BY last_order) r, ntile(5) OVER (ORDER BY orders) f, ntile(5) OVER (ORDER BY revenue) m
  FROM q WHERE orders > 0)
SELECT q.*, r.r, r.f, r.m FROM q LEFT JOIN r USING (customer)
"""

CHECK_A = """SELECT count(*), sum(orders), sum(revenue), count(*) FILTER (stage = 'prospect'),
  count(*) FILTER (stage = 'first'), count(*) FILTER (stage = 'repeat'), count(*) FILTER (stage = 'loyal'),
  count(*) FILTER (stage = 'churned'), sum(tickets_open), sum(nps_sum), sum(revenue) FILTER (m = 5) FROM answer"""

ANSWER_B = """
WITH e AS (SELECT customer, epoch_us("at") AS at_us, kind FROM {source} WHERE kind IN ('need_identified', 'order_placed')),
n AS (SELECT *, max(at_us) FILTER (kind = 'need_identified')
    OVER (PARTITION BY customer ORDER BY at_us RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) need_us FROM e),
o AS (SELECT customer, at_us, need_us, at_us - lag(at_us) OVER (PARTITION BY customer ORDER BY at_us) gap_us
  FROM n WHERE kind = 'order_placed')
SELECT customer, count(*) orders, count(*) FILTER (gap_us > 90 * 86400000000) long_gaps, count(need_us) waits,
  sum(at_us - need_us) waited_us, sum(at_us - need_us) // nullif(count(need_us), 0) mean_wait_us
FROM o GROUP BY customer
"""

CHECK_B = """SELECT count(*), sum(orders), sum(long_gaps), count(*) FILTER (long_gaps > 0), sum(waits),
  sum(waited_us // 1000000), coalesce(sum(mean_wait_us // 1000000), 0) FROM answer"""

ANSWER, CHECK = {"A": (ANSWER_A, CHECK_A), "B": (ANSWER_B, CHECK_B)}[question]


def duckdb_answer():
    import duckdb
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")

    def run():
        source = f"read_parquet('{path}')"
        if path.endswith(".duckdb"):
            connection.execute(f"ATTACH '{path}' AS stored (READ_ONLY)")
            source = "stored.events"
        connection.execute("CREATE TEMP TABLE answer AS " + ANSWER.format(source=source, churns_before=CHURNS_BEFORE_US))

    def check():
        return connection.execute(CHECK).fetchall()[0]
    return run, check


def polars_answer():
    import polars as pl
    last = {}

    def run():
        order = pl.col("kind") == "order_placed"
        p = (pl.scan_parquet(path)
             .with_columns(order_at=pl.when(order).then(pl.col("at")), order=order.cast(pl.UInt32),
                           opened=(pl.col("kind") == "ticket_opened").cast(pl.UInt32), resolved=(pl.col("kind") == "ticket_resolved").cast(pl.UInt32),
                           nps=(pl.col("score") >= 9).cast(pl.Int32) - (pl.col("score") <= 6).cast(pl.Int32))
             .group_by("customer")
             .agg(first_seen=pl.col("at").min(), last_seen=pl.col("at").max(), orders=pl.col("order").sum(), revenue=pl.col("amount").sum(),
                  first_order=pl.col("order_at").min(), last_order=pl.col("order_at").max(), opened=pl.col("opened").sum(),
                  resolved=pl.col("resolved").sum(), nps_n=pl.col("score").count(), nps_sum=pl.col("nps").sum()))
        p = p.with_columns(
            gap_ms=pl.when(pl.col("orders") > 1).then((pl.col("last_order") - pl.col("first_order")).dt.total_milliseconds() / (pl.col("orders").cast(pl.Int64) - 1)),
            stage=pl.when(pl.col("orders") == 0).then(0).when(pl.col("last_order").dt.epoch("us") < CHURNS_BEFORE_US).then(4)
                    .when(pl.col("orders") >= 5).then(3).when(pl.col("orders") >= 2).then(2).otherwise(1),
            tickets_open=(pl.col("opened").cast(pl.Int64) - pl.col("resolved").cast(pl.Int64)).clip(0))

        def ntile(column, name):
            return (((pl.when(pl.col("orders") > 0).then(pl.col(column)).rank("ordinal") - 1) * 5) // (pl.col("orders") > 0).sum() + 1).alias(name)

        last["answer"] = p.with_columns(ntile("last_order", "r"), ntile("orders", "f"), ntile("revenue", "m")).collect(engine="streaming")

    def check():
        a = last["answer"]
        return (a.height, a["orders"].sum(), a["revenue"].sum(), *[(a["stage"] == s).sum() for s in range(5)],
                a["tickets_open"].sum(), a["nps_sum"].sum(), a.filter(pl.col("m") == 5)["revenue"].sum())
    return run, check


run, check = {"duckdb": duckdb_answer, "polars": polars_answer}[engine]()
start = time.perf_counter()
run()
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": [int(figure) for figure in check()]}))
