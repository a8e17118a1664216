"""A table that cannot be read is named with its cure; the rest is tracked."""

from __future__ import annotations

import json

import psycopg
import pytest

from e2e.oracle import history, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.postgres import Server

UNREADABLE = {
    "row security": (
        "create table t (id int primary key); alter table t enable row level security; "
        "create policy p on t using (true)",
        "public.t: has row level security",
        "bypassrls",
    ),
    "forced row security": (
        "create table t (id int primary key); alter table t enable row level security; "
        "alter table t force row level security",
        "public.t: has row level security",
        "bypassrls",
    ),
    "no right on the table": (
        "create table t (id int primary key)",
        "public.t: may not be read by",
        "grant select on",
    ),
    "no right on the schema": (
        "create schema s; create table s.t (id int primary key)",
        "s.t: its schema may not be used by",
        "grant usage on schema",
    ),
}


@oldest_and_newest
@pytest.mark.parametrize("case", UNREADABLE)
def test_a_table_that_cannot_be_read_keeps_no_other_out(
    database: Database, start_worker: StartWorker, case: str
) -> None:
    made, said, cure = UNREADABLE[case]
    role = f"tracker_{database.name}"
    database.sql(f"create role {role} login replication")
    database.sql("create table other (id int primary key); insert into other values (1)")
    database.sql(made)
    table = "s.t" if "schema s" in made else "t"
    database.sql(f"insert into {table} values (1)")
    destination = database.server.create_database(f"{database.name}_h")
    env = {
        "BEMI_SOURCE_URL": database.server.url(database.name, user=role),
        "BEMI_DESTINATION_URL": destination,
        "BEMI_ADMIN_URL": database.url,
    }
    first = bemi("init", env=env)
    if "row security" in case:
        assert said.replace(":", "") in first.stdout and cure in first.stdout
    else:
        database.sql(f"revoke all on {table} from {role}")
        if table == "s.t":
            database.sql(f"revoke all on schema s from {role}")
    del env["BEMI_ADMIN_URL"]
    check = bemi("check", env=env, check=False)
    assert check.returncode == 1 and said in check.stdout and cure in check.stdout
    worker = start_worker(env=env).wait_ready()
    assert any(said.replace(":", "") in line and cure in line for line in worker.lines())
    database.sql(f"insert into other values (2); insert into {table} values (2)")
    sync(env["BEMI_SOURCE_URL"], destination)
    assert [(c["table"], c["operation"], c["primary_key"]) for c in history(destination)] == [
        ("other", "SNAPSHOT", "1"),
        ("other", "CREATE", "2"),
        ("t", "CREATE", "2"),
    ]
    worker.terminate()
    bemi("teardown", "--yes", env=env | {"BEMI_ADMIN_URL": database.url})
    database.sql(f"drop owned by {role}; drop role {role}")


def test_a_failed_first_start_leaves_no_slot(database: Database) -> None:
    """Whatever the reason is: here the history may not be written."""
    role, history_name = f"worker_{database.name}", f"{database.name}_h"
    destination = database.server.create_database(history_name)
    database.sql("create table item (id int primary key); insert into item values (1)")
    bemi("init", "--source", database.url, "--destination", destination)
    server = database.server
    server.sql(f"create role {role} login; grant bemi_{history_name}_writer to {role}", dbname=history_name)
    server.sql(f"revoke insert on changes from bemi_{history_name}_writer", dbname=history_name)
    failed = bemi(
        "run",
        "--source",
        database.url,
        "--destination",
        server.url(history_name, user=role),
        check=False,
    )
    assert failed.returncode == 1 and "permission denied" in failed.stderr
    assert (
        database.sql("select slot_name from pg_replication_slots where database = current_database()") == []
    )
    server.sql(f"drop role {role}")


def encoded_database(database: Database, encoding: str) -> Database:
    name = f"{database.name}_{encoding.lower()}"
    database.sql(
        f"create database {name} encoding '{encoding}' lc_collate 'C' lc_ctype 'C' template template0"
    )
    return Database(database.server, name, database.server.url(name))


def as_utf8(database: Database, statements: str) -> None:
    """As a client that speaks UTF-8, whatever the server's encoding is."""
    with psycopg.connect(database.url, autocommit=True, client_encoding="utf8") as connection:
        connection.execute(statements.encode())


