"""Tables that change their shape under way, and what is told of it."""

from __future__ import annotations

import json


import psycopg
import pytest

from e2e.oracle import history, live_rows, replayed_rows, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, every_major
from support.postgres import available

RAN = [
    ("CREATE TABLE", "create table todo (id int primary key, task text)"),
    ("ALTER TABLE", "alter table todo add column amount numeric(10,2)"),
    ("ALTER TABLE", "alter table todo rename column task to title"),
    ("ALTER TABLE", "alter table todo drop column amount"),
    ("ALTER TABLE", "alter table todo add column amount text"),
    ("ALTER TABLE", "alter table todo rename to done"),
    ("DROP TABLE", "drop table done"),
]


@every_major
def test_ddl_is_a_change(database: Database, start_worker: StartWorker) -> None:
    start_worker().wait_ready()
    for number, (_, statement) in enumerate(RAN):
        with psycopg.connect(database.url) as connection:
            connection.execute(
                "select pg_logical_emit_message(true, '_bemi', %s)", (json.dumps({"by": number}),)
            )
            connection.execute(statement)
    sync(database.url)
    changes = history(database.url)
    assert [(c["operation"], c["after"]["command"], c["after"]["sql"]) for c in changes] == [
        ("SCHEMA", command, statement) for command, statement in RAN
    ]
    assert [c["context"] for c in changes] == [{"by": number} for number in range(len(RAN))]
    assert [c["table"] for c in changes] == ["todo"] * 5 + ["done"] * 2
    assert changes[1]["before"]["columns"] == [
        {"name": "id", "type": "integer"},
        {"name": "task", "type": "text"},
    ]
    assert changes[1]["after"]["columns"][2] == {"name": "amount", "type": "numeric(10,2)"}
    assert changes[1]["after"]["primary_key"] == ["id"]
    assert database.sql("select count(*) from _bemi.trigger_failure") == [(0,)]
    assert database.sql("select bool_and(not assumed) from _bemi.relation_version") == [(True,)]


@every_major
def test_ddl_and_rows_in_one_transaction(database: Database, start_worker: StartWorker) -> None:
    """Also when the worker sees it only after everything is over and gone."""
    database.sql("create table todo (id int primary key, a text, b text)")
    worker = start_worker().wait_ready()
    worker.terminate()
    with psycopg.connect(database.url) as connection:
        run = connection.execute
        run("insert into todo values (1, 'a', 'b')")
        run("alter table todo drop column a")
        run("alter table todo add column a int")
        run("update todo set a = 7")
        run("alter table todo rename column b to c; alter table todo rename column a to b")
        run("alter table todo rename column c to a")
        run("update todo set b = 8")
        run("savepoint s")
        run("alter table todo add column gone int; insert into todo (id, gone) values (2, 2)")
        run("rollback to savepoint s")
        run("alter table todo alter column b type text using b || '!'")
        run("alter table todo drop constraint todo_pkey; alter table todo rename column id to ident")
        run("alter table todo add column key text; update todo set key = 'k'; alter table todo add primary key (key)")
        run("insert into todo values (3, 'x', 'y', 'l')")
        run("create type pair as (x int, y text); alter table todo add column p pair")
        run("update todo set p = (1, 'one') where key = 'k'")
    database.sql("alter type pair add attribute z int cascade")
    database.sql("update todo set p = (2, 'two', 3) where key = 'k'")
    database.sql("create table other (id int primary key); insert into other values (1)")
    database.sql("create table odd (a int, b int, primary key (b, a)); insert into odd values (1, 2)")
    database.sql("drop table other; drop table odd; drop table todo")
    database.sql("create table other (id text primary key); insert into other values ('again')")
    start_worker().wait_ready()
    sync(database.url)
    changes = [c for c in history(database.url) if c["operation"] != "SCHEMA"]
    todo = [(c["primary_key"], c["after"]) for c in changes if c["table"] == "todo"]
    assert todo == [
        ("1", {"id": 1, "a": "a", "b": "b"}),
        ("1", {"id": 1, "a": 7, "b": "b"}),
        ("1", {"id": 1, "a": "b", "b": 8}),
        (None, {"ident": 1, "a": "b", "b": "8!", "key": "k"}),
        ("l", {"ident": 3, "a": "x", "b": "y", "key": "l"}),
        ("k", {"ident": 1, "a": "b", "b": "8!", "key": "k", "p": {"x": 1, "y": "one"}}),
        ("k", {"ident": 1, "a": "b", "b": "8!", "key": "k", "p": {"x": 2, "y": "two", "z": 3}}),
    ]
    assert [(c["table"], c["primary_key"]) for c in changes if c["table"] != "todo"] == [
        ("other", "1"),
        ("odd", '["2", "1"]'),
        ("other", "again"),
    ]


