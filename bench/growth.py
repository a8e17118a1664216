# SPDX-License-Identifier: LGPL-3.0-or-later
"""What each question costs as the past and the number of tables grow, beside the smallest size of the same run.

  tables      10 and 1,000 tables: start, the views of the past, DDL, sync, check, status, mark, teardown
  partitions  histories of 30 and 365 days, a partition a day, made by SQL: the questions of a reader

Each figure is the median of a few tries in milliseconds, commands from their start to their exit. At the end stands
what grew by more than 2, so that a cost that grows with the past, and not with the question, is seen. The record that
is asked for has 20 changes in the last ten days, however long the past is. --huge adds 1,000 days, 3,000 and 10,000
tables, and takes most of an hour.

    ./dev bench growth [--tables N,...] [--days N,...] [--changes-a-day N] [--times N] [--huge]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from _report import save, show_columns

from support.bemi import BemiError, Worker, bemi
from support.postgres import Server, available

Figures = dict[str, float]  # milliseconds of each question
TOO_MUCH = 2.0
SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "4GB", "log_min_messages": "error"}
WAIT_SECONDS = 900
ROWS = 2_000
STEADY_KEY = ROWS + 1

# Rows as a worker would have stored them; the newest day is left to the worker. Every third change is of another
# request.
FILL = """
insert into changes (id, source, database, schema, "table", primary_key, operation, before, after, context,
                     committed_at, effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence)
select gen_random_uuid(), 'bench', 'bench', 'public', 'todo', k::text, 'UPDATE',
       jsonb_build_object('id', k, 'task', case when i < {rows} then 'x' else 't' || i - {rows} end,
                          'done', i >= {rows}),
       jsonb_build_object('id', k, 'task', 't' || i, 'done', true),
       jsonb_build_object('user_id', i % 1000, 'request_id', md5((i / 3)::text)), t, t, t, 1000 + i, 1 + i, 1, 1 + i, 0
from (select i, 1 + i * 7919 % {rows} as k,
             date_trunc('day', now()) - interval '1 day' * ({days} - i / {per_day}.0) as t
      from generate_series({first}, {last}) i) s
"""
# The record that is asked for: as many changes whatever the size.
STEADY = """
insert into changes (id, source, database, schema, "table", primary_key, operation, before, after, context,
                     committed_at, effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence)
select gen_random_uuid(), 'bench', 'bench', 'public', 'todo', '{steady}', 'UPDATE',
       jsonb_build_object('id', {steady}, 'task', case when n = 1 then 'x' else 's' || n - 1 end, 'done', n > 1),
       jsonb_build_object('id', {steady}, 'task', 's' || n, 'done', true),
       jsonb_build_object('user_id', 7), t, t, t, 1000 + i, 1 + i, 1, 1 + i, 1
from (select n, {days} * {per_day} - (21 - n) * {per_day} / 2 as i,
             date_trunc('day', now()) - interval '12 hours' * (21 - n) as t
      from generate_series(1, 20) n) s
"""
PARTITIONS = """
select _bemi.make_partition(date_trunc('day', now()) - interval '1 day' * n) from generate_series({first}, {last}) n
"""
# Moves the beginning of the history back to the first row.
BEGINNING = """
update _bemi.epoch set began_at = began_at - interval '{days} days';
update _bemi.coverage set since = since - interval '{days} days', rows_at = rows_at - interval '{days} days',
  position = 0;
update _bemi.relation_version set effective_at = effective_at - interval '{days} days', position = 0;
update changes set effective_at = effective_at - interval '{days} days', commit_position = 0,
  after = after || '{{"task": "x", "done": false}}' where operation = 'SNAPSHOT';
