# SPDX-License-Identifier: LGPL-3.0-or-later
"""One process of `bench/context_cost.py`: does what it is told so many times, and says what that took.

WAY is plain or bemi, DRIVER and DATABASE_URL come by the environment too. A line on standard input is
`WORK COUNT`; the answer is a line of JSON: the times of each repetition, this process's CPU, its backend's.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import todo
from sqlalchemy import Boolean, Column, Connection, Engine, Integer, MetaData, Table, Text, insert, select
from sqlalchemy import update as update_of
from sqlalchemy.ext.asyncio import AsyncEngine

COLUMNS = MetaData()
TODOS = Table(
    "todo", COLUMNS, Column("id", Integer, primary_key=True), Column("task", Text),
    Column("is_completed", Boolean),
)  # fmt: skip
BULK = Table("bulk", COLUMNS, Column("id", Integer), Column("task", Text), Column("is_completed", Boolean))
ROWS = 1000
DISTINCT = 10

if todo.WAY == "bemi":
    from bemi import context, failures
else:
    failures = {}

    def context(**_: Any) -> Any:
        return nullcontext()


def read(connection: Connection, number: int) -> None:
    connection.execute(select(TODOS).where(TODOS.c.id == number)).all()


def write(connection: Connection, number: int) -> None:
    connection.execute(update_of(TODOS).where(TODOS.c.id == number).values(task=f"t{number}"))


# Told apart by their texts alone: each is the same work for the server.
_TEN = [update_of(TODOS).prefix_with(f"/* {n} */") for n in range(DISTINCT)]


def distinct(connection: Connection, number: int) -> None:
    for statement in _TEN:
        connection.execute(statement.where(TODOS.c.id == number % ROWS + 1).values(task=f"t{number}"))


def equal(connection: Connection, number: int) -> None:
    statement = _TEN[0].where(TODOS.c.id == number % ROWS + 1)
    for step in range(DISTINCT):
        connection.execute(statement.values(task=f"t{step}"))


def bulk(connection: Connection, number: int) -> None:
    rows = [{"id": i, "task": f"task {number}", "is_completed": False} for i in range(ROWS)]
    connection.execute(insert(BULK).returning(BULK.c.id), rows).all()


TRANSACTIONS: dict[str, Callable[[Connection, int], None]] = {
    f.__name__: f for f in (read, write, equal, distinct, bulk)
}
REQUESTS = {
    "request": ("GET", "/health", ""),
    "request that reads": ("GET", "/todo/{id}", ""),
    "request that writes": ("PUT", "/todo/{id}", "task=t{n}"),
}


@todo.app.get("/health")
async def health() -> str:
    return "ok"


async def ask(kind: str, number: int) -> None:
    """Without a socket: what a server does is the same with and without."""
    method, path, query = REQUESTS[kind]
    path = path.format(id=number % ROWS + 1)
    headers = [
        (b"host", b"localhost"), (b"user-agent", b"bench"), (b"accept", b"*/*"), (b"x-user", b"42"),
        (b"accept-encoding", b"gzip, deflate"), (b"connection", b"keep-alive"),
    ]  # fmt: skip
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.format(n=number).encode(),
        "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await todo.app(scope, receive, send)
    assert status == 200, status


def run_sync(engine: Engine, work: str, number: int) -> None:
    with context(user_id=number, endpoint="/todo", method="PUT"), engine.begin() as connection:
        TRANSACTIONS[work](connection, number)


async def run_async(engine: AsyncEngine, work: str, number: int) -> None:
    with context(user_id=number, endpoint="/todo", method="PUT"):
        async with engine.begin() as connection:
            await connection.run_sync(TRANSACTIONS[work], number)


def cpu_of_backend(pid: int) -> int:
    """Nanoseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


async def measure(run: Callable[[int], Awaitable[None] | None], count: int, pid: int) -> dict[str, Any]:
    gc.collect()
    gc.disable()
    times = []
    backend, cpu = cpu_of_backend(pid), time.process_time_ns()
    for number in range(count):
        begun = time.perf_counter_ns()
        waited = run(number)
        if waited is not None:
            await waited
        times.append(time.perf_counter_ns() - begun)
    cpu = time.process_time_ns() - cpu
    backend = cpu_of_backend(pid) - backend
    gc.enable()
    assert not failures, failures
    return {"times": times, "cpu": cpu, "backend": backend}


async def main() -> None:
    engine: Any = todo.async_engine if todo.IS_ASYNC else todo.engine

    def find(connection: Connection) -> int:
        return int(connection.exec_driver_sql("select pg_backend_pid()").scalar_one())

    if todo.IS_ASYNC:
        async with engine.connect() as connection:
            pid = await connection.run_sync(find)
    else:
        with engine.connect() as connection:
            pid = find(connection)
    print(pid, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        work, _, count = line.strip().rpartition(" ")
        if work in REQUESTS:
            found = await measure(lambda number: ask(work, number), int(count), pid)  # noqa: B023
        elif todo.IS_ASYNC:
            found = await measure(lambda number: run_async(engine, work, number), int(count), pid)  # noqa: B023
        else:
            found = await measure(lambda number: run_sync(engine, work, number), int(count), pid)  # noqa: B023
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    assert os.environ["WAY"] in ("plain", "bemi")
    asyncio.run(main())
