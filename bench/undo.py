# SPDX-License-Identifier: LGPL-3.0-or-later
"""What undoing costs: a request of a thousand rows, and a slip that touched a million.

A history of many requests; then one statement over all rows. Whole commands are timed, from the call to the
exit, with the most memory that `bemi` had. The million is planned, cancelled half-way, and applied.

    ./dev bench undo [--rows N] [--kind update|insert|delete|move]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import tempfile
import time

from _report import rss_peak_mb, save

from support.bemi import Worker, bemi, binary
from support.postgres import Server, available

REQUEST_ROWS = 1_000
REQUESTS = 50

SLIPS = {
    "update": "update item set n = n + 1, name = 'overwritten'",
    "insert": "insert into item (id, name, n)"
    " select {rows} + i, 'new ' || i, 0 from generate_series(1, {rows}) i",
    "delete": "delete from item",
    "move": "update item set id = id + {rows}",
}


class Bench:
    def __init__(self, server: Server, rows: int) -> None:
        self.url = server.create_database("bench")
        self.server = server
        self.rows = rows
        self.results: dict[str, dict[str, float]] = {}

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        return self.server.sql(statement, dbname="bench")

    def as_request(self, request: str, statement: str) -> None:
        context = json.dumps({"request_id": request})
        self.sql(f"begin; select pg_logical_emit_message(true, '_bemi', '{context}'); {statement}; commit")

    def fingerprint(self) -> object:
        return self.sql("select count(*), sum(hashtextextended(i::text, 0)::numeric) from item i")[0]

    def run(self, name: str, rows: int, *flags: str, expect: int = 0) -> None:
        """One command from its call to its exit."""
        began = time.perf_counter()
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [binary(), *flags, "--source", self.url, "--max-rows", "100000000"], stdout=said, stderr=said
            )
            peak_mb = 0.0
            while process.poll() is None:
                with contextlib.suppress(OSError):  # it has just ended
                    peak_mb = max(peak_mb, rss_peak_mb(process.pid))
                time.sleep(0.005)
            seconds = time.perf_counter() - began
            if process.returncode != expect:
                said.seek(0)
                raise SystemExit(f"{name}: exit code {process.returncode}\n{said.read().decode()}")
        self.results[name] = {"seconds": seconds, "rows_per_second": rows / seconds, "peak_mb": peak_mb}
        print(f"{name:<42}{seconds:>9.2f} s {rows / seconds:>12,.0f} rows/s {peak_mb:>8.1f} MB", flush=True)

    def cancel(self, flags: list[str]) -> None:
        """Ctrl-C while it writes."""
        before = self.fingerprint()
        process = subprocess.Popen(
            [binary(), *flags, "--apply", "--source", self.url, "--max-rows", "100000000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        writing = (
            "select pid from pg_stat_activity where application_name = 'bemi/revert' and query like 'with%'"
        )
        while not self.sql(writing):
            if process.poll() is not None:
                raise SystemExit("it ended before it could be cancelled")
            time.sleep(0.02)
        began = time.perf_counter()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate()
        seconds = time.perf_counter() - began
        while self.sql("select pid from pg_stat_activity where application_name = 'bemi/revert'"):
            time.sleep(0.02)
        gone = time.perf_counter() - began
        assert process.returncode == 1, said
        assert self.fingerprint() == before, "a cancelled revert leaves nothing"
        print(f"{'cancelled while it wrote':<42}{seconds:>9.2f} s, its transaction gone after {gone:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=SLIPS, default="update")
    options = parser.parse_args()
    settings = {"shared_buffers": "512MB", "max_wal_size": "8GB", "work_mem": "64MB"}
    with Server.start(available()[-1], settings) as server:
        bench = Bench(server, options.rows)
        bench.sql(
            "create table item (id bigint primary key, name text, n int, at timestamptz default now());"
            "create table line (id int generated always as identity primary key, item bigint references item,"
            " n int); create index on line (item);"
            f"insert into item select i, 'item ' || i, 0 from generate_series(1, {options.rows}) i"
        )
        with Worker.start("--source", bench.url) as worker:
            worker.wait_ready()
            for number in range(REQUESTS):
                first = 1 + number * REQUEST_ROWS % options.rows
                bench.as_request(
                    f"r{number}",
                    f"update item set n = n + 1 where id between {first} and {first + REQUEST_ROWS - 1}",
                )
            bemi("sync", "--source", bench.url, timeout=3600)
            request = ("revert", "--context", f"request_id=r{REQUESTS - 1}")
            for name in ("first", "again"):
                bench.run(f"plan of {REQUEST_ROWS:,} rows, {name}", REQUEST_ROWS, *request)
            bench.run(f"apply of {REQUEST_ROWS:,} rows", REQUEST_ROWS, *request, "--apply")
            good = bench.fingerprint()
            bench.as_request("slip", SLIPS[options.kind].format(rows=options.rows))
            slipped = bench.fingerprint()
            began = time.perf_counter()
            bemi("sync", "--source", bench.url, "--timeout", "3600", timeout=3600)
            bemi("sync", "--source", bench.url, "--timeout", "3600", timeout=3600)
            print(f"{'the history caught up':<42}{time.perf_counter() - began:>9.2f} s", flush=True)
            slip = ["revert", "--context", "request_id=slip"]
            bench.run(f"plan of {options.rows:,} rows ({options.kind})", options.rows, *slip)
            assert bench.fingerprint() == slipped, "a plan changes nothing"
            bench.cancel(slip)
            bench.run(f"apply of {options.rows:,} rows ({options.kind})", options.rows, *slip, "--apply")
            assert bench.fingerprint() == good, "not what it was before"
            print("the table is, to the letter, what it was before")
    save("undo", bench.results)


if __name__ == "__main__":
    main()
