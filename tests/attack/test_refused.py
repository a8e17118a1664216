"""A refused command changes nothing, and what is not Bemi's is never touched."""

from __future__ import annotations

import time
from typing import Any

import pytest
from e2e.oracle import history, sync

from attack.conftest import NewRole
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until


def everything(database: Database) -> list[list[tuple[Any, ...]]]:
    """The catalog of a database, as far as a command could change it, down to the versions of its rows."""
    return [
        database.sql(f"select oid, xmin::text from {catalog} order by oid")
        for catalog in (
            "pg_class",
            "pg_namespace",
            "pg_publication",
            "pg_publication_rel",
            "pg_event_trigger",
            "pg_proc",
        )
    ]


@oldest_and_newest
def test_another_destination_beside_a_running_worker(database: Database, start_worker: StartWorker) -> None:
    """It was refused only after it had published the history itself, which then chased its own tail."""
    database.sql("create table item (id int primary key, v text)")
    start_worker().wait_ready()
    database.sql("insert into item values (1, 'x')")
    sync(database.url)
    other = database.server.create_database(f"{database.name}_other")
    before = everything(database)
    refused = bemi("run", "--source", database.url, "--destination", other, check=False)
    assert refused.returncode == 1
    assert "the slot" in refused.stderr and "does not know it" in refused.stderr
    refused = bemi("init", "--source", database.url, "--destination", other, check=False)
    assert refused.returncode == 1
    assert everything(database) == before
    assert database.server.sql("select to_regnamespace('_bemi')", dbname=f"{database.name}_other") == [
        (None,)
    ]
    time.sleep(1)
    sync(database.url)
    assert [change["table"] for change in history(database.url)] == ["item"]


@oldest_and_newest
@pytest.mark.parametrize("schema", ["public", "audit"])
def test_no_worker_publishes_a_history(database: Database, start_worker: StartWorker, schema: str) -> None:
    """Also one of other settings, that the second worker writes nothing into."""
    database.sql("create table item (id int primary key)")
    start_worker("--schema", schema, "--partition", "day").wait_ready()
    database.sql("insert into item values (1)")
    sync(database.url)
    name = f"{database.name}_other"
    other = database.server.create_database(name)
    start_worker(
        "--name",
        name,
        "--no-event-trigger",
        "--heartbeat-interval",
        "1",
        env={"BEMI_SOURCE_URL": database.url, "BEMI_DESTINATION_URL": other},
    ).wait_ready()
    database.sql("create table late (id int primary key)")
    wait_until(
        lambda: database.sql(
            "select 1 from pg_publication_tables where pubname = %s and tablename = 'late'",
            f"bemi_{name}",
        ),
        "the second worker has looked",
    )
    assert database.sql("select tablename from pg_publication_tables where tablename ~ '^changes'") == []
    check = bemi(
        "check",
        "--source",
        database.url,
        "--destination",
        other,
        "--name",
        name,
        check=False,
    )
    assert ".changes" not in check.stdout


@oldest_and_newest
def test_a_slot_of_another_database_is_named_and_never_dropped(database: Database) -> None:
    server, slot = database.server, f"bemi_{database.name}"
    elsewhere = f"{database.name}_elsewhere"
    server.create_database(elsewhere)
    server.sql(
        "select pg_create_logical_replication_slot(%s, 'pgoutput')",
        slot,
        dbname=elsewhere,
    )
    env = {"BEMI_SOURCE_URL": database.url}
    before = everything(database)
    try:
        for command in ("init", "run"):
            refused = bemi(command, env=env, check=False)
            assert refused.returncode == 1 and f"belongs to the database {elsewhere}" in refused.stderr
            assert "--slot" in refused.stderr and "teardown" not in refused.stderr
        check = bemi("check", env=env, check=False)
        assert check.returncode == 1 and f"belongs to the database {elsewhere}" in check.stdout
        assert everything(database) == before
        bemi("teardown", "--yes", env=env)
        assert server.sql("select database from pg_replication_slots where slot_name = %s", slot) == [
            (elsewhere,)
        ]
    finally:
        server.sql("select pg_drop_replication_slot(%s)", slot, dbname=elsewhere)


