"""Undoing in tables of every build: partitions that came and went, identities, sequences, late contexts."""

from __future__ import annotations

import json

import psycopg
import pytest

from e2e.undo import Undo, conflicts
from support.fixtures import Database, StartWorker

oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])
USER = ("--context", "user_id=42")

PARTITIONED = """
create table p (k int, day int, v text, primary key (k, day)) partition by range (day);
create table p1 partition of p for values from (0) to (10);
create table p2 partition of p for values from (10) to (20);
create table r (id int primary key, k int, day int, foreign key (k, day) references p on delete cascade);
"""


@pytest.fixture
def undo(database: Database, start_worker: StartWorker) -> Undo:
    start_worker().wait_ready()
    return Undo(database)


@oldest_and_newest
def test_rows_that_others_refer_to_in_a_partitioned_table(undo: Undo) -> None:
    undo.database.sql(PARTITIONED)
    undo.as_user(1, "insert into p values (1, 1, 'a'), (2, 11, 'b')", "insert into r values (1, 2, 11)")
    before = [undo.rows("p"), undo.rows("r")]
    undo.as_user(42, "insert into p values (9, 9, 'mine')", "delete from p where k = 2")
    undo.as_user(42, "update p set day = 12, v = 'moved' where k = 1")
    undo.as_user(7, "insert into r values (2, 9, 9)")
    [conflict] = undo.plan(*USER)["conflicts"]
    assert (conflict["kind"], conflict["table"], conflict["primary_key"]) == ("referenced", "p", '["9", "9"]')
    assert conflict["constraint"] == "r_k_day_fkey"
    undo.as_user(7, "delete from r where id = 2")
    undo.apply(*USER)
    assert [undo.rows("p"), undo.rows("r")] == before
    undo.run("redo", "--apply")
    assert undo.rows("p") == ["(1,12,moved)", "(9,9,mine)"] and undo.rows("r") == []


@oldest_and_newest
def test_a_partition_that_was_detached_or_attached_since(undo: Undo) -> None:
    undo.database.sql(PARTITIONED.split("create table r")[0])
    undo.database.sql("create table p3 (k int, day int, v text, primary key (k, day))")
    undo.as_user(
        1,
        "insert into p values (1, 1, 'a'), (2, 11, 'b'), (3, 12, 'c')",
        "insert into p3 values (4, 25, 'd')",
    )
    undo.as_user(42, "update p set v = 'x'", "update p3 set v = 'x'", "delete from p where k = 3")
    undo.database.sql(
        "alter table p detach partition p2; alter table p attach partition p3 for values from (20) to (30)"
    )
    assert conflicts(undo.plan(*USER)) == [("missing", '["2", "11"]'), ("rejected", '["3", "12"]')] or [
        c["kind"] for c in undo.plan(*USER)["conflicts"]
    ] == ["missing"]
    undo.apply(*USER, "--on-conflict", "skip", expect=1)
    assert undo.rows("p") == ["(1,1,a)", "(4,25,d)"] and undo.rows("p2") == ["(2,11,x)"]


@oldest_and_newest
@pytest.mark.parametrize("keyed", [True, False])
def test_a_partition_that_was_emptied_by_itself_gets_its_rows_back(undo: Undo, keyed: bool) -> None:
    ddl = PARTITIONED.split("create table r")[0]
    undo.database.sql(ddl if keyed else ddl.replace(", primary key (k, day)", ""))
    undo.as_user(1, "insert into p select i, i % 20, 'a' from generate_series(1, 40) i")
    undo.as_user(7, "update p set day = 15 where k = 1", "delete from p where k = 2")
    before = undo.rows("p")
    undo.as_user(
        42, "update p set v = 'x' where k in (3, 12)", "truncate p1", "insert into p values (4, 4, 'new')"
    )
    undo.as_user(42, "update p set v = 'y' where k = 13")
    undo.apply(*USER)
    assert undo.rows("p") == before
    undo.run("redo", "--apply")
    assert len(undo.rows("p")) == len([row for row in before if int(row.split(",")[1]) >= 10]) + 1


@oldest_and_newest
def test_a_partition_of_unknown_rows_that_was_emptied_is_refused_by_name(undo: Undo) -> None:
    undo.database.sql(
        "create table p (k int primary key, v text) partition by hash (k);"
        "create table p1 partition of p for values with (modulus 2, remainder 0);"
        "create table p2 partition of p for values with (modulus 2, remainder 1)"
    )
    undo.as_user(1, "insert into p select i, 'a' from generate_series(1, 9) i")
    undo.as_user(42, "truncate p1")
    [conflict] = undo.plan(*USER)["conflicts"]
    assert (conflict["kind"], conflict["table"]) == ("unknown", "p1")
    refused = undo.run("revert", *USER, "--apply")
    assert refused.returncode == 1 and "public.p1" in refused.stderr


