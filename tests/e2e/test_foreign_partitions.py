"""Rows in a partition that is a foreign table are in no WAL: such a table is never answered as whole."""

from __future__ import annotations

import psycopg
import pytest

from e2e.oracle import known_rows, live_rows, now_of
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until

pytestmark = oldest_and_newest

SCHEMA = """
create schema far;
create table far.pt_2 (id int, k int, v text, primary key (id, k));
insert into far.pt_2 values (11, 11, 'far');
create extension postgres_fdw;
create server far foreign data wrapper postgres_fdw options (host '{host}', port '{port}', dbname '{name}');
create user mapping for public server far options (user 'postgres');
create table pt (id int, k int, v text) partition by range (k);
create table pt_1 partition of pt for values from (0) to (10);
insert into pt values (1, 1, 'near')
"""
TABLE = "foreign table pt_2{} server far options (schema_name 'far', table_name 'pt_2')"
OF_ROOT = "create " + TABLE.format(" partition of pt for values from (10) to (20)")
ALONE = "create " + TABLE.format(" (id int, k int, v text)")
# How it comes into the table.
COMES = {
    "made": OF_ROOT,
    "attached": f"{ALONE}; alter table pt attach partition pt_2 for values from (10) to (20)",
    "in a level between": "create table sub (id int, k int, v text) partition by range (k);"
    "alter table pt attach partition sub for values from (10) to (20);"
    "create " + TABLE.format(" partition of sub for values from (10) to (15)"),
    "within a level": "create table sub (id int, k int, v text) partition by range (k);"
    "create " + TABLE.format(" partition of sub for values from (10) to (15)") + ";"
    "alter table pt attach partition sub for values from (10) to (20)",
}
# And how it goes.
GOES = {
    "made": "alter table pt detach partition pt_2",
    "attached": "drop foreign table pt_2",
    "in a level between": "drop server far cascade",
    "within a level": "alter table pt detach partition sub",
}


def make(database: Database, *more: str) -> None:
    server = database.server
    schema = SCHEMA.format(host=server.socket_dir, port=server.port, name=database.name)
    for statement in (schema, *more):
        database.sql(statement)


def reader(database: Database) -> dict[str, str]:
    return {"BEMI_SOURCE_URL": database.url, "BEMI_DESTINATION_URL": database.url}


def is_known(database: Database) -> bool:
    """By the history, or by the live table."""
    now = now_of(database.url)
    return bemi("as-of", now, "pt", env=reader(database), check=False).returncode == 0


def is_right(database: Database) -> bool:
    known = known_rows(database.url, now_of(database.url), "pt")
    return known is not None and known == live_rows(database.url, "pt") and is_known(database)


def said_by_check(database: Database) -> str:
    return bemi("check", env=reader(database), check=False).stdout


@pytest.mark.parametrize("way", COMES)
def test_it_is_there_from_the_start(way: str, database: Database, start_worker: StartWorker) -> None:
    make(database, COMES[way])
    start_worker("--heartbeat-interval", "1").wait_ready()
    database.sql("update pt_1 set v = 'changed'")
    assert not is_known(database)
    partial = bemi("as-of", now_of(database.url), "pt", "--partial", "--format", "json", env=reader(database))
    assert "changed" in partial.stdout, "what is known is known by the table's name"
    assert "pt_2 is a foreign table" in said_by_check(database)
    database.sql(GOES[way])
    wait_until(lambda: is_right(database), "all of it is known")
    assert "table public.pt: its partition" not in said_by_check(database)


@pytest.mark.parametrize("triggers", [True, False], ids=["told", "not told"])
@pytest.mark.parametrize("way", COMES)
def test_it_comes_and_goes(way: str, triggers: bool, database: Database, start_worker: StartWorker) -> None:
    make(database)
    start_worker("--heartbeat-interval", "1").wait_ready()
    wait_until(lambda: is_known(database), "the table is known")
    if not triggers:
        for name in ("track_ddl", "track_drop", "track_rewrite"):
            database.sql(f"drop event trigger bemi_{name}")
    before = now_of(database.url)
    database.sql(COMES[way])
    if triggers:
        assert not is_known(database)
    else:
        wait_until(lambda: not is_known(database), "the worker looks")
    if triggers:
        # What was known before stays so.
        assert known_rows(database.url, before, "pt") is not None
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        database.sql("select * from bemi.rows_as_of('pt', %s::timestamptz)", now_of(database.url))
    assert "pt_2 is a foreign table" in said_by_check(database)
    database.sql(GOES[way])
    database.sql("insert into pt values (2, 2, 'later')")
    wait_until(lambda: is_right(database), "all of it is known")
