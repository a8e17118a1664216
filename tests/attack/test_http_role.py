"""`bemi serve` needs no more than the dashboard's role, and whoever asks it gets no more than that role may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest
from e2e.api import DESCRIPTION, SCHEMA, problem_of, schema_of, write
from e2e.conftest import OpenDashboard
from e2e.oracle import sync

from attack.conftest import NewRole
from attack.roles import Role
from attack.test_destination import member_name
from support.bemi import bemi
from support.dashboard import Dashboard
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

KEY = "a key that is long enough to be one, and secret"
PASSWORD = "correct horse battery"
SAMPLES = {
    "table": "todo",
    "key": "1",
    "at": "now",
    "from": "now",
    "to": "now",
    "by": "operation",
    "allow_stale": "true",
}


@pytest.fixture
def role(database: Database, new_role: NewRole, start_worker: StartWorker) -> Role:
    """Its only right is its membership; the history has something in it."""
    database.sql(SCHEMA)
    bemi("init", env={"BEMI_SOURCE_URL": database.url})
    start_worker("--snapshot", "initial").wait_ready()
    write(database, {"user_id": 42}, "insert into todo values (1, 'Sleep')")
    write(database, {"user_id": 7}, "update todo set task = 'Run' where id = 1")
    sync(database.url)
    clerk = new_role("clerk")
    database.sql(f'grant "{member_name(database, "dashboard")}" to "{clerk.name}"')
    return clerk


@pytest.fixture(params=["", KEY], ids=["alone", "managing"])
def served(
    role: Role, start_worker: StartWorker, open_dashboard: OpenDashboard, request: pytest.FixtureRequest
) -> Dashboard:
    env = {"BEMI_SOURCE_URL": role.url, "BEMI_DESTINATION_URL": role.url, "BEMI_HTTP": "127.0.0.1:0"}
    if request.param:
        env["BEMI_SECRET_KEY"] = request.param
    # The first token is made by this role, and shown.
    server = start_worker(command="serve", env=env)
    token = server.wait_for_line(r"^http://\S+/#token=").split("#token=")[1].strip()
    return open_dashboard(server, token)


def reading(served: Dashboard) -> Iterator[tuple[str, httpx.Response]]:
    for path, methods in DESCRIPTION["paths"].items():
        if "get" not in methods or path in ("/api/stream",) or "{" in path:
            continue
        known = {one.get("name") for one in methods["get"].get("parameters", [])}
        asked = {name: value for name, value in SAMPLES.items() if name in known}
        yield path, served.client.get(path, params=asked)


def test_everything_can_be_looked_at(served: Dashboard) -> None:
    for path, response in reading(served):
        assert response.status_code == 200, (path, response.text)
        if response.headers["content-type"] == "application/json" and path != "/api/openapi.json":
            jsonschema.validate(response.json(), schema_of(path))
    [newest, *_] = served.changes(table="todo")
    assert served.get(f"/api/changes/{newest['id']}")["after"]["task"] == "Run"
    with served.events(table="todo"):
        pass


def test_people_views_and_tokens_are_kept(served: Dashboard) -> None:
    client = served.client
    user = {"name": "vera", "role": "operator", "password": PASSWORD}
    assert client.post("/api/users", json=user).status_code == 204
    assert client.post("/api/views", json={"name": "v", "address": "/changes"}).status_code == 204
    with httpx.Client(base_url=served.url) as vera:
        entered = vera.post("/api/session", json={"name": "vera", "password": PASSWORD})
        assert entered.status_code == 200
        vera.headers["X-Bemi-CSRF"] = entered.json()["csrf"]
        new = {"old_password": PASSWORD, "new_password": PASSWORD + "!"}
        assert vera.post("/api/session/password", json=new).status_code == 204
        assert vera.delete("/api/session").status_code == 204
    assert client.delete("/api/views/v").status_code == 204
    assert client.delete("/api/users/vera").status_code == 204
    done = [one["action"] for one in served.get("/api/actions")["actions"]]
    assert done == ["user remove", "password change", "user set"]


def stored(database: Database) -> dict[str, Any]:
    """What no clerk may change."""
    kept: dict[str, Any] = {}
    for table in (
        "changes",
        "todo",
        "_bemi.role",
        "_bemi.migration",
        "_bemi.mark",
        "_bemi.coverage",
    ):
        kept[table] = database.sql(f"select to_jsonb(t)::text from {table} t order by 1")
    # The worker goes on meanwhile.
    kept["_bemi.source"] = database.sql("select name, database, slot, publication, epoch from _bemi.source")
    return kept


def test_operations_beyond_the_role_fail(served: Dashboard, role: Role) -> None:
    database = role.database
    client = served.client
    [newest, *_] = served.changes(table="todo")
    # Marks are the dashboard's to make, and to take away; what they are made for is not.
    made = client.post("/api/marks", json={"name": "m"})
    assert made.status_code == 200, made.text
    database.sql("update todo set task = 'Walk' where id = 1")
    sync(database.url)
    before = stored(database)
    wish = {"filter": {"ids": [newest["id"]]}}
    undoing: dict[str, dict[str, Any]] = {
        "/api/revert/plan": wish,
        "/api/revert": {**wish, "digest": "x", "on_conflict": "force"},
        "/api/marks/rollback": {"name": "m", "force": True},
    }
    for path, body in undoing.items():
        problem_of(client.post(path, json=body), 403)
    tried = {
        "/api/marks/forward": {"name": "m"},
        "/api/managed/pause": {"name": database.name},
        "/api/managed/resume": {"name": database.name},
    }
    for path, body in tried.items():
        response = client.post(path, json=body)
        problem_of(response, response.status_code)
        assert 400 <= response.status_code < 500, (path, response.text)
    for text in (
        "todo'; delete from changes; --",
        "changes",
        "_bemi.access_token",
        'x"; drop table changes; --',
    ):
        for path in ("/api/changes", "/api/export", "/api/histogram"):
            client.get(path, params={"table": text, "q": text, "source": text})
        for path in ("/api/history", "/api/as-of", "/api/diff"):
            response = client.get(path, params={**SAMPLES, "table": text})
            assert response.status_code in (400, 404, 409), (path, text, response.text)
    assert stored(database) == before
    # The log of it all cannot be undone either.
    assert database.sql("select count(*) > 0 from _bemi.action")[0][0]
