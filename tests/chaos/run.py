"""Random work under random faults on real servers: what is lost, doubled or wrong.

./dev chaos --minutes 5 --seed 1
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import psycopg

from chaos.verdict import Verdict, judge
from chaos.workload import SCHEMA, Outcome, Snapshot, Writer, finish_prepared, take_snapshot
from support.bemi import BemiError, Worker, bemi
from support.network import Network
from support.postgres import Server, available
from support.waiting import wait_until

WRITERS = 3
SYNC_SECONDS = 120

SOURCE_SETTINGS = {
    "logical_decoding_work_mem": "64kB",  # so that transactions are streamed while they are open
    "max_prepared_transactions": "20",
    "wal_sender_timeout": "5s",
    "fsync": "on",  # it will be killed
}


@dataclass
class Round:
    """One source, one destination, a bad network to both, a worker, and those who write."""

    major: int
    seed: int
    source: Server
    destination: Server
    source_line: Network
    destination_line: Network
    home: Path
    worker: Worker | None = None
    outcome: Outcome = field(default_factory=Outcome)
    snapshots: list[Snapshot] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    rss_peak_kb: int = 0

    @property
    def source_url(self) -> str:
        return self.source.url("app")

    @property
    def env(self) -> dict[str, str]:
        return {
            "BEMI_SOURCE_URL": self.through(self.source_line, self.source, "app"),
            "BEMI_DESTINATION_URL": self.through(self.destination_line, self.destination, "history"),
        }

    @staticmethod
    def through(line: Network, server: Server, dbname: str) -> str:
        # A dead line is noticed soon enough for a test.
        through = server.url(dbname).replace(f":{server.port}/", f":{line.port}/")
        return f"{through}?tcp_user_timeout=3000&connect_timeout=3"

    def start_worker(self) -> None:
        self.worker = Worker.start(
            "--heartbeat-interval", "1", env=self.env, log_file=self.home / "worker.log"
        )

    def end_worker(self, how: Callable[[Worker], object]) -> None:
        if self.worker is None:
            return
        with contextlib.suppress(BemiError, FileNotFoundError):
            self.rss_peak_kb = max(self.rss_peak_kb, self.worker.rss_peak_kb())
        if self.worker.is_running:
            how(self.worker)
        self.worker = None

    # --- faults ---------------------------------------------------------------------------------

    def kill_worker(self, _rng: random.Random) -> None:
        self.end_worker(Worker.kill9)
        self.start_worker()

    def stop_worker(self, _rng: random.Random) -> None:
        self.end_worker(Worker.terminate)
        self.start_worker()

    def end_walsender(self, _rng: random.Random) -> None:
        self.source.sql("select pg_terminate_backend(active_pid) from pg_replication_slots where active")

    def kill_walsender(self, _rng: random.Random) -> None:
        """The whole source crashes and recovers."""
        for (pid,) in self.source.sql("select active_pid from pg_replication_slots where active"):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)

    def crash_source(self, rng: random.Random) -> None:
        self.source.kill9()
        time.sleep(rng.uniform(0, 1))
        self.source.launch()

    def crash_destination(self, rng: random.Random) -> None:
        self.destination.kill9()
        time.sleep(rng.uniform(0, 1))
        self.destination.launch()

    def end_storing(self, _rng: random.Random) -> None:
        self.destination.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'bemi/%'"
        )

    def cut_source(self, rng: random.Random) -> None:
        self.source_line.unplug(rng.uniform(0, 1))

    def cut_destination(self, rng: random.Random) -> None:
        self.destination_line.unplug(rng.uniform(0, 1))

    def stall_source(self, rng: random.Random) -> None:
        self.source_line.stall(rng.uniform(0.5, 6))

    def stall_destination(self, rng: random.Random) -> None:
        self.destination_line.stall(rng.uniform(0.5, 6))

    def slow_source(self, rng: random.Random) -> None:
        self.source_line.slow(rng.uniform(0.5, 2))

    def slow_destination(self, rng: random.Random) -> None:
        self.destination_line.slow(rng.uniform(0.5, 2))

    def lose_answers(self, rng: random.Random) -> None:
        """Among them those to COMMIT."""
        self.destination_line.lose_answers(rng.uniform(0.05, 0.5))

    def inject(self, rng: random.Random) -> None:
        often = [self.kill_worker] * 6 + [self.lose_answers] * 3 + [self.cut_source, self.cut_destination] * 2
        rare = [self.stop_worker, self.end_walsender, self.kill_walsender, self.crash_source,
                self.crash_destination, self.end_storing, self.stall_source, self.stall_destination,
                self.slow_source, self.slow_destination]  # fmt: skip
        fault = rng.choice(often + rare)
        with contextlib.suppress(psycopg.OperationalError):  # the source may be down already
            fault(rng)
        self.faults[fault.__name__] += 1

    # --- the course of it -------------------------------------------------------------------------

    def run(self, seconds: float) -> Verdict:
        rng = random.Random(self.seed)
        self.source.sql(SCHEMA, dbname="app")
        self.start_worker()
        assert self.worker is not None
        self.worker.wait_ready()
        writers = [Writer(self.source_url, self.seed, number, self.outcome) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        watching = threading.Event()
        watcher = threading.Thread(target=self.watch, args=(watching,), daemon=True)
        watcher.start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(rng.uniform(0.05, 0.6))
            self.inject(rng)
            self.keep_running()
        for writer in writers:
            writer.stopping = True
        for writer in writers:
            writer.join()
        watching.set()
        watcher.join()
        return self.finish()

    def watch(self, stop: threading.Event) -> None:
        """Takes snapshots while the work goes on."""
        while not stop.wait(0.7):
            with contextlib.suppress(psycopg.Error):
                self.snapshots.append(take_snapshot(self.source_url))

    def keep_running(self) -> None:
        """As systemd does. A worker that gave up although nothing was beyond repair is a find."""
        if self.worker is not None and not self.worker.is_running:
            self.faults["gave up"] += 1
            self.start_worker()

    def source_answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            return bool(self.source.sql("select true"))
        return False

    def finish(self) -> Verdict:
        wait_until(self.source_answers, "the source has recovered from the last fault")
        finish_prepared(self.source_url, self.outcome)
        self.keep_running()
        self.snapshots.append(take_snapshot(self.source_url))
        bemi("sync", "--timeout", str(SYNC_SECONDS), env=self.env, timeout=SYNC_SECONDS + 30)
        self.end_worker(Worker.terminate)
        return judge(self.destination.url("history"), self.outcome, self.snapshots)


def run_round(major: int, seed: int, seconds: float, home: Path) -> tuple[Round, Verdict]:
    with (
        Server.start(major, SOURCE_SETTINGS) as source,
        Server.start(major, {"fsync": "on"}) as destination,
        Network(source.port) as source_line,
        Network(destination.port) as destination_line,
    ):
        source.create_database("app")
        destination.create_database("history")
        one = Round(major, seed, source, destination, source_line, destination_line, home)
        try:
            return one, one.run(seconds)
        finally:
            one.end_worker(Worker.kill9)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    majors = available()
    home = Path(mkdtemp(prefix="bemi-chaos-"))
    print(f"seed {seed}, PostgreSQL {', '.join(map(str, majors))}, the worker's log is in {home}", flush=True)
    bad = 0
    for major in majors:
        (home / str(major)).mkdir()
        one, verdict = run_round(major, seed, options.minutes * 60 / len(majors), home / str(major))
        faults = ", ".join(f"{count} {name}" for name, count in sorted(one.faults.items()))
        print(
            f"PostgreSQL {major}: {verdict.transactions} transactions, {verdict.changes} changes, "
            f"{verdict.snapshots} snapshots, {one.faults.total()} faults, "
            f"at most {one.rss_peak_kb // 1024} MB; {verdict}\n  ({faults})",
            flush=True,
        )
        bad += not verdict.good
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
