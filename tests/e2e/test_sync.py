"""`bemi sync` returns when all that was committed before is stored; context coverage is of what somebody changed."""

from __future__ import annotations

import json

import pytest

from e2e.oracle import sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest


@oldest_and_newest
@pytest.mark.parametrize("when", ["before the start", "after init", "later"])
def test_the_rows_from_before_are_stored_when_sync_returns(
    database: Database, start_worker: StartWorker, when: str
) -> None:
    env = {"BEMI_SOURCE_URL": database.url}
    rows = "create table todo (id bigint primary key, task text);" \
        "insert into todo select g, g::text from generate_series(1, 20000) g"  # fmt: skip
    if when != "later":
        database.sql(rows)
    if when == "after init":
        bemi("init", env=env)
    worker = start_worker("--heartbeat-interval", "1")
    if when == "later":
        worker.wait_ready()
        database.sql("create table todo (id bigint primary key, task text)")
        sync(database.url)
        # Rows of which the stream says nothing: the table was not published when they were written.
        [(publication,)] = database.sql("select pubname from pg_publication")
        database.sql(
            "set session_replication_role = replica;"
            f"alter publication {publication} drop table todo;"
            "insert into todo select g, g::text from generate_series(1, 20000) g"
        )
        database.sql(
            f"set session_replication_role = replica; alter publication {publication} add table todo"
        )
    else:
        worker.wait_for_line("slot")
    sync(database.url)
    [(count,)] = database.sql(
        "select count(*) from changes where \"table\" = 'todo' and operation = 'SNAPSHOT'"
    )
    assert count == 20000


@oldest_and_newest
def test_sync_does_not_wait_for_rows_that_are_not_read(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table todo (id bigint primary key); insert into todo values (1)")
    start_worker("--snapshot", "none").wait_ready()
    sync(database.url)
    [(count,)] = database.sql("select count(*) from changes")
    assert count == 0


def test_sync_says_which_rows_it_waits_for(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table todo (id bigint primary key); insert into todo values (1)")
    worker = start_worker("--snapshot", "none").wait_ready()
    sync(database.url)
    # As before the worker's first look.
    database.sql("delete from _bemi.baseline_left")
    done = bemi("sync", "--timeout", "1", env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert done.returncode == 1 and "the rows that public.todo had" in done.stderr
    assert worker.is_running


@oldest_and_newest
def test_coverage_is_a_share_of_what_somebody_changed(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table t (id int primary key); insert into t select generate_series(1, 20)")
    start_worker().wait_ready()
    env = {"BEMI_SOURCE_URL": database.url}
    database.sql(
        "begin; select pg_logical_emit_message(true, '_bemi', '{\"user_id\": 1}');"
        "update t set id = 100 where id = 1; commit; alter table t add column v text"
    )
    sync(database.url)
    status = json.loads(bemi("status", "--format", "json", env=env).stdout)
    assert status["context_coverage"] == 1.0
    database.sql("update t set id = 101 where id = 2")
    sync(database.url)
    status = json.loads(bemi("status", "--format", "json", env=env).stdout)
    assert status["context_coverage"] == 0.5
