# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a question to the past costs while the history grows, beside a plain SELECT of the live table.

100,000 live rows, one of them hot; a baseline, then updates in rounds, each asked in the same ways.
PostgreSQL's own times (EXPLAIN ANALYZE), the median of several runs. The worker stores the first round; with
--generate the others are copies of it, made in the destination as the worker would have stored them.

    ./dev bench time_travel [--rows N] [--changes N[,N...]] [--generate] [--explain]
"""

from __future__ import annotations

import argparse
import json
import statistics

import psycopg
from _report import save

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


# A round of updates, as the worker stores it: one transaction of all rows, and 100 of the hot one.
ROUND = """
insert into changes (id, source, database, schema, "table", primary_key, operation, before, after, context,
                     committed_at, effective_at, queued_at, transaction_id, position, epoch, commit_position,
                     sequence)
select gen_random_uuid(), s.name, s.database, 'public', 'item', k.id::text, 'UPDATE',
       jsonb_build_object('id', k.id, 'name', 'item ' || k.id, 'n', %(round)s),
       jsonb_build_object('id', k.id, 'name', 'item ' || k.id, 'n', %(round)s + 1),
       jsonb_build_object('user_id', k.id %% 1000), t.at, t.at, t.at, %(round)s * 1000 + k.hot,
       (s.position - '0/0') + 8 * (k.hot + 1), s.epoch, (s.position - '0/0') + 8 * (k.hot + 1), k.sequence
from _bemi.source s
cross join lateral (
  select i as id, 0 as hot, i as sequence from generate_series(1, %(rows)s) i
  union all select 1, h, 1 from generate_series(1, 100) h) k
cross join lateral (select s.effective_at + interval '1 ms' * (k.hot + 1) as at) t
"""
PASS = (
    "update _bemi.source set position = position + 8 * 200, effective_at = effective_at + interval '1 second'"
)


def generate(server: Server, rows: int, number: int) -> None:
    with psycopg.connect(server.url("bench")) as connection:
        connection.execute(ROUND, {"round": number, "rows": rows})
        connection.execute(PASS)


def ask(url: str, moment: str, changes: int, explain: bool) -> dict[str, dict[str, float]]:
    """By question: milliseconds in the past and, where there is such a question, of the live table."""
    taken: dict[str, dict[str, float]] = {}
    with psycopg.connect(url) as connection:
        for name, query in QUESTIONS.items():
            live = milliseconds(connection, query.format(place="public"))
            with connection.transaction():
                connection.execute("select set_config('bemi.as_of', %s, true)", (moment,))
                past = milliseconds(connection, query.format(place="time_travel"))
                taken[name] = {"past": round(past, 2), "live": round(live, 2)}
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
            taken[name] = {"past": round(past, 2)}
            print(f"{changes:>10,}  {name:<24} {past:>10.2f} ms", flush=True)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--changes", default="500000,1000000", help="where to stop and ask")
    parser.add_argument("--generate", action="store_true")
    parser.add_argument("--explain", action="store_true")
    options = parser.parse_args()
    results: dict[str, dict[str, dict[str, float]]] = {}
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
            for stop in map(int, options.changes.split(",")):
                while done < stop:
                    if options.generate and done > 0:
                        generate(server, options.rows, done // options.rows)
                    else:
                        update(server)
                        bemi("sync", "--source", url, timeout=3600)
                        if options.generate:
                            worker.terminate()
                    done += options.rows + 100
                [(moment,)] = server.sql(
                    "select (effective_at - interval '1 ms')::text from _bemi.source", dbname="bench"
                )
                server.sql("select bemi.refresh_time_travel()", dbname="bench")
                server.sql("vacuum analyze", dbname="bench")
                results[str(stop)] = ask(url, moment, done, options.explain)
            server.sql(
                "select _bemi.checkpoint(effective_at - interval '2 ms') from _bemi.source", dbname="bench"
            )
            server.sql("vacuum analyze", dbname="bench")
            print("            behind a checkpoint")
            results["behind a checkpoint"] = ask(url, moment, done, options.explain)
    save("time_travel", results)


def update(server: Server) -> None:
    server.sql("update item set n = n + 1", dbname="bench")
    for _ in range(100):
        server.sql("update item set n = n + 1 where id = 1", dbname="bench")


if __name__ == "__main__":
    main()
