"""What was there before Bemi is there after it, to the letter; what is not Bemi's is never touched."""

from __future__ import annotations

from typing import Any

import psycopg

from e2e.oracle import sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

FORMER = """
create table by_index (id int not null, v text); create unique index other on by_index (id);
create unique index chosen on by_index (id); alter table by_index replica identity using index chosen;
create table whole (id int, v text); alter table whole replica identity full;
create table nothing (id int primary key, v text); alter table nothing replica identity nothing;
create table plain (id int primary key, v text);
"""


def identities(database: Database) -> list[tuple[Any, ...]]:
    return database.sql(
        "select c.relname, c.relreplident, (select x.relname from pg_index i join pg_class x on x.oid = i.indexrelid "
        "where i.indrelid = c.oid and i.indisreplident) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'p') and n.nspname = 'public' and c.relname !~ '^changes' order by c.relname"
    )


def catalog(database: Database) -> list[list[tuple[Any, ...]]]:
    """All that Bemi could have made or changed."""
    return [
        identities(database),
        database.sql("select pubname, pg_get_userbyid(pubowner) from pg_publication order by 1"),
        database.sql("select pubname, schemaname, tablename from pg_publication_tables order by 1, 2, 3"),
        database.sql(
            "select slot_name from pg_replication_slots where database = current_database() order by 1"
        ),
        database.sql("select evtname from pg_event_trigger order by 1"),
        database.sql(
            "select nspname, coalesce(nspacl, acldefault('n', nspowner))::text from pg_namespace "
            "where nspname !~ '^pg_' order by 1"
        ),
        database.sql(
            "select oid::regclass::text, coalesce(relacl, acldefault('r', relowner))::text from pg_class "
            "where relnamespace = 'public'::regnamespace "
            "and relkind in ('r', 'p') order by 1"
        ),
    ]


@oldest_and_newest
def test_every_replica_identity_comes_back(database: Database, start_worker: StartWorker) -> None:
    database.sql(FORMER)
    before = catalog(database)
    env = {"BEMI_SOURCE_URL": database.url}
    start_worker().wait_ready().terminate()
    assert {identity for _, identity, _ in identities(database)} == {"f"}
    # Made while Bemi tracks, with the identity that it gives.
    start_worker().wait_ready().terminate()
    bemi("teardown", "--yes", "--destination", env=env)
    assert catalog(database) == before


