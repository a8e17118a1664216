"""No table is published in a way that makes the application's UPDATE or DELETE fail; what comes later is mended."""

from __future__ import annotations

import psycopg
import pytest

from e2e.oracle import history, known_rows, live_rows, now_of, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.postgres import available
from support.waiting import wait_until

# What has a key or an identity by name, and no index that finds a row; PostgreSQL then refuses UPDATE and DELETE.
UNIDENTIFIED = {
    "deferrable key": "create table t (id int primary key deferrable, v text)",
    "initially deferred key": "create table t (id int primary key deferrable initially deferred, v text)",
    "dropped index": "create table t (id int not null, v text); create unique index i on t (id); "
    "alter table t replica identity using index i; drop index i",
    "nothing": "create table t (id int primary key, v text); alter table t replica identity nothing",
    "no key": "create table t (id int, v text)",
    "deferrable key of a partitioned table": "create table t (id int primary key deferrable, v text) "
    "partition by range (id); create table t_1 partition of t for values from (0) to (100)",
    "wide values under a deferrable key": "create table t (id int primary key deferrable, v text); "
    "alter table t alter v set storage external; "
    "insert into t select i, repeat(md5(i::text), 3000) from generate_series(10, 40) i",
}


def write(database: Database, table: str = "t") -> None:
    database.sql(f"insert into {table} (id) values (1); update {table} set id = 2 where id = 1")
    database.sql(f"delete from {table} where id = 2")


@oldest_and_newest
@pytest.mark.parametrize("policy", ["full", "keep"])
@pytest.mark.parametrize("shape", UNIDENTIFIED)
def test_a_table_without_identity_can_be_updated(
    database: Database, start_worker: StartWorker, shape: str, policy: str
) -> None:
    database.sql(UNIDENTIFIED[shape])
    flags = ("--replica-identity", policy)
    start_worker(*flags).wait_ready()
    write(database)
    sync(database.url)
    assert [change["operation"] for change in history(database.url, "operation <> 'SNAPSHOT'")] == [
        "CREATE",
        "UPDATE",
        "DELETE",
    ]
    check = bemi("check", *flags, env={"BEMI_SOURCE_URL": database.url})
    assert "refused" not in check.stdout


@oldest_and_newest
def test_an_identity_that_goes_is_mended(database: Database, start_worker: StartWorker) -> None:
    """The worker looks by itself; until then `bemi check` says it."""
    database.sql(
        "create table t (id int not null, v text); create unique index i on t (id); "
        "alter table t replica identity using index i; insert into t values (1, 'a')"
    )
    database.sql("create table k (id int primary key, v text); insert into k values (1, 'a')")
    flags = (
        "--replica-identity",
        "keep",
        "--no-event-trigger",
        "--heartbeat-interval",
        "1",
    )
    worker = start_worker(*flags).wait_ready()
    with worker.paused():
        database.sql("drop index i; alter table k drop constraint k_pkey")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            database.sql("update t set v = 'b'")
        check = bemi("check", *flags[:3], env={"BEMI_SOURCE_URL": database.url}, check=False)
        assert check.returncode == 1
        assert "error    table public.t: its updates and deletes are refused" in check.stdout
        assert "alter table only" in check.stdout
    worker.wait_for_line("the updates of public.t were refused")
    worker.wait_for_line("the updates of public.k were refused")
    database.sql("update t set v = 'b'; update k set v = 'b'")
    database.sql("delete from t; delete from k")


@oldest_and_newest
@pytest.mark.parametrize("trigger", [(), ("--no-event-trigger",)])
def test_a_partition_that_is_attached_can_be_updated(
    database: Database, start_worker: StartWorker, trigger: tuple[str, ...]
) -> None:
    database.sql("create schema staging; create table ev (at date, v text) partition by range (at)")
    flags = ("--exclude", "staging.*", "--heartbeat-interval", "1", *trigger)
    start_worker(*flags).wait_ready()
    database.sql(
        "create table staging.ev2 (at date, v text); insert into staging.ev2 values ('2026-02-03', 'b')"
    )
    database.sql(
        "alter table ev attach partition staging.ev2 for values from ('2026-02-01') to ('2026-03-01')"
    )

    def updates() -> bool:
        try:
            database.sql("update ev set v = 'z'")
        except psycopg.errors.ObjectNotInPrerequisiteState:
            check = bemi(
                "check",
                *flags[:2],
                *trigger,
                env={"BEMI_SOURCE_URL": database.url},
                check=False,
            )
            # Or it has been mended meanwhile.
            assert "staging.ev2: its updates and deletes are refused" in check.stdout or check.returncode == 0
            return False
        return True

    wait_until(updates, "the worker looks")


