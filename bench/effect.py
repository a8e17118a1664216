# SPDX-License-Identifier: LGPL-3.0-or-later
"""What tracking costs the application: pgbench against the same server, tracked in different ways.

plain             nobody tracks
Bemi, no reader   replica identity FULL and a context message in each transaction, WAL kept, no worker
Bemi              the same with the worker running beside it, history in another server on the same machine
audit trigger     a row trigger that writes one jsonb row into a table of the application's database
comment trigger   a row trigger that copies the statement's comment into the WAL, as the existing packages do

All databases are made first and asked in turns, so that the machine's moods meet them alike; medians.

    ./dev bench effect [--seconds N] [--rounds N]
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from _report import percentile, program, save, show_columns
from _triggers import AUDIT, READ_COMMENT, audit_trigger, comment_trigger

from support.bemi import Worker, bemi
from support.postgres import Server, available

CLIENTS = 4
SCALE = 10
TABLES = ["accounts", "branches", "tellers", "history"]

CONTEXT = (
    """{"user_id": 42, "endpoint": "/transfer", "method": "POST", "request_id": "8e1f2c0a-5d7b-4c58-9a57"}"""
)
MESSAGE = f"select pg_logical_emit_message(true, '_bemi', '{CONTEXT}');\n"
COMMENT = f" /*Bemi {CONTEXT} Bemi*/"

TPC_B = """\\set aid random(1, 100000 * :scale)
\\set bid random(1, 1 * :scale)
\\set tid random(1, 10 * :scale)
\\set delta random(-5000, 5000)
BEGIN;
{message}UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid{comment};
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid{comment};
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid{comment};
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, now()){comment};
END;
"""
ONE_UPDATE = """\\set aid random(1, 100000 * :scale)
BEGIN;
{message}UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid{comment};
END;
"""
WORKLOADS = {"TPC-B-like": TPC_B, "one update": ONE_UPDATE}


@dataclass
class Way:
    """One database that is tracked in one way."""

    name: str
    database: str
    message: str = ""
    comment: str = ""
    worker: bool = False
    tps: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    wal: list[float] = field(default_factory=list)
    worker_cpu: list[float] = field(default_factory=list)


def ways() -> list[Way]:
    return [
        Way("plain", "plain"),
        Way("Bemi, no reader", "tracked", message=MESSAGE),
        Way("Bemi", "tracked", message=MESSAGE, worker=True),
        Way("audit trigger", "audited"),
        Way("comment trigger", "commented", comment=COMMENT),
    ]


class Bench:
    def __init__(self, source: Server, destination: Server, home: Path) -> None:
        self.source, self.destination, self.home = source, destination, home
        self.env = {
            "BEMI_SOURCE_URL": source.url("tracked"),
            "BEMI_DESTINATION_URL": destination.create_database("history"),
        }

    def prepare(self) -> None:
        for database in ("plain", "tracked", "audited", "commented"):
            self.source.create_database(database)
            subprocess.run(
                [program("pgbench"), "-i", "-q", "-s", str(SCALE), self.source.url(database)],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            # Applications have a key there, and it lets us tell updates apart.
            self.source.sql(
                "alter table pgbench_history add id bigint generated always as identity primary key",
                dbname=database,
            )
            # Each page's first change since a checkpoint is a whole page of WAL: not a matter of the way.
            self.source.sql("update pgbench_accounts set abalance = 0", dbname=database)
        self.source.sql(AUDIT, dbname="audited")
        self.source.sql(READ_COMMENT, dbname="commented")
        for table in TABLES:
            self.source.sql(audit_trigger(f"pgbench_{table}"), dbname="audited")
            self.source.sql(f"alter table pgbench_{table} replica identity full", dbname="commented")
            self.source.sql(comment_trigger(f"pgbench_{table}"), dbname="commented")
        with self.worker():
            pass

    @contextlib.contextmanager
    def worker(self) -> Iterator[Worker]:
        with Worker.start("--snapshot", "none", env=self.env, log_file=self.home / "worker.log") as worker:
            worker.wait_ready()
            yield worker

    def run(self, way: Way, workload: str, seconds: int) -> None:
        script = self.home / f"{way.database}.sql"
        script.write_text(WORKLOADS[workload].format(message=way.message, comment=way.comment))
        if way.database == "tracked":
            # Changes that still wait in the slot are not part of this run.
            with self.worker():
                bemi("sync", env=self.env, timeout=600)
        with contextlib.ExitStack() as stack:
            worker = stack.enter_context(self.worker()) if way.worker else None
            cpu = worker.cpu_seconds() if worker else 0.0
            self.pgbench(way, script, seconds)
            if worker:
                bemi("sync", env=self.env, timeout=600)
                way.worker_cpu.append((worker.cpu_seconds() - cpu) / (way.tps[-1] * seconds) * 1e6)

    def pgbench(self, way: Way, script: Path, seconds: int) -> None:
        for old in self.home.glob("log.*"):
            old.unlink()
        before = self.source.sql("select pg_current_wal_insert_lsn() - '0/0'")[0][0]
        said = subprocess.run(
            [program("pgbench"), "-n", "-f", script.name, "-D", f"scale={SCALE}", "-c", str(CLIENTS),
             "-j", "1", "-T", str(seconds), "-l", "--log-prefix", "log", self.source.url(way.database)],
            cwd=self.home, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        after = self.source.sql("select pg_current_wal_insert_lsn() - '0/0'")[0][0]
        times = [
            int(line.split()[2]) / 1000
            for path in self.home.glob("log.*")
            for line in path.read_text().splitlines()
        ]
        [tps] = [float(line.split()[2]) for line in said.splitlines() if line.startswith("tps = ")]
        way.tps.append(tps)
        way.p99.append(percentile(times, 0.99))
        way.wal.append(float(after - before) / len(times))


def table(found: list[Way]) -> list[list[object]]:
    plain = found[0]
    rows: list[list[object]] = []
    for way in found:
        ratios = [one / other for one, other in zip(way.tps, plain.tps, strict=True)]
        rows.append(
            [
                way.name,
                round(statistics.median(way.tps)),
                f"{statistics.median(ratios):.3f}",
                f"{statistics.median(way.p99):.2f}",
                round(statistics.median(way.wal)),
                round(statistics.median(way.worker_cpu)) if way.worker_cpu else "",
            ]
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench effect", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=10, help="of each run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--synchronous-commit", default="on", help="off: no disk to wait for, the hardest case"
    )
    options = parser.parse_args()
    settings = {
        "synchronous_commit": options.synchronous_commit,
        "fsync": "on",
        "shared_buffers": "512MB",
        "max_wal_size": "16GB",
        "checkpoint_timeout": "1h",
    }
    titles = ["", "tps", "of plain", "p99, ms", "WAL B/tx", "worker µs/tx"]
    results = {}
    for workload in WORKLOADS:
        found = ways()
        with (
            Server.start(available()[-1], settings) as source,
            Server.start(available()[-1], {"max_wal_size": "8GB"}) as destination,
            tempfile.TemporaryDirectory(prefix="bemi-effect-") as home,
        ):
            bench = Bench(source, destination, Path(home))
            bench.prepare()
            for _ in range(options.rounds):
                for way in found:
                    bench.run(way, workload, options.seconds)
        print(f"  {workload}, {CLIENTS} clients, synchronous_commit={options.synchronous_commit}")
        show_columns(titles, table(found))
        results[workload] = [dict(zip(["way", *titles[1:]], row, strict=True)) for row in table(found)]
    save("effect", results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
