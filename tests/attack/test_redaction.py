"""A redacted column's value is in no stored text, whatever becomes of the column and of its table."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from e2e.conftest import OpenDashboard
from e2e.oracle import history, sync

from support.bemi import bemi
from support.dashboard import environment
from support.fixtures import Database, StartWorker, oldest_and_newest

SECRET = "TOPSECRET"
REDACT = ("--redact-column", "public.users.token")

TABLES = """
create table users (id int primary key, name text, token text);
insert into users values (1, 'first', 'TOPSECRET-baseline');
"""


def stored_texts(database: Database) -> list[str]:
    """Every value of every table of the history and of Bemi, as text; bytes too."""
    found: list[str] = []
    tables = database.sql(
        "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'm') and (n.nspname in ('_bemi', 'bemi') or c.relname ~ '^changes')"
    )
    for (table,) in tables:
        for (text,) in database.sql(f"select to_jsonb(t)::text from {table} t"):
            found.append(f"{table}: {text}")
        columns = database.sql(
            "select quote_ident(attname) from pg_attribute "
            "where attrelid = %s::regclass and atttypid = 'bytea'::regtype",
            table,
        )
        for (column,) in columns:
            for (text,) in database.sql(
                f"select encode({column}, 'escape') from {table} where {column} is not null"
            ):
                found.append(f"{table}: {text}")
    return found


def assert_nothing_stored(database: Database, worker: Any, *, rows: int) -> None:
    """`rows`: changes that must be there, so that an empty history proves nothing."""
    sync(database.url)
    assert worker.is_running
    leaked = [text[:300] for text in stored_texts(database) if SECRET in text]
    assert not leaked
    said = [line for line in worker.lines() if SECRET in line]
    assert not said
    assert len(history(database.url, "operation in ('CREATE', 'UPDATE', 'DELETE')")) >= rows


@oldest_and_newest
def test_values_in_ddl_are_not_stored(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table users (id int primary key, name text)")
    database.sql("insert into users values (1, 'before the column')")
    worker = start_worker(*REDACT).wait_ready()
    database.sql("alter table users add column token text default 'TOPSECRET-default'")
    database.sql(
        "do $$ begin insert into users values (2, 'a', 'TOPSECRET'); alter table users add age int; end $$"
    )
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("insert into users values (3, 'b', 'TOPSECRET'); alter table users add height int")
        connection.execute(
            "alter table users alter token set default E'TOPSECRET\\'s'; /* TOPSECRET */ -- TOPSECRET"
        )
        connection.execute(
            "update users set name = 'c'; create table other (id int default 7, v text default $x$TOPSECRET$x$)"
        )
    database.sql("insert into other (id) values (1)")
    database.sql("delete from users where id = 2")
    sync(database.url)
    # What another table holds is its own affair: the statement, not the value, must be gone.
    database.sql("delete from other")
    assert worker.is_running
    leaked = [text[:300] for text in stored_texts(database) if SECRET in text and '"other"' not in text]
    assert not leaked
    told = [row["after"] for row in history(database.url, "operation = 'SCHEMA' and \"table\" = 'users'")]
    assert told
    assert all("sql" in after for after in told)


@oldest_and_newest
def test_a_column_stays_redacted_under_any_name(database: Database, start_worker: StartWorker) -> None:
    database.sql(TABLES)
    database.sql("create schema moved")
    worker = start_worker(*REDACT).wait_ready()
    database.sql("update users set token = 'TOPSECRET-1'")
    sync(database.url)
    database.sql("alter table users rename token to innocent")
    database.sql("update users set innocent = 'TOPSECRET-2'")
    database.sql("alter table users rename to people")
    database.sql("update people set innocent = 'TOPSECRET-3'")
    database.sql("alter table people set schema moved")
    database.sql("alter table moved.people alter innocent type varchar(100)")
    database.sql("insert into moved.people values (2, 'second', 'TOPSECRET-4')")
    database.sql(
        "begin; alter table moved.people rename innocent to x; update moved.people set x = 'TOPSECRET-5'; commit"
    )
    sync(database.url)
    assert any("redacted like it" in line for line in worker.lines())
    worker.terminate()
    worker = start_worker(*REDACT).wait_ready()
    database.sql("update moved.people set x = 'TOPSECRET-6'")
    database.sql("delete from moved.people where id = 2")
    assert_nothing_stored(database, worker, rows=8)


@oldest_and_newest
def test_other_columns_with_the_same_value_are_redacted(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(TABLES)
    database.sql("create table children (age int) inherits (users)")
    database.sql("insert into children values (5, 'child', 'TOPSECRET-child', 3)")
    database.sql("alter table users add shout text generated always as (upper(token)) stored")
    worker = start_worker(*REDACT).wait_ready()
    database.sql("update users set token = 'TOPSECRET-1'")
    database.sql("insert into children (id, name, token, age) values (6, 'child', 'TOPSECRET-child', 3)")
    database.sql("create table later () inherits (users)")
    database.sql("insert into later (id, name, token) values (7, 'later', 'TOPSECRET-later')")
    database.sql("alter table users rename token to y")
    database.sql("update users set y = 'TOPSECRET-2'")
    database.sql("insert into later (id, name, y) values (8, 'later', 'TOPSECRET-later')")
    assert_nothing_stored(database, worker, rows=7)


@oldest_and_newest
def test_partitions_are_redacted_and_stay_so_when_they_are_detached(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(
        "create table users (id int primary key, name text, token text) partition by range (id);"
        "create table low (token text, name text, id int not null);"  # other columns' order, other numbers
        "alter table users attach partition low for values from (0) to (100)"
    )
    worker = start_worker(*REDACT).wait_ready()
    database.sql("insert into users values (1, 'a', 'TOPSECRET-1')")
    sync(database.url)
    database.sql("alter table users detach partition low")
    database.sql("update low set token = 'TOPSECRET-2'")
    sync(database.url)
    worker.terminate()
    worker = start_worker(*REDACT).wait_ready()
    database.sql("update low set token = 'TOPSECRET-3'")
    assert_nothing_stored(database, worker, rows=2)


@oldest_and_newest
def test_a_statement_in_a_context_has_no_values(database: Database, start_worker: StartWorker) -> None:
    database.sql(TABLES)
    worker = start_worker(*REDACT).wait_ready()
    for sql in (
        "update users set token = 'TOPSECRET'",
        "select $a$TOPSECRET$a$",
        "-- TOPSECRET\nupdate users set id = id",
    ):
        with psycopg.connect(database.url) as connection:
            context = json.dumps({"user_id": 42, "SQL": sql})
            connection.execute("select pg_logical_emit_message(true, '_bemi', %s::text)", (context,))
            connection.execute("update users set token = 'TOPSECRET-' || clock_timestamp()")
    # Refused, and kept aside.
    database.sql("select pg_logical_emit_message(true, '_bemi', 'TOPSECRET')")
    database.sql("select pg_logical_emit_message(true, '_bemi_schema', 'TOPSECRET')")
    assert_nothing_stored(database, worker, rows=3)
    contexts = [row["context"] for row in history(database.url, "operation = 'UPDATE'")]
    assert contexts[0] == {"user_id": 42, "SQL": "update users set token = ?"}
    assert database.sql("select count(*) from _bemi.parked") == [(2,)]


@oldest_and_newest
def test_a_password_is_never_stored(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table users (id int primary key)")
    worker = start_worker().wait_ready()
    with psycopg.connect(database.url) as connection:
        context = json.dumps({"SQL": "alter role shop password 'TOPSECRET' valid until '2030-01-01'"})
        connection.execute("select pg_logical_emit_message(true, '_bemi', %s::text)", (context,))
        connection.execute("insert into users values (1)")
    with psycopg.connect(database.url, autocommit=True) as connection:
        name = database.name
        connection.execute(
            f"create role {name}_r password 'TOPSECRET'; alter table users add age int default 5".encode()
        )
        connection.execute(f"drop role {name}_r".encode())
    assert_nothing_stored(database, worker, rows=1)
    (context,) = [
        row["context"] for row in history(database.url, "operation = 'CREATE' and \"table\" = 'users'")
    ]
    assert context == {"SQL": "alter role shop password ? valid until '2030-01-01'"}


@oldest_and_newest
def test_a_key_that_is_redacted_later_stops_nothing(database: Database, start_worker: StartWorker) -> None:
    database.sql(TABLES)
    worker = start_worker(*REDACT).wait_ready()
    database.sql("alter table users drop constraint users_pkey, add primary key (token)")
    database.sql("insert into users values (2, 'b', 'TOPSECRET-2')")
    database.sql("update users set token = 'TOPSECRET-3' where id = 2")
    assert_nothing_stored(database, worker, rows=2)


@oldest_and_newest
def test_programs_that_were_not_told_of_a_redaction_obey_it(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql("create table users (id int primary key, name text, token text)")
    database.sql("insert into users select i, 'before', 'S3CRET' from generate_series(1, 5) i")
    # The worker alone knows what is to be redacted; at first nothing is.
    worker = start_worker("--snapshot", "none").wait_ready()
    database.sql("update users set name = 'first' where id = 1")
    sync(database.url)
    moments = [str(database.sql("select clock_timestamp()::text")[0][0])]
    worker.terminate()
    start_worker("--snapshot", "none", *REDACT).wait_ready()
    for name in ("second", "third"):
        database.sql(f"update users set name = '{name}', token = 'S3CRET of {name}' where id = 1")
        sync(database.url)
        moments.append(str(database.sql("select clock_timestamp()::text")[0][0]))
    database.sql("update users set name = 'last' where id = 1")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    server = open_dashboard(start_worker(command="serve", env=environment(database.url)))
    for moment in moments[1:]:
        told = bemi("as-of", moment, "users", "--format", "csv", env=env).stdout
        told += server.client.get("/api/as-of", params={"table": "users", "at": moment}).text
        assert "S3CRET" not in told, told
        assert told.count("before") >= 8 and "redacted" in told
    told = bemi("diff", "users", *moments[1:], "--format", "csv", env=env).stdout
    told += server.client.get(
        "/api/diff", params={"table": "users", "from": moments[1], "to": moments[2]}
    ).text
    assert "second" in told and "third" in told and "S3CRET" not in told
    # What was stored before is known from the history alone: the values of now stay where they are.
    told = bemi("as-of", moments[0], "users", "--format", "csv", env=env).stdout
    assert told.count("before") == 8 and "of second" not in told and "of third" not in told
