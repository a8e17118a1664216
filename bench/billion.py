# SPDX-License-Identifier: LGPL-3.0-or-later
"""A billion changes a day: what is full first, what it takes, and how it is split.

A calculation, from what `./dev bench drain` and `./dev bench storage` measured on this machine: CPU of each
part and bytes, per change. One core is one core of this machine.

    ./dev bench billion [--changes-per-day N] [--peak N] [--retention-days N]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass

from _report import FOLDER, save, show, show_columns

DAY = 86_400


@dataclass
class Part:
    name: str
    cpu_us: float  # for a change
    split: str


def measured(name: str) -> dict[str, dict[str, float]]:
    path = FOLDER / f"{name}.json"
    if not path.exists():
        raise SystemExit(f"{path} is not there: run ./dev bench {name} first")
    found: dict[str, dict[str, float]] = json.loads(path.read_text())
    return found


def parts(drain: dict[str, float]) -> list[Part]:
    server = drain["servers' CPU, µs per change"]
    walsender = drain["  of bemi/wal"]
    # All connections that store, together.
    storing = sum(us for name, us in drain.items() if name.startswith("  of bemi/store"))
    return [
        Part("source: walsender", walsender, "a slot for each group of tables; each decodes all WAL"),
        Part("worker", drain["worker CPU, µs per change"], "a worker for each group of tables (--include)"),
        Part("destination: COPY and indexes", storing, "a destination for each group of tables"),
        Part("destination: WAL, checkpoints", server - walsender - storing, "the same"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench billion", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--changes-per-day", type=float, default=1e9)
    parser.add_argument("--peak", type=float, default=4, help="times the average, in the busiest hour")
    parser.add_argument("--retention-days", type=int, default=90)
    options = parser.parse_args()
    drain, storage = measured("drain")["200 B"], measured("storage")["200 B"]
    average = options.changes_per_day / DAY
    peak = average * options.peak
    rows: list[list[object]] = []
    for part in parts(drain):
        at_peak = peak * part.cpu_us / 1e6
        rows.append(
            [
                part.name,
                f"{part.cpu_us:.2f}",
                f"{average * part.cpu_us / 1e6:.2f}",
                f"{at_peak:.2f}",
                part.split,
            ]
        )
    print(f"  {average:,.0f} changes a second, {peak:,.0f} in the busiest hour")
    show_columns(["CPU", "µs/change", "cores", "at peak", "when a core is not enough"], rows)
    # One backend stores for one worker: it is a single thread, which here shared two cores with the others.
    one_core = drain["changes per second"]
    heap = storage["heap, bytes per change"] + storage["indexes, bytes per change"]
    figures = {
        "full first": "the backend that stores, one core of the destination",
        "one worker and destination take, changes per second": round(one_core),
        "workers with a destination each, at peak": math.ceil(peak / one_core),
        "a day in the destination, GB": round(options.changes_per_day * heap / 1e9),
        "kept for": f"{options.retention_days} days",
        "kept in all destinations, TB": round(
            options.changes_per_day * heap * options.retention_days / 1e12, 1
        ),
        "archived, GB a day": round(options.changes_per_day * storage["archived, bytes per change"] / 1e9),
        "behind after an hour's outage at peak, GB of WAL at 400 B": round(peak * 3600 * 400 / 1e9),
        "caught up at average load after, h": round(
            peak * 3600 / (max(1, math.ceil(peak / one_core)) * one_core - average) / 3600, 1
        ),
    }
    show("what it takes", figures)
    save("billion", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
