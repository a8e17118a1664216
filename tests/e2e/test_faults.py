"""Killed at any moment, the worker loses nothing and doubles nothing."""

from __future__ import annotations

import random
import threading
import time

import psycopg

from e2e.oracle import assert_no_doubles, history, live_rows, replayed_rows, sync
from support.bemi import Worker
from support.fixtures import Database, StartWorker
from support.seeds import printed_seed

KILLS = 50


class Load(threading.Thread):
    """Writes until told to stop; knows how many rows it committed changes of."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__()
        self.url, self.random, self.stopping, self.transactions = url, random.Random(seed), False, 0

    def run(self) -> None:
        with psycopg.connect(self.url) as connection:
            while not self.stopping:
                size = self.random.choice([1, 1, 1, 5, 200])
                connection.execute(
                    "insert into item select nextval('ids'), 'x' from generate_series(1, %s)",
                    (size,),
                )
                connection.execute(
                    "update item set name = name || 'y' where id %% 17 = %s and length(name) < 20",
                    (self.random.randrange(17),),
                )
                connection.execute(
                    "select pg_logical_emit_message(true, '_bemi', %s)",
                    (f'{{"transaction": {self.transactions}}}',),
                )
                connection.commit()
                self.transactions += 1
                time.sleep(0.002)


def test_kill_9_at_random_moments(database: Database, start_worker: StartWorker) -> None:
    seed = printed_seed()
    rng = random.Random(seed)
    database.sql("create table item (id int primary key, name text); create sequence ids")
    worker: Worker = start_worker().wait_ready()
    load = Load(database.url, seed)
    load.start()
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.01, 0.25))
        worker.kill9()
        worker = start_worker()
    load.stopping = True
    load.join()
    sync(database.url)
    changes = history(database.url)
    assert_no_doubles(database.url)
    assert replayed_rows(changes, "item") == live_rows(database.url, "item")
    assert {c["context"]["transaction"] for c in changes} == set(range(load.transactions))


def test_stops_within_a_second_under_load(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, name text); create sequence ids")
    worker = start_worker().wait_ready()
    load = Load(database.url, 1)
    load.start()
    time.sleep(0.5)
    began = time.monotonic()
    assert worker.terminate(timeout=10) == 0
    took = time.monotonic() - began
    load.stopping = True
    load.join()
    start_worker().wait_ready()
    sync(database.url)
    assert replayed_rows(history(database.url), "item") == live_rows(database.url, "item")
    assert took < 5, took  # a second on a quiet machine


def test_a_lost_slot_is_a_gap(database: Database, start_worker: StartWorker) -> None:
    """Never a silent hole: the worker stops, records the gap, and goes on only when told."""
    from support.bemi import bemi

    database.sql("create table item (id int primary key)")
    worker = start_worker().wait_ready()
    database.sql("insert into item values (1)")
    sync(database.url)
    worker.terminate()
    slot = f"bemi_{database.name}"
    database.server.drop_slot(slot)
    database.sql("insert into item values (2)")
    stopped = start_worker()
    assert stopped.wait() == 1
    assert any("is gone" in line for line in stopped.lines())
    assert any("init --accept-gap" in line for line in stopped.lines())
    env = {"BEMI_SOURCE_URL": database.url}
    assert bemi("status", env=env, check=False).returncode == 1
    bemi("init", "--accept-gap", env=env)
    start_worker().wait_ready()
    sync(database.url)
    assert [c["epoch"] for c in history(database.url, "operation = 'SNAPSHOT' and primary_key = '2'")] == [2]


def test_memory_in_a_million_row_transaction(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, name text)")
    database.sql("insert into item select i, 'x' from generate_series(1, 1000000) i")
    worker = start_worker("--snapshot", "none").wait_ready()
    database.sql("update item set name = 'y'")
    sync(database.url, seconds=240)
    assert database.sql("select count(*), count(distinct primary_key) from changes") == [(1000000, 1000000)]
    assert worker.rss_peak_kb() < 64 * 1024


def test_a_row_that_the_destination_refuses_is_parked(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, name text)")
    worker = start_worker().wait_ready()
    database.sql("alter table changes add check (after->>'name' is distinct from 'poison')")
    database.sql("insert into item values (1, 'good'), (2, 'poison'), (3, 'good')")
    database.sql("insert into item values (4, 'good')")
    sync(database.url)
    assert [c["primary_key"] for c in history(database.url)] == ["1", "3", "4"]
    [(what, sequence, content)] = database.sql(
        "select what, sequence, convert_from(content, 'UTF8') from _bemi.parked"
    )
    assert (what, sequence) == ("change", 1) and '"name":"poison"' in content
    assert worker.is_running


def test_a_second_worker_waits_and_takes_over(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, name text)")
    first = start_worker().wait_ready()
    second = start_worker()
    second.wait_for_line("another worker is storing")
    database.sql("insert into item values (1, 'by the first')")
    sync(database.url)
    first.kill9()
    second.wait_ready()
    database.sql("insert into item values (2, 'by the second')")
    sync(database.url)
    assert [c["primary_key"] for c in history(database.url)] == ["1", "2"]
