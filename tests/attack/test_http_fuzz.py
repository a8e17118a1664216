"""Random requests, by each role and by a stranger: a short run of ./dev fuzz http."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz_http.place import Place, opened
from fuzz_http.requests import ask_at_random, unforeseen

from support.fixtures import Database

SECONDS = 20


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    with opened(database.server, database.name, database.url, tmp_path / "bemi.log") as one:
        yield one


@pytest.mark.parametrize("role", ["admin", "viewer", "nobody"])
def test_random_requests_get_only_what_the_contract_tells_of(place: Place, role: str) -> None:
    result = ask_at_random(place.dashboard.url, SECONDS, place.callers[role], seed=1)
    assert result.code == 0, result.output
    assert result.requests > 20, result.output
    assert place.knows(place.callers[role])
    if role == "nobody":
        assert not {"204"} & set(result.statuses), "a stranger changed something"
    assert place.worker.is_running and place.dashboard.get("/healthz") == {"status": "ok"}
    assert unforeseen("\n".join(place.worker.lines())) == []
