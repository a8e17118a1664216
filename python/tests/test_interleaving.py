"""Requests that are cut off at any moment, many at a time: no change ever has another request's context.

Each row carries the number of the request that wrote it, in its own data: that, and not the package, says whose a
change is. `BEMI_SEED` gives other requests, `./dev fuzz context --seconds N` more of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from conftest import Tracked
from fastapi import BackgroundTasks, FastAPI, Request
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.responses import StreamingResponse

import bemi
from bemi import BemiFastAPIMiddleware

REQUESTS = int(os.environ.get("BEMI_INTERLEAVINGS", "250"))
SECONDS = float(os.environ.get("BEMI_INTERLEAVING_SECONDS", "0"))
SEED = int(os.environ.get("BEMI_SEED", "1"))
AT_A_TIME = 12

INSERT = text("INSERT INTO item VALUES (:id, :request)")
UPDATE = text("UPDATE item SET name = name WHERE id = :id")
DELETE = text("DELETE FROM item WHERE id = :id")
STREAMED = text("INSERT INTO item VALUES (:id, :request) RETURNING id")

KINDS = ["write", "write", "parallel", "stream", "timeout", "background", "thread", "late"]
# What Python runs in its own time, in somebody else's request, has no context: it is not known whose it is.
ABANDONED = "abandoned"


class Application:
    """Does a bit of everything that an application does with its sessions."""

    def __init__(self, engine: AsyncEngine, sync_engine: Engine, numbers: random.Random) -> None:
        self.engine = engine
        self.sync_engine = sync_engine
        self.numbers = numbers
        self.ids = itertools.count(1)
        self.left: set[asyncio.Task[None]] = set()
        self.app = FastAPI()
        self.app.add_middleware(BemiFastAPIMiddleware, set_context={"request": self._of_request})
        for kind in sorted(set(KINDS)):
            self.app.add_api_route(f"/{kind}/{{request_id}}", getattr(self, f"do_{kind}"), methods=["POST"])

    @staticmethod
    def _of_request(request: Request) -> str:
        return str(request.path_params.get("request_id") or request.url.path.rpartition("/")[2])

    async def pause(self) -> None:
        for _ in range(self.numbers.choice((0, 0, 1, 3))):
            await asyncio.sleep(0)

    async def transaction(self, request_id: str) -> None:
        """One of several shapes, some of which send messages before statements, with COMMIT, and before SAVEPOINT."""
        id = next(self.ids)
        async with self.engine.connect() as connection:
            transaction = await connection.begin()
            await connection.execute(INSERT, {"id": id, "request": request_id})
            await self.pause()
            if self.numbers.random() < 0.02:
                gc.collect()
            shape = self.numbers.randrange(5)
            if shape == 1:
                await connection.execute(UPDATE, {"id": id})
                await connection.execute(DELETE, {"id": id})
            elif shape == 2:
                async with connection.begin_nested() as nested:
                    await connection.execute(UPDATE, {"id": id})
                    if self.numbers.random() < 0.5:
                        await nested.rollback()
            elif shape == 3 and self.engine.driver == "asyncpg":  # psycopg would DECLARE a cursor for it
                stream = await connection.stream(STREAMED, {"id": next(self.ids), "request": request_id})
                await self.pause()
                await stream.all()
            await self.pause()
            await (transaction.rollback() if shape == 4 else transaction.commit())

    async def do_write(self, request_id: str) -> None:
        for _ in range(self.numbers.randint(1, 2)):
            await self.transaction(request_id)
            await self.pause()

    async def do_parallel(self, request_id: str) -> None:
        await asyncio.gather(*(self.transaction(request_id) for _ in range(2)))

    async def do_timeout(self, request_id: str) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.transaction(request_id), self.numbers.random() * 0.02)
        await self.transaction(request_id)

    async def do_background(self, request_id: str, tasks: BackgroundTasks) -> None:
        tasks.add_task(self.transaction, request_id)

    async def do_late(self, request_id: str) -> None:
        """A task that outlives its request."""
        task = asyncio.create_task(self.transaction(request_id))
        self.left.add(task)

    def do_thread(self, request_id: str) -> None:
        with self.sync_engine.begin() as connection:
            id = next(self.ids)
            connection.execute(INSERT, {"id": id, "request": request_id})
            connection.execute(UPDATE, {"id": id})

    async def do_stream(self, request_id: str) -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            try:
                for _ in range(3):
                    await self.transaction(request_id)
                    yield b"x"
            finally:
                with contextlib.suppress(Exception):
                    await self.transaction(ABANDONED + request_id)

        return StreamingResponse(body())


class Client:
    """Asks, and now and then goes away: at once, in the middle of the answer, or by cancelling the server's task."""

    def __init__(self, application: Application, numbers: random.Random) -> None:
        self.application = application
        self.numbers = numbers
        self.outcomes: Counter[str] = Counter()

    async def ask(self, number: int) -> None:
        kind = self.numbers.choice(KINDS)
        patience = self.numbers.choice((None, None, None, self.numbers.randint(0, 40)))
        leaves_at = self.numbers.choice((None, None, self.numbers.randint(0, 3)))
        task = asyncio.create_task(self._serve(f"/{kind}/r{number}", leaves_at))
        if patience is not None:
            for _ in range(patience):
                await asyncio.sleep(0)
            task.cancel()
        [outcome] = await asyncio.gather(task, return_exceptions=True)
        self.outcomes["done" if outcome is None else type(outcome).__name__] += 1

    async def _serve(self, path: str, leaves_at: int | None) -> None:
        sent = 0

        async def receive() -> dict[str, Any]:
            if leaves_at is not None and sent >= leaves_at:
                return {"type": "http.disconnect"}
            if sent == 0:
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal sent
            sent += 1
            await asyncio.sleep(0)
            if leaves_at is not None and sent > leaves_at:
                raise OSError("the client went away")

        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
            "method": "POST", "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
            "root_path": "", "headers": [(b"host", b"test")], "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }  # fmt: skip
        await self.application.app(scope, receive, send)


