"""The page on undoing: each block is run, and what it shows is what comes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from e2e.oracle import sync
from e2e.test_recipes import BLOCK, psql, words
from support.bemi import bemi
from support.fixtures import Database, StartWorker

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "undo.md"
# What differs from run to run.
VARYING = [
    (r"\d+\.\d\d s", "0.00 s"),
    (r"--apply [0-9a-f]{16}", "--apply DIGEST"),
    (r"transaction \d+", "transaction ID"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00", "TIME"),
    (r"\bin \w+([:.]) ", r"in SHOP\1 "),
]


def settled(text: str) -> list[list[str]]:
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return words(text)


def write(database: Database, statements: str, context: dict[str, object]) -> None:
    message = f"select pg_logical_emit_message(true, '_bemi', '{json.dumps(context)}')"
    database.sql(f"begin; {message}; {statements}; commit")


def test_the_recipes(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table todo (id int primary key, task text, done bool)")
    start_worker().wait_ready()
    (_, setup, _), *blocks = BLOCK.findall(PAGE.read_text())
    early, late = re.split(r"^-- 17:30.*$", setup, flags=re.MULTILINE)
    write(database, early, {})
    write(database, late, {"user_id": 42})
    assert len(blocks) > 12
    for language, code, expected in blocks:
        sync(database.url)
        if language == "sql" and "by user 7" in code:
            write(database, code, {"user_id": 7})
            continue
        if language == "sql":
            shown = psql(database, code)
        else:
            _, *arguments = shlex.split(code)
            done = bemi(*arguments, env={"BEMI_SOURCE_URL": database.url}, check=False)
            assert done.returncode == 0 or "conflict" in done.stdout, (code, done.stderr)
            shown = done.stdout
        if expected:
            assert settled(shown) == settled(expected), code
