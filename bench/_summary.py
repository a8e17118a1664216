# SPDX-License-Identifier: LGPL-3.0-or-later
"""The figures that count, out of what the measurements wrote, each beside what is wanted of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from _report import FOLDER, show_columns

Figure = dict[str, Any]
Value = Callable[[Any], float]


@dataclass(frozen=True)
class Line:
    """`value` takes what the measurement wrote. Of each figure with a target the less is the better."""

    title: str
    unit: str
    value: Value
    target: float | None = None


def at(*keys: str | int) -> Value:
    def value(found: Any) -> float:
        for key in keys:
            found = found[key]
        return float(found)

    return value


def ratio(one: Value, other: Value) -> Value:
    return lambda found: one(found) / other(found)


def total(one: Value, other: Value) -> Value:
    return lambda found: one(found) + other(found)


def of_size(size: str) -> list[Line]:
    return [
        Line(f"drain, {size}: time, of the floor's", "x", at(size, "ratio to the floor"), 1.15),
        Line(f"drain, {size}: rate", "changes/s", at(size, "changes per second")),
        Line(
            f"drain, {size}: worker's CPU, of pg_recvlogical's",
            "x",
            ratio(at(size, "worker CPU, µs per change"), at(size, "pg_recvlogical CPU, µs per change")),
            2,
        ),
        Line(f"drain, {size}: resident peak", "MB", at(size, "resident peak, MB"), 64),
        Line(
            f"drain, {size}: heap and indexes",
            "B/change",
            total(at(size, "heap, bytes per change"), at(size, "indexes, bytes per change")),
        ),
    ]


def of_rate(number: int, rate: str) -> list[Line]:
    return [
        Line(f"latency at {rate}/s: p50", "ms", at(number, "p50, ms"), 10),
        Line(f"latency at {rate}/s: p99", "ms", at(number, "p99, ms"), 50),
        Line(f"latency at {rate}/s: resident peak", "MB", at(number, "resident peak, MB"), 64),
    ]


def of_workload(workload: str) -> list[Line]:
    def way(name: str, figure: str) -> Value:
        return lambda found: float(next(row for row in found[workload] if row["way"] == name)[figure])

    return [
        line
        for name in ("Bemi, no reader", "Bemi", "audit trigger", "comment trigger")
        for line in (
            Line(f"{workload}, {name}: tps, of plain", "x", way(name, "of plain")),
            Line(
                f"{workload}, {name}: WAL, of plain",
                "x",
                ratio(way(name, "WAL B/tx"), way("plain", "WAL B/tx")),
            ),
        )
    ]


def at_most_changes(question: str, figure: str) -> Value:
    """Of a measurement that asked at several lengths of the history."""

    def value(found: Any) -> float:
        longest = max((key for key in found if key.isdigit()), key=int)
        return float(found[longest][question][figure])

    return value


def of_past(question: str, title: str) -> Line:
    return Line(f"{title}, at the most changes", "ms", at_most_changes(question, "past"))


def of_feed(question: str, title: str) -> Line:
    return Line(f"{title}, at the most changes", "ms", at_most_changes(question, "p50"))


LINES: dict[str, list[Line]] = {
    "drain": [
        *of_size("200 B"),
        *of_size("1.6 kB"),
        Line(
            "drain, 200 B, one database: time, of the floor's",
            "x",
            at("200 B, one database", "ratio to the floor"),
        ),
    ],
    "latency": [*of_rate(0, "500"), *of_rate(1, "2,000")],
    "large": [
        Line("one large transaction: resident peak", "MB", at("resident peak, MB"), 64),
        Line("one large transaction: rate", "rows/s", at("rows per second")),
    ],
    "storage": [
        Line(f"storage, {size}: {way}", "x", at(size, way), 0.6)
        for size in ("200 B", "1.6 kB")
        for way in ("of the plain layout", "of the plain layout, once packed")
    ],
    "effect": [*of_workload("TPC-B-like"), *of_workload("one update")],
    "baseline": [
        Line("baseline: rate", "rows/s", at("rows per second")),
        Line("baseline: time, of COPY of the stored rows", "x", at("time, of COPY of the stored rows alone")),
        Line("baseline: time, of COPY TO alone", "x", at("time, of COPY TO alone")),
    ],
    "idle": [
        Line("idle: worker's CPU", "s/hour", at("worker CPU, s per hour")),
        Line("idle: WAL of the source", "kB/hour", at("source's WAL, kB per hour")),
    ],
    "feed": [
        of_feed("newest page", "a page of the feed"),
        of_feed("a busy user", "contexts searched"),
        of_feed("a record's history", "a record's history"),
        of_feed("a page far back", "a time range"),
        of_feed("last day counted", "a trend"),
    ],
    "time_travel": [
        of_past("one row of the view", "a row as of then"),
        of_past("bemi.rows_as_of", "a table as of then"),
    ],
}


def figures() -> list[Figure]:
    """Of each measurement that has written something."""
    return [figure for name in LINES for figure in of_measurement(name)]


def of_measurement(name: str) -> Iterator[Figure]:
    path = FOLDER / f"{name}.json"
    if not path.exists():
        return
    found = json.loads(path.read_text())
    for line in LINES[name]:
        try:
            value = round(line.value(found), 2)
        except (KeyError, IndexError, StopIteration, ZeroDivisionError):
            continue  # measured with other sizes or rates
        yield {
            "measurement": name,
            "figure": line.title,
            "value": value,
            "unit": line.unit,
            "target": line.target,
            "reached": None if line.target is None else value <= line.target,
        }


def show_figures(found: list[Figure], described: Mapping[str, object]) -> None:
    print("  " + ", ".join(f"{name} {value}" for name, value in described.items()))
    rows: list[list[object]] = [
        [
            figure["figure"],
            f"{figure['value']:,.0f}" if figure["value"] >= 1000 else f"{figure['value']:g}",
            figure["unit"],
            "" if figure["target"] is None else f"{figure['target']:g}",
            {None: "", True: "reached", False: "NOT REACHED"}[figure["reached"]],
        ]
        for figure in found
    ]
    show_columns(["", "measured", "", "wanted", ""], rows)
