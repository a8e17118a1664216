"""Tables that change their shape under way, and what is told of it."""

from __future__ import annotations

import json

import psycopg
import pytest

from e2e.oracle import canonical, history, known_rows, live_rows, now_of, replayed_rows, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, every_major
from support.postgres import available
from support.waiting import wait_until

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
    assert database.sql("select count(*) from _bemi_source.trigger_failure") == [(0,)]
    assert database.sql("select bool_and(not assumed) from _bemi.relation_version") == [(True,)]


@every_major
def test_a_schema_of_any_name_is_followed(database: Database, start_worker: StartWorker) -> None:
    database.sql('create schema "Odd ""S"')
    start_worker().wait_ready()
    database.sql('create table "Odd ""S"."<b>" (k text)')
    database.sql('insert into "Odd ""S"."<b>" values (\'a\')')
    database.sql('update "Odd ""S"."<b>" set k = \'b\'')
    database.sql('alter table "Odd ""S"."<b>" add column v text')
    sync(database.url)
    assert database.sql("select * from _bemi_source.trigger_failure") == []
    found = [(c["operation"], c["schema"], c["table"]) for c in history(database.url)]
    assert found == [(o, 'Odd "S', "<b>") for o in ("SCHEMA", "CREATE", "UPDATE", "SCHEMA")]


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
        run(
            "alter table todo add column key text; update todo set key = 'k'; alter table todo add primary key (key)"
        )
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
    """Generated columns and narrow publications do not allow replica identity full: from 18 on a table that
    has both refuses its own updates."""
    kinds = ["stored"] + (["virtual"] if database.server.major >= 18 else [])

    def create(prefix: str) -> None:
        for kind in kinds:
            database.sql(
                f"create table {prefix}_{kind} (id int primary key, a int, g int generated always as (a * 2) {kind})"
            )
            database.sql(
                f"create table {prefix}_{kind}_keyless (a int, g int generated always as (a * 2) {kind})"
            )
        if database.server.major >= 15:
            database.sql(f"create table {prefix}_narrow (id int primary key, a int, b int)")
            database.sql(f"create publication {prefix} for table {prefix}_narrow (id, a)")

    def use() -> None:
        tables = database.sql(
            "select relname from pg_class where relkind = 'r' and relname ~ '^(before|later)_'"
        )
        for (table,) in tables:
            row = "(a) values (1)" if "keyless" in table else "(id, a) values (1, 1)"
            database.sql(f"insert into {table} {row}")
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
    assert database.sql("select * from _bemi_source.trigger_failure") == []
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
    start_worker("--publication", f"bemi_{database.name}").wait_ready()
    database.sql("update t set a = 2")
    sync(database.url)
    [change] = history(database.url, "operation = 'UPDATE'")
    assert (change["before"], change["after"]) == ({"id": 1, "a": 1, "g": 2}, {"id": 1, "a": 2, "g": 4})


# Looks for what it was not told of as often as there is a heartbeat.
QUICK = ("--heartbeat-interval", "1")


def fill(database: Database, first: int, last: int) -> None:
    database.sql("insert into part select i, 'x' from generate_series(%s::int, %s) i", first, last)


@every_major
def test_partitions_come_and_go(database: Database, start_worker: StartWorker) -> None:
    """Rows that come and go with a partition are no changes: the history says that it does not know, until
    it has looked, and then answers exactly."""
    env = {"BEMI_DESTINATION_URL": database.url}  # what is stored, not the live table
    database.sql("create table part (id int, name text, primary key (id)) partition by range (id)")
    for number in range(3):
        database.sql(
            f"create table part_{number} partition of part for values from ({number}00) to ({number + 1}00)"
        )
    # Columns in another order, and rows from before.
    database.sql(
        "create table odd (name text, gone int, id int primary key); alter table odd drop column gone"
    )
    database.sql("insert into odd select 'old', i from generate_series(300, 399) i")
    database.sql("create table sub partition of part for values from (400) to (500) partition by range (id)")
    database.sql("create table sub_1 partition of sub for values from (400) to (450)")
    start_worker(*QUICK).wait_ready()
    fill(database, 0, 299)
    fill(database, 400, 449)
    database.sql("update part set name = 'y' where id % 7 = 0")
    at: list[tuple[str, list[str]]] = []

    def remember() -> None:
        [[now]] = database.sql("select clock_timestamp()::text")
        at.append((now, live_rows(database.url, "part")))
        database.sql("select pg_sleep(0.01)")

    def known() -> None:
        wait_until(lambda: bemi("as-of", now_of(database.url), "part", env=env, check=False).returncode == 0)

    remember()
    for statement in (
        "alter table part attach partition odd for values from (300) to (400)",
        "alter table part detach partition part_0",
        "drop table part_1",
        "create table sub_2 partition of sub for values from (450) to (500)",
        "drop table sub",
    ):
        database.sql(statement)
        known()
        database.sql("update part set name = name || '.' where id between 200 and 320")
        remember()
    sync(database.url)
    for when, rows in at:
        said = bemi("as-of", when, "part", "--format", "json", env=env).stdout.splitlines()
        assert sorted(canonical(json.loads(line)) for line in said) == rows, when
    commands = [
        c["after"]["command"] for c in history(database.url, "operation = 'SCHEMA' and \"table\" = 'part'")
    ]
    # `sub` took two leaves with it.
    assert commands == [
        "ALTER TABLE",
        "ALTER TABLE",
        "DROP TABLE",
        "CREATE TABLE",
        "DROP TABLE",
        "DROP TABLE",
    ]
    assert all(c["table"] == "part" for c in history(database.url, "operation in ('CREATE', 'UPDATE')"))


