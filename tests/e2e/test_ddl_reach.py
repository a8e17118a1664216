"""DDL that changes a tracked table without naming it, or while the event triggers do not fire. What the history
answers is what the server has, or a refusal; never the shape of before."""

from __future__ import annotations

import json
import threading
import time

import psycopg
import pytest

from e2e.oracle import canonical, history, live_rows, now_of, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until

pytestmark = oldest_and_newest

QUICK = ("--heartbeat-interval", "1")


def answered(database: Database, table: str, when: str | None = None) -> list[str] | None:
    """The stored rows as of now; None when the history refuses."""
    env = {"BEMI_DESTINATION_URL": database.url}
    said = bemi("as-of", when or now_of(database.url), table, "--format", "json", env=env, check=False)
    if said.returncode != 0:
        return None
    return sorted(canonical(json.loads(line)) for line in said.stdout.splitlines())


def check_truth(database: Database, table: str, at_once: bool = True) -> None:
    """At once: refused or right. Later, when it was read anew: right."""
    assert not at_once or answered(database, table) in (None, live_rows(database.url, table))
    wait_until(lambda: answered(database, table) == live_rows(database.url, table), f"{table} is known again")


REACH = {
    "inherited column": (
        "create table par (id int primary key, v text); create table kid (extra int) inherits (par);"
        "alter table kid add primary key (id); insert into kid values (2, 'k', 5)",
        ["alter table par add column n int default 7", "alter table par alter column n type text using 'n' || n",
         "alter table par rename column v to w"],
        "kid",
    ),
    "grandchild": (
        "create table par (id int); create table kid () inherits (par); create table grandkid (x int) inherits (kid);"
        "alter table grandkid add primary key (id); insert into grandkid values (1, 2)",
        ["alter table par add column n timestamptz default '2026-01-01 10:00+00'"],
        "grandkid",
    ),
    "dropped enum": (
        "create type mood as enum ('sad', 'ok'); create table t (id int primary key, m mood);"
        "insert into t values (1, 'sad')",
        ["drop type mood cascade"],
        "t",
    ),
    "dropped domain under a key": (
        "create domain code as text; create table t (id code primary key, v int); insert into t values ('a', 1)",
        ["drop domain code cascade"],
        "t",
    ),
    "renamed label": (
        "create type mood as enum ('sad', 'ok'); create table t (id int primary key, m mood, l mood[]);"
        "insert into t values (1, 'sad', '{sad,ok}')",
        ["alter type mood rename value 'sad' to 'blue'"],
        "t",
    ),
    "renamed attribute in an array of a composite": (
        "create type pair as (a int, b text); create table t (id int primary key, p pair[]);"
        "insert into t values (1, array[row(1, 'x')::pair])",
        ["alter type pair rename attribute a to first"],
        "t",
    ),
    "row type of another table": (
        "create table item (a int, b text); create table t (id int primary key, i item);"
        "insert into t values (1, row(1, 'x')::item)",
        ["alter table item rename column a to first"],
        "t",
    ),
    "typed table": (
        "create type shape as (id int, v text); create table t of shape (primary key (id));"
        "insert into t values (1, 'x')",
        ["alter type shape add attribute n int cascade", "alter type shape rename attribute v to w cascade"],
        "t",
    ),
    "type without a rewrite": (
        "create table t (id int primary key, at timestamp, n int); insert into t values (1, '2026-01-01 10:00', -1)",
        ["set timezone = 'UTC'; alter table t alter at type timestamptz; alter table t alter n type oid"],
        "t",
    ),
    "renamed as an index": (
        "create table t (id int primary key); insert into t values (1)",
        ["alter index t rename to renamed"],
        "renamed",
    ),
    "volatile default": (
        "create table t (id int primary key); insert into t select generate_series(1, 5)",
        ["alter table t add column n double precision default random()"],
        "t",
    ),
    "renamed schema": (
        "create schema s; create table s.t (id int primary key); insert into s.t values (1)",
        ["alter schema s rename to s2"],
        "s2.t",
    ),
    "replicating session": (
        "create table t (id int primary key, v text); insert into t values (1, '1')",
        ["set session_replication_role = replica; alter table t alter column v type int using v::int;"
         "alter table t add column c int default 5"],
        "t",
    ),
    "disabled triggers": (
        "create table t (id int primary key, v text); insert into t values (1, '1')",
        ["alter event trigger bemi_track_ddl disable; alter event trigger bemi_track_rewrite disable;"
         "alter table t alter column v type int using v::int; alter table t add column c int default 5;"
         "alter event trigger bemi_track_ddl enable always; alter event trigger bemi_track_rewrite enable always"],
        "t",
    ),
}  # fmt: skip


