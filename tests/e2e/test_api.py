"""The HTTP API: as its description says, for whom it is for, within limits; a stream that loses nothing."""

from __future__ import annotations

import csv
import io
import json
import random
from typing import Any

import httpx
import jsonschema

from e2e.api import DESCRIPTION, SCHEMA, oldest_and_newest, problem_of, schema_of, write
from e2e.conftest import OpenDashboard
from e2e.oracle import sync
from support.bemi import bemi
from support.dashboard import Dashboard, environment
from support.fixtures import Database, StartWorker
from support.seeds import printed_seed

# ---- As it is described ----


@oldest_and_newest
def test_every_answer_is_as_its_description_says(story: Dashboard, database: Database) -> None:
    [(moment,)] = database.sql("select clock_timestamp()::text")
    database.sql("insert into todo values (9)")
    sync(database.url)
    identity = story.changes()[0]["id"]
    asked: dict[str, dict[str, Any]] = {
        "/api/changes": {"limit": 2},
        "/api/changes/{id}": {},
        "/api/histogram": {"buckets": 3},
        "/api/history": {"table": "todo", "key": "1"},
        "/api/as-of": {"table": "todo", "at": moment},
        "/api/diff": {"table": "todo", "from": moment, "to": "now", "allow_stale": True},
        "/api/groups": {"by": "user_id"},
        "/api/trends": {"every": "1 day", "by": "user_id"},
        "/api/tables": {},
        "/api/context-keys": {},
        "/api/context-coverage": {"key": "user_id"},
        "/api/sources": {},
        "/api/session": {},
        "/api/users": {},
        "/api/actions": {},
        "/api/webhooks": {},
        "/api/views": {},
        "/api/managed": {},
        "/healthz": {},
        "/readyz": {},
    }
    people = {"name": "ann@example.org", "role": "viewer", "password": "correct horse battery"}
    assert story.client.post("/api/users", json=people).status_code == 204
    for path, parameters in asked.items():
        answer = story.get(path.replace("{id}", identity), **parameters)
        jsonschema.validate(answer, schema_of(path))
        assert answer, path
    described = {
        path
        for path, methods in DESCRIPTION["paths"].items()
        if "application/json" in str(methods.get("get", {}).get("responses", {}).get("200"))
    }
    assert described - set(asked) - {"/api/marks"} == {"/api/openapi.json"}
    assert story.client.get("/api/openapi.json").json() == DESCRIPTION


def test_digits_are_kept(story: Dashboard) -> None:
    text = story.client.get("/api/changes", params={"operation": "create"}).text
    assert '"amount": 1.50' in text
    assert "12345678901234567890.10" in text


# ---- What a filter selects ----

FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "true"),
    ({"table": "todo"}, "\"table\" = 'todo'"),
    ({"table": "public.plain"}, "\"table\" = 'plain'"),
    ({"table": '"Odd S"."<b>"'}, "\"table\" = '<b>'"),
    ({"primary_key": "1"}, "primary_key = '1'"),
    ({"operation": "update"}, "operation = 'UPDATE'"),
    ({"context": "user_id=42"}, "context ->> 'user_id' = '42'"),
    ({"context": "user_id=7"}, "context ->> 'user_id' = '7'"),
    ({"context": "flag=true"}, "context ? 'flag'"),
    ({"context": ["user_id=42", "request_id=r2"]}, "context ->> 'request_id' = 'r2'"),
    ({"without_context": "user_id"}, "not context ? 'user_id'"),
    ({"without_context": ["endpoint", "flag"]}, "not context ?| array['endpoint', 'flag']"),
    ({"q": "sLEEP"}, "before::text || after::text ilike '%sleep%'"),
    ({"q": "50%_"}, "primary_key = '50%_'"),
    ({"q": "5_"}, "false"),
    ({"q": ["Sleep", "well"]}, "before::text || after::text like '%Sleep well%'"),
    ({"since": "2001-01-01", "until": "2002-01-01"}, "false"),
    ({"transaction": "123456789"}, "false"),
]


def test_each_filter_selects_what_it_says(story: Dashboard, database: Database) -> None:
    for parameters, condition in FILTERS:
        wanted = database.sql(
            f"select id::text from changes where {condition} "
            "order by effective_at desc, commit_position desc, sequence desc"
        )
        for limit in (1, 3, 500):
            found = story.changes(**parameters, limit=limit)
            assert [change["id"] for change in found] == [identity for (identity,) in wanted], parameters
        buckets = story.get("/api/histogram", **parameters)["buckets"]
        assert sum(counts_of(*buckets).values()) == len(wanted), parameters


