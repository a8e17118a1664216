"""A webhook's name may stand for one address when it is judged and for another a moment later: the address that is
connected to is the one that was judged, and there is no other way to one that is not allowed.

127.0.0.2 stands for the internet here, by `--webhook-allow`; 127.0.0.1 is what must not be reached.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from e2e.api import SCHEMA
from e2e.conftest import OpenDashboard
from e2e.oracle import sync

from support.bemi import Worker
from support.dashboard import Dashboard, environment
from support.fake_resolver import lying
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until

pytestmark = oldest_and_newest

KEY = "a key that is long enough to be one, and secret"
ALLOWED, FORBIDDEN = "127.0.0.2", "127.0.0.1"
NAME = "rebind.test"
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Doors:
    """The same port of both addresses, and how often somebody came."""

    port: int
    answer: bytes = TAKEN
    came: dict[str, int] = field(default_factory=lambda: {ALLOWED: 0, FORBIDDEN: 0})

    def serve(self, listener: socket.socket, address: str) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.came[address] += 1
            with client:
                client.settimeout(5)
                heard = b""
                while b"\r\n\r\n" not in heard and (piece := client.recv(65536)):
                    heard += piece
                client.sendall(self.answer)


@pytest.fixture
def doors() -> Iterator[Doors]:
    first = socket.create_server((FORBIDDEN, 0))
    port = first.getsockname()[1]
    second = socket.create_server((ALLOWED, port))
    one = Doors(port)
    for listener, address in ((first, FORBIDDEN), (second, ALLOWED)):
        threading.Thread(target=one.serve, args=(listener, address), daemon=True).start()
    yield one
    for listener in (first, second):
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@dataclass(frozen=True)
class Place:
    dashboard: Dashboard
    worker: Worker

    def test(self, url: str) -> bool:
        """Whether somebody there took it."""
        client = self.dashboard.client
        assert client.post("/api/webhooks", json={"name": "h", "url": url}).status_code == 200
        taken: bool = client.post("/api/webhooks/test", json={"name": "h"}).json()["taken"]
        return taken

    def resolved(self) -> int:
        return sum(f"resolved {NAME}" in line for line in self.worker.lines())


def opened(
    database: Database,
    start_worker: StartWorker,
    open_dashboard: OpenDashboard,
    home: Path,
    *answers: list[str],
) -> Place:
    database.sql(SCHEMA)
    home.chmod(0o755)
    env = environment(
        database.url, BEMI_SECRET_KEY=KEY, BEMI_WEBHOOK_ALLOW=ALLOWED, **lying(home, NAME, *answers)
    )
    worker = start_worker(env=env).wait_ready()
    return Place(open_dashboard(worker), worker)


def test_the_address_that_was_judged_is_the_one_that_is_connected_to(
    database: Database,
    start_worker: StartWorker,
    open_dashboard: OpenDashboard,
    tmp_path: Path,
    doors: Doors,
) -> None:
    place = opened(database, start_worker, open_dashboard, tmp_path, [ALLOWED], [FORBIDDEN])
    url = f"http://{NAME}:{doors.port}/"
    # Each is asked for once: what it says then is judged, and gone to or not.
    answers = [place.test(url) for _ in range(6)]
    assert answers.count(True) == 3 and place.resolved() == 6
    # And what is sent by itself.
    database.sql("insert into todo values (1, 'a')")
    sync(database.url)
    wait_until(lambda: doors.came[ALLOWED] >= 4, "the change is sent", seconds=60)
    assert doors.came[FORBIDDEN] == 0


def test_only_the_allowed_ones_of_several_addresses_are_tried(
    database: Database,
    start_worker: StartWorker,
    open_dashboard: OpenDashboard,
    tmp_path: Path,
    doors: Doors,
) -> None:
    mixed = [FORBIDDEN, ALLOWED, "::ffff:127.0.0.1", "::1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1"]
    place = opened(database, start_worker, open_dashboard, tmp_path, mixed, [ALLOWED, FORBIDDEN])
    assert place.test(f"http://{NAME}:{doors.port}/") and place.test(f"http://{NAME}:{doors.port}/")
    # No way round by a port that nobody opens there.
    with socket.create_server((FORBIDDEN, 0)) as alone:
        alone.settimeout(0.2)
        for _ in range(4):
            assert not place.test(f"http://{NAME}:{alone.getsockname()[1]}/")
        with pytest.raises(TimeoutError):
            alone.accept()
    assert doors.came == {ALLOWED: 2, FORBIDDEN: 0}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 401, 407])
def test_nobody_is_sent_on_by_an_answer(
    database: Database,
    start_worker: StartWorker,
    open_dashboard: OpenDashboard,
    tmp_path: Path,
    doors: Doors,
    status: int,
) -> None:
    place = opened(database, start_worker, open_dashboard, tmp_path, [ALLOWED])
    there = f"http://{FORBIDDEN}:{doors.port}/"
    doors.answer = (
        f"HTTP/1.1 {status} Elsewhere\r\nLocation: {there}\r\nRefresh: 0; url={there}\r\n"
        f'Alt-Svc: h2c="{FORBIDDEN}:{doors.port}"\r\nContent-Length: 0\r\n\r\n'
    ).encode()
    assert not place.test(f"http://{NAME}:{doors.port}/")
    assert doors.came == {ALLOWED: 1, FORBIDDEN: 0}
