# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast the dashboard's questions are answered on a long history: time of each API request over HTTP.

The history is made in SQL, and grows into the past: 110,000 changes a day, so that ten million are 90 days.

    ./dev bench feed [--changes N[,N...]] [--times N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from _report import percentile, save

from support.bemi import Worker
from support.dashboard import Dashboard, environment
from support.postgres import Server, available

PER_DAY = 10_000_000 / 90

# Made anew after all is in: row by row they take most of the time.
INDEXES = (
    "select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename = 'changes' "
    "and indexdef not like '%UNIQUE%'"
)

# Rows as the worker writes them, but many at a time. Users, endpoints and records are of uneven weight. `i` counts back
# from now, `j` forth as positions do.
FILL = """
insert into changes (id, source, database, schema, "table", primary_key, operation, before, after, context,
  committed_at, effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence)
select (lpad(to_hex((extract(epoch from t) * 1000)::bigint), 12, '0') || '8' || substr(md5(i::text), 1, 3)
        || '8' || substr(md5(i::text), 4, 15))::uuid, 'shop', 'shop', 'public',
  case when i % 5 = 0 then 'payment' else 'todo' end,
  (i * 7919 % 200000)::text,
  case when i % 10 < 6 then 'UPDATE' when i % 10 < 9 then 'CREATE' else 'DELETE' end,
  jsonb_build_object('id', i * 7919 % 200000, 'task', 'task ' || i % 1000, 'is_completed', false),
  jsonb_build_object('id', i * 7919 % 200000, 'task', 'task ' || (i + 1) % 1000, 'is_completed', true),
  jsonb_build_object('user_id', (random() ^ 3 * 10000)::int, 'endpoint', '/todo/' || i % 12,
                     'request_id', md5((j / 2)::text)),
  t, t, t, j / 2, j * 100, 1, j / 2 * 200, j % 2
from (select i, 100000000 - i as j, now() - interval '1 day' * (i / {per_day}::float8) as t
      from generate_series({last}::bigint, {first}, -1) i) s
"""

QUESTIONS = {
    "newest page": ("/api/changes", {}),
    "a page far back": ("/api/changes", {"until": "{middle}"}),
    "one table": ("/api/changes", {"table": "payment"}),
    "one record": ("/api/changes", {"table": "todo", "primary_key": "4242"}),
    "a busy user": ("/api/changes", {"context": "user_id=0"}),
    "a quiet user": ("/api/changes", {"context": "user_id=9999"}),
    "one request": ("/api/changes", {"context": "request_id={request}"}),
    "nobody": ("/api/changes", {"context": "user_id=20000"}),
    "a frequent text": ("/api/changes", {"q": "task 77"}),
    "last day counted": ("/api/histogram", {"since": "{yesterday}"}),
    "all counted": ("/api/histogram", {}),
    "last day by user": ("/api/groups", {"by": "user_id", "since": "{yesterday}"}),
    "last day by request": ("/api/groups", {"by": "request_id", "since": "{yesterday}"}),
    "a record's history": ("/api/history", {"table": "todo", "key": "4242"}),
    "keys of contexts": ("/api/context-keys", {}),
    "sources": ("/api/sources", {}),
}


def make_months(connection: psycopg.Connection) -> None:
    months = connection.execute(
        "select m, m + interval '1 month' from generate_series("
        "date_trunc('month', now()) - interval '3 months', date_trunc('month', now()), '1 month') m"
    ).fetchall()
    for month, following in months:
        name = f"changes_{month:%Y_%m}"
        if connection.execute("select to_regclass(%s)", [f"public.{name}"]).fetchone() == (None,):
            connection.execute(
                f"create table {name} partition of changes for values from ('{month:%Y-%m-%d}') "
                f"to ('{following:%Y-%m-%d}')"
            )


def fill(url: str, done: int, total: int) -> None:
    """From `done` changes, the newest ones, to `total`."""
    step = 250_000
    with psycopg.connect(url, autocommit=True) as connection:
        make_months(connection)
        indexes = connection.execute(INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index public.{name}")
        for last in range(total, done, -step):
            connection.execute(
                FILL.format(per_day=PER_DAY, first=max(done, last - step), last=last - 1).encode()
            )
        for _, index in indexes:
            connection.execute(index.replace(" ON ONLY ", " ON ").encode())
        connection.execute(
            "insert into _bemi.coverage values ('shop', 1, 1, 'public', 'todo', 0, now(), true)"
            " on conflict do nothing"
        )
        connection.execute("update _bemi.source set changes = %s", [total])
        connection.execute("vacuum analyze changes")


def ask(dashboard: Dashboard, path: str, parameters: dict[str, str], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        response = dashboard.client.get(path, params=parameters)
        taken.append((time.perf_counter() - began) * 1000)
        if response.status_code != 200:
            raise SystemExit(f"{path} {parameters}: {response.text}")
    return taken


def questions(server: Server, changes: int) -> dict[str, tuple[str, dict[str, str]]]:
    words = dict(
        zip(
            ("middle", "yesterday", "request"),
            server.sql(
                "select (now() - interval '1 day' * %s::float8)::text, (now() - interval '1 day')::text, md5(%s)",
                changes / PER_DAY / 2,
                str((100_000_000 - changes // 3) // 2),
                dbname="shop",
            )[0],
            strict=True,
        )
    )
    return {
        name: (path, {key: value.format(**words) for key, value in asked.items()})
        for name, (path, asked) in QUESTIONS.items()
    }


def measure(server: Server, dashboard: Dashboard, changes: int, times: int) -> dict[str, dict[str, float]]:
    results = {}
    print(f"    {'question':<22}{'first':>10} {'p50':>10} {'p95':>10}   milliseconds")
    for name, (path, parameters) in questions(server, changes).items():
        try:
            taken = ask(dashboard, path, parameters, times)
        except SystemExit as failed:
            print(f"    {name:<22}{failed}")
            continue
        p50, p95 = statistics.median(taken), percentile(taken, 0.95)
        results[name] = {"first": round(taken[0], 1), "p50": round(p50, 1), "p95": round(p95, 1)}
        print(f"    {name:<22}{taken[0]:>10.1f} {p50:>10.1f} {p95:>10.1f}", flush=True)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench feed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--changes", default="1000000", help="where to stop and ask")
    parser.add_argument("--times", type=int, default=15)
    options = parser.parse_args()
    results = {}
    settings = {"shared_buffers": "512MB", "maintenance_work_mem": "256MB", "max_wal_size": "4GB"}
    with Server.start(available()[-1], settings) as server, tempfile.TemporaryDirectory() as folder:
        url = server.create_database("shop")
        server.sql("create table todo (id int primary key)", dbname="shop")
        with Worker.start(env=environment(url), log_file=Path(folder) / "bemi.log") as worker:
            dashboard = Dashboard(worker.wait_ready())
            done = 0
            for changes in map(int, options.changes.split(",")):
                began = time.monotonic()
                fill(url, done, changes)
                done = changes
                print(f"  {changes:,} changes, made in {time.monotonic() - began:.0f} s")
                results[changes] = measure(server, dashboard, changes, options.times)
            dashboard.client.close()
    save("feed", results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
