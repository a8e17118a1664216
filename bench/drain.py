# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast changes that wait in the slot become rows of `changes`, against the physical floor.

One million mixed changes wait in two identical slots. The floor, in the same run: `pg_recvlogical` reads one
slot to nothing while, at the same time, COPY puts the very same rows into an identical table with the same
indexes, in the same batches. Then the worker drains the other slot. In turns, several times; medians.

With the history in the source's own database, where the walsender also meets what the worker writes, each run
has a server of its own.

    ./dev bench drain [--changes N] [--runs N] [--sizes SIZE ...]
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from _report import cpu_of, program, save, server_cpu, show

from support.bemi import Worker, bemi
from support.postgres import Server, available

SIZES = {"200 B": 100, "1.6 kB": 1500}
SETTINGS = {
    "shared_buffers": "256MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
}
BATCH_BYTES = 8 << 20  # as the worker commits
COLUMNS = (
    'id, source, database, schema, "table", primary_key, operation, before, after, context, committed_at, '
    "effective_at, queued_at, created_at, transaction_id, position, epoch, commit_position, sequence, exact, "
    "fidelity"
)
# With the keys of the views of the past, which are gathered beside the stream.
BACK_TO_START = """
update _bemi.source set (position, effective_at) = (select position, effective_at from start);
update _bemi.view_source set until = (select until from start);
update _bemi.view set until = (select until from start), keys = 0, changes = 0;
do $$ declare name text; begin
  for name in select relname from pg_class where relnamespace = '_bemi'::regnamespace and relname ~ '^key_[0-9]+$' loop
    execute format('truncate _bemi.%I', name);
  end loop;
end $$
"""


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
    """Of two servers; the history is in the source's own database when there is only one."""

    def __init__(self, changes: int, size: int, source: Server, destination: Server) -> None:
        self.changes, self.size, self.source, self.destination = changes, size, source, destination
        self.servers = {source, destination}
        self.history = "app" if source is destination else "history"

    def servers_cpu(self) -> float:
        return sum(server_cpu(server) for server in self.servers)

    def prepare(self) -> None:
        """The worker is stopped, the changes wait in its slot and in one for the floor."""
        self.source.create_database("app")
        if self.history != "app":
            self.destination.create_database(self.history)
        self.source.sql(
            "create table item (id int primary key, owner int, note text, n numeric, at timestamptz)",
            dbname="app",
        )
        with Worker.start(env=self.env) as worker:
            worker.wait_ready()
        self.source.sql("select pg_copy_logical_replication_slot('bemi_app', 'floor')", dbname="app")
        self.write()
        self.written = self.source.sql("select pg_current_wal_flush_lsn()")[0][0]

    @property
    def env(self) -> dict[str, str]:
        return {
            "BEMI_SOURCE_URL": self.source.url("app"),
            "BEMI_DESTINATION_URL": self.destination.url(self.history),
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
        server_before = self.servers_cpu()
        began = time.monotonic()
        with Worker.start(env=self.env) as worker:
            bemi("sync", env=self.env, timeout=600)
            seconds = time.monotonic() - began
            client = worker.cpu_seconds()
            self.sessions = {**sessions(self.source), **sessions(self.destination)}
            self.rss_mb = worker.rss_peak_kb() / 1024
        server = self.servers_cpu() - server_before
        return Timing(seconds, client, server)

    def reset(self) -> None:
        """Everything as before the worker's run: its slot again where it was, its history as it was."""
        self.source.sql("select pg_drop_replication_slot('bemi_app')")
        self.source.sql("select pg_copy_logical_replication_slot('floor', 'bemi_app')", dbname="app")
        self.destination.sql("truncate changes", dbname=self.history)
        self.destination.sql(BACK_TO_START, dbname=self.history)

    def remember_start(self) -> None:
        self.destination.sql(
            "create table start as select o.position, o.effective_at, w.until"
            " from _bemi.source o left join _bemi.view_source w on w.source = o.name",
            dbname=self.history,
        )

    # --- the floor --------------------------------------------------------------------------------

    def dump(self) -> None:
        """The rows that the worker stored, in the same order and in batches of what it commits at once."""
        self.destination.sql(
            "create table floor_rows (like changes including all) partition by range (effective_at)",
            dbname=self.history,
        )
        for (name, bound) in self.destination.sql(
            "select c.relname, pg_get_expr(c.relpartbound, c.oid) from pg_inherits i"
            " join pg_class c on c.oid = inhrelid where inhparent = 'changes'::regclass", dbname=self.history,
        ):  # fmt: skip
            self.destination.sql(
                f"create table floor_{name} partition of floor_rows {bound}",
                dbname=self.history,
            )
        self.batches: list[bytes] = []
        with (
            psycopg.connect(self.destination.url(self.history)) as connection,
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
        self.destination.sql("truncate floor_rows", dbname=self.history)
        self.destination.sql("checkpoint")
        # A slot that is read moves: read a copy.
        self.source.sql(
            "select pg_copy_logical_replication_slot('floor', 'floor_read')",
            dbname="app",
        )
        server_before = self.servers_cpu()
        began = time.monotonic()
        receiver = subprocess.Popen(
            self.receive_command("floor_read", "bemi_app", "proto_version=2", "streaming=on")
        )
        copier = threading.Thread(target=self.copy_batches)
        copier.start()
        _, status, usage = os.wait4(receiver.pid, 0)
        receiver.returncode = status
        assert status == 0
        copier.join()
        seconds = time.monotonic() - began
        server = self.servers_cpu() - server_before
        self.source.sql("select pg_drop_replication_slot('floor_read')")
        return Timing(seconds, usage.ru_utime + usage.ru_stime, server)

    def receive_command(self, slot: str, publication: str, *options: str) -> list[str | Path]:
        """Of pg_recvlogical, which reads all that was written to nothing."""
        asked = [f"publication_names={publication}", "messages=true", *options]
        return [
            program("pg_recvlogical"), "-d", self.source.url("app"), "--slot", slot, "--start",
            "-f", "/dev/null", "--endpos", self.written, "--fsync-interval=0",
            *itertools.chain.from_iterable(("-o", option) for option in asked),
        ]  # fmt: skip

    def copy_batches(self) -> None:
        """By a process of its own, which only hands over bytes."""
        with psycopg.connect(self.destination.url(self.history)) as connection:
            for batch in self.batches:
                with connection.cursor().copy(f"copy floor_rows ({COLUMNS}) from stdin") as copy:
                    copy.write(batch)
                connection.commit()

    def bytes_per_change(self) -> tuple[float, float]:
        [[heap, indexes, count]] = self.destination.sql(
            "select sum(pg_table_size(c.oid)), sum(pg_indexes_size(c.oid)), (select count(*) from changes)"
            " from pg_inherits i join pg_class c on c.oid = inhrelid where inhparent = 'changes'::regclass",
            dbname=self.history,
        )
        return float(heap) / count, float(indexes) / count


def measure(changes: int, size: int, runs: int) -> dict[str, object]:
    worker: list[Timing] = []
    floor: list[Timing] = []
    with (
        Server.start(available()[-1], SETTINGS) as source,
        Server.start(available()[-1], SETTINGS) as destination,
    ):
        bench = Bench(changes, size, source, destination)
        bench.prepare()
        bench.remember_start()
        bench.worker_run()  # also warms up
        layout = bench.bytes_per_change()
        bench.dump()
        for _ in range(runs):
            bench.reset()
            worker.append(bench.worker_run())
            floor.append(bench.floor_run())
    return figures(bench, worker, floor, layout)


def measure_one_database(changes: int, size: int, runs: int) -> dict[str, object]:
    worker: list[Timing] = []
    floor: list[Timing] = []
    for _ in range(runs):
        with Server.start(available()[-1], SETTINGS) as server:
            bench = Bench(changes, size, server, server)
            bench.prepare()
            worker.append(bench.worker_run())
            layout = bench.bytes_per_change()
            bench.dump()
            floor.append(bench.floor_run())
    return figures(bench, worker, floor, layout)


def figures(
    bench: Bench, worker: list[Timing], floor: list[Timing], layout: tuple[float, float]
) -> dict[str, object]:
    changes = bench.changes
    ratio = statistics.median(w.seconds / f.seconds for w, f in zip(worker, floor, strict=True))
    seconds = statistics.median(w.seconds for w in worker)

    def per_change(timings: list[Timing], part: str) -> float:
        return round(statistics.median(getattr(one, part) for one in timings) / changes * 1e6, 2)

    return {
        "changes": changes,
        "ratio to the floor": round(ratio, 3),
        "changes per second": round(changes / seconds),
        "floor, changes per second": round(changes / statistics.median(f.seconds for f in floor)),
        "worker CPU, µs per change": per_change(worker, "client_cpu"),
        "pg_recvlogical CPU, µs per change": per_change(floor, "client_cpu"),
        "servers' CPU, µs per change": per_change(worker, "server_cpu"),
        **{f"  of {name}": round(cpu / changes * 1e6, 2) for name, cpu in sorted(bench.sessions.items())},
        "floor, servers' CPU, µs per change": per_change(floor, "server_cpu"),
        "resident peak, MB": round(bench.rss_mb, 1),
        "heap, bytes per change": round(layout[0]),
        "indexes, bytes per change": round(layout[1]),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench drain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sizes", nargs="*", choices=list(SIZES), default=list(SIZES))
    options = parser.parse_args()
    results = {}
    for name in options.sizes:
        results[name] = measure(options.changes, SIZES[name], options.runs)
        show(f"changes of {name}", results[name])
    if "200 B" in options.sizes:
        name = "200 B, one database"
        results[name] = measure_one_database(options.changes // 4, SIZES["200 B"], options.runs)
        show(f"changes of {name}", results[name])
    save("drain", results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
