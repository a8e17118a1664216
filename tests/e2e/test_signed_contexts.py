"""Whether a context is signed, by every way to read the history: the same answer, and one alarm."""

from __future__ import annotations

import csv
import io
import json

import httpx
import jsonschema
import pytest

from e2e.api import schema_of
from e2e.conftest import OpenDashboard
from e2e.oracle import sync
from support.bemi import BemiError, bemi
from support.dashboard import environment
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.signing import Signer, write

VERDICTS = {"1": True, "2": None, "3": False}


@oldest_and_newest
def test_every_way_to_read_tells_what_is_signed(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql("create table todo (id int primary key, task text)")
    app, forger = Signer(database.name), Signer(database.name)
    env = environment(database.url, BEMI_CONTEXT_KEY=app.setting)
    dashboard = open_dashboard(start_worker(env=env).wait_ready())
    assert dashboard.get("/api/sources")["sources"][0]["contexts_unverified"] == 0
    insert = "insert into todo values (%s, 'a')"
    with database.server.connect(dbname=database.name) as connection, dashboard.events() as events:
        write(connection, app.message({"user_id": 42}), insert, 1)
        write(connection, '{"user_id": 42}', insert, 2)
        write(connection, forger.message({"user_id": 42}), insert, 3)
        sync(database.url)
        streamed = events.take(len(VERDICTS))
    assert {c["primary_key"]: c["context_verified"] for c in streamed} == VERDICTS

    # The command.
    env = {"BEMI_DESTINATION_URL": database.url, "BEMI_SOURCE_URL": database.url}
    lines = bemi("changes", "--table", "todo", "--format", "json", env=env).stdout.splitlines()
    assert {c["primary_key"]: c["context_verified"] for c in map(json.loads, lines)} == VERDICTS
    rows = csv.DictReader(io.StringIO(bemi("changes", "--table", "todo", "--format", "csv", env=env).stdout))
    assert [row["context_verified"] for row in rows] == ["true", "", "false"]
    for verdict, key in (("true", "1"), ("null", "2"), ("false", "3")):
        asked = ("changes", "--table", "todo", "--context-verified", verdict, "--format", "json")
        assert [json.loads(c)["primary_key"] for c in bemi(*asked, env=env).stdout.splitlines()] == [key]
    with pytest.raises(BemiError):
        bemi("changes", "--context-verified", "maybe", env=env)

    # The API.
    page = dashboard.get("/api/changes", table="todo")
    jsonschema.validate(page, schema_of("/api/changes"))
    assert {c["primary_key"]: c["context_verified"] for c in page["changes"]} == VERDICTS
    for verdict, key in (("true", "1"), ("null", "2"), ("false", "3")):
        found = dashboard.changes(table="todo", context_verified=verdict)
        assert [c["primary_key"] for c in found] == [key]
    assert dashboard.client.get("/api/changes", params={"context_verified": "maybe"}).status_code == 400
    exported = dashboard.client.get("/api/export", params={"table": "todo", "format": "csv"})
    said = {row["primary_key"]: row["context_verified"] for row in csv.DictReader(io.StringIO(exported.text))}
    assert said == {"1": "true", "2": "", "3": "false"}

    # The alarm.
    source = dashboard.get("/api/sources")["sources"][0]
    assert source["contexts_unverified"] == 1 and source["health"]["level"] == "attention"
    sentence = "1 context has a signature that does not match. See bemi check"
    assert source["health"]["sentence"] == sentence
    status = json.loads(bemi("status", "--format", "json", env=env, check=False).stdout)
    assert (status["health"], status["summary"], status["contexts_unverified"]) == (
        "attention",
        sentence,
        1,
    )
    # Any role that may log in can cause this much, so it does not take the dashboard away.
    assert httpx.get(f"{dashboard.url}/readyz").status_code == 200
    metric = f'bemi_source_contexts_unverified{{source="{database.name}"}} 1'
    assert metric in httpx.get(f"{dashboard.url}/metrics").text.splitlines()
    checked = bemi("check", env=env, check=False).stdout
    assert "1 message of the key web did not match (wrong mac)" in checked
    database.sql("delete from _bemi.context_finding")
    assert dashboard.get("/api/sources")["sources"][0]["contexts_unverified"] == 0
