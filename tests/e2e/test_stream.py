"""The live stream loses nothing and tells nothing twice, whoever reads it and however slowly."""

from __future__ import annotations

import itertools
import json
import random
import socket
import threading

from e2e.api import SCHEMA, write
from e2e.conftest import OpenDashboard
from e2e.oracle import sync
from support.dashboard import TOKEN, Dashboard, environment
from support.fixtures import Database, StartWorker
from support.seeds import printed_seed


def test_the_stream_tells_what_is_stored(dashboard: Dashboard, database: Database) -> None:
    with dashboard.events() as events, dashboard.events(context="user_id=42", operation="update") as narrow:
        write(database, {"user_id": 42}, "insert into todo values (1, 'a'), (2, 'b')")
        write(database, {"user_id": 7}, "update todo set task = 'c'")
        write(database, {"user_id": 42}, "update todo set task = 'd' where id = 2")
        found = events.take(5)
        assert [(c["operation"], c["primary_key"]) for c in found] == [
            ("CREATE", "1"),
            ("CREATE", "2"),
            ("UPDATE", "1"),
            ("UPDATE", "2"),
            ("UPDATE", "2"),
        ]
        assert narrow.next() == found[-1]
        assert found[::-1] == dashboard.get("/api/changes")["changes"]


def test_nothing_is_lost_or_told_twice_over_restarts(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    seed = printed_seed()
    chance = random.Random(seed)
    numbers = itertools.count(1)
    told: list[int] = []
    last: str | None = None
    written = 0
    for turn in range(4):
        worker = start_worker(env=environment(database.url)).wait_ready()
        dashboard = open_dashboard(worker)
        if turn == 0:
            with dashboard.events() as events:
                database.sql("insert into todo values (0)")
                events.next()
                last = events.last_id
        for _ in range(chance.randint(5, 30)):
            written = next(numbers)
            database.sql(f"insert into todo values ({written})")
        with dashboard.events(last=last) as events:
            count = chance.randint(1, written - len(told))
            told += [int(change["primary_key"]) for change in events.take(count)]
            last = events.last_id
        worker.kill9()
    worker = start_worker(env=environment(database.url)).wait_ready()
    with open_dashboard(worker).events(last=last) as events:
        told += [int(change["primary_key"]) for change in events.take(written - len(told))]
    assert told == list(range(1, written + 1)), seed


def test_many_readers_each_get_their_own(dashboard: Dashboard, database: Database) -> None:
    got: dict[int, list[str]] = {}
    barrier = threading.Barrier(21)

    def read(user: int) -> None:
        with dashboard.events(context=f"user_id={user}") as events:
            barrier.wait(30)
            got[user] = [change["primary_key"] for change in events.take(5)]

    readers = [threading.Thread(target=read, args=(user,)) for user in range(20)]
    for reader in readers:
        reader.start()
    barrier.wait(30)
    for number in range(100):
        write(database, {"user_id": number % 20}, f"insert into todo values ({number})")
    for reader in readers:
        reader.join(60)
    assert got == {user: [str(user + 20 * i) for i in range(5)] for user in range(20)}


def read_stream(connection: socket.socket, told: list[int], until: int) -> str | None:
    """Adds the keys of what comes; tells the last event's id when that many are there, or it ends."""
    identity, last, rest = None, None, b""
    while len(told) < until and (piece := connection.recv(1 << 16)):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"id: "):
                identity = line[4:].strip().decode()
            elif line.startswith(b"data: "):
                told.append(int(json.loads(line[6:])["primary_key"]))
                last = identity
    return last


def test_a_slow_reader_holds_up_nobody(database: Database, dashboard: Dashboard) -> None:
    rows = 20_000
    request = f"GET /api/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    slow = dashboard.connect()
    slow.sendall(f"{request}\r\n".encode())
    seen = b""
    while b"retry:" not in seen:
        seen += slow.recv(1)
    with dashboard.events() as quick:
        database.sql(f"insert into todo select i, repeat('x', 1000) from generate_series(1, {rows}) i")
        sync(database.url)  # the worker waits for no reader
        assert quick.take(rows)[-1]["primary_key"] == str(rows)
    dashboard.get("/api/changes")
    told: list[int] = []
    while len(told) < rows:
        # Who takes nothing for half a minute is left; he comes back as a browser does.
        last = read_stream(slow, told, rows)
        slow.close()
        if len(told) < rows:
            assert last
            slow = dashboard.connect()
            slow.sendall(f"{request}Last-Event-ID: {last}\r\n\r\n".encode())
    assert told == list(range(1, rows + 1))
