"""Tables made while no event trigger looks are tracked at the worker's next look, and the time between is said."""

from __future__ import annotations

import psycopg
import pytest

from e2e.oracle import canonical, history, known_rows, live_rows, now_of, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until

QUIET = {
    "replica": ("set session_replication_role = replica", "set session_replication_role = origin"),
    "disabled": (
        "alter event trigger bemi_track_ddl disable",
        "alter event trigger bemi_track_ddl enable always",
    ),
    "all disabled": (
        "alter event trigger bemi_track_ddl disable; alter event trigger bemi_track_drop disable;"
        "alter event trigger bemi_track_rewrite disable",
        "alter event trigger bemi_track_ddl enable always; alter event trigger bemi_track_drop enable always;"
        "alter event trigger bemi_track_rewrite enable always",
    ),
    "still disabled": ("alter event trigger bemi_track_ddl disable", "select 1"),
    "off": ("set event_triggers = off", "set event_triggers = on"),
}


@oldest_and_newest
@pytest.mark.parametrize("quiet", QUIET)
@pytest.mark.parametrize("rest", [10, 600], ids=["busy", "no heartbeat"])
def test_a_table_that_nobody_told_of_is_tracked(
    database: Database, start_worker: StartWorker, quiet: str, rest: int
) -> None:
    if quiet == "off" and database.server.major < 17:
        pytest.skip("a setting of PostgreSQL 17")
    database.sql("create table seed (id int primary key)")
    start_worker("--heartbeat-interval", str(rest)).wait_ready()
    before, after = QUIET[quiet]
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(before.encode())
        connection.execute("create table keyed (id int primary key, v text)")
        connection.execute("create table keyless (id int, v text)")
        connection.execute("create table copied as select i as id, 'as' as v from generate_series(1, 3) i")
        for table in ("keyed", "keyless"):
            connection.execute(f"insert into {table} values (1, 'a'), (2, 'b')".encode())
        connection.execute("update keyed set v = 'c' where id = 1")
        connection.execute(after.encode())
    tables = ("copied", "keyed", "keyless")

    def all_known() -> bool:
        now = now_of(database.url)
        return all(known_rows(database.url, now, table) == live_rows(database.url, table) for table in tables)

    wait_until(all_known, "the worker looks")
    database.sql("update keyed set v = 'd'; delete from keyless; update copied set v = 'e'")
    now = now_of(database.url)
    for table in tables:
        assert known_rows(database.url, now, table) == live_rows(database.url, table)
    # In a session that replicates they fire. Else nothing says what the tables had before the look.
    created = [c for c in history(database.url) if c["operation"] == "CREATE"]
    assert (created == []) == (quiet != "replica")
    assert canonical({"id": 1, "v": "d"}) in (known_rows(database.url, now, "keyed") or [])
    sync(database.url)
    said = bemi("check", env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert ("switched off" in said.stdout) == (quiet == "still disabled"), said.stdout