"""
# The live rows as the changes below leave them.
LIVE = """
insert into todo select k, 'x', false from generate_series(1, {rows}) k;
update todo set task = 't' || i, done = true
from (select 1 + i * 7919 % {rows} as k, max(i) as i from generate_series(0, {changes} - 1) i group by 1) c
where todo.id = c.k;
insert into todo values ({steady}, 's20', true);
"""


def milliseconds(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"not done after {WAIT_SECONDS} s")
        time.sleep(0.1)


@contextmanager
def cluster(settings: dict[str, str]) -> Iterator[tuple[str, psycopg.Connection]]:
    with Server.start(available()[-1], {**SETTINGS, **settings}) as server:
        url = server.create_database("bench")
        with psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC") as connection:
            yield url, connection


# ---- tables ----


def make_tables(connection: psycopg.Connection, count: int) -> None:
    for first in range(0, count, 50):
        connection.execute(
            "; ".join(
                f"create table t{number} (id bigserial primary key, a text, b int, c timestamptz default now())"
                for number in range(first, min(count, first + 50))
            ).encode()
        )


def with_tables(count: int, times: int) -> Figures:
    figures: Figures = {}
    with cluster({}) as (url, connection):
        make_tables(connection, count)

        def start() -> Worker:
            return Worker.start("--source", url).wait_ready(timeout=WAIT_SECONDS)

        def number(query: str) -> int:
            [found] = connection.execute(query.encode()).fetchone() or [0]
            return int(found)

        def begin(name: str) -> Worker:
            began = time.perf_counter()
            worker = start()
            figures[name] = (time.perf_counter() - began) * 1000
            return worker

        worker = begin("first start to streaming")
        began = time.perf_counter()
        made = "select count(*) from bemi.time_travel_tables where until is not null and problem is null"
        wait_until(lambda: number(made) == count)
        figures["all views of the past, since then"] = (time.perf_counter() - began) * 1000
        worker.terminate()
        worker = begin("start again")
        bemi("sync", "--source", url)

        def ddl_and_sync() -> None:
            connection.execute("alter table t1 add column more int")
            bemi("sync", "--source", url)
            connection.execute("alter table t1 drop column more")

        def a_new_mark() -> None:
            bemi("mark", "create", f"m{time.monotonic_ns()}", "--source", url)

        def upkeep() -> None:
            connection.execute("update _bemi.source set effective_at = effective_at + interval '1 us'")
            connection.execute("select bemi.refresh_time_travel(false)")

        questions: dict[str, Callable[[], object]] = {
            "sync when nothing waits": lambda: bemi("sync", "--source", url),
            "status": lambda: bemi("status", "--source", url),
            "check": lambda: bemi("check", "--source", url, check=False),
            "mark create": a_new_mark,
            "upkeep of the views when nothing is new": upkeep,
            "alter table, and sync": ddl_and_sync,
            "alter table alone": lambda: connection.execute("alter table t2 alter column b set not null"),
        }
        for name, ask in questions.items():
            figures[name] = milliseconds(ask, times)
        worker.terminate()
        figures["teardown"] = milliseconds(lambda: bemi("teardown", "--yes", "--source", url, timeout=300), 1)
    return figures


# ---- partitions ----


def make_past(url: str, connection: psycopg.Connection, days: int, per_day: int) -> None:
    connection.execute("create table todo (id bigint primary key, task text, done bool)")
    connection.execute(LIVE.format(rows=ROWS, changes=days * per_day, steady=STEADY_KEY).encode())
    worker = Worker.start("--source", url, "--partition", "day").wait_ready()
    bemi("sync", "--source", url)
    worker.terminate()
    for first in range(1, days + 1, 100):
        last = min(days, first + 99)
        connection.execute(PARTITIONS.format(first=first, last=last).encode())
    connection.execute(BEGINNING.format(days=days).encode())
    for first in range(0, days * per_day, 50_000):
        last = min(days * per_day, first + 50_000) - 1
        connection.execute(
            FILL.format(first=first, last=last, days=days, per_day=per_day, rows=ROWS).encode()
        )
    connection.execute(STEADY.format(days=days, per_day=per_day, steady=STEADY_KEY).encode())
    connection.execute("update _bemi.view set until = null")  # their keys are gathered from the whole past
    connection.execute("select bemi.refresh_time_travel()")  # a checkpoint is of a table whose keys are known
    connection.execute("vacuum analyze")


def a_slip(connection: psycopg.Connection) -> None:
    context = json.dumps({"request_id": "slip"})
    with connection.transaction():
        connection.execute("select pg_logical_emit_message(true, '_bemi', %s)", [context])
        connection.execute("update todo set done = not done where id between 10 and 30")


def with_days(days: int, per_day: int, times: int) -> Figures:
    figures: Figures = {}
    with cluster({"max_locks_per_transaction": "1000"}) as (url, connection):
        began = time.perf_counter()
        make_past(url, connection, days, per_day)
        print(f"  made {days} days in {time.perf_counter() - began:.0f} s", flush=True)
        began = time.perf_counter()
        worker = Worker.start("--source", url, "--partition", "day").wait_ready(timeout=WAIT_SECONDS)
        figures["worker's start"] = (time.perf_counter() - began) * 1000
        # What the worker does once an hour.
        figures["maintain, for each partition"] = (
            milliseconds(lambda: bemi("maintain", "--source", url, timeout=WAIT_SECONDS), 1) / days
        )
        a_slip(connection)
        bemi("sync", "--source", url, timeout=300)
        [moment, yesterday, day, request] = connection.execute(
            "select (o.effective_at - interval '1 ms')::text, (now() - interval '30 hours')::text,"
            " (now() - interval '6 hours')::text, md5((%s / 3)::text) from _bemi.source o",
            [days * per_day - 10],
        ).fetchone() or ["", "", "", ""]

        def command(*words: str) -> Callable[[], object]:
            return lambda: bemi(*words, "--source", url, timeout=300)

        key = str(STEADY_KEY)

        def view_by_key() -> None:
            with psycopg.connect(url) as session:
                session.execute("select set_config('bemi.as_of', %s, true)", [moment])
                session.execute("select * from time_travel.todo where id = %s", [STEADY_KEY]).fetchall()

        def whole_view() -> None:
            with psycopg.connect(url) as session:
                session.execute("select set_config('bemi.as_of', %s, true)", [moment])
                session.execute("select count(*) from time_travel.todo").fetchall()

        questions: dict[str, Callable[[], object]] = {
            "history of a record": command("history", "todo", key),
            "a row as of a minute ago": command("as-of", str(moment), "todo", key),
            "a table as of a minute ago": command("as-of", str(moment), "todo", "--format", "csv"),
            "the view by key": view_by_key,
            "the whole view": whole_view,
            "newest page": command("changes"),
            "page of one record": command("changes", "--table", "todo", "--primary-key", key),
            "changes of a request": command("changes", "--context", f"request_id={request}"),
            "changes of a user": command("changes", "--context", "user_id=7"),
            "the last day's transactions": command("transactions", "--since", str(yesterday)),
            "the last day's trends": command("trends", "--since", str(yesterday)),
            "diff of six hours": command("diff", "todo", str(day), str(moment)),
            "revert plan": command("revert", "--context", "request_id=slip"),
            "status": command("status"),
            "check": lambda: bemi("check", "--source", url, check=False),
            "sync when nothing waits": command("sync"),
            "maintain, nothing to do": command("maintain"),
        }
        for name, ask in questions.items():
            try:
                figures[name] = milliseconds(ask, times)
            except BemiError as error:
                print(f"  {name}: {str(error).splitlines()[-1]}", flush=True)
        worker.terminate()
    return figures


# ---- together ----


def show(title: str, curve: dict[int, Figures]) -> list[str]:
    """The curve; tells which questions grew by more than is wanted."""
    sizes = sorted(curve)
    print(f"\n  {title}: milliseconds, and of the smallest's")
    rows: list[list[object]] = []
    grown = []
    for name in curve[sizes[0]]:
        row: list[object] = [name]
        smallest = curve[sizes[0]][name]
        for size in sizes:
            here = curve[size].get(name)
            row.append("failed" if here is None else f"{here:,.1f}")
            row.append("" if here is None else f"{here / smallest:.1f}x")
        largest = curve[sizes[-1]].get(name)
        if largest is None or largest / smallest > TOO_MUCH:
            grown.append(name if largest is None else f"{name} {largest / smallest:.1f}x")
        rows.append(row)
    show_columns(["", *(word for size in sizes for word in (f"{size:,}", ""))], rows)
    print(f"    over {TOO_MUCH:g}x: {', '.join(grown) or 'none'}", flush=True)
    return grown


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=numbers, default=[10, 1_000])
    parser.add_argument("--days", type=numbers, default=[30, 365])
    parser.add_argument("--changes-a-day", type=int, default=100)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--huge", action="store_true", help="1,000 days, 3,000 and 10,000 tables too")
    options = parser.parse_args()
    days: dict[int, Figures] = {}
    for count in options.days + ([1_000] if options.huge else []):
        days[count] = with_days(count, options.changes_a_day, options.times)
    tables: dict[int, Figures] = {}
    for count in options.tables + ([3_000, 10_000] if options.huge else []):
        tables[count] = with_tables(count, options.times)
        print(f"  asked of {count:,} tables", flush=True)
    grown: dict[str, list[str]] = {}
    if days:
        grown["partitions"] = show("partitions of a day", days)
    if tables:
        grown["tables"] = show("tables", tables)
    save("growth", {"partitions": days, "tables": tables, "over 2x": grown})


if __name__ == "__main__":
    main()
