"""What the package sends, as the worker stores it: real servers, real HTTP, the real binary."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from bemi import Bemi, BemiFastAPIMiddleware, failures
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from support.bemi import bemi
from support.fixtures import Database, StartWorker, every_major

Scope = dict[str, Any]


@pytest.fixture
def engine(database: Database, start_worker: StartWorker) -> Iterator[Engine]:
    database.sql("create table item (id int primary key, name text)")
    start_worker().wait_ready()
    engine = create_engine(database.url.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()
    Bemi.set_context({})


def changes(database: Database) -> list[tuple[str, str, Any]]:
    bemi("sync", "--timeout", "30", env={"BEMI_SOURCE_URL": database.url})
    return [
        (operation, key, context)
        for operation, key, context in database.sql(
            "select operation, primary_key, context from changes order by commit_position, sequence"
        )
    ]


@every_major
def test_each_change_has_its_own_sql(database: Database, engine: Engine) -> None:
    Bemi.set_context({"user_id": 42})
    insert, update = "INSERT INTO item VALUES (:id, 'a')", "UPDATE item SET name = 'b'"
    with engine.begin() as connection:
        connection.execute(text(insert), {"id": 1})
        connection.execute(text("SELECT count(*) FROM item"))
        connection.execute(text(update))
    assert changes(database) == [
        ("CREATE", "1", {"user_id": 42, "SQL": "INSERT INTO item VALUES (%(id)s, 'a')"}),
        ("UPDATE", "1", {"user_id": 42, "SQL": update}),
    ]


def test_savepoints_take_their_messages_along(database: Database, engine: Engine) -> None:
    Bemi.set_context({"user_id": 1})
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO item VALUES (1, 'kept')"))
        with pytest.raises(ZeroDivisionError), connection.begin_nested():
            connection.execute(text("INSERT INTO item VALUES (2, 'gone')"))
            raise ZeroDivisionError
        connection.execute(text("INSERT INTO item VALUES (3, 'kept too')"))
    seen = changes(database)
    assert [(key, context["SQL"]) for _, key, context in seen] == [
        ("1", "INSERT INTO item VALUES (1, 'kept')"), ("3", "INSERT INTO item VALUES (3, 'kept too')")
    ]


HOSTILE = {
    "comment": "*/; DROP TABLE item; --", "quotes": "'\"\\", "percent": "100%s %(x)s", "colon": ":name",
    "uuid": uuid.UUID(int=7), "decimal": Decimal("1.50"), "bytes": b"\x00\xff", "emoji": "😀", "none": None,
}


def test_hostile_values_arrive_as_they_are(database: Database, engine: Engine) -> None:
    Bemi.set_context(HOSTILE)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO item VALUES (1, :v)"), {"v": "x */; DELETE FROM item; --"})
    [(_, _, context)] = changes(database)
    del context["SQL"]
    assert context == {**HOSTILE, "uuid": str(uuid.UUID(int=7)), "decimal": "1.50", "bytes": "\\x00ff"}


@pytest.mark.parametrize("context", [{"big": "x" * (2 << 20)}, {"nan": float("nan")}, {"loop": []}])
def test_a_bad_context_never_touches_the_write(
    database: Database, engine: Engine, context: dict[str, Any]
) -> None:
    if "loop" in context:
        context["loop"].append(context["loop"])
    before = failures.total()
    Bemi.set_context(context)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO item VALUES (1, 'a')"))
    assert changes(database) == [("CREATE", "1", {})]
    assert failures.total() > before


def test_what_jsonb_cannot_hold_is_kept_aside(database: Database, engine: Engine) -> None:
    Bemi.set_context({"nul": "\0"})
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO item VALUES (1, 'a')"))
    assert changes(database) == [("CREATE", "1", {})]
    [(reason, content)] = database.sql("select reason, convert_from(content, 'UTF8') from _bemi.parked")
    assert "jsonb" in reason and json.loads(content)["nul"] == "\0"


def test_a_read_only_transaction_writes_nothing(database: Database, engine: Engine) -> None:
    Bemi.set_context({"user_id": 1})
    with engine.begin() as connection:
        connection.execute(text("SELECT 1"))
        connection.execute(text("UPDATE item SET name = 'x' WHERE false"))
        assert connection.scalar(text("SELECT pg_current_xact_id_if_assigned()")) is None


def test_async_psycopg(database: Database, engine: Engine) -> None:
    async def write() -> None:
        Bemi.set_context({"user_id": 5})
        async_engine = create_async_engine(database.url.replace("postgresql:", "postgresql+psycopg:"))
        async with async_engine.begin() as connection:
            await connection.execute(text("INSERT INTO item VALUES (1, 'a')"))
            await connection.execute(text("INSERT INTO item VALUES (2, 'b')"))
        await async_engine.dispose()

    asyncio.run(write())
    assert [(key, context["user_id"]) for _, key, context in changes(database)] == [("1", 5), ("2", 5)]


def request_scope(user: int) -> Scope:
    return {"type": "http", "method": "POST", "path": "/x", "query_string": b"",
            "headers": [(b"x-user", str(user).encode())]}


async def nothing(*_: Any) -> Any:
    return {"type": "http.request"}


def test_requests_do_not_leak_into_each_other(database: Database, engine: Engine) -> None:
    calls: list[int] = []

    def set_context(request: Any) -> dict[str, Any]:
        calls.append(int(request.headers["x-user"]))
        return {"user_id": calls[-1]}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        user = int(dict(scope["headers"])[b"x-user"])

        def write() -> None:
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO item VALUES (:u, 'a')"), {"u": user})
                connection.execute(text("UPDATE item SET name = 'b' WHERE id = :u"), {"u": user})

        if user != 0:  # user 0 only reads: the callable is not asked
            await asyncio.to_thread(write)

    middleware = BemiFastAPIMiddleware(app, set_context=set_context)

    async def serve() -> None:
        await asyncio.gather(*(middleware(request_scope(user), nothing, nothing) for user in range(20)))

    asyncio.run(serve())
    assert sorted(calls) == list(range(1, 20))
    with ThreadPoolExecutor(1) as executor:
        executor.submit(_write_outside, engine).result()
    seen = changes(database)
    assert len(seen) == 39
    for operation, key, context in seen:
        if key != "100":
            assert context["user_id"] == int(key), operation
        else:
            assert "user_id" not in context


def _write_outside(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO item VALUES (100, 'outside')"))


def test_a_failing_set_context_is_swallowed(database: Database, engine: Engine) -> None:
    def set_context(_request: Any) -> dict[str, Any]:
        raise RuntimeError("no user")

    async def app(*_: Any) -> None:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO item VALUES (1, 'a')"))

    asyncio.run(BemiFastAPIMiddleware(app, set_context=set_context)(request_scope(1), nothing, nothing))
    assert [(key, list(context)) for _, key, context in changes(database)] == [("1", ["SQL"])]
