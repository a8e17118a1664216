"""What happens to a source: failover, restore, slots that are lost. It goes on with nothing lost, or stops
with a gap on record and a way on."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from e2e.oracle import history, live_rows, replayed_rows, sync
from support.bemi import Worker, bemi
from support.fixtures import StartWorker
from support.postgres import Server, available
from support.waiting import wait_until

NEWEST = available()[-1]
SINCE_16 = [major for major in available() if major >= 16]
SINCE_17 = [major for major in available() if major >= 17]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def standby_of(stack: ExitStack, primary: Server, settings: dict[str, str] | None = None) -> Server:
    """A standby with a physical slot of its own, made from a cold copy."""
    primary.sql("select pg_create_physical_replication_slot('standby', true)")
    primary.stop()
    standby = stack.enter_context(Server.copy_of(primary))
    primary.launch()
    standby.configure(
        {
            "primary_conninfo": f"host=127.0.0.1 port={primary.port} user=postgres dbname=app",
            "primary_slot_name": "standby",
            "hot_standby_feedback": "on",
            **(settings or {}),
        }
    )
    (standby.data_dir / "standby.signal").touch()
    standby.launch()
    wait_until(lambda: primary.sql("select 1 from pg_stat_replication"), "the standby streams")
    return standby


def destination(stack: ExitStack) -> str:
    return stack.enter_context(Server.start(NEWEST)).create_database("history")


def app(stack: ExitStack, major: int, settings: dict[str, str] | None = None) -> Server:
    server = stack.enter_context(Server.start(major, settings))
    server.create_database("app")
    server.sql("create table item (id int primary key, name text)", dbname="app")
    return server


def either(*servers: Server) -> str:
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return f"postgresql://postgres@{hosts}/app?target_session_attrs=read-write&connect_timeout=2"


@pytest.mark.parametrize("major", SINCE_17)
def test_a_failover_slot_goes_on(major: int, stack: ExitStack, start_on: StartOn) -> None:
    primary = app(stack, major)
    standby = standby_of(stack, primary, {"sync_replication_slots": "on"})
    history_url = destination(stack)
    url = either(primary, standby)
    worker = start_on(url, history_url).wait_ready()
    primary.sql("insert into item values (1, 'before')", dbname="app")
    sync(url, history_url)

    def synced() -> object:
        primary.sql("checkpoint")
        return standby.sql(
            "select 1 from pg_replication_slots where slot_name = 'bemi_app' and synced and not temporary"
        )

    wait_until(synced, "the slot is on the standby")
    primary.kill9()
    standby.sql("select pg_promote()")
    standby.sql("insert into item values (2, 'after')", dbname="app")
    worker.wait_for_line("nothing is lost")
    sync(url, history_url)
    changes = history(history_url)
    assert replayed_rows(changes, "item") == live_rows(standby.url("app"), "item")
    assert {c["epoch"] for c in changes} == {1}


def test_a_failover_without_the_slot_is_a_gap(stack: ExitStack, start_on: StartOn) -> None:
    primary = app(stack, NEWEST)
    standby = standby_of(stack, primary)
    history_url = destination(stack)
    url = either(primary, standby)
    worker = start_on(url, history_url).wait_ready()
    primary.sql("insert into item values (1, 'before')", dbname="app")
    sync(url, history_url)
    primary.kill9()
    standby.sql("select pg_promote()")
    standby.sql("insert into item values (2, 'unseen')", dbname="app")
    assert worker.wait() == 1
    assert any("did not come with it" in line for line in worker.lines())
    env = {"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": history_url}
    assert bemi("status", env=env, check=False).returncode == 1
    bemi("init", "--accept-gap", env=env)
    start_on(url, history_url).wait_ready()
    sync(url, history_url)
    assert replayed_rows([c for c in history(history_url) if c["epoch"] == 2], "item") == live_rows(
        standby.url("app"), "item"
    )


def test_a_source_restored_from_a_backup_is_a_gap(stack: ExitStack, start_on: StartOn) -> None:
    """Its slots and all: the same cluster as it was before."""
    source = app(stack, NEWEST)
    history_url = destination(stack)
    worker = start_on(source.url("app"), history_url).wait_ready()
    sync(source.url("app"), history_url)
    worker.terminate()
    source.stop()
    backup = source.home / "backup"
    shutil.copytree(source.data_dir, backup, copy_function=shutil.copy2)
    source.launch()
    worker = start_on(source.url("app"), history_url).wait_ready()
    source.sql("insert into item select i, 'lost' from generate_series(1, 10000) i", dbname="app")
    sync(source.url("app"), history_url)
    worker.terminate()
    source.stop()
    restore(source, backup)
    source.launch()
    worker = start_on(source.url("app"), history_url)
    assert worker.wait() == 1
    assert any("restored from a backup" in line for line in worker.lines())


def restore(server: Server, backup: Path) -> None:
    for path in server.data_dir.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(backup, server.data_dir, copy_function=shutil.copy2, dirs_exist_ok=True)
    server.give_away_data()


def test_a_slot_that_the_server_gave_up_is_a_gap(stack: ExitStack, start_on: StartOn) -> None:
    source = app(
        stack, NEWEST, {"max_slot_wal_keep_size": "2MB", "min_wal_size": "32MB", "max_wal_size": "32MB"}
    )
    history_url = destination(stack)
    worker = start_on(source.url("app"), history_url).wait_ready()
    sync(source.url("app"), history_url)
    worker.terminate()
    for _ in range(4):
        source.sql("insert into item select i, repeat('x', 500)"
                   " from generate_series(1, 20000) i on conflict do nothing; "
                   "delete from item; select pg_switch_wal(); checkpoint", dbname="app")  # fmt: skip
    wait_until(
        lambda: source.sql("select 1 from pg_replication_slots where wal_status = 'lost'"),
        "the slot is given up",
    )
    worker = start_on(source.url("app"), history_url)
    assert worker.wait() == 1
    assert any("invalidated" in line for line in worker.lines())


def test_a_slot_that_somebody_advanced_is_a_gap(stack: ExitStack, start_on: StartOn) -> None:
    source = app(stack, NEWEST)
    history_url = destination(stack)
    worker = start_on(source.url("app"), history_url).wait_ready()
    sync(source.url("app"), history_url)
    worker.terminate()
    source.sql("insert into item values (1, 'skipped')", dbname="app")
    source.sql("select pg_replication_slot_advance('bemi_app', pg_current_wal_lsn())", dbname="app")
    worker = start_on(source.url("app"), history_url)
    assert worker.wait() == 1
    assert any("advanced by someone else" in line for line in worker.lines())
    with psycopg.connect(history_url) as connection:
        [gap] = connection.execute("select from_position, to_position from _bemi.gap").fetchall()
    assert gap[0] and gap[1]


@pytest.mark.parametrize("major", SINCE_16)
def test_reading_from_a_standby(major: int, stack: ExitStack, start_on: StartOn) -> None:
    primary = app(stack, major)
    primary.sql("insert into item select i, 'there before' from generate_series(1, 100) i", dbname="app")
    bemi("init", env={"BEMI_SOURCE_URL": primary.url("app"), "BEMI_DESTINATION_URL": destination(stack)})
    standby = standby_of(stack, primary)
    history_url = destination(stack)
    # A slot on a standby waits for word of the primary's open transactions.
    stopping = threading.Event()

    def tell() -> None:
        while not stopping.wait(0.3):
            primary.sql("select pg_log_standby_snapshot()")

    telling = threading.Thread(target=tell)
    telling.start()
    try:
        worker = start_on(standby.url("app"), history_url, "--heartbeat-interval", "1").wait_ready()
        primary.sql(
            "update item set name = 'changed' where id <= 10; delete from item where id > 90", dbname="app"
        )
        primary.sql(
            "alter table item add column more int; update item set more = 1 where id = 1", dbname="app"
        )
        [[position]] = primary.sql("select pg_current_wal_flush_lsn()::text")
        replayed = f"select pg_last_wal_replay_lsn() >= '{position}'"
        wait_until(lambda: standby.sql(replayed)[0][0], "the standby has it")
        sync(standby.url("app"), history_url)
    finally:
        stopping.set()
        telling.join()
    assert worker.is_running
    changes = [c for c in history(history_url) if c["operation"] != "SCHEMA"]
    rows = {c["primary_key"]: c["after"] for c in changes}
    assert len(rows) == 100 and rows["1"] == {"id": 1, "name": "changed", "more": 1}
    assert sum(c["operation"] == "SNAPSHOT" for c in changes) == 100


@pytest.mark.parametrize("major", available())
def test_changes_from_another_subscription_are_stored(
    major: int, stack: ExitStack, start_on: StartOn
) -> None:
    """Changes with a replication origin are changes too, and origins do not leak into later ones."""
    source = app(stack, major)
    upstream = stack.enter_context(Server.start(major))
    upstream.create_database("up")
    upstream.sql(
        "create table item (id int primary key, name text); create publication p for table item", dbname="up"
    )
    history_url = destination(stack)
    start_on(source.url("app"), history_url).wait_ready()
    source.sql(f"create subscription s connection '{upstream.url('up')}' publication p", dbname="app")
    for number in range(20):
        upstream.sql("insert into item values (%s, 'from upstream')", number, dbname="up")
        source.sql("insert into item values (%s, 'own')", number + 100, dbname="app")
    wait_until(
        lambda: source.sql("select 1 from item having count(*) = 40", dbname="app"),
        "the subscription is through",
    )
    source.sql("drop subscription s", dbname="app")
    sync(source.url("app"), history_url)
    changes = history(history_url)
    assert replayed_rows(changes, "item") == live_rows(source.url("app"), "item")
    assert len(changes) == 40


def test_it_waits_for_servers_that_are_not_up_yet(stack: ExitStack, start_on: StartOn) -> None:
    source = app(stack, NEWEST)
    history_url = destination(stack)
    source.stop()
    worker = start_on(source.url("app"), history_url)
    worker.wait_for_line("trying again")
    source.launch()
    worker.wait_ready()


class StartOn:
    def __init__(self, start: StartWorker) -> None:
        self.start = start

    def __call__(self, source_url: str, history_url: str, *flags: str) -> Worker:
        return self.start(*flags, env={"BEMI_SOURCE_URL": source_url, "BEMI_DESTINATION_URL": history_url})


@pytest.fixture
def start_on(start_worker: StartWorker) -> StartOn:
    return StartOn(start_worker)
