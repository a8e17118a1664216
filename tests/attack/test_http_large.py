"""However large rows are, the server holds few of their bytes, and says what it left out."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from e2e.api import problem_of, schema_of, write
from e2e.conftest import OpenDashboard
from e2e.oracle import sync

from support.bemi import Worker
from support.dashboard import Dashboard, environment
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

HUGE = 100_000_000
MEGABYTE = 1 << 20
# Of the server alone: the largest answer that there may be, a few times over.
MORE_AT_MOST = 100 * MEGABYTE


def memory(process: int, field: str = "VmRSS") -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(field)


@pytest.fixture
def large(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> tuple[Dashboard, Worker]:
    """A row of 100 MB beside small ones, stored by one process and shown by another."""
    csv.field_size_limit(sys.maxsize)
    database.sql("create table blob (id int primary key, data text, note text)")
    worker = start_worker(env={"BEMI_SOURCE_URL": database.url}).wait_ready()
    write(database, {"user_id": 1}, "insert into blob values (1, 'first', 'small')")
    write(database, {"user_id": 2}, f"insert into blob values (2, repeat('y', {HUGE}), 'beside it')")
    write(database, {"user_id": 3}, "insert into blob values (3, 'last', 'small')")
    sync(database.url)
    worker.terminate()
    server = start_worker(command="serve", env=environment(database.url, ASAN_OPTIONS="quarantine_size_mb=8"))
    return open_dashboard(server), server


def peak_of(server: Worker, ask: Callable[[], object]) -> int:
    """How much more than at first the server held at some time while it was asked."""
    before = memory(server.pid)
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")
    ask()
    return memory(server.pid, "VmHWM") - before


def is_cut(change: dict[str, Any]) -> None:
    value = change["after"]["data"]
    assert value.startswith("yyyy") and len(value) < 1000 and f"({HUGE + 2} bytes)" in value
    assert change["truncated"]["after"] == {"data": HUGE + 2}
    assert change["after"]["id"] == 2 and change["after"]["note"] == "beside it"


def pages(dashboard: Dashboard) -> list[dict[str, Any]]:
    """A page may end early, with a cursor for the next one."""
    changes: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = dashboard.get("/api/changes", table="blob", operation="CREATE", **cursor)
        changes += answer["changes"]
        if answer["next"] is None:
            return changes
        cursor = {"cursor": answer["next"]}


def test_a_huge_row_is_told_cut_by_every_door(large: tuple[Dashboard, Worker]) -> None:
    dashboard, server = large
    told: dict[str, list[dict[str, Any]]] = {}

    def ask() -> None:
        told["page"] = pages(dashboard)
        told["one"] = [dashboard.get(f"/api/changes/{told['page'][1]['id']}")]
        lines = dashboard.client.get("/api/export", params={"table": "blob", "operation": "CREATE"}).text
        told["export"] = [json.loads(line) for line in lines.splitlines()]

    assert peak_of(server, ask) < MORE_AT_MOST
    assert [change["primary_key"] for change in told["page"]] == ["3", "2", "1"]
    for changes in told.values():
        [wide] = [change for change in changes if change["primary_key"] == "2"]
        is_cut(wide)
        others = [change for change in changes if change["primary_key"] != "2"]
        assert all("truncated" not in change for change in others)
    jsonschema.validate({"changes": told["page"], "next": None}, schema_of("/api/changes"))
    table = dashboard.client.get(
        "/api/export", params={"table": "blob", "format": "csv", "operation": "CREATE"}
    )
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert "bytes)" in rows[1]["after"] and len(rows[1]["after"]) < 2000


def test_a_huge_row_streams_cut(
    large: tuple[Dashboard, Worker], database: Database, start_worker: StartWorker
) -> None:
    dashboard, server = large
    start_worker(env={"BEMI_SOURCE_URL": database.url}).wait_ready()
    last = None
    with dashboard.events(table="blob") as events:
        database.sql("insert into blob values (4, 'a', 'b')")
        assert events.next()["primary_key"] == "4"
        last = events.last_id
    got: list[dict[str, Any]] = []

    def ask() -> None:
        with dashboard.events(last=last, table="blob") as missed:
            database.sql(
                f"insert into blob select i, repeat('y', {HUGE}), 'beside it' from generate_series(5, 7) i"
            )
            got.extend(missed.take(3))

    assert peak_of(server, ask) < MORE_AT_MOST
    assert [change["primary_key"] for change in got] == ["5", "6", "7"]
    assert all(change["truncated"]["after"] == {"data": HUGE + 2} for change in got)


def test_the_past_of_a_huge_row_is_refused_in_words(large: tuple[Dashboard, Worker]) -> None:
    dashboard, server = large
    [first] = dashboard.changes(table="blob", primary_key="1")
    asked = (
        ("/api/history", {"table": "blob", "key": "2"}),
        (
            "/api/diff",
            {
                "table": "blob",
                "from": first["effective_at"],
                "to": "now",
                "partial": "true",
                "allow_stale": "true",
            },
        ),
        ("/api/as-of", {"table": "blob", "at": "now", "partial": "true", "allow_stale": "true"}),
    )

    def ask() -> None:
        for path, parameters in asked:
            problem = problem_of(dashboard.client.get(path, params=parameters), 413)
            assert "MB" in problem["detail"] and problem["hint"], path

    assert peak_of(server, ask) < MORE_AT_MOST
    assert dashboard.get("/api/history", table="blob", key="1")["versions"]


def test_many_wide_rows_come_a_few_at_a_time(
    large: tuple[Dashboard, Worker], database: Database, start_worker: StartWorker
) -> None:
    dashboard, server = large
    start_worker(env={"BEMI_SOURCE_URL": database.url}).wait_ready()
    # Each just small enough to be told whole.
    database.sql("insert into blob select i, repeat('z', 3900000), '' from generate_series(100, 119) i")
    sync(database.url)
    keys: list[str] = []

    def ask() -> None:
        cursor: dict[str, str] = {}
        while True:
            page = dashboard.client.get("/api/changes", params={"table": "blob", "limit": "500", **cursor})
            assert len(page.content) < 12 * MEGABYTE
            keys.extend(change["primary_key"] for change in page.json()["changes"])
            if page.json()["next"] is None:
                return
            cursor = {"cursor": page.json()["next"]}

    assert peak_of(server, ask) < MORE_AT_MOST
    assert keys == [str(number) for number in (*range(119, 99, -1), 3, 2, 1)]
    with dashboard.client.stream("GET", "/api/export", params={"table": "blob"}) as response:
        count = sum(1 for _ in response.iter_lines())
    assert count == 23
