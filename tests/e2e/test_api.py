"""The HTTP API: as its description says, for whom it is for, within limits; a stream that loses nothing."""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from e2e.oracle import sync
from support.bemi import REPOSITORY, Worker, bemi
from support.dashboard import TOKEN, Dashboard, environment
from support.fixtures import Database, StartWorker

DESCRIPTION: dict[str, Any] = json.loads((REPOSITORY / "contracts/openapi.json").read_text())
SCHEMA = """
create table todo (id int primary key, task text, is_completed bool default false, amount numeric);
create table plain (a text, b json);
create schema "Odd S";
create table "Odd S"."<b>" (k text primary key, v text);
"""
oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])


OpenDashboard = Callable[..., Dashboard]


@pytest.fixture
def open_dashboard() -> Iterator[OpenDashboard]:
    opened: list[Dashboard] = []

    def open_one(worker: Worker, token: str = TOKEN) -> Dashboard:
        opened.append(Dashboard(worker, token))
        return opened[-1]

    yield open_one
    for one in opened:
        one.client.close()


@pytest.fixture
def dashboard(database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard) -> Dashboard:
    database.sql(SCHEMA)
    return open_dashboard(start_worker(env=environment(database.url)).wait_ready())


@pytest.fixture
def story(database: Database, dashboard: Dashboard) -> Dashboard:
    """With a history of every kind of change."""
    write(
        database,
        {"user_id": 42, "endpoint": "/todo", "request_id": "r1"},
        "insert into todo values (1, 'Sleep')",
    )
    write(
        database,
        {"user_id": 42, "endpoint": "/todo", "request_id": "r2"},
        "insert into todo values (2, 'Eat', true, 1.50)",
        "insert into plain values ('x', '{\"n\": 12345678901234567890.10}')",
    )
    write(database, {"user_id": "7", "flag": True}, "update todo set task = 'Sleep well' where id = 1")
    database.sql("update todo set is_completed = true where id = 1")
    write(database, {"user_id": 7, "endpoint": "/todo/2"}, "delete from todo where id = 2")
    odd = "<img src=x onerror=alert(1)>', $1 %s {} \\\\ \""
    write(database, {"user_id": odd}, 'insert into "Odd S"."<b>" values (\'50%_\', null)')
    database.sql("truncate plain")
    database.sql("alter table todo add column due date")
    sync(database.url)
    return dashboard


def write(database: Database, context: dict[str, Any], *statements: str) -> None:
    message = json.dumps(context).replace("'", "''")
    database.sql(f"select pg_logical_emit_message(true, '_bemi', '{message}'); " + ";".join(statements))


# ---- As it is described ----


