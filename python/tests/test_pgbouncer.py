"""Through a pooler in transaction mode: whatever session a transaction gets, its context is its own."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from conftest import Tracked
from sqlalchemy import URL, NullPool, create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from support.pgbouncer import PgBouncer

import bemi

INSERT = text("INSERT INTO item VALUES (:id, 'a')")
UPDATE = text("UPDATE item SET name = 'b' WHERE id = :id")
WRITERS = 12


def url_of(tracked: Tracked, pooler: PgBouncer, driver: str) -> URL:
    return make_url(tracked.url).set(drivername=f"postgresql+{driver}", port=pooler.port)


def assert_each_has_its_own(tracked: Tracked) -> None:
    seen = tracked.changes()
    assert len(seen) == 2 * WRITERS
    assert all(context["user_id"] == int(key) for _, key, context in seen)
    assert {c["SQL"].split()[0] for o, _, c in seen if o == "UPDATE"} == {"UPDATE"}


@pytest.mark.parametrize(
    ("driver", "arguments"), [("psycopg", {"prepare_threshold": None}), ("psycopg2", {})]
)
def test_sync(newest: Tracked, driver: str, arguments: dict[str, Any]) -> None:
    with PgBouncer(newest.database.server.port) as pooler:
        engine = create_engine(url_of(newest, pooler, driver), connect_args=arguments, pool_size=WRITERS)

        def write(number: int) -> None:
            with engine.begin() as connection:
                connection.execute(INSERT, {"id": number})
                connection.execute(UPDATE, {"id": number})

        with bemi.ContextThreadPoolExecutor(4) as executor:
            futures = []
            for number in range(WRITERS):
                with bemi.context(user_id=number):
                    futures.append(executor.submit(write, number))
            for future in futures:
                future.result()
        engine.dispose()
    assert_each_has_its_own(newest)


def test_asyncpg(newest: Tracked) -> None:
    async def write(engine: Any, number: int) -> None:
        async with bemi.context(user_id=number), engine.begin() as connection:
            await connection.execute(INSERT, {"id": number})
            await connection.execute(UPDATE, {"id": number})

    async def run(pooler: PgBouncer) -> None:
        # As SQLAlchemy's documentation has it for pgbouncer.
        arguments = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
        names = {"prepared_statement_name_func": lambda: f"__{uuid4()}__"}
        engine = create_async_engine(
            url_of(newest, pooler, "asyncpg"), connect_args={**arguments, **names}, poolclass=NullPool
        )
        await asyncio.gather(*(write(engine, number) for number in range(WRITERS)))
        await engine.dispose()

    with PgBouncer(newest.database.server.port) as pooler:
        asyncio.run(run(pooler))
    assert_each_has_its_own(newest)
