"""Shared by all tests below. The fixtures are a plugin so that python/tests can use them too."""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path

import pytest

from support.postgres import available

pytest_plugins = ["support.fixtures"]

# Attacks run on both majors each time: a door that is open on one of them is open. Those on the HTTP server meet no
# PostgreSQL; `./dev attack` runs them on both, too.
HALVED = ("e2e/", "schemas/", "attack/test_http_")
OLDEST_AND_NEWEST = [14, 18]  # support.fixtures cannot be imported before it is a plugin


def pytest_report_header() -> str:
    halves = ", each e2e test on the oldest or the newest" if os.environ.get("BEMI_TEST_HALVES") else ""
    return f"PostgreSQL servers: {', '.join(map(str, available())) or 'none installed'}{halves}"


def is_kept(item: pytest.Item) -> bool:
    """Of a test on the oldest and the newest major, one: which one hangs on its name and parameters alone."""
    path = str(Path(item.path).relative_to(Path(__file__).parent))
    halved = any(mark.args[:2] == ("server", OLDEST_AND_NEWEST) for mark in item.iter_markers("parametrize"))
    if not path.startswith(HALVED) or not halved:
        return True
    name, major = re.sub(r"pg\d+", "", item.nodeid), item.callspec.params["server"]  # type: ignore[attr-defined]
    return bool(major == OLDEST_AND_NEWEST[zlib.crc32(name.encode()) % 2])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not os.environ.get("BEMI_TEST_HALVES"):
        return
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        (kept if is_kept(item) else dropped).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept
