"""Sources managed from one place: checked, tracked by a worker each, paused, taken away."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support.bemi import REPOSITORY, Worker, bemi
from support.dashboard import Dashboard
from support.fixtures import Database, oldest_and_newest
from support.signing import Signer, write
from support.waiting import wait_until

KEY = "a key that is long enough to be one, and secret"
TOKEN = "a-token-of-the-tests-that-is-long-enough"
DESCRIPTION: dict[str, Any] = json.loads((REPOSITORY / "contracts/openapi.json").read_text())
SCHEMA = "create table todo (id int primary key, task text, touched int); create table left_out (id int)"


class Place:
    """A history, and databases beside it that are to be tracked."""

    def __init__(self, history: Database) -> None:
        self.history = history
        self.server = history.server
        self.sources: list[str] = []
        self.env = {
            "BEMI_DESTINATION_URL": history.url,
            "BEMI_SECRET_KEY": KEY,
            "BEMI_HTTP": "127.0.0.1:0",
            "BEMI_HTTP_TOKEN": TOKEN,
        }

    def source(self, name: str) -> str:
        unique = f"{self.history.name}_{name}"
        url = self.server.create_database(unique)
        self.sources.append(unique)
        self.server.sql(SCHEMA, dbname=unique)
        return url

    def run(self, url: str, *statements: str) -> None:
        name = url.rsplit("/", 1)[1].split("?")[0]
        for statement in statements:
            self.server.sql(statement, dbname=name)


@pytest.fixture
def place(database: Database) -> Iterator[Place]:
    one = Place(database)
    yield one
    for name in one.sources:
        database.server.drop_database(name)


@contextmanager
def serving(place: Place, log: Path) -> Iterator[Dashboard]:
    server = Worker.start(command="serve", env=place.env, log_file=log)
    dashboard = Dashboard(server, TOKEN)
    try:
        yield dashboard
    finally:
        dashboard.client.close()
        assert server.terminate() == 0


def managed(dashboard: Dashboard) -> dict[str, dict[str, Any]]:
    answer = dashboard.get("/api/managed")
    schema = DESCRIPTION["paths"]["/api/managed"]["get"]["responses"]["200"]["content"]["application/json"]
    jsonschema.validate(answer, {**schema["schema"], "components": DESCRIPTION["components"]})
    return {source["name"]: source for source in answer["sources"]}


def wait_for(dashboard: Dashboard, name: str, state: str) -> dict[str, Any]:
    wait_until(lambda: managed(dashboard).get(name, {}).get("state") == state, f"{name} is {state}")
    return managed(dashboard)[name]


def stored(dashboard: Dashboard, source: str) -> list[str]:
    changes = dashboard.changes(source=source, operation="create")
    return sorted(change["primary_key"] for change in changes)


@oldest_and_newest
def test_two_sources_are_tracked_from_one_place(place: Place, tmp_path: Path) -> None:
    shop, billing = place.source("shop"), place.source("billing")
    with serving(place, tmp_path / "serve.log") as dashboard:
        body = {
            "url": shop,
            "name": "shop",
            "exclude": ["public.left_out"],
            "ignore_columns": ["public.todo.touched"],
        }
        checked = dashboard.client.post("/api/managed/check", json=body).json()
        schema = DESCRIPTION["components"]["schemas"]["CheckedSource"]
        jsonschema.validate(checked, {**schema, "components": DESCRIPTION["components"]})
        assert checked["good"], checked
        tracked = {table["table"]: table["tracked"] for table in checked["tables"]}
        assert tracked == {"todo": True, "left_out": False}
        assert any("create publication" in step["sql"] for step in checked["steps"])
        assert managed(dashboard) == {}
        assert dashboard.client.post("/api/managed", json=body).json() == {"name": "shop"}
        assert (
            dashboard.client.post("/api/managed", json={"url": billing, "name": "billing"}).status_code == 200
        )
        wait_for(dashboard, "shop", "running")
        wait_for(dashboard, "billing", "running")
        place.run(shop, "insert into todo values (1, 'a', 0)", "insert into left_out values (9)")
        place.run(shop, "update todo set touched = 1", "update todo set task = 'b'")
        place.run(billing, "insert into todo values (2, 'x', 0)")
        wait_until(lambda: stored(dashboard, "billing") == ["2"])
        wait_until(lambda: len(dashboard.changes(source="shop", operation="update")) == 1)
        assert stored(dashboard, "shop") == ["1"]
        # The slot of each is known, though this server has no source of its own.
        slots = {
            source["source"]: source["slot_known"] for source in dashboard.get("/api/sources")["sources"]
        }
        assert slots == {"shop": True, "billing": True}
        assert shop not in str(place.history.sql("select * from _bemi.managed_source"))
        pids = [source["pid"] for source in managed(dashboard).values()]
        for pid in pids:
            assert b"postgresql://" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists(), "no worker outlives its supervisor"


@oldest_and_newest
def test_the_workers_verify_with_the_keys_of_the_server(place: Place, tmp_path: Path) -> None:
    shop = place.source("shop")
    app = Signer(place.sources[0])
    place.env["BEMI_CONTEXT_KEY"] = app.setting
    with serving(place, tmp_path / "serve.log") as dashboard:
        assert dashboard.client.post("/api/managed", json={"url": shop, "name": "shop"}).status_code == 200
        worker = wait_for(dashboard, "shop", "running")
        with place.server.connect(dbname=place.sources[0]) as connection:
            write(connection, app.message({"user_id": 42}), "insert into todo values (1, 'a', 0)")
        wait_until(lambda: stored(dashboard, "shop") == ["1"])
        assert [c["context_verified"] for c in dashboard.changes(operation="create")] == [True]
        assert app.secret.encode() not in Path(f"/proc/{worker['pid']}/cmdline").read_bytes()


def test_a_worker_that_ends_is_started_again(place: Place, tmp_path: Path) -> None:
    shop = place.source("shop")
    with serving(place, tmp_path / "serve.log") as dashboard:
        dashboard.client.post("/api/managed", json={"url": shop, "name": "shop"})
        first = wait_for(dashboard, "shop", "running")
        os.kill(first["pid"], signal.SIGKILL)
        wait_until(lambda: managed(dashboard)["shop"]["starts"] > first["starts"])
        wait_for(dashboard, "shop", "running")
        place.run(shop, "insert into todo values (1, 'a', 0)")
        wait_until(lambda: stored(dashboard, "shop") == ["1"])
        # And with the server gone, its workers are: another one begins anew.
    with serving(place, tmp_path / "again.log") as dashboard:
        place.run(shop, "insert into todo values (2, 'a', 0)")
        wait_until(lambda: stored(dashboard, "shop") == ["1", "2"])


def test_a_killed_server_leaves_no_worker_behind(place: Place, tmp_path: Path) -> None:
    shop = place.source("shop")
    server = Worker.start(command="serve", env=place.env, log_file=tmp_path / "serve.log")
    dashboard = Dashboard(server, TOKEN)
    dashboard.client.post("/api/managed", json={"url": shop, "name": "shop"})
    pid = wait_for(dashboard, "shop", "running")["pid"]
    dashboard.client.close()
    server.kill9()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_paused_resumed_and_taken_away(place: Place, tmp_path: Path) -> None:
    shop = place.source("shop")
    with serving(place, tmp_path / "serve.log") as dashboard:
        dashboard.client.post("/api/managed", json={"url": shop, "name": "shop"})
        pid = wait_for(dashboard, "shop", "running")["pid"]
        assert dashboard.client.post("/api/managed/pause", json={"name": "shop"}).status_code == 204
        assert managed(dashboard)["shop"]["state"] == "paused" and not Path(f"/proc/{pid}").exists()
        place.run(shop, "insert into todo values (1, 'a', 0)")
        assert dashboard.client.post("/api/managed/resume", json={"name": "shop"}).status_code == 204
        wait_until(lambda: stored(dashboard, "shop") == ["1"])
        assert dashboard.client.delete("/api/managed/shop").status_code == 204
        assert managed(dashboard) == {}
        slots = place.server.sql(
            "select slot_name from pg_replication_slots where database like %s", f"{place.history.name}%"
        )
        assert slots == []
        assert stored(dashboard, "shop") == ["1"], "the history stays"
        assert dashboard.client.delete("/api/managed/shop").status_code == 404
        done = [action["action"] for action in dashboard.get("/api/actions")["actions"]]
        assert done[1:] == ["source remove", "source resume", "source pause", "source add"]


def test_a_source_that_is_not_ready_is_reported_with_its_fix(place: Place, tmp_path: Path) -> None:
    with serving(place, tmp_path / "serve.log") as dashboard:
        check = "/api/managed/check"
        away = dashboard.client.post(check, json={"url": "postgresql://nobody:secret@127.0.0.1:1/none"})
        assert away.status_code == 400 and "secret" not in away.text
        for wrong in (
            {},
            {"url": ""},
            {"url": "x", "who": 1},
            {"url": "x", "include": "a"},
            {"url": "x", "snapshot": "y"},
        ):
            assert dashboard.client.post(check, json=wrong).status_code == 400, wrong
        # Of a database with a history and a copy of the past, neither is the application's.
        place.history.sql("create schema copied; create table copied.todo (id int)")
        place.history.sql("create table todo (id int primary key)")
        here = dashboard.client.post(check, json={"url": place.history.url}).json()
        assert {(one["schema"], one["table"]) for one in here["tables"]} == {
            ("copied", "todo"),  # made by nobody of ours
            ("public", "todo"),
        }
        shop = place.source("shop")
        role = f"reader_{place.history.name}"
        place.server.sql(f'create role "{role}" login')
        reader = shop.replace("postgres@", f"{role}@", 1)
        found = dashboard.client.post(check, json={"url": reader}).json()
        errors = [finding for finding in found["source"] if finding["severity"] == "error"]
        assert not found["good"] and errors and all(finding["fix"] for finding in errors)
        place.server.sql(f'drop role "{role}"')


def test_a_source_that_fails_says_why(place: Place, tmp_path: Path) -> None:
    shop = place.source("shop")
    with serving(place, tmp_path / "serve.log") as dashboard:
        dashboard.client.post("/api/managed", json={"url": shop, "name": "shop"})
        wait_for(dashboard, "shop", "running")
        dashboard.client.post("/api/managed/pause", json={"name": "shop"})
        [(slot,)] = place.history.sql("select slot from _bemi.source where name = 'shop'")
        place.server.drop_slot(slot)
        dashboard.client.post("/api/managed/resume", json={"name": "shop"})
        failing = wait_for(dashboard, "shop", "failing")
        assert "slot" in failing["last_error"] and failing["lines"]


def test_sources_are_managed_by_command(place: Place, tmp_path: Path) -> None:
    shop = place.source("shop")
    env = {name: place.env[name] for name in ("BEMI_DESTINATION_URL", "BEMI_SECRET_KEY")}
    told = bemi("source", "add", "shop", "--source", shop, "--exclude", "public.left_out", env=env)
    assert "shop is added" in told.stdout
    with serving(place, tmp_path / "serve.log") as dashboard:
        wait_for(dashboard, "shop", "running")
        assert managed(dashboard)["shop"]["exclude"] == ["public.left_out"]
        bemi("source", "pause", "shop", env=env)
        wait_for(dashboard, "shop", "paused")
        [line] = bemi("source", "list", "--format", "json", env=env).stdout.splitlines()
        assert (json.loads(line)["name"], json.loads(line)["state"]) == ("shop", "paused")
        assert shop not in line
        bemi("source", "resume", "shop", env=env)
        wait_for(dashboard, "shop", "running")
        bemi("source", "remove", "shop", env=env)
        assert managed(dashboard) == {}
    nobody = bemi("source", "pause", "none", env=env, check=False)
    assert nobody.returncode == 2 and "no source none" in nobody.stderr
    other = bemi("source", "list", env={**env, "BEMI_SECRET_KEY": "short"}, check=False)
    assert other.returncode == 2 and "32 characters" in other.stderr
    keyless = bemi("source", "list", env={"BEMI_DESTINATION_URL": place.history.url}, check=False)
    assert keyless.returncode == 2 and "BEMI_SECRET_KEY" in keyless.stderr