def counts_of(*buckets: dict[str, Any]) -> dict[str, int]:
    kinds = ("created", "updated", "deleted", "other", "baseline")
    return {kind: sum(bucket[kind] for bucket in buckets) for kind in kinds}


def test_a_checkpoint_is_nothing_that_somebody_created(story: Dashboard, database: Database) -> None:
    def counted() -> dict[str, int]:
        return counts_of(*story.get("/api/histogram")["buckets"])

    before = counted()
    [(written,)] = database.sql("select _bemi.checkpoint((select max(effective_at) from changes), false)")
    assert written > 0
    assert counted() == {**before, "baseline": before["baseline"] + written}
    for points in ("/api/trends?by=operation", "/api/groups?by=operation"):
        assert "SNAPSHOT" not in story.client.get(points).text


def test_pages_hold_each_change_once_while_others_come(story: Dashboard, database: Database) -> None:
    before = [change["id"] for change in story.changes()]
    first = story.get("/api/changes", limit=3)
    write(database, {}, "insert into todo select i from generate_series(100, 130) i")
    sync(database.url)
    rest = []
    cursor = first["next"]
    while cursor:
        page = story.get("/api/changes", limit=2, cursor=cursor)
        rest += page["changes"]
        cursor = page["next"]
    assert [change["id"] for change in first["changes"] + rest] == before


def test_groups_count_what_belongs_together(story: Dashboard) -> None:
    groups = {group["value"]: group for group in story.get("/api/groups", by="user_id")["groups"]}
    assert groups["42"]["changes"] == 3 and groups["42"]["transactions"] == 2
    assert groups["42"]["tables"] == ["public.plain", "public.todo"]
    assert groups["7"]["updated"] == 1 and groups["7"]["deleted"] == 1
    by_table = {group["value"]: group["changes"] for group in story.get("/api/groups", by="table")["groups"]}
    assert by_table["Odd S.<b>"] == 1
    one = story.get("/api/groups", by="transaction", context="request_id=r2")["groups"]
    assert [group["changes"] for group in one] == [2]
    coverage = {row["table"]: row for row in story.get("/api/context-coverage", key="endpoint")["tables"]}
    assert (coverage["todo"]["changes"], coverage["todo"]["with_key"]) == (5, 3)
    asked = {"key": "request_id", "by": "endpoint", "table": "todo"}
    found = [
        (row["by"], row["changes"], row["with_key"])
        for row in story.get("/api/context-coverage", **asked)["tables"]
    ]
    assert found == [(None, 2, 0), ("/todo/2", 1, 0), ("/todo", 2, 2)]


def test_the_past_is_the_same_by_every_door(story: Dashboard, database: Database) -> None:
    env = {"BEMI_SOURCE_URL": database.url}
    lines = bemi("history", "todo", "1", "--format", "json", env=env).stdout.splitlines()
    versions = story.get("/api/history", table="todo", key="1")["versions"]
    assert [(v["version"], v["changed"], v["row"]) for v in versions] == [
        (v["version"], v["changed"], v["row"]) for v in map(json.loads, lines)
    ]
    moment = versions[1]["valid_from"]
    lines = bemi("as-of", moment, "todo", "--format", "json", env=env).stdout.splitlines()
    past = story.get("/api/as-of", table="todo", at=moment, limit=1, offset=1)
    assert past["total"] == len(lines) == 2
    assert past["rows"][0]["row"] == json.loads(lines[1])
    problem_of(story.client.get("/api/as-of", params={"table": "nothing", "at": moment}), 404)
    problem = problem_of(story.client.get("/api/as-of", params={"table": "todo", "at": "2001-01-01"}), 409)
    assert "begins at" in problem["detail"] and problem["hint"] == "ask for a later time"
    problem_of(story.client.get("/api/history", params={"table": "todo", "key": "404"}), 404)


def test_a_file_has_every_change(story: Dashboard) -> None:
    wanted = story.changes()
    lines = story.client.get("/api/export").text.splitlines()
    assert [json.loads(line) for line in lines] == wanted
    response = story.client.get("/api/export", params={"format": "csv", "table": "todo"})
    assert response.headers["content-disposition"] == 'attachment; filename="changes.csv"'
    rows = list(csv.DictReader(io.StringIO(response.text)))
    todo = [change for change in wanted if change["table"] == "todo"]
    assert [row["id"] for row in rows] == [change["id"] for change in todo]
    assert [json.loads(row["after"]) for row in rows] == [change["after"] for change in todo]


