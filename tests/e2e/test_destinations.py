"""Destinations of a source's own: made for it, kept sealed, with the rights and retention that it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from e2e.test_control import Place, managed, serving, stored, wait_for
from support.bemi import bemi
from support.dashboard import Dashboard
from support.fixtures import Database, StartWorker
from support.postgres import Server, available
from support.waiting import wait_until

HOSTILE = "O'Brien\"; drop database postgres; --\\ $x$ ü"
oldest_and_newest = pytest.mark.parametrize("elsewhere", [14, 18], indirect=True, ids=["pg14", "pg18"])
newest = pytest.mark.parametrize("elsewhere", available()[-1:], indirect=True)


@pytest.fixture
def place(database: Database) -> Iterator[Place]:
    one = Place(database)
    yield one
    for name in one.sources:
        database.server.drop_database(name)


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Another server, which asks for passwords."""
    with Server.start(request.param, auth="scram") as server:
        yield server


def administrator(server: Server, rights: str = "createdb createrole") -> str:
    """As managed services give it: no superuser."""
    server.sql(f"create role keeper login {rights} password 'kept'")
    return server.url(user="keeper", password="kept")


def add(dashboard: Dashboard, url: str, **more: Any) -> Any:
    return dashboard.client.post("/api/managed", json={"url": url, "name": "shop", **more})


def new(admin_url: str, database: str = "history", **more: Any) -> dict[str, Any]:
    return {"admin_url": admin_url, "database": database, **more}


def names(server: Server) -> tuple[set[str], set[str]]:
    databases = {name for (name,) in server.sql("select datname from pg_database")}
    return databases, {name for (name,) in server.sql("select rolname from pg_roles")}


@oldest_and_newest
def test_a_destination_is_made_and_nothing_else_may_be_done_with_it(
    place: Place, elsewhere: Server, tmp_path: Path
) -> None:
    shop, admin = place.source("shop"), administrator(elsewhere)
    with serving(place, tmp_path / "serve.log") as dashboard:
        body = {"url": shop, "name": "shop", "new_destination": new(admin, role="writer")}
        before = names(elsewhere)
        checked = dashboard.client.post("/api/managed/check", json=body).json()
        assert checked["good"], checked
        assert [finding["subject"] for finding in checked["destination"]] == [
            "database history",
            "role writer",
        ]
        assert names(elsewhere) == before, "looking changes nothing"
        assert add(dashboard, shop, new_destination=new(admin, role="writer")).json() == {"name": "shop"}
        running = wait_for(dashboard, "shop", "running")
        assert running["destination"] == f"history at {elsewhere.host}:{elsewhere.port}"
        place.run(shop, "insert into todo values (1, 'a', 0)")
        wait_until(lambda: elsewhere.sql("select count(*) from changes", dbname="history") == [(1,)])
        assert stored(dashboard, "shop") == [], "it is there, not here"
        assert dashboard.get("/api/sources")["sources"] == []
        # The worker has its addresses by its environment, which nobody else sees.
        assert b"history" not in Path(f"/proc/{running['pid']}/cmdline").read_bytes()
        kept = str(place.history.sql("select * from _bemi.managed_source, _bemi.action"))
        assert "kept" not in kept and "password" not in kept and admin not in kept
    rights = elsewhere.sql(
        "select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin "
        "from pg_roles where rolname = 'writer'"
    )
    assert rights == [(False, False, False, False, False, True)]
    owner = elsewhere.sql("select pg_get_userbyid(datdba) from pg_database where datname = 'history'")
    assert owner == [("keeper",)]
    elsewhere.sql("create role passer_by login password 'x'")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(elsewhere.url("history", "passer_by", "x"))


