# SPDX-License-Identifier: LGPL-3.0-or-later
"""What passing context costs an application: time of a request of the to-do app, over real HTTP.

All ways run side by side and are asked in turns, so that the machine's moods meet them alike. Ratios are
of the medians, against the same app without any tracking in the same run. No worker reads meanwhile.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from _report import save
from _triggers import AUDIT, READ_COMMENT, audit_trigger, comment_trigger

from support.postgres import Server, available

ROOT = Path(__file__).resolve().parent.parent
ROWS = 1000
DRIVERS = ("psycopg", "psycopg-async", "asyncpg", "psycopg2")

SCHEMA = """
create table todo (id int primary key, task text not null, is_completed bool not null default false);
insert into todo select i, 'task ' || i from generate_series(1, {rows}) i;
alter table todo replica identity full;
"""

REQUESTS = {
    "one update": ("PUT", "/todo/{id}?task=t{n}"),
    "two updates": ("PUT", "/both/{id}?task=t{n}"),
    "read only": ("GET", "/todo/{id}"),
}


@dataclass
class App:
    way: str
    driver: str
    server: Server
    url: str = ""
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    client: http.client.HTTPConnection | None = None
    times_us: dict[str, list[float]] = field(default_factory=dict)

    def start(self) -> None:
        self.url = self.server.create_database(f"bench_{self.way}_{self.driver}".replace("-", "_"))
        name = self.url.rpartition("/")[2]
        self.server.sql(SCHEMA.format(rows=ROWS), dbname=name)
        if self.way in ("audit", "existing"):
            self.server.sql(
                AUDIT + audit_trigger("todo")
                if self.way == "audit"
                else READ_COMMENT + comment_trigger("todo"),
                dbname=name,
            )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        env = os.environ | {"WAY": self.way, "DRIVER": self.driver, "DATABASE_URL": self.url}
        if self.way == "existing":
            env["PYTHONPATH"] = str(ROOT / "build" / "clients-sqlalchemy")
        else:
            env.pop("PYTHONPATH", None)
        command = [sys.executable, "-m", "uvicorn", "todo:app", "--port", str(self.port)]
        command += ["--log-level", "warning"]
        self.process = subprocess.Popen(command, env=env, cwd=ROOT / "bench" / "_apps")
        self.client = http.client.HTTPConnection("127.0.0.1", self.port)
        for _ in range(200):
            try:
                self.client.connect()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.way} did not start")

    def ask(self, kind: str, count: int, numbers: random.Random, keep: bool) -> None:
        assert self.client is not None
        method, path = REQUESTS[kind]
        times = self.times_us.setdefault(kind, [])
        for n in range(count):
            target = path.format(id=numbers.randint(1, ROWS), n=n)
            begun = time.perf_counter_ns()
            self.client.request(method, target, headers={"x-user": "42"})
            response = self.client.getresponse()
            response.read()
            if keep:
                times.append((time.perf_counter_ns() - begun) / 1000)
            assert response.status == 200, response.status

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


def measure(apps: list[App], rounds: int, requests: int, seed: int) -> None:
    numbers = random.Random(seed)
    for number in range(rounds + 1):  # the first one warms up
        for kind in REQUESTS:
            for app in numbers.sample(apps, len(apps)):
                app.ask(kind, requests, numbers, keep=number > 0)


def report(driver: str, apps: list[App]) -> list[dict[str, object]]:
    plain = next(app for app in apps if app.way == "plain")
    rows = []
    for kind in REQUESTS:
        base = statistics.median(plain.times_us[kind])
        for app in apps:
            times = sorted(app.times_us[kind])
            p50 = statistics.median(times)
            rows.append({
                "driver": driver, "request": kind, "way": app.way, "p50_us": round(p50),
                "p99_us": round(times[int(len(times) * 0.99)]), "ratio_p50": round(p50 / base, 3),
            })  # fmt: skip
    for row in rows:
        print(
            f"{row['driver']:<14}{row['request']:<13}{row['way']:<10}"
            f"{row['p50_us']:>7} µs {row['p99_us']:>7} µs {row['ratio_p50']:>7}"
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--requests", type=int, default=50, help="of each kind, in each round, of each app")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drivers", nargs="+", default=DRIVERS, choices=DRIVERS)
    arguments = parser.parse_args()
    server = Server.start(available()[-1], {"synchronous_commit": "off", "shared_buffers": "128MB"})
    results = []
    print(f"{'driver':<14}{'request':<13}{'way':<10}{'p50':>10} {'p99':>10} {'ratio':>7}")
    try:
        for driver in arguments.drivers:
            ways = ["plain", "bemi", "audit"]
            if not driver.endswith(("async", "asyncpg")):
                ways.append("existing")
            apps = [App(way, driver, server) for way in ways]
            try:
                for app in apps:
                    app.start()
                measure(apps, arguments.rounds, arguments.requests, arguments.seed)
                results += report(driver, apps)
            finally:
                for app in apps:
                    app.stop()
    finally:
        server.close()
    save("context", results)


if __name__ == "__main__":
    main()
