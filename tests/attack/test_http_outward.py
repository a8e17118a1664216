"""Where the server goes at somebody's word, and what it takes along: nothing of its own."""

from __future__ import annotations

import csv
import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.api import SCHEMA, problem_of
from e2e.conftest import OpenDashboard
from e2e.oracle import sync

from support.bemi import Worker
from support.dashboard import Dashboard, environment
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

KEY = "a key that is long enough to be one, and secret"
OWN_SECRET = "sup3rs3cret-of-the-server"


class Listener:
    """A port of this machine: says `answer` to whoever comes, and keeps what it hears."""

    def __init__(self, answer: bytes = b"") -> None:
        self.heard = b""
        self.answer = answer
        self.calls = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.calls += 1
            with client:
                client.settimeout(2)
                try:
                    while piece := client.recv(4096):
                        self.heard += piece
                        if self.heard.count(b"my-own") == 0:
                            client.sendall(self.answer)
                except OSError:
                    pass


@contextmanager
def listening(answer: bytes = b"") -> Iterator[Listener]:
    one = Listener(answer)
    yield one
    one.socket.close()


@pytest.fixture
def place(
    database: Database,
    start_worker: StartWorker,
    open_dashboard: OpenDashboard,
    tmp_path: Path,
) -> Iterator[Dashboard]:
    passfile = tmp_path / "passfile"
    passfile.write_text(f"*:*:*:*:{OWN_SECRET}-file\n")
    passfile.chmod(0o600)
    services = tmp_path / "services"
    services.write_text(f"[own]\npassword={OWN_SECRET}-service\n")
    database.sql(SCHEMA)
    start_worker().wait_ready()
    own = {
        "PGPASSWORD": OWN_SECRET,
        "PGPASSFILE": str(passfile),
        "PGSERVICEFILE": str(services),
    }
    env = environment(database.url, BEMI_SECRET_KEY=KEY, **own)
    server = Worker.start(command="serve", env=env, log_file=tmp_path / "serve.log")
    yield open_dashboard(server)
    server.terminate()


ASKS_FOR_A_PASSWORD = b"R\x00\x00\x00\x08\x00\x00\x00\x03"


def test_a_server_that_a_form_names_hears_nothing_of_ours(place: Dashboard) -> None:
    with listening(ASKS_FOR_A_PASSWORD) as fake:
        at = f"127.0.0.1:{fake.port}"
        good = f"postgresql://me@{at}/db?sslmode=disable"
        for door in ("managed/check", "managed"):
            for source in (
                {"url": good},
                {"url": f"postgresql://me:@{at}/db?sslmode=disable"},
                {"url": f"host=127.0.0.1 port={fake.port} user=me dbname=db sslmode=disable password=''"},
                {"url": f"host=127.0.0.1 hostaddr=127.0.0.1 port={fake.port} user=me sslmode=disable"},
            ):
                problem_of(place.client.post(f"/api/{door}", json=source), 400)
        assert fake.calls >= 8
        assert b"me" in fake.heard
        assert OWN_SECRET.encode() not in fake.heard
        # What the form itself says goes there.
        mine = f"postgresql://me:my-own@{at}/db?sslmode=disable"
        problem_of(place.client.post("/api/managed/check", json={"url": mine}), 400)
        assert b"my-own" in fake.heard


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@127.0.0.1/db?passfile=/etc/passwd",
        "postgresql://me@127.0.0.1/db?service=own",
        "postgresql://me@127.0.0.1/db?sslcert=/etc/ssl/own.crt&sslkey=/etc/ssl/own.key",
        "postgresql://me@127.0.0.1/db?sslrootcert=/etc/shadow",
        "postgresql://me@127.0.0.1/db?krbsrvname=x",
        "service=own",
        "postgresql://127.0.0.1/db",
        "postgresql:///db",
        "user=me dbname=db",
    ],
)
def test_a_form_names_no_file_and_no_service(place: Dashboard, url: str) -> None:
    for field in ("url", "admin_url", "revert_url", "destination_url"):
        source = {"url": "postgresql://me:x@127.0.0.1:1/db", field: url}
        problem_of(place.client.post("/api/managed/check", json=source), 400)
        problem = problem_of(place.client.post("/api/managed", json=source), 400)
        assert "the connection URL" in problem["detail"], problem
    made = {
        "url": "postgresql://me:x@127.0.0.1:1/db",
        "new_destination": {"admin_url": url, "database": "d"},
    }
    assert "the connection URL" in problem_of(place.client.post("/api/managed", json=made), 400)["detail"]