@newest
def test_hostile_names_are_names(place: Place, elsewhere: Server, tmp_path: Path) -> None:
    shop = place.source("shop")
    with serving(place, tmp_path / "serve.log") as dashboard:
        added = add(dashboard, shop, new_destination=new(elsewhere.url(), HOSTILE))
        assert added.status_code == 200, added.text
        wait_for(dashboard, "shop", "running")
        place.run(shop, "insert into todo values (1, 'a', 0)")
        wait_until(lambda: elsewhere.sql("select count(*) from changes", dbname=HOSTILE) == [(1,)])
        databases, roles = names(elsewhere)
        assert HOSTILE in databases and HOSTILE in roles and "postgres" in databases
        for wrong in (new(elsewhere.url(), ""), new(elsewhere.url(), "x" * 64), new("", "good"), {"x": 1}):
            assert add(dashboard, shop, name="other", new_destination=wrong).status_code == 400, wrong


@newest
def test_existing_databases_and_roles_are_left_alone_unless_asked_for(
    place: Place, elsewhere: Server, tmp_path: Path
) -> None:
    shop, admin = place.source("shop"), elsewhere.url()
    elsewhere.sql("create database history")
    elsewhere.sql("create role history login password 'theirs'")
    with serving(place, tmp_path / "serve.log") as dashboard:
        body = {"url": shop, "new_destination": new(admin)}
        checked = dashboard.client.post("/api/managed/check", json=body).json()
        assert not checked["good"]
        assert {finding["severity"] for finding in checked["destination"]} == {"error"}
        refused = add(dashboard, shop, new_destination=new(admin))
        assert refused.status_code == 409 and "is there already" in refused.json()["detail"]
        psycopg.connect(elsewhere.url("history", "history", "theirs")).close()
        added = add(dashboard, shop, new_destination=new(admin, take_over=True))
        assert added.status_code == 200, added.text
        wait_for(dashboard, "shop", "running")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(elsewhere.url("history", "history", "theirs"))
        # Nobody's administrator becomes a worker.
        powerful = new(admin, "another", role="postgres", take_over=True)
        assert add(dashboard, shop, name="other", new_destination=powerful).status_code == 409


@newest
def test_a_destination_that_cannot_be_made_leaves_nothing_behind(
    place: Place, elsewhere: Server, tmp_path: Path
) -> None:
    shop = place.source("shop")
    weak = administrator(elsewhere, "createrole")
    elsewhere.sql("create database theirs")
    with serving(place, tmp_path / "serve.log") as dashboard:
        before = names(elsewhere)
        refused = add(dashboard, shop, new_destination=new(weak))
        assert refused.status_code == 409 and "alter role" in refused.json()["hint"]
        # A database of somebody else's: there, a grant of ours would be a warning and no right.
        refused = add(dashboard, shop, new_destination=new(weak, "theirs", role="mine", take_over=True))
        assert refused.status_code == 403, refused.text
        away = add(dashboard, shop, new_destination=new("postgresql://x:secret@127.0.0.1:1/none"))
        assert away.status_code == 400 and "secret" not in away.text
        assert names(elsewhere) == before
        assert managed(dashboard) == {}


@newest
def test_a_source_names_a_destination_that_is_there(place: Place, elsewhere: Server, tmp_path: Path) -> None:
    shop = place.source("shop")
    there = elsewhere.create_database("audit")
    with serving(place, tmp_path / "serve.log") as dashboard:
        added = add(dashboard, shop, destination_url=there, retention=["90d", "todo=30d"])
        assert added.status_code == 200, added.text
        running = wait_for(dashboard, "shop", "running")
        assert running["retention"] == ["90d", "todo=30d"]
        words = Path(f"/proc/{running['pid']}/cmdline").read_bytes().split(b"\0")
        assert words.count(b"--retention") == 2 and b"todo=30d" in words
        assert not any(b"postgresql://" in word for word in words)
        place.run(shop, "insert into todo values (1, 'a', 0)")
        wait_until(lambda: elsewhere.sql("select count(*) from changes", dbname="audit") == [(1,)])
        moved = add(dashboard, shop)
        assert moved.status_code == 409 and "tracked already" in moved.json()["detail"]
        assert add(dashboard, shop, destination_url=there, retention=["soon"]).status_code == 400
        assert dashboard.client.delete("/api/managed/shop").status_code == 204
        assert elsewhere.sql("select count(*) from changes", dbname="audit") == [(1,)]
        assert elsewhere.sql("select count(*) from _bemi.source", dbname="audit") == [(0,)]