def schema_of(path: str, method: str = "get") -> dict[str, Any]:
    answer = DESCRIPTION["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    return {**answer, "components": DESCRIPTION["components"]}


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    schema = {"$ref": "#/components/schemas/Problem", "components": DESCRIPTION["components"]}
    jsonschema.validate(problem, schema)
    assert problem["status"] == status
    return problem


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
    ({"source": "nowhere"}, "false"),
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
        total = sum(b["created"] + b["updated"] + b["deleted"] + b["other"] for b in buckets)
        assert total == len(wanted), parameters


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


def test_what_is_asked_wrongly_is_said(story: Dashboard) -> None:
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


def test_what_stands_in_the_way_is_told(story: Dashboard, database: Database) -> None:
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


# ---- Who may ----


def test_nothing_is_told_without_a_token(dashboard: Dashboard) -> None:
    with httpx.Client(base_url=dashboard.url) as stranger:
        for path, methods in DESCRIPTION["paths"].items():
            for method, operation in methods.items():
                if operation.get("security") == []:
                    continue
                response = stranger.request(method, path)
                problem_of(response, 401)
                assert response.headers["www-authenticate"] == "Bearer"


def test_a_page_can_do_no_more_than_we_serve(dashboard: Dashboard) -> None:
    with httpx.Client(base_url=dashboard.url) as browser:
        for path in ("/", "/healthz", "/api/changes", "/assets/none.js"):
            headers = browser.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"


def test_wrong_tokens_are_counted(dashboard: Dashboard) -> None:
    with httpx.Client(base_url=dashboard.url) as stranger:
        for _ in range(10):
            problem_of(stranger.post("/api/session", json={"token": "wrong"}), 401)
        response = stranger.post("/api/session", json={"token": TOKEN})
        problem_of(response, 429)
        assert int(response.headers["retry-after"]) > 0
        problem_of(stranger.get("/api/changes", headers={"Authorization": f"Bearer {TOKEN}"}), 429)


def sign_in(browser: httpx.Client, token: str) -> str:
    response = browser.post("/api/session", json={"token": token})
    assert response.status_code == 200, response.text
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    csrf: str = response.json()["csrf"]
    assert csrf
    return csrf


def first_token(worker: Worker) -> str:
    line = worker.wait_for_line(r"^http://\S+/#token=")
    return line.split("#token=")[1].strip()


def test_the_first_token_is_shown_once_and_kept_as_a_hash(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    worker = start_worker("--http", "127.0.0.1:0").wait_ready()
    token = first_token(worker)
    dashboard = open_dashboard(worker, token)
    assert dashboard.get("/api/session")["role"] == "admin"
    assert token not in str(database.sql("select * from _bemi.access_token"))
    with httpx.Client(base_url=dashboard.url) as browser:
        csrf = sign_in(browser, token)
        cookie = browser.cookies.jar
        secrets = [entry.value or "" for entry in cookie]
        assert secrets and secrets[0] not in str(database.sql("select * from _bemi.login_session"))
        assert browser.get("/api/session").json()["csrf"] == csrf
        worker.terminate()
        # Another start shows no token, and a session outlives it.
        again = start_worker("--http", dashboard.url.removeprefix("http://")).wait_ready()
        open_dashboard(again, token).get("/api/changes")
        assert "token=" not in again.log_file.read_text()
        assert browser.get("/api/session").status_code == 200
        problem_of(browser.delete("/api/session"), 403)
        problem_of(browser.delete("/api/session", headers={"X-Bemi-CSRF": "0" * len(csrf)}), 403)
        assert browser.delete("/api/session", headers={"X-Bemi-CSRF": csrf}).status_code == 204
        problem_of(browser.get("/api/session"), 401)
        again.terminate()


def test_a_new_token_ends_the_old_one(
    database: Database, start_worker: StartWorker, tmp_path: Path, open_dashboard: OpenDashboard
) -> None:
    worker = start_worker("--http", "127.0.0.1:0").wait_ready()
    old = first_token(worker)
    worker.terminate()
    env = {"BEMI_SOURCE_URL": database.url}
    server = Worker.start(
        "--new-token", "--http", "127.0.0.1:0", command="serve", env=env, log_file=tmp_path / "serve.log"
    )
    new = first_token(server)
    dashboard = open_dashboard(server, new)
    dashboard.get("/api/changes")
    problem_of(dashboard.client.get("/api/changes", headers={"Authorization": f"Bearer {old}"}), 401)
    assert server.terminate() == 0


PASSWORD = "correct horse battery"


def with_users(dashboard: Dashboard) -> None:
    for role in ("viewer", "operator", "admin"):
        user = {"name": role.title(), "role": role, "password": PASSWORD}
        assert dashboard.client.post("/api/users", json=user).status_code == 204


@contextmanager
def as_user(dashboard: Dashboard, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=dashboard.url, timeout=60) as client:
        response = client.post("/api/session", json={"name": name, "password": PASSWORD})
        assert response.status_code == 200, response.text
        client.headers["X-Bemi-CSRF"] = response.json()["csrf"]
        yield client


def test_each_role_may_do_what_it_is_for(story: Dashboard, database: Database) -> None:
    with_users(story)
    undo = {"filter": {"context": "request_id=r1"}}
    may: dict[str, list[int]] = {}
    for name in ("Viewer", "Operator", "Admin"):
        with as_user(story, name) as client:
            may[name] = [
                client.get("/api/changes").status_code,
                client.post("/api/revert/plan", json=undo).status_code,
                client.post("/api/marks", json={"name": f"of-{name}"}).status_code,
                client.get("/api/actions").status_code,
                client.get("/api/users").status_code,
                client.post("/api/users", json={"name": "x", "role": "viewer"}).status_code,
            ]
    assert may == {
        "Viewer": [200, 403, 403, 403, 403, 403],
        "Operator": [200, 200, 200, 200, 403, 403],
        "Admin": [200, 200, 200, 200, 200, 204],
    }
    kept = str(database.sql("select * from _bemi.dashboard_user"))
    assert "$argon2id$" in kept and PASSWORD not in kept


def test_what_is_done_is_on_record_with_its_outcome(story: Dashboard) -> None:
    with_users(story)
    with as_user(story, "Operator") as client:
        undo = {"filter": {"context": "request_id=r2"}, "reason": "a mistake", "on_conflict": "skip"}
        digest = client.post("/api/revert/plan", json=undo).json()["digest"]
        problem_of(client.post("/api/revert", json={**undo, "digest": "wrong"}), 409)
        assert client.post("/api/revert", json={**undo, "digest": digest}).status_code == 200
        problem_of(client.delete("/api/marks/none"), 400)
    actions = story.get("/api/actions")["actions"]
    deeds = [(one["actor"], one["action"], one["target"], one["outcome"] == "done") for one in actions]
    assert deeds == [
        ("Operator", "mark delete", "none", False),
        ("Operator", "revert", "a mistake", True),
        ("Operator", "revert", "a mistake", False),
        ("admin", "user set", "Admin", True),
        ("admin", "user set", "Operator", True),
        ("admin", "user set", "Viewer", True),
    ]
    assert actions[1]["details"]["filter"] == {"context": "request_id=r2"}
    assert PASSWORD not in json.dumps(actions)
    older = story.get("/api/actions", before=actions[3]["id"])["actions"]
    assert [one["target"] for one in older] == ["Operator", "Viewer"]


def test_a_changed_or_removed_user_is_out_at_once(story: Dashboard) -> None:
    with_users(story)
    with as_user(story, "Admin") as client:
        assert client.get("/api/session").json()["role"] == "admin"
        assert story.client.post("/api/users", json={"name": "Admin", "role": "viewer"}).status_code == 204
        problem_of(client.get("/api/session"), 401)
    with as_user(story, "Admin") as client:
        problem_of(client.get("/api/users"), 403)
        assert story.client.delete("/api/users/Admin").status_code == 204
        problem_of(client.get("/api/session"), 401)
    problem_of(story.client.delete("/api/users/Admin"), 404)


def test_passwords_are_guessed_in_vain(story: Dashboard) -> None:
    with_users(story)
    for bad in (
        {"name": ""},
        {"name": "x", "role": "root"},
        {"name": "x", "password": "short"},
        {"name": "\0"},
    ):
        problem_of(story.client.post("/api/users", json={"role": "viewer", **bad}), 400)
    with httpx.Client(base_url=story.url) as stranger:
        tries = [{"name": "\0"}] + [{"name": "Admin", "password": f"{PASSWORD}{n}"} for n in range(6)]
        tries += [{"name": "nobody", "password": PASSWORD}, {"name": "Admin"}]
        tries += [{"name": "Admin", "password": "\0"}, {"name": "Admin'--", "password": PASSWORD}]
        for one in tries:
            assert stranger.post("/api/session", json=one).status_code in (400, 401)
        problem_of(stranger.post("/api/session", json={"name": "Admin", "password": PASSWORD}), 429)


def test_a_trusted_proxy_says_who_asks(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    behind = environment(
        database.url, BEMI_HTTP_USER_HEADER="X-Forwarded-User", BEMI_HTTP_TRUSTED_PROXY="127.0.0.1"
    )
    dashboard = open_dashboard(start_worker(env=behind).wait_ready())
    with_users(dashboard)
    with httpx.Client(base_url=dashboard.url) as proxy:
        problem_of(proxy.get("/api/session"), 401)
        stranger = proxy.get("/api/session", headers={"X-Forwarded-User": "eve"}).json()
        assert (stranger["name"], stranger["role"]) == ("eve", "viewer")
        operator = {"X-Forwarded-User": "Operator"}
        session = proxy.get("/api/session", headers=operator).json()
        assert session["role"] == "operator"
        # The proxy's own cookie goes along with another site's form.
        problem_of(proxy.post("/api/marks", json={"name": "m"}, headers=operator), 403)
        own = {**operator, "X-Bemi-CSRF": session["csrf"]}
        assert proxy.post("/api/marks", json={"name": "m"}, headers=own).status_code == 200
        problem_of(
            proxy.post("/api/marks", json={"name": "n"}, headers={**own, "X-Forwarded-User": "Admin"}), 403
        )
        # Who guesses is shut out by his own address, not the proxy's.
        for _ in range(11):
            guess = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
            proxy.post("/api/session", json={"token": "wrong"}, headers=guess)
        problem_of(proxy.post("/api/session", json={"token": TOKEN}, headers=guess), 429)
        assert proxy.post("/api/session", json={"token": TOKEN}).status_code == 200


def test_nobody_else_says_who_asks(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    behind = environment(
        database.url, BEMI_HTTP_USER_HEADER="X-Forwarded-User", BEMI_HTTP_TRUSTED_PROXY="192.0.2.1"
    )
    dashboard = open_dashboard(start_worker(env=behind).wait_ready())
    with httpx.Client(base_url=dashboard.url) as stranger:
        problem_of(stranger.get("/api/session", headers={"X-Forwarded-User": "Admin"}), 401)
    refused = bemi(
        "serve", "--http-user-header", "X-User", env={"BEMI_SOURCE_URL": database.url}, check=False
    )
    assert refused.returncode == 2 and "no proxy is trusted" in refused.stderr


def test_another_sites_form_signs_nobody_in(dashboard: Dashboard) -> None:
    with httpx.Client(base_url=dashboard.url) as browser:
        body = json.dumps({"token": TOKEN})
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            problem_of(browser.post("/api/session", content=body, headers={"Content-Type": kind}), 415)


# ---- Limits ----


def test_what_is_too_large_is_refused(dashboard: Dashboard) -> None:
    host = "Host: x\r\n"
    assert b" 413 " in dashboard.raw(f"GET / HTTP/1.1\r\n{host}X: {'x' * 20_000}\r\n\r\n".encode())
    huge = f"POST /api/session HTTP/1.1\r\n{host}Content-Length: 2000000\r\n\r\n".encode()
    assert b" 413 " in dashboard.raw(huge)
    dashboard.get("/api/changes")


def test_no_bytes_bring_it_down(dashboard: Dashboard) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    begin = (
        b"GET /api/changes?q=x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer y\r\nConnection: close\r\n\r\n"
    )
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
            assert response.status_code in (200, 400), response.text
        assert story.get("/api/changes", context=f"{value}={value}")["changes"] == []
        assert story.get("/api/groups", by=value)["groups"] == []
    assert story.changes()


# ---- The live stream ----


def test_the_stream_tells_what_is_stored(dashboard: Dashboard, database: Database) -> None:
    with dashboard.events() as events, dashboard.events(context="user_id=42", operation="update") as narrow:
        write(database, {"user_id": 42}, "insert into todo values (1, 'a'), (2, 'b')")
        write(database, {"user_id": 7}, "update todo set task = 'c'")
        write(database, {"user_id": 42}, "update todo set task = 'd' where id = 2")
        found = events.take(5)
        assert [(c["operation"], c["primary_key"]) for c in found] == [
            ("CREATE", "1"),
            ("CREATE", "2"),
            ("UPDATE", "1"),
            ("UPDATE", "2"),
            ("UPDATE", "2"),
        ]
        assert narrow.next() == found[-1]
        assert found[::-1] == dashboard.get("/api/changes")["changes"]


def test_nothing_is_lost_or_told_twice_over_restarts(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    numbers = itertools.count(1)
    told: list[int] = []
    last: str | None = None
    written = 0
    for turn in range(4):
        worker = start_worker(env=environment(database.url)).wait_ready()
        dashboard = open_dashboard(worker)
        if turn == 0:
            with dashboard.events() as events:
                database.sql("insert into todo values (0)")
                events.next()
                last = events.last_id
        for _ in range(chance.randint(5, 30)):
            written = next(numbers)
            database.sql(f"insert into todo values ({written})")
        with dashboard.events(last=last) as events:
            count = chance.randint(1, written - len(told))
            told += [int(change["primary_key"]) for change in events.take(count)]
            last = events.last_id
        worker.kill9()
    worker = start_worker(env=environment(database.url)).wait_ready()
    with open_dashboard(worker).events(last=last) as events:
        told += [int(change["primary_key"]) for change in events.take(written - len(told))]
    assert told == list(range(1, written + 1)), seed


def test_many_readers_each_get_their_own(dashboard: Dashboard, database: Database) -> None:
    got: dict[int, list[str]] = {}
    barrier = threading.Barrier(21)

    def read(user: int) -> None:
        with dashboard.events(context=f"user_id={user}") as events:
            barrier.wait(30)
            got[user] = [change["primary_key"] for change in events.take(5)]

    readers = [threading.Thread(target=read, args=(user,)) for user in range(20)]
    for reader in readers:
        reader.start()
    barrier.wait(30)
    for number in range(100):
        write(database, {"user_id": number % 20}, f"insert into todo values ({number})")
    for reader in readers:
        reader.join(60)
    assert got == {user: [str(user + 20 * i) for i in range(5)] for user in range(20)}


def read_stream(connection: socket.socket, told: list[int], until: int) -> str | None:
    """Adds the keys of what comes; tells the last event's id when that many are there, or it ends."""
    identity, last, rest = None, None, b""
    while len(told) < until and (piece := connection.recv(1 << 16)):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"id: "):
                identity = line[4:].strip().decode()
            elif line.startswith(b"data: "):
                told.append(int(json.loads(line[6:])["primary_key"]))
                last = identity
    return last


def test_a_slow_reader_holds_up_nobody(database: Database, dashboard: Dashboard) -> None:
    rows = 20_000
    request = f"GET /api/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    slow = dashboard.connect()
    slow.sendall(f"{request}\r\n".encode())
    seen = b""
    while b"retry:" not in seen:
        seen += slow.recv(1)
    with dashboard.events() as quick:
        database.sql(f"insert into todo select i, repeat('x', 1000) from generate_series(1, {rows}) i")
        sync(database.url)  # the worker waits for no reader
        assert quick.take(rows)[-1]["primary_key"] == str(rows)
    dashboard.get("/api/changes")
    told: list[int] = []
    while len(told) < rows:
        # Who takes nothing for half a minute is left; he comes back as a browser does.
        last = read_stream(slow, told, rows)
        slow.close()
        if len(told) < rows:
            assert last
            slow = dashboard.connect()
            slow.sendall(f"{request}Last-Event-ID: {last}\r\n\r\n".encode())
    assert told == list(range(1, rows + 1))


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
