"""Whose code runs when Bemi reads a table of the application: nobody's but PostgreSQL's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from e2e.oracle import history, now_of, sync

from attack.conftest import NewRole
from attack.roles import Role
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until

pytestmark = oldest_and_newest

# Such a message stays when its transaction is rolled back.
EVIL = """
create function app.evil(i int) returns int language plpgsql immutable as $$ begin
  if current_user <> '{app}' then
    perform pg_logical_emit_message(false, 'evil', current_user || ' ' || current_query());
  end if;
  return i; end $$;
create function app.evil_sum(i int, j int) returns int language plpgsql immutable as $$ begin
  return app.evil(i) + j; end $$;
create operator app.+! (leftarg = int, rightarg = int, function = app.evil_sum);
"""
ROWS = "insert into app.t select i, 'x' from generate_series(1, 3) i"


@pytest.fixture
def app(database: Database, new_role: NewRole) -> Role:
    role = new_role("app")
    database.sql(f'create schema app authorization "{role.name}"')
    role.sql(EVIL.format(app=role.name))
    return role


class Ears:
    """What the hostile functions said, and as whom."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.slot = f"ears_{database.name}"
        database.sql("select pg_create_logical_replication_slot(%s, 'test_decoding')", self.slot)

    def heard(self) -> list[str]:
        # Only what is on disk is decoded.
        self.database.sql("select pg_switch_wal()")
        peeked = "select data from pg_logical_slot_peek_changes(%s, null, null)"
        return [str(data) for (data,) in self.database.sql(peeked, self.slot) if "prefix: evil," in str(data)]


@pytest.fixture
def ears(database: Database) -> Iterator[Ears]:
    made = Ears(database)
    yield made
    database.sql("select pg_drop_replication_slot(%s)", made.slot)


# The planner computes what is constant in them, with the rights of who asks.
PLANNED = {
    "an index": "create index on app.t ((id + app.evil(1)))",
    "a partial index": "create index on app.t (id) where app.evil(1) > 0",
    "statistics": "create statistics app.s on (id + app.evil(1)), (id + 2) from app.t",
    "an operator": "create index on app.t ((id + (1 operator(app.+!) 1)))",
}


def make(app: Role, database: Database, ears: Ears, what: str) -> None:
    app.sql(f"create table app.t (id int primary key, v text); {PLANNED[what]}; {ROWS}")
    with psycopg.connect(database.url) as proof:
        proof.execute("select id from only app.t where ctid >= '(0,0)'")
    assert ears.heard(), "the attack is one"


@pytest.mark.parametrize("what", PLANNED)
def test_a_baseline_runs_nothing_of_a_tables_owner(
    database: Database, start_worker: StartWorker, app: Role, ears: Ears, what: str
) -> None:
    make(app, database, ears, what)
    before = ears.heard()
    start_worker("--snapshot", "initial").wait_ready()
    sync(database.url)
    assert [row["after"]["id"] for row in history(database.url, "operation = 'SNAPSHOT'")] == [1, 2, 3]
    bemi("check", env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert ears.heard() == before


@pytest.mark.parametrize("what", PLANNED)
def test_a_walk_back_runs_nothing_of_a_tables_owner(
    database: Database, start_worker: StartWorker, app: Role, ears: Ears, what: str
) -> None:
    """Without a baseline, only the live table can tell."""
    app.sql(f"create table app.other (id int primary key, v text); {ROWS.replace('app.t', 'app.other')}")
    make(app, database, ears, what)
    before = ears.heard()
    start_worker("--snapshot", "none").wait_ready()
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url, "BEMI_DESTINATION_URL": database.url}
    moment = now_of(database.url)
    assert bemi("as-of", moment, "app.other", env=env).stdout.count("x") == 3
    refused = bemi("as-of", moment, "app.t", env=env, check=False)
    assert refused.returncode == 1 and "would run app.evil" in refused.stderr, refused
    assert ears.heard() == before


LOCK = "begin; lock table app.t in access exclusive mode"
WAITING = """
select query from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and application_name like 'bemi/%%'"""
QUEUED = "select count(*) from pg_locks where not granted and pid = %s"


def is_queued(database: Database, pid: int) -> bool:
    return database.sql(QUEUED, pid) == [(1,)]


def hold_until_the_baseline_waits(app: Role, database: Database) -> psycopg.Connection[Any]:
    """Two sessions hold the table in turn: each statement of the worker's gets it for its own length."""
    holder, next_one = app.connect(), app.connect()
    holder.execute(LOCK)
    start = time.monotonic()
    while time.monotonic() - start < 60:
        wait_until(lambda: database.sql(WAITING), "the worker waits", seconds=30)
        if any("lock table only" in query for (query,) in database.sql(WAITING)):
            next_one.close()
            return holder
        queued = threading.Thread(target=next_one.execute, args=(LOCK,))
        queued.start()
        pid = next_one.info.backend_pid
        wait_until(partial(is_queued, database, pid), "the next one queues", seconds=30)
        holder.execute("commit")
        queued.join()
        holder, next_one = next_one, holder
    raise AssertionError("the baseline never asked for the lock")


def test_a_view_in_a_tables_place_is_not_read(
    database: Database, start_worker: StartWorker, app: Role, ears: Ears
) -> None:
    """The worker waits for the table's lock; when it gets it, the name is a view's."""
    start_worker("--snapshot", "initial").wait_ready().terminate()
    # Its rows were there before it was tracked: the next worker reads them.
    app.sql("create table app.t as select i as id, 'x' as v from generate_series(1, 3) i")
    app.sql("alter table app.t add primary key (id)")
    start_worker("--snapshot", "initial")
    with hold_until_the_baseline_waits(app, database) as session:
        session.execute(
            "alter table app.t rename to hidden;"
            "create view app.t as select id + app.evil(0) as id, 'forged' as v from app.hidden; commit"
        )
    sync(database.url)
    wait_until(
        lambda: len(history(database.url, "operation = 'SNAPSHOT' and \"table\" = 'hidden'")) == 3,
        "the rows are read under their own name",
        seconds=60,
    )
    assert ears.heard() == []
    assert not history(database.url, "after ->> 'v' = 'forged'")
