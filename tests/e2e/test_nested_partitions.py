"""Partitions of partitions: a leaf has one root, the one at the top now."""

from __future__ import annotations

import psycopg
import pytest

from e2e.oracle import canonical, live_rows, now_of
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until

SCHEMA = """
create table pt (id int, k int, v text, primary key (id, k)) partition by range (k);
create table pt_1 partition of pt for values from (0) to (10);
create table pt_2 partition of pt for values from (10) to (20);
insert into pt select i, i, 'old ' || i from generate_series(1, 19) i;
"""
# A level comes between the root and its partition.
NEST = """
alter table pt detach partition pt_1;
create table sub (like pt including all) partition by range (k);
alter table sub attach partition pt_1 for values from (0) to (5);
alter table pt attach partition sub for values from (0) to (10)
"""
UNNEST = "alter table pt detach partition sub"


def rows_as_of(database: Database, table: str, at: str) -> list[str]:
    said = database.sql('select "row" from bemi.rows_as_of(%s, %s::timestamptz)', table, at)
    return sorted(canonical(row) for (row,) in said)


def check(database: Database, *tables: str) -> None:
    """They are answered soon, and right."""

    def is_known(table: str) -> bool:
        try:
            rows_as_of(database, table, now_of(database.url))
        except psycopg.errors.ObjectNotInPrerequisiteState:
            return False
        return True

    for table in tables:
        wait_until(lambda table=table: is_known(table), f"{table} is known")  # type: ignore[misc]
        assert rows_as_of(database, table, now_of(database.url)) == live_rows(database.url, table), table


@oldest_and_newest
@pytest.mark.parametrize("in_one_transaction", [True, False], ids=["at once", "in steps"])
def test_a_level_comes_between(
    in_one_transaction: bool, database: Database, start_worker: StartWorker
) -> None:
    database.sql(SCHEMA)
    # What the middle level takes must fit its bounds.
    database.sql("delete from pt where k between 5 and 9")
    worker = start_worker("--heartbeat-interval", "1").wait_ready()
    check(database, "pt")
    if in_one_transaction:
        database.sql(NEST)
    else:
        for statement in NEST.split(";"):
            database.sql(statement)
    database.sql("update pt set v = 'through the root'")
    check(database, "pt")
    database.sql("update sub set v = 'through the middle'; insert into pt values (30, 3, 'new')")
    check(database, "pt")
    # By what the history says of it.
    worker.kill9()
    worker = start_worker("--heartbeat-interval", "1").wait_ready()
    database.sql("update pt_1 set v = 'through the leaf'; delete from pt where id = 30")
    check(database, "pt")
    # The middle level stands alone.
    database.sql(UNNEST)
    database.sql(
        "update sub set v = 'alone'; insert into sub values (31, 4, 'alone'); update pt set v = 'rest'"
    )
    check(database, "pt", "sub")
    worker.kill9()
    start_worker("--heartbeat-interval", "1").wait_ready()
    database.sql("insert into sub values (32, 3, 'later'); delete from pt where k > 15")
    check(database, "pt", "sub")
