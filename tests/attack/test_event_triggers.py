"""The event triggers belong to a superuser: nobody else's code runs in them, and nobody else speaks for them."""

from __future__ import annotations

import json

import pytest
from e2e.oracle import history, now_of, sync

from attack.conftest import NewRole
from attack.roles import Role
from support.bemi import REPOSITORY, BemiError, bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

SHADOWS = (
    "pg_namespace",
    "pg_class",
    "pg_attribute",
    "pg_publication",
    "pg_publication_rel",
    "pg_index",
    "pg_type",
)


@pytest.mark.parametrize("shadow", SHADOWS)
def test_a_temporary_view_is_not_read_by_the_triggers(
    start_worker: StartWorker, new_role: NewRole, shadow: str
) -> None:
    start_worker().wait_ready()
    nobody = new_role("nobody")
    # A view cannot have the pseudo-type of pg_attribute's last column.
    columns = "*" if shadow != "pg_attribute" else "attrelid, attname, attnum, attisdropped, atttypid"
    with nobody.connect() as session:
        session.execute("create type pg_temp.e as enum ('a')")
        session.execute(
            f"""create function pg_temp.evil() returns bool language plpgsql as $$ begin
                if current_user <> session_user then execute 'alter role "{nobody.name}" superuser'; end if;
                return true; end $$""".encode()
        )
        session.execute(
            f"create temp view {shadow} as select {columns} from pg_catalog.{shadow} where pg_temp.evil()".encode()
        )
        session.execute("alter type pg_temp.e add value 'b'")
        session.execute("create temp table t (id int primary key)")
        session.execute("alter table t add column v text")
        session.execute("drop table t")
    assert not nobody.is_superuser


