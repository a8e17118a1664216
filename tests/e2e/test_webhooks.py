"""Webhooks: what a filter selects is sent, signed, in order, again until it is taken, over any restart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from e2e.oracle import sync
from support.bemi import Worker
from support.dashboard import ADDRESS_LINE, Dashboard, environment
from support.fixtures import Database, StartWorker
from support.waiting import wait_until as until

KEY = "a key that is long enough to be one, and secret"
SCHEMA = "create table todo (id int primary key, task text); create table other (id int primary key)"
oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])


class Receiver:
    """Somebody's address: keeps what it takes, answers as it is told."""

    def __init__(self, certificate: trustme.LeafCert | None = None) -> None:
        self.requests: list[tuple[dict[str, str], bytes, int]] = []
        self.answers: list[int] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    status = outer.answers.pop(0) if outer.answers else 200
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    outer.requests.append((headers, body, status))
                outer.may_answer.wait()
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=b"
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(tls)
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
            self.url = f"https://localhost:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self) -> list[dict[str, Any]]:
        """The changes of the deliveries that were answered with success."""
        with self.lock:
            done = [json.loads(body) for _, body, status in self.requests if 200 <= status < 300]
        return [change for delivery in done for change in delivery.get("changes", [])]

    def keys(self) -> list[str]:
        return [change["primary_key"] for change in self.taken()]

    def close(self) -> None:
        self.may_answer.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@contextmanager
def served(worker: Worker) -> Iterator[Dashboard]:
    dashboard = Dashboard(worker)
    yield dashboard
    dashboard.client.close()


@pytest.fixture
def dashboard(database: Database, start_worker: StartWorker) -> Iterator[Dashboard]:
    database.sql(SCHEMA)
    env = environment(database.url, BEMI_SECRET_KEY=KEY, BEMI_WEBHOOK_ALLOW="127.0.0.1")
    with served(start_worker(env=env).wait_ready()) as one:
        yield one


def add(dashboard: Dashboard, url: str, **more: Any) -> str:
    response = dashboard.client.post("/api/webhooks", json={"name": "hook", "url": url, **more})
    assert response.status_code == 200, response.text
    secret: str = response.json()["secret"]
    return secret


def state(dashboard: Dashboard) -> dict[str, Any]:
    [webhook] = dashboard.get("/api/webhooks")["webhooks"]
    found: dict[str, Any] = webhook
    return found


def is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As standardwebhooks.com says, by another implementation."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(headers["webhook-signature"], wanted)


@oldest_and_newest
def test_selected_changes_are_sent_with_a_signature(
    dashboard: Dashboard, database: Database, receiver: Receiver
) -> None:
    database.sql("insert into todo values (0, 'before')")
    sync(database.url)
    secret = add(dashboard, receiver.url, filter={"table": "todo", "operation": "create"})
    database.sql("insert into todo select i, 'Täsk ' || i from generate_series(1, 250) i")
    database.sql("insert into other values (1)")
    database.sql("delete from todo where id = 1")
    until(lambda: len(receiver.keys()) >= 250)
    assert receiver.keys() == [str(i) for i in range(1, 251)]
    for headers, body, _ in receiver.requests:
        assert is_signed(secret, headers, body)
        assert headers["content-type"] == "application/json"
        delivery = json.loads(body)
        assert (delivery["type"], delivery["webhook"]) == ("changes", "hook")
        assert len(delivery["changes"]) <= 100
    change = dashboard.changes(primary_key="7", operation="create")[0]
    assert change in receiver.taken()
    assert secret not in str(database.sql("select * from _bemi.webhook"))
    until(lambda: state(dashboard)["delivered"] == 250)


