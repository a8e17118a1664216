"""Views of the past of many tables: all are made, a few at a time, and none is touched for another table's sake."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from e2e.oracle import now_of, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.postgres import Server

MANY = 260  # more than are made in one call


def make_tables(database: Database, first: int, end: int) -> None:
    statements = [
        f"create table t{number} (id int primary key, v text); insert into t{number} values ({number}, 'a')"
        for number in range(first, end)
    ]
    for part in range(0, len(statements), 50):
        database.sql("; ".join(statements[part : part + 50]))


def wait_until(done: Callable[[], bool], seconds: int = 120) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


def answering(database: Database) -> int:
    [(count,)] = database.sql(
        "select count(*) from bemi.time_travel_tables where until is not null and problem is null"
    )
    return int(count)


@pytest.mark.parametrize("major", [14, 18])
def test_views_of_more_tables_than_one_transaction_can_lock(major: int, start_worker: StartWorker) -> None:
    settings = {"max_locks_per_transaction": "10", "max_connections": "30"}
    with Server.start(major, settings) as server:
        database = Database(server, "many", server.create_database("many"))
        make_tables(database, 0, MANY)
        start_worker("--source", database.url).wait_ready(timeout=120)
        wait_until(lambda: answering(database) == MANY)
        moment = now_of(database.url)
        sync(database.url)
        with psycopg.connect(database.url) as connection:
            connection.execute("select set_config('bemi.as_of', %s, false)", (moment,))
            for number in range(0, MANY, 13):
                found = connection.execute(f"select id, v from time_travel.t{number}".encode()).fetchall()
                assert found == [(number, "a")]


def made(database: Database) -> dict[str, Any]:
    return dict(
        database.sql(
            "select relname, array[oid, relfilenode, xmin::text::bigint] from pg_class"
            " where relnamespace = 'time_travel'::regnamespace or relname ~ '^key_[0-9]+$'"
        )
    )


@oldest_and_newest
def test_ddl_is_work_for_the_tables_that_changed(database: Database, start_worker: StartWorker) -> None:
    make_tables(database, 0, 12)
    start_worker("--heartbeat-interval", "1").wait_ready()
    wait_until(lambda: answering(database) == 12)
    sync(database.url)
    before, noted = made(database), notes(database)
    database.sql(
        "alter table t3 add column added int; update t4 set v = 'b'; create table later (id int primary key)"
    )
    sync(database.url)
    wait_until(lambda: answering(database) == 13)
    after = made(database)
    others = {name for name in before if before[name] != after[name]}
    assert others == {"t3"}, "the view of another table was made anew"
    # Not even a note is written of a table to which nothing happened.
    assert {table for table, note in notes(database).items() if note != noted.get(table)} == {
        "t3",
        "t4",
        "later",
    }


def notes(database: Database) -> dict[str, str]:
    return dict(database.sql('select "table", w::text from _bemi.view w'))


@oldest_and_newest
def test_a_table_without_changes_is_known_as_long_as_its_source(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(
        "create table quiet (id int primary key); insert into quiet values (1); create table busy (id int)"
    )
    database.sql("alter table busy replica identity full")
    start_worker().wait_ready()
    sync(database.url)
    for number in range(5):
        database.sql(f"insert into busy values ({number})")
        moment = now_of(database.url)
        sync(database.url)
        with psycopg.connect(database.url) as connection:
            connection.execute("select set_config('bemi.as_of', %s, false)", (moment,))
            assert connection.execute("select id from time_travel.quiet").fetchall() == [(1,)]
            [seen] = connection.execute("select count(*) from time_travel.busy").fetchone() or [None]
            assert seen == number + 1


def failed(database: Database) -> int:
    [(count,)] = database.sql("select count(*) from bemi.time_travel_tables where problem is not null")
    return int(count)


@oldest_and_newest
def test_a_view_that_cannot_be_made_is_named_and_comes_later(
    database: Database, start_worker: StartWorker
) -> None:
    env = {"BEMI_SOURCE_URL": database.url}
    database.sql("create table fine (id int primary key)")
    start_worker().wait_ready()
    database.sql("create schema time_travel_shop; create table time_travel_shop.t (id int primary key)")
    database.sql("create schema shop; create table shop.t (id int primary key)")
    sync(database.url)
    status = json.loads(bemi("status", "--format", "json", env=env).stdout)
    assert status["views_failed"] == 1
    checked = bemi("check", env=env, check=False).stdout
    assert "1 views of the past cannot answer" in checked and "shop.t" in checked
    database.sql("drop schema time_travel_shop cascade")
    # As if five minutes had gone by.
    database.sql("update _bemi.view set tried_at = now() - interval '1 hour' where problem is not null")
    wait_until(lambda: failed(database) == 0)
    moment = now_of(database.url)
    sync(database.url)
    with psycopg.connect(database.url) as connection:
        connection.execute("select set_config('bemi.as_of', %s, false)", (moment,))
        assert connection.execute("select id from time_travel_shop.t").fetchall() == []
    status = json.loads(bemi("status", "--format", "json", env=env).stdout)
    assert status["views_failed"] == 0
