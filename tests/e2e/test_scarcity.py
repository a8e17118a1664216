"""Too little of something: disk space here or there, time, bandwidth, memory. Everything arrives in the end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from e2e.oracle import history, live_rows, replayed_rows, sync
from support.fixtures import Database, StartWorker
from support.full_disk import FullDisk
from support.network import Network
from support.postgres import Server, available

NEWEST = available()[-1]
MANY = 100_000


@pytest.mark.parametrize("full", ["data/base", "data"], ids=["tables", "tables-and-wal"])
def test_the_destinations_disk_is_full_for_a_while(
    full: str, database: Database, start_worker: StartWorker
) -> None:
    """Its tables, which it reports; or its WAL too, which it does not survive."""
    database.sql("create table item (id int primary key, name text)")
    with Server.start(NEWEST, {"fsync": "on"}) as destination:
        disk = FullDisk(destination.home)
        destination.stop()
        destination.env = disk.env(destination.home / full)
        destination.launch()
        url = destination.create_database("history")
        worker = start_worker(env={"BEMI_DESTINATION_URL": url}).wait_ready()
        disk.fill()
        database.sql("insert into item select i, repeat('x', 200) from generate_series(1, 20000) i")
        worker.wait_for_line("trying again")
        time.sleep(1)
        disk.free()
        if full == "data":
            destination.kill9()
            destination.launch()
        sync(database.url, url)
        assert worker.is_running
        assert replayed_rows(history(url), "item") == live_rows(database.url, "item")


def test_the_spool_disk_is_full_for_a_while(
    database: Database, start_worker: StartWorker, tmp_path: Path
) -> None:
    database.sql("create table item (id int primary key, name text)")
    spool = tmp_path / "spool"
    spool.mkdir()
    disk = FullDisk(tmp_path)
    worker = start_worker("--spool-directory", str(spool), env=disk.env(spool)).wait_ready()
    disk.fill()
    database.sql(f"insert into item select i, repeat('x', 200) from generate_series(1, {MANY}) i")
    worker.wait_for_line("spool.*trying again")
    database.sql("insert into item values (0, 'small')")
    disk.free()
    sync(database.url)
    assert worker.is_running
    assert len(history(database.url)) == MANY + 1


@pytest.mark.parametrize("major", available())
def test_a_large_transaction_to_a_slow_destination(major: int, start_worker: StartWorker) -> None:
    """The source would drop whoever is silent for 2 s; the destination takes far longer. Beside it, a large
    transaction on a table that is not tracked, whose changes the source reads and does not send."""
    settings = {"wal_sender_timeout": "2s", "logical_decoding_work_mem": "64kB"}
    with Server.start(major, settings) as server, Network(server.port) as line:
        database = Database(server, "app", server.create_database("app"))
        url = server.create_database("history")
        database.sql(
            "create table item (id int primary key, name text); create table dull (id int, name text)"
        )
        slow = {
            "BEMI_SOURCE_URL": database.url,
            "BEMI_DESTINATION_URL": url.replace(f":{server.port}/", f":{line.port}/"),
        }
        worker = start_worker("--exclude", "public.dull", env=slow).wait_ready()
        line.limit(2_000_000)
        database.sql("insert into dull select i, repeat('x', 100) from generate_series(1, 300000) i")
        database.sql(f"insert into item select i, repeat('x', 100) from generate_series(1, {MANY // 2}) i")
        sync(database.url, url)
        line.limit(0)
        assert worker.is_running
        assert not any("trying again" in line for line in worker.lines()), "the source never lost patience"
        assert worker.rss_peak_kb() < 128 * 1024
        server.sql("select 1", dbname="history")
        [[count]] = server.sql("select count(*) from changes where operation = 'CREATE'", dbname="history")
        assert count == MANY // 2


def test_memory_with_a_value_of_100_megabytes(database: Database, start_worker: StartWorker) -> None:
    """At most 128 MB and three times the largest message."""
    database.sql("create table large (id int primary key, content text)")
    worker = start_worker().wait_ready()
    database.sql("insert into large select 1, repeat(md5('1'), 3200000)")
    database.sql("update large set id = 2")
    database.sql("delete from large")
    sync(database.url)
    message_kb = 2 * 32 * 3_200_000 // 1024  # the update has it twice
    assert worker.rss_peak_kb() < 128 * 1024 + 3 * message_kb
    [[created, updated, deleted]] = database.sql(
        "select max(length(after ->> 'content')) filter (where operation = 'CREATE'),"
        " max(length(after ->> 'content')) filter (where operation = 'UPDATE'),"
        " max(length(before ->> 'content')) filter (where operation = 'DELETE') from changes"
    )
    assert created == updated == deleted == 32 * 3_200_000