async def run(url: str, driver: str, seed: int) -> Counter[str]:
    numbers = random.Random(seed)
    # Few connections: they pass from request to request.
    engine = create_async_engine(
        url.replace("postgresql:", f"postgresql+{driver}:"), pool_size=3, max_overflow=1
    )
    sync_engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), pool_size=2)
    application = Application(engine, sync_engine, numbers)
    client = Client(application, numbers)
    remaining = iter(range(REQUESTS if not SECONDS else 10**9))
    until = time.monotonic() + SECONDS

    async def worker() -> None:
        for number in remaining:
            if SECONDS and time.monotonic() > until:
                return
            await client.ask(number)

    await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))
    await asyncio.gather(*application.left, return_exceptions=True)
    await engine.dispose()
    sync_engine.dispose()
    return client.outcomes


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_change_has_another_requests_context(newest: Tracked, driver: str) -> None:
    bemi.failures.clear()
    outcomes = asyncio.run(run(newest.url, driver, SEED))
    wrong: list[tuple[str, Any, str]] = []
    without: Counter[str] = Counter()
    right = 0
    for operation, name, context in whose(newest):
        said = context.get("request")
        if said is None:
            without["abandoned" if name.startswith(ABANDONED) else operation] += 1
        elif said == name.removeprefix(ABANDONED):
            right += 1
        else:
            wrong.append((name, said, context.get("SQL", "")))
    print(
        f"{driver}, seed {SEED}: {right} right, without {dict(without)}, {dict(outcomes)}, {dict(bemi.failures)}"
    )
    assert wrong == []
    assert set(without) <= {"abandoned"}
    assert not bemi.failures
    # The requests have been cut off, and enough of them have not.
    assert outcomes["CancelledError"] > 0 and outcomes["done"] > right // 20 > 0


def whose(tracked: Tracked) -> list[tuple[str, str, dict[str, Any]]]:
    """Each change since the test began: by the row's own data, and by its context."""
    tracked.changes()
    return [
        (row[0], row[1], row[2])
        for row in tracked.sql(
            "select operation, coalesce(after ->> 'name', before ->> 'name'), context from changes"
            " where commit_position > %s and operation in ('CREATE', 'UPDATE', 'DELETE')",
            tracked.since,
        )
    ]
