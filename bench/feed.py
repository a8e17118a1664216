# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast the dashboard's questions are answered on a long history: time of each API request over HTTP.

The history is made in SQL, one million changes by default (--changes 10000000 for ten), spread over 90 days.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from support.bemi import Worker
from support.dashboard import Dashboard, environment
from support.postgres import Server, available

ROOT = Path(__file__).resolve().parent.parent
DAYS = 90

# Made anew after all is in: row by row they take most of the time.
INDEXES = (
    "select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename = 'changes' "
    "and indexdef not like '%UNIQUE%'"
)

# As the worker writes them, but many at a time. Users, endpoints and records are of uneven weight.
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
                     'request_id', md5((i / 2)::text)),
  t, t, t, i / 2, i * 100, 1, i / 2 * 200, i % 2
from (select i, now() - interval '{days} days' * (1 - i::float8 / {total}) as t
      from generate_series({first}::bigint, {last}) i) s
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


def fill(url: str, total: int) -> None:
    step = 250_000
    with psycopg.connect(url, autocommit=True) as connection:
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
        indexes = connection.execute(INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index public.{name}")
        for first in range(0, total, step):
            connection.execute(
                FILL.format(days=DAYS, total=total, first=first, last=min(total, first + step) - 1).encode()
            )
        for _, index in indexes:
            connection.execute(index.replace(" ON ONLY ", " ON ").encode())
        connection.execute(
            "insert into _bemi.coverage values ('shop', 1, 1, 'public', 'todo', 0, now(), true)"
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=15)
    arguments = parser.parse_args()
    results = {}
    settings = {"shared_buffers": "512MB", "maintenance_work_mem": "256MB", "max_wal_size": "4GB"}
    with Server.start(available()[-1], settings) as server, tempfile.TemporaryDirectory() as folder:
        url = server.create_database("shop")
        server.sql("create table todo (id int primary key)", dbname="shop")
        worker = Worker.start(env=environment(url), log_file=Path(folder) / "bemi.log").wait_ready()
        dashboard = Dashboard(worker)
        began = time.monotonic()
        fill(url, arguments.changes)
        print(f"{arguments.changes:,} changes made in {time.monotonic() - began:.0f} s\n")
        words = dict(
            zip(
                ("middle", "yesterday", "request"),
                server.sql(
                    "select (now() - interval '45 days')::text, (now() - interval '1 day')::text, "
                    f"md5('{arguments.changes // 3}')",
                    dbname="shop",
                )[0],
                strict=True,
            )
        )
        print(f"{'question':<22}{'first':>10} {'p50':>10} {'p95':>10}   milliseconds")
        for name, (path, asked) in QUESTIONS.items():
            parameters = {key: value.format(**words) for key, value in asked.items()}
            try:
                taken = ask(dashboard, path, parameters, arguments.times)
            except SystemExit as failed:
                print(f"{name:<22}{failed}")
                continue
            p50, p95 = statistics.median(taken), sorted(taken)[int(len(taken) * 0.95)]
            results[name] = {"first": taken[0], "p50": p50, "p95": p95}
            print(f"{name:<22}{taken[0]:>10.1f} {p50:>10.1f} {p95:>10.1f}")
        dashboard.client.close()
        worker.terminate()
    target = ROOT / "build" / "bench"
    target.mkdir(parents=True, exist_ok=True)
    (target / "feed.json").write_text(json.dumps({"changes": arguments.changes, "ms": results}, indent=1))


if __name__ == "__main__":
    main()
