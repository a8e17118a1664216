# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a worker costs while nothing happens: CPU, and WAL on both sides, by the hour.

./dev bench idle [--seconds N]
"""

from __future__ import annotations

import argparse
import sys
import time

from _report import save, server_cpu, show

from support.bemi import Worker, bemi
from support.postgres import Server, available


def wal(server: Server) -> int:
    return int(server.sql("select pg_current_wal_insert_lsn() - '0/0'")[0][0])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench idle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()
    quiet = {"autovacuum": "off", "checkpoint_timeout": "1h"}
    with (
        Server.start(available()[-1], quiet) as source,
        Server.start(available()[-1], quiet) as destination,
    ):
        url = source.create_database("app")
        env = {"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": destination.create_database("history")}
        source.sql("create table item (id int primary key, name text)", dbname="app")

        def costs(worker: Worker | None) -> list[float]:
            cpu = worker.cpu_seconds() if worker else 0.0
            return [cpu, server_cpu(source), server_cpu(destination), wal(source), wal(destination)]

        time.sleep(5)
        before = costs(None)
        time.sleep(options.seconds)
        alone = [b - a for a, b in zip(before, costs(None), strict=True)]
        with Worker.start(env=env) as worker:
            worker.wait_ready()
            source.sql("insert into item values (1, 'one')", dbname="app")
            bemi("sync", env=env)
            time.sleep(5)
            before = costs(worker)
            time.sleep(options.seconds)
            tracked = [b - a for a, b in zip(before, costs(worker), strict=True)]
    cpu, source_cpu, destination_cpu, source_wal, destination_wal = (
        (with_worker - without) * 3600 / options.seconds
        for with_worker, without in zip(tracked, alone, strict=True)
    )
    figures = {
        "worker CPU, s per hour": round(cpu, 1),
        "source's CPU, s per hour": round(source_cpu, 1),
        "destination's CPU, s per hour": round(destination_cpu, 1),
        "source's WAL, kB per hour": round(source_wal / 1000),
        "destination's WAL, kB per hour": round(destination_wal / 1000),
    }
    show(f"idle for {options.seconds} s, more than without a worker", figures)
    save("idle", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
