"""Random requests, with a token and without: a short run of ./dev fuzz http."""

from __future__ import annotations

import pytest
from e2e.conftest import OpenDashboard
from fuzz_http.place import KEY, SCHEMA, fill
from fuzz_http.requests import ask_at_random, unforeseen

from support.bemi import Worker
from support.dashboard import TOKEN, Dashboard, environment
from support.fixtures import Database, StartWorker

SECONDS = 20


@pytest.fixture
def place(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> tuple[Dashboard, Worker]:
    database.sql(SCHEMA)
    worker = start_worker(env=environment(database.url, BEMI_SECRET_KEY=KEY)).wait_ready()
    fill(database.server, database.name, database.url)
    return open_dashboard(worker), worker


@pytest.mark.parametrize("token", [TOKEN, None], ids=["an admin", "a stranger"])
def test_random_requests_get_only_what_the_contract_tells_of(
    place: tuple[Dashboard, Worker], token: str | None
) -> None:
    dashboard, worker = place
    result = ask_at_random(dashboard.url, SECONDS, seed=1, token=token)
    assert result.code == 0, result.output
    assert result.requests > 20, result.output
    if token is None:
        assert not {"204"} & set(result.statuses), "a stranger changed something"
    assert worker.is_running and dashboard.get("/healthz") == {"status": "ok"}
    assert unforeseen("\n".join(worker.lines())) == []
