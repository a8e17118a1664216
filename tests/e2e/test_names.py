"""A table is its schema and its name, through every door; names never meet because they are long."""

from __future__ import annotations

import json

import psycopg
import pytest

from e2e.oracle import now_of, sync
from e2e.undo import Undo
from support.bemi import bemi
from support.dashboard import TOKEN, Dashboard, environment
from support.fixtures import Database, StartWorker, oldest_and_newest

TWO = """
create schema archive;
create table todo (id int primary key, v text);
create table archive.todo (id int primary key, v text);
create table archive.only_there (id int primary key, v text);
insert into todo values (1, 'a');
insert into archive.todo values (1, 'x');
insert into archive.only_there values (1, 'x');
"""


@oldest_and_newest
def test_an_undo_of_a_table_is_of_that_table(database: Database, start_worker: StartWorker) -> None:
    database.sql(TWO)
    start_worker().wait_ready()
    database.sql("update todo set v = 'b'; update archive.todo set v = 'y'")
    undo = Undo(database)
    undo.apply("--table", "todo")
    assert undo.rows("todo") == ["(1,a)"] and undo.rows("archive.todo") == ["(1,y)"]
    undo.apply("--table", "archive.todo")
    assert undo.rows("archive.todo") == ["(1,x)"]


def test_every_verb_means_the_same_table(database: Database, start_worker: StartWorker) -> None:
    database.sql(TWO)
    worker = start_worker(env=environment(database.url)).wait_ready()
    database.sql("update todo set v = 'b'; update archive.todo set v = 'y'")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    listed = bemi("changes", "--table", "todo", "--operation", "update", "--format", "csv", env=env).stdout
    assert '""b""' in listed and '""y""' not in listed
    dashboard = Dashboard(worker, TOKEN)
    answer = dashboard.client.get("/api/changes", params={"table": "todo", "operation": "UPDATE"})
    assert {change["schema"] for change in answer.json()["changes"]} == {"public"}
    unknown = dashboard.client.get("/api/changes", params={"table": "only_there"})
    assert unknown.status_code >= 400 and "archive.only_there" in unknown.text
    dashboard.client.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ("history", "only_there", "1"),
        ("as-of", "now", "only_there"),
        ("diff", "only_there", "2000-01-01", "2000-01-02"),
        ("changes", "--table", "only_there"),
        ("revert", "--table", "only_there"),
        ("changes", "--table", '"Only_There"'),
    ],
)
def test_an_unknown_name_is_an_error_with_the_tables_that_may_be_meant(
    database: Database, start_worker: StartWorker, arguments: tuple[str, ...]
) -> None:
    database.sql(TWO)
    start_worker().wait_ready()
    sync(database.url)
    done = bemi(*arguments, env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert done.returncode != 0 and done.stdout == ""
    assert "there is no history of public." in done.stderr and "archive.only_there" in done.stderr, (
        done.stderr
    )


def test_the_functions_refuse_an_unknown_name(database: Database, start_worker: StartWorker) -> None:
    database.sql(TWO)
    start_worker().wait_ready()
    sync(database.url)
    with pytest.raises(psycopg.Error, match=r"there is no history of public\.only_there"):
        database.sql("select bemi.revert_sql(table_name => 'only_there')")


@oldest_and_newest
def test_long_names_do_not_meet_in_the_views(database: Database, start_worker: StartWorker) -> None:
    schemas = ["s" * 60 + end for end in ("aaa", "bbb")] + ["é" * 30 + end for end in ("aa", "bb")]
    for schema in schemas:
        database.sql(
            f'create schema "{schema}"; create table "{schema}".t (id int primary key, v text);'
            f"insert into \"{schema}\".t values (1, 'from {schema}')"
        )
    start_worker().wait_ready()
    now = now_of(database.url)
    sync(database.url)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("select bemi.refresh_time_travel()")
        connection.execute("select set_config('bemi.as_of', %s, false)", (now,))
        views: dict[str, str] = dict(
            connection.execute(
                "select schema, view from bemi.time_travel_tables where problem is null"
            ).fetchall()
        )
        assert len(set(views.values())) == 4
        for schema in schemas:
            found = connection.execute(f"select v from {views[schema]}".encode()).fetchall()
            assert found == [(f"from {schema}",)]


@oldest_and_newest
def test_a_copy_keeps_schemas_apart(database: Database, start_worker: StartWorker) -> None:
    long = "s" * 63
    database.sql(
        f"create schema {long}; create schema x; create table t (id int primary key);"
        f"create table x.t (id int primary key, of_t int references t); create table {long}.t (id int primary key)"
    )
    start_worker().wait_ready()
    database.sql(f"insert into t values (1); insert into x.t values (2, 1); insert into {long}.t values (3)")
    now = now_of(database.url)
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    bemi("checkout", "--at", now, "--into", "c", env=env)
    assert database.sql("select id from c.t") == [(1,)]
    assert database.sql("select id, of_t from c_x.t") == [(2, 1)]
    [(other,)] = database.sql("select nspname from pg_namespace where nspname like 'c\\_sss%'")
    assert database.sql(f"select id from {other}.t") == [(3,)]
    again = bemi("checkout", "--at", now, "--into", "c", env=env, check=False)
    assert again.returncode != 0 and "is there already" in again.stderr


def test_the_stream_and_webhooks_refuse_an_unknown_name(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(TWO)
    worker = start_worker(env=environment(database.url)).wait_ready()
    sync(database.url)
    dashboard = Dashboard(worker, TOKEN)
    answers = [
        dashboard.client.get("/api/stream", params={"table": "only_there"}),
        dashboard.client.get("/api/export", params={"table": "only_there"}),
        dashboard.client.post(
            "/api/webhooks",
            json={"name": "h", "url": "https://example.org/", "filter": {"table": "only_there"}},
        ),
    ]
    for answer in answers:
        assert answer.status_code == 404 and "archive.only_there" in answer.text, answer.text
    assert dashboard.get("/api/webhooks")["webhooks"] == []
    with dashboard.events(table="archive.only_there") as events:
        database.sql("insert into archive.only_there values (2, 'y')")
        assert events.next()["primary_key"] == "2"
    dashboard.client.close()


@pytest.mark.parametrize("command", ["init", "run", "check", "teardown"])
def test_names_that_the_server_would_cut_are_refused(database: Database, command: str) -> None:
    env = {"BEMI_SOURCE_URL": database.url}
    more = ("--yes",) if command == "teardown" else ()
    for flag, value in (
        ("--publication", "p" * 64),
        ("--publication", "é" * 32),
        ("--slot", "s" * 64),
        ("--slot", "Upper"),
        ("--slot", "a-b"),
        ("--schema", "h" * 64),
    ):
        done = bemi(command, flag, value, *more, env=env, check=False)
        assert done.returncode == 2 and "choose another one with" in done.stderr, (flag, value, done.stderr)
    assert database.sql("select count(*) from pg_publication") == [(0,)]


@oldest_and_newest
def test_the_longest_names_meet_nowhere(database: Database, start_worker: StartWorker) -> None:
    """Two databases, two tables and two columns that differ in their last byte alone, and a long role."""
    server = database.server
    role = "r" * 62 + str(server.port)[-1]
    names = [f"{database.name}_".ljust(62, "w") + end for end in "ab"]
    tables = ["t" * 62 + end for end in "ab"]
    columns = ["c" * 62 + end for end in "ab"]
    database.sql(
        f"do $$ begin if not exists (select from pg_roles where rolname = '{role}') then"
        f" create role {role} login replication; end if; end $$"
    )
    workers = []
    try:
        for name in names:
            place = Database(server, name, server.create_database(name))
            for table in tables:
                place.sql(f"create table {table} (id int primary key, {columns[0]} text, {columns[1]} text)")
            place.sql(f"grant select on all tables in schema public to {role}")
            env = {"BEMI_SOURCE_URL": server.url(name, role), "BEMI_ADMIN_URL": place.url}
            bemi("init", env=env)
            workers.append(start_worker(env=env).wait_ready())
            for table in tables:
                place.sql(f"insert into {table} values (1, '{name}', '{table}')")
        for name in names:
            now = now_of(server.url(name))
            for table in tables:
                done = bemi(
                    "as-of", now, table, "--format", "json", env={"BEMI_SOURCE_URL": server.url(name)}
                )
                assert json.loads(done.stdout) == {"id": 1, columns[0]: name, columns[1]: table}
        slots = database.sql(
            "select slot_name::text from pg_replication_slots where database = any (%s)", names
        )
        assert len(set(slots)) == len(slots) == 2
    finally:
        for worker in workers:
            worker.terminate()
        for name in names:
            server.drop_database(name)


@oldest_and_newest
def test_another_table_that_got_the_name_later_does_not_answer_for_it(
    database: Database, start_worker: StartWorker
) -> None:
    """Names swap between tables of which one was not known yet, as where its baseline comes later."""
    database.sql("create table mine (id int primary key, what text); insert into mine values (1, 'mine')")
    database.sql("create table other (id int primary key, what text); insert into other values (2, 'other')")
    start_worker().wait_ready()
    at = now_of(database.url)
    database.sql("alter table mine add column more int; update mine set what = 'mine!'")
    database.sql(
        "alter table other rename to swap; alter table mine rename to other; alter table swap rename to mine"
    )
    sync(database.url)

    def rows(table: str) -> list[str]:
        found = database.sql("select \"row\" ->> 'what' from bemi.rows_as_of(%s, %s::timestamptz)", table, at)
        return [what for (what,) in found]

    assert (rows("mine"), rows("other")) == (["mine"], ["other"])
    [[mine]] = database.sql("select 'other'::regclass::oid::bigint")
    database.sql(
        "delete from _bemi.relation_version where relation = %s and effective_at <= %s::timestamptz", mine, at
    )
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=r"no history of public\.mine"):
        rows("mine")
    assert rows("other") == ["other"]
    # A table is found by the name that it got later, where no other one had that name before.
    database.sql("alter table mine rename to third")
    sync(database.url)
    assert rows("third") == ["other"]
