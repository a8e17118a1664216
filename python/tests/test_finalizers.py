"""What Python runs in somebody else's time has nobody's context."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

import bemi
from bemi import BemiFastAPIMiddleware

Context = dict[str, Any]


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    bemi.clear_context()


def abandoned(seen: list[Context]) -> AsyncIterator[int]:
    """In a circle, so that nothing but the collector finds it."""

    async def body() -> AsyncIterator[int]:
        circle: list[Any] = []
        circle.append((circle, own))
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            seen.append(bemi.current_context())
            child = asyncio.create_task(told())
            await child

    async def told() -> None:
        seen.append(bemi.current_context())

    own: list[Any] = []
    generator = body()
    own.append(generator)
    return generator


def test_an_abandoned_async_generator_has_not_the_context_of_who_is_there() -> None:
    seen: list[Context] = []

    async def victim() -> None:
        with bemi.context(user="victim"):
            gc.collect()
            await asyncio.sleep(0.01)
            seen.append(bemi.current_context())

    async def first() -> None:
        with bemi.context(user="streamer"):
            await anext(abandoned(seen))

    async def run() -> None:
        await asyncio.create_task(first())
        await asyncio.create_task(victim())

    asyncio.run(run())
    assert seen == [{}, {}, {"user": "victim"}]


def test_a_stream_whose_client_is_gone_writes_under_no_other_request() -> None:
    seen: list[Context] = []
    app = FastAPI()

    @app.get("/stream")
    async def stream() -> None:
        await anext(abandoned(seen))

    @app.get("/other")
    async def other() -> Context:
        gc.collect()
        await asyncio.sleep(0.01)
        return bemi.current_context()

    app.add_middleware(BemiFastAPIMiddleware, set_context={"user": lambda r: r.headers["x-user"]})

    async def run() -> None:
        import httpx

        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            for number in range(5):
                await client.get("/stream", headers={"x-user": f"streamer{number}"})
                answer = await client.get("/other", headers={"x-user": f"other{number}"})
                assert answer.json() == {"user": f"other{number}"}

    asyncio.run(run())
    assert seen == [{}] * 10


def test_a_finalizer_that_the_collector_runs_has_no_context() -> None:
    seen: list[Context] = []

    def body() -> Iterator[int]:
        try:
            yield 1
        finally:
            bemi.merge_context(user="collected")  # and changes nobody's
            seen.append(bemi.current_context())

    class Circle:
        def __init__(self) -> None:
            self.own = self
            self.generator = body()
            next(self.generator)

    with bemi.context(user="victim"):
        Circle()
        gc.collect()
        assert bemi.current_context() == {"user": "victim"}
    assert seen == [{}]


def test_an_unconcerned_thread_keeps_its_context_while_another_one_collects() -> None:
    seen: list[Context] = []

    class Circle:
        def __init__(self) -> None:
            self.own = self

        def __del__(self) -> None:
            other = threading.Thread(target=self.look)
            other.start()
            other.join()

        def look(self) -> None:
            with bemi.context(user="other"):
                seen.append(bemi.current_context())

    Circle()
    gc.collect()
    assert seen == [{"user": "other"}]


def test_other_context_variables_are_left_to_the_loop() -> None:
    import contextvars

    variable: contextvars.ContextVar[str] = contextvars.ContextVar("other", default="")
    found: list[str] = []

    async def body() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            found.append(variable.get())

    async def run() -> None:
        with bemi.context(user=1):
            generator = body()
            await anext(generator)
            variable.set("where it was dropped")
            del generator
            await asyncio.sleep(0.01)

    asyncio.run(run())
    assert found == ["where it was dropped"]


def test_a_request_that_is_asked_for_by_its_own_set_context() -> None:
    """set_context may write, here and in threads, without waiting for itself."""
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    def set_context(request: Request) -> Context:
        with ThreadPoolExecutor(1) as executor:
            elsewhere = executor.submit(copy_context().run, bemi.current_context).result(timeout=4)
        return {"user": 1, "here": dict(bemi.current_context()), "elsewhere": elsewhere}

    app = FastAPI()
    app.add_middleware(BemiFastAPIMiddleware, set_context=set_context)

    @app.get("/")
    def look() -> Context:
        return bemi.current_context()

    assert TestClient(app).get("/").json() == {"user": 1, "here": {}, "elsewhere": {}}
