# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast changes that wait in the slot become rows of `changes`, against the physical floor.

One million mixed changes wait in two identical slots. The floor, in the same run: `pg_recvlogical` reads one
slot to nothing while, at the same time, COPY puts the very same rows into an identical table with the same
indexes, in the same batches. Then the worker drains the other slot. In turns, several times; medians.

    ./dev bench drain [--changes N] [--runs N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from _report import cpu_of, program, save, server_cpu, show

from support.bemi import Worker, bemi
from support.postgres import Server, available

SIZES = {"200 B": 100, "1.6 kB": 1500}
BATCH_BYTES = 8 << 20  # as the worker commits
COLUMNS = (
    'id, source, database, schema, "table", primary_key, operation, before, after, context, committed_at, '
    "effective_at, queued_at, created_at, transaction_id, position, epoch, commit_position, sequence, exact, "
    "fidelity"
)


@dataclass
class Timing:
    seconds: float
    client_cpu: float
    server_cpu: float


def sessions(server: Server) -> dict[str, float]:
    """The worker's sessions in a server, and their CPU in seconds."""
    found = server.sql("select application_name, pid from pg_stat_activity where application_name ~ '^bemi'")
    return {name: cpu_of(pid) for name, pid in found}


class Bench:
    def __init__(self, changes: int, size: int, source: Server, destination: Server) -> None:
        self.changes, self.size, self.source, self.destination = (
            changes,
            size,
            source,
            destination,
        )
        self.home = Path(tempfile.mkdtemp(prefix="bemi-drain-"))

    def prepare(self) -> None:
        """The worker is stopped, the changes wait in its slot and in one for the floor."""
        self.source.create_database("app")
        self.destination.create_database("history")
        self.source.sql(
            "create table item (id int primary key, owner int, note text, n numeric, at timestamptz)",
            dbname="app",
        )
        with Worker.start(env=self.env) as worker:
            worker.wait_ready()
        self.source.sql("select pg_copy_logical_replication_slot('bemi_app', 'floor')", dbname="app")
        self.write()

    @property
    def env(self) -> dict[str, str]:
        return {
            "BEMI_SOURCE_URL": self.source.url("app"),
            "BEMI_DESTINATION_URL": self.destination.url("history"),
        }

    def write(self) -> None:
        """Six inserts, three updates and a delete in ten, in transactions of ten, each with its context."""
        payload = "x" * self.size
        with psycopg.connect(self.source.url("app")) as connection:
            connection.execute("set synchronous_commit = off")
            connection.commit()
            connection.execute(
                """create procedure work(transactions int, note text) language plpgsql as $$
                begin
                  for t in 1 .. transactions loop
                    perform pg_logical_emit_message(true, '_bemi', json_build_object('user_id', t % 1000,
                      'endpoint', '/items', 'method', 'POST', 'request_id', gen_random_uuid())::text);
                    insert into item select t * 6 + i, t % 100, note, 1.5, now() from generate_series(0, 5) i;
                    update item set n = n + 1 where id between t * 6 and t * 6 + 2;
                    delete from item where id = t * 6 + 5;
                    commit;
                  end loop;
                end $$"""
            )
            connection.commit()
            connection.autocommit = True
            connection.execute("call work(%s, %s)", (self.changes // 10, payload))
            connection.execute("checkpoint")

    # --- the worker -------------------------------------------------------------------------------

    def worker_run(self) -> Timing:
        self.destination.sql("checkpoint")
        server_before = server_cpu(self.source) + server_cpu(self.destination)
        began = time.monotonic()
        with Worker.start(env=self.env) as worker:
            bemi("sync", env=self.env, timeout=600)
            seconds = time.monotonic() - began
            client = worker.cpu_seconds()
            self.sessions = {**sessions(self.source), **sessions(self.destination)}
            self.rss_mb = worker.rss_peak_kb() / 1024
        server = server_cpu(self.source) + server_cpu(self.destination) - server_before
        return Timing(seconds, client, server)

    def reset(self) -> None:
        """Everything as before the worker's run: its slot again where it was, its history as it was."""
        self.source.sql("select pg_drop_replication_slot('bemi_app')")
        self.source.sql("select pg_copy_logical_replication_slot('floor', 'bemi_app')", dbname="app")
        self.destination.sql("truncate changes", dbname="history")
        self.destination.sql(
            "update _bemi.source set position = (select position from start)",
            dbname="history",
        )

    def remember_start(self) -> None:
        self.destination.sql("create table start as select position from _bemi.source", dbname="history")

    # --- the floor --------------------------------------------------------------------------------

    def dump(self) -> None:
        """The rows that the worker stored, in the same order and in batches of what it commits at once."""
        self.destination.sql(
            "create table floor_rows (like changes including all) partition by range (effective_at)",
            dbname="history",
        )
        for (name, bound) in self.destination.sql(
            "select c.relname, pg_get_expr(c.relpartbound, c.oid) from pg_inherits i"
            " join pg_class c on c.oid = inhrelid where inhparent = 'changes'::regclass", dbname="history",
        ):  # fmt: skip
            self.destination.sql(
                f"create table floor_{name} partition of floor_rows {bound}",
                dbname="history",
            )
        self.batches: list[bytes] = []
        with (
            psycopg.connect(self.destination.url("history")) as connection,
            connection.cursor().copy(
                f"copy (select {COLUMNS} from changes order by epoch, commit_position, sequence) to stdout"
            ) as copy,
        ):
            batch = bytearray()
            for block in copy:
                batch += block
                if len(batch) > BATCH_BYTES:
                    self.batches.append(bytes(batch))
                    batch.clear()
            self.batches.append(bytes(batch))

    def floor_run(self) -> Timing:
        self.destination.sql("truncate floor_rows", dbname="history")
        self.destination.sql("checkpoint")
        # A slot that is read moves: read a copy.
        self.source.sql(
            "select pg_copy_logical_replication_slot('floor', 'floor_read')",
            dbname="app",
        )
        end = self.source.sql("select pg_current_wal_flush_lsn()")[0][0]
        server_before = server_cpu(self.source) + server_cpu(self.destination)
        began = time.monotonic()
        receiver = subprocess.Popen(
            [program("pg_recvlogical"), "-d", self.source.url("app"), "--slot", "floor_read", "--start",
             "-f", "/dev/null", "--endpos", end, "-o", "proto_version=2", "-o", "publication_names=bemi_app",
             "-o", "messages=true", "-o", "streaming=on", "--fsync-interval=0"],
        )  # fmt: skip
        copier = threading.Thread(target=self.copy_batches)
        copier.start()
        _, status, usage = os.wait4(receiver.pid, 0)
        receiver.returncode = status
        assert status == 0
        copier.join()
        seconds = time.monotonic() - began
        server = server_cpu(self.source) + server_cpu(self.destination) - server_before
        self.source.sql("select pg_drop_replication_slot('floor_read')")
        return Timing(seconds, usage.ru_utime + usage.ru_stime, server)

    def copy_batches(self) -> None:
        """By a process of its own, which only hands over bytes."""
        with psycopg.connect(self.destination.url("history")) as connection:
            for batch in self.batches:
                with connection.cursor().copy(f"copy floor_rows ({COLUMNS}) from stdin") as copy:
                    copy.write(batch)
                connection.commit()

    def bytes_per_change(self) -> tuple[float, float]:
        [[heap, indexes, count]] = self.destination.sql(
            "select sum(pg_table_size(c.oid)), sum(pg_indexes_size(c.oid)), (select count(*) from changes)"
            " from pg_inherits i join pg_class c on c.oid = inhrelid where inhparent = 'changes'::regclass",
            dbname="history",
        )
        return float(heap) / count, float(indexes) / count


def measure(changes: int, name: str, size: int, runs: int) -> dict[str, object]:
    settings = {
        "shared_buffers": "256MB",
        "max_wal_size": "8GB",
        "checkpoint_timeout": "1h",
        "autovacuum": "off",
    }
    with (
        Server.start(available()[-1], settings) as source,
        Server.start(available()[-1], settings) as destination,
    ):
        bench = Bench(changes, size, source, destination)
        bench.prepare()
        bench.remember_start()
        bench.worker_run()  # also warms up
        heap, indexes = bench.bytes_per_change()
        bench.dump()
        worker: list[Timing] = []
        floor: list[Timing] = []
        for _ in range(runs):
            bench.reset()
            worker.append(bench.worker_run())
            floor.append(bench.floor_run())
    ratio = statistics.median(w.seconds / f.seconds for w, f in zip(worker, floor, strict=True))
    seconds = statistics.median(w.seconds for w in worker)
    figures = {
        "changes": changes,
        "ratio to the floor": round(ratio, 3),
        "changes per second": round(changes / seconds),
        "floor, changes per second": round(changes / statistics.median(f.seconds for f in floor)),
        "worker CPU, µs per change": round(
            statistics.median(w.client_cpu for w in worker) / changes * 1e6, 2
        ),
        "pg_recvlogical CPU, µs per change": round(
            statistics.median(f.client_cpu for f in floor) / changes * 1e6, 2
        ),
        "servers' CPU, µs per change": round(
            statistics.median(w.server_cpu for w in worker) / changes * 1e6, 2
        ),
        **{
            f"  of {name}": round(seconds / changes * 1e6, 2)
            for name, seconds in sorted(bench.sessions.items())
        },
        "floor, servers' CPU, µs per change": round(
            statistics.median(f.server_cpu for f in floor) / changes * 1e6, 2
        ),
        "resident peak, MB": round(bench.rss_mb, 1),
        "heap, bytes per change": round(heap),
        "indexes, bytes per change": round(indexes),
    }
    show(f"changes of {name}", figures)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench drain", description=__doc__)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sizes", nargs="*", default=list(SIZES))
    options = parser.parse_args()
    results = {name: measure(options.changes, name, SIZES[name], options.runs) for name in options.sizes}
    save("drain", results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