@pytest.mark.skipif(18 not in available(), reason="needs PostgreSQL 18")
@pytest.mark.parametrize("server", [18], indirect=True)
def test_a_column_that_becomes_virtual_leaves_the_table_to_an_index(
    database: Database, start_worker: StartWorker
) -> None:
    """At once, by the event trigger: whole rows go with no virtual column, and an index identifies rows."""
    database.sql("create table t (id int not null unique, v int)")
    start_worker().wait_ready()
    database.sql("alter table t add g int generated always as (id * 2) virtual")
    assert database.sql("select relreplident from pg_class where oid = 'public.t'::regclass") == [("i",)]
    write(database)
    sync(database.url)
    written = [change["operation"] for change in history(database.url) if change["table"] == "t"]
    assert written == ["SCHEMA", "CREATE", "UPDATE", "DELETE"]


@pytest.mark.skipif(18 not in available(), reason="needs PostgreSQL 18")
@pytest.mark.parametrize("server", [18], indirect=True)
def test_virtual_columns_keep_out_what_nothing_identifies(
    database: Database, start_worker: StartWorker
) -> None:
    """FULL does not allow virtual columns: an index of their own identifies rows, or the table is not published."""
    database.sql(
        "create table by_key (id int primary key, v int, g int generated always as (id * 2) virtual)"
    )
    database.sql(
        "create table by_index (id int not null unique, v int, g int generated always as (id * 2) virtual)"
    )
    database.sql(
        "create table none (id int primary key deferrable, v int, g int generated always as (id * 2) virtual)"
    )
    database.sql(
        "create table part (id int not null, v int, g int generated always as (id * 2) virtual) "
        "partition by range (id); create table part_1 partition of part for values from (0) to (100)"
    )
    worker = start_worker("--heartbeat-interval", "1").wait_ready()
    for table in ("by_key", "by_index", "none", "part"):
        write(database, table)
    sync(database.url)
    assert {change["table"] for change in history(database.url)} == {
        "by_key",
        "by_index",
    }
    check = bemi("check", env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert "table public.none: is not tracked: it has virtual generated columns" in check.stdout
    # Later, with the identity gone, it leaves rather than refuse.
    database.sql("alter table by_index drop constraint by_index_id_key")
    worker.wait_for_line("the updates of public.by_index were refused|by_index")

    def updates() -> bool:
        try:
            write(database, "by_index")
        except psycopg.errors.ObjectNotInPrerequisiteState:
            return False
        return True

    wait_until(updates, "the worker looks")


@oldest_and_newest
@pytest.mark.parametrize("trigger", [(), ("--no-event-trigger",)], ids=["told", "looked for"])
def test_an_identity_that_leaves_the_key_out_is_none(
    database: Database, start_worker: StartWorker, trigger: tuple[str, ...]
) -> None:
    """PostgreSQL sends no old key then. Before, and while the worker runs; what covers the key is kept."""
    database.sql(
        "create table t (id int primary key, code text not null unique, more text not null);"
        "alter table t replica identity using index t_code_key;"
        "create table covered (id int primary key, code text not null, unique (code, id));"
        "alter table covered replica identity using index covered_code_id_key;"
        "create table later (id int primary key, code text not null unique);"
        "insert into later values (1, 'a'), (2, 'b')"
    )
    flags = ("--replica-identity", "keep", "--heartbeat-interval", "1", *trigger)
    worker = start_worker(*flags).wait_ready()

    def identities() -> dict[str, str]:
        found = database.sql(
            "select relname::text, relreplident::text from pg_class"
            " where relkind = 'r' and relname in ('t', 'covered', 'later')"
        )
        return {
            name: identity.decode() if isinstance(identity, bytes) else identity for name, identity in found
        }

    assert identities() == {"t": "f", "covered": "i", "later": "d"}
    with worker.paused():
        database.sql("alter table later replica identity using index later_code_key")
        check = bemi("check", *flags[:2], *trigger, env={"BEMI_SOURCE_URL": database.url}, check=False)
        said = "later: its rows cannot be told apart when their keys change"
        assert (said in check.stdout) == bool(trigger), check.stdout
        database.sql("update later set id = id + 10")
    wait_until(lambda: identities()["later"] == "f", "the worker looks")
    database.sql("update later set id = id + 10; update t set id = id + 1")

    def known() -> bool:
        now = now_of(database.url)
        return known_rows(database.url, now, "later") == live_rows(database.url, "later")

    wait_until(known, "the table is read anew")