def loopbacks(port: int) -> list[str]:
    hosts = [
        "127.0.0.1",
        "localhost",
        "0x7f000001",
        "2130706433",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "017700000001",
        "0x7f.0x0.0x0.0x1",
        "0x7F.1",
        "127.0.0.1.",
        "LocalHost",
        "localhost.",
        "0.0.0.0",
        "0x0",
        "%31%32%37.0.0.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[64:ff9b:1::7f00:1]",
        "[2001:0:7f00:1::]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "[fe80::1]",
        "[ff02::1]",
    ]
    return [f"http://{host}:{port}/" for host in hosts]


def test_a_webhook_goes_nowhere_within(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    one = open_dashboard(start_worker(env=environment(database.url, BEMI_SECRET_KEY=KEY)).wait_ready())
    with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as within:
        urls = loopbacks(within.port) + [url.replace("http:", "https:") for url in loopbacks(within.port)]
        urls += [
            "http://169.254.169.254/latest/meta-data/",
            "http://10.0.0.1/",
            "http://192.168.0.1/",
        ]
        for url in urls:
            assert one.client.post("/api/webhooks", json={"name": "h", "url": url}).status_code == 200
            told = one.client.post("/api/webhooks/test", json={"name": "h"}).json()
            assert not told["taken"] and told["status"] == 0, url
        database.sql("insert into todo values (1, 'a')")
        sync(database.url)
        assert within.calls == 0


def test_no_proxy_of_the_environment_connects_for_us(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    """It would look names up, and reach addresses, that nobody judged."""
    database.sql(SCHEMA)
    with listening(b"HTTP/1.1 200 OK\r\n\r\n") as proxy:
        variables = dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY"), f"http://127.0.0.1:{proxy.port}")
        env = environment(database.url, BEMI_SECRET_KEY=KEY, BEMI_WEBHOOK_ALLOW="127.0.0.0/8", **variables)
        one = open_dashboard(start_worker(env=env).wait_ready())
        with listening(b"HTTP/1.1 204 No Content\r\n\r\n") as wanted:
            hook = {"name": "h", "url": f"http://127.0.0.1:{wanted.port}/"}
            assert one.client.post("/api/webhooks", json=hook).status_code == 200
            assert one.client.post("/api/webhooks/test", json={"name": "h"}).json()["taken"]
            assert (wanted.calls, proxy.calls) == (1, 0)


def test_open_and_closed_ports_look_alike(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    env = environment(database.url, BEMI_SECRET_KEY=KEY, BEMI_WEBHOOK_ALLOW="127.0.0.0/8")
    one = open_dashboard(start_worker(env=env).wait_ready())
    told = []
    with listening(b"I am no HTTP server\r\n\r\n") as odd, listening() as silent:
        for port in (odd.port, silent.port, 1):
            hook = {"name": "h", "url": f"http://127.0.0.1:{port}/"}
            assert one.client.post("/api/webhooks", json=hook).status_code == 200
            told.append(one.client.post("/api/webhooks/test", json={"name": "h"}).json())
        assert odd.calls == 1, "what is allowed is reached"
    assert told[0] == told[1] == told[2]
    assert "boost" not in json.dumps(told)


def test_a_page_and_an_export_hold_little(story: Dashboard, database: Database) -> None:
    database.sql("insert into todo select i, repeat('x', 1000000) from generate_series(100, 119) i")
    sync(database.url)
    page = story.client.get("/api/changes", params={"limit": 500, "table": "todo"})
    assert len(page.content) < 8_000_000
    everything = story.changes(table="todo", limit=500)
    ids = [change["id"] for change in everything]
    lines = story.client.get("/api/export", params={"table": "todo"}).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids
    assert (
        len(set(ids)) == len(ids)
        and len(ids) == database.sql("select count(*) from changes where \"table\" = 'todo'")[0][0]
    )


def test_a_spreadsheet_runs_nothing(dashboard: Dashboard, database: Database) -> None:
    database.sql("create table formula (k text primary key)")
    keys = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "-12.5", "plain"]
    for key in keys:
        database.sql("insert into formula values (%s)", key)
    sync(database.url)
    text = dashboard.client.get("/api/export", params={"format": "csv", "table": "formula"}).text
    cells = {row["primary_key"] for row in csv.DictReader(io.StringIO(text)) if row["operation"] == "CREATE"}
    assert cells == {"'" + key for key in keys[:5]} | {"-12.5", "plain"}
