"""A history that a release made is upgraded, whole and with its data; another one is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.postgres import Server

HISTORIES = Path(__file__).resolve().parents[1] / "history"
RELEASES = sorted(path.stem for path in HISTORIES.glob("*.sql"))

# Columns of `changes` that came after the first release, as its rows have them.
LATER_COLUMNS = {"context_verified": None}

# Everything of ours in a history, by what it is and not by the order of its columns.
CATALOG = {
    "columns": """
        select n.nspname, c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity::text, pg_get_expr(d.adbin, d.adrelid)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where n.nspname in ('_bemi', 'bemi') and c.relname !~ '^key_[0-9]' or c.relname = 'changes'
        order by 1, 2, 3, 4""",
    "indexes": """
        select tablename, indexdef from pg_indexes
        where schemaname = '_bemi' and tablename !~ '^key_[0-9]' or tablename = 'changes' order by 1, 2""",
    "constraints": """
        select c.conrelid::regclass::text, c.contype::text, pg_get_constraintdef(c.oid) from pg_constraint c
        where c.connamespace = '_bemi'::regnamespace and c.contype <> 'n' and c.conrelid::regclass::text !~ 'key_[0-9]'
        order by 1, 2, 3""",
    "functions": """
        select p.oid::regprocedure::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.prosrc,
               p.prosecdef, p.provolatile::text, p.proparallel::text, p.proconfig
        from pg_proc p where p.pronamespace in ('_bemi'::regnamespace, 'bemi'::regnamespace) order by 1""",
    "views": """
        select schemaname, viewname, definition from pg_views where schemaname in ('_bemi', 'bemi') order by 1, 2""",
    "recorded": "select kind, name from _bemi.installed order by 1, 2",
}


def catalog(database: Database) -> dict[str, list[tuple[object, ...]]]:
    return {what: database.sql(sql) for what, sql in CATALOG.items()}


def load(database: Database, release: str) -> None:
    lines = (HISTORIES / f"{release}.sql").read_text().splitlines()
    database.sql("\n".join(line for line in lines if not line.startswith("\\")))


@pytest.fixture
def installed(database: Database, request: pytest.FixtureRequest) -> Database:
    """`database`, with the history that a release made on PostgreSQL 14."""
    load(database, request.param)
    return database


@oldest_and_newest
@pytest.mark.parametrize("installed", RELEASES, indirect=True)
def test_a_released_history_becomes_as_a_new_one_is_and_answers_as_before(
    installed: Database, server: Server, request: pytest.FixtureRequest
) -> None:
    fresh = Database(server, f"{installed.name}_new", server.create_database(f"{installed.name}_new"))
    env = {"BEMI_SOURCE_URL": fresh.url, "BEMI_DESTINATION_URL": installed.url}
    done = bemi("init", env=env)
    assert "ready" in done.stdout
    bemi("init", env={"BEMI_SOURCE_URL": fresh.url, "BEMI_DESTINATION_URL": fresh.url})
    for what, there in catalog(fresh).items():
        ours = [row for row in there if "trigger_failure" not in str(row) and "ddl_mark" not in str(row)]
        source_functions = {
            name
            for (name,) in fresh.sql(
                "select p.oid::regprocedure::text from pg_proc p where p.pronamespace = '_bemi'::regnamespace"
                " and not exists (select from _bemi.installed i"
                "   where case when i.kind = 'function' then to_regprocedure(i.name) end = p.oid)"
            )
        }
        ours = [row for row in ours if row[0] not in source_functions]
        assert catalog(installed)[what] == ours, what
    told = json.loads((HISTORIES / f"{request.node.callspec.params['installed']}.json").read_text())
    installed.sql("select bemi.refresh_time_travel()")
    for question, answer in told["answers"]:
        asked = bemi(*question, "--format", "json", env={"BEMI_DESTINATION_URL": installed.url})
        later = LATER_COLUMNS if question[0] == "changes" else {}
        assert [json.loads(line) for line in asked.stdout.splitlines()] == [
            {**row, **later} for row in answer
        ], question
    for moment in told["moments"].values():
        rows = "select count(*) from bemi.rows_as_of('todo', %s)"
        with server.connect(dbname=installed.name) as connection:
            connection.execute("select set_config('bemi.as_of', %s, false)", [moment])
            [seen] = connection.execute("select count(*) from time_travel.todo").fetchone() or [None]
            assert [(seen,)] == connection.execute(rows, [moment]).fetchall()
    # Done once.
    assert (
        "destination" in (again := bemi("init", env=env).stdout) and "ready" in again.split("destination")[1]
    )
    server.drop_database(fresh.name)


def test_a_history_of_a_development_version_is_refused_in_words(
    database: Database,
) -> None:
    load(database, "0.1.0")
    env = {"BEMI_SOURCE_URL": database.url, "BEMI_DESTINATION_URL": database.url}
    for spoil, mend in (
        (
            "alter table _bemi.coverage add column more int",
            "alter table _bemi.coverage drop column more",
        ),
        (
            "update _bemi.migration set name = '0014_else' where version = 14",
            "update _bemi.migration set name = '0014_saved_views' where version = 14",
        ),
        (
            "delete from _bemi.migration where version = 9",
            "insert into _bemi.migration values (9, '0009_maintenance')",
        ),
    ):
        database.sql(spoil)
        for command in ("init", "run"):
            done = bemi(command, env=env, check=False)
            assert done.returncode == 1 and "development version" in done.stderr and "hint:" in done.stderr
        assert database.sql("select to_regclass('_bemi.function_set')") == [(None,)], "nothing was begun"
        database.sql(mend)
    bemi("init", env=env)
    database.sql("update _bemi.migration set sha256 = repeat('0', 64) where version = 15")
    done = bemi("init", env=env, check=False)
    assert done.returncode == 1 and "development version" in done.stderr


def test_an_older_bemi_leaves_a_newer_history_alone(database: Database, start_worker: StartWorker) -> None:
    start_worker().wait_ready().terminate()
    env = {"BEMI_SOURCE_URL": database.url}
    for newer in (
        "insert into _bemi.migration (version, name, sha256) values (9999, '9999_later', repeat('0', 64))",
        "delete from _bemi.migration where version = 9999; update _bemi.function_set set version = '99.0.0'",
    ):
        database.sql(newer)
        for command in ("init", "run"):
            done = bemi(command, env=env, check=False)
            assert done.returncode == 1 and "newer Bemi" in done.stderr


def test_functions_that_are_others_are_replaced_and_those_that_went_are_dropped(
    database: Database, start_worker: StartWorker
) -> None:
    start_worker().wait_ready().terminate()
    before = catalog(database)
    database.sql(
        "create function _bemi.of_before(int) returns int language sql as 'select 1';"
        "do $$ begin execute format('alter function _bemi.of_before(int) owner to %I',"
        " (select name from _bemi.role where purpose = 'owner')); end $$;"
        "insert into _bemi.installed values ('function', '_bemi.of_before(integer)');"
        "create or replace function _bemi.flag(name text) returns boolean language sql as 'select true';"
        "update _bemi.function_set set sha256 = 'of before'"
    )
    bemi("init", env={"BEMI_SOURCE_URL": database.url})
    assert catalog(database) == before
