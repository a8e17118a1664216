# SPDX-License-Identifier: LGPL-3.0-or-later
"""How many bytes a change takes, in heap and indexes, beside the plain layout that others use.

The plain layout has every field as text or jsonb and nine indexes, one for each thing that is asked for. The
same changes, made by a worker from real transactions, are stored in both: as they came in, and after their
month has ended and `bemi maintain` has packed its indexes.

    ./dev bench storage [--changes N]
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import psycopg
from _report import save, show, show_columns

from support.bemi import Worker, bemi
from support.clock import at
from support.postgres import Server, available

SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "8GB"}
LONG_AGO = "-40d"  # by the server's clock

PLAIN = """
create table plain (
  id text primary key, database text, schema text, "table" text, primary_key text, operation text,
  before jsonb, after jsonb, context jsonb, committed_at text, queued_at text, created_at text,
  transaction_id text, position text);
create index on plain using gin (context jsonb_path_ops);
create index on plain using gin (before jsonb_path_ops);
create index on plain using gin (after jsonb_path_ops);
create index on plain (committed_at);
create index on plain ("table");
create index on plain (primary_key);
create index on plain (operation);
create index on plain (position, "table", schema, database, operation, transaction_id);
insert into plain
select id, database, schema, "table", primary_key, operation, before, after, context, committed_at, queued_at,
  created_at, transaction_id, position from changes order by epoch, commit_position, sequence;
"""

WORK = """
create table item (id int primary key, owner int, note text, n numeric, at timestamptz);
create procedure work(transactions int, width int) language plpgsql as $$
begin
  for t in 1 .. transactions loop
    perform pg_logical_emit_message(true, '_bemi', json_build_object('user_id', t % 1000,
      'endpoint', '/items/' || t % 20, 'method', 'POST', 'request_id', gen_random_uuid())::text);
    -- Different lengths, so that it is no matter of luck how many rows just fit into a page.
    insert into item select t * 6 + i, t % 100,
      left(repeat(md5((t * 6 + i)::text), 1 + width / 16), (width * (0.5 + random()))::int), i + 0.5, now()
    from generate_series(0, 5) i;
    update item set n = n + 1 where id between t * 6 and t * 6 + 2;
    delete from item where id = t * 6 + 5;
    commit;
  end loop;
end $$
"""


def sizes(server: Server, parent: str) -> tuple[int, int, list[tuple[str, int]]]:
    tables = server.sql(
        "select relid::regclass::text from pg_partition_tree(%s::regclass) where isleaf",
        parent,
        dbname="history",
    ) or [(parent,)]
    heap = indexes = 0
    each: list[tuple[str, int]] = []
    for (table,) in tables:
        heap += int(server.sql("select pg_table_size(%s::regclass)", table, dbname="history")[0][0])
        for name, size in server.sql(
            "select indexrelid::regclass::text, pg_relation_size(indexrelid) from pg_index"
            " where indrelid = %s::regclass and pg_relation_size(indexrelid) > 65536",
            table,
            dbname="history",
        ):
            indexes += size
            each.append((name, size))
    return heap, indexes, each


def archived(server: Server) -> int:
    """The size of all rows, compressed as `bemi maintain --archive` does it."""
    with (
        psycopg.connect(server.url("history")) as connection,
        connection.cursor().copy(
            "copy (select * from changes order by effective_at, commit_position, sequence) to stdout"
        ) as copy,
    ):
        text = b"".join(bytes(block) for block in copy)
    return len(subprocess.run(["zstd", "-9", "-c"], input=text, capture_output=True, check=True).stdout)


def set_clock(server: Server, offset: str) -> None:
    server.stop()
    server.env = at(offset)
    server.launch()


def measure(changes: int, width: int) -> dict[str, object]:
    with Server.start(available()[-1], SETTINGS) as server:
        set_clock(server, LONG_AGO)
        env = {
            "BEMI_SOURCE_URL": server.create_database("app"),
            "BEMI_DESTINATION_URL": server.create_database("history"),
        }
        server.sql(WORK, dbname="app")
        with Worker.start(env=env) as worker:
            worker.wait_ready()
            server.sql("call work(%s, %s)", changes // 10, width, dbname="app")
            bemi("sync", env=env, timeout=3600)
            server.sql("vacuum changes", dbname="history")
            server.sql(PLAIN, dbname="history")
            server.sql("vacuum plain", dbname="history")
            heap, indexes, each = sizes(server, "changes")
            plain_heap, plain_indexes, plain_each = sizes(server, "plain")
            archive = archived(server)
            count = int(server.sql("select count(*) from changes", dbname="history")[0][0])
            set_clock(server, "+0d")  # the month has ended
            server.sql("insert into item values (0)", dbname="app")
            bemi("sync", env=env, timeout=600)
        said = bemi("maintain", env=env, timeout=3600).stdout
        if "pack " not in said:
            raise SystemExit(f"nothing was packed:\n{said}")
        _, packed, packed_each = sizes(server, "changes")
    for title, found in (("changes", each), ("changes, packed", packed_each), ("plain", plain_each)):
        show_columns(
            [f"indexes of {title}", "B/change"], [[name, round(size / count, 1)] for name, size in found]
        )
    return {
        "changes": count,
        "heap, bytes per change": round(heap / count),
        "indexes, bytes per change": round(indexes / count),
        "plain layout, heap": round(plain_heap / count),
        "plain layout, indexes": round(plain_indexes / count),
        "archived, bytes per change": round(archive / count),
        "indexes once packed, bytes per change": round(packed / count),
        "of the plain layout": round((heap + indexes) / (plain_heap + plain_indexes), 3),
        "of the plain layout, once packed": round((heap + packed) / (plain_heap + plain_indexes), 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench storage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--changes", type=int, default=300_000)
    options = parser.parse_args()
    results = {}
    for name, width in {"200 B": 60, "1.6 kB": 1400}.items():
        results[name] = measure(options.changes, width)
        show(f"rows of about {name}", results[name])
    save("storage", results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
