"""The pages in docs/reference tell what the program does today. `./dev docs` mends one that does not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from itertools import chain

import httpx
import pytest

import reference
from support.bemi import REPOSITORY, bemi
from support.dashboard import Dashboard
from support.fixtures import Servers
from support.postgres import available

PAGES = ["commands", "errors", "metrics", "rights", "settings", "sql", "tables"]


@pytest.fixture(scope="module")
def written(servers: Servers) -> Iterator[dict[str, str]]:
    """The pages as they should be."""
    server = servers.get(available()[-1])
    source = reference.prepared(server, "reference_pages")
    try:
        yield {path.stem: text for path, text in reference.pages(source).items()}
    finally:
        server.drop_database("reference_pages")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_the_program_says(page: str, written: dict[str, str]) -> None:
    path = REPOSITORY / "docs" / "reference" / f"{page}.md"
    there = path.read_text() if path.exists() else ""
    lines = difflib.unified_diff(
        there.splitlines(), written[page].splitlines(), "there", "wanted", lineterm=""
    )
    assert there == written[page], f"{path} is stale: run ./dev docs\n" + "\n".join(lines)


def test_every_written_page_is_held(written: dict[str, str]) -> None:
    assert sorted(written) == PAGES


def test_the_description_has_all_that_help_shows() -> None:
    """By the program's other door: the text that people read."""
    described = {command["name"]: command for command in reference.described()["commands"]}
    for name, command in described.items():
        shown = bemi(*name.split(), "--help").stdout
        flags = set(re.findall(r"^  (?:-h, )?(--[a-z-]+)", shown, flags=re.MULTILINE))
        options = " ".join(option["name"] for option in command["options"])
        assert set(re.findall(r"--[a-z-]+", options)) == flags, name
        variables = {option["variable"] for option in command["options"] if option["variable"]}
        assert variables == set(re.findall(r"\(Env:([A-Z_]+)\)", shown)), name
    top = re.findall(
        r"^  ([a-z][a-z-]*)  ", bemi("--help").stdout.partition("Subcommands:")[2], flags=re.MULTILINE
    )
    assert top == [name for name in described if " " not in name] and len(top) > 15


def test_help_fits_a_terminal_of_80_columns() -> None:
    names = [command["name"].split() for command in reference.described()["commands"]]
    shown = [bemi(*name, "--help").stdout.splitlines() for name in [[], *names]]
    assert [line for line in chain(*shown) if len(line) > 80] == []


def test_metrics_are_those_of_the_page(dashboard: Dashboard) -> None:
    dashboard.get("/api/changes")
    text = httpx.get(f"{dashboard.url}/metrics").text
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, flags=re.MULTILINE))
    types = dict(re.findall(r"^# TYPE (\S+) (.*)$", text, flags=re.MULTILINE))
    described = {metric["name"]: metric for metric in reference.described()["metrics"]}
    assert {name: described[name]["help"] for name in helps} == helps
    assert {name: described[name]["type"] for name in types} == types
    # The test's server has no limit on WAL: it tells no safe amount.
    assert set(described) - set(helps) == {"bemi_slot_safe_wal_bytes"}
    for name, labels in re.findall(r"^(\w+)\{(.*)\} ", text, flags=re.MULTILINE):
        metric = described.get(name) or described[re.sub(r"_(bucket|count|sum)$", "", name)]
        assert set(re.findall(r"(\w+)=", labels)) - {"le"} == set(filter(None, metric["labels"].split(", ")))


def test_every_error_of_the_functions_is_listed(written: dict[str, str]) -> None:
    """Counted in the files, by another way than the page is made."""
    files = (REPOSITORY / "contracts" / "history" / "functions").glob("*.sql")
    conditions = set(re.findall(r"errcode = '(\w+)'", "".join(file.read_text() for file in files)))
    listed = set(re.findall(r"^\| `\w{5}` \| `(\w+)`", written["errors"], flags=re.MULTILINE))
    assert conditions | {"raise_exception"} == listed


def test_each_column_of_each_table_is_explained(written: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(\S+)` \| .* \| (.*) \|$", written["tables"], flags=re.MULTILINE)
    assert len(rows) > 250 and [name for name, meaning in rows if not meaning.strip()] == []
