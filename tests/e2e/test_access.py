"""Who may use the dashboard and its API: tokens, people with roles, proxies; and what is on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from e2e.api import DESCRIPTION, SCHEMA, problem_of
from e2e.conftest import OpenDashboard
from support.bemi import Worker, bemi
from support.dashboard import TOKEN, Dashboard, environment
from support.fixtures import Database, StartWorker


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
        # What is right is never refused: others may come from the same address.
        assert stranger.get("/api/changes", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        problem_of(stranger.get("/api/changes", headers={"Authorization": "Bearer wrong"}), 429)


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
        problem_of(
            browser.delete("/api/session", headers={"X-Bemi-CSRF": "0" * len(csrf)}),
            403,
        )
        assert browser.delete("/api/session", headers={"X-Bemi-CSRF": csrf}).status_code == 204
        problem_of(browser.get("/api/session"), 401)
        again.terminate()


def test_a_new_token_ends_the_old_one(
    database: Database,
    start_worker: StartWorker,
    tmp_path: Path,
    open_dashboard: OpenDashboard,
) -> None:
    worker = start_worker("--http", "127.0.0.1:0").wait_ready()
    old = first_token(worker)
    worker.terminate()
    env = {"BEMI_SOURCE_URL": database.url}
    server = Worker.start(
        "--new-token",
        "--http",
        "127.0.0.1:0",
        command="serve",
        env=env,
        log_file=tmp_path / "serve.log",
    )
    new = first_token(server)
    dashboard = open_dashboard(server, new)
    dashboard.get("/api/changes")
    problem_of(
        dashboard.client.get("/api/changes", headers={"Authorization": f"Bearer {old}"}),
        401,
    )
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


def test_each_action_is_recorded_with_its_outcome(story: Dashboard) -> None:
    with_users(story)
    with as_user(story, "Operator") as client:
        undo = {
            "filter": {"context": "request_id=r2"},
            "reason": "a mistake",
            "on_conflict": "skip",
        }
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


def test_readers_and_exports_are_recorded(story: Dashboard) -> None:
    with_users(story)
    with as_user(story, "Viewer") as client:
        for _ in range(3):
            assert client.get("/api/changes", params={"table": "todo"}).status_code == 200
        assert client.get("/api/history", params={"table": "todo", "key": "1"}).status_code == 200
        for form in ("csv", "jsonl"):
            assert client.get("/api/export", params={"table": "todo", "format": form}).status_code == 200
        problem_of(client.get("/api/users"), 403)
    told = story.get("/api/actions", reads=True)["actions"]
    mine = [
        (one["action"], one["target"], one["outcome"]) for one in reversed(told) if one["actor"] == "Viewer"
    ]
    assert mine == [
        ("read", "/api/changes", "done"),
        ("read", "/api/history", "done"),
        ("export", "csv", "done"),
        ("export", "jsonl", "done"),
    ]
    [export] = [one for one in told if one["target"] == "csv"]
    assert export["details"] == {"table": "todo", "format": "csv"}
    deeds = story.get("/api/actions")["actions"]
    assert "read" not in {one["action"] for one in deeds}
    assert "export" in {one["action"] for one in deeds}


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
        tries += [
            {"name": "Admin", "password": "\0"},
            {"name": "Admin'--", "password": PASSWORD},
        ]
        for one in tries:
            assert stranger.post("/api/session", json=one).status_code in (400, 401)
        problem_of(
            stranger.post("/api/session", json={"name": "Admin", "password": PASSWORD}),
            429,
        )


def test_a_trusted_proxy_says_who_asks(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(SCHEMA)
    behind = environment(
        database.url,
        BEMI_HTTP_USER_HEADER="X-Forwarded-User",
        BEMI_HTTP_TRUSTED_PROXY="127.0.0.1",
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
            proxy.post(
                "/api/marks",
                json={"name": "n"},
                headers={**own, "X-Forwarded-User": "Admin"},
            ),
            403,
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
        database.url,
        BEMI_HTTP_USER_HEADER="X-Forwarded-User",
        BEMI_HTTP_TRUSTED_PROXY="192.0.2.1",
    )
    dashboard = open_dashboard(start_worker(env=behind).wait_ready())
    with httpx.Client(base_url=dashboard.url) as stranger:
        problem_of(stranger.get("/api/session", headers={"X-Forwarded-User": "Admin"}), 401)
    refused = bemi(
        "serve",
        "--http-user-header",
        "X-User",
        env={"BEMI_SOURCE_URL": database.url},
        check=False,
    )
    assert refused.returncode == 2 and "no proxy is trusted" in refused.stderr


def test_another_sites_form_signs_nobody_in(dashboard: Dashboard) -> None:
    with httpx.Client(base_url=dashboard.url) as browser:
        body = json.dumps({"token": TOKEN})
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            problem_of(
                browser.post("/api/session", content=body, headers={"Content-Type": kind}),
                415,
            )
