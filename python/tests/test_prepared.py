"""Messages that the server keeps prepared: only where they surely are, and never at the application's risk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from conftest import Door, Tracked
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from support.pgbouncer import PgBouncer
from support.round_trips import RoundTrips
from test_engine import INSERT
from test_harmless import emit_function, ids, roles

import bemi

UPDATE = text("UPDATE item SET name = 'b' WHERE id = :id")
PREPARED = text("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE '\\_bemi%'")
# Enough for a connection to be asked, and for its message to be prepared and used.
OFTEN = 9

drivers = pytest.mark.parametrize("driver", ["psycopg", "psycopg_async", "asyncpg"])


def write(connection: Connection, number: int, user: object = None) -> None:
    """Two statements, so that messages go in both ways: before a statement, and with COMMIT."""
    with bemi.context(user=number if user is None else user), connection.begin():
        connection.execute(INSERT, {"id": number})
        connection.execute(UPDATE, {"id": number})


def write_often(connection: Connection) -> None:
    for number in range(OFTEN):
        write(connection, number)


def prepared(connection: Connection) -> int:
    with connection.begin():
        return int(connection.scalar(PREPARED) or 0)


def users(tracked: Tracked) -> list[tuple[str, Any]]:
    return [(key, context.get("user")) for _, key, context in tracked.changes()]


@drivers
def test_a_busy_connection_prepares_its_message_once(tracked: Tracked, driver: str) -> None:
    def run(connection: Connection) -> int:
        write_often(connection)
        return prepared(connection)

    assert Door(driver, tracked.url).run(run) == 1
    assert users(tracked) == [(str(number), number) for number in range(OFTEN) for _ in range(2)]


@drivers
def test_it_costs_no_round_trip(newest: Tracked, driver: str) -> None:
    def measured(connection: Connection) -> int:
        write_often(connection)
        proxy.reset()
        write(connection, OFTEN)
        return proxy.count

    def without(connection: Connection) -> int:
        bemi.uninstall(connection.engine)
        newest.sql("truncate item")
        return measured(connection)

    with RoundTrips(newest.database.server.port) as proxy:
        door = Door(driver, newest.url)
        added = door.run(measured, port=proxy.port) - door.run(without, port=proxy.port)
    assert added == (1 if driver == "asyncpg" else 0)  # as without: one for the second statement


def _by_statement(statement: str) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        with connection.begin():
            connection.execute(text(statement))

    return run


def _autocommitted(statement: str) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        raw.autocommit = True
        raw.cursor().execute(statement)
        raw.autocommit = False

    return run


def _roll_back(connection: Connection) -> None:
    transaction = connection.begin()
    connection.execute(UPDATE, {"id": 0})
    transaction.rollback()


DROPS: dict[str, Callable[[Connection], None]] = {
    "DEALLOCATE ALL": _by_statement("DEALLOCATE ALL"),
    "in a block of code": _by_statement("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"),
    "in a function": _by_statement("SELECT forget_all()"),
    "ROLLBACK": _roll_back,
    "DISCARD ALL past SQLAlchemy": _autocommitted("DISCARD ALL"),
}


# The statements that asyncpg itself has prepared would be missed first.
@pytest.mark.parametrize(
    ("driver", "how"),
    [
        (driver, how)
        for driver in ("psycopg", "psycopg_async", "asyncpg")
        for how in DROPS
        if driver == "psycopg" or "past" not in how
    ],
)
def test_dropping_the_prepared_message_does_no_harm(newest: Tracked, driver: str, how: str) -> None:
    newest.sql(
        "create or replace function forget_all() returns int language plpgsql as"
        " $$ begin execute 'DEALLOCATE ALL'; return 1; end $$"
    )
    seen: list[int] = []

    def run(connection: Connection) -> None:
        write_often(connection)
        seen.append(prepared(connection))
        DROPS[how](connection)

    def go_on(connection: Connection) -> None:
        run(connection)
        # The application's own statements, which the driver has prepared, are new ones.
        for number in range(100, 100 + OFTEN):
            with bemi.context(user=number), connection.begin():
                connection.execute(text(f"INSERT INTO item VALUES ({number}, 'later')"))

    # Without its own cache, a driver misses nothing of what it has prepared.
    options: dict[str, Any] = {}
    if driver == "asyncpg":
        options["connect_args"] = {"prepared_statement_cache_size": 0}
    Door(driver, newest.url).run(go_on, **options)
    assert seen == [1]
    assert users(newest)[-OFTEN:] == [(str(number), number) for number in range(100, 100 + OFTEN)]


@drivers
def test_a_right_taken_away_costs_the_context_alone(tracked: Tracked, driver: str) -> None:
    def run(connection: Connection) -> None:
        write_often(connection)
        tracked.sql(f"revoke execute on function {emit_function(tracked)} from public")
        write(connection, 100)
        tracked.sql(f"grant execute on function {emit_function(tracked)} to public")
        write(connection, 101)

    with roles(tracked) as url:
        Door(driver, url).run(run)
    assert users(tracked)[-4:] == [("100", None), ("100", None), ("101", 101), ("101", 101)]


@drivers
def test_a_role_without_the_right_costs_the_context_alone(tracked: Tracked, driver: str) -> None:
    def run(connection: Connection) -> None:
        write_often(connection)
        with bemi.context(user=100), connection.begin():
            connection.execute(text("SET LOCAL ROLE tenant"))
            connection.execute(INSERT, {"id": 100})
            connection.execute(UPDATE, {"id": 100})
        write(connection, 101)

    function = emit_function(tracked)
    with roles(tracked) as url:
        tracked.sql(f"revoke execute on function {function} from public")
        tracked.sql(f"grant execute on function {function} to app")
        Door(driver, url).run(run)
    assert users(tracked)[-4:] == [("100", None), ("100", None), ("101", 101), ("101", 101)]


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_nothing_is_prepared_through_a_pooler(newest: Tracked, driver: str) -> None:
    """A pooler gives each transaction another session. Drivers are told to prepare nothing, or almost."""

    def sync(url: Any) -> int:
        # Never reached: the package is to find out by itself.
        engine = create_engine(url, connect_args={"prepare_threshold": 1000})
        with engine.connect() as connection:
            write_often(connection)
            count = prepared(connection)
        engine.dispose()
        return count

    async def run_async(url: Any) -> int:
        names = {"prepared_statement_name_func": lambda: f"__{uuid4()}__"}
        arguments = {"statement_cache_size": 0, "prepared_statement_cache_size": 0, **names}
        engine = create_async_engine(url, connect_args=arguments)
        async with engine.connect() as connection:
            await connection.run_sync(write_often)
            count = await connection.run_sync(prepared)
        await engine.dispose()
        return int(count)

    with PgBouncer(newest.database.server.port) as pooler:
        url = make_url(newest.url).set(drivername=f"postgresql+{driver}", port=pooler.port)
        assert (asyncio.run(run_async(url)) if driver == "asyncpg" else sync(url)) == 0
    assert users(newest) == [(str(number), number) for number in range(OFTEN) for _ in range(2)]


def test_a_driver_that_shall_not_prepare_does_not(newest: Tracked) -> None:
    def run(connection: Connection) -> int:
        write_often(connection)
        return prepared(connection)

    door = Door("psycopg", newest.url)
    assert door.run(run, connect_args={"prepare_threshold": None}) == 0
    assert len(ids(newest)) == OFTEN


@pytest.mark.parametrize("driver", ["psycopg", "psycopg_async"])
def test_messages_push_out_no_statement_of_the_applications(newest: Tracked, driver: str) -> None:
    """psycopg counts texts to find those worth preparing, the last hundred of them."""
    statements = [text(f"UPDATE item SET name = :name || '{n}' WHERE id = :id") for n in range(20)]

    def run(connection: Connection) -> int:
        for number in range(8):
            with bemi.context(number=number), connection.begin():
                for statement in statements:
                    connection.execute(statement, {"id": 1, "name": "a"})
        with connection.begin():
            count = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'UPDATE item%'"
            return int(connection.scalar(text(count)) or 0)

    assert Door(driver, newest.url).run(run) == len(statements)
