"""The directly-follows graph of a log in memory by pm4py, once.

usage: dfg.py FILE.parquet
Prints one line of JSON: seconds from the formatted data frame to the graph, peak memory, check figures: cases, events,
activities, edges, and the counts of activities and of edges in the order of their names.
"""
import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import duckdb
import pm4py

from peak import peak_rss_kib

frame = duckdb.connect().execute(f"""SELECT customer AS "case:concept:name", kind AS "concept:name", "at" AS "time:timestamp"
  FROM read_parquet('{sys.argv[1]}') ORDER BY customer, "at" """).df()
frame = pm4py.format_dataframe(frame)
start = time.perf_counter()
edges, _, _ = pm4py.discover_dfg(frame)
seconds = time.perf_counter() - start
activities = frame["concept:name"].value_counts()
check = [frame["case:concept:name"].nunique(), len(frame), len(activities), len(edges),
         *activities.sort_index(), *(edges[edge] for edge in sorted(edges))]
print(json.dumps({"seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": [int(figure) for figure in check]}))
