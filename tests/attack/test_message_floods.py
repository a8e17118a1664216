"""Very large messages and very many of them, by a role that may do no more than log in: the worker stays within its
memory, and goes on with everybody else's changes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from e2e.oracle import history, sync

from attack.conftest import NewRole
from support.bemi import Worker, bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

TABLE = "create table todo (id int primary key, task text)"
MEGABYTE = 1 << 20


def peak(worker: Worker) -> int:
    """The most memory that it ever had, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{worker.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def assert_goes_on(database: Database, worker: Worker, key: int) -> None:
    database.sql(f"insert into todo values ({key}, 'x')")
    sync(database.url, seconds=300)
    assert worker.is_running
    assert history(database.url, f"operation = 'CREATE' and primary_key = '{key}'")


@pytest.mark.parametrize("prefix", ["_bemi", "_bemi_schema", "_bemi_fence", "_bemi_other", "unknown"])
def test_a_message_of_200_megabytes(
    database: Database, start_worker: StartWorker, new_role: NewRole, prefix: str
) -> None:
    database.sql(TABLE)
    worker = start_worker().wait_ready()
    assert_goes_on(database, worker, 1)
    before = peak(worker)
    nobody = new_role("nobody")
    nobody.sql("select pg_logical_emit_message(true, %s, repeat('[', 200000000))", prefix)
    assert_goes_on(database, worker, 2)
    # The client library's buffer doubles, and it is copied once.
    assert peak(worker) - before < 1200 * MEGABYTE


@pytest.mark.parametrize("prefix", ["_bemi", "_bemi_schema", "_bemi_fence", "_bemi_other"])
@pytest.mark.parametrize("content", ["", '{"a": 1}', "["])
def test_very_many_messages_in_one_transaction(
    database: Database, start_worker: StartWorker, new_role: NewRole, prefix: str, content: str
) -> None:
    database.sql(TABLE)
    worker = start_worker().wait_ready()
    assert_goes_on(database, worker, 1)
    before = peak(worker)
    nobody = new_role("nobody")
    nobody.sql(
        "select count(pg_logical_emit_message(true, %s, %s)) from generate_series(1, 300000)", prefix, content
    )
    assert_goes_on(database, worker, 2)
    assert peak(worker) - before < 300 * MEGABYTE
    assert database.sql("select count(*) <= 16 from _bemi.parked") == [(True,)]


@pytest.mark.parametrize("prefix", ["_bemi", "_bemi_schema", "_bemi_fence", "_bemi_other"])
def test_very_many_transactions(
    database: Database, start_worker: StartWorker, new_role: NewRole, prefix: str
) -> None:
    database.sql(TABLE)
    worker = start_worker().wait_ready()
    assert_goes_on(database, worker, 1)
    nobody = new_role("nobody")
    [[began]] = database.sql("select extract(epoch from clock_timestamp())::float")
    content = "" if prefix == "_bemi_fence" else "["
    with nobody.connect() as connection:
        connection.execute("set synchronous_commit = off")
        connection.execute(
            f"do $$ begin for i in 1 .. 10000 loop perform pg_logical_emit_message(true, '{prefix}', '{content}');"
            "commit; end loop; end $$".encode()
        )
    assert_goes_on(database, worker, 2)
    [[took]] = database.sql("select extract(epoch from clock_timestamp())::float - %s", began)
    database.sql("select pg_stat_force_next_flush()") if has_flush(database) else None
    if prefix == "_bemi_fence":
        # Each is answered; but not each by a transaction of its own.
        [[commits]] = database.sql(
            "select n_tup_upd from pg_stat_user_tables where relid = '_bemi.source'::regclass"
        )
        assert commits < 25 * (took + 3) + 40
    status = json.loads(bemi("status", "--format", "json", env={"BEMI_SOURCE_URL": database.url}).stdout)
    refused = ("contexts_rejected", "schema_messages_refused", "messages_refused")
    expected = {"_bemi": (10000, 0, 0), "_bemi_schema": (0, 10000, 0), "_bemi_other": (0, 0, 10000)}
    assert tuple(status[name] for name in refused) == expected.get(prefix, (0, 0, 0))


def has_flush(database: Database) -> bool:
    [[version]] = database.sql("select current_setting('server_version_num')::int")
    return bool(version >= 150000)
