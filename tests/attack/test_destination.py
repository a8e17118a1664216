"""The history: who may ask it gets no further, and who may log in gets nothing by Bemi."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from attack.conftest import NewRole
from attack.roles import Role
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

DENIED = psycopg.errors.InsufficientPrivilege
TABLE = "create table todo (id int primary key, task text); insert into todo values (1, 'secret');"


def member_name(database: Database, purpose: str) -> str:
    [(name,)] = database.sql("select name from _bemi.role where purpose = %s", purpose)
    return str(name)


@pytest.fixture
def member(database: Database, new_role: NewRole) -> Callable[[str], Role]:
    """`member("reader")`: a role that may log in, and do that job."""

    def new(purpose: str) -> Role:
        role = new_role(purpose)
        database.sql(f'grant "{member_name(database, purpose)}" to "{role.name}"')
        return role

    return new


@pytest.fixture
def history(database: Database) -> Database:
    database.sql(TABLE)
    bemi("init", env={"BEMI_SOURCE_URL": database.url})
    return database


def fill(database: Database, start_worker: StartWorker) -> None:
    worker = start_worker("--snapshot", "initial").wait_ready()
    bemi("sync", env={"BEMI_SOURCE_URL": database.url})
    worker.terminate()
    assert database.sql("select count(*) from changes") == [(1,)]


# Names of PostgreSQL's own that functions ask, and what a temporary object of that name does when it is asked.
SHADOWED = ("pg_class", "pg_namespace", "pg_roles", "pg_proc", "pg_type", "pg_inherits")
EVIL = """
create function pg_temp.evil() returns bool language plpgsql as $$ begin
  if current_user <> session_user then
    begin execute format('alter role %I superuser', session_user); exception when others then null; end;
    begin delete from public.changes; exception when others then null; end;
  end if;
  return true; end $$;
