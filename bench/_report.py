# SPDX-License-Identifier: LGPL-3.0-or-later
"""How measurements are shown and kept: a table on the terminal, JSON in build/bench."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from support.postgres import Server

FOLDER = Path(__file__).resolve().parent.parent / "build" / "bench"
Figures = Mapping[str, object]


def show(title: str, figures: Figures) -> None:
    width = max(map(len, figures))
    print(f"  {title}")
    for name, value in figures.items():
        print(f"    {name:{width}}  {value}", flush=True)


def show_columns(titles: list[str], rows: list[list[object]]) -> None:
    """The first column is text, the others are numbers."""
    lines = [titles, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for line in lines:
        first, *others = (
            f"{cell:<{width}}" if column == 0 else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("    " + "  ".join([first, *others]), flush=True)


def save(name: str, results: object) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    print(f"  {path.relative_to(FOLDER.parent.parent)}")


def program(name: str) -> Path:
    """One of PostgreSQL's own programs, of the newest version that the system has."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise SystemExit(f"{name} is not there: install PostgreSQL with its client programs")
    return found[-1]


def cpu_of(pid: int) -> float:
    """Seconds, of the process and the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[n]) for n in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def rss_peak_mb(pid: int) -> float:
    """The most memory that the process has had so far."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def server_cpu(server: Server) -> float:
    """Seconds, of the postmaster, its living children, and those that ended."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    total = cpu_of(server.pid)
    for pid in map(int, children):
        try:
            total += cpu_of(pid)
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
            continue
    return total


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
