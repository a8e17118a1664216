# SPDX-License-Identifier: LGPL-3.0-or-later
"""The same changes through Bemi and through its peers, side by side: rate, latency, CPU and memory.

Mixed changes, as in `drain`, wait in a slot. Each tool reads a copy of that slot, in turns, several times; medians.
Time and CPU count from the moment that the slot is read, so no start of a virtual machine is in them. Then pgbench
writes at a modest rate, and each tool is asked when it saw each transaction.

Peers are installed into build/peers; one that cannot be had is named and left out.

    ./dev bench peers [--changes N] [--runs N] [--rate N] [--seconds N] [--only PATTERN]
"""

from __future__ import annotations

import argparse
import statistics
import sys

from _machine import machine
from _peers.drain import Drained, drain
from _peers.field import Field
from _peers.latency import latency, prepare
from _peers.tools import FLOOR, Tool, tools
from _report import save, show_columns
from drain import SETTINGS

from support.postgres import Server, available

SIZE = 100  # of the text in a row: about 200 bytes a row
Figures = dict[str, object]


def drains(field: Field, compared: list[Tool], runs: int) -> dict[str, Figures]:
    """By tool; the ratio is of one round's floor, as machines are not the same all the time."""
    taken: dict[str, list[Drained]] = {tool.name: [] for tool in compared}
    for _ in range(runs):
        for tool in compared:
            taken[tool.name].append(drain(field, tool))
    floor = taken[FLOOR]
    return {tool.name: middle(field.changes, tool, taken[tool.name], floor) for tool in compared}


def middle(changes: int, tool: Tool, runs: list[Drained], floor: list[Drained]) -> Figures:
    def micros(values: list[float]) -> float:
        return round(statistics.median(values) / changes * 1e6, 2)

    halves = [run.second_half for run in runs if run.second_half]
    return {
        "into": tool.into,
        "changes/s": round(changes / statistics.median(run.seconds for run in runs)),
        "second half": round(changes / 2 / statistics.median(halves)) if halves else None,
        "of floor's time": round(
            statistics.median(run.seconds / base.seconds for run, base in zip(runs, floor, strict=True)), 2
        ),
        "CPU µs": micros([run.cpu for run in runs]),
        "source µs": micros([run.source_cpu for run in runs]),
        "destination µs": micros([run.destination_cpu for run in runs]),
        "peak MB": round(statistics.median(run.peak_mb for run in runs)),
        "startup s": round(statistics.median(run.startup for run in runs), 2),
    }


def latencies(field: Field, compared: list[Tool], rate: int, seconds: int) -> dict[str, Figures]:
    prepare(field)
    return {
        tool.name: {"into": tool.into, **latency(field, tool, rate, seconds)}
        for tool in compared
        if tool.measures_latency
    }


def show(title: str, results: dict[str, Figures]) -> None:
    print(f"  {title}")
    titles = list(dict.fromkeys(name for figures in results.values() for name in figures))
    show_columns(
        ["", *titles],
        [[name, *(figures.get(title, "") for title in titles)] for name, figures in results.items()],
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench peers", description=__doc__)
    parser.add_argument("--changes", type=int, default=300_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rate", type=int, default=300, help="transactions a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--only", default="", help="peers with this in their name")
    options = parser.parse_args()
    compared = list(tools(options.only))
    with (
        Server.start(available()[-1], SETTINGS) as source,
        Server.start(available()[-1], SETTINGS) as destination,
    ):
        field = Field(options.changes, SIZE, source, destination)
        drained = drains(field, compared, options.runs)
        show(
            f"{options.changes} changes that waited; CPU per change, of the tool and of the two servers",
            drained,
        )
        field.drop_slot("floor")
        seen = latencies(field, compared, options.rate, options.seconds)
        show(f"{options.rate} transactions a second, from COMMIT until seen; CPU per transaction", seen)
    found = {"changes": options.changes, "rate": options.rate, "drain": drained, "latency": seen}
    save("peers", {"machine": machine(), **found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
