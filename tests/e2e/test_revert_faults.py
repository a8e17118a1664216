"""Undoing while things break: a worker that is behind, and ends, servers and lines that die at any step."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from e2e.oracle import sync
from e2e.undo import Undo
from support.bemi import Worker, bemi, binary
from support.fixtures import Database, StartWorker
from support.network import Network
from support.postgres import Server
from support.seeds import printed_seed

USER = ("--context", "user_id=42")
ROWS = 3000
SLIPPED_ROWS = 100_000
CONTENT = "select count(*), sum(hashtextextended(item::text, 0)::numeric) from item"


@pytest.fixture
def undo(database: Database, start_worker: StartWorker) -> Undo:
    database.sql("create table todo (id int primary key, task text, done bool default false)")
    start_worker().wait_ready()
    return Undo(database)


def test_a_revert_waits_for_a_worker_that_is_behind(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table todo (id int primary key, task text)")
    worker = start_worker()
    worker.wait_ready()
    undo = Undo(database)
    undo.as_user(42, "insert into todo values (1, 'a')")
    sync(database.url)
    worker.kill9()
    undo.as_user(42, "insert into todo values (2, 'b')")
    late = undo.run("revert", *USER, "--timeout", "1")
    assert late.returncode == 1 and "did not catch up" in late.stderr and "hint: " in late.stderr
    results: list[int] = []
    waiting = threading.Thread(target=lambda: results.append(undo.run("revert", *USER, "--apply").returncode))
    waiting.start()
    start_worker().wait_ready()
    waiting.join()
    assert results == [0] and undo.rows("todo") == []


def changed_rows(undo: Undo) -> None:
    undo.as_user(1, f"insert into todo select i, 'a' from generate_series(1, {ROWS}) i")
    undo.as_user(42, "update todo set task = 'b' where id % 2 = 0", "delete from todo where id % 3 = 0")
    undo.as_user(42, f"insert into todo select i, 'c' from generate_series({ROWS + 1}, {ROWS + 500}) i")


def start_revert(url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [binary(), "revert", *USER, "--apply", "--source", url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_killed_at_any_moment_all_is_done_or_nothing(undo: Undo) -> None:
    seed = printed_seed()
    chance = random.Random(seed)
    changed_rows(undo)
    after = undo.rows("todo")
    began = time.monotonic()
    undo.plan(*USER)
    lasts = time.monotonic() - began
    for _ in range(12):
        process = start_revert(undo.database.url)
        time.sleep(chance.uniform(0, lasts))
        process.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        process.communicate()
        while undo.database.sql("select pid from pg_stat_activity where application_name = 'bemi/revert'"):
            time.sleep(0.01)
        rows = undo.rows("todo")
        if rows != after:
            assert len(rows) == ROWS and all(",a," in row for row in rows)
            undo.run("redo", "--apply")
            assert undo.rows("todo") == after


def test_a_line_that_breaks_at_any_moment_leaves_all_or_nothing(undo: Undo) -> None:
    seed = printed_seed()
    chance = random.Random(seed)
    changed_rows(undo)
    after = undo.rows("todo")
    began = time.monotonic()
    undo.plan(*USER)
    lasts = time.monotonic() - began
    with Network(undo.database.server.port) as network:
        url = undo.database.url.replace(f":{undo.database.server.port}/", f":{network.port}/")
        for _ in range(6):
            process = start_revert(url)
            time.sleep(chance.uniform(0, lasts))
            network.cut()
            _, said = process.communicate()
            while undo.database.sql(
                "select pid from pg_stat_activity where application_name = 'bemi/revert'"
            ):
                time.sleep(0.01)
            rows = undo.rows("todo")
            if rows == after:
                assert process.returncode == 1 and b"bemi: " in said, said
            else:
                assert len(rows) == ROWS and all(",a," in row for row in rows)
                undo.run("redo", "--apply")
                assert undo.rows("todo") == after


@pytest.fixture(params=[14, 18], ids=["pg14", "pg18"])
def own_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with Server.start(request.param) as server:
        yield Database(server, "own", server.create_database("own"))


def test_a_server_that_crashes_while_it_undoes_has_undone_nothing(own_database: Database) -> None:
    own_database.sql("create table todo (id int primary key, task text, done bool default false)")
    with Worker.start("--source", own_database.url) as worker:
        worker.wait_ready()
        undo = Undo(own_database)
        changed_rows(undo)
        after = undo.rows("todo")
        own_database.sql(
            "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.01);"
            " return new; end $$;"
            "create trigger slow before insert on todo for each row execute function slow()"
        )
        process = start_revert(own_database.url)
        busy = (
            "select pid from pg_stat_activity where application_name = 'bemi/revert' and query like 'with%'"
        )
        while not own_database.sql(busy):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        own_database.server.kill9()
        _, said = process.communicate()
        assert process.returncode == 1 and b"bemi: " in said, said
        own_database.server.launch()
        assert undo.rows("todo") == after
        own_database.sql("drop trigger slow on todo")
        bemi("sync", "--source", own_database.url)
        undo.apply(*USER)
        assert len(undo.rows("todo")) == ROWS


@pytest.mark.parametrize("slip", ["n = n + 1", f"id = id + {SLIPPED_ROWS}"], ids=["values", "keys"])
def test_a_large_slip_is_undone_before_the_statistics_know_of_it(
    database: Database, start_worker: StartWorker, slip: str
) -> None:
    """Planned by what was there before, each of its rows would be compared with each."""
    database.sql("create table item (id int primary key, n int)")
    start_worker().wait_ready()
    undo = Undo(database)
    undo.as_user(1, f"insert into item select i, 0 from generate_series(1, {SLIPPED_ROWS}) i")
    before = database.sql(CONTENT)
    sync(database.url)
    with database.server.without_autovacuum():
        database.sql("analyze")
        undo.as_user(42, f"update item set {slip}")
        undo.apply(*USER, "--max-rows", str(SLIPPED_ROWS))
    assert database.sql(CONTENT) == before
