"""The server reads bodies within bounds, whatever is in them and whoever sends them."""

from __future__ import annotations

import json

import httpx
import pytest
from e2e.api import SCHEMA, problem_of
from e2e.conftest import OpenDashboard

from support.dashboard import Dashboard, environment
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

KEY = "a key that is long enough to be one, and secret"
PASSWORD = "correct horse battery"
DOORS = (
    "session",
    "views",
    "revert/plan",
    "revert",
    "marks",
    "marks/rollback",
    "marks/forward",
    "users",
    "webhooks",
    "webhooks/test",
    "managed",
    "managed/check",
    "managed/pause",
    "managed/resume",
)


@pytest.fixture
def dashboard(database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard) -> Dashboard:
    database.sql(SCHEMA)
    return open_dashboard(start_worker(env=environment(database.url, BEMI_SECRET_KEY=KEY)).wait_ready())


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + "1" + closing * depth


def bodies() -> list[str]:
    deep = [nested(depth) for depth in (65, 1000, 100_000, 400_000)]
    deep += [nested(depth, '{"a":', "}") for depth in (65, 100_000)]
    deep += ["[" * 900_000, '{"name":' * 100_000, "[{" * 100_000]
    named = [f'{{"{field}": {one}}}' for one in deep for field in ("name", "filter", "include")]
    filtered = [f'{{"name": "x", "url": "https://x.example/", "filter": {{"table": {one}}}}}' for one in deep]
    return deep + named + filtered


def test_bodies_nested_too_deeply_are_refused_at_every_door(
    dashboard: Dashboard,
) -> None:
    headers = {"Content-Type": "application/json"}
    for door in DOORS:
        for body in bodies():
            response = dashboard.client.post(f"/api/{door}", content=body, headers=headers)
            if len(body) > 1 << 20:
                problem_of(response, 413)
            else:
                problem_of(response, 400)
    assert dashboard.get("/api/session")["role"] == "admin"


def test_a_viewer_ends_nothing(dashboard: Dashboard) -> None:
    user = {"name": "vera", "role": "viewer", "password": PASSWORD}
    assert dashboard.client.post("/api/users", json=user).status_code == 204
    with httpx.Client(base_url=dashboard.url, timeout=60) as viewer:
        signed_in = viewer.post("/api/session", json={"name": "vera", "password": PASSWORD})
        viewer.headers["X-Bemi-CSRF"] = signed_in.json()["csrf"]
        viewer.headers["Content-Type"] = "application/json"
        body = f'{{"name": {nested(400_000)}, "address": "/x"}}'
        problem_of(viewer.post("/api/views", content=body), 400)
        # Brackets within a text are none.
        kept = {"name": "[" * 100 + '"\\' + "{" * 50, "address": "/changes"}
        assert viewer.post("/api/views", json=kept).status_code == 204


def test_very_many_names_cost_no_time(dashboard: Dashboard) -> None:
    body = json.dumps({f"f{number}": 0 for number in range(60_000)})
    headers = {"Content-Type": "application/json"}
    problem = problem_of(dashboard.client.post("/api/views", content=body, headers=headers), 400)
    assert "too large" in problem["detail"]


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example/",
        "/\t/evil.example/",
        "/\n/evil.example",
        "/\r/evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/a//b",
        "/x\x00",
        "/x\x7f",
        "/\x1b[31m",
        "javascript:alert(1)",
        "https://evil.example/",
        "",
    ],
)
def test_a_saved_view_leads_nowhere_else(dashboard: Dashboard, address: str) -> None:
    problem_of(dashboard.client.post("/api/views", json={"name": "v", "address": address}), 400)


@pytest.mark.parametrize("time", ["infinity", "-infinity", "Infinity "])
def test_no_time_without_end(dashboard: Dashboard, time: str) -> None:
    problem_of(dashboard.client.get("/api/histogram", params={"since": time}), 400)