"""


@oldest_and_newest
@pytest.mark.parametrize("purpose", ["reader", "writer", "dashboard"])
def test_a_temporary_view_of_a_catalog_is_looked_at_by_none_of_our_functions(
    purpose: str,
    history: Database,
    member: Callable[[str], Role],
    start_worker: StartWorker,
) -> None:
    fill(history, start_worker)
    role = member(purpose)
    names = history.sql(
        "select p.oid::regprocedure::text, array(select t::regtype::text from unnest(p.proargtypes) t)"
        " from _bemi.installed i join pg_proc p on p.oid = to_regprocedure(i.name) where i.kind = 'function'"
    )
    with role.connect() as connection:
        connection.execute(EVIL)
        for name in SHADOWED:
            connection.execute(
                f"create temp view {name} as select * from pg_catalog.{name} where pg_temp.evil();"
                f"grant select on pg_temp.{name} to public"
            )
        for signature, types in names:
            arguments = ", ".join("null::text" if kind == "anyelement" else f"null::{kind}" for kind in types)
            try:
                connection.execute(f"select {signature.split('(')[0]}({arguments})")
            except psycopg.Error:
                continue
    assert not role.is_superuser
    assert history.sql("select count(*) from changes") == [(1,)]


@oldest_and_newest
def test_a_role_that_may_only_log_in_runs_none_of_our_functions(history: Database, new_role: NewRole) -> None:
    stranger = new_role("stranger")
    history.sql(f'grant usage on schema _bemi, bemi to "{stranger.name}"')
    open_to_public = history.sql(
        "select i.name from _bemi.installed i join pg_proc p"
        " on p.oid = case when i.kind = 'function' then to_regprocedure(i.name) end"
        " where has_function_privilege(%s, p.oid, 'execute')",
        stranger.name,
    )
    assert open_to_public == []
    with pytest.raises(DENIED):
        stranger.sql("select bemi.refresh_time_travel()")


@oldest_and_newest
def test_a_domains_check_never_runs_with_the_rights_of_the_history(
    database: Database, new_role: NewRole, start_worker: StartWorker
) -> None:
    app = new_role("app")
    database.sql(f'create schema app authorization "{app.name}"')
    app.sql(
        "create function app.evil(int) returns bool language plpgsql as $$ begin"
        "  if current_user <> session_user or pg_backend_pid() <> 0 then"
        f"    begin execute 'alter role \"{app.name}\" superuser'; exception when others then null; end;"
        "  end if; return true; end $$;"
        "create domain app.d as int check (app.evil(value)); create type app.comp as (a app.d);"
        "create table app.t (k app.comp primary key, v text, e app.d);"
        "create table app.u (k app.d primary key, v app.comp)"
    )
    start_worker("--snapshot", "none").wait_ready()
    app.sql("insert into app.t values (row(1)::app.comp, 'x', 1); insert into app.u values (1, row(2))")
    bemi("sync", env={"BEMI_SOURCE_URL": database.url})
    database.sql("select bemi.refresh_time_travel()")
    assert not app.is_superuser
    [(moment,)] = database.sql("select now()::text")
    bemi("sync", env={"BEMI_SOURCE_URL": database.url})
    with psycopg.connect(database.url) as connection:
        connection.execute(f"set bemi.as_of = '{moment}'")
        connection.execute("set bemi.partial = on")
        seen = connection.execute("select k, v from time_travel_app.t").fetchall()
    assert seen == [("(1)", "x")], "a value of such a type is its text"
    assert not app.is_superuser


@oldest_and_newest
@pytest.mark.parametrize("schema", ["_bemi", "bemi", "time_travel", "time_travel_app"])
def test_a_schema_that_another_made_is_refused_before_anything_is_made(
    schema: str, database: Database, new_role: NewRole
) -> None:
    squatter = new_role("squatter")
    database.sql(TABLE)
    database.sql(f'grant create on database "{database.name}" to "{squatter.name}"')
    squatter.sql(f"create schema {schema}")
    for command in ("init", "run"):
        done = bemi(command, env={"BEMI_SOURCE_URL": database.url}, check=False)
        assert done.returncode == 1 and f"the schema {schema} of {squatter.name} is in the way" in done.stderr
    checked = bemi("check", env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert checked.returncode == 1 and f"the schema {schema} of {squatter.name}" in checked.stdout
    assert database.sql("select to_regclass('changes'), to_regclass('_bemi.migration')") == [(None, None)]


@oldest_and_newest
def test_foreign_objects_in_our_schema_are_refused(history: Database, new_role: NewRole) -> None:
    squatter = new_role("squatter")
    history.sql(f'grant usage, create on schema _bemi to "{squatter.name}"')
    squatter.sql("create function _bemi.flag(text, int) returns boolean language sql as 'select true'")
    done = bemi("init", env={"BEMI_SOURCE_URL": history.url}, check=False)
    assert done.returncode == 1 and "the function _bemi.flag(text,integer) belongs to" in done.stderr
    assert "who could act with the rights of" in done.stderr


@oldest_and_newest
def test_a_partition_that_another_made_is_not_taken_for_ours(
    history: Database, new_role: NewRole, member: Callable[[str], Role]
) -> None:
    squatter = new_role("squatter")
    history.sql(f'grant create on schema public to "{squatter.name}"')
    squatter.sql("create table public.changes_2031_01 (id int); insert into changes_2031_01 values (1)")
    writer = member("writer")
    [(made,)] = writer.sql("select _bemi.make_partition('2031-01-15 00:00:00+00')")
    assert str(made).startswith("changes_2031_01_")
    owner = "select relowner::regrole::text from pg_class where relname = %s"
    assert history.sql(owner, made) == history.sql(owner, "changes")
    assert squatter.sql("select id from changes_2031_01") == [(1,)]
    # It takes the time, and no second one is made.
    assert writer.sql("select _bemi.make_partition('2031-01-20 00:00:00+00')") == [(made,)]


@oldest_and_newest
def test_default_privileges_give_nobody_the_history(database: Database, new_role: NewRole) -> None:
    web = new_role("web")
    database.sql(TABLE)
    for what in ("tables", "functions", "sequences", "types", "schemas"):
        database.sql(f'alter default privileges grant all on {what} to "{web.name}"')
    database.sql(f'alter default privileges in schema public grant all on tables to "{web.name}"')
    try:
        bemi("init", env={"BEMI_SOURCE_URL": database.url})
        database.sql("select _bemi.make_partition('2031-01-15 00:00:00+00')")
        database.sql("select bemi.refresh_time_travel()")
        granted = database.sql(
            "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where (n.nspname in ('_bemi', 'bemi') or c.relname like 'changes%%') and c.relkind in ('r', 'p', 'v')"
            " and c.oid::regclass::text not in ('_bemi.trigger_failure', '_bemi.ddl_mark')"
            " and has_table_privilege(%s, c.oid, 'select, insert, update, delete, truncate, trigger, references')",
            web.name,
        )
        assert granted == []
        with pytest.raises(DENIED):
            web.sql("select bemi.refresh_time_travel()")
        with pytest.raises(DENIED):
            web.sql("delete from changes_2031_01")
    finally:
        database.sql(f'drop owned by "{web.name}" cascade')


@oldest_and_newest
def test_the_check_names_whoever_may_change_the_history(history: Database, new_role: NewRole) -> None:
    web = new_role("web")
    env = {"BEMI_SOURCE_URL": history.url}
    bemi("check", env=env)
    history.sql(f'grant select, update on changes to "{web.name}"')
    checked = bemi("check", env=env, check=False)
    assert (
        checked.returncode == 1 and f"role {web.name}: may SELECT, UPDATE on public.changes" in checked.stdout
    )
    history.sql(f'revoke all on changes from "{web.name}"')
    history.sql(
        "create function public.spy() returns trigger language plpgsql as 'begin return new; end';"
        "create trigger spy before insert on changes for each row execute function public.spy()"
    )
    checked = bemi("check", env=env, check=False)
    assert checked.returncode == 1 and "the trigger spy on public.changes" in checked.stdout


@oldest_and_newest
@pytest.mark.parametrize("purpose", ["reader", "writer", "dashboard"])
def test_nobody_but_the_maintainer_changes_what_is_stored(
    purpose: str,
    history: Database,
    member: Callable[[str], Role],
    start_worker: StartWorker,
) -> None:
    fill(history, start_worker)
    role = member(purpose)
    [(partition,)] = history.sql(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'changes'::regclass limit 1"
    )
    for table in ("changes", str(partition)):
        for statement in (
            f"update {table} set context = '{{}}'",
            f"delete from {table}",
            f"truncate {table}",
            f"alter table {table} add column x int",
            f"drop table {table}",
            f"create trigger t before insert on {table} for each row"
            " execute function suppress_redundant_updates_trigger()",
        ):
            with pytest.raises((DENIED, psycopg.errors.Error)) as refused:
                role.sql(statement)
            assert isinstance(refused.value, DENIED), statement
    for statement in (
        "delete from _bemi.coverage",
        "delete from _bemi.key_change",
        "delete from _bemi.gap",
        "update _bemi.relation_version set columns = '[]'",
        "delete from _bemi.parked",
        "select _bemi.checkpoint(now(), true)",
        "select _bemi.forget('x', now())",
        "update _bemi.migration set sha256 = ''",
        "delete from _bemi.role",
    ):
        with pytest.raises(DENIED):
            role.sql(statement)
    assert history.sql("select count(*) from changes") == [(1,)]


@oldest_and_newest
def test_a_word_of_fidelity_that_is_not_known_stands_for_unknown(
    database: Database, start_worker: StartWorker
) -> None:
    """A newer Bemi may have written it: what it says of a value must not be taken for a plain one."""
    database.sql("create table parcel (id int primary key, ship_to text)")
    start_worker().wait_ready()
    database.sql("insert into parcel values (1, 'Main Street'), (2, 'Side Street')")
    database.sql("delete from parcel")
    env = {"BEMI_SOURCE_URL": database.url, "BEMI_REVERT_URL": database.url}
    bemi("sync", env=env)
    database.sql(
        'update changes set before = before - \'ship_to\', fidelity = \'{"before": {"ship_to": "erased"}}\' '
        "where operation = 'DELETE' and primary_key = '1'"
    )
    what = ("--table", "parcel", "--operation", "DELETE")
    plan = bemi("revert", *what, env=env, check=False)
    assert plan.returncode == 1 and "ship_to" in plan.stdout + plan.stderr, plan
    applied = bemi("revert", *what, "--apply", "--on-conflict", "skip", env=env, check=False)
    assert database.sql("select id from parcel") == [(2,)], applied
    # The script of an undo knows no more.
    database.sql("delete from parcel")
    bemi("sync", env=env)
    asked = "select bemi.revert_sql(table_name => 'parcel', operation => 'DELETE')"
    with pytest.raises(psycopg.Error, match="its old value is not in the history"):
        database.sql(asked)


@oldest_and_newest
@pytest.mark.usefixtures("history")
def test_the_log_of_actions_can_only_grow(member: Callable[[str], Role]) -> None:
    dashboard = member("dashboard")
    written = "insert into _bemi.action (actor, role, peer, action) values ('anna', 'admin', '::1', 'undo')"
    [(action,)] = dashboard.sql(f"{written} returning id")
    dashboard.sql(f"insert into _bemi.action_outcome (action, outcome) values ({action}, 'done')")
    for statement in (
        "update _bemi.action set actor = 'bea'",
        "delete from _bemi.action",
        "truncate _bemi.action",
        "update _bemi.action_outcome set outcome = 'failed'",
        "delete from _bemi.action_outcome",
        "insert into _bemi.action (at, actor, role, peer, action) values ('2020-01-01', 'a', 'admin', '::1', 'x')",
        "insert into _bemi.action_outcome (action, outcome, ended_at) values (1, 'x', '2020-01-01')",
    ):
        with pytest.raises(DENIED):
            dashboard.sql(statement)
    for purpose in ("reader", "writer"):
        with pytest.raises(DENIED):
            member(purpose).sql(written)


@oldest_and_newest
def test_a_worker_that_only_writes_tracks_and_is_maintained_by_another(
    database: Database, new_role: NewRole, start_worker: StartWorker
) -> None:
    tracker, keeper = new_role("tracker"), new_role("keeper")
    database.sql(f'alter role "{tracker.name}" replication')
    database.sql(TABLE)
    bemi("init", env={"BEMI_SOURCE_URL": tracker.url, "BEMI_ADMIN_URL": database.url})
    [(is_writer, owns)] = database.sql(
        "select pg_has_role(%s, %s, 'member'), pg_has_role(%s, 'postgres', 'member')",
        tracker.name,
        member_name(database, "writer"),
        tracker.name,
    )
    assert is_writer and not owns
    worker = start_worker("--snapshot", "initial", env={"BEMI_SOURCE_URL": tracker.url}).wait_ready()
    database.sql("update todo set task = 'public'")
    bemi("sync", env={"BEMI_SOURCE_URL": tracker.url})
    assert database.sql("select count(*) from changes where operation = 'UPDATE'") == [(1,)]
    assert "are behind" not in "\n".join(worker.lines())
    worker.terminate()
    done = bemi("maintain", env={"BEMI_SOURCE_URL": tracker.url}, check=False)
    assert done.returncode == 1 and "BEMI_MAINTAIN_URL" in done.stderr
    database.sql(f'grant "{member_name(database, "maintainer")}" to "{keeper.name}"')
    bemi(
        "maintain",
        env={"BEMI_SOURCE_URL": tracker.url, "BEMI_MAINTAIN_URL": keeper.url},
    )
    owners = database.sql(
        "select distinct relowner::regrole::text from pg_class where relname like 'changes%%' and relkind in ('r', 'p')"
    )
    assert [name.strip('"') for (name,) in owners] == [member_name(database, "owner")]
    checked = bemi("check", env={"BEMI_SOURCE_URL": tracker.url}, check=False)
    assert "may change it" not in checked.stdout, checked.stdout


HOSTILE = """
create function public.hostile(text[], text[]) returns boolean language plpgsql as $$ begin
  begin execute format('alter role %I superuser', '{role}'); exception when others then null; end;
  return $1 operator(pg_catalog.=) $2; end $$;
