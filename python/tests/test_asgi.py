"""Requests over real ASGI applications: FastAPI with dependencies, background tasks, WebSockets."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest
from conftest import Tracked, insert_item
from fastapi import BackgroundTasks, Depends, FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from sqlalchemy import Engine

import bemi
from bemi import BemiFastAPIMiddleware

Context = dict[str, Any]


def application(engine: Engine, set_context: Any, **options: Any) -> FastAPI:
    app = FastAPI()
    app.add_middleware(BemiFastAPIMiddleware, set_context=set_context, **options)

    def authenticate(request: Request) -> None:
        request.state.user = int(request.headers["x-user"])

    @app.post("/sync/{id}", dependencies=[Depends(authenticate)])
    def sync(id: int) -> None:
        insert_item(engine, id)

    @app.post("/async/{id}", dependencies=[Depends(authenticate)])
    async def in_loop(id: int, request: Request) -> Any:
        insert_item(engine, id)
        return await request.json()

    @app.post("/background/{id}", dependencies=[Depends(authenticate)])
    async def background(id: int, tasks: BackgroundTasks) -> None:
        def work() -> None:
            bemi.merge_context(background=True)
            insert_item(engine, id)

        tasks.add_task(work)
        tasks.add_task(insert_item, engine, id + 1)

    @app.get("/read")
    def read() -> None:
        return None

    @app.websocket("/ws")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        insert_item(engine, int(await socket.receive_text()))
        await socket.close()

    return app


def of_request(request: Any) -> Context:
    return {"user_id": request.state.user, "path": request.url.path}


def test_a_dependency_authenticates_and_the_body_is_the_applications(newest: Tracked, engine: Engine) -> None:
    client = TestClient(application(engine, of_request))
    client.post("/sync/1", headers={"x-user": "42"})
    assert client.post("/async/2", headers={"x-user": "43"}, json={"a": 1}).json() == {"a": 1}
    assert newest.by_key() == {
        "1": {"user_id": 42, "path": "/sync/1"},
        "2": {"user_id": 43, "path": "/async/2"},
    }


def test_an_async_callable_is_asked_at_the_start(newest: Tracked, engine: Engine) -> None:
    async def of_headers(request: Request) -> Context:
        await asyncio.sleep(0)
        return {"user_id": int(request.headers["x-user"])}

    client = TestClient(application(engine, of_headers))
    client.post("/sync/1", headers={"x-user": "42"})
    assert newest.by_key() == {"1": {"user_id": 42}}


def test_an_async_callable_cannot_take_the_body(newest: Tracked, engine: Engine) -> None:
    async def greedy(request: Request) -> Context:
        return {"body": (await request.body()).decode()}

    client = TestClient(application(engine, greedy))
    assert client.post("/async/1", headers={"x-user": "1"}, json=[1]).json() == [1]
    assert newest.by_key() == {"1": {}}


def test_background_tasks_keep_a_copy(newest: Tracked, engine: Engine) -> None:
    client = TestClient(application(engine, of_request))
    client.post("/background/1", headers={"x-user": "42"})
    request = {"user_id": 42, "path": "/background/1"}
    assert newest.by_key() == {"1": {**request, "background": True}, "2": request}
    assert bemi.current_context() == {}


def test_websockets(newest: Tracked, engine: Engine) -> None:
    client = TestClient(application(engine, lambda connection: {"path": connection.url.path}))
    with client.websocket_connect("/ws") as socket:
        socket.send_text("1")
        socket.receive()
    assert newest.by_key() == {"1": {"path": "/ws"}}


def test_a_failing_callable_is_swallowed(newest: Tracked, engine: Engine) -> None:
    def broken(_: Request) -> Context:
        raise RuntimeError("no user")

    client = TestClient(application(engine, broken))
    assert client.post("/sync/1", headers={"x-user": "1"}).status_code == 200
    assert newest.by_key() == {"1": {}}


def test_a_part_that_fails_costs_its_own_key_and_says_so(
    newest: Tracked, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("bemi._failures._log.warning", lambda text, *of: said.append(text % of))

    async def slow(request: Request) -> str:
        await asyncio.sleep(0)
        return request.headers["x-tenant"]

    parts: dict[str, Any] = {
        "user_id": lambda request: request.user.id,  # there is no AuthenticationMiddleware
        "role": lambda request: request.state.role,
        "tenant": slow,
        "path": lambda request: request.url.path,
        "version": "1.2",
    }
    bemi.failures.clear()
    client = TestClient(application(engine, parts))
    for key in (1, 2):
        assert client.post(f"/sync/{key}", headers={"x-user": "1"}).status_code == 200
    assert client.post("/sync/3", headers={"x-user": "1", "x-tenant": "acme"}).status_code == 200
    assert newest.by_key() == {
        "1": {"path": "/sync/1", "version": "1.2"},
        "2": {"path": "/sync/2", "version": "1.2"},
        "3": {"path": "/sync/3", "version": "1.2", "tenant": "acme"},
    }
    failed = {name: count for name, count in bemi.failures.items() if "set_context" in name}
    assert failed == {
        "set_context failed for 'user_id'": 3,
        "set_context failed for 'role'": 3,
        "set_context failed for 'tenant'": 2,
    }
    assert sum("'role'" in line for line in said) == 1  # once, however often


def test_functions_within_what_a_callable_returns(newest: Tracked, engine: Engine) -> None:
    def set_context(request: Request) -> Context:
        return {"role": lambda: request.state.role, "user": lambda: request.state.user, "path": "x"}

    TestClient(application(engine, set_context)).post("/sync/1", headers={"x-user": "7"})
    assert newest.by_key() == {"1": {"user": 7, "path": "x"}}


def test_writes_side_by_side_share_one_slow_answer(newest: Tracked, engine: Engine) -> None:
    asked: list[str] = []

    def set_context(request: Request) -> Context:
        asked.append(request.headers["x-user"])
        time.sleep(0.05)
        return {"user": request.headers["x-user"]}

    app = FastAPI()
    app.add_middleware(BemiFastAPIMiddleware, set_context=set_context)

    @app.post("/{id}")
    async def several(id: int) -> None:
        await asyncio.gather(*(asyncio.to_thread(insert_item, engine, id + n) for n in range(4)))

    with TestClient(app) as client:
        for number in range(5):
            client.post(f"/{number * 10}", headers={"x-user": f"u{number}"})
    seen = newest.by_key()
    assert {key: c for key, c in seen.items() if c != {"user": f"u{int(key) // 10}"}} == {}
    assert len(seen) == 20 and len(asked) == 5


def test_traces_and_request_ids(newest: Tracked, engine: Engine) -> None:
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    headers = {"x-user": "1", "traceparent": f"00-{trace}-{span}-01", "x-request-id": "r-1"}
    found = {"trace_id": trace, "span_id": span, "request_id": "r-1"}
    TestClient(application(engine, None)).post("/sync/1", headers=headers)
    TestClient(application(engine, lambda _: {"request_id": "own"})).post("/sync/2", headers=headers)
    TestClient(application(engine, None, trace=False)).post("/sync/3", headers=headers)
    TestClient(application(engine, None)).post("/sync/4", headers={**headers, "traceparent": "00-bad-01"})
    assert newest.by_key() == {
        "1": found,
        "2": {**found, "request_id": "own"},
        "3": {},
        "4": {"request_id": "r-1"},
    }


def test_an_active_span_is_nearer_than_the_header(newest: Tracked, engine: Engine) -> None:
    from opentelemetry.sdk.trace import TracerProvider

    header = {"x-user": "1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    app = application(engine, None)
    with TracerProvider().get_tracer("test").start_as_current_span("outer") as span:
        insert_item(engine, 1)
        expected = {
            "trace_id": f"{span.get_span_context().trace_id:032x}",
            "span_id": f"{span.get_span_context().span_id:016x}",
        }
        TestClient(app).post("/sync/2", headers=header)
    TestClient(app).post("/sync/3", headers=header)
    seen = newest.by_key()
    assert seen["1"] == expected
    assert seen["3"] == {"trace_id": "a" * 32, "span_id": "b" * 16}


def test_requests_do_not_leak_into_each_other(newest: Tracked, engine: Engine) -> None:
    asked: list[int] = []

    def set_context(request: Request) -> Context:
        asked.append(request.state.user)
        return {"user_id": request.state.user}

    app = application(engine, set_context)

    async def serve() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            posts = [client.post(f"/sync/{user}", headers={"x-user": str(user)}) for user in range(1, 30)]
            reads = [client.get("/read") for _ in range(10)]
            await asyncio.gather(*posts, *reads)

    asyncio.run(serve())
    assert sorted(asked) == list(range(1, 30))  # once a request that writes, never for one that reads
    insert_item(engine, 100)
    assert newest.by_key() == {str(user): {"user_id": user} for user in range(1, 30)} | {"100": {}}
