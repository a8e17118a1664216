# SPDX-License-Identifier: LGPL-3.0-or-later
"""From the moment that COMMIT returned to the application until its change can be read in `changes`.

pgbench writes at a fixed rate, each transaction one row and its context. A transaction is seen when the
progress of the history has passed its commit, which one statement after the other asks.

    ./dev bench latency [--seconds N] [--rates N ...]
"""

from __future__ import annotations

import argparse
import bisect
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psycopg
from _report import percentile, program, save, server_cpu, show

from support.bemi import Worker, bemi
from support.postgres import Server, available

CLIENTS = 8
SCRIPT = """begin;
select pg_logical_emit_message(true, '_bemi', '{"user_id": 42, "endpoint": "/items", "client": :client_id}');
insert into item (client, note) values (:client_id, 'a note of some length, as an application writes them');
commit;
"""
SCHEMA = "create table item (id bigint generated always as identity primary key, client int, note text)"
POSITION = "select position - '0/0' from _bemi.source"


class Watcher:
    """Where the history is, and when that was read."""

    def __init__(self, url: str, question: str = POSITION) -> None:
        self.question = question
        self.seen: list[tuple[int, float]] = []
        self.ended = threading.Event()
        self.connection = psycopg.connect(url, autocommit=True)
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self) -> None:
        last = -1
        while not self.ended.wait(0.0005):
            row = self.connection.execute(self.question, prepare=True).fetchone()
            if row is not None and int(row[0]) != last:
                last = int(row[0])
                self.seen.append((last, time.time()))

    def end(self) -> None:
        self.ended.set()
        self.thread.join()
        self.connection.close()


def commits(folder: Path) -> dict[int, list[float]]:
    """By client, in order: when its COMMITs had returned, by pgbench's log."""
    done: dict[int, list[float]] = {}
    for path in folder.glob("log.*"):
        for line in path.read_text().splitlines():
            client, _, _, _, seconds, microseconds, *_ = line.split()
            done.setdefault(int(client), []).append(int(seconds) + int(microseconds) / 1e6)
    return done


def measure(rate: int, seconds: int) -> dict[str, object]:
    with (
        Server.start(available()[-1]) as source,
        Server.start(available()[-1]) as destination,
        tempfile.TemporaryDirectory(prefix="bemi-latency-") as home,
    ):
        source.create_database("app")
        url = destination.create_database("history")
        env = {"BEMI_SOURCE_URL": source.url("app"), "BEMI_DESTINATION_URL": url}
        source.sql(SCHEMA, dbname="app")
        folder = Path(home)
        (folder / "script.sql").write_text(SCRIPT)
        with Worker.start(env=env, log_file=folder / "worker.log") as worker:
            worker.wait_ready()
            watcher = Watcher(url)
            cpu, servers = worker.cpu_seconds(), server_cpu(destination)
            subprocess.run(
                [program("pgbench"), "-n", "-f", "script.sql", "-c", str(CLIENTS), "-j", "1", "-R", str(rate),
                 "-T", str(seconds), "-l", "--log-prefix", "log", source.url("app")],
                cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            bemi("sync", env=env)
            cpu, servers = worker.cpu_seconds() - cpu, server_cpu(destination) - servers
            watcher.end()
            peak = worker.rss_peak_kb() / 1024
        stored = destination.sql(
            "select (after ->> 'client')::int, commit_position from changes where operation = 'CREATE'"
            " order by (after ->> 'id')::bigint",
            dbname="history",
        )
        return summary(rate, stored, commits(folder), watcher.seen, (cpu, servers, peak))


def summary(
    rate: int,
    stored: list[tuple[int, int]],
    done: dict[int, list[float]],
    seen: list[tuple[int, float]],
    costs: tuple[float, float, float],
) -> dict[str, object]:
    positions = [position for position, _ in seen]
    left = {client: iter(times) for client, times in done.items()}
    waits = []
    for client, position in stored:
        visible = seen[bisect.bisect_left(positions, position)][1]
        waits.append(max(0.0, visible - next(left[client])) * 1000)
    times = [time for one in done.values() for time in one]
    cpu, servers, peak = costs
    return {
        "transactions per second, wanted": rate,
        "transactions per second, written": round(len(times) / (max(times) - min(times))),
        "p50, ms": round(statistics.median(waits), 2),
        "p99, ms": round(percentile(waits, 0.99), 2),
        "longest, ms": round(max(waits), 1),
        "worker CPU, µs per transaction": round(cpu / len(times) * 1e6, 1),
        "destination's CPU, µs per transaction": round(servers / len(times) * 1e6, 1),
        "resident peak, MB": round(peak, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench latency", description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rates", type=int, nargs="*", default=[500, 2000])
    options = parser.parse_args()
    results = []
    for rate in options.rates:
        results.append(measure(rate, options.seconds))
        show(f"at {rate} transactions a second", results[-1])
    save("latency", results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