create operator public.= (leftarg = text[], rightarg = text[], function = public.hostile);
create function public.hostile(bigint, int) returns boolean language plpgsql as $$ begin
  begin execute format('alter role %I superuser', '{role}'); exception when others then null; end;
  return $1 operator(pg_catalog.>=) $2; end $$;
create operator public.>= (leftarg = bigint, rightarg = int, function = public.hostile);
create function public.count(bigint) returns bigint language sql as 'select $1';
create type public.text as (a int);
create type public.jsonb as (a int);
"""


@oldest_and_newest
def test_the_script_of_an_undo_runs_no_operator_or_type_of_others(
    database: Database, new_role: NewRole, start_worker: StartWorker, tmp_path: Path
) -> None:
    nobody = new_role("nobody")
    database.sql(TABLE)
    start_worker("--snapshot", "initial").wait_ready()
    database.sql("update todo set task = 'wrong' where id = 1")
    database.sql("insert into todo values (2, 'new')")
    bemi("sync", env={"BEMI_SOURCE_URL": database.url})
    database.sql(f'grant create, usage on schema public to "{nobody.name}"')
    nobody.sql(HOSTILE.format(role=nobody.name))
    file = tmp_path / "undo.sql"
    undo = ("revert", "--table", "todo", "--operation", "CREATE", "--sql", str(file))
    bemi(*undo, env={"BEMI_SOURCE_URL": database.url})
    scripts = [
        database.sql("select bemi.revert_sql(operation => 'UPDATE')")[0][0],
        file.read_text(),
    ]
    for script in scripts:
        with psycopg.connect(database.url, autocommit=True) as administrator:
            administrator.execute("set search_path = public, pg_catalog")
            administrator.execute(script.encode())
    assert database.sql("select id, task::pg_catalog.text from todo") == [(1, "secret")]
    assert not nobody.is_superuser


@oldest_and_newest
def test_two_histories_of_a_cluster_share_no_rights(history: Database, member: Callable[[str], Role]) -> None:
    other = Database(
        history.server,
        f"{history.name}_b",
        history.server.create_database(f"{history.name}_b"),
    )
    bemi("init", env={"BEMI_SOURCE_URL": history.url, "BEMI_DESTINATION_URL": other.url})
    mine = {name for (name,) in history.sql("select name from _bemi.role")}
    theirs = {name for (name,) in other.sql("select name from _bemi.role")}
    assert len(mine) == len(theirs) == 5 and not mine & theirs
    writer = member("writer")
    with (
        psycopg.connect(other.server.url(other.name, user=writer.name)) as connection,
        pytest.raises(DENIED),
    ):
        connection.execute("select from changes")
    history.server.drop_database(other.name)


@oldest_and_newest
def test_the_installed_catalog_is_what_this_list_says(history: Database) -> None:
    """Every function with the owner's rights, every search_path, every open right: by value."""
    owner = member_name(history, "owner")
    functions = (
        "from _bemi.installed i join pg_proc p on p.oid = to_regprocedure(i.name) where i.kind = 'function'"
    )
    assert history.sql(f"select p.proname::text {functions} and p.prosecdef order by 1") == [
        ("asked",),
        ("asked_floor",),
        ("asked_time",),
        ("asked_versions",),
        ("make_partition",),
        ("refresh_time_travel",),
        ("unknown_value",),
        ("unlist_window",),
    ]
    # The names in a body of the SQL standard's form were looked up when it was installed.
    paths = history.sql(
        f"select distinct (select c from unnest(p.proconfig) c where c like 'search_path=%%') {functions}"
        " and p.prosqlbody is null"
    )
    assert paths == [("search_path=pg_catalog, pg_temp",)]
    assert history.sql(f"select distinct p.proowner::regrole::text {functions}") == [(f"{owner}",)]
    assert (
        history.sql(
            f"select i.name {functions} and exists ("
            "select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)"
        )
        == []
    )
    [(superuser,)] = history.sql("select rolsuper or rolcanlogin from pg_roles where rolname = %s", owner)
    assert superuser is False
    tables = history.sql(
        "select c.oid::regclass::text, c.relowner::regrole::text, array(select distinct coalesce(r.rolname, 'public')"
        "   from aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee where a.grantee <> c.relowner)"
        " from _bemi.installed i join pg_class c on c.oid = to_regclass(i.name) where i.kind in ('table', 'view')"
    )
    members = {name for (name,) in history.sql("select name from _bemi.role")}
    for name, its_owner, grantees in tables:
        assert its_owner == owner and set(grantees) <= members, name
    writes = history.sql(
        "select m.purpose, a.privilege_type from pg_class c cross join lateral aclexplode(c.relacl) a"
        " join pg_roles r on r.oid = a.grantee join _bemi.role m on m.name = r.rolname"
        " where c.oid = 'changes'::regclass and m.purpose <> 'owner' order by 1, 2"
    )
    assert writes == [
        ("reader", "SELECT"),
        ("writer", "INSERT"),
        ("writer", "SELECT"),
    ] or writes == [
        ("dashboard", "SELECT"),
        ("reader", "SELECT"),
        ("writer", "INSERT"),
        ("writer", "SELECT"),
    ]
    schemas = history.sql(
        "select nspname::text, nspowner::regrole::text, exists (select from aclexplode(nspacl) a where a.grantee = 0)"
        " from pg_namespace where nspname in ('_bemi', 'bemi') order by 1"
    )
    assert schemas == [("_bemi", "postgres", False), ("bemi", "postgres", False)]
    # What is not recorded is not ours: the source's own, and nothing else.
    unrecorded = history.sql(
        "select c.relname::text from pg_class c where c.relnamespace in ('_bemi'::regnamespace, 'bemi'::regnamespace)"
        " and c.relkind in ('r', 'p', 'v', 'c') and not exists ("
        " select from _bemi.installed i where i.kind <> 'function' and to_regclass(i.name) = c.oid)"
        " and c.relname !~ '^key_[0-9]+$' and c.relowner <> 'postgres'::regrole"
    )
    assert unrecorded == []