@every_major
def test_ddl_of_a_rolled_back_savepoint_in_a_streamed_transaction(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key, name text)")
    start_worker().wait_ready()
    insert = "insert into item (id, name) select i, repeat('x', 100) from generate_series(%s::int, %s) i"
    with psycopg.connect(database.url) as connection:
        connection.execute("set logical_decoding_work_mem = '64kB'")
        connection.execute(insert, (1, 3000))
        connection.execute("savepoint s")
        connection.execute("alter table item add column gone int")
        connection.execute("update item set gone = 1")
        connection.execute("drop table item")
        connection.execute("rollback to savepoint s")
        connection.execute("alter table item add column kept int")
        connection.execute(insert, (3001, 6000))
    sync(database.url)
    schema = [c["after"]["sql"] for c in history(database.url, "operation = 'SCHEMA'")]
    assert schema == ["alter table item add column kept int"]
    assert replayed_rows(
        [c | {"after": {"kept": None, **c["after"]}} for c in history(database.url)], "item"
    ) == live_rows(database.url, "item")


@every_major
def test_the_applications_updates_never_fail(database: Database, start_worker: StartWorker) -> None:
    """Generated columns and narrow publications go with no replica identity full: from 18 on a table that
    has both refuses its own updates."""
    kinds = ["stored"] + (["virtual"] if database.server.major >= 18 else [])

    def create(prefix: str) -> None:
        for kind in kinds:
            database.sql(
                f"create table {prefix}_{kind} (id int primary key, a int, g int generated always as (a * 2) {kind})"
            )
            database.sql(f"create table {prefix}_{kind}_keyless (a int, g int generated always as (a * 2) {kind})")
        if database.server.major >= 15:
            database.sql(f"create table {prefix}_narrow (id int primary key, a int, b int)")
            database.sql(f"create publication {prefix} for table {prefix}_narrow (id, a)")

    def use() -> None:
        tables = database.sql("select relname from pg_class where relkind = 'r' and relname ~ '^(before|later)_'")
        for (table,) in tables:
            database.sql(f"insert into {table} (a) values (1)" if "keyless" in table else f"insert into {table} (id, a) values (1, 1)")  # fmt: skip
            database.sql(f"update {table} set a = 2")
            database.sql(f"delete from {table}")

    create("before")
    start_worker().wait_ready()
    use()
    create("later")
    use()
    if "virtual" in kinds:
        database.sql("create table t (id int primary key, a int)")
        database.sql("insert into t values (1, 1)")
        database.sql("alter table t add column g int generated always as (a + 1) virtual")
        database.sql("update t set a = 2")
        database.sql("create table u (a int)")
        database.sql("insert into u values (1)")
        database.sql("alter table u add column g int generated always as (a + 1) virtual")
        database.sql("update u set a = 2")
    database.sql("create table w (id int primary key, a int)")
    database.sql("insert into w values (1, 1)")
    database.sql("alter table w drop constraint w_pkey")
    database.sql("alter table w replica identity default")
    database.sql("update w set a = 2")
    sync(database.url)
    for change in history(database.url, "\"table\" ~ '_stored$' and operation = 'CREATE'"):
        if database.server.major >= 18:
            assert change["after"]["g"] == 2 and change["fidelity"] is None
        else:
            assert "g" not in change["after"] and change["fidelity"] == {"after": {"g": "unknown"}}
    assert database.sql("select * from _bemi.trigger_failure") == []
    check = bemi("check", env={"BEMI_SOURCE_URL": database.url}, check=False)
    if "virtual" in kinds:
        assert "virtual generated columns" in check.stdout


@pytest.mark.skipif(18 not in available(), reason="needs PostgreSQL 18")
@pytest.mark.parametrize("server", [18], indirect=True)
def test_a_publication_of_an_older_bemi_learns_generated_columns(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table t (id int primary key, a int, g int generated always as (a * 2) stored)")
    database.sql("insert into t (id, a) values (1, 1)")
    database.sql(f"create publication bemi_{database.name} for table t")
    start_worker().wait_ready()
    database.sql("update t set a = 2")
    sync(database.url)
    [change] = history(database.url, "operation = 'UPDATE'")
    assert (change["before"], change["after"]) == ({"id": 1, "a": 1, "g": 2}, {"id": 1, "a": 2, "g": 4})