def test_a_wrong_parameter_is_named(story: Dashboard) -> None:
    for path, word in [
        ("/api/changes?tabel=todo", "tabel"),
        ("/api/changes?limit=501", "limit"),
        ("/api/changes?limit=x", "limit"),
        ("/api/changes?context=x", "KEY=VALUE"),
        ("/api/changes?cursor=x", "cursor"),
        ("/api/changes?since=yesterday-ish", "timestamp"),
        ("/api/changes?transaction=x", "transaction"),
        ("/api/changes?table=%22", "table"),
        ("/api/changes?q=%00", "UTF-8"),
        ("/api/changes?q=%FF", "UTF-8"),
        ("/api/changes/not-an-id", "uuid"),
        ("/api/histogram?buckets=100000", "buckets"),
        ("/api/export?format=xml", "format"),
        ("/api/stream?since=2001-01-01", "since"),
        ("/api/stream?last_event_id=x", "Last-Event-ID"),
        ("/api/history?table=todo", "key"),
        ("/api/groups", "by"),
        ("/api/trends?every=often", "interval"),
    ]:
        problem = problem_of(story.client.get(path), 400)
        assert word in problem["detail"] + problem.get("hint", ""), path
    problem_of(story.client.get("/api/nothing"), 404)
    problem_of(story.client.get("/api/changes/00000000-0000-8000-8000-000000000000"), 404)
    problem_of(story.client.post("/api/changes"), 405)


# ---- Undo ----


def answer_of(dashboard: Dashboard, path: str, **body: Any) -> dict[str, Any]:
    response = dashboard.client.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    jsonschema.validate(answer, schema_of(path, "post"))
    return answer


def test_undoing_does_what_its_plan_said(story: Dashboard, database: Database) -> None:
    selection = {"context": ["user_id=7"], "operation": "DELETE"}
    plan = answer_of(story, "/api/revert/plan", filter=selection)
    assert plan["applicable"] and plan["changes"] == 1 and plan["tables"][0]["inserts"] == 1
    assert database.sql("select count(*) from todo") == [(1,)]
    refused = story.client.post("/api/revert", json={"filter": selection, "digest": "another"})
    problem_of(refused, 409)
    problem_of(story.client.post("/api/revert", json={"filter": selection}), 400)
    done = answer_of(story, "/api/revert", filter=selection, digest=plan["digest"], reason="by mistake")
    assert database.sql("select id, task, amount::text from todo order by id") == [
        (1, "Sleep well", None),
        (2, "Eat", "1.50"),
    ]
    sync(database.url)
    [change] = story.changes(transaction=done["transaction_id"])
    assert change["context"]["reason"] == "by mistake" and change["context"]["actor"] == "admin"


def test_a_plan_reports_its_conflicts(story: Dashboard, database: Database) -> None:
    # Somebody else completed the to-do since.
    plan = answer_of(story, "/api/revert/plan", filter={"context": "request_id=r1"})
    assert not plan["applicable"] and plan["conflict_count"] == 1
    again = {"filter": {"context": "request_id=r1"}, "digest": plan["digest"]}
    problem_of(story.client.post("/api/revert", json=again), 409)
    assert database.sql("select task from todo where id = 1") == [("Sleep well",)]


def test_a_mark_is_gone_back_to(story: Dashboard, database: Database) -> None:
    answer_of(story, "/api/marks", name="before", comment="a risky step")
    database.sql("update todo set task = 'broken'")
    sync(database.url)
    listed = story.get("/api/marks")
    jsonschema.validate(listed, schema_of("/api/marks"))
    assert [mark["name"] for mark in listed["marks"]] == ["before"]
    answer_of(story, "/api/marks/rollback", name="before")
    assert database.sql("select task from todo") == [("Sleep well",)]
    answer_of(story, "/api/marks/forward", name="before")
    assert database.sql("select task from todo") == [("broken",)]
    assert story.client.delete("/api/marks/before").status_code == 204
    assert story.get("/api/marks") == {"marks": []}