@oldest_and_newest
def test_a_role_that_may_make_roles_needs_no_superuser(database: Database, new_role: NewRole) -> None:
    """The owner of a history's own database: the roles are made, kept apart, and gone with the history."""
    maker = new_role("maker")
    database.sql(f'alter role "{maker.name}" createrole')
    url = database.server.create_database(f"{database.name}_h")
    database.sql(f'alter database "{database.name}_h" owner to "{maker.name}"')
    place = Database(database.server, f"{database.name}_h", url)
    env = {
        "BEMI_SOURCE_URL": database.url,
        "BEMI_DESTINATION_URL": database.server.url(place.name, user=maker.name),
    }
    bemi("init", env=env)
    owner = f"bemi_{place.name}_owner"
    assert {row for (row,) in place.sql("select tableowner from pg_tables where schemaname = '_bemi'")} == {
        owner
    }
    assert "owner, writer and dashboard are one role" in bemi("check", env=env, check=False).stdout
    bemi("teardown", "--yes", "--destination", env=env)
    assert place.sql(f"select rolname from pg_roles where rolname ~ '^bemi_{place.name}_'") == []
    database.sql(f'drop database "{place.name}" with (force)')


@oldest_and_newest
@pytest.mark.parametrize("schema", ["_bemi", "bemi", "public"])
def test_the_writer_makes_nothing_but_partitions(
    schema: str, history: Database, member: Callable[[str], Role]
) -> None:
    writer = member("writer")
    # Up to 14, everybody may create in public; whoever has the history there is told to take that back.
    history.sql("revoke create on schema public from public")
    for statement in (
        f"create table {schema}.mine (id int)",
        f"create view {schema}.mine as select 1",
        f"create materialized view {schema}.mine as select 1",
        f"create sequence {schema}.mine",
        f"create type {schema}.mine as (id int)",
        f"create domain {schema}.mine as int",
        f"create function {schema}.mine() returns int language sql as 'select 1'",
        f"create procedure {schema}.mine() language sql as 'select 1'",
        f"create operator {schema}.=== (leftarg = int, rightarg = int, function = int4eq)",
        f'create collation {schema}.mine from "C"',
        "create schema mine",
        "create extension hstore",
        "create publication mine",
        "create table changes_mine partition of changes for values from ('2033-01-01') to ('2033-02-01')",
        "create trigger mine before insert on changes"
        " for each row execute function suppress_redundant_updates_trigger()",
        "create rule mine as on insert to changes do instead nothing",
        "create index on changes (id)",
        "create policy mine on changes",
        "alter table changes add mine int",
    ):
        with pytest.raises(DENIED):
            writer.sql(statement)
    assert writer.sql("select _bemi.make_partition('2033-01-15 00:00:00+00')")
