# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast, and at what cost, a tool takes what waits in its slot."""

from __future__ import annotations

import time
from dataclasses import dataclass

from _report import server_cpu

from _peers.field import Field
from _peers.tools import BEMI, Tool


@dataclass(frozen=True)
class Drained:
    startup: float  # until it read its slot: not in the others
    seconds: float
    second_half: float | None  # for virtual machines, which begin slowly
    cpu: float
    source_cpu: float
    destination_cpu: float
    peak_mb: float


def drain(field: Field, tool: Tool) -> Drained:
    if tool.name == BEMI:
        field.bench.reset()
    else:
        field.make_waiting_slot(tool.plugin)
    field.empty_destination()
    launched = time.monotonic()
    run = tool.start(field, field.changes, None)
    try:
        field.wait_active(run.slot)
        began = time.monotonic()
        cpu, source, destination = run.cpu(), server_cpu(field.source), server_cpu(field.destination)
        run.wait_last()
        ended = time.monotonic()
        cpu = run.cpu() - cpu
        time.sleep(0.1)  # a server's child that ended counts once it was waited for
        drained = Drained(
            began - launched,
            ended - began,
            ended - run.half if run.half else None,
            cpu,
            server_cpu(field.source) - source,
            server_cpu(field.destination) - destination,
            run.peak_mb(),
        )
    finally:
        run.end()
    check(field, tool, run.counts())
    if tool.name != BEMI:
        field.drop_slot()
    return drained


def check(field: Field, tool: Tool, counts: dict[str, int] | None) -> None:
    """Nothing is lost, nothing twice: by the tool's own count, and by its table's."""
    found = [counts] if counts is not None else []
    if tool.store:
        found.append(dict(field.destination.sql(tool.store.counts, dbname=tool.store.database)))
    for one in found:
        if one != field.expected:
            raise AssertionError(f"{tool.name} has {one}, there were {field.expected}")