@oldest_and_newest
def test_an_identity_that_the_triggers_gave_is_taken_back(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(
        "create table lost_key (id int, v text, constraint k primary key (id));"
        "create table lost_index (id int not null, v text); create unique index i on lost_index (id);"
        "alter table lost_index replica identity using index i"
    )
    start_worker("--replica-identity", "keep").wait_ready().terminate()
    database.sql("alter table lost_key drop constraint k; drop index i")
    assert identities(database) == [("lost_index", "f", None), ("lost_key", "f", None)]
    database.sql("alter table lost_key add constraint k primary key (id)")
    said = bemi("teardown", "--yes", env={"BEMI_SOURCE_URL": database.url}).stdout
    assert identities(database) == [("lost_index", "f", None), ("lost_key", "d", None)]
    assert "public.lost_index keeps its replica identity: the index i that it had is gone" in said


@oldest_and_newest
def test_an_identity_that_another_publication_needs_stays_and_is_named(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(FORMER)
    database.sql("create table keyless (v text); insert into keyless values ('x')")
    database.sql("create publication debezium for table by_index, whole")
    start_worker().wait_ready().terminate()
    database.sql("alter publication debezium add table keyless")
    said = bemi("teardown", "--yes", env={"BEMI_SOURCE_URL": database.url}).stdout
    assert "public.keyless keeps its replica identity" in said and "debezium" in said
    assert {name: identity for name, identity, _ in identities(database)} == {
        "by_index": "i",
        "keyless": "f",
        "nothing": "n",
        "plain": "d",
        "whole": "f",
    }
    for table in ("by_index", "whole", "keyless"):
        database.sql(f"update {table} set v = 'z'")


def test_an_identity_that_somebody_changed_since_stays(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, v text)")
    start_worker("--replica-identity", "full").wait_ready().terminate()
    database.sql("alter table item replica identity using index item_pkey")
    said = bemi("teardown", "--yes", env={"BEMI_SOURCE_URL": database.url}).stdout
    assert "public.item keeps its replica identity: somebody has changed it since; it was default" in said
    assert identities(database) == [("item", "i", "item_pkey")]


def test_a_running_worker_keeps_everything_as_it_is(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, v text)")
    worker = start_worker().wait_ready()
    before = catalog(database)[:-2]
    refused = bemi(
        "teardown",
        "--yes",
        "--destination",
        env={"BEMI_SOURCE_URL": database.url},
        check=False,
    )
    assert refused.returncode == 1
    assert "a worker reads the slot" in refused.stderr and "nothing was touched" in refused.stderr
    assert "stop that bemi run" in refused.stderr and "long transaction" not in refused.stderr
    assert catalog(database)[:-2] == before
    database.sql("insert into item values (1, 'still')")
    sync(database.url)
    worker.terminate()
    bemi("teardown", "--yes", "--destination", env={"BEMI_SOURCE_URL": database.url})


def test_a_teardown_that_was_cut_short_is_repeated(database: Database, start_worker: StartWorker) -> None:
    database.sql(FORMER)
    before = catalog(database)
    start_worker().wait_ready().terminate()
    env = {"BEMI_SOURCE_URL": database.url}
    with psycopg.connect(database.url) as holder:
        holder.execute("select * from plain")  # its identity cannot be changed meanwhile
        failed = bemi("teardown", "--yes", "--destination", env=env, check=False)
        assert failed.returncode == 1 and "a long transaction holds a lock" in failed.stderr
    bemi("teardown", "--yes", "--destination", env=env)
    assert catalog(database) == before


@oldest_and_newest
def test_the_rights_of_the_worker_are_given_and_taken_back(
    database: Database, start_worker: StartWorker
) -> None:
    role = f"tracker_{database.name}"
    database.sql(f"create role {role} login replication")
    database.sql(
        "create schema app; create table app.item (id int primary key); create table app.part (id int) "
        "partition by range (id); create table app.part_1 partition of app.part for values from (0) to (9)"
    )
    before = catalog(database)
    destination = database.server.create_database(f"{database.name}_h")
    env = {
        "BEMI_SOURCE_URL": database.server.url(database.name, user=role),
        "BEMI_DESTINATION_URL": destination,
        "BEMI_ADMIN_URL": database.url,
    }
    bemi("init", env=env)
    check = bemi("check", env=env).stdout.split("destination ")[0]
    assert "warning" not in check and "error" not in check
    without = {key: url for key, url in env.items() if key != "BEMI_ADMIN_URL"}
    start_worker(env=without).wait_ready().terminate()
    bemi("teardown", "--yes", "--destination", env=env)
    assert catalog(database) == before
    database.sql(f"drop owned by {role}; drop role {role}")


def test_the_users_own_schemas_are_refused_and_kept(database: Database) -> None:
    env = {"BEMI_SOURCE_URL": database.url}
    for schema in ("bemi", "_bemi", "_bemi_setup", "time_travel", "time_travel_app"):
        database.sql(f"create schema {schema}; create table {schema}.invoices (id int primary key)")
        before = catalog(database)
        for command in (("init",), ("run",)):
            refused = bemi(*command, env=env, check=False)
            assert refused.returncode == 1, command
            assert f"the schema {schema} of " in refused.stderr and "untouched" in refused.stderr
        bemi("teardown", "--yes", "--destination", env=env, check=False)
        assert catalog(database) == before
        database.sql(f"drop schema {schema} cascade")


def test_the_users_own_schema_beside_a_history_survives_its_end(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key)")
    start_worker().wait_ready().terminate()
    database.sql(
        "create schema time_travel_notes; create schema time_travel_mine; "
        "create table time_travel_mine.todo (id int)"
    )
    bemi("teardown", "--yes", "--destination", env={"BEMI_SOURCE_URL": database.url})
    assert database.sql(
        "select to_regclass('time_travel_mine.todo')::text, to_regnamespace('time_travel_notes')::text,"
        " to_regnamespace('_bemi'), to_regnamespace('bemi')"
    ) == [("time_travel_mine.todo", "time_travel_notes", None, None)]


def test_a_table_in_the_schema_of_ours_keeps_the_history(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key)")
    start_worker().wait_ready().terminate()
    database.sql("create table bemi.invoices (id int)")
    env = {"BEMI_SOURCE_URL": database.url}
    refused = bemi("teardown", "--yes", "--destination", env=env, check=False)
    assert refused.returncode == 1 and "bemi.invoices" in refused.stderr
    assert database.sql(
        "select to_regclass('bemi.invoices') is not null, to_regclass('changes') is not null"
    ) == [(True, True)]
