"""Requests that can be understood in two ways, readers that take nothing away, sessions that others chose."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import httpx
import pytest
from e2e.api import problem_of
from e2e.oracle import sync

from attack.test_http_access import PASSWORD, add_user, signed_in
from support.dashboard import TOKEN, Dashboard
from support.fixtures import Database, oldest_and_newest

pytestmark = oldest_and_newest

HEAD = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"


def statuses(answer: bytes) -> list[int]:
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 18446744073709551616\r\n",
    ],
)
def test_no_body_is_measured_in_two_ways(dashboard: Dashboard, lines: str) -> None:
    inner = f"GET /api/users HTTP/1.1\r\n{HEAD}\r\n"
    smuggled = f"POST /api/views HTTP/1.1\r\n{HEAD}{lines}\r\n0\r\n\r\n{inner}"
    answers = statuses(dashboard.raw(smuggled.encode()))
    assert len(answers) <= 1 and 200 not in answers, answers


def test_chunks_count_as_a_body_does(dashboard: Dashboard) -> None:
    head = f"POST /api/views HTTP/1.1\r\n{HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = b'{"name": "v", "address": "/changes"}'
    pieces = b"".join(b"1;x=y\r\n" + whole[i : i + 1] + b"\r\n" for i in range(len(whole)))
    last = b"0\r\nHost: evil.example\r\n\r\n"
    answer = dashboard.raw(head.encode() + pieces + last)
    assert statuses(answer)[:1] == [204], answer
    for tail in (b"FFFFFFFFFFFFFFFF\r\n", b"-1\r\n", b"200000\r\n" + b"x" * 0x200000 + b"\r\n0\r\n\r\n"):
        answers = statuses_or_closed(dashboard, head.encode() + tail)
        assert set(answers) <= {400, 413}, answers
    assert dashboard.get("/api/session")["role"] == "admin"


def statuses_or_closed(dashboard: Dashboard, request: bytes) -> list[int]:
    try:
        return statuses(dashboard.raw(request))
    except (ConnectionResetError, BrokenPipeError):
        return []


@pytest.mark.parametrize(
    "path",
    [
        "/api/../api/users",
        "//api/users",
        "/api//users",
        "/api/users/",
        "/api%2fusers",
        "/./api/users",
        "/API/users",
        "/api/users;x=y",
        "/api/users%00",
        "/assets/../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_a_path_is_one_thing(dashboard: Dashboard, path: str) -> None:
    with httpx.Client() as stranger:
        port = dashboard.url.rsplit(":", 1)[1]
        request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
        answer = dashboard.raw(request.encode())
        assert b'"users"' not in answer and b"root:" not in answer
        assert stranger.get(f"{dashboard.url}/healthz").status_code == 200


def test_a_name_ends_where_it_ends(dashboard: Dashboard) -> None:
    add_user(dashboard, "vera", "viewer")
    request = f"DELETE /api/users/vera%00x HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n"
    assert statuses(dashboard.raw(request.encode())) == [400]
    assert [user["name"] for user in dashboard.get("/api/users")["users"]] == ["vera"]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PUT", "PATCH", "get", "GETT", "PROPFIND"])
def test_other_methods_do_nothing(dashboard: Dashboard, method: str) -> None:
    for path in ("/api/users", "/", "/api/session"):
        answer = dashboard.raw(f"{method} {path} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode())
        assert statuses(answer) in ([400], [404], [405]), answer
        assert TOKEN.encode() not in answer


def test_huge_and_many_cookies_are_read_within_bounds(dashboard: Dashboard) -> None:
    for cookie in (
        "a=" + "x" * 15_000,
        "; ".join(f"c{i}=1" for i in range(1000)),
        ";" * 15_000,
        "=" * 15_000,
    ):
        with httpx.Client(base_url=dashboard.url) as stranger:
            problem_of(stranger.get("/api/session", headers={"Cookie": cookie}), 401)
    with httpx.Client(base_url=dashboard.url) as stranger:
        problem_of(stranger.get("/api/session", headers={"Cookie": "a=" + "x" * 40_000}), 413)


def test_nobody_chooses_the_session_of_another(dashboard: Dashboard) -> None:
    add_user(dashboard, "vera", "viewer")
    name = f"bemi_session_{dashboard.url.rsplit(':', 1)[1]}"
    with httpx.Client(base_url=dashboard.url) as attacker:
        chosen = "0" * 48
        entered = attacker.post(
            "/api/session",
            json={"name": "vera", "password": PASSWORD},
            headers={"Cookie": f"{name}={chosen}"},
        )
        assert chosen not in entered.headers["set-cookie"]
        attacker.cookies.clear()
        problem_of(attacker.get("/api/session", headers={"Cookie": f"{name}={chosen}"}), 401)


def test_a_cookie_alone_changes_nothing(dashboard: Dashboard) -> None:
    add_user(dashboard, "vera", "viewer")
    with signed_in(dashboard, "vera") as vera, signed_in(dashboard, "vera") as other:
        foreign = other.headers["X-Bemi-CSRF"]
        del vera.headers["X-Bemi-CSRF"]
        for headers in ({}, {"X-Bemi-CSRF": ""}, {"X-Bemi-CSRF": foreign}):
            body = {"name": "v", "address": "/changes"}
            problem_of(vera.post("/api/views", json=body, headers=headers), 403)
            problem_of(vera.delete("/api/session", headers=headers), 403)


def test_readers_who_take_nothing_away_leave_room_for_others(
    dashboard: Dashboard, database: Database
) -> None:
    database.sql("insert into todo select i, repeat('x', 1000000) from generate_series(1, 20) i")
    sync(database.url)
    request = f"GET /api/export HTTP/1.1\r\n{HEAD}\r\n".encode()
    with ExitStack() as opened:
        for _ in range(60):
            slow = opened.enter_context(dashboard.connect())
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(request)
        # Refused at most, never silent: the address's share is for whoever has it.
        assert dashboard.client.get("/healthz").status_code == 200
        assert dashboard.client.get("/api/session").status_code in (200, 503)
    assert dashboard.client.get("/healthz").status_code == 200
