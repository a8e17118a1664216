"""Saved views: each person's own, shared where that is allowed, inert whatever their names are."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import jsonschema
import psycopg
import pytest

from e2e.api import problem_of, schema_of
from e2e.conftest import OpenDashboard
from support.bemi import Worker
from support.dashboard import Dashboard
from support.fixtures import Database
from support.waiting import wait_until

PASSWORD = "correct horse battery"
ADDRESS = "/changes?filter=table%3Atodo"


@pytest.fixture
def people(dashboard: Dashboard) -> Iterator[dict[str, httpx.Client]]:
    """Signed in, one of each role."""
    clients = {}
    for role in ("viewer", "operator", "admin"):
        person = {"name": role, "role": role, "password": PASSWORD}
        assert dashboard.client.post("/api/users", json=person).status_code == 204
        client = httpx.Client(base_url=dashboard.url, timeout=60)
        session = client.post("/api/session", json={"name": role, "password": PASSWORD})
        client.headers["X-Bemi-CSRF"] = session.json()["csrf"]
        clients[role] = client
    yield clients
    for client in clients.values():
        client.close()


def views(client: httpx.Client) -> list[tuple[str, str, bool, bool]]:
    answer = client.get("/api/views").json()
    jsonschema.validate(answer, schema_of("/api/views"))
    return [(view["name"], view["owner"], view["shared"], view["own"]) for view in answer["views"]]


def keep(client: httpx.Client, name: str, address: str = ADDRESS, shared: bool = False) -> httpx.Response:
    return client.post("/api/views", json={"name": name, "address": address, "shared": shared})


def test_each_person_has_their_own_and_sees_what_is_shared(
    dashboard: Dashboard, people: dict[str, httpx.Client]
) -> None:
    viewer, operator, admin = people["viewer"], people["operator"], people["admin"]
    assert keep(viewer, "Mine").status_code == 204
    problem_of(keep(viewer, "Ours", shared=True), 403)
    assert keep(operator, "Ours", shared=True).status_code == 204
    assert keep(operator, "Mine").status_code == 204
    assert views(viewer) == [("Mine", "viewer", False, True), ("Ours", "operator", True, False)]
    assert views(operator) == [("Mine", "operator", False, True), ("Ours", "operator", True, True)]
    # Who has the token is somebody too.
    assert views(dashboard.client) == [("Ours", "operator", True, False)]
    assert keep(viewer, "Mine", "/trends?range=7d").status_code == 204
    assert viewer.get("/api/views").json()["views"][0]["address"] == "/trends?range=7d"
    problem_of(viewer.delete("/api/views/Ours"), 404)
    problem_of(viewer.delete("/api/views/Ours?owner=operator"), 403)
    assert admin.delete("/api/views/Ours?owner=operator").status_code == 204
    assert viewer.delete("/api/views/Mine").status_code == 204
    assert views(viewer) == [] and len(views(operator)) == 1


def test_an_unusable_view_is_refused(dashboard: Dashboard) -> None:
    odd = "<img src=x onerror=alert(1)>' -- \" ü"
    assert keep(dashboard.client, odd).status_code == 204
    assert views(dashboard.client)[0][0] == odd
    for name, address in (
        ("", ADDRESS),
        ("a/b", ADDRESS),
        ("x" * 201, ADDRESS),
        ("x", "//elsewhere.example/"),
        ("x", "/\\elsewhere.example/"),
        ("x", "javascript:alert(1)"),
        ("x", "https://elsewhere.example/"),
        ("x", "/" + "x" * 4000),
        ("x\0y", ADDRESS),
    ):
        problem_of(keep(dashboard.client, name, address), 400)
    problem_of(dashboard.client.post("/api/views", json={"name": "x", "address": "/", "owner": "me"}), 400)


def test_nobody_fills_the_history_with_views(dashboard: Dashboard, database: Database) -> None:
    assert keep(dashboard.client, "first").status_code == 204
    database.sql(
        "insert into _bemi.saved_view (owner, name, address) "
        "select owner, 'v' || i, '/' from _bemi.saved_view, generate_series(2, 500) i"
    )
    problem_of(keep(dashboard.client, "one more"), 413)
    assert keep(dashboard.client, "first", "/undo").status_code == 204, "what is there can be changed"


def test_a_server_that_may_not_write_says_so(
    dashboard: Dashboard, database: Database, open_dashboard: OpenDashboard
) -> None:
    role = f"looker_{database.name}"
    database.sql(
        f'create role "{role}" login; grant usage on schema bemi, _bemi to "{role}"; '
        f'grant select on changes to "{role}"; grant select on all tables in schema _bemi to "{role}"'
    )
    url = database.url.replace("postgres@", f"{role}@", 1)
    env = {"BEMI_DESTINATION_URL": url, "BEMI_HTTP_TOKEN": dashboard.token, "BEMI_HTTP": "127.0.0.1:0"}
    server = Worker.start(command="serve", env=env)
    looking = open_dashboard(server)
    assert views(looking.client) == []
    problem_of(keep(looking.client, "x"), 403)
    assert server.terminate() == 0

    def is_dropped() -> bool:
        """The worker, who lets those who read the history ask the views too, may be doing so."""
        try:
            database.sql(f'drop owned by "{role}"; drop role "{role}"')
        except psycopg.errors.DependentObjectsStillExist:
            database.sql(f'drop owned by "{role}"')
            return False
        return True

    wait_until(is_dropped, "the role is dropped")
