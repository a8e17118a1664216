"""What a transaction costs on the wire, with the package and without, counted by a proxy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Door, Scenario, Tracked
from sqlalchemy import Connection, create_engine, insert, text
from support.round_trips import RoundTrips
from test_engine import INSERT, Item

import bemi

UPDATE = text("UPDATE item SET name = 'b' WHERE id = :id")


def read(connection: Connection) -> None:
    connection.execute(text("SELECT * FROM item")).all()


def one(connection: Connection) -> None:
    connection.execute(INSERT, {"id": 1})


def read_and_write(connection: Connection) -> None:
    read(connection)
    one(connection)
    read(connection)


def one_repeated(connection: Connection) -> None:
    for number in range(5):
        connection.execute(INSERT, {"id": number})


def three_distinct(connection: Connection) -> None:
    connection.execute(INSERT, {"id": 1})
    connection.execute(UPDATE, {"id": 1})
    connection.execute(text("DELETE FROM item"))


def savepoint(connection: Connection) -> None:
    one(connection)
    with connection.begin_nested():
        connection.execute(UPDATE, {"id": 1})


def many(connection: Connection) -> None:
    connection.execute(insert(Item).returning(Item.id), [{"id": i, "name": "m"} for i in range(20)])


def function(connection: Connection) -> None:
    connection.execute(text("SELECT add_item(9)")).all()


SCENARIOS: list[Scenario] = [
    read,
    one,
    read_and_write,
    one_repeated,
    three_distinct,
    savepoint,
    many,
    function,
]

# What is allowed on top; 0 where nothing is said.
ADDED: dict[str, dict[Scenario, int]] = {
    "psycopg": {},
    "psycopg_async": {},
    # One for the message before COMMIT, and one for each further distinct statement: in one text with it,
    # an error of the statement would quote another line than without us.
    "psycopg2": {
        **{scenario: 1 for scenario in SCENARIOS if scenario is not read},
        three_distinct: 3,
        savepoint: 2,
    },
    "psycopg2-prefix": {},
    # One for each further distinct statement.
    "asyncpg": {three_distinct: 2, savepoint: 1},
}


@pytest.fixture
def proxy(tracked: Tracked) -> Iterator[RoundTrips]:
    with RoundTrips(tracked.database.server.port) as proxy:
        yield proxy


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_added_round_trips(door: Door, tracked: Tracked, proxy: RoundTrips, scenario: Scenario) -> None:
    bemi.set_context({"user_id": 1, "hostile": "'%s \\ é"})
    with_it = _cost(door, tracked, proxy, scenario, {})
    without = _cost(door, tracked, proxy, scenario, None)
    assert with_it - without <= ADDED[door.driver].get(scenario, 0)
    if scenario is not read and (door.driver, scenario) != ("psycopg2-prefix", function):
        assert any(c.get("user_id") == 1 for _, _, c in tracked.changes())


@pytest.mark.parametrize("scenario", [three_distinct, savepoint], ids=lambda s: s.__name__)
def test_asyncpg_without_sql_adds_none(newest: Tracked, scenario: Scenario) -> None:
    door = Door("asyncpg", newest.url)
    bemi.set_context({"user_id": 1})
    with RoundTrips(newest.database.server.port) as proxy:
        with_it = _cost(door, newest, proxy, scenario, {"sql": False})
        without = _cost(door, newest, proxy, scenario, None)
    # A savepoint needs the message of what was written before it to be outside of it.
    assert with_it - without <= (1 if scenario is savepoint else 0)


def _cost(door: Door, tracked: Tracked, proxy: RoundTrips, scenario: Scenario, options: Any) -> int:
    """Of the scenario's third transaction on a connection: all is prepared by then."""

    def measured(connection: Connection) -> int:
        if options is None:
            bemi.uninstall(connection.engine)
        for _ in range(3):
            proxy.reset()
            with connection.begin():
                scenario(connection)
            cost = proxy.count
            tracked.sql("truncate item")
        return cost

    return int(door.run(measured, port=proxy.port, options=options))


def test_asyncpg_keeps_its_prepared_statements(newest: Tracked) -> None:
    """No context is prepared: one per request would fill the cache."""

    def write(connection: Connection) -> list[int]:
        counts = []
        for number in range(150):
            with bemi.context(request=number), connection.begin():
                connection.execute(INSERT, {"id": number})
                connection.execute(UPDATE, {"id": number})
            if number in (20, 149):
                with connection.begin():
                    count = connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))
                counts.append(int(count or 0))
        return counts

    early, late = Door("asyncpg", newest.url).run(write)
    assert late == early


def test_nothing_is_said_of_what_another_engine_does(newest: Tracked) -> None:
    engine = create_engine(newest.url.replace("postgresql:", "postgresql+psycopg:"))
    bemi.uninstall(engine)
    with RoundTrips(newest.database.server.port) as proxy, engine.begin() as connection:
        connection.execute(INSERT, {"id": 1})
    assert b"pg_logical_emit_message" not in proxy.client_bytes
    engine.dispose()
