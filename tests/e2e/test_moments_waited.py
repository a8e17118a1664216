"""With --wait a moment that the history has not reached is waited for, not refused; never for longer."""

from __future__ import annotations

import subprocess
import time

import pytest

from e2e.oracle import sync
from support.bemi import Worker, bemi, binary
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until


def begun(database: Database, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [binary(), *arguments, "--source", database.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def tracked(database: Database, start_worker: StartWorker, *flags: str) -> Worker:
    database.sql("create table t (id int primary key, v text); insert into t values (1, 'a')")
    worker = start_worker("--heartbeat-interval", "300", *flags).wait_ready()
    sync(database.url)
    return worker


def waits(database: Database) -> None:
    """Until a command that waits has asked the source to go on."""
    wait_until(
        lambda: database.sql(
            "select 1 from pg_stat_activity where application_name = 'bemi/cli' and query like %s",
            "%_bemi_fence%",
        ),
        "a command that waits",
    )


@oldest_and_newest
@pytest.mark.parametrize(
    "moment",
    ["select pg_current_wal_lsn()::text", "select clock_timestamp()::text", "transaction"],
    ids=["position", "time", "transaction"],
)
def test_a_question_waits_for_changes_that_a_stopped_worker_has_not_stored(
    database: Database, start_worker: StartWorker, moment: str
) -> None:
    worker = tracked(database, start_worker)
    [(first,)] = database.sql("select clock_timestamp()::text")
    sync(database.url)
    worker.terminate()
    [(at,)] = database.sql("update t set v = 'b' returning pg_current_xact_id()::text")
    if moment != "transaction":
        [(at,)] = database.sql(moment)
    asked = [
        begun(database, "as-of", at, "t", "--format", "json", "--wait", "100s"),
        begun(database, "diff", "t", first, at, "--format", "csv", "--wait", "100s"),
        begun(database, "checkout", "--at", at, "--into", "copied", "--wait", "100s"),
    ]
    waits(database)
    assert [one.poll() for one in asked] == [None, None, None]
    start_worker().wait_ready()
    said = [one.communicate(timeout=100) for one in asked]
    assert [one.returncode for one in asked] == [0, 0, 0], said
    assert '"b"' in said[0][0] and "a → b" in said[1][0].replace("a\x03", "a")
    assert database.sql("select id, v from copied.t") == [(1, "b")]


@oldest_and_newest
def test_the_present_of_an_idle_source_is_reached_without_its_heartbeat(
    database: Database, start_worker: StartWorker
) -> None:
    tracked(database, start_worker)
    [(soon,)] = database.sql("select (clock_timestamp() + interval '1 second')::text")
    env = {"BEMI_SOURCE_URL": database.url}
    assert bemi("as-of", soon, "t", "--format", "json", "--wait", "100s", env=env).stdout.count("\n") == 1
    database.sql("update t set v = 'b'")
    said = bemi("history", "t", "1", "--format", "json", "--wait", "100s", env=env).stdout
    assert said.count("\n") == 2
    [(soon,)] = database.sql("select (clock_timestamp() + interval '1 second')::text")
    done = bemi("revert", "--table", "t", "--until", soon, "--wait", "100s", env=env)
    assert "Undo 1 change" in done.stdout


def test_a_wait_ends_and_says_so(database: Database, start_worker: StartWorker) -> None:
    tracked(database, start_worker).terminate()
    for command in (
        ("as-of", "2999-01-01", "t"),
        ("as-of", "FFFFFFFF/FFFFFFFF", "t"),
        ("as-of", "999999", "t"),
        ("diff", "t", "2999-01-01", "2999-01-02"),
        ("checkout", "--at", "2999-01-01", "--into", "copied"),
        ("revert", "--table", "t", "--until", "2999-01-01", "--timeout", "1"),
    ):
        done = bemi(*command, "--wait", "300ms", env={"BEMI_SOURCE_URL": database.url}, check=False)
        assert done.returncode == 1 and done.stdout == "", (command, done)
        assert "waited 0." in done.stderr and "bemi status" in done.stderr, (command, done.stderr)
    done = bemi("history", "t", "1", "--wait", "300ms", env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert done.returncode == 1 and "did not catch up within 0.3 s" in done.stderr


def test_other_refusals_are_not_waited_for(database: Database, start_worker: StartWorker) -> None:
    tracked(database, start_worker)
    started = time.monotonic()
    for moment, table in (("1999-01-01", "t"), ("nightly", "t"), ("2000-01-01", "typo")):
        done = bemi(
            "as-of", moment, table, "--wait", "10m", env={"BEMI_SOURCE_URL": database.url}, check=False
        )
        assert done.returncode == 1 and "waited" not in done.stderr, done.stderr
    assert time.monotonic() - started < 300  # ten minutes each, if they were


@pytest.mark.parametrize("said", ["", "soon", "-1s", "25h", "1d"])
def test_a_malformed_wait_is_wrong_usage(database: Database, said: str) -> None:
    done = bemi("as-of", "now", "t", f"--wait={said}", env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert done.returncode == 2 and "--wait" in done.stderr
