# SPDX-License-Identifier: LGPL-3.0-or-later
"""What passing context costs, piece by piece: a request, a transaction, a statement, the import.

Two processes per driver, one without Bemi and one with it, do the same in turns of a fraction of a second. What is
told is the median, over these pairs of turns, of the difference that Bemi makes: in time on the clock (of a turn's
repetitions the lower quartile: what other programs take is not ours), in CPU of the application, in CPU of its
database session. The ASGI app is called without a socket, so the requests are short.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _report import save, show_columns

from support.postgres import Server, available

ROOT = Path(__file__).resolve().parent.parent
DRIVERS = ("psycopg", "psycopg-async", "asyncpg", "psycopg2")
DISTINCT = 10
SCHEMA = """
create table todo (id int primary key, task text not null, is_completed bool not null default false);
insert into todo select i, 'task ' || i, false from generate_series(1, 1000) i;
alter table todo replica identity full;
create table bulk (id int, task text, is_completed bool);
alter table bulk replica identity full;
"""
# Repetitions in one turn.
WORKS = {
    "request": 100,
    "request that reads": 30,
    "request that writes": 30,
    "read": 60,
    "write": 60,
    "equal": 15,
    "distinct": 15,
    "bulk": 4,
}


@dataclass
class Turn:
    """Of one repetition, in microseconds."""

    clock: float
    cpu: float
    backend: float


@dataclass
class App:
    way: str
    driver: str
    url: str
    turns: dict[str, list[Turn]] = field(default_factory=dict)
    process: Any = None

    def start(self) -> None:
        env = os.environ | {"WAY": self.way, "DRIVER": self.driver, "DATABASE_URL": self.url}
        command = [sys.executable, str(ROOT / "bench" / "_apps" / "costs.py")]
        self.process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.process.stdout.readline()

    def take(self, work: str, count: int) -> Turn:
        self.process.stdin.write(f"{work} {count}\n")
        found = json.loads(self.process.stdout.readline())
        return Turn(
            statistics.quantiles(found["times"], n=4)[0] / 1e3,
            found["cpu"] / count / 1e3,
            found["backend"] / count / 1e3,
        )

    def stop(self) -> None:
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


def measure(apps: list[App], works: list[str], rounds: int, seed: int) -> None:
    numbers = random.Random(seed)
    for number in range(rounds + 1):  # the first one warms up
        for work in works:
            for app in numbers.sample(apps, len(apps)):
                turn = app.take(work, WORKS[work])
                if number > 0:
                    app.turns.setdefault(work, []).append(turn)


def difference(plain: list[Turn], bemi: list[Turn], what: str) -> float:
    pairs = zip(plain, bemi, strict=True)
    return float(statistics.median(getattr(after, what) - getattr(before, what) for before, after in pairs))


def rows_of(driver: str, plain: App, bemi: App) -> list[dict[str, Any]]:
    rows = []
    for work in plain.turns:
        before, after = plain.turns[work], bemi.turns[work]
        row: dict[str, Any] = {"driver": driver, "work": work}
        for what in ("clock", "cpu", "backend"):
            base = statistics.median(getattr(turn, what) for turn in before)
            more = difference(before, after, what)
            row |= {f"{what}_us": round(base, 1), f"{what}_more_us": round(more, 1)}
            row[f"{what}_ratio"] = round((base + more) / base, 3) if base else None
        rows.append(row)
    by_work = {row["work"]: row for row in rows}
    if "write" in by_work and "distinct" in by_work:
        row = {"driver": driver, "work": "each further distinct statement"}
        for what in ("clock", "cpu", "backend"):
            for suffix in ("_us", "_more_us"):
                name = what + suffix
                row[name] = round((by_work["distinct"][name] - by_work["write"][name]) / (DISTINCT - 1), 1)
            row[f"{what}_ratio"] = (
                round(1 + row[f"{what}_more_us"] / row[f"{what}_us"], 3) if row[f"{what}_us"] else None
            )
        rows.append(row)
    return rows


def import_ms(rounds: int) -> dict[str, Any]:
    """Beyond SQLAlchemy, which the application has anyway."""
    code = (
        "import sqlalchemy{orm}; import time; t = time.perf_counter_ns(); c = time.process_time_ns();"
        "import bemi; print((time.perf_counter_ns() - t) / 1e6, (time.process_time_ns() - c) / 1e6)"
    )
    row: dict[str, Any] = {"work": "import bemi"}
    for orm in ("", ".orm"):
        command = [sys.executable, "-c", code.format(orm=orm)]
        runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(rounds)]
        times = [run.stdout.split() for run in runs]
        name = "beyond_sqlalchemy" + orm.replace(".", "_")
        row[f"{name}_ms"] = round(statistics.median(float(clock) for clock, _ in times), 1)
        row[f"{name}_cpu_ms"] = round(statistics.median(float(cpu) for _, cpu in times), 1)
    return row


def show(rows: list[dict[str, Any]]) -> None:
    titles = ["", "clock µs", "more", "ratio", "CPU", "more", "backend's CPU", "more"]
    names = (
        "clock_us",
        "clock_more_us",
        "clock_ratio",
        "cpu_us",
        "cpu_more_us",
        "backend_us",
        "backend_more_us",
    )
    show_columns(titles, [[row["work"], *(row[name] for name in names)] for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drivers", nargs="+", default=DRIVERS, choices=DRIVERS)
    parser.add_argument("--only", nargs="+", default=list(WORKS), choices=list(WORKS), metavar="WORK")
    parser.add_argument("--no-import", action="store_true")
    arguments = parser.parse_args()
    results: list[dict[str, Any]] = []
    with Server.start(available()[-1], {"synchronous_commit": "off", "shared_buffers": "128MB"}) as server:
        for driver in arguments.drivers:
            apps = []
            for way in ("plain", "bemi"):
                name = f"bench_{way}_{driver}".replace("-", "_")
                url = server.create_database(name)
                server.sql(SCHEMA, dbname=name)
                apps.append(App(way, driver, url))
            try:
                for app in apps:
                    app.start()
                measure(apps, arguments.only, arguments.rounds, arguments.seed)
            finally:
                for app in apps:
                    app.stop()
            rows = rows_of(driver, *apps)
            print(f"  {driver}")
            show(rows)
            results += rows
    if not arguments.no_import:
        results.append(import_ms(arguments.rounds))
        print(f"  {results[-1]}")
    save("context_cost", results)


if __name__ == "__main__":
    main()
