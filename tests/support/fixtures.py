"""The fixtures of every suite that needs a server or the binary; see `tests/conftest.py`.

A test that takes `server` runs on the newest major. Under `@every_major` it runs on each:

    @every_major
    def test_an_update_is_stored(database: Database, start_worker: StartWorker) -> None: ...
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from support.bemi import Worker
from support.postgres import Server, available

# For tests that are too slow to run on every major.
oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])
every_major = pytest.mark.parametrize("server", available(), indirect=True, ids=lambda major: f"pg{major}")

_database_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """One empty database of a server."""

    server: Server
    name: str
    url: str

    def sql(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        return self.server.sql(statement, *params, dbname=self.name)


class Servers:
    """One running server per major, started when the first test asks for it."""

    def __init__(self) -> None:
        self._running: dict[int, Server] = {}

    def get(self, major: int) -> Server:
        server = self._running.get(major)
        if server is None or not server.is_running:
            self._running[major] = Server.start(major)
        return self._running[major]

    def close(self) -> None:
        for server in self._running.values():
            server.close()


class StartWorker(Protocol):
    def __call__(self, *flags: str, **options: Any) -> Worker: ...


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    """A server shared by tests: a test that stops or reconfigures one starts its own."""
    return servers.get(getattr(request, "param", available()[-1]))


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """A database of the test's own; BEMI_KEEP_DB=1 leaves it until the server stops."""
    name = f"test_{os.getpid()}_{next(_database_numbers)}"
    yield Database(server, name, server.create_database(name))
    if not os.environ.get("BEMI_KEEP_DB"):
        server.drop_database(name)


@pytest.fixture
def start_worker(tmp_path: Path, database: Database) -> Iterator[StartWorker]:
    """Starts workers on `database` (unless the flags say otherwise) that end with the test."""
    started: list[Worker] = []

    def start(*flags: str, **options: Any) -> Worker:
        options.setdefault("log_file", tmp_path / f"worker-{len(started) + 1}.log")
        options["env"] = {"BEMI_SOURCE_URL": database.url, **(options.get("env") or {})}
        started.append(Worker.start(*flags, **options))
        return started[-1]

    yield start
    for worker in started:
        if worker.is_running:
            worker.kill9()
