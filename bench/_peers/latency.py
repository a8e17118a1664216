# SPDX-License-Identifier: LGPL-3.0-or-later
"""From the moment that COMMIT returned to the writer until a tool saw its row: was called with it, where it stores
nothing, or has it where it can be read, where it stores. pgbench writes at a fixed rate, as in `latency`."""

from __future__ import annotations

import bisect
import statistics
import subprocess
import tempfile
from pathlib import Path

from _report import percentile, program
from latency import CLIENTS, Watcher, commits

from _peers.field import Field
from _peers.tools import BEMI, Store, Tool

WARM_UP_SECONDS = 5  # of each run, in no figure
SCRIPT = """begin;
select pg_logical_emit_message(true, '_bemi', '{"user_id": 42, "endpoint": "/items", "client": :client_id}');
insert into item values (nextval('tick'), :client_id, repeat('x', 100), 1.5, now());
commit;
"""
FIRST_TICK = 1_000_000_000  # beyond the ids of the changes that waited
STARTER, ENDER = 1000, -1  # no clients of pgbench
Times = dict[int, list[float]]


def prepare(field: Field) -> None:
    field.source.sql(f"create sequence tick as int start {FIRST_TICK}", dbname="app")


def mark(field: Field, owner: int) -> int:
    [[number]] = field.source.sql(
        f"insert into item values (nextval('tick'), {owner}, '', 1.5, now()) returning id", dbname="app"
    )
    return int(number)


def latency(field: Field, tool: Tool, rate: int, seconds: int) -> dict[str, object]:
    if tool.name != BEMI:
        field.make_new_slot()
    field.empty_destination()
    with tempfile.TemporaryDirectory(prefix="bemi-peers-") as home:
        folder = Path(home)
        seen = folder / "seen"
        run = tool.start(field, 0, None if tool.store else seen)
        try:
            field.wait_active(run.slot)
            started = mark(field, STARTER)
            run.wait_first()
            watcher = watch(field, tool.store) if tool.store else None
            cpu = run.cpu()
            write(field, folder, rate, seconds)
            mark(field, ENDER)
            run.wait_last()
            cpu, peak = run.cpu() - cpu, run.peak_mb()
        finally:
            run.end()
        if watcher and tool.store:
            watcher.end()
            found = stored(field, tool.store, started, watcher.seen)
        else:
            found = times(seen)
        done = commits(folder)
    if tool.name != BEMI:
        field.drop_slot()
    return summary(tool, done, found, cpu, peak)


def write(field: Field, folder: Path, rate: int, seconds: int) -> None:
    (folder / "script.sql").write_text(SCRIPT)
    subprocess.run(
        [program("pgbench"), "-n", "-f", "script.sql", "-c", str(CLIENTS), "-j", "1", "-R", str(rate),
         "-T", str(WARM_UP_SECONDS + seconds), "-l", "--log-prefix", "log", field.source.url("app")],
        cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def watch(field: Field, store: Store) -> Watcher:
    return Watcher(field.destination.url(store.database), store.reached)


def stored(field: Field, store: Store, after: int, seen: list[tuple[int, float]]) -> Times:
    """By owner, in order: when their rows could be read."""
    positions = [position for position, _ in seen]
    found: Times = {}
    for owner, position in field.destination.sql(store.rows, after, dbname=store.database):
        if owner != ENDER:
            found.setdefault(owner, []).append(seen[bisect.bisect_left(positions, position)][1])
    return found


def times(path: Path) -> Times:
    found: Times = {}
    for line in path.read_text().splitlines():
        owner, time = line.split()
        found.setdefault(int(owner), []).append(float(time))
    return found


def summary(tool: Tool, done: Times, found: Times, cpu: float, peak: float) -> dict[str, object]:
    begin = min(min(one) for one in done.values()) + WARM_UP_SECONDS
    waits = []
    for client, moments in done.items():
        saw = found.get(client, [])
        if len(saw) != len(moments):
            raise AssertionError(f"{tool.name} saw {len(saw)} of {len(moments)} transactions")
        waits += [
            max(0.0, at - moment) * 1000 for moment, at in zip(moments, saw, strict=True) if moment >= begin
        ]
    return {
        "p50 ms": round(statistics.median(waits), 2),
        "p99 ms": round(percentile(waits, 0.99), 2),
        "longest ms": round(max(waits), 1),
        "CPU µs": round(cpu / sum(map(len, done.values())) * 1e6, 1),
        "peak MB": round(peak),
    }
