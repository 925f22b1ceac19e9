"""Answer A by the library eventsourcing over its SQLite recorder, with a projection of plain Python.

usage: eventsourcing_answer.py make FILE.parquet FILE.db
       eventsourcing_answer.py time FILE.db AS_OF_US
The first writes the events of a Parquet file; the second replays them all and prints one line of JSON: seconds from
opening the file to the answer in memory, peak memory by then, check figures.
"""
import json
import os
import sys
import time
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from uuid import NAMESPACE_URL, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

from peak import peak_rss_kib

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
EVENTS_PER_SAVE = 10_000
NOTIFICATIONS_PER_READ = 10_000


class Happened(Aggregate.Event):
    customer: str
    kind: str
    at_us: int
    amount: int | None
    score: int | None


class Journeys(Application):
    snapshotting_intervals = None


def open_application(path):
    return Journeys(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path})


def make(parquet, path):
    import duckdb

    making = path + ".making"
    if os.path.exists(making):
        os.remove(making)
    application = open_application(making)
    versions = defaultdict(int)
    rows = duckdb.connect().execute(f"""SELECT customer, kind, epoch_us("at"), amount, score FROM read_parquet('{parquet}')""")
    while chunk := rows.fetchmany(EVENTS_PER_SAVE):
        events = []
        for customer, kind, at_us, amount, score in chunk:
            versions[customer] += 1
            events.append(Happened(
                originator_id=uuid5(NAMESPACE_URL, customer), originator_version=versions[customer],
                timestamp=EPOCH + timedelta(microseconds=at_us),
                customer=customer, kind=kind, at_us=at_us, amount=amount, score=score))
        application.save(*events)
    application.close()
    os.rename(making, path)


class State:
    __slots__ = ("first_seen", "last_seen", "orders", "revenue", "first_order", "last_order", "opened", "resolved", "nps_n", "nps_sum",
                 "stage", "gap_us", "fifths")

    def __init__(self, at_us):
        self.first_seen = self.last_seen = at_us
        self.orders = self.revenue = self.opened = self.resolved = self.nps_n = self.nps_sum = 0
        self.first_order = self.last_order = self.gap_us = None
        self.fifths = {}

    def evolve(self, event):
        at_us, kind = event.at_us, event.kind
        self.first_seen = min(self.first_seen, at_us)
        self.last_seen = max(self.last_seen, at_us)
        if kind == "order_placed":
            self.orders += 1
            self.revenue += event.amount
            self.first_order = at_us if self.first_order is None else min(self.first_order, at_us)
            self.last_order = at_us if self.last_order is None else max(self.last_order, at_us)
        elif kind == "ticket_opened":
            self.opened += 1
        elif kind == "ticket_resolved":
            self.resolved += 1
        elif kind == "survey_answered":
            self.nps_n += 1
            self.nps_sum += 1 if event.score >= 9 else -1 if event.score <= 6 else 0

    def answer(self, churns_before_us):
        if self.orders > 1:
            self.gap_us = (self.last_order - self.first_order) // (self.orders - 1)
        if self.orders == 0:
            self.stage = 0
        elif self.last_order < churns_before_us:
            self.stage = 4
        else:
            self.stage = 3 if self.orders >= 5 else 2 if self.orders >= 2 else 1


def measure(path, as_of_us):
    start = time.perf_counter()
    application = open_application(path)
    states = {}
    position = None
    while True:
        page = application.recorder.select_notifications(position, NOTIFICATIONS_PER_READ, inclusive_of_start=False)
        for notification in page:
            event = application.mapper.to_domain_event(notification)
            state = states.get(event.customer)
            if state is None:
                state = states[event.customer] = State(event.at_us)
            state.evolve(event)
        if not page:
            break
        position = page[-1].id
    for state in states.values():
        state.answer(as_of_us - 180 * 86_400_000_000)
    buyers = [state for state in states.values() if state.orders > 0]
    for measured in ("last_order", "orders", "revenue"):
        size, longer = divmod(len(buyers), 5)
        buyers.sort(key=lambda state: getattr(state, measured))
        begin = 0
        for fifth in range(1, 6):
            end = fifth * size + min(fifth, longer)
            for state in buyers[begin:end]:
                state.fifths[measured] = fifth
            begin = end
    seconds = time.perf_counter() - start
    everybody = states.values()
    check = [
        len(states), sum(state.orders for state in everybody), sum(state.revenue for state in everybody),
        *[sum(state.stage == stage for state in everybody) for stage in range(5)],
        sum(max(0, state.opened - state.resolved) for state in everybody), sum(state.nps_sum for state in everybody),
        sum(state.revenue for state in buyers if state.fifths["revenue"] == 5)]
    print(json.dumps({"seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": check}))


if sys.argv[1] == "make":
    make(*sys.argv[2:])
else:
    measure(sys.argv[2], int(sys.argv[3]))
