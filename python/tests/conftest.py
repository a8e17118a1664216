"""One tracked database per server version, and each driver as a door to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from support.bemi import Worker
from support.bemi import bemi as run_bemi
from support.fixtures import Database, Servers
from support.waiting import wait_until

import bemi
from bemi._signing import VARIABLE, key_of_environment

pytest_plugins = ["support.fixtures"]

MAJORS = [14, 18]
DRIVERS = ["psycopg", "psycopg_async", "psycopg2", "psycopg2-prefix", "asyncpg"]
TABLES = """
create table item (id int primary key, name text);
create function add_item(id int) returns int language sql as 'insert into item values (id, ''f'') returning id';
"""

Scenario = Callable[[Connection], Any]
# For the tests that sign.
CONTEXT_KEY = "tests:dGhlIGtleSBvZiB0aGUgdGVzdHMsIGtub3duIHRvIGFsbCBvZiB0aGVt"


@dataclass
class Tracked:
    """A database with a running worker, of which a test sees the changes since it began."""

    database: Database
    worker: Worker
    since: int = 0

    @property
    def url(self) -> str:
        return self.database.url

    def sql(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        return self.database.sql(statement, *params)

    def begin_test(self) -> None:
        self.sql("truncate item")
        self._sync()
        [(self.since,)] = self.sql("select coalesce(max(commit_position), 0) from changes")

    def changes(self) -> list[tuple[str, str, Any]]:
        """Operation, key and context of the rows' changes, in commit order."""
        self._sync()
        rows = self.sql(
            "select operation, primary_key, context, context_verified from changes"
            " where commit_position > %s and operation <> 'SCHEMA' order by commit_position, sequence",
            self.since,
        )
        assert all(row[3] is not False for row in rows), "what the package signs is verified"
        return [(row[0], row[1], row[2]) for row in rows]

    def verdicts(self) -> list[bool | None]:
        self._sync()
        asked = "select context_verified from changes where commit_position > %s and operation <> 'SCHEMA'"
        return [row[0] for row in self.sql(asked, self.since)]

    def by_key(self) -> dict[str, dict[str, Any]]:
        """Each key's newest context, but for the SQL."""
        return {key: {n: v for n, v in c.items() if n != "SQL"} for _, key, c in self.changes()}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nothing but the test takes transaction ids."""
        busy = (
            "select from pg_stat_activity where application_name like 'bemi%'"
            " and backend_type = 'client backend' and state = 'active'"
        )
        with self.database.server.without_autovacuum(), self.worker.paused():
            # What the worker had asked its sessions before goes on.
            wait_until(lambda: not self.sql(busy), "the worker's sessions are done")
            yield

    def _sync(self) -> None:
        run_bemi("sync", "--timeout", "30", env={"BEMI_SOURCE_URL": self.url})


@dataclass
class Door:
    """A driver, sync or async, by which a scenario of sync code reaches the database."""

    driver: str
    url: str

    @property
    def is_async(self) -> bool:
        return self.driver in ("psycopg_async", "asyncpg")

    def run(self, *scenarios: Scenario, port: int | None = None, options: Any = None, **engine: Any) -> Any:
        """Runs each scenario on a connection of its own, of one engine; tells the last one's result."""
        name = {"psycopg_async": "psycopg", "psycopg2-prefix": "psycopg2"}.get(self.driver, self.driver)
        url = make_url(self.url).set(drivername=f"postgresql+{name}")
        if port is not None:
            url = url.set(host="127.0.0.1", port=port)
        if self.is_async:
            return asyncio.run(self._run_async(url, scenarios, options, engine))
        sync_engine = create_engine(url, **engine)
        if self.driver == "psycopg2-prefix" or options:
            bemi.install(sync_engine, **{"prefix": self.driver == "psycopg2-prefix", **(options or {})})
        result = None
        for scenario in scenarios:
            with sync_engine.connect() as connection:
                result = scenario(connection)
        sync_engine.dispose()
        return result

    async def _run_async(self, url: Any, scenarios: Any, options: Any, engine: Any) -> Any:
        async_engine = create_async_engine(url, **engine)
        if options:
            bemi.install(async_engine, **options)
        result = None
        for scenario in scenarios:
            async with async_engine.connect() as connection:
                result = await connection.run_sync(scenario)
        await async_engine.dispose()
        return result


_running: dict[int, Tracked] = {}


@pytest.fixture(scope="session")
def all_tracked(servers: Servers) -> Iterator[Callable[[int], Tracked]]:
    workers: list[Worker] = []

    def get(major: int) -> Tracked:
        if major not in _running:
            server, name = servers.get(major), f"python_{os.getpid()}"
            database = Database(server, name, server.create_database(name))
            database.sql(TABLES)
            env = {"BEMI_SOURCE_URL": database.url, "BEMI_CONTEXT_KEY": CONTEXT_KEY}
            workers.append(Worker.start(env=env).wait_ready())
            _running[major] = Tracked(database, workers[-1])
        return _running[major]

    yield get
    for worker in workers:
        worker.terminate()
    _running.clear()


@pytest.fixture(params=MAJORS, ids=lambda major: f"pg{major}")
def tracked(request: pytest.FixtureRequest, all_tracked: Callable[[int], Tracked]) -> Iterator[Tracked]:
    """The oldest and the newest server."""
    yield from _fresh(all_tracked(request.param))


@pytest.fixture
def newest(all_tracked: Callable[[int], Tracked]) -> Iterator[Tracked]:
    """The newest server: for what does not depend on it."""
    yield from _fresh(all_tracked(MAJORS[-1]))


@pytest.fixture
def engine(newest: Tracked) -> Iterator[Engine]:
    """Of the newest server, as most applications have one."""
    engine = create_engine(newest.url.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


def insert_item(engine: Engine, id: int) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO item VALUES (:id, 'a')"), {"id": id})


def _fresh(tracked: Tracked) -> Iterator[Tracked]:
    # On the newest server all is signed, on the oldest nothing.
    is_newest = tracked.database.server.major == MAJORS[-1]
    os.environ[VARIABLE] = CONTEXT_KEY if is_newest else ""
    key_of_environment.cache_clear()
    tracked.begin_test()
    yield tracked
    bemi.clear_context()


@pytest.fixture(params=DRIVERS)
def door(request: pytest.FixtureRequest, tracked: Tracked) -> Door:
    return Door(request.param, tracked.url)
