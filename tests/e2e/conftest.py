"""Dashboards that tests ask; one with a short history of every kind of change."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.api import SCHEMA, write
from e2e.oracle import sync
from support.bemi import Worker
from support.dashboard import TOKEN, Dashboard, environment
from support.fixtures import Database, StartWorker

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