@pytest.mark.parametrize("reach", REACH)
def test_ddl_that_reaches_a_table_is_followed(
    database: Database, start_worker: StartWorker, reach: str
) -> None:
    before, statements, table = REACH[reach]
    database.sql(before)
    start_worker(*QUICK).wait_ready()
    sync(database.url)
    for statement in statements:
        database.sql(statement)
        check_truth(database, table, at_once=reach != "disabled triggers")
    assert database.sql("select * from _bemi_source.trigger_failure") == []


@pytest.mark.parametrize(
    "kind", ["create schema", "set schema", "set logged", "rename", "detach", "select into"]
)
def test_a_table_is_tracked_at_once_however_it_came(
    database: Database, start_worker: StartWorker, kind: str
) -> None:
    database.sql(
        """create schema hidden; create table hidden.x (id int primary key);
        create unlogged table ul (id int primary key);
        create table ignored_r (id int primary key);
        create table p (id int primary key) partition by range (id);
        create table p2 partition of p for values from (100) to (200)"""
    )
    start_worker("--exclude", "hidden.*", "--exclude", "public.ignored_*", *QUICK).wait_ready()
    ddl, table = {
        "create schema": ("create schema s1 create table inner1 (id int primary key)", "s1.inner1"),
        "set schema": ("alter table hidden.x set schema public", "x"),
        "set logged": ("alter table ul set logged", "ul"),
        "rename": ("alter table ignored_r rename to r", "r"),
        "detach": ("alter table p detach partition p2", "p2"),
        "select into": ("select 1 as id into made", "made"),
    }[kind]
    with psycopg.connect(database.url) as session:  # in one transaction with what is written
        session.execute(ddl.encode())
        session.execute(f"insert into {table} values (150)".encode())
        session.execute(f"delete from {table} where id = 150".encode())
    sync(database.url)
    found = [(c["operation"], c["after"].get("id") or c["before"].get("id")) for c in history(database.url)
             if c["table"] == table.split(".")[-1] and c["operation"] in ("CREATE", "DELETE")]  # fmt: skip
    assert found == [("CREATE", 150), ("DELETE", 150)]


# A pattern in quotes means the same to the event triggers as to the worker: dots in it part nothing.
@pytest.mark.parametrize(
    ("flags", "tracked"),
    [
        (("--exclude", '"My Schema"."Se.cret"'), {"my schema.open", "My Schema.open", "public.Se.cret"}),
        (("--exclude", '"My Schema".*'), {"my schema.open", "public.Se.cret"}),
        (("--include", '"My Schema".*'), {"My Schema.Se.cret", "My Schema.open"}),
        (("--include", '*."Se.cret"'), {"My Schema.Se.cret", "public.Se.cret"}),
    ],
)
def test_a_quoted_pattern_holds_for_new_tables(
    database: Database, start_worker: StartWorker, flags: tuple[str, str], tracked: set[str]
) -> None:
    database.sql('create schema "My Schema"; create schema "my schema"')
    start_worker(*flags, *QUICK).wait_ready()
    for table in ('"My Schema"."Se.cret"', '"My Schema".open', '"my schema".open', 'public."Se.cret"'):
        database.sql(f"create table {table} (id int primary key)")
    # At once: the worker would put it right at its next look.
    published = "select schemaname || '.' || tablename from pg_publication_tables"
    assert {name for (name,) in database.sql(published)} == tracked
    with_identity = """select nspname || '.' || relname from pg_class
        join pg_namespace n on n.oid = relnamespace where relreplident = 'f' and relkind = 'r'"""
    assert {name for (name,) in database.sql(with_identity)} == tracked


