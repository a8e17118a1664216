"""The page of recipes: each block is run, and what it shows is what comes."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

from e2e.oracle import sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "time-travel.md"
BLOCK = re.compile(r"```(sql|bash)\n(.*?)```(?:\s*```text\n(.*?)```)?", re.DOTALL)
EARLY, LATE = "2026-11-23 17:09:14+00", "2026-11-23 17:45:00+00"


def psql(database: Database, sql: str) -> str:
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-P", "footer=off", "-d", database.url, "-c", sql]
    env = {"PATH": os.environ["PATH"], "PGTZ": "UTC", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def words(text: str) -> list[list[str]]:
    """Lines without rulers and padding, which depend on the widest value."""
    lines = [line for line in text.splitlines() if line.strip() and not re.fullmatch(r"[-+ ]+", line)]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_the_recipes(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table todo (id int primary key, task text, is_completed bool)")
    start_worker().wait_ready()
    (_, setup, _), *blocks = BLOCK.findall(PAGE.read_text())
    first, second = re.split(r"^-- 17:30.*$", setup, flags=re.MULTILINE)
    moments = {}
    for moment, statements in ((EARLY, first), (LATE, second)):
        context = json.dumps({"user_id": 42}) if moment == LATE else "{}"
        database.sql(f"select pg_logical_emit_message(true, '_bemi', '{context}'); {statements}")
        [(moments[moment],)] = database.sql("select clock_timestamp()::text")
    sync(database.url)
    assert len(blocks) > 8
    for language, code, expected in blocks:
        for written, real in moments.items():
            code = code.replace(written, real)
        if language == "sql":
            shown = psql(database, code)
        else:
            _, *arguments = shlex.split(code)
            shown = bemi(*arguments, env={"BEMI_SOURCE_URL": database.url}).stdout
        assert shown
        if expected:
            assert words(shown) == words(expected), code
