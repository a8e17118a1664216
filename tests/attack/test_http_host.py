"""A page of somebody else, whose name leads to our address, has a browser ask us in vain (DNS rebinding)."""

from __future__ import annotations

import httpx
import pytest
from e2e.api import SCHEMA, problem_of
from e2e.conftest import OpenDashboard

from support.bemi import bemi
from support.dashboard import TOKEN, Dashboard, environment
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

DOORS = (
    "/",
    "/changes",
    "/index.html",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/openapi.json",
    "/api/session",
    "/api/changes",
    "/api/stream",
    "/api/export",
    "/api/nothing",
)
FOREIGN = (
    "evil.example",
    "evil.example:7070",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost@evil.example",
    "evil.example, localhost",
    "0.0.0.0",
    "192.0.2.1",
    "",
)


def asked(dashboard: Dashboard, path: str, *lines: str, version: str = "1.1") -> tuple[int, bytes]:
    head = "\r\n".join(
        [f"GET {path} HTTP/{version}", *lines, f"Authorization: Bearer {TOKEN}", "Connection: close"]
    )
    answer = dashboard.raw(f"{head}\r\n\r\n".encode())
    status, _, body = answer.partition(b"\r\n\r\n")
    return int(status.split()[1]), body


@pytest.mark.parametrize("path", DOORS)
def test_no_door_opens_by_a_foreign_name(dashboard: Dashboard, path: str) -> None:
    for name in FOREIGN:
        problem = problem_of(dashboard.client.get(path, headers={"Host": name}), 421)
        assert "--http-host" in problem["hint"]


def test_nobody_signs_in_by_a_foreign_name(dashboard: Dashboard) -> None:
    refused = dashboard.client.post("/api/session", json={"token": TOKEN}, headers={"Host": "evil.example"})
    problem_of(refused, 421)
    assert "set-cookie" not in refused.headers


def test_own_names_are_taken_with_every_port(dashboard: Dashboard) -> None:
    for name in ("localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:65535", "[::1]:80", "localhost."):
        assert dashboard.client.get("/api/session", headers={"Host": name}).status_code == 200, name


def test_a_name_is_said_once(dashboard: Dashboard) -> None:
    assert asked(dashboard, "/metrics")[0] == 400
    assert asked(dashboard, "/metrics", "Host: localhost", "Host: evil.example")[0] == 400
    assert asked(dashboard, "/metrics", "Host: evil.example", "Host: localhost")[0] == 400
    assert asked(dashboard, "http://localhost/metrics", "Host: evil.example")[0] in (400, 421)
    # No browser asks so; watchdogs do.
    assert asked(dashboard, "/metrics", version="1.0")[0] == 200
    assert asked(dashboard, "/metrics", "Host: evil.example", version="1.0")[0] == 421


def test_proxy_headers_from_anybody_else_count_for_nothing(dashboard: Dashboard) -> None:
    lie = {"Host": "evil.example", "X-Forwarded-Host": "localhost", "Forwarded": "host=localhost"}
    problem_of(dashboard.client.get("/metrics", headers=lie), 421)


def test_names_behind_a_proxy(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    env = environment(
        database.url, BEMI_HTTP_TRUSTED_PROXY="127.0.0.1", BEMI_HTTP_HOST="bemi.example.com,audit"
    )
    dashboard = open_dashboard(start_worker(env=env).wait_ready())

    def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return dashboard.client.get("/api/session", headers=named).status_code

    assert status(Host="bemi.example.com") == 200
    assert status(Host="AUDIT:443") == 200
    assert status(Host="127.0.0.1", X_Forwarded_Host="bemi.example.com") == 200
    assert status(Host="127.0.0.1", X_Forwarded_Host="evil.example") == 421
    assert status(Host="127.0.0.1", X_Forwarded_Host="bemi.example.com, evil.example") == 421
    # A proxy that hands on what the client wrote.
    assert status(Host="evil.example", X_Forwarded_Host="bemi.example.com") == 421
    assert status(Host="example.com") == 421


def test_on_all_addresses_no_name_is_ours(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    worker = start_worker(env=environment(database.url, BEMI_HTTP="0.0.0.0:0")).wait_ready()
    dashboard = open_dashboard(worker)
    with httpx.Client(base_url=dashboard.url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        assert client.get("/api/session", headers={"Host": "192.0.2.1:8080"}).status_code == 200
        problem_of(client.get("/api/session", headers={"Host": "evil.example"}), 421)


@pytest.mark.parametrize("name", ["https://bemi.example.com", "bemi.example.com:443", "*", "a b"])
def test_a_malformed_name_is_refused(database: Database, name: str) -> None:
    refused = bemi("serve", "--http-host", name, env=environment(database.url), check=False)
    assert refused.returncode == 2, refused.stderr
    assert "hint:" in refused.stderr


def test_a_flag_beats_the_variable_and_the_file(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    env = environment(database.url, BEMI_HTTP_HOST="of.variable")
    dashboard = open_dashboard(start_worker("--http-host", "of.flag", env=env).wait_ready())
    assert dashboard.client.get("/metrics", headers={"Host": "of.flag"}).status_code == 200
    problem_of(dashboard.client.get("/metrics", headers={"Host": "of.variable"}), 421)
