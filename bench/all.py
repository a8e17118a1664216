# SPDX-License-Identifier: LGPL-3.0-or-later
"""All measurements, one after the other, and one table at the end: each figure beside what is wanted of it.

    ./dev bench [--quick] [--only NAME ...] [--list]

A measurement that fails is told at the end, the others go on. What was measured is in build/bench, one file
each, and all figures of the table with this machine's description in build/bench/summary.json. `peers` is
not among them, as it installs other programs: `./dev bench peers`.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from _machine import machine
from _report import FOLDER, save
from _summary import figures, show_figures

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Measurement:
    name: str
    minutes: float
    full: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()

    @property
    def script(self) -> Path:
        return HERE / f"{self.name}.py"

    def about(self) -> str:
        described = ast.get_docstring(ast.parse(self.script.read_text())) or ""
        return described.splitlines()[0]


# In the order in which they are worth waiting for; `billion` calculates with what `drain` and `storage` found.
MEASUREMENTS = (
    Measurement("drain", 9, quick=("--changes", "200000", "--runs", "1")),
    Measurement("latency", 1, quick=("--seconds", "5")),
    Measurement(
        "large",
        3,
        full=("--rows", "5000000", "--megabytes-per-second", "0"),
        quick=("--rows", "500000", "--megabytes-per-second", "0"),
    ),
    Measurement("storage", 3, quick=("--changes", "60000")),
    Measurement("effect", 10, quick=("--seconds", "3", "--rounds", "1")),
    Measurement("baseline", 2, quick=("--rows", "200000", "--runs", "1")),
    Measurement("idle", 3, quick=("--seconds", "20")),
    Measurement(
        "feed",
        12,
        full=("--changes", "1000000,5000000,10000000"),
        quick=("--changes", "200000", "--times", "5"),
    ),
    Measurement(
        "time_travel",
        6,
        full=("--generate", "--changes", "1000000,5000000,10000000"),
        quick=("--generate", "--changes", "300000"),
    ),
    Measurement("context", 5, quick=("--rounds", "3")),
    Measurement("context_cost", 5, quick=("--rounds", "3")),
    Measurement("stream", 1, quick=("--clients", "100", "--changes", "60")),
    Measurement("marks", 2, quick=("--rows", "1000", "--tests", "5")),
    Measurement("undo", 4, quick=("--rows", "100000")),
    Measurement(
        "growth",
        10,
        quick=("--tables", "10,200", "--days", "30,120", "--times", "1"),
    ),
    Measurement("billion", 0),
)


def run(measurement: Measurement, number: int, total: int, quick: bool) -> bool:
    wait = "" if quick or not measurement.minutes else f", about {measurement.minutes:g} min"
    print(f"\n[{number}/{total}] {measurement.name}{wait}: {measurement.about()}", flush=True)
    began = time.monotonic()
    # A result of an earlier run must not be taken for this one's.
    (FOLDER / f"{measurement.name}.json").unlink(missing_ok=True)
    arguments = measurement.quick if quick else measurement.full
    code = subprocess.run([sys.executable, str(measurement.script), *arguments], check=False).returncode
    print(f"  {'done' if code == 0 else f'FAILED, exit code {code},'} after {time.monotonic() - began:.0f} s")
    return code == 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: a look, no figures to quote")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[one.name for one in MEASUREMENTS])
    parser.add_argument("--list", action="store_true", help="what there is, and end")
    options = parser.parse_args()
    wanted = [one for one in MEASUREMENTS if not options.only or one.name in options.only]
    if options.list:
        for one in wanted:
            print(f"  {one.name:<12} {one.about()}")
        return 0
    minutes = sum(one.minutes for one in wanted)
    how_long = "a few minutes, with small sizes" if options.quick else f"about {minutes:g} minutes"
    print(f"{len(wanted)} measurements, {how_long}. Leave the machine alone meanwhile.")
    failed = [
        one.name for number, one in enumerate(wanted, 1) if not run(one, number, len(wanted), options.quick)
    ]
    found = figures()
    described = machine()
    print()
    show_figures(found, described)
    save("summary", {"machine": described, "quick": options.quick, "figures": found, "failed": failed})
    if failed:
        print(f"\n  failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
