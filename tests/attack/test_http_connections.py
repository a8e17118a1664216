"""Who opens connections and says nothing keeps nobody out, and the worker goes on."""

from __future__ import annotations

import resource
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from e2e.api import SCHEMA
from e2e.conftest import OpenDashboard
from e2e.oracle import history, sync

from support.bemi import Worker
from support.dashboard import Dashboard, environment
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

FILES = 256


def limited(worker: Worker, files: int) -> None:
    _, most = resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (files, most))


@pytest.fixture
def dashboard(database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard) -> Dashboard:
    database.sql(SCHEMA)
    worker = start_worker(env=environment(database.url)).wait_ready()
    limited(worker, FILES)
    one = open_dashboard(worker)
    one.worker = worker  # type: ignore[attr-defined]
    return one


def open_half(dashboard: Dashboard, count: int, source: str) -> list[socket.socket]:
    place = urlsplit(dashboard.url)
    opened = []
    for _ in range(count):
        one = socket.create_connection(
            (place.hostname or "", place.port or 0), source_address=(source, 0), timeout=30
        )
        # Those beyond what one address may have are closed at once.
        with suppress(OSError):
            one.sendall(b"GET /api/changes HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        opened.append(one)
    return opened


def test_half_requests_leave_room_for_others_and_for_the_worker(
    dashboard: Dashboard, database: Database
) -> None:
    worker: Worker = dashboard.worker  # type: ignore[attr-defined]
    attackers = open_half(dashboard, 400, "127.0.0.9")
    try:
        # The worker's own files: a transaction that no memory holds.
        database.sql("insert into todo select i, repeat('x', 2000) from generate_series(1, 10000) i")
        assert dashboard.get("/api/session")["role"] == "admin"
        assert len(list(Path(f"/proc/{worker.pid}/fd").iterdir())) < FILES / 2
        sync(database.url)
        assert len(history(database.url)) == 10_000
        assert worker.is_running
    finally:
        for one in attackers:
            one.close()


def test_a_request_that_does_not_go_on_is_left(dashboard: Dashboard) -> None:
    [slow] = open_half(dashboard, 1, "127.0.0.9")
    with slow:
        assert slow.recv(1) == b""
    place = urlsplit(dashboard.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=60) as slow:
        slow.sendall(b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
        assert slow.recv(1) == b""


def test_no_file_to_be_had_is_waited_for(dashboard: Dashboard, database: Database) -> None:
    worker: Worker = dashboard.worker  # type: ignore[attr-defined]
    # Any file that it opens from here on is one too many; those that are open stay.
    limited(worker, 3)
    database.sql("insert into todo select i, repeat('x', 2000) from generate_series(1, 10000) i")
    worker.wait_for_line("spool file: cannot create it")
    limited(worker, FILES)
    sync(database.url)
    assert len(history(database.url)) == 10_000
    assert worker.is_running


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA B\r\n\r\n",
    ],
)
def test_a_malformed_request_is_called_bad(dashboard: Dashboard, request_bytes: bytes) -> None:
    assert dashboard.raw(request_bytes).startswith(b"HTTP/1.1 400 ")


def test_answers_without_bytes_of_their_own_end_side_by_side(dashboard: Dashboard) -> None:
    """Embedded pages to one client, on many connections at once."""
    worker: Worker = dashboard.worker  # type: ignore[attr-defined]

    def ask(_: int) -> int:
        with httpx.Client(base_url=dashboard.url) as client:
            return client.get("/").status_code + client.head("/").status_code

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(ask, range(400))) == {400}
    assert worker.is_running


def test_a_refused_method_names_the_allowed_ones(dashboard: Dashboard) -> None:
    with httpx.Client(base_url=dashboard.url) as client:
        response = client.request("PATCH", "/api/session")
        assert response.status_code == 405
        assert response.headers["allow"] == "POST, GET, DELETE"
