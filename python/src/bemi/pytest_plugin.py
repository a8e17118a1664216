# SPDX-License-Identifier: LGPL-3.0-or-later
"""pytest: asserts what a block of code changed, by the history itself, and takes back what a test did.

>>> def test_complete(client, bemi_changes):
...     with bemi_changes() as changes:
...         client.put("/todo/1/complete")
...     assert [change.diff() for change in changes] == [{"is_completed": (False, True)}]

>>> def test_signup(client, bemi_mark):  # afterwards the database is what it was: rows and sequences
...     client.post("/signup")

Needs a running worker, and where its ends are: ``--bemi-source`` and ``--bemi-destination``, else the
environment's ``BEMI_SOURCE_URL`` and ``BEMI_DESTINATION_URL``. Without a destination it is the source.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from .history import Change

BemiChanges = Callable[[], AbstractContextManager["list[Change]"]]

TIMEOUT_SECONDS = 30


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bemi")
    group.addoption("--bemi-source", metavar="URL", help="the tracked database [BEMI_SOURCE_URL]")
    group.addoption("--bemi-destination", metavar="URL", help="where changes go [BEMI_DESTINATION_URL]")


@pytest.fixture(scope="session")
def bemi_source_url(request: pytest.FixtureRequest) -> str:
    """The tracked database's URL; override it where it is only known at run time."""
    url = request.config.getoption("--bemi-source") or os.environ.get("BEMI_SOURCE_URL")
    if not url:
        raise pytest.UsageError("bemi_changes: set BEMI_SOURCE_URL or give --bemi-source URL")
    return str(url)


@pytest.fixture(scope="session")
def bemi_destination_url(request: pytest.FixtureRequest, bemi_source_url: str) -> str:
    """The URL of where the changes go."""
    given = request.config.getoption("--bemi-destination") or os.environ.get("BEMI_DESTINATION_URL")
    return str(given or bemi_source_url)


@pytest.fixture(scope="session")
def bemi_ends(bemi_source_url: str, bemi_destination_url: str) -> Iterator[tuple[Engine, Engine]]:
    """Engines of the source and of the destination; their own, so that they carry no context."""
    from sqlalchemy import create_engine, make_url

    from ._engine import uninstall

    engines = []
    for url in (bemi_source_url, bemi_destination_url):
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername=f"postgresql+{_driver()}")
        engine = create_engine(parsed, isolation_level="AUTOCOMMIT")
        uninstall(engine)
        engines.append(engine)
    yield engines[0], engines[1]
    for engine in engines:
        engine.dispose()


@pytest.fixture
def bemi_changes(bemi_ends: tuple[Engine, Engine]) -> BemiChanges:
    """A context manager whose list holds, after the block, what was committed within it."""
    source, destination = bemi_ends

    @contextmanager
    def collect() -> Iterator[list[Change]]:
        found: list[Change] = []
        start = _fence(source, destination)
        yield found
        end = _fence(source, destination)
        found += _between(destination, start, end)

    return collect


@pytest.fixture
def bemi_mark(bemi_source_url: str, bemi_destination_url: str) -> Iterator[str]:
    """The database goes back after the test to what it was before it: rows and sequences."""
    yield from _marked(bemi_source_url, bemi_destination_url)


@pytest.fixture(scope="module")
def bemi_module_mark(bemi_source_url: str, bemi_destination_url: str) -> Iterator[str]:
    """The same for all the tests of a module."""
    yield from _marked(bemi_source_url, bemi_destination_url)


def _marked(source: str, destination: str) -> Iterator[str]:
    from . import revert

    name = f"pytest-{uuid.uuid4()}"
    revert.create_mark(name, source=source, destination=destination)
    yield name
    revert.roll_back_to_mark(name, source=source, destination=destination)
    revert.delete_mark(name, source=source, destination=destination)


def _driver() -> str:
    from importlib.util import find_spec

    return "psycopg" if find_spec("psycopg") else "psycopg2"


def _fence(source: Engine, destination: Engine) -> int:
    """Commits a fence, and waits until the worker has passed it; tells its position."""
    from sqlalchemy import text

    with source.connect() as connection:
        connection.execute(text("SET synchronous_commit = on"))
        lsn = connection.scalar(text("SELECT pg_logical_emit_message(true, '_bemi_fence', '')::text"))
        name: Any = connection.scalar(text("SELECT current_database()"))
    passed = text(
        "SELECT position >= CAST(:lsn AS pg_lsn), position - '0/0' FROM _bemi.source WHERE database = :name"
    )
    deadline = time.monotonic() + TIMEOUT_SECONDS
    with destination.connect() as connection:
        while time.monotonic() < deadline:
            row = connection.execute(passed, {"lsn": lsn, "name": name}).first()
            if row is not None and row[0]:
                return int(row[1])
            time.sleep(0.005)
    raise TimeoutError(
        f"bemi_changes: no worker has passed {lsn} in {TIMEOUT_SECONDS} s; is `bemi run` there?"
    )


def _between(destination: Engine, start: int, end: int) -> list[Change]:
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from .history import Change

    with Session(destination) as session:
        order = (Change.epoch, Change.commit_position, Change.sequence)
        within = (Change.commit_position > start, Change.commit_position <= end)
        found = list(session.scalars(select(Change).where(*within).order_by(*order)))
        session.expunge_all()
    return found