@every_major
def test_truncate_and_inheritance(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table parent (id int primary key, name text)")
    database.sql("create table child (more int, primary key (id)) inherits (parent)")
    database.sql("create table owner (id int primary key)")
    database.sql("create table owned (id serial primary key, owner int references owner on delete cascade)")
    start_worker().wait_ready()
    database.sql("insert into parent values (1, 'p'); insert into child values (2, 'c', 3)")
    database.sql("update parent set name = name || '!'")
    database.sql("insert into owner values (1), (2); insert into owned (owner) values (1), (2)")
    database.sql("delete from owner where id = 1")
    database.sql("truncate owner restart identity cascade")
    database.sql("truncate only parent")
    database.sql("begin; truncate child; insert into child values (4, 'after', 5); commit")
    sync(database.url)
    changes = history(database.url)
    said = [(c["table"], c["operation"], c["primary_key"]) for c in changes if c["operation"] != "SCHEMA"]
    assert sorted(said[:8]) == sorted([
        ("parent", "CREATE", "1"), ("child", "CREATE", "2"), ("parent", "UPDATE", "1"), ("child", "UPDATE", "2"),
        ("owner", "CREATE", "1"), ("owner", "CREATE", "2"), ("owned", "CREATE", "1"), ("owned", "CREATE", "2"),
    ])  # fmt: skip
    assert sorted(said[8:10]) == [("owned", "DELETE", "1"), ("owner", "DELETE", "1")]
    assert sorted(said[10:12]) == [("owned", "TRUNCATE", None), ("owner", "TRUNCATE", None)]
    assert said[12:] == [("parent", "TRUNCATE", None), ("child", "TRUNCATE", None), ("child", "CREATE", "4")]


@every_major
@pytest.mark.parametrize("flags", [(), ("--no-event-trigger",)], ids=["told", "found"])
def test_publications_changed_under_way(
    flags: tuple[str, ...], database: Database, start_worker: StartWorker
) -> None:
    """Somebody takes a table out and puts it back: what came between is found by a new baseline."""
    database.sql("create table item (id int primary key, name text)")
    worker = start_worker(*flags, *QUICK).wait_ready()
    database.sql("insert into item values (1, 'a')")
    publication = f"bemi_{database.name}"
    database.sql(f"alter publication {publication} drop table item")
    database.sql("insert into item values (2, 'unseen')")
    [[between]] = database.sql("select clock_timestamp()::text")
    database.sql(f"alter publication {publication} add table item")
    database.sql("insert into item values (3, 'seen')")
    sync(database.url)
    assert worker.is_running
    keys = [c["primary_key"] for c in history(database.url, "operation = 'CREATE'")]
    assert keys == ["1", "3"]
    # Without being told not at once, but soon: what came between is found by reading the table anew.
    env = {"BEMI_DESTINATION_URL": database.url}
    if flags:
        worker.wait_for_line("was, not published in full")
    wait_until(lambda: bemi("as-of", now_of(database.url), "item", env=env, check=False).returncode == 0)
    said = bemi("as-of", now_of(database.url), "item", "--format", "json", env=env).stdout.splitlines()
    assert sorted(canonical(json.loads(line)) for line in said) == live_rows(database.url, "item")
    # And the time between is not taken for known.
    assert bemi("as-of", between, "item", env=env, check=False).returncode == 1


@every_major
def test_emptied_partitions(database: Database, start_worker: StartWorker) -> None:
    """One of several: which rows went is not known until they are read anew. All of them: the table is empty."""
    database.sql("create table part (id int primary key, name text) partition by range (id)")
    for number in range(2):
        database.sql(
            f"create table part_{number} partition of part for values from ({number}00) to ({number + 1}00)"
        )
    start_worker(*QUICK).wait_ready()
    fill(database, 0, 199)
    before = now_of(database.url)
    rows = live_rows(database.url, "part")
    database.sql("truncate part_1")
    after = now_of(database.url)
    assert known_rows(database.url, before, "part") == rows
    assert known_rows(database.url, after, "part") is None
    wait_until(lambda: known_rows(database.url, now_of(database.url), "part") is not None)
    assert known_rows(database.url, now_of(database.url), "part") == live_rows(database.url, "part")
    database.sql("truncate part; insert into part values (150, 'again')")
    assert known_rows(database.url, now_of(database.url), "part") == live_rows(database.url, "part")
    truncates = [c["table"] for c in history(database.url, "operation = 'TRUNCATE'")]
    assert truncates == ["part_1", "part"]


@every_major
def test_a_publication_made_narrower(database: Database, start_worker: StartWorker) -> None:
    """Operations, a row filter, a list of columns, the other way of publishing partitions: mended, and what was
    not published meanwhile is not taken for known."""
    database.sql("create table item (id int primary key, name text, more int)")
    database.sql("create table part (id int primary key, name text) partition by range (id)")
    database.sql("create table part_0 partition of part for values from (0) to (100)")
    worker = start_worker(*QUICK).wait_ready()
    database.sql("insert into item values (1, 'a', 1)")
    publication = f"bemi_{database.name}"
    narrower = [
        f"alter publication {publication} set (publish = 'insert')",
        f"alter publication {publication} set (publish_via_partition_root = true)",
    ]
    if database.server.major >= 15:
        narrower += [
            f"alter publication {publication} set table item where (id > 100), part",
            f"alter publication {publication} set table item (id, name), part",
        ]
    for number, statement in enumerate(narrower):
        database.sql(statement)
        database.sql(
            f"insert into item values ({number + 10}, 'b', 1); insert into part values ({number}, 'p')"
        )
        if (
            "name), part" not in statement
        ):  # there the application's own update fails, as with any publication
            database.sql("update item set more = more + 1")
        wait_until(lambda: "narrower" not in mended(database, publication))
        wait_until(
            lambda: known_rows(database.url, now_of(database.url), "item") == live_rows(database.url, "item")
        )
        wait_until(
            lambda: known_rows(database.url, now_of(database.url), "part") == live_rows(database.url, "part")
        )
    assert worker.is_running


def mended(database: Database, publication: str) -> str:
    [[all_of_it]] = database.sql(
        "select pubinsert and pubupdate and pubdelete and pubtruncate and not pubviaroot and not exists ("
        "select from pg_publication_rel r where r.prpubid = p.oid"
        " and coalesce(to_jsonb(r) ->> 'prqual', to_jsonb(r) ->> 'prattrs') is not null)"
        " from pg_publication p where pubname = %s",
        publication,
    )
    return "" if all_of_it else "narrower"


@every_major
def test_a_root_renamed_and_its_partitions_columns(database: Database, start_worker: StartWorker) -> None:
    """Leaves have columns in another order; names and types of the root hold for their rows."""
    database.sql("create table part (id int, name text, primary key (id)) partition by range (id)")
    database.sql(
        "create table odd (gone int, name text, id int primary key); alter table odd drop column gone"
    )
    database.sql("alter table part attach partition odd for values from (0) to (100)")
    start_worker().wait_ready()
    database.sql("insert into part values (1, 'a')")
    database.sql("alter table part rename to whole; insert into whole values (2, 'b')")
    database.sql(
        "alter table whole alter name type varchar(20); alter table whole add extra numeric default 1.50"
    )
    database.sql("update whole set name = 'c'; insert into whole values (3, 'd', 2.5)")
    sync(database.url)
    changes = [c for c in history(database.url) if c["operation"] in ("CREATE", "UPDATE")]
    assert [(c["table"], c["primary_key"]) for c in changes] == [
        ("part", "1"), ("whole", "2"), ("whole", "1"), ("whole", "2"), ("whole", "3"),
    ]  # fmt: skip
    assert changes[2]["before"] == {"id": 1, "name": "a", "extra": 1.5}
    assert {canonical(c["after"]) for c in changes[2:]} == set(live_rows(database.url, "whole"))