def test_a_delivery_that_was_refused_is_repeated_unchanged(
    dashboard: Dashboard, database: Database, receiver: Receiver
) -> None:
    receiver.answers = [500, 302, 404]
    add(dashboard, receiver.url)
    database.sql("insert into todo values (1, 'a')")
    until(lambda: len(receiver.requests) >= 1)
    database.sql("insert into todo values (2, 'b')")
    until(lambda: len(receiver.keys()) == 2)
    first = [(headers["webhook-id"], body) for headers, body, _ in receiver.requests[:4]]
    assert len(set(first)) == 1, "what is sent again is the same, whatever came since"
    assert receiver.keys() == ["1", "2"]
    until(lambda: state(dashboard)["failures"] == 0)


def test_nothing_is_left_out_over_restarts(
    database: Database, start_worker: StartWorker, receiver: Receiver
) -> None:
    database.sql(SCHEMA)
    env = environment(database.url, BEMI_SECRET_KEY=KEY, BEMI_WEBHOOK_ALLOW="127.0.0.1")
    worker = start_worker(env=env).wait_ready()
    with served(worker) as dashboard:
        add(dashboard, receiver.url)
    database.sql("insert into todo values (1, 'a')")
    until(lambda: receiver.keys() == ["1"])
    worker.kill9()
    database.sql("insert into todo values (2, 'b')")
    start_worker(env=env).wait_ready()
    database.sql("insert into todo values (3, 'c')")
    # Whom the crash took the answer from may be sent the same once more.
    until(lambda: sorted(set(receiver.keys())) == ["1", "2", "3"])


def test_only_one_of_two_servers_sends(dashboard: Dashboard, database: Database, receiver: Receiver) -> None:
    other = Worker.start(
        command="serve",
        env=environment(database.url, BEMI_SECRET_KEY=KEY, BEMI_WEBHOOK_ALLOW="127.0.0.1"),
    )
    other.wait_for_line(ADDRESS_LINE)
    add(dashboard, receiver.url)
    for i in range(20):
        database.sql(f"insert into todo values ({i}, 'x')")
    until(lambda: len(receiver.keys()) >= 20)
    sync(database.url)
    assert receiver.keys() == [str(i) for i in range(20)]
    assert other.terminate() == 0


def test_an_address_that_does_not_answer_is_said_and_holds_up_no_other(
    dashboard: Dashboard, database: Database, receiver: Receiver
) -> None:
    add(dashboard, "http://127.0.0.1:1/")
    response = dashboard.client.post("/api/webhooks", json={"name": "good", "url": receiver.url})
    assert response.status_code == 200
    database.sql("insert into todo values (1, 'a')")
    until(lambda: receiver.keys() == ["1"])
    until(lambda: any(w["failures"] > 0 for w in dashboard.get("/api/webhooks")["webhooks"]))
    failing = {w["name"]: w for w in dashboard.get("/api/webhooks")["webhooks"]}["hook"]
    assert failing["last_error"] == "no answer in time, or none of an HTTP server"
    assert failing["next_attempt_at"]
    tried = dashboard.client.post("/api/webhooks/test", json={"name": "hook"}).json()
    assert tried["taken"] is False
    tried = dashboard.client.post("/api/webhooks/test", json={"name": "good"}).json()
    assert (tried["taken"], tried["status"]) == (True, 200)


def test_a_receiver_that_answers_gone_is_left_alone(
    dashboard: Dashboard, database: Database, receiver: Receiver
) -> None:
    receiver.answers = [410]
    add(dashboard, receiver.url)
    database.sql("insert into todo values (1, 'a')")
    until(lambda: not state(dashboard)["enabled"])
    database.sql("insert into todo values (2, 'b')")
    sync(database.url)
    # Turned on again, it goes on where it was.
    assert dashboard.client.post("/api/webhooks", json={"name": "hook", "url": receiver.url}).json() == {
        "secret": None
    }
    until(lambda: receiver.keys() == ["1", "2"])
    assert dashboard.client.delete("/api/webhooks/hook").status_code == 204
    assert dashboard.client.delete("/api/webhooks/hook").status_code == 404


