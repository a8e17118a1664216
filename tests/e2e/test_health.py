"""One judgement of a source's health: the same sentence in `bemi status`, the API, /readyz and the metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from e2e.conftest import OpenDashboard
from e2e.oracle import sync
from support.bemi import bemi
from support.dashboard import Dashboard, environment
from support.fixtures import Database, StartWorker
from support.postgres import Server, available
from support.waiting import wait_until

NO_SOURCE = "The source does not answer. Its changes wait in the WAL that the slot bemi_shop retains"


@pytest.fixture
def shop() -> Iterator[Server]:
    """A source's own server, which a test may stop."""
    with Server.start(available()[-1]) as server:
        server.create_database("shop")
        server.sql("create table item (id int primary key)", dbname="shop")
        yield server


def status(env: dict[str, str]) -> tuple[int, dict[str, Any]]:
    done = bemi("status", "--format", "json", env=env, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found


def metrics(dashboard: Dashboard) -> dict[str, str]:
    text = httpx.get(f"{dashboard.url}/metrics").text
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def health(dashboard: Dashboard) -> dict[str, Any]:
    [source] = dashboard.get("/api/sources")["sources"]
    found: dict[str, Any] = source["health"]
    return found


def test_a_source_that_is_away_is_said_everywhere(
    shop: Server, database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    url = shop.url("shop")
    env = {"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": database.url}
    dashboard = open_dashboard(start_worker(env=environment(url, **env)).wait_ready())
    shop.sql("insert into item values (1)", dbname="shop")
    bemi("sync", env=env)
    assert health(dashboard) == {"level": "good", "sentence": "Up to date", "problems": []}
    ready = httpx.get(f"{dashboard.url}/readyz")
    assert ready.json() == {
        "status": "ready",
        "sources": [{"source": "shop", "level": "good", "sentence": "Up to date"}],
    }
    assert metrics(dashboard)['bemi_source_health{source="shop"}'] == "0"
    code, well = status(env)
    assert (code, well["health"], well["summary"]) == (0, "good", "Up to date")
    shop.stop()
    wait_until(lambda: health(dashboard)["sentence"] == NO_SOURCE)
    code, away = status(env)
    assert (code, away["health"], away["summary"]) == (1, "action", NO_SOURCE)
    # All that the history knows.
    assert away["last_change_at"] == well["last_change_at"] and away["changes"] == well["changes"]
    assert away["slot_active"] is None and "source" in away["source_error"]
    said = bemi("status", env=env, check=False)
    assert said.stdout.startswith(f"shop: {NO_SOURCE}\n") and "hint: check host and port" in said.stderr
    refused = httpx.get(f"{dashboard.url}/readyz")
    assert refused.status_code == 503 and refused.json()["detail"] == f"shop: {NO_SOURCE}"
    now = metrics(dashboard)
    assert now['bemi_source_health{source="shop"}'] == "2"
    assert 'bemi_slot_active{source="shop"}' not in now, "a value of an earlier time"


def test_a_history_that_is_away_leaves_what_the_source_knows(
    shop: Server, database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key)")
    env = {
        "BEMI_SOURCE_URL": database.url,
        "BEMI_SOURCE_NAME": "shop",
        "BEMI_DESTINATION_URL": shop.url("shop"),
    }
    start_worker(env=env).wait_ready()
    shop.stop()
    code, away = status(env)
    assert (code, away["health"]) == (1, "action")
    assert away["summary"].startswith("The history does not answer. Changes wait in the WAL that the slot")
    assert away["slot"] == "bemi_shop" and away["slot_wal_status"] == "reserved"
    assert "changes" not in away and "destination" in away["history_error"]


def test_a_slot_that_nobody_reads_is_never_up_to_date(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key)")
    worker = start_worker().wait_ready()
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    worker.terminate()
    wait_until(lambda: status(env)[1]["slot_active"] is False)
    code, found = status(env)
    assert (code, found["health"]) == (0, "attention"), "a restart needs no action"
    assert found["summary"].startswith("No worker reads the slot")
    database.sql("update _bemi.source set advanced_at = now() - interval '61 s', last_change_at = null")
    database.sql('update _bemi.source set worker = worker || \'{"started_at": "2020-01-01"}\'')
    code, found = status(env)
    assert (code, found["health"]) == (1, "action")


def test_without_a_source_every_source_of_the_history_is_judged(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key)")
    start_worker().wait_ready()
    sync(database.url)
    code, found = status({"BEMI_DESTINATION_URL": database.url})
    assert (code, found["source"], found["health"]) == (0, database.name, "good")
    assert found["context_coverage"] is None, "nothing was written yet"
