"""Generated columns of the past: each value is right, or marked as unknown; none is missing without a word."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from e2e.oracle import now_of
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until

SCHEMA = """
create table item (id int primary key, a int);
insert into item select i, i from generate_series(1, 3) i;
create table log (a int, b int);
insert into log select i, i from generate_series(1, 3) i;
"""


def kinds(database: Database) -> list[str]:
    """PostgreSQL 18 sends stored ones, and no server sends virtual ones."""
    return ["stored", "virtual"] if database.server.major >= 18 else ["stored"]


def past(database: Database, table: str, at: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [
        (row, fidelity or {})
        for row, fidelity in database.sql(
            'select "row", fidelity from bemi.rows_as_of(%s, %s::timestamptz)', table, at
        )
    ]


def is_updated(database: Database, statement: str) -> bool:
    try:
        database.sql(statement)
    except psycopg.errors.InvalidColumnReference:
        return False
    return True


def live(database: Database, table: str) -> list[dict[str, Any]]:
    return [row for (row,) in database.sql(f"select to_jsonb(t) from {table} t")]


def check(database: Database, table: str) -> str:
    """The server's own rows are the oracle. The moment."""
    at = ""

    def holds() -> bool:
        nonlocal at
        at = now_of(database.url)
        try:
            assert_past(database, table, at, live(database, table))
        except psycopg.errors.ObjectNotInPrerequisiteState:
            return False  # the worker has found DDL since, and reads the rows again
        return True

    wait_until(holds, f"{table} is known")
    return at


def assert_past(database: Database, table: str, at: str, rows: list[dict[str, Any]]) -> None:
    found = past(database, table, at)
    if table == "log":  # no key tells them apart
        assert len(found) == len(rows)
        for row, fidelity in found:
            like = [true for true in rows if row.items() <= true.items()]
            assert like and like[0].keys() - row.keys() == fidelity.keys(), (row, fidelity)
        return
    of_key = {row["id"]: row for row in rows}
    assert sorted(row["id"] for row, _ in found) == sorted(of_key)
    for row, fidelity in found:
        for column, value in of_key[row["id"]].items():
            if fidelity.get(column) == "unknown":
                assert column not in row, (row, fidelity)
            else:
                assert column in row and row[column] == value, (column, row, fidelity, of_key[row["id"]])
        assert row.keys() <= of_key[row["id"]].keys() and fidelity.keys() <= of_key[row["id"]].keys()
        one = database.sql(
            "select fidelity from bemi.row_as_of(%s, %s, %s::timestamptz)", table, str(row["id"]), at
        )
        assert (one[0][0] or {}) == fidelity
    for row in from_live(database, table, at):
        assert all(of_key[row["id"]][column] == value for column, value in row.items()), row


def from_live(database: Database, table: str, at: str) -> list[dict[str, Any]]:
    said = bemi("as-of", at, table, "--format", "json", env={"BEMI_SOURCE_URL": database.url})
    return [json.loads(line) for line in said.stdout.splitlines()]


@oldest_and_newest
@pytest.mark.parametrize("kind", ["stored", "virtual"])
@pytest.mark.parametrize("triggers", [True, False], ids=["told", "found"])
def test_a_generated_column_that_comes_later(
    database: Database, start_worker: StartWorker, kind: str, triggers: bool
) -> None:
    if kind not in kinds(database):
        pytest.skip("virtual columns came with PostgreSQL 18")
    database.sql(SCHEMA)
    options = ("--heartbeat-interval", "1", *(() if triggers else ("--no-event-trigger",)))
    worker = start_worker(*options).wait_ready()
    check(database, "item")
    before = now_of(database.url)
    rows_before = live(database, "item")
    database.sql("update item set a = 10 where id = 1")
    database.sql(f"alter table item add g int generated always as (a * 2) {kind}")
    if kind == "stored":
        database.sql(f"alter table log add g int generated always as (a * 2) {kind}")
    # Nobody tells: the worker changes the identity when it looks, and until then PostgreSQL refuses updates.
    wait_until(lambda: is_updated(database, "update item set a = 20 where id = 2"), "the update succeeds")
    database.sql("insert into item values (4, 4); insert into log values (4, 4)")
    beside = check(database, "item")
    rows_beside = live(database, "item")
    check(database, "log")
    # Another shape beside it: rows of before are read in it.
    database.sql(
        "alter table item add b text default 'none'; update item set a = 30, b = 'some' where id = 3"
    )
    check(database, "item")
    worker.kill9()
    start_worker(*options).wait_ready()
    database.sql("update item set a = 31 where id = 3")
    check(database, "item")
    database.sql("alter table item drop g; update item set a = 32 where id = 3")
    check(database, "item")
    if triggers:
        assert_past(database, "item", before, rows_before)
        assert_past(database, "item", beside, rows_beside)


@oldest_and_newest
@pytest.mark.parametrize("triggers", [True, False], ids=["told", "found"])
def test_a_column_that_is_generated_no_more(
    database: Database, start_worker: StartWorker, triggers: bool
) -> None:
    """Rows keep what was computed for them: nobody sends it up to PostgreSQL 17."""
    database.sql("create table item (id int primary key, a int, g int generated always as (a * 2) stored)")
    database.sql("insert into item select i, i from generate_series(1, 3) i")
    options = ("--heartbeat-interval", "1", *(() if triggers else ("--no-event-trigger",)))
    start_worker(*options).wait_ready()
    database.sql("update item set a = 10 where id = 1")
    check(database, "item")
    database.sql("alter table item alter g drop expression")
    check(database, "item")
    database.sql("update item set g = 5 where id = 1; insert into item values (4, 4, 4)")
    check(database, "item")