def test_nothing_is_undone_by_a_careless_question(story: Dashboard) -> None:
    for body in [
        {},
        {"filter": {}},
        {"filter": {"tabel": "todo"}},
        {"filter": {"table": "todo"}, "on_conflict": "whatever"},
        {"filter": {"table": "todo"}, "force": True},
        {"filter": {"table": "todo"}, "rows_max": -1},
        {"filter": {"table": "todo"}, "cascade": "yes"},
        [],
    ]:
        problem_of(story.client.post("/api/revert/plan", json=body), 400)
    problem_of(story.client.post("/api/revert/plan", content=b"{"), 400)


# ---- Limits ----


def test_a_request_that_is_too_large_is_refused(dashboard: Dashboard) -> None:
    host = "Host: localhost\r\n"
    assert b" 413 " in dashboard.raw(f"GET / HTTP/1.1\r\n{host}X: {'x' * 20_000}\r\n\r\n".encode())
    huge = f"POST /api/session HTTP/1.1\r\n{host}Content-Length: 2000000\r\n\r\n".encode()
    assert b" 413 " in dashboard.raw(huge)
    dashboard.get("/api/changes")


def test_no_bytes_bring_it_down(dashboard: Dashboard) -> None:
    seed = printed_seed()
    chance = random.Random(seed)
    begin = b"GET /api/changes?q=x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer y\r\nConnection: close\r\n\r\n"
    for _ in range(200):
        request = bytearray(begin)
        for _ in range(chance.randint(1, 8)):
            request[chance.randrange(len(request))] = chance.randrange(256)
        with dashboard.connect() as connection:
            connection.sendall(bytes(request[: chance.randint(1, len(request))]))
            connection.shutdown(1)
            while connection.recv(65536):
                pass
    dashboard.get("/api/changes")


def test_hostile_values_are_values(story: Dashboard) -> None:
    for value in ("'; drop table changes; --", "$1", "%s", "{}", "\\", '"', "x' or 'a'='a", "\u202e"):
        for name in ("table", "primary_key", "source", "q", "operation"):
            response = story.client.get("/api/changes", params={name: value})
            # Not found: no table and no source has such a name.
            is_name = name in ("table", "source")
            assert response.status_code in ((400, 404) if is_name else (200, 400)), response.text
        for path, parameters, key in (
            ("/api/changes", {"context": f"{value}={value}"}, value.partition("=")[0]),
            ("/api/groups", {"by": value}, value),
        ):
            problem = problem_of(story.client.get(path, params=parameters), 404)
            assert problem["detail"] == f"no change has the key {key} in its context"
    assert story.changes()


# ---- For those who watch it ----


def test_health_and_metrics(dashboard: Dashboard, database: Database) -> None:
    write(database, {"user_id": 1}, "insert into todo values (1)")
    database.sql("insert into todo values (2)")
    sync(database.url)
    text = httpx.get(f"{dashboard.url}/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    [(name,)] = database.sql("select current_database()")
    label = f'{{source="{name}"}}'
    assert values["bemi_history_up"] == "1"
    assert float(values[f"bemi_source_changes{label}"]) == 2
    assert float(values[f"bemi_source_changes_with_context{label}"]) == 1
    assert values[f"bemi_slot_active{label}"] == "1"
    assert float(values[f"bemi_source_lag_bytes{label}"]) >= 0
    [source] = dashboard.get("/api/sources")["sources"]
    assert source["slot_known"] and source["slot_active"] and source["open_gaps"] == 0


def test_a_history_that_is_away_is_said_and_comes_back(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    worker = start_worker(env=environment(database.url)).wait_ready()
    dashboard = open_dashboard(worker)
    database.sql("insert into todo values (1)")
    sync(database.url)
    database.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bemi/serve'"
    )
    # A connection that broke is noticed at the first question, and a new one taken.
    answers = [dashboard.client.get("/api/changes").status_code for _ in range(8)]
    assert set(answers) <= {200, 503} and answers[-1] == 200
    assert httpx.get(f"{dashboard.url}/readyz").status_code == 200


def test_serve_needs_a_history(database: Database) -> None:
    done = bemi("serve", "--http", "127.0.0.1:0", env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert done.returncode == 2
    assert "there is no history" in done.stderr and "bemi init" in done.stderr


def test_a_taken_port_is_said(dashboard: Dashboard, database: Database) -> None:
    done = bemi(
        "serve",
        "--http",
        dashboard.url.removeprefix("http://"),
        env={"BEMI_SOURCE_URL": database.url},
        check=False,
    )
    assert done.returncode == 2
    assert "cannot listen on" in done.stderr and "--http" in done.stderr
