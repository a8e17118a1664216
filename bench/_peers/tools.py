# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which tools are compared, and how each is started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from _peers.debezium_server import DebeziumServer
from _peers.field import PUBLICATION, SLOT, Field
from _peers.install import MissingError, installed
from _peers.run import Bemi, Reader, Run, UntilEnd, receiver

# The engine's defaults are batches of 2048, a queue of 8192 and a look into it every 500 ms.
TUNED = {"max.batch.size": "8192", "max.queue.size": "32768", "poll.interval.ms": "10"}
HEAP = "-Xmx512m"  # a quarter of the machine's memory otherwise
TUNED_SERVER = {
    **{f"source.{name}": value for name, value in TUNED.items()},
    "sink.jdbc.batch.size": "8192",  # 500 otherwise
}


@dataclass(frozen=True)
class Store:
    """A table at the end of a tool's way, and how one looks into it."""

    database: str
    reached: str  # a number that grows with what can be read
    rows: str  # owner, and the number from which on the row could be read; of rows with a higher id
    counts: str


@dataclass(frozen=True)
class Tool:
    name: str
    start: Callable[[Field, int, Path | None], Run]  # how many changes, and where to say what was seen when
    store: Store | None = None
    into: str = "a table"
    plugin: str = "pgoutput"
    measures_latency: bool = True


CHANGES = Store(
    "history",
    "select position - '0/0' from _bemi.source",
    "select (after ->> 'owner')::int, commit_position from changes where operation = 'CREATE'"
    " and (after ->> 'id')::bigint > %s order by epoch, commit_position, sequence",
    "select case operation when 'CREATE' then 'insert' when 'UPDATE' then 'update' else 'delete' end, count(*)"
    " from changes group by 1",
)
AUDIT = Store(
    "audit",
    "select coalesce(max(n), 0) from audit",
    "select (after ->> 'owner')::int, n from audit where (after ->> 'id')::bigint > %s order by n",
    "select operation, count(*) from audit group by 1",
)

ITEM_LOG = Store(
    "audit",
    "select coalesce(max(seq), 0) from item_log",
    "select owner, seq from item_log where __op = 'c' and id > %s order by seq",
    "select case __op when 'c' then 'insert' when 'u' then 'update' else 'delete' end, count(*)"
    " from item_log group by 1",
)


def reader(
    name: str,
    folder: str,
    command: list[str],
    store: Store | None = None,
    tuned: dict[str, str] | None = None,
) -> Tool:
    """One of our small programs around a library."""
    home = installed(folder)

    def start(field: Field, changes: int, seen: Path | None) -> Run:
        env = {
            "PEER_SOURCE_URL": field.source.url("app"),
            "PEER_SLOT": SLOT,
            "PEER_PUBLICATION": PUBLICATION,
            "PEER_CHANGES": str(changes),
            "PEER_PROPERTIES": ",".join(f"{name}={value}" for name, value in (tuned or {}).items()),
        }
        if store:
            env["PEER_DESTINATION_URL"] = field.destination.url(store.database)
        if seen:
            env["PEER_SEEN"] = str(seen)
        return Reader(command, home, env, home / "run.log")

    return Tool(name, start, store, "a table" if store else "nothing")


def server(name: str, tuned: dict[str, str], *java: str) -> Tool:
    home = installed("server")

    def start(field: Field, changes: int, _seen: Path | None) -> Run:
        return DebeziumServer(home, field, changes, tuned, java)

    return Tool(name, start, ITEM_LOG)


def rivet(name: str) -> Tool:
    """It reads by SQL what test_decoding says, until there is no more, and writes lines of JSON."""
    home = installed("rivet")

    def start(field: Field, _changes: int, _seen: Path | None) -> Run:
        source = field.source.url("app")
        command: list[str | Path] = [home / "bin/rivet", "cdc", "--source", source, "--slot", SLOT]
        return UntilEnd(command, home / "changes.ndjson")

    return Tool(name, start, into="a file", plugin="test_decoding", measures_latency=False)


def floor() -> Tool:
    def start(field: Field, _changes: int, _seen: Path | None) -> Run:
        return receiver(field)

    return Tool(FLOOR, start, into="nothing", measures_latency=False)


def worker(field: Field, _changes: int, _seen: Path | None) -> Run:
    return Bemi(field.bench.env)


FLOOR = "pg_recvlogical"
BEMI = "Bemi"
JAVA = ["java", "-cp", "classes:lib/*", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
READER = [*JAVA, "Reader"]
TUNED_READER = [*JAVA, HEAP, "Reader"]
NODE = ["node", "reader.mjs"]
GO = ["./reader"]

MAKERS: dict[str, Callable[[], Tool]] = {
    FLOOR: floor,
    "pglogrepl (Go)": lambda: reader("pglogrepl (Go)", "go", GO),
    "pg-logical-replication (Node)": lambda: reader("pg-logical-replication (Node)", "node", NODE),
    "Debezium engine": lambda: reader("Debezium engine", "debezium", READER),
    "Debezium engine, tuned": lambda: reader("Debezium engine, tuned", "debezium", TUNED_READER, None, TUNED),
    "rivet (Rust)": lambda: rivet("rivet (Rust)"),
    BEMI: lambda: Tool(BEMI, worker, CHANGES),
    "pglogrepl (Go) and COPY": lambda: reader("pglogrepl (Go) and COPY", "go", GO, AUDIT),
    "Debezium engine and JDBC": lambda: reader("Debezium engine and JDBC", "debezium", READER, AUDIT),
    "Debezium engine and JDBC, tuned": lambda: reader(
        "Debezium engine and JDBC, tuned", "debezium", TUNED_READER, AUDIT, TUNED
    ),
    "Debezium Server": lambda: server("Debezium Server", {}),
    "Debezium Server, tuned": lambda: server("Debezium Server, tuned", TUNED_SERVER, HEAP),
}


def tools(pattern: str) -> Iterator[Tool]:
    """Those whose name has the pattern in it, with what they need installed; a line for each that cannot be had."""
    missing: dict[str, str] = {}
    for name, make in MAKERS.items():
        if pattern.lower() not in name.lower() and name not in (FLOOR, BEMI):
            continue
        try:
            yield make()
        except MissingError as reason:
            missing[name] = str(reason)
            print(f"  left out: {name}, {reason}", flush=True)
