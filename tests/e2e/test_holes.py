"""What the source cannot send, or can no longer send: never a silent hole, and never stuck for ever."""

from __future__ import annotations

import psycopg
import pytest

from e2e.oracle import history, live_rows, replayed_rows, sync
from support.bemi import Worker, bemi
from support.fixtures import Database, StartWorker, every_major
from support.network import Network
from support.postgres import Server, available
from support.waiting import wait_until

NEWEST = available()[-1]
SINCE_18 = [major for major in available() if major >= 18]


def go_on_after_the_gap(database: Database, worker: Worker, start_worker: StartWorker, table: str) -> None:
    """Stopped with a gap on record; `init --accept-gap` leads on, with all rows known again."""
    env = {"BEMI_SOURCE_URL": database.url}
    assert worker.wait() == 1
    [[gaps]] = database.sql("select count(*) from _bemi.gap")
    assert gaps == 1
    said = "\n".join(worker.lines())
    assert "init --accept-gap" in said
    assert bemi("status", env=env, check=False).returncode == 1
    # Until somebody says so, it does not go on.
    again = start_worker()
    assert again.wait() == 1
    bemi("init", "--accept-gap", env=env)
    start_worker().wait_ready()
    database.sql(f"insert into {table} values (1000, 'after')")
    sync(database.url)
    point = (
        "select e.epoch from _bemi.source s join _bemi.epoch e"
        " on (e.source, e.epoch, e.consistent_point) = (s.name, s.epoch, s.consistent_point)"
    )
    assert database.sql(point) == [(2,)]
    after = [c for c in history(database.url) if c["epoch"] == 2]
    assert replayed_rows(after, table) == live_rows(database.url, table)


@every_major
def test_a_publication_that_is_gone_is_a_gap(database: Database, start_worker: StartWorker) -> None:
    """From 18 on the server only warns, and leaves the changes out."""
    database.sql("create table item (id int primary key, name text)")
    worker = start_worker("--no-event-trigger").wait_ready()
    database.sql("insert into item values (1, 'seen')")
    sync(database.url)
    database.sql(f"drop publication bemi_{database.name}")
    database.sql("insert into item values (2, 'unseen')")
    go_on_after_the_gap(database, worker, start_worker, "item")


@pytest.mark.parametrize("major", [NEWEST])
def test_a_row_that_the_server_cannot_send_is_a_gap(major: int, start_worker: StartWorker) -> None:
    """As hex it would be over a gigabyte. The position and the table are named, and the way on leads past it."""
    with Server.start(major, {"max_wal_size": "4GB"}) as server:
        database = Database(server, "app", server.create_database("app"))
        env = {"BEMI_SOURCE_URL": database.url}
        database.sql("create table item (id int primary key, name text)")
        database.sql("create table large (id int primary key, content bytea)")
        database.sql("alter table large alter content set storage external")
        worker = start_worker(env=env).wait_ready()
        database.sql("insert into item values (1, 'before')")
        database.sql("insert into large values (1, convert_to(repeat('x', 600000000), 'UTF8'))")
        database.sql("insert into item values (2, 'after')")
        assert worker.wait() == 1
        said = "\n".join(worker.lines())
        assert "cannot decode the change at" in said and "public.large" in said
        bemi("init", "--accept-gap", env=env)
        # The baseline cannot have that row either: it says so, and takes the others.
        worker = start_worker(env=env).wait_ready()
        assert any("public.large has no baseline" in line for line in worker.lines())
        database.sql("insert into item values (3, 'later'); insert into large values (2, 'small')")
        sync(database.url)
        after = [c for c in history(database.url) if c["epoch"] == 2]
        assert replayed_rows(after, "item") == live_rows(database.url, "item")
        assert [c["primary_key"] for c in after if c["table"] == "large"] == ["2"]
        [[now]] = database.sql("select clock_timestamp()::text")
        sync(database.url)
        answer = bemi("as-of", now, "large", env=env, check=False)
        assert answer.returncode == 1 and "not in the history" in answer.stderr


def test_the_slot_of_a_worker_that_vanished(database: Database, start_worker: StartWorker) -> None:
    """Its connection still stands, as after the loss of a machine; its successor does not wait for
    wal_sender_timeout, and a worker that is alive is left alone."""
    database.sql("create table item (id int primary key, name text)")
    server = database.server
    with Network(server.port) as line:
        far = {"BEMI_SOURCE_URL": server.url(database.name).replace(f":{server.port}/", f":{line.port}/"),
               "BEMI_DESTINATION_URL": database.url, "BEMI_ADMIN_URL": database.url}  # fmt: skip
        vanished = start_worker("--name", "app", env=far).wait_ready()
        database.sql("insert into item values (1, 'a')")
        line.hold()
        vanished.kill9()
        database.sql("insert into item values (2, 'b')")
        [[holder]] = database.sql(
            "select active_pid from pg_replication_slots where database = current_database()"
        )
        assert holder is not None
        start_worker("--name", "app").wait_ready(timeout=40)
        wait_until(lambda: len(history(database.url)) == 2, "both rows are stored")
        # Another destination, same slot: that worker is alive.
        other = server.create_database(f"{database.name}_other")
        rival = start_worker("--name", "app", env={"BEMI_DESTINATION_URL": other})
        assert rival.wait() == 1
        assert "does not know it" in "\n".join(rival.lines())
        server.drop_database(f"{database.name}_other")