def test_an_unusable_webhook_is_refused(dashboard: Dashboard) -> None:
    for wrong in (
        {"name": "", "url": "https://example.org"},
        {"name": "x", "url": "file:///etc/passwd"},
        {"name": "x", "url": "https://user:secret@example.org/"},
        {"name": "x", "url": "https://example.org", "filter": {"since": "yesterday"}},
        {"name": "x", "url": "https://example.org", "filter": {"no": "such"}},
        {
            "name": "x",
            "url": "https://example.org",
            "filter": {"context": "no equals sign"},
        },
        {"name": "x", "url": "https://example.org", "secret": "mine"},
    ):
        response = dashboard.client.post("/api/webhooks", json=wrong)
        assert response.status_code == 400, wrong


def test_without_a_key_none_is_made(database: Database, start_worker: StartWorker) -> None:
    with served(start_worker(env=environment(database.url)).wait_ready()) as dashboard:
        response = dashboard.client.post("/api/webhooks", json={"name": "x", "url": "https://example.org"})
    assert response.status_code == 400 and "BEMI_SECRET_KEY" in response.json()["hint"]


def test_https_goes_to_whom_a_trusted_authority_vouches_for(
    database: Database, start_worker: StartWorker, tmp_path: Path
) -> None:
    ours, another = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    receivers = {
        "good": Receiver(ours.issue_cert("localhost")),
        "stranger": Receiver(another.issue_cert("localhost")),
        "another host's": Receiver(ours.issue_cert("elsewhere.example")),
    }
    database.sql(SCHEMA)
    env = environment(
        database.url,
        BEMI_SECRET_KEY=KEY,
        BEMI_WEBHOOK_ALLOW="127.0.0.1",
        SSL_CERT_FILE=str(tmp_path / "ca.pem"),
    )
    with served(start_worker(env=env).wait_ready()) as dashboard:
        for name, receiver in receivers.items():
            response = dashboard.client.post("/api/webhooks", json={"name": name, "url": receiver.url})
            assert response.status_code == 200, response.text
        secret: str = dashboard.client.post(
            "/api/webhooks",
            json={"name": "good", "url": receivers["good"].url, "renew_secret": True},
        ).json()["secret"]
        database.sql("insert into todo values (1, 'a')")
        until(lambda: receivers["good"].keys() == ["1"])
        headers, body, _ = receivers["good"].requests[0]
        assert is_signed(secret, headers, body)

        def refused() -> dict[str, str]:
            hooks = dashboard.get("/api/webhooks")["webhooks"]
            return {hook["name"]: hook["last_error"] for hook in hooks if hook["failures"] > 0}

        until(lambda: len(refused()) == 2)
        assert all("certificate verify failed" in problem for problem in refused().values()), refused()
    for name, receiver in receivers.items():
        assert name == "good" or receiver.requests == [], "nothing was said to a stranger"
        receiver.close()


def test_the_end_of_the_server_waits_for_no_answer(
    database: Database, start_worker: StartWorker, receiver: Receiver
) -> None:
    database.sql(SCHEMA)
    env = environment(database.url, BEMI_SECRET_KEY=KEY, BEMI_WEBHOOK_ALLOW="127.0.0.1")
    worker = start_worker(env=env).wait_ready()
    with served(worker) as dashboard:
        add(dashboard, receiver.url)
    receiver.may_answer.clear()
    database.sql("insert into todo values (1, 'a')")
    until(lambda: len(receiver.requests) == 1)
    # A delivery alone may take ten seconds.
    assert worker.terminate(timeout=8) == 0
    [(failures,)] = database.sql("select failures from _bemi.webhook")
    assert failures == 0, "nobody failed"
    receiver.may_answer.set()
    with served(start_worker(env=env).wait_ready()):
        until(lambda: len(receiver.keys()) == 2)
    first, again = receiver.requests
    assert (first[0]["webhook-id"], first[1]) == (again[0]["webhook-id"], again[1])
