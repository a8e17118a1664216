"""The context in force: set, merged, nested, taken along, and never leaked."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import bemi
from bemi import Bemi, current_context


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    bemi.clear_context()
    yield
    bemi.clear_context()


def test_set_merge_clear() -> None:
    Bemi.set_context({"a": 1})
    bemi.merge_context(b=2)
    assert current_context() == {"a": 1, "b": 2}
    bemi.set_context(c=3)
    assert current_context() == {"c": 3}
    bemi.clear_context()
    assert current_context() == {}


def test_blocks_nest_and_are_taken_back() -> None:
    bemi.set_context(a=1)
    with bemi.context(b=2):
        with bemi.context({"a": 10}, c=3):
            bemi.merge_context(d=4)
            assert current_context() == {"a": 10, "b": 2, "c": 3, "d": 4}
        assert current_context() == {"a": 1, "b": 2}
        bemi.set_context(e=5)
        assert current_context() == {"e": 5}
    assert current_context() == {"a": 1}
    with pytest.raises(ZeroDivisionError), bemi.context(b=2):
        raise ZeroDivisionError
    assert current_context() == {"a": 1}


def test_decorators() -> None:
    @bemi.context(job="x")
    def work(depth: int) -> dict[str, object]:
        return work(depth - 1) if depth else current_context()

    @bemi.context(job="y")
    async def work_async() -> dict[str, object]:
        await asyncio.sleep(0)
        return current_context()

    assert work(3) == {"job": "x"}
    assert asyncio.run(work_async()) == {"job": "y"}
    assert current_context() == {}
    with pytest.raises(TypeError, match="generator"):

        @bemi.context(job="z")
        def generate() -> Iterator[int]:
            yield 1

    with pytest.raises(TypeError, match="generator"):

        @bemi.context(job="z")
        async def generate_async() -> AsyncIterator[int]:
            yield 1


def test_tasks_do_not_see_each_other() -> None:
    async def one(number: int) -> None:
        async with bemi.context(number=number):
            for _ in range(3):
                await asyncio.sleep(0)
                assert current_context() == {"number": number}

    async def all_() -> None:
        await asyncio.gather(*(one(number) for number in range(20)))
        assert current_context() == {}

    asyncio.run(all_())


def test_a_task_that_outlives_its_block_keeps_what_it_saw() -> None:
    seen: list[dict[str, object]] = []

    async def late(go: asyncio.Event) -> None:
        await go.wait()
        seen.append(current_context())
        bemi.merge_context(own=1)
        seen.append(current_context())

    async def run() -> None:
        go = asyncio.Event()
        async with bemi.context(a=1):
            tasks = [asyncio.create_task(late(go)) for _ in range(2)]
            await asyncio.sleep(0)
        bemi.set_context(a=2)
        go.set()
        await asyncio.gather(*tasks)
        assert current_context() == {"a": 2}

    asyncio.run(run())
    assert seen == [{"a": 1}, {"a": 1, "own": 1}] * 2


def test_threads_take_it_along_when_asked() -> None:
    seen = []
    with bemi.context(a=1):
        bound = bemi.bind_context(lambda: seen.append(current_context()))
    for target in (bound, lambda: seen.append(current_context())):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    assert seen == [{"a": 1}, {}]


def test_executors() -> None:
    with ThreadPoolExecutor(1) as plain, bemi.ContextThreadPoolExecutor(1) as carrying:
        with bemi.context(a=1):
            assert plain.submit(current_context).result() == {}
            assert carrying.submit(current_context).result() == {"a": 1}
            assert list(carrying.map(lambda _: current_context(), range(2))) == [{"a": 1}] * 2
        assert carrying.submit(current_context).result() == {}


def test_a_copied_context_shares_what_is_learnt_later() -> None:
    """As frameworks run sync code: in a thread, with a copy of the context variables."""
    with bemi.context(a=1):
        contextvars.copy_context().run(bemi.merge_context, user_id=42)
        assert current_context() == {"a": 1, "user_id": 42}
