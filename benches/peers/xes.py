"""Reads an event log in XES into a data frame by r4pm, once.

usage: xes.py FILE.xes.gz
Prints one line of JSON: seconds from opening the file to the data frame, peak memory, the events.
"""
import json
import sys
import time

import r4pm.df

from peak import peak_rss_kib

start = time.perf_counter()
frame, _ = r4pm.df.import_xes(sys.argv[1])
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": [len(frame)]}))
