"""Nobody shuts others out, forges where he comes from or who he is, or goes on after his session's end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from e2e.api import DESCRIPTION, SCHEMA, problem_of
from e2e.conftest import OpenDashboard
from e2e.test_access import first_token

from support.bemi import bemi
from support.dashboard import TOKEN, Dashboard, environment
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

PASSWORD = "correct horse battery"
PROXY = {
    "BEMI_HTTP_USER_HEADER": "X-Forwarded-User",
    "BEMI_HTTP_TRUSTED_PROXY": "127.0.0.1",
}
WRONG = {"Authorization": "Bearer wrong"}


def add_user(dashboard: Dashboard, name: str, role: str) -> None:
    user = {"name": name, "role": role, "password": PASSWORD}
    assert dashboard.client.post("/api/users", json=user).status_code == 204


@contextmanager
def signed_in(dashboard: Dashboard, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=dashboard.url, timeout=60) as client:
        response = client.post("/api/session", json={"name": name, "password": PASSWORD})
        assert response.status_code == 200, response.text
        client.headers["X-Bemi-CSRF"] = response.json()["csrf"]
        yield client


def test_wrong_tokens_shut_out_nobody_who_is_in(dashboard: Dashboard) -> None:
    add_user(dashboard, "vera", "viewer")
    with (
        signed_in(dashboard, "vera") as vera,
        httpx.Client(base_url=dashboard.url) as stranger,
    ):
        answers = [stranger.get("/api/changes", headers=WRONG).status_code for _ in range(12)]
        assert answers == [401] * 10 + [429] * 2
        assert vera.get("/api/changes").status_code == 200
        assert dashboard.client.get("/api/changes").status_code == 200
        problem_of(
            stranger.post("/api/session", json={"name": "vera", "password": PASSWORD}),
            429,
        )


def test_a_session_with_an_old_token_beside_it_counts_for_nothing(
    dashboard: Dashboard,
) -> None:
    add_user(dashboard, "vera", "viewer")
    with signed_in(dashboard, "vera") as vera:
        for _ in range(12):
            problem_of(vera.get("/api/changes", headers=WRONG), 401)
    with signed_in(dashboard, "vera"):
        pass


RANKS = ("nobody", "viewer", "operator", "admin")


def asked(client: httpx.Client, method: str, path: str) -> list[int]:
    """As it should be asked, and in ways that are wrong in themselves."""
    path = path.replace("{id}", "00000000-0000-8000-8000-000000000000").replace("{name}", "nobody")
    answers = [
        client.request(method, path, json={} if method == "POST" else None),
        client.request(method, path, params={"no_such_parameter": "\0"}),
        client.request(method, path, content=b"[" * 70, headers={"Content-Type": "application/json"}),
        client.request(method, path, params={"limit": "-1", "at": "\xff"}, headers={"Accept": "text/html"}),
    ]
    return [answer.status_code for answer in answers]


def test_every_operation_looks_first_at_who_asks(story: Dashboard) -> None:
    operations = [
        (method.upper(), path, operation["x-role"])
        for path, methods in DESCRIPTION["paths"].items()
        for method, operation in methods.items()
        if "x-role" in operation
    ]
    assert len(operations) > 40 and {role for _, _, role in operations} == set(RANKS[1:])
    for name in ("viewer", "operator"):
        add_user(story, name, name)
    with httpx.Client(base_url=story.url) as stranger:
        stranger.cookies.set("bemi_session", "0" * 48)
        stranger.headers["X-Bemi-CSRF"] = "0" * 64
        for method, path, _ in operations:
            assert set(asked(stranger, method, path)) == {401}, (method, path)
    for name in ("viewer", "operator"):
        with signed_in(story, name) as client:
            for method, path, needed in operations:
                if RANKS.index(name) < RANKS.index(needed):
                    assert set(asked(client, method, path)) == {403}, (name, method, path)


@pytest.fixture
def behind_a_proxy(database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard) -> Dashboard:
    database.sql(SCHEMA)
    one = open_dashboard(start_worker(env=environment(database.url, **PROXY)).wait_ready())
    add_user(one, "anna", "admin")
    add_user(one, "vera", "viewer")
    return one


def test_the_last_line_of_a_proxy_says_where_one_comes_from(
    behind_a_proxy: Dashboard,
) -> None:
    with httpx.Client(base_url=behind_a_proxy.url) as proxy:
        answers = []
        for number in range(12):
            lines = [
                ("X-Forwarded-For", f"8.8.8.{number}"),
                ("X-Forwarded-For", f"9.9.9.{number}, 203.0.113.9"),
            ]
            answers.append(proxy.get("/api/changes", headers=[*WRONG.items(), *lines]).status_code)
        assert answers == [401] * 10 + [429] * 2
        # No address at all: the proxy's own counts, not a text of the client's.
        for number in range(12):
            forged = [*WRONG.items(), ("X-Forwarded-For", f"8.8.8.8 (forged {number})")]
            answers.append(proxy.get("/api/changes", headers=forged).status_code)
        assert answers[12:] == [401] * 10 + [429] * 2


def test_trailers_after_a_body_name_nobody(behind_a_proxy: Dashboard) -> None:
    lie = "X-Forwarded-User: admin\r\nAuthorization: Bearer x\r\nHost: evil.example\r\n"
    head = "Host: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    request = f"GET /api/session HTTP/1.1\r\n{head}\r\n0\r\n{lie}\r\n"
    answer = behind_a_proxy.raw(request.encode())
    assert answer.startswith(b"HTTP/1.1 401 ") and b'"role"' not in answer, answer


def test_two_lines_that_name_the_user_are_refused(behind_a_proxy: Dashboard) -> None:
    name = "X-Forwarded-User"
    with httpx.Client(base_url=behind_a_proxy.url) as proxy:
        for lines in (
            [(name, "anna"), (name, "vera")],
            [(name, "vera"), (name.lower(), "vera")],
        ):
            problem_of(proxy.get("/api/session", headers=lines), 400)
        assert proxy.get("/api/session", headers=[(name, "vera")]).json()["role"] == "viewer"


@pytest.mark.parametrize("how", ["removed", "demoted", "signed out"])
def test_a_stream_ends_with_its_session(dashboard: Dashboard, how: str) -> None:
    add_user(dashboard, "anna", "admin")
    opened, ended = threading.Event(), threading.Event()

    with signed_in(dashboard, "anna") as anna:

        def listen() -> None:
            with httpx.stream(
                "GET",
                f"{dashboard.url}/api/stream",
                cookies=dict(anna.cookies),
                timeout=90,
            ) as response:
                assert response.status_code == 200
                try:
                    for _ in response.iter_lines():
                        opened.set()
                except httpx.RemoteProtocolError:
                    pass
            ended.set()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        assert opened.wait(60)
        if how == "removed":
            assert dashboard.client.delete("/api/users/anna").status_code == 204
        elif how == "demoted":
            assert (
                dashboard.client.post("/api/users", json={"name": "anna", "role": "viewer"}).status_code
                == 204
            )
        else:
            assert anna.delete("/api/session").status_code == 204
        assert ended.wait(60)


def test_a_token_that_can_be_guessed_is_refused(database: Database, start_worker: StartWorker) -> None:
    start_worker().wait_ready()
    env = {**environment(database.url), "BEMI_HTTP_TOKEN": "abc"}
    refused = bemi("serve", env=env, check=False)
    assert refused.returncode == 2 and "less than 32 characters" in refused.stderr


def test_plain_http_for_others_draws_a_warning(database: Database, start_worker: StartWorker) -> None:
    worker = start_worker(env=environment(database.url, BEMI_HTTP="0.0.0.0:0")).wait_ready()
    worker.wait_for_line("over HTTP without TLS")


def test_sign_ins_hold_up_nobody_else(dashboard: Dashboard) -> None:
    add_user(dashboard, "vera", "viewer")
    statuses: list[int] = []

    def guess() -> None:
        with httpx.Client(base_url=dashboard.url, timeout=120) as stranger:
            body = {"name": "vera", "password": PASSWORD + "!"}
            statuses.append(stranger.post("/api/session", json=body).status_code)

    guessers = [threading.Thread(target=guess) for _ in range(60)]
    for one in guessers:
        one.start()
    # All of them wait for one thread, and this for none of them.
    while len(statuses) < 30:
        assert dashboard.client.get("/api/changes").status_code == 200
    for one in guessers:
        one.join()
    assert set(statuses) <= {401, 429} and statuses.count(429) >= 20


@pytest.mark.parametrize("own_token", [True, False], ids=["in memory", "stored"])
def test_repeated_sign_ins_end_only_the_users_own_sessions(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard, own_token: bool
) -> None:
    database.sql(SCHEMA)
    given = environment(database.url)
    env = given if own_token else {name: text for name, text in given.items() if name != "BEMI_HTTP_TOKEN"}
    worker = start_worker(env=env).wait_ready()
    token = TOKEN if own_token else first_token(worker)
    one = open_dashboard(worker, token)
    add_user(one, "vera", "viewer")
    with signed_in(one, "vera") as vera, httpx.Client(base_url=one.url, timeout=60) as admin:
        cookies = []
        for _ in range(105):
            admin.cookies.clear()
            assert admin.post("/api/session", json={"token": token}).status_code == 200
            cookies.append(dict(admin.cookies))
        assert vera.get("/api/session").status_code == 200
        known = []
        for cookie in cookies:
            admin.cookies.clear()
            admin.cookies.update(cookie)
            known.append(admin.get("/api/session").status_code == 200)
        assert known == [False] * 5 + [True] * 100
    kept = database.sql("select count(*) from _bemi.login_session where name = 'admin'")[0][0]
    assert kept == (0 if own_token else 100)


def test_a_strangers_guesses_keep_nobody_from_a_new_password(dashboard: Dashboard) -> None:
    add_user(dashboard, "vera", "viewer")
    with signed_in(dashboard, "vera") as vera, httpx.Client(base_url=dashboard.url) as stranger:
        for _ in range(12):
            stranger.post("/api/session", json={"name": "vera", "password": "a wrong password"})
        new = {"old_password": PASSWORD, "new_password": PASSWORD + "!"}
        assert vera.post("/api/session/password", json=new).status_code == 204
