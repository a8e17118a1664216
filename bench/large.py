# SPDX-License-Identifier: LGPL-3.0-or-later
"""One transaction of millions of rows, from a source that drops whoever is silent to a slow destination.

The source has wal_sender_timeout=5s and streams the transaction while it is open; the line to the
destination is limited. Printed: how long it took, the worker's memory, disk and CPU, whether the source lost
patience, and whether each row is there once with the value that it had.

    ./dev bench large [--rows N] [--megabytes-per-second N] [--major N]
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

from _report import save, show

from support.bemi import Worker, bemi
from support.network import Network
from support.postgres import Server, available

SETTINGS = {
    "wal_sender_timeout": "5s",
    "max_wal_size": "16GB",
    "shared_buffers": "256MB",
}
SCHEMA = "create table item (id bigint primary key, owner int, note text, at timestamptz)"
COMPARE = """
select count(*), count(distinct primary_key), min(primary_key::bigint), max(primary_key::bigint),
       sum(hashtextextended(after ->> 'note', 0)::numeric)::text from changes where operation = 'CREATE'
"""
EXPECTED = """
select count(*), count(*), min(id), max(id), sum(hashtextextended(note, 0)::numeric)::text from item
"""


class Spool:
    """The most that the worker kept on disk, looked at while it runs."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.folder, self.pid, self.peak_bytes, self.ended = folder, pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self) -> None:
        while not self.ended.wait(0.5):
            used = 0
            # Its files have no names: what a killed worker leaves would fill the disk.
            for path in Path(f"/proc/{self.pid}/fd").iterdir():
                try:
                    if str(path.readlink()).startswith(str(self.folder)):
                        used += path.stat().st_size
                except FileNotFoundError:
                    continue
            self.peak_bytes = max(self.peak_bytes, used)

    def end(self) -> None:
        self.ended.set()
        self.thread.join()


def run(major: int, rows: int, megabytes_per_second: float) -> dict[str, object]:
    with (
        Server.start(major, SETTINGS) as source,
        Server.start(major, SETTINGS) as destination,
        Network(destination.port) as line,
        tempfile.TemporaryDirectory(prefix="bemi-large-") as home,
    ):
        source.create_database("app")
        url = destination.create_database("history")
        env = {
            "BEMI_SOURCE_URL": source.url("app"),
            "BEMI_DESTINATION_URL": url.replace(f":{destination.port}/", f":{line.port}/"),
        }
        source.sql(SCHEMA, dbname="app")
        folder = Path(home) / "spool"
        folder.mkdir()
        with Worker.start("--spool-directory", str(folder), env=env, log_file=Path(home) / "log") as worker:
            worker.wait_ready()
            spool = Spool(folder, worker.pid)
            if megabytes_per_second:
                line.limit(int(megabytes_per_second * 1_000_000))
            began = time.monotonic()
            source.sql(
                f"insert into item select i, i % 1000, md5(i::text), now() from generate_series(1, {rows}) i",
                dbname="app",
            )
            written = time.monotonic() - began
            bemi("sync", "--timeout", "3600", env=env, timeout=3700)
            stored = time.monotonic() - began
            spool.end()
            impatient = [line for line in worker.lines() if re.search(r"trying again in \d+ ms", line)]
            for reason in impatient:
                print(f"    {reason}")
            figures: dict[str, object] = {
                "PostgreSQL": major,
                "rows": rows,
                "written by the application in, s": round(written, 1),
                "stored after, s": round(stored, 1),
                "rows per second": round(rows / stored),
                "resident peak, MB": round(worker.rss_peak_kb() / 1024, 1),
                "spool peak, MB": round(spool.peak_bytes / 1e6),
                "worker CPU, µs per row": round(worker.cpu_seconds() / rows * 1e6, 2),
                "lost connections": len(impatient),
            }
        same = destination.sql(COMPARE, dbname="history") == source.sql(EXPECTED, dbname="app")
        figures["each row once, as it was"] = "yes" if same else "NO"
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench large", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument(
        "--megabytes-per-second",
        type=float,
        default=20,
        help="of the line; 0: no limit",
    )
    parser.add_argument("--major", type=int, default=available()[-1])
    options = parser.parse_args()
    figures = run(options.major, options.rows, options.megabytes_per_second)
    show(f"{options.rows:,} rows in one transaction", figures)
    save("large", figures)
    return 0 if figures["each row once, as it was"] == "yes" else 1


if __name__ == "__main__":
    sys.exit(main())
