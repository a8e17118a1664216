"""Shared by all tests below. The fixtures are a plugin so that python/tests can use them too."""

from __future__ import annotations

import os
import zlib

import pytest

from support.postgres import available

pytest_plugins = ["support.fixtures"]

# Parameters whose value is the major of a server that the test runs on.
MAJORS = ("server", "major", "backlog")


def pytest_report_header() -> str:
    some = ", each test on some of them" if os.environ.get("BEMI_TEST_SOME_MAJORS") else ""
    return f"PostgreSQL servers: {', '.join(map(str, available())) or 'none installed'}{some}"


def major_of(item: pytest.Item) -> int | None:
    parameters: dict[str, object] = item.callspec.params if hasattr(item, "callspec") else {}
    return next((value for name in MAJORS if isinstance(value := parameters.get(name), int)), None)


def kept_majors(name: str, majors: list[int]) -> set[int]:
    """Of a test's majors, the oldest or the newest, and one between them: its name and parameters alone decide."""
    number, between = zlib.crc32(name.encode()), majors[1:-1]
    kept = {majors[-(number % 2)]}
    return kept | {between[number // 2 % len(between)]} if between else kept


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`./dev test` runs each test on some majors, `./dev matrix` and `./dev attack` on all of them."""
    if not os.environ.get("BEMI_TEST_SOME_MAJORS"):
        return
    majors: dict[str, list[int]] = {}
    names: dict[pytest.Item, str] = {}
    for item in items:
        if (major := major_of(item)) is not None:
            names[item] = item.nodeid.replace(f"{major}", "")
            majors.setdefault(names[item], []).append(major)
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        name = names.get(item)
        is_kept = name is None or major_of(item) in kept_majors(name, sorted(majors[name]))
        (kept if is_kept else dropped).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept
