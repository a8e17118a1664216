# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast the rows that are there already become a baseline, against COPY ... TO of the same table alone.

The floor only reads; a baseline also stores each row, with its indexes. Beside it, therefore: COPY ... TO
piped into COPY ... FROM a table like `changes`, which is what any tool must do at least.

    ./dev bench baseline [--rows N] [--runs N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from _report import save, show

from support.bemi import Worker
from support.postgres import Server, available

SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "8GB", "checkpoint_timeout": "1h"}
STORED = """
select id, source, database, schema, "table", primary_key, operation, before, after, context, committed_at,
  effective_at, queued_at, created_at, transaction_id, position, epoch, commit_position, sequence, exact,
  fidelity
from changes
"""


def read_alone(url: str) -> float:
    began = time.monotonic()
    with psycopg.connect(url) as connection, connection.cursor().copy("copy item to stdout") as copy:
        for _ in copy:
            pass
    return time.monotonic() - began


def store_alone(url: str) -> float:
    """The stored rows once more, into a table with the same indexes."""
    with psycopg.connect(url) as reading, psycopg.connect(url) as writing:
        writing.execute("drop table if exists again")
        writing.execute("create table again (like changes including all)")
        writing.commit()
        began = time.monotonic()
        with (
            reading.cursor().copy(f"copy ({STORED}) to stdout") as rows,
            writing.cursor().copy("copy again from stdin") as copy,
        ):
            for block in rows:
                copy.write(block)
        writing.commit()
        return time.monotonic() - began


def baseline(server: Server, folder: Path, rows: int) -> tuple[float, float, float]:
    history = server.create_database("history")
    env = {"BEMI_SOURCE_URL": server.url("app"), "BEMI_DESTINATION_URL": history}
    began = time.monotonic()
    log = folder / "worker.log"
    with Worker.start("--snapshot", "initial", env=env, log_file=log) as worker:
        worker.wait_ready(timeout=3600)
        seconds = time.monotonic() - began
        cost = worker.cpu_seconds(), worker.rss_peak_kb() / 1024
    [[stored]] = server.sql("select count(*) from changes where operation = 'SNAPSHOT'", dbname="history")
    if stored != rows:
        raise SystemExit(f"{stored} of {rows} rows are in the baseline")
    return seconds, *cost


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench baseline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    took, reading, storing, cpu, peak = [], [], [], [], 0.0
    with (
        Server.start(available()[-1], SETTINGS) as server,
        tempfile.TemporaryDirectory(prefix="bemi-baseline-") as home,
    ):
        url = server.create_database("app")
        server.sql(
            "create table item (id bigint primary key, owner int, note text, n numeric, at timestamptz);"
            "insert into item select i, i % 1000, repeat('x', 100), i / 7.0, now()"
            f" from generate_series(1, {options.rows}) i",
            dbname="app",
        )
        server.sql("vacuum analyze", dbname="app")
        for run in range(options.runs):
            seconds, worker_cpu, memory = baseline(server, Path(home), options.rows)
            took.append(seconds)
            cpu.append(worker_cpu)
            peak = max(peak, memory)
            reading.append(read_alone(url))
            storing.append(store_alone(server.url("history")))
            if run + 1 < options.runs:
                server.sql("select pg_drop_replication_slot('bemi_app')")
                server.drop_database("history")
    figures = {
        "rows": options.rows,
        "rows per second": round(options.rows / statistics.median(took)),
        "COPY TO alone, rows per second": round(options.rows / statistics.median(reading)),
        "COPY of the stored rows alone, rows per second": round(options.rows / statistics.median(storing)),
        "time, of COPY TO alone": round(
            statistics.median(a / b for a, b in zip(took, reading, strict=True)), 2
        ),
        "time, of COPY of the stored rows alone": round(
            statistics.median(a / b for a, b in zip(took, storing, strict=True)), 2
        ),
        "worker CPU, µs per row": round(statistics.median(cpu) / options.rows * 1e6, 2),
        "resident peak, MB": round(peak, 1),
    }
    show("baseline", figures)
    save("baseline", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
