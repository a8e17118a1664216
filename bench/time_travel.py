# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a question to the past costs while the history grows, beside a plain SELECT of the live table.

100,000 live rows, one of them hot; a baseline, then updates in rounds, each asked in the same ways.
PostgreSQL's own times (EXPLAIN ANALYZE), the median of several runs.

    ./dev bench time_travel [--rows N] [--changes N] [--steps N] [--explain]
"""

from __future__ import annotations

import argparse
import json
import statistics

import psycopg

from support.bemi import Worker, bemi
from support.postgres import Server, available

RUNS = 3
QUESTIONS = {
    "one row of the view": "select * from {place}.item where id = 4711",
    "the hot row": "select * from {place}.item where id = 1",
    "a join over 50 ids": "select i.* from generate_series(1000, 50000, 1000) g (id)"
    " join {place}.item i using (id)",
    "the whole view": "select count(*), sum(length(name)) from {place}.item",
}


def milliseconds(connection: psycopg.Connection, query: str) -> float:
    times = []
    for _ in range(RUNS):
        [(plan,)] = connection.execute(("explain (analyze, format json) " + query).encode()).fetchall()
        plan = json.loads(plan) if isinstance(plan, str) else plan
        times.append(plan[0]["Planning Time"] + plan[0]["Execution Time"])
    return float(statistics.median(times))


def ask(url: str, moment: str, changes: int, explain: bool) -> None:
    with psycopg.connect(url) as connection:
        for name, query in QUESTIONS.items():
            live = milliseconds(connection, query.format(place="public"))
            with connection.transaction():
                connection.execute("select set_config('bemi.as_of', %s, true)", (moment,))
                past = milliseconds(connection, query.format(place="time_travel"))
                print(f"{changes:>10,}  {name:<24} {past:>10.2f} ms   live {live:>8.2f} ms", flush=True)
                if explain:
                    lines = connection.execute(
                        ("explain (analyze, costs off) " + query.format(place="time_travel")).encode()
                    ).fetchall()
                    print("\n".join("    " + line for (line,) in lines))
        for name, query in {
            "bemi.row_as_of, hot row": "select * from bemi.row_as_of('item', '1', '{moment}')",
            "bemi.rows_as_of": "select count(*) from bemi.rows_as_of('item', '{moment}')",
        }.items():
            past = milliseconds(connection, query.format(moment=moment))
            print(f"{changes:>10,}  {name:<24} {past:>10.2f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--explain", action="store_true")
    options = parser.parse_args()
    with Server.start(available()[-1], {"shared_buffers": "512MB", "max_wal_size": "4GB"}) as server:
        url = server.create_database("bench")
        server.sql("create table item (id int primary key, name text, n int)", dbname="bench")
        server.sql(
            f"insert into item select i, 'item ' || i, 0 from generate_series(1, {options.rows}) i",
            dbname="bench",
        )
        with Worker.start("--source", url) as worker:
            worker.wait_ready()
            done = 0
            for step in range(1, options.steps + 1):
                while done < options.changes * step // options.steps:
                    server.sql("update item set n = n + 1", dbname="bench")
                    for _ in range(100):
                        server.sql("update item set n = n + 1 where id = 1", dbname="bench")
                    done += options.rows + 100
                [(moment,)] = server.sql("select clock_timestamp()::text", dbname="bench")
                bemi("sync", "--source", url, timeout=3600)
                bemi("sync", "--source", url, timeout=3600)
                server.sql("analyze", dbname="bench")
                ask(url, moment, done, options.explain)


if __name__ == "__main__":
    main()