@pytest.mark.parametrize("how", ["set schema hidden", "rename to ignored_t"])
def test_a_table_that_is_moved_out_is_not_answered_for(
    database: Database, start_worker: StartWorker, how: str
) -> None:
    database.sql("create schema hidden; create table t (id int primary key); insert into t values (1)")
    start_worker("--exclude", "hidden.*", "--exclude", "public.ignored_*", *QUICK).wait_ready()
    then = now_of(database.url)
    database.sql(f"alter table t {how}")
    assert answered(database, "t") is None
    assert answered(database, "t", then) == ['{"id": 1}']
    moved = "hidden.t" if "hidden" in how else "ignored_t"
    database.sql(f"insert into {moved} values (2)")
    sync(database.url)
    assert {c["operation"] for c in history(database.url)} <= {"SNAPSHOT", "SCHEMA"}
    published = "select count(*) from pg_publication_tables where tablename in ('t', 'ignored_t')"
    assert database.sql(published) == [(0,)]


def test_the_triggers_work_beside_a_publication_for_all_tables(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create publication dbz for all tables")
    database.sql("create table t (id int primary key, v text); insert into t values (1, '7')")
    start_worker(*QUICK).wait_ready()
    database.sql("alter table t alter column v type int using v::int")
    check_truth(database, "t")
    database.sql("create table n (id int primary key)")
    database.sql("insert into n values (1); delete from n; insert into n values (2); update n set id = 3")
    sync(database.url)
    operations = [c["operation"] for c in history(database.url, "\"table\" = 'n'")]
    assert operations == ["SCHEMA", "CREATE", "DELETE", "CREATE", "UPDATE"]
    assert database.sql("select * from _bemi_source.trigger_failure") == []


def test_no_create_table_waits_for_another_transaction(database: Database, start_worker: StartWorker) -> None:
    start_worker(*QUICK).wait_ready()
    with psycopg.connect(database.url) as migration:
        migration.execute("create table slow (id int primary key)")
        done = threading.Event()

        def make_another() -> None:
            database.sql("create table quick (id int primary key); insert into quick values (1)")
            done.set()

        threading.Thread(target=make_another, daemon=True).start()
        assert done.wait(60), "another CREATE TABLE waits for the first one's transaction"
        migration.execute("insert into slow values (1)")
        migration.commit()
    for table in ("slow", "quick"):
        wait_until(lambda table=table: answered(database, table) == ['{"id": 1}'], f"{table} is known")  # type: ignore[misc]
    assert database.sql("select * from _bemi_source.trigger_failure") == []


def test_a_new_label_costs_nothing_however_many_tables_have_the_type(
    database: Database, start_worker: StartWorker
) -> None:
    """Not one of the tables is looked at: nothing is told."""
    database.sql("create type st as enum ('x')")
    database.sql(
        "do $$ begin for i in 1..30 loop execute format('create table big%s (id int primary key, c st)', i);"
        " end loop; end $$"
    )
    start_worker(*QUICK).wait_ready()
    database.sql("alter type st add value 'y'")
    database.sql("/* add value */ alter type st rename value 'x' to 'z'")
    sync(database.url)
    told = history(database.url, "operation = 'SCHEMA'")
    assert len(told) == 30
    assert {c["after"]["sql"] for c in told} == {"/* add value */ alter type st rename value 'x' to 'z'"}


def test_a_publication_that_was_toggled_is_noticed(database: Database, start_worker: StartWorker) -> None:
    database.sql(
        "create table account (id int primary key, balance int); insert into account values (1, 1000)"
    )
    start_worker(*QUICK).wait_ready()
    sync(database.url)
    [[publication]] = database.sql("select pubname::text from pg_publication")
    database.sql(
        f"begin; alter publication {publication} set (publish = 'insert');"
        "update account set balance = balance - 999 where id = 1;"
        f"alter publication {publication} set (publish = 'insert, update, delete, truncate'); commit"
    )
    check_truth(database, "account")


def test_an_extensions_tables_are_left_out(database: Database, start_worker: StartWorker) -> None:
    start_worker(*QUICK).wait_ready()
    database.sql("create table own (id int primary key)")
    database.sql("create extension hstore; alter extension hstore add table own")
    database.sql("create schema tool; alter extension hstore add schema tool")
    database.sql("create table tool.log_1 (id int primary key); insert into tool.log_1 values (1)")
    sync(database.url)
    time.sleep(2.5)  # two looks
    assert {c["table"] for c in history(database.url)} == {"own"}


UNTOLD = {
    "column added": ("alter table t add column more int default 5", "t"),
    "column dropped": ("alter table t drop column w", "t"),
    "column renamed": ("alter table t rename v to renamed", "t"),
    "columns that swap names": (
        "alter table t rename v to x; alter table t rename w to v; alter table t rename x to w",
        "t",
    ),
    "type": ("alter table t alter w type int using w::int", "t"),
    "scale": ("alter table t alter n type numeric(8,1)", "t"),
    "renamed": ("alter table t rename to renamed", "renamed"),
    "another schema": ("create schema s; alter table t set schema s", "s.t"),
    "tables that swap names": ("alter table t rename to x; alter table u rename to t; alter table x rename to u", "t"),
    "detached partition": ("alter table parts detach partition part_1", "parts"),
    "dropped partition": ("drop table part_1", "parts"),
    "dropped": ("drop table t", None),
    "made anew": ("drop table t; create table t (id int primary key, again text);insert into t values (7, 'x')", "t"),
}  # fmt: skip


@pytest.mark.parametrize("change", ["nothing", "a change"])
@pytest.mark.parametrize("ddl", UNTOLD)
def test_ddl_that_no_event_trigger_reported_is_found_in_the_catalog(
    database: Database, start_worker: StartWorker, ddl: str, change: str
) -> None:
    statement, table = UNTOLD[ddl]
    database.sql(
        """create table t (id int primary key, v text, w text, n numeric(8,2));
        insert into t values (1, 'a', '1', 1.25), (2, 'b', '2', 2.75);
        create table u (id int primary key, other int); insert into u values (5, 6);
        create table parts (id int primary key) partition by range (id);
        create table part_1 partition of parts for values from (0) to (10);
        create table part_2 partition of parts for values from (10) to (20);
        insert into parts values (1), (11)"""
    )
    start_worker("--no-event-trigger", *QUICK).wait_ready()
    for tracked in ("t", "u", "parts"):
        check_truth(database, tracked, at_once=False)
    database.sql(statement)
    moment = now_of(database.url)
    if table is None:
        wait_until(lambda: answered(database, "t") is None, "t is not answered for")
        assert answered(database, "t", moment) is None
        return
    rows = live_rows(database.url, table)
    if change == "a change":
        new_id = 13 if table == "parts" else 3
        database.sql(f"insert into {table} (id) values ({new_id})")
    check_truth(database, table, at_once=False)
    # What was not looked at yet was not known then either. The other of two tables that swap names may be looked at
    # after this one.
    wait_until(lambda: answered(database, table, moment) in (None, rows), "the moment is refused, or right")
    if ddl in ("renamed", "another schema"):
        assert answered(database, "t") is None