@oldest_and_newest
def test_rows_that_an_index_identifies(database: Database, start_worker: StartWorker) -> None:
    database.sql(
        "create table item (code text not null unique, n int, body text);"
        "alter table item replica identity using index item_code_key"
    )
    start_worker("--replica-identity", "keep").wait_ready()
    undo = Undo(database)
    undo.as_user(1, "insert into item values ('a', 1, 'x'), ('b', 1, 'y')")
    before = undo.rows("item")
    undo.as_user(42, "update item set n = 2 where code = 'a'", "delete from item where code = 'b'")
    plan = undo.plan(*USER)
    if plan["applicable"]:
        undo.apply(*USER)
        assert undo.rows("item") == before
    else:
        assert {c["kind"] for c in plan["conflicts"]} == {"unknown"}
        assert undo.run("revert", *USER, "--apply").returncode == 1


@pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"])
def test_virtual_generated_columns_are_left_to_the_server(undo: Undo) -> None:
    undo.database.sql(
        "create table item (id int generated always as identity primary key, n int,"
        " twice int generated always as (n * 2) virtual, half int generated always as (n / 2) stored)"
    )
    undo.as_user(1, "insert into item (n) values (1), (2), (3)")
    before = undo.rows("item")
    undo.as_user(42, "update item set n = 10 where id = 1", "delete from item where id = 2")
    undo.as_user(42, "insert into item (n) values (9)")
    undo.apply(*USER)
    assert undo.rows("item") == before


@oldest_and_newest
def test_a_truncate_that_restarts_sequences_leaves_none_behind_its_rows(undo: Undo) -> None:
    undo.database.sql(
        "create table item (id serial primary key, n int);"
        "create table other (id int generated always as identity primary key, n int)"
    )
    undo.as_user(
        1, *[f"insert into {t} (n) select i from generate_series(1, 20) i" for t in ("item", "other")]
    )
    before = [undo.rows("item"), undo.rows("other")]
    undo.as_user(42, "truncate item, other restart identity")
    undo.apply(*USER)
    assert [undo.rows("item"), undo.rows("other")] == before
    undo.as_user(1, "insert into item (n) values (21)", "insert into other (n) values (21)")
    assert undo.database.sql("select max(id) from item union all select max(id) from other") == [(21,), (21,)]


def test_a_sequence_is_never_turned_back(undo: Undo) -> None:
    undo.database.sql("create table item (id serial primary key, n int)")
    undo.as_user(42, "insert into item (n) select i from generate_series(1, 20) i")
    undo.apply(*USER)
    undo.as_user(1, "insert into item (n) values (1)")
    assert undo.rows("item") == ["(21,1)"]


def test_a_truncate_of_rows_that_the_history_does_not_have_is_refused(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key); insert into item values (1), (2)")
    start_worker("--snapshot", "none").wait_ready()
    undo = Undo(database)
    undo.as_user(1, "insert into item values (3)")
    undo.as_user(42, "truncate item")
    done = undo.run("revert", *USER, "--apply")
    assert done.returncode == 1 and "public.item" in done.stderr and "baseline" in done.stderr
    assert undo.rows("item") == []


def test_a_context_that_came_last_or_went_with_its_savepoint(undo: Undo) -> None:
    undo.database.sql("create table item (id int primary key, n int)")
    undo.as_user(1, "insert into item values (1, 1), (2, 1), (3, 1)")
    emit = "select pg_logical_emit_message(true, '_bemi', %s)"
    mine, other = json.dumps({"user_id": 42}), json.dumps({"user_id": 7})
    with psycopg.connect(undo.database.url) as connection:
        connection.execute("update item set n = 2 where id = 1")
        connection.execute(emit, [mine])
    with psycopg.connect(undo.database.url) as connection:
        connection.execute(emit, [other])
        connection.execute("update item set n = 2 where id = 2")
        connection.execute("savepoint s")
        connection.execute(emit, [mine])
        connection.execute("update item set n = 3 where id = 2")
        connection.execute("rollback to s")
        connection.execute("update item set n = 2 where id = 3")
    undo.apply(*USER)
    assert undo.rows("item") == ["(1,1)", "(2,2)", "(3,2)"]


@oldest_and_newest
def test_ddl_in_the_middle_of_a_transaction(undo: Undo) -> None:
    undo.database.sql("create table item (id int primary key, n int)")
    undo.as_user(1, "insert into item values (1, 1), (2, 2)")
    undo.as_user(
        42,
        "update item set n = 10 where id = 1",
        "alter table item add note text default 'new'",
        "update item set note = 'mine', n = 20 where id = 2",
        "alter table item rename n to amount",
        "insert into item values (3, 3, 'three')",
        "alter table item rename to thing",
        "delete from thing where id = 2",
    )
    plan = undo.plan(*USER)
    assert plan["conflicts"] == [] and any("public.item" in w for w in plan["warnings"])
    undo.apply(*USER)
    assert undo.rows("thing") == ["(1,1,new)", "(2,2,new)"]
