"""One's own password: changed by who knows the old one, guessed by nobody, and all other sessions end by it."""

from __future__ import annotations

import httpx
import pytest
from e2e.api import problem_of

from attack.test_http_access import add_user, signed_in
from support.dashboard import Dashboard
from support.fixtures import Database, oldest_and_newest

pytestmark = oldest_and_newest

OLD = "correct horse battery"
NEW = "another horse battery"


def change(client: httpx.Client, old: str, new: str) -> httpx.Response:
    return client.post("/api/session/password", json={"old_password": old, "new_password": new})


def sign_in(dashboard: Dashboard, password: str) -> int:
    with httpx.Client(base_url=dashboard.url, timeout=60) as client:
        return client.post("/api/session", json={"name": "vera", "password": password}).status_code


def test_a_change_ends_all_other_sessions_and_is_on_record(dashboard: Dashboard, database: Database) -> None:
    add_user(dashboard, "vera", "viewer")
    add_user(dashboard, "anna", "viewer")
    with (
        signed_in(dashboard, "vera") as vera,
        signed_in(dashboard, "vera") as thief,
        signed_in(dashboard, "anna") as anna,
    ):
        assert thief.get("/api/session").status_code == 200
        assert change(vera, OLD, NEW).status_code == 204
        problem_of(thief.get("/api/session"), 401)
        assert vera.get("/api/session").status_code == 200
        assert anna.get("/api/session").status_code == 200
    assert sign_in(dashboard, OLD) == 401
    assert sign_in(dashboard, NEW) == 200
    done = dashboard.get("/api/actions")["actions"][0]
    assert (done["actor"], done["action"], done["target"], done["outcome"]) == (
        "vera",
        "password change",
        "vera",
        "done",
    )
    kept = "".join(str(row) for row in database.sql("select to_jsonb(a) from _bemi.action a"))
    assert OLD not in kept and NEW not in kept


def test_without_the_old_password_nothing_changes_and_guesses_end(dashboard: Dashboard) -> None:
    add_user(dashboard, "vera", "viewer")
    with signed_in(dashboard, "vera") as thief:
        answers = [change(thief, f"guess {number}", NEW).status_code for number in range(12)]
        assert answers == [403] * 10 + [429] * 2
        # Not even the right one, until the minute is over.
        problem_of(change(thief, OLD, NEW), 429)
        assert thief.get("/api/session").status_code == 200
    failed = [one for one in dashboard.get("/api/actions")["actions"] if one["action"] == "password change"]
    assert len(failed) == 10 and {one["outcome"] for one in failed} == {"the old password is another one"}


@pytest.mark.parametrize("new", ["", "short", "x" * 1025, "Vera-of-the-tests", "vera-of-the-tests"])
def test_a_new_one_that_will_not_do_is_refused(dashboard: Dashboard, new: str) -> None:
    add_user(dashboard, "vera-of-the-tests", "viewer")
    with signed_in(dashboard, "vera-of-the-tests") as vera:
        problem_of(change(vera, OLD, new), 400)
    body = {"name": "vera-of-the-tests", "role": "viewer", "password": new}
    if new:
        problem_of(dashboard.client.post("/api/users", json=body), 400)


def test_another_sites_form_changes_none(dashboard: Dashboard) -> None:
    add_user(dashboard, "vera", "viewer")
    with signed_in(dashboard, "vera") as vera:
        del vera.headers["X-Bemi-CSRF"]
        problem_of(change(vera, OLD, NEW), 403)
    assert sign_in(dashboard, OLD) == 200


def test_a_token_has_no_password(dashboard: Dashboard) -> None:
    problem_of(change(dashboard.client, OLD, NEW), 409)
    with httpx.Client(base_url=dashboard.url) as stranger:
        problem_of(change(stranger, OLD, NEW), 401)