@pytest.mark.parametrize("major", SINCE_18)
def test_a_slot_that_was_idle_too_long_is_a_gap(major: int, start_worker: StartWorker) -> None:
    with Server.start(major, {"idle_replication_slot_timeout": "1s"}) as server:
        database = Database(server, "app", server.create_database("app"))
        env = {"BEMI_SOURCE_URL": database.url}
        database.sql("create table item (id int primary key, name text)")
        worker = start_worker(env=env).wait_ready()
        database.sql("insert into item values (1, 'a')")
        sync(database.url)
        worker.terminate()
        database.sql("insert into item values (2, 'unseen')")

        def is_lost() -> bool:
            server.sql("checkpoint")
            return bool(server.sql("select 1 from pg_replication_slots where wal_status = 'lost'"))

        wait_until(is_lost, "the server gives the slot up")
        worker = start_worker(env=env)
        assert worker.wait() == 1
        assert any("invalidated" in line for line in worker.lines())


@every_major
def test_a_message_is_the_last_word(database: Database, start_worker: StartWorker) -> None:
    """Messages outside of transactions, empty transactions, a context without a change: a restart after any
    of them loses and doubles nothing."""
    database.sql("create table item (id int primary key, name text); create table dull (id int)")
    flags = ("--exclude", "public.dull")
    worker = start_worker(*flags).wait_ready()
    last_words = [
        "select pg_logical_emit_message(false, '_bemi', '{\"stray\": 1}')",
        "select pg_logical_emit_message(true, '_bemi', '{\"alone\": 1}')",
        "insert into dull values (1)",
        "begin; select pg_logical_emit_message(true, '_bemi', '{\"n\": 1}'); rollback",
        "begin; select pg_logical_emit_message(false, '_bemi', '{\"n\": 1}'); insert into dull values (1); commit",
    ]
    for number, last_word in enumerate(last_words):
        database.sql(
            "begin; select pg_logical_emit_message(true, '_bemi', %s); insert into item values (%s, 'x'); commit"
            .replace("%s", f"'{{\"n\": {number}}}'", 1).replace("%s", str(number), 1)
        )  # fmt: skip
        database.sql(last_word)
        worker.kill9()
        worker = start_worker(*flags).wait_ready()
    sync(database.url)
    changes = history(database.url)
    assert [(c["primary_key"], c["context"]) for c in changes if c["operation"] == "CREATE"] == [
        (str(number), {"n": number}) for number in range(len(last_words))
    ]


def test_an_idle_source_beside_a_busy_one(start_worker: StartWorker) -> None:
    """What other databases write does not pile up for the slot of one where nothing happens."""
    with Server.start(NEWEST, {"max_wal_size": "64MB", "min_wal_size": "32MB"}) as server:
        database = Database(server, "app", server.create_database("app"))
        server.create_database("busy")
        database.sql("create table item (id int primary key)")
        start_worker("--heartbeat-interval", "1", env={"BEMI_SOURCE_URL": database.url}).wait_ready()
        server.sql("create table noise (id int, more text)", dbname="busy")

        def retained() -> int:
            [[size]] = server.sql("select pg_current_wal_lsn() - restart_lsn from pg_replication_slots")
            return int(size)

        for _ in range(10):
            server.sql(
                "insert into noise select i, repeat('x', 500) from generate_series(1, 20000) i", dbname="busy"
            )
            server.sql("checkpoint")
        wait_until(lambda: (server.sql("checkpoint"), retained() < 20_000_000)[1], "the slot follows")


def test_the_slot_waits_for_open_transactions_and_says_so(
    database: Database, start_worker: StartWorker
) -> None:
    """Who keeps a slot from being made is named; killed meanwhile, nothing is left behind that keeps WAL."""
    database.sql("create table item (id int primary key)")
    with psycopg.connect(database.url, application_name="the long one") as connection:
        connection.execute("select pg_current_xact_id()")
        worker = start_worker()
        worker.wait_for_line("the long one")
        worker.kill9()
        worker = start_worker()
        worker.wait_for_line("the long one")
        connection.commit()
        worker.wait_ready()
    sync(database.url)
    assert replayed_rows(history(database.url), "item") == live_rows(database.url, "item")
