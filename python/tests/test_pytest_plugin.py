"""The plugin in a test session of its own, as a user's project has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conftest import Tracked
from support.bemi import binary

PROJECT = """
import bemi, pytest
from sqlalchemy import create_engine, text

def write(url, *statements):
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()

def test_it_sees_what_the_block_changed(bemi_changes, bemi_source_url):
    write(bemi_source_url, "INSERT INTO item VALUES (1, 'a')")
    with bemi_changes() as changes, bemi.context(user_id=42):
        write(bemi_source_url, "UPDATE item SET name = 'b'", "INSERT INTO item VALUES (2, 'c')")
    write(bemi_source_url, "DELETE FROM item")
    assert [change.diff() for change in changes] == [
        {"name": ("a", "b")}, {"id": (None, 2), "name": (None, "c")}
    ]
    assert {change.context["user_id"] for change in changes} == {42}

def test_its_writes_are_taken_back(bemi_mark, bemi_source_url):
    write(bemi_source_url, "INSERT INTO item VALUES (7, 'x')", "TRUNCATE item", "INSERT INTO item VALUES (8, 'x')")

def test_it_is_gone(bemi_changes, bemi_source_url):
    with bemi_changes() as changes:
        write(bemi_source_url, "DELETE FROM item WHERE id IN (7, 8)")
    assert changes == []

def test_nothing(bemi_changes):
    with bemi_changes() as changes:
        pass
    assert changes == []
"""


def run(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_project.py").write_text(PROJECT)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
    ]
    env = {**os.environ, "BEMI_BINARY": str(binary())}
    return subprocess.run(
        [*command, *flags, str(folder)], capture_output=True, text=True, check=False, env=env
    )


def test_the_fixture(newest: Tracked, tmp_path: Path) -> None:
    done = run(tmp_path, "--bemi-source", newest.url)
    assert "4 passed" in done.stdout, done.stdout


def test_it_says_what_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert "set BEMI_SOURCE_URL or give --bemi-source URL" in done.stdout
