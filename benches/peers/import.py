"""Imports a CSV file into a new table of a DuckDB file, once.

usage: import.py FILE.csv FILE.duckdb
Prints one line of JSON: seconds from opening the file to the closed database, and the lines.
"""
import json
import os
import sys
import time

import duckdb

from peak import peak_rss_kib

csv, database = sys.argv[1:]
if os.path.exists(database):
    os.remove(database)
start = time.perf_counter()
connection = duckdb.connect(database)
connection.execute("SET threads = 2")
connection.execute(f"CREATE TABLE lines AS SELECT * FROM read_csv('{csv}')")
lines = connection.execute("SELECT count(*) FROM lines").fetchone()[0]
connection.close()
seconds = time.perf_counter() - start
os.remove(database)
print(json.dumps({"seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": [lines]}))
