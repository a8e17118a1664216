"""The application's own work comes first: as it is without Bemi, whatever becomes of a message."""

from __future__ import annotations

import gc
import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import Door, Tracked
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from test_engine import INSERT, Item

import bemi

UPDATE = text("UPDATE item SET name = :name WHERE id = :id")


def emit_function(tracked: Tracked) -> str:
    more = ", boolean" if tracked.database.server.major >= 17 else ""
    return f"pg_logical_emit_message(boolean, text, text{more})"


@contextmanager
def roles(tracked: Tracked) -> Iterator[str]:
    """Role `app` may become `tenant`. Whoever takes the right to send from PUBLIC gives it back here."""
    tracked.sql("create role app login; create role tenant; grant tenant to app")
    tracked.sql("grant all on item to app, tenant")
    try:
        yield tracked.url.replace("postgres@", "app@")
    finally:
        tracked.sql(f"grant execute on function {emit_function(tracked)} to public")
        tracked.sql("drop owned by app, tenant; drop role app; drop role tenant")


def ids(tracked: Tracked) -> list[int]:
    return [id for (id,) in tracked.sql("select id from item order by id")]


# ---- releases of the driver that nobody here has seen


@pytest.mark.parametrize("version", ["3.4.0", "4.0"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_only_public_interfaces_of_an_unknown_psycopg_are_used(
    newest: Tracked, monkeypatch: pytest.MonkeyPatch, version: str, is_async: bool
) -> None:
    import psycopg

    monkeypatch.setattr(psycopg, "__version__", version)
    # As it may be: what lies below the public face has another name, or another meaning.
    [base] = [c for c in psycopg.Pipeline.__mro__ if "_process_results" in c.__dict__]
    monkeypatch.delattr(base, "_process_results")

    def write(connection: Connection) -> None:
        for key in range(1, 9):
            with connection.begin():
                connection.execute(INSERT, {"id": key})
                connection.execute(UPDATE, {"id": key, "name": "b"})
                connection.execute(text("DELETE FROM item WHERE id = 1"))

    bemi.set_context({"user_id": 42})
    door = Door("psycopg_async" if is_async else "psycopg", newest.url)
    door.run(write)
    assert ids(newest) == list(range(2, 9))
    changes = newest.changes()
    assert len(changes) == 17
    assert [c["SQL"].split()[0] for _, _, c in changes[:3]] == ["INSERT", "UPDATE", "DELETE"]
    assert {c["user_id"] for _, _, c in changes} == {42}


# ---- rights that come and go


def test_a_right_taken_away_in_mid_session_costs_the_context_alone(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(INSERT, {"id": 1})
        tracked.sql(f"revoke execute on function {emit_function(tracked)} from public")
        with connection.begin():
            connection.execute(INSERT, {"id": 2})
        with connection.begin():
            connection.execute(INSERT, {"id": 3})
            connection.execute(UPDATE, {"id": 3, "name": "b"})
            with connection.begin_nested():
                connection.execute(UPDATE, {"id": 3, "name": "c"})

    bemi.set_context(user_id=1)
    bemi.failures.clear()
    with roles(tracked) as url:
        Door(door.driver, url).run(write)
    assert ids(tracked) == [1, 2, 3]
    contexts = [c for _, _, c in tracked.changes()]
    assert contexts[0]["user_id"] == 1
    assert contexts[1:] == [{}] * 4
    if door.driver != "psycopg2-prefix":
        assert bemi.failures["the current role may not pass context"] >= 1


def test_a_role_without_the_right_may_be_set_in_mid_transaction(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(text("SET LOCAL ROLE tenant"))
            connection.execute(INSERT, {"id": 1})
            connection.execute(UPDATE, {"id": 1, "name": "b"})
        with connection.begin():
            connection.execute(text("SELECT set_config('role', 'tenant', true)"))
            connection.execute(INSERT, {"id": 2})
        with connection.begin():
            connection.execute(INSERT, {"id": 3})

    function = emit_function(tracked)
    bemi.set_context(user_id=1)
    with roles(tracked) as url:
        tracked.sql(f"revoke execute on function {function} from public")
        tracked.sql(f"grant execute on function {function} to app")
        Door(door.driver, url).run(write)
    assert ids(tracked) == [1, 2, 3]
    seen = {key: c.get("user_id") for _, key, c in tracked.changes()}
    assert seen == {"1": None, "2": None, "3": 1}


# ---- transactions that have failed, or end in another way


def test_commit_after_a_caught_error_rolls_back_in_silence(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        connection.execute(INSERT, {"id": 1})
        with pytest.raises(DBAPIError):
            connection.execute(text("SELECT 1/0"))
        connection.commit()
        connection.execute(INSERT, {"id": 2})
        connection.commit()

    bemi.set_context(user_id=1)
    door.run(write)
    assert ids(tracked) == [2]


def test_a_transaction_that_is_ended_by_a_statement(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        connection.execute(INSERT, {"id": 1})
        connection.execute(text("COMMIT"))
        connection.commit()
        connection.execute(INSERT, {"id": 2})
        connection.execute(text("ROLLBACK"))
        connection.commit()
        connection.execute(INSERT, {"id": 3})
        connection.commit()

    bemi.set_context(user_id=1)
    door.run(write)
    assert ids(tracked) == [1, 3]
    assert [(key, c.get("user_id")) for _, key, c in tracked.changes()] == [("1", 1), ("3", 1)]


def test_a_commit_past_the_package_is_counted(newest: Tracked) -> None:
    engine = create_engine(newest.url.replace("postgresql:", "postgresql+psycopg:"))
    bemi.set_context(user_id=1)
    bemi.failures.clear()
    with engine.connect() as connection:
        connection.execute(INSERT, {"id": 1})
        raw: Any = connection.connection.dbapi_connection
        raw.commit()
        connection.commit()
    engine.dispose()
    assert bemi.failures["a transaction was ended past Bemi"] == 1
    assert [c for _, _, c in newest.changes()] == [{}]


def test_a_connection_that_dies_before_commit_fails_as_without(door: Door, tracked: Tracked) -> None:
    def die(connection: Connection) -> str:
        connection.execute(INSERT, {"id": 1})
        pid = connection.connection.info["pid"] = connection.scalar(text("SELECT pg_backend_pid()"))
        tracked.sql("select pg_terminate_backend(%s, 10000)", pid)
        with pytest.raises(DBAPIError) as caught:
            connection.commit()
        connection.invalidate()
        return f"{type(caught.value).__name__} {type(caught.value.orig).__name__}"

    bemi.set_context(user_id=1)
    with_it, without = door.run(die), door.run(_without(die))
    assert with_it == without
    assert door.driver != "psycopg2" or OperationalError.__name__ in with_it


def _without(scenario: Callable[[Connection], Any]) -> Callable[[Connection], Any]:
    def run(connection: Connection) -> Any:
        bemi.uninstall(connection.engine)
        return scenario(connection)

    return run


# ---- the same answers


def _operations(connection: Connection) -> list[Any]:
    """Each in a transaction that has written before, and what the application sees of it."""
    seen: list[Any] = []
    statements: list[tuple[str, Any]] = [
        ("INSERT INTO item VALUES (:id, 'a') RETURNING id, name", {"id": 10}),
        ("INSERT INTO item VALUES (:id, 'a')", [{"id": 11}, {"id": 12}]),
        ("INSERT INTO item VALUES ('abc', 'x')", {}),
        ("INSERT INTO nowhere VALUES (1)", {}),
        ("INSERT INTO item VALUES (1, 'twice')", {}),
        ("INSERT INTO item VALUES (:id, 'a')", [{"id": 13}, {"id": 13}]),
        ("UPDATE item SET name = name || (1 / (id - 1))::text", {}),
        ("UPDATE item SET name = :name", {"name": "100%"}),
        ("SELECT add_item(20), add_item(21)", {}),
        ("SELECT nowhere(1)", {}),
        ("SELECT 1/0", {}),
        ("SELECT id FROM item", {}),
        ("WITH x AS (DELETE FROM item RETURNING id) SELECT count(*) FROM x", {}),
        ("DO $$ BEGIN RAISE EXCEPTION 'why' USING errcode = 'XX123'; END $$", {}),
        ("TRUNCATE item", {}),
        ("VACUUM item", {}),
    ]
    for statement, parameters in statements:
        seen.append((statement, _outcome(connection, statement, parameters)))
    return seen


def _outcome(connection: Connection, statement: str, parameters: Any) -> Any:
    in_a_block = not connection.get_execution_options().get("isolation_level")
    try:
        if in_a_block:
            connection.execute(text("INSERT INTO item VALUES (1, 'first')"))
        result = connection.execute(text(statement), parameters)
        rows = sorted(map(tuple, result.all())) if result.returns_rows else None
        return rows, result.rowcount
    except DBAPIError as error:
        return type(error).__name__, type(error.orig).__name__, str(error.orig), str(error)
    finally:
        connection.rollback()


def test_results_and_errors_are_the_same(door: Door, tracked: Tracked) -> None:
    bemi.set_context(user_id=1)
    tracked.sql("truncate item")
    with_it = door.run(_operations)
    tracked.sql("truncate item")
    without = door.run(_without(_operations))
    if door.driver == "psycopg2-prefix":  # as documented: the message's lines are counted too
        with_it, without = (re.sub(r"LINE \d+", "LINE", str(seen)) for seen in (with_it, without))
    assert with_it == without


def test_results_and_errors_are_the_same_in_autocommit(door: Door, tracked: Tracked) -> None:
    def operations(connection: Connection) -> list[Any]:
        return _operations(connection.execution_options(isolation_level="AUTOCOMMIT"))

    bemi.set_context(user_id=1)
    with_it = door.run(operations)
    left = ids(tracked)
    tracked.sql("truncate item")
    assert with_it == door.run(_without(operations))
    assert left == ids(tracked)


def test_a_stream_is_read_as_lazily_and_its_writes_have_their_context(door: Door, tracked: Tracked) -> None:
    tracked.sql("insert into item select g, 'old' from generate_series(1, 500) g")

    def read(connection: Connection) -> list[int]:
        with connection.begin():
            connection.execute(UPDATE, {"id": 1, "name": "new"})
            statement = text("SELECT id, add_item(id + 1000) FROM item WHERE id <= 100")
            options = {"stream_results": True, "max_row_buffer": 10}
            result = connection.execute(statement, execution_options=options)
            first = result.fetchmany(5)
            connection.execute(UPDATE, {"id": 2, "name": "between"})
            return [row[0] for row in [*first, *result.all()]]

    bemi.set_context(user_id=1)
    assert sorted(door.run(read)) == list(range(1, 101))
    seen = [c["user_id"] for _, _, c in tracked.changes() if c]
    if door.driver == "psycopg2-prefix":
        assert 1 in seen  # what a function writes is not noticed, as documented
    else:
        assert seen == [1] * 102


def test_a_streamed_insert_has_its_context(newest: Tracked) -> None:
    def write(connection: Connection) -> int:
        streaming = connection.execution_options(stream_results=True)
        with connection.begin():
            rows = streaming.execute(text("INSERT INTO item VALUES (1, 'a'), (2, 'b') RETURNING id")).all()
        return len(rows)

    bemi.set_context(user_id=1)
    assert Door("asyncpg", newest.url).run(write) == 2
    assert [c["user_id"] for _, _, c in newest.changes()] == [1, 1]


LATE = """
create table late (id int primary key);
create function write_late() returns trigger language plpgsql as
  'begin insert into item values (new.id + 100, ''late''); return null; end';
create constraint trigger late after insert on late deferrable initially deferred
  for each row execute function write_late();
"""


def test_writes_of_deferred_triggers_have_the_context(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(text("INSERT INTO late VALUES (1)"))
            connection.execute(INSERT, {"id": 1})
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("INSERT INTO late VALUES (2)"))

    bemi.set_context(user_id=1)
    tracked.sql(LATE)
    try:
        door.run(write)
        seen = {key: c for _, key, c in tracked.changes() if int(key) not in (1, 2)}
        assert {key: c.get("user_id") for key, c in seen.items()} == {"101": 1, "102": 1}
        assert all(c["user_id"] == 1 for _, _, c in tracked.changes())
    finally:
        tracked.sql("drop table late cascade; drop function write_late")


# ---- what fails while a message is made

PLACES = [
    "bemi._message.members",
    "bemi._message.sql_member",
    "bemi._message.joined",
    "bemi._message._dump",
    "bemi._conversation.Message",
    "bemi._conversation.in_force",
    "bemi._conversation.masked",
    "bemi._trace.from_active_span",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("autocommit", [False, True], ids=["block", "autocommit"])
def test_a_failure_anywhere_while_a_message_is_made(
    door: Door, newest: Tracked, monkeypatch: pytest.MonkeyPatch, place: str, autocommit: bool
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("injected")

    def write(connection: Connection) -> None:
        if autocommit:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        monkeypatch.setattr(place, broken)
        connection.execute(INSERT, {"id": 1})
        connection.execute(UPDATE, {"id": 1, "name": "b"})
        connection.execute(text("SELECT add_item(2)")).all()
        connection.commit()

    bemi.failures.clear()
    bemi.set_context(user_id=1)
    Door(door.driver, newest.url).run(write)
    assert newest.sql("select id, name from item order by id") == [(1, "b"), (2, "f")]
    assert bemi.failures.total() >= 1


# ---- what outlives its use


def test_a_session_that_joined_a_connection_takes_its_context_along(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            with Session(connection, info={"bemi": {"by": "outer"}}) as outer:
                outer.add(Item(id=1, name="a"))
                outer.flush()
                with Session(connection, info={"bemi": {"by": "inner"}}) as inner:
                    inner.add(Item(id=2, name="a"))
                    inner.flush()
                    with inner.begin_nested():
                        inner.add(Item(id=3, name="a"))
                    inner.commit()
                outer.add(Item(id=4, name="a"))
                outer.commit()
            connection.execute(INSERT, {"id": 5})

    door.run(write)
    seen = {key: c.get("by") for _, key, c in tracked.changes()}
    assert seen == {"1": "outer", "2": "inner", "3": "inner", "4": "outer", "5": None}


def test_long_statements_are_not_kept(newest: Tracked) -> None:
    engine = create_engine(newest.url.replace("postgresql:", "postgresql+psycopg2:"))
    with engine.connect() as connection:
        for number in range(60):
            connection.exec_driver_sql(f"UPDATE item SET name = '{number}{'x' * 1_000_000}' WHERE false")
            connection.rollback()
            if number == 9:
                gc.collect()
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engine.dispose()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 25_000


# ---- statements that never get to the server


class Unknown:
    """No driver knows how to send it."""


TOO_MANY = 1 << 16
UNSENDABLE: dict[str, tuple[str, tuple[object, ...]]] = {
    "a value of no known type": ("UPDATE item SET name = %s", (Unknown(),)),
    "too many parameters": (f"DELETE FROM item WHERE id IN (0{', %s' * TOO_MANY})", tuple(range(TOO_MANY))),
}


@pytest.mark.parametrize("driver", ["psycopg", "psycopg_async"])
@pytest.mark.parametrize("what", UNSENDABLE)
def test_a_statement_that_cannot_be_sent_costs_the_one_before_nothing(
    newest: Tracked, driver: str, what: str
) -> None:
    """It would have gone to the network together with that one's message."""

    def write(connection: Connection) -> str:
        with connection.begin():
            connection.execute(INSERT, {"id": 1})
            with pytest.raises(DBAPIError) as raised:
                connection.exec_driver_sql(*UNSENDABLE[what])
            connection.execute(UPDATE, {"id": 1, "name": "b"})
        return str(raised.value.orig)

    bemi.set_context(user_id=1)
    door = Door(driver, newest.url)
    with_it = door.run(write)
    changes = [(operation, c["user_id"], c["SQL"].split()[0]) for operation, _, c in newest.changes()]
    assert changes == [("CREATE", 1, "INSERT"), ("UPDATE", 1, "UPDATE")]
    newest.sql("truncate item")
    assert with_it == door.run(_without(write))
