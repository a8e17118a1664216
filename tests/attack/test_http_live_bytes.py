"""Walking back from live rows holds no more bytes than an answer may have, whatever is wide: the rows of now, those of
then, or how often one of them was there."""

from __future__ import annotations

import pytest
from e2e.api import problem_of
from e2e.conftest import OpenDashboard
from e2e.oracle import sync

from attack.test_http_large import MORE_AT_MOST, peak_of
from support.bemi import Worker
from support.dashboard import Dashboard, environment
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

# There before the worker was, and never read: only the live rows lead back to them.
SCHEMA = """
create table few (id int primary key, data text);
insert into few select i, repeat('x', 1000) from generate_series(1, 50) i;
create table wide_now (id int primary key, data text);
insert into wide_now select i, repeat(md5(i::text), 32000) from generate_series(1, 60) i;
create table one_row (id int primary key, data jsonb);
insert into one_row values (1, to_jsonb(repeat('x', 150000000)));
create table wide_then (id int primary key, data text);
alter table wide_then replica identity full;
insert into wide_then select i, repeat(md5(i::text), 32000) from generate_series(1, 60) i;
create table often_then (data text);
alter table often_then replica identity full;
insert into often_then select repeat('x', 1000000) from generate_series(1, 60) i;
create table "v" ("v" text, id int primary key, "found" text, "f" text);
insert into v select repeat('x', 1000), i, 'a', 'b' from generate_series(1, 50) i;
"""
TOO_LARGE = ("wide_now", "one_row", "wide_then", "often_then")


@pytest.fixture
def place(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> tuple[Dashboard, Worker]:
    database.sql(SCHEMA)
    start_worker("--snapshot", "none", env={"BEMI_SOURCE_URL": database.url}).wait_ready()
    server = start_worker(command="serve", env=environment(database.url, ASAN_OPTIONS="quarantine_size_mb=8"))
    return open_dashboard(server), server


def moment(database: Database) -> str:
    sync(database.url)
    [[at]] = database.sql("select clock_timestamp()::text")
    database.sql("select pg_sleep(0.01)")
    return str(at)


def test_wide_rows_are_refused_before_they_are_held(
    place: tuple[Dashboard, Worker], database: Database
) -> None:
    dashboard, server = place
    database.sql("update few set data = data || '!' where id = 1")
    then = moment(database)
    database.sql("update few set data = data || '?' where id <= 2")
    database.sql("update v set f = 'c' where id = 1")
    database.sql("update wide_then set data = ''; delete from often_then")
    later = moment(database)
    answers = {"few": dashboard.get("/api/as-of", table="few", at=then, limit=1000)}
    answers["v"] = dashboard.get("/api/as-of", table="v", at=then, limit=1000)

    def ask() -> None:
        for table in TOO_LARGE:
            for path, moments in (
                ("/api/as-of", {"at": then}),
                ("/api/diff", {"from": then, "to": later}),
                ("/api/diff", {"from": later, "to": then}),
            ):
                answer = dashboard.client.get(path, params={"table": table, **moments})
                problem = problem_of(answer, 413)
                assert "MB" in problem["detail"] and problem["hint"], (path, table)

    assert peak_of(server, ask) < MORE_AT_MOST
    for table, answer in answers.items():
        assert answer["total"] == 50, table
    by_key = {row["primary_key"]: row["row"] for row in answers["few"]["rows"]}
    assert by_key["1"]["data"] == "x" * 1000 + "!" and by_key["2"]["data"] == "x" * 1000
    changed = dashboard.get("/api/diff", table="few", **{"from": then, "to": later})
    assert changed["total"] == 2 and {row["operation"] for row in changed["rows"]} == {"UPDATE"}
    assert answers["v"]["rows"][0]["row"]["f"] == "b"