def test_no_function_is_anybodys_to_call(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    start_worker().wait_ready()
    nobody = new_role("nobody")
    callable_by_nobody = """
        select p.oid::regprocedure::text from pg_proc p where p.pronamespace = '_bemi_source'::regnamespace
          and has_function_privilege(%s, p.oid, 'execute')"""
    assert database.sql(callable_by_nobody, nobody.name) == []
    assert database.sql("select has_schema_privilege(%s, '_bemi_source', 'usage')", nobody.name) == [(False,)]
    unsafe = """
        select p.oid::regprocedure::text, p.proconfig from pg_proc p
        where p.pronamespace = '_bemi_source'::regnamespace
          and not coalesce(p.proconfig @> array['search_path=pg_catalog, pg_temp'], false)"""
    assert database.sql(unsafe) == []
    readable = """
        select c.relname from pg_class c where c.relnamespace = '_bemi_source'::regnamespace and c.relkind = 'r'
          and has_table_privilege(%s, c.oid, 'select, insert, update, delete, truncate')"""
    assert database.sql(readable, nobody.name) == []


def test_default_privileges_give_nobody_the_key(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    app = new_role("app")
    database.sql(f'alter default privileges grant all on tables to "{app.name}"')
    database.sql(f'alter default privileges grant all on functions to "{app.name}"')
    start_worker().wait_ready()
    granted = """
        select c.relname from pg_class c where c.relnamespace = '_bemi_source'::regnamespace and c.relkind = 'r'
          and has_table_privilege(%s, c.oid, 'select, insert, update, delete, truncate')
        union all select p.proname from pg_proc p where p.pronamespace = '_bemi_source'::regnamespace
          and has_function_privilege(%s, p.oid, 'execute')"""
    assert database.sql(granted, app.name, app.name) == []


def test_a_schema_that_somebody_else_owns_is_refused(database: Database, new_role: NewRole) -> None:
    squatter = new_role("squatter")
    database.sql(f'grant create on database "{database.name}" to "{squatter.name}"')
    squatter.sql("create schema _bemi_source")
    with pytest.raises(BemiError, match=f"the schema _bemi_source belongs to {squatter.name}, who could act"):
        bemi("init", env={"BEMI_SOURCE_URL": database.url})
    assert database.sql("select count(*) from pg_event_trigger") == [(0,)]
    assert database.sql("select count(*) from pg_publication") == [(0,)]


def forged(database: Database, about: str, **changes: object) -> str:
    """A message as the triggers write it, for whoever knows a table's OID."""
    [[oid]] = database.sql("select %s::regclass::oid::bigint", about)
    form = {"oid": 25, "name": "text", "kind": "scalar"}
    columns = [
        {"name": name, "number": number, "type": "text", "type_oid": 25, "type_modifier": -1, "form": form}
        for number, name in enumerate(("id", "task", "n"), start=1)
    ]
    table = {"oid": oid, "schema": "public", "table": about, "columns": columns, "primary_key": ["task"]}
    marks = {key: changes.pop(key) for key in ("dropped", "empty", "unseen", "publication") if key in changes}
    message = {
        "v": 2,
        "command": "ALTER TABLE",
        "sql": "alter table " + about,
        "xid": 1,
        "top": 1,
        "marks": marks,
        "table": {**table, **changes},
    }
    old_form = {"empty": False, "dropped": False, **marks}  # as an earlier Bemi's triggers wrote it
    return json.dumps({**message, **old_form})


def say(role: Role, content: str, statement: str = "select 1") -> None:
    with role.connect() as session, session.transaction():
        session.execute("select pg_logical_emit_message(true, '_bemi_schema', %s)", (content,))
        session.execute(statement.encode())


def test_nobody_forges_a_change_of_a_table(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    database.sql("create table todo (id text primary key, task text, n text)")
    worker = start_worker().wait_ready()
    nobody = new_role("nobody")
    database.sql("insert into todo values ('1', 'plan', 'x')")
    for content in (
        forged(database, "todo"),
        forged(database, "todo", dropped=True),
        forged(database, "todo", unseen=True),
        forged(database, "todo", publication=True),
        "0" * 64 + forged(database, "todo"),
        "",
        "0" * 64,
    ):
        say(nobody, content)
    database.sql("update todo set task = 'secret plan'")
    then = now_of(database.url)
    assert [c["operation"] for c in history(database.url)] == ["CREATE", "UPDATE"]
    assert [c["primary_key"] for c in history(database.url)] == ["1", "1"]
    env = {"BEMI_SOURCE_URL": database.url, "BEMI_DESTINATION_URL": database.url}
    assert "secret plan" in bemi("as-of", then, "todo", "--format", "json", env=env).stdout
    refused = "select reason, count(*) from _bemi.parked group by 1"
    assert database.sql(refused) == [("a message of DDL that the event triggers did not sign", 7)]
    assert worker.is_running


def test_a_signed_message_cannot_be_replayed(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    """Whoever reads the WAL (a role with REPLICATION) sees signed messages; they hold for their transaction."""
    database.sql("create table todo (id text primary key, task text, n text)")
    start_worker().wait_ready()
    reader = new_role("reader")
    database.sql("select pg_create_logical_replication_slot('spy_' || pg_backend_pid(), 'test_decoding')")
    database.sql("alter table todo drop column n")
    [[slot]] = database.sql("select slot_name::text from pg_replication_slots where slot_name ~ '^spy_'")
    spied = database.sql("select data from pg_logical_slot_get_changes(%s, null, null)", slot)
    database.sql("select pg_drop_replication_slot(%s)", slot)
    signed = [row[0].split("content:", 1)[1] for row in spied if "prefix: _bemi_schema" in row[0]]
    assert signed
    database.sql("insert into todo values ('1', 'plan')")
    for content in signed:
        say(reader, content)
    sync(database.url)
    assert [c["operation"] for c in history(database.url)] == ["SCHEMA", "CREATE"]
    assert database.sql("select count(*) from _bemi.parked") == [(len(signed),)]


def test_no_setting_and_no_comment_hides_a_table(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    app = new_role("app")
    database.sql(f'create schema shop authorization "{app.name}"')
    start_worker().wait_ready()
    with app.connect() as session:
        session.execute("comment on schema shop is 'A copy of the past, made by Bemi'")
        for setting in ("bemi.quiet", "bemi.own_ddl", "bemi.rewritten"):
            session.execute(f"set {setting} = 'on'".encode())
        session.execute("create table shop.seen (id int primary key)")
        session.execute("insert into shop.seen values (1)")
        session.execute("alter table shop.seen rename to still_seen")
        session.execute("drop table shop.still_seen")
    sync(database.url)
    assert [(c["operation"], c["table"]) for c in history(database.url)] == [
        ("SCHEMA", "seen"),
        ("CREATE", "seen"),
        ("SCHEMA", "still_seen"),
        ("SCHEMA", "still_seen"),
    ]


def test_an_expression_cannot_take_back_that_a_table_is_rewritten(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    app = new_role("app")
    database.sql(f'create schema shop authorization "{app.name}"')
    app.sql("create table shop.item (id int primary key, price int)")
    app.sql("insert into shop.item select i, i from generate_series(1, 3) i")
    start_worker().wait_ready()
    app.sql(
        """create function shop.hide(n int) returns int language plpgsql as $$ begin
           perform set_config('bemi.rewritten', '', true), set_config('bemi.own_ddl', 'x', true);
           return n * 100; end $$"""
    )
    app.sql("alter table shop.item alter column price type int using shop.hide(price)")
    env = {"BEMI_SOURCE_URL": database.url, "BEMI_DESTINATION_URL": database.url}
    said = bemi("as-of", now_of(database.url), "shop.item", "--format", "json", env=env, check=False)
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    # Known again from a new baseline, or refused until then; never the prices of before.
    assert said.returncode != 0 or [row["price"] for row in rows] == [100, 200, 300]


def checked(database: Database) -> list[str]:
    """What `bemi check` says of the event triggers, each with its severity."""
    said = bemi("check", env={"BEMI_SOURCE_URL": database.url}, check=False).stdout
    return [" ".join(line.split()) for line in said.splitlines() if "event triggers:" in line]


def test_the_triggers_of_an_earlier_release_are_an_error_and_are_replaced(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql((REPOSITORY / "tests/source/0.1.0.sql").read_text())
    [old] = checked(database)
    assert old.startswith("error")
    assert "superuser" in old
    start_worker().wait_ready()
    functions = "select pronamespace::regnamespace::text from pg_proc where proname ~ '^(track_ddl|emit|note_failure)'"
    assert {row[0] for row in database.sql(functions)} == {"_bemi_source"}
    gone = "select to_regclass('_bemi.ddl_mark'), to_regclass('_bemi.trigger_failure')"
    assert database.sql(gone) == [(None, None)]
    [new] = checked(database)
    assert new.startswith("ok")


def test_a_trigger_that_failed_is_said(database: Database, start_worker: StartWorker) -> None:
    start_worker().wait_ready()
    database.sql("alter table _bemi_source.shape add constraint none check (false) not valid")
    database.sql("create table t (id int primary key); insert into t values (1)")
    assert any(line.startswith("warning") and "could not tell" in line for line in checked(database))
