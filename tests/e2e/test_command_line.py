"""Errors a person meets: each says what is wrong and what to do, with the right exit code."""

from __future__ import annotations

import csv
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from e2e.oracle import sync
from support.bemi import bemi, binary
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.postgres import Server, available
from support.waiting import wait_until


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["run"], 2, "BEMI_SOURCE_URL"),
        (["run", "--no-such-flag"], 2, "bemi run --help"),
        (["status", "--source", "postgresql://127.0.0.1:1/x"], 1, "check host and port"),
        (["run", "--source", "nonsense://"], 2, "postgresql://"),
        (["run", "--source", "postgresql://x", "--partition", "year"], 2, "--partition"),
        (
            ["changes", "--table", "a.b.c", "--source", "postgresql://127.0.0.1:1/x"],
            2,
            "schema.table",
        ),
    ],
)
def test_wrong_usage(arguments: list[str], exit_code: int, words: str) -> None:
    done = bemi(*arguments, check=False)
    assert done.returncode == exit_code, done
    assert done.stderr.startswith("bemi: ") and "hint: " in done.stderr and words in done.stderr


def test_help_and_version() -> None:
    assert "bemi run" in bemi("--help").stdout
    assert "--include" in bemi("run", "--help").stdout
    assert bemi("--version").stdout.startswith("bemi ")


def test_wal_level_and_password_have_hints() -> None:
    with Server.start(available()[-1], {"wal_level": "replica"}, auth="scram") as server:
        url = server.url(password=getattr(server, "password", None) or "postgres")
        wrong = bemi("run", "--source", server.url(password="wr0ng"), check=False)
        assert wrong.returncode == 1 and "password" in wrong.stderr and "wr0ng" not in wrong.stderr
        checked = bemi("check", "--source", url, check=False)
        assert "wal_level" in checked.stdout + checked.stderr


def test_check_says_how_to_widen_a_publication(database: Database) -> None:
    database.sql("create table item (id int primary key, name text)")
    env = {"BEMI_SOURCE_URL": database.url}
    bemi("init", env=env)
    publication = f"bemi_{database.name}"
    for statement, words in (
        (f"alter publication {publication} set (publish_via_partition_root = true)", "of their root"),
        (f"alter publication {publication} set table item where (id > 100)", "a row filter"),
    ):
        database.sql(statement)
        checked = bemi("check", env=env, check=False)
        assert checked.returncode == 1 and words in checked.stdout, checked
        after = checked.stdout.split(words, 1)[1]
        for fix in after.split("fix: ", 1)[1].split("\n", 1)[0].split(";"):
            database.sql(fix)
        assert words not in bemi("check", env=env, check=False).stdout


def test_toml_speaks_after_environment_and_flags(database: Database, tmp_path: Path) -> None:
    (tmp_path / "bemi.toml").write_text(f'source = "{database.url}"\ninclude = ["public.a", "public.b"]\n')
    database.sql(
        "create table a (id int primary key); create table b (id int primary key); "
        "create table c (id int primary key)"
    )
    plan = bemi("init", "--dry-run", cwd=tmp_path).stdout
    assert "publish public.a" in plan and "publish public.b" in plan and "publish public.c" not in plan
    plan = bemi("init", "--dry-run", "--include", "public.c", cwd=tmp_path).stdout
    assert "publish public.c" in plan and "publish public.a" not in plan
    plan = bemi("init", "--dry-run", cwd=tmp_path, env={"BEMI_INCLUDE": "public.b"}).stdout
    assert "publish public.b" in plan and "publish public.a" not in plan
    (tmp_path / "bemi.toml").write_text("sauce = 1\n")
    done = bemi("init", cwd=tmp_path, check=False)
    assert done.returncode == 2 and "unknown key sauce" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "command",
    [
        ["changes"],
        ["changes", "--follow"],
        ["history", "item", "1"],
        ["as-of", "--allow-stale", "now", "item"],
        ["revert", "--table", "item"],
    ],
    ids=" ".join,
)
def test_asked_to_stop_a_command_ends_here_and_in_the_server(
    database: Database, start_worker: StartWorker, command: list[str], number: signal.Signals
) -> None:
    database.sql("create table item (id int primary key)")
    start_worker().wait_ready()
    database.sql("insert into item values (1)")
    sync(database.url)
    waits = (
        "select pid from pg_stat_activity where application_name = 'bemi/cli' and wait_event_type = 'Lock'"
    )
    with psycopg.connect(database.url) as somebody:
        somebody.execute("lock table changes in access exclusive mode")
        with subprocess.Popen(
            [binary(), *command, "--source", database.url], stderr=subprocess.PIPE
        ) as process:
            try:
                wait_until(lambda: database.sql(waits), "it waits for the lock")
                process.send_signal(number)
                _, said = process.communicate(timeout=30)
            finally:
                process.kill()
        wait_until(lambda: not database.sql(waits), "the server gives up too")
    assert process.returncode == 1 and b"asked to stop" in said


@oldest_and_newest
def test_csv_is_safe_in_a_spreadsheet(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table sheet (id text primary key)")
    start_worker().wait_ready()
    database.sql("insert into sheet values ('=cmd|'' /C calc''!A0')")
    sync(database.url)
    said = bemi("changes", "--format", "csv", env={"BEMI_SOURCE_URL": database.url})
    lines = list(csv.DictReader(said.stdout.splitlines()))
    assert "'=cmd|' /C calc'!A0" in [line["primary_key"] for line in lines]