def test_one_destination_has_one_retention(place: Place, start_worker: StartWorker, tmp_path: Path) -> None:
    shop, billing = place.source("shop"), place.source("billing")
    with serving(place, tmp_path / "serve.log") as dashboard:
        assert add(dashboard, shop, retention=["90d"]).status_code == 200
        wait_for(dashboard, "shop", "running")
        refused = add(dashboard, billing, name="billing")
        assert refused.status_code == 409 and "shop" in refused.json()["detail"]
        assert add(dashboard, billing, name="billing", retention=["90d"]).status_code == 200
        wait_for(dashboard, "billing", "running")
        # A worker elsewhere, of whose retention nobody here knows.
        env = {"BEMI_SOURCE_URL": place.source("third"), "BEMI_DESTINATION_URL": place.history.url}
        start_worker(env={**env, "BEMI_SOURCE_NAME": "third"}).wait_ready()
        assert add(dashboard, shop, retention=["30d"]).status_code == 409


def test_a_worker_elsewhere_is_listed_with_where_it_runs(
    place: Place, start_worker: StartWorker, tmp_path: Path
) -> None:
    env = {"BEMI_SOURCE_URL": place.source("far"), "BEMI_DESTINATION_URL": place.history.url}
    worker = start_worker(env={**env, "BEMI_SOURCE_NAME": "far"}).wait_ready()
    with serving(place, tmp_path / "serve.log") as dashboard:
        [source] = dashboard.get("/api/sources")["sources"]
        assert source["source"] == "far" and source["slot_known"] is False
        version = bemi("--version").stdout.split()[1]
        assert (source["worker"]["pid"], source["worker"]["version"]) == (worker.pid, version)
        assert source["worker"]["host"] and source["worker"]["here"] is False
        [(heard,)] = place.history.sql(
            "select now() - %s::timestamptz between '0' and '1 minute'", source["heard_at"]
        )
        assert heard
        assert managed(dashboard) == {}, "it is not controlled from here"
    # One that never said who it is, as older ones.
    place.history.sql("update _bemi.source set worker = null")
    with serving(place, tmp_path / "again.log") as dashboard:
        assert dashboard.get("/api/sources")["sources"][0]["worker"] is None


@newest
def test_a_destination_is_made_by_command(place: Place, elsewhere: Server) -> None:
    shop, admin = place.source("shop"), administrator(elsewhere)
    env = {name: place.env[name] for name in ("BEMI_DESTINATION_URL", "BEMI_SECRET_KEY")}
    flags = ("--source", shop, "--retention", "90d", "--provision-database", "history")
    bemi("source", "add", "shop", *flags, env={**env, "BEMI_PROVISION_URL": admin})
    [line] = bemi("source", "list", "--format", "json", env=env).stdout.splitlines()
    assert json.loads(line)["destination"] == f"history at {elsewhere.host}:{elsewhere.port}"
    assert "history" in names(elsewhere)[0]
    again = bemi("source", "add", "shop", *flags, env={**env, "BEMI_PROVISION_URL": admin}, check=False)
    assert again.returncode == 1 and "tracked already" in again.stderr
    there = elsewhere.create_database("audit")
    bemi("source", "add", "other", "--source", shop, "--own-destination", there, env=env)
    places = [
        json.loads(line)["destination"]
        for line in bemi("source", "list", "--format", "json", env=env).stdout.splitlines()
    ]
    assert places == [
        f"audit at {elsewhere.host}:{elsewhere.port}",
        f"history at {elsewhere.host}:{elsewhere.port}",
    ]