@oldest_and_newest
def test_a_slot_of_another_program_is_named_and_never_dropped(
    database: Database,
) -> None:
    slot = f"bemi_{database.name}"
    env = {"BEMI_SOURCE_URL": database.url}
    for plugin in ("test_decoding", "pgoutput"):
        try:
            database.sql("select pg_create_logical_replication_slot(%s, %s)", slot, plugin)
        except Exception:
            assert plugin == "test_decoding"  # an extension that not every server has
            continue
        assert bemi("init", env=env, check=False).returncode == 1
        assert "stays" in bemi("teardown", "--yes", env=env).stdout
        assert database.sql("select plugin from pg_replication_slots where slot_name = %s", slot) == [
            (plugin,)
        ]
        database.sql("select pg_drop_replication_slot(%s)", slot)


def test_databases_of_similar_names_have_slots_of_their_own(
    database: Database, start_worker: StartWorker
) -> None:
    server = database.server
    stem = f"My_{database.name}"
    names = [stem, stem.replace("_", "-"), stem.lower()]
    destination = server.create_database(f"{database.name}_h")
    for name in names:
        url = server.create_database(name)
        start_worker(
            env={"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": destination}
        ).wait_ready().terminate()
    slots = server.sql(
        "select database, slot_name from pg_replication_slots where database = any (%s)",
        names,
    )
    assert len({slot for _, slot in slots}) == 3 and dict(slots)[names[2]] == f"bemi_{names[2]}"
    for name in names:
        env = {"BEMI_SOURCE_URL": server.url(name), "BEMI_DESTINATION_URL": destination}
        bemi("teardown", "--yes", env=env)
        left = server.sql("select database from pg_replication_slots where database = any (%s)", names)
        names_left = names[names.index(name) + 1 :]
        assert sorted(database for (database,) in left) == sorted(names_left)


def test_a_publication_of_somebody_else_is_refused(database: Database) -> None:
    database.sql("create table item (id int primary key); create table other (id int primary key)")
    database.sql(f"create publication bemi_{database.name} for table item")
    before = everything(database)
    env = {"BEMI_SOURCE_URL": database.url}
    for command in ("init", "run"):
        refused = bemi(command, env=env, check=False)
        assert refused.returncode == 1 and "Bemi did not make it" in refused.stderr
    assert everything(database) == before
    bemi("teardown", "--yes", env=env)
    assert everything(database) == before


def test_a_publication_that_was_given_is_used_and_given_back(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key); create table other (id int primary key)")
    database.sql("create publication theirs for table item")
    env = {"BEMI_SOURCE_URL": database.url}
    start_worker("--publication", "theirs").wait_ready().terminate()
    listed = "select tablename from pg_publication_tables where pubname = 'theirs' order by 1"
    assert database.sql(listed) == [("item",), ("other",)]
    bemi("teardown", "--yes", "--publication", "theirs", env=env)
    assert database.sql(listed) == [("item",)]


@oldest_and_newest
def test_a_schema_of_a_lesser_role_is_refused(database: Database, new_role: NewRole) -> None:
    """Who owns the schema could put functions of its own there, which a superuser would run."""
    squatter = new_role("squatter")
    database.sql(f'grant create on database "{database.name}" to "{squatter.name}"')
    squatter.sql("create schema _bemi")
    squatter.sql("create table _bemi.migration (version int primary key, name text)")
    squatter.sql("insert into _bemi.migration select i, 'x' from generate_series(1, 14) i")
    squatter.sql("create schema bemi")
    before = everything(database)
    env = {"BEMI_SOURCE_URL": database.url}
    for command in ("init", "run"):
        refused = bemi(command, env=env, check=False)
        assert refused.returncode == 1 and squatter.name in refused.stderr
    check = bemi("check", env=env, check=False)
    assert check.returncode == 1 and squatter.name in check.stdout
    assert everything(database) == before