@oldest_and_newest
@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "EUC_JP", "EUC_KR"])
def test_contexts_are_read_in_the_servers_encoding(
    database: Database, start_worker: StartWorker, encoding: str
) -> None:
    source = encoded_database(database, encoding)
    word = {"EUC_JP": "日本語", "EUC_KR": "한국어"}.get(encoding, "José ñ")
    source.sql("create table item (id int primary key, v text)")
    as_utf8(source, f"insert into item values (0, '{word}')")
    env = {
        "BEMI_SOURCE_URL": source.url,
        "BEMI_DESTINATION_URL": database.server.create_database(f"{source.name}_h"),
    }
    start_worker(env=env).wait_ready()
    context = json.dumps({"user": word}, ensure_ascii=False)
    as_utf8(
        source,
        f"begin; select pg_logical_emit_message(true, '_bemi', '{context}'); "
        f"insert into item values (1, '{word}'); commit",
    )
    many = ";".join(
        f"select pg_logical_emit_message(true, '_bemi', '{context}'); savepoint s{i}; "
        f"insert into item select g, repeat('{word}', 200) from generate_series({100 * i}, {100 * i + 99}) g"
        for i in range(1, 4)
    )
    as_utf8(source, f"set logical_decoding_work_mem = '64kB'; begin; {many}; commit")
    sync(source.url, env["BEMI_DESTINATION_URL"])
    changes = history(env["BEMI_DESTINATION_URL"])
    assert changes[0]["after"] == {"id": 0, "v": word}
    assert changes[1]["after"] == {"id": 1, "v": word}
    assert {json.dumps(change["context"], ensure_ascii=False) for change in changes[1:]} == {context}
    assert len(changes) == 302


@oldest_and_newest
def test_bytes_of_no_known_encoding_are_stored_and_marked(
    database: Database, start_worker: StartWorker
) -> None:
    """SQL_ASCII: nobody knows what the bytes mean."""
    source = encoded_database(database, "SQL_ASCII")
    source.sql(
        "create table item (id int primary key, v text); create table named (name text primary key, v int)"
    )
    source.sql(r"insert into item values (1, E'caf\xe9'), (2, 'plain')")
    env = {
        "BEMI_SOURCE_URL": source.url,
        "BEMI_DESTINATION_URL": database.server.create_database(f"{source.name}_h"),
    }
    worker = start_worker(env=env).wait_ready()
    source.sql(r"insert into item values (3, E'\xff\xfe'), (4, E'na\xc3\xafve')")
    source.sql(r"update item set v = E'th\xe9' where id = 1; delete from item where id = 3")
    source.sql(r"insert into named values (E'k\xe9y', 1); update named set v = 2")
    sync(source.url, env["BEMI_DESTINATION_URL"])
    seen = [
        (
            c["table"],
            c["operation"],
            c["primary_key"],
            c["before"],
            c["after"],
            c["fidelity"],
        )
        for c in history(env["BEMI_DESTINATION_URL"])
    ]
    unknown = {"v": "unknown"}
    assert seen[:2] == [
        ("item", "SNAPSHOT", "1", {}, {"id": 1, "v": r"caf\xE9"}, {"after": unknown}),
        ("item", "SNAPSHOT", "2", {}, {"id": 2, "v": "plain"}, None),
    ]
    assert seen[2:6] == [
        ("item", "CREATE", "3", {}, {"id": 3, "v": r"\xFF\xFE"}, {"after": unknown}),
        ("item", "CREATE", "4", {}, {"id": 4, "v": "naïve"}, None),
        (
            "item",
            "UPDATE",
            "1",
            {"id": 1, "v": r"caf\xE9"},
            {"id": 1, "v": r"th\xE9"},
            {"before": unknown, "after": unknown},
        ),
        ("item", "DELETE", "3", {"id": 3, "v": r"\xFF\xFE"}, {}, {"before": unknown}),
    ]
    assert [(table, key) for table, _, key, *_ in seen[6:]] == [("named", r"k\xE9y")] * 2
    check = bemi("check", env=env)
    assert "SQL_ASCII" in check.stdout
    assert worker.is_running


def test_a_gap_that_was_given_up_is_on_record(database: Database, start_worker: StartWorker) -> None:
    """Also when nobody had noticed one before."""
    database.sql("create table item (id int primary key, v text)")
    env = {"BEMI_SOURCE_URL": database.url}
    start_worker().wait_ready()
    database.sql("insert into item values (1, 'seen')")
    sync(database.url)
    refused = bemi("init", "--accept-gap", env=env, check=False)
    assert refused.returncode == 1 and "stop that bemi run" in refused.stderr


def test_accepting_records_a_gap(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, v text)")
    env = {"BEMI_SOURCE_URL": database.url}
    worker = start_worker().wait_ready()
    database.sql("insert into item values (1, 'seen')")
    sync(database.url)
    worker.terminate()
    database.sql("update item set v = 'unseen'")
    assert "accepted 1 gap" in bemi("init", "--accept-gap", env=env).stdout
    database.sql("update item set v = 'after'")
    start_worker().wait_ready()
    sync(database.url)
    assert database.sql(
        "select count(*), bool_and(from_position is not null and accepted_at is not null) from _bemi.gap"
    ) == [(1, True)]
    status = json.loads(bemi("status", "--format", "json", env=env).stdout)
    assert (status["gaps"], status["open_gaps"]) == (1, 0)
    assert "a gap: not all changes of" in bemi("history", "item", "1", env=env).stderr


def test_a_destination_elsewhere_gets_no_role_of_the_source(
    database: Database, start_worker: StartWorker
) -> None:
    """Its role is its own URL's, and the source's may not even be there."""
    database.sql("create table item (id int primary key)")
    role = f"tracker_{database.name}"
    database.sql(f"create role {role} login replication")
    with Server.start(database.server.major) as elsewhere:
        env = {
            "BEMI_SOURCE_URL": database.server.url(database.name, user=role),
            "BEMI_DESTINATION_URL": elsewhere.create_database("h"),
            "BEMI_ADMIN_URL": database.url,
        }
        bemi("init", env=env)
        bemi("init", env=env)
        start_worker(env=env).wait_ready().terminate()
        bemi("teardown", "--yes", env=env)
    database.sql(f"drop owned by {role}; drop role {role}")


@oldest_and_newest
@pytest.mark.parametrize("encoding", ["LATIN1", "ISO_8859_5", "WIN1251", "EUC_JP", "SQL_ASCII"])
def test_a_history_beside_its_source_in_any_encoding(
    database: Database, start_worker: StartWorker, encoding: str
) -> None:
    """All that Bemi makes and asks there is text that each encoding has."""
    source = encoded_database(database, encoding)
    word = {"EUC_JP": "日本語", "LATIN1": "José"}.get(encoding, "Привет")
    as_utf8(source, f"create table item (id int primary key, v text); insert into item values (1, '{word}')")
    env = {"BEMI_SOURCE_URL": source.url}
    start_worker(env=env).wait_ready()
    as_utf8(source, "update item set v = v || v; insert into item values (2, 'x'), (3, 'y')")
    as_utf8(source, "alter table item add more text default 'm'; delete from item where id = 2")
    sync(source.url, source.url)
    said = {}
    for words in (
        ["check"],
        ["status"],
        ["changes"],
        ["history", "item", "1"],
        ["as-of", "now", "item", "--wait", "30s"],
        ["diff", "item", "-1h", "now", "--wait", "30s"],
        ["transactions"],
        ["trends"],
        ["mark", "create", "here"],
        ["revert", "--table", "item", "--operation", "DELETE", "--apply"],
        ["mark", "list"],
        ["maintain"],
    ):
        done = bemi(*words, env=env, check=False)
        said[" ".join(words)] = (done.returncode, done.stdout + done.stderr)
    assert {words: text for words, (code, text) in said.items() if code not in (0, 1)} == {}
    assert word + word in said["history item 1"][1] and word in said["as-of now item --wait 30s"][1]
    assert source.sql("select count(*) from item") == [(3,)]
    with psycopg.connect(source.url, autocommit=True, client_encoding="utf8") as connection:
        connection.execute("select set_config('bemi.as_of', clock_timestamp()::text, false)")
        sync(source.url, source.url)
        rows = connection.execute("select id, v, more from time_travel.item order by id").fetchall()
    assert rows[0] == (1, word + word, "m") and len(rows) >= 2
