"""Databases whose encoding has one byte for each character take bytes that are no character: no such byte, in a row
or in anybody's message, ends the stream."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from e2e.oracle import canonical, history, sync
from e2e.test_setup_first_start import as_utf8, encoded_database

from attack.conftest import NewRole
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

# Of WIN1252: 0x81 is no character.
NONE = "chr(129)"
TABLE = '"prix é"'


def raw(source: Database, statement: bytes) -> None:
    with psycopg.connect(source.url, autocommit=True) as connection:
        result = connection.pgconn.exec_(statement)
        assert result.status != psycopg.pq.ExecStatus.FATAL_ERROR, result.error_message


@oldest_and_newest
def test_a_byte_that_is_no_character_ends_nothing(
    database: Database, new_role: NewRole, start_worker: StartWorker
) -> None:
    source = encoded_database(database, "WIN1252")
    as_utf8(source, f'create table {TABLE} (id int primary key, "né" text)')
    env = {
        "BEMI_SOURCE_URL": source.url,
        "BEMI_DESTINATION_URL": database.server.create_database(f"{source.name}_h"),
    }
    as_utf8(
        source,
        f"create table stood (id int primary key, t text); insert into stood values (1, 'é'), (2, 'é' || {NONE})",
    )
    start_worker(env=env).wait_ready()
    stranger = database.server.url(source.name, user=new_role("stranger").name)
    with psycopg.connect(stranger, autocommit=True, client_encoding="win1252") as connection:
        for prefix in (NONE, f"'_bemi' || {NONE}", f"'_bemi_' || {NONE}", "'_bemi'", "'_bemi_schema'"):
            for transactional in ("true", "false"):
                connection.execute(
                    f"select pg_logical_emit_message({transactional}, {prefix}, {NONE})".encode()
                )
    context = json.dumps({"user": "José €"}, ensure_ascii=False)
    as_utf8(
        source,
        f"begin; insert into {TABLE} values (1, 'é€'), (2, 'a' || {NONE} || 'é'), (3, E'\\u00c3' || {NONE});"
        f"select pg_logical_emit_message(true, '_bemi', '{context}'); commit",
    )
    as_utf8(
        source,
        "set logical_decoding_work_mem = '64kB';"
        f"insert into {TABLE} select i, repeat('é', 300) || i from generate_series(100, 1100) i",
    )
    as_utf8(source, f"update {TABLE} set \"né\" = 'ü' where id = 1; delete from {TABLE} where id = 100")
    as_utf8(
        source, f'alter table {TABLE} rename column "né" to "größe"; insert into {TABLE} values (4, \'ß\')'
    )
    sync(source.url, env["BEMI_DESTINATION_URL"])
    changes = history(env["BEMI_DESTINATION_URL"], "operation <> 'SCHEMA'")
    assert {change["table"] for change in changes} == {"prix é", "stood"}
    stood = {change["primary_key"]: change for change in changes if change["table"] == "stood"}
    assert stood["1"]["after"] == {"id": 1, "t": "é"}
    assert stood["2"]["fidelity"] == {"after": {"t": "unknown"}}
    changes = [change for change in changes if change["table"] != "stood"]
    by_key = {change["primary_key"]: change for change in changes if change["operation"] == "CREATE"}
    assert by_key["1"]["after"] == {"id": 1, "né": "é€"}
    assert by_key["1"]["context"] == {"user": "José €"}
    for key in ("2", "3"):
        assert by_key[key]["fidelity"] == {"after": {"né": "unknown"}}, by_key[key]
    assert by_key["4"]["after"] == {"id": 4, "größe": "ß"}
    assert by_key["1100"]["after"]["né"] == "é" * 300 + "1100"
    [update] = [change for change in changes if change["operation"] == "UPDATE"]
    assert (update["before"]["né"], update["after"]["né"]) == ("é€", "ü")
    # Then the table's rows of now, as the server tells them, are those of the history.
    as_utf8(source, f"delete from {TABLE} where id in (2, 3)")
    sync(source.url, env["BEMI_DESTINATION_URL"])
    with psycopg.connect(env["BEMI_DESTINATION_URL"]) as connection:
        known = connection.execute(
            'select "row" from bemi.rows_as_of(\'"prix é"\', clock_timestamp(), allow_stale => true)'
        ).fetchall()
    with psycopg.connect(source.url, client_encoding="utf8") as connection:
        live = connection.execute(f"select to_jsonb(t) from {TABLE} t".encode()).fetchall()
    assert sorted(canonical(row) for (row,) in known) == sorted(canonical(row) for (row,) in live)


@oldest_and_newest
@pytest.mark.parametrize("encoding", ["WIN1252", "SQL_ASCII"])
def test_a_name_that_is_no_text_ends_nothing(
    database: Database, start_worker: StartWorker, encoding: str
) -> None:
    """Who may make a table may name it and its parts with any byte."""
    source = encoded_database(database, encoding)
    env = {
        "BEMI_SOURCE_URL": source.url,
        "BEMI_DESTINATION_URL": database.server.create_database(f"{source.name}_h"),
    }
    as_utf8(source, "create table plain (id int primary key, v text)")
    raw(source, b'create table "before\x81" (id int primary key, "c\x81" text default \'x\')')
    start_worker(env=env).wait_ready()
    for statement in (
        b'create table "later\x81" (id int primary key, "c\x81" text)',
        b"insert into \"later\x81\" values (1, 'x')",
        b'insert into "before\x81" values (1)',
        b'create schema "s\x81" create table t (id int primary key)',
        b"create type \"e\x81\" as enum ('a\x81', 'b')",
        b'alter table plain add e "e\x81"',
        b"insert into plain values (1, 'v', 'a\x81')",
        b'alter table "later\x81" rename "c\x81" to "d\x8d"',
        b'alter table "later\x81" rename to "renamed\x81"',
        b'create unique index "i\x81" on plain (v)',
        b"comment on table plain is 'bemi:\x81'",
        b"create domain \"dom\x81\" as text check (value <> '\x81')",
        b"create table parts (id int primary key) partition by range (id)",
        b'create table "part\x81" partition of parts for values from (1) to (10)',
        b"insert into parts values (1)",
        b'drop table "before\x81"',
    ):
        raw(source, statement)
        sync(source.url, env["BEMI_DESTINATION_URL"])
    as_utf8(source, "insert into plain values (2, 'é', 'b')")
    sync(source.url, env["BEMI_DESTINATION_URL"])
    [change] = history(env["BEMI_DESTINATION_URL"], "\"table\" = 'plain' and primary_key = '2'")
    assert change["after"] == {"id": 2, "v": "é", "e": "b"}


def exact_rows(source: Database, table: bytes) -> list[bytes]:
    """Each row's text as the server stores it, in hexadecimal."""
    with psycopg.connect(source.url, autocommit=True) as connection:
        rows = connection.pgconn.exec_(
            b"select string_agg(encode(textsend(t::text), 'hex'), ',' order by id) from \"" + table + b'" t'
        )
        assert rows.status == psycopg.pq.ExecStatus.TUPLES_OK, rows.error_message
        return (rows.get_value(0, 0) or b"").split(b",")


@oldest_and_newest
@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "SQL_ASCII"])
def test_undoing_writes_what_was_there(database: Database, start_worker: StartWorker, encoding: str) -> None:
    source = encoded_database(database, encoding)
    env = {
        "BEMI_SOURCE_URL": source.url,
        "BEMI_DESTINATION_URL": database.server.create_database(f"{source.name}_h"),
    }
    # In SQL_ASCII a client's UTF-8 is stored as it comes: an icon's character, too.
    said = 'é ü"\\\t☃\uf781' if encoding == "SQL_ASCII" else 'é ü"\\\tß'
    word = said.encode("utf8" if encoding == "SQL_ASCII" else encoding.replace("WIN", "cp"))
    table = b"odd\x81"
    raw(
        source,
        b'create table "odd\x81" (id int primary key, "c\x81" text, "n\xe9" varchar(40) unique, j jsonb, u text);'
        b"insert into \"odd\x81\" values (1, '%b', 'a', '{\"k\": \"v\"}', 'x'), (2, 'b', '%b', null, '\xe9\x81')"
        % (word, word),
    )
    start_worker(env=env).wait_ready()
    bemi("mark", "create", "before", env=env)
    was = exact_rows(source, table)

    def damage() -> None:
        raw(
            source,
            b"begin; select pg_logical_emit_message(true, '_bemi', '{\"user_id\": 42}');"
            b'update "odd\x81" set "c\x81" = \'gone\', "n\xe9" = null, j = \'[1]\' where id = 1;'
            b'update "odd\x81" set "n\xe9" = \'gone\' where id = 2;'
            b"insert into \"odd\x81\" values (3, '%b', null, null, null); commit" % word,
        )

    damage()
    assert exact_rows(source, table) != was
    selected = ("revert", "--context", "user_id=42", "--format", "json")
    plan = json.loads(bemi(*selected, env=env).stdout)
    assert plan["applicable"], plan
    said_so = ("--actor", "José ☃", "--reason", "日本")
    plan = json.loads(bemi(*selected, *said_so, env=env).stdout)
    bemi(*selected, *said_so, "--apply", plan["digest"], env=env)
    assert exact_rows(source, table) == was
    sync(source.url, env["BEMI_DESTINATION_URL"])
    [change, *_] = history(env["BEMI_DESTINATION_URL"], "context ? 'revert_of'")
    assert (change["context"]["actor"], change["context"]["reason"]) == ("José ☃", "日本")
    damage()
    bemi("mark", "rollback", "before", env=env)
    assert exact_rows(source, table) == was


def context_message(context: dict[str, str], ensure_ascii: bool) -> str:
    text = json.dumps(context, ensure_ascii=ensure_ascii).replace("'", "''")
    return f"select pg_logical_emit_message(true, '_bemi', '{text}')"


# What the encoding has, in escapes or not, and what it lacks, as its escape.
BESIDE = {
    "SQL_ASCII": ("José ☃ 😀 中", ""),
    "LATIN1": ("José", "☃😀中"),
    "WIN1251": ("Жук", "é☃😀"),
    "EUC_JP": ("日本", "☃😀"),
}


def escape(text: str) -> str:
    return json.dumps(text)[1:-1]


@oldest_and_newest
@pytest.mark.parametrize("encoding", BESIDE)
def test_a_context_never_costs_its_change(
    database: Database, start_worker: StartWorker, encoding: str
) -> None:
    """A history beside its source lacks the characters that the source lacks; any client can send them as escapes."""
    known, unknown = BESIDE[encoding]
    source = encoded_database(database, encoding)
    env = {"BEMI_SOURCE_URL": source.url}
    as_utf8(source, "create table todo (id int primary key, task text)")
    start_worker(env=env).wait_ready()
    tail = '"\\\n\\u0041\x01'
    message = context_message(
        {"user": known + unknown + tail, f"key {unknown}": "x" * 30_000}, ensure_ascii=True
    )
    as_utf8(source, f"begin; {message}; insert into todo select i, 'a' from generate_series(1, 3) i; commit")
    message = context_message({"user": known}, ensure_ascii=False)
    as_utf8(source, f"begin; {message}; insert into todo values (4, 'b'); commit")
    as_utf8(
        source,
        "begin; select pg_logical_emit_message(true, '_bemi', '{}'); insert into todo values (5, 'c'); commit",
    )
    sync(source.url)
    with psycopg.connect(source.url, client_encoding="utf8") as connection:
        stored: dict[str, dict[str, Any]] = dict(
            connection.execute(
                "select primary_key, context from changes where operation = 'CREATE' order by 1"
            ).fetchall()
        )
        parked = connection.execute("select count(*) from _bemi.parked").fetchone()
    assert parked == (0,)
    mark = {"_bemi": {"escaped": True}} if unknown else {}
    first = {"user": known + escape(unknown) + tail, f"key {escape(unknown)}": "x" * 30_000} | mark
    assert stored["1"] == first
    for key in ("2", "3"):
        whole = stored[key].get("_bemi", {}).get("context_of")
        assert stored[key] == first or (whole and stored[key]["user"] == first["user"]), stored[key]
    assert (stored["4"], stored["5"]) == ({"user": known}, {})


@oldest_and_newest
def test_a_change_that_the_history_lacks_is_named(database: Database, start_worker: StartWorker) -> None:
    source = encoded_database(database, "LATIN1")
    env = {"BEMI_SOURCE_URL": source.url}
    as_utf8(source, "create table todo (id int primary key, task json)")
    start_worker(env=env).wait_ready()
    healthy = bemi("check", env=env)
    assert "LATIN1, which lacks characters" in healthy.stdout
    as_utf8(source, 'insert into todo values (1, \'{"a": "\\u00e9"}\'), (2, \'{"a": "\\u2603"}\')')
    sync(source.url)
    assert database.server.sql(
        "select primary_key from changes where operation = 'CREATE'", dbname=source.name
    ) == [("1",)]
    status = bemi("status", "--format", "json", env=env, check=False)
    assert status.returncode == 1 and json.loads(status.stdout)["parked"] == 1
    said = bemi("check", env=env, check=False)
    assert said.returncode == 1
    assert "1 changes or notes could not be stored" in said.stdout and "_bemi.parked" in said.stdout


@oldest_and_newest
@pytest.mark.parametrize(
    ("encoding", "actor", "stored"),
    [
        ("SQL_ASCII", "José ☃", "José ☃"),
        ("LATIN1", "José", "José"),
        ("LATIN1", "☃", "\\u2603"),
        ("EUC_JP", "日本", "日本"),
    ],
)
def test_an_undo_is_never_missing_from_a_history_beside_its_source(
    database: Database, start_worker: StartWorker, encoding: str, actor: str, stored: str
) -> None:
    source = encoded_database(database, encoding)
    env = {"BEMI_SOURCE_URL": source.url}
    as_utf8(source, "create table todo (id int primary key, task text)")
    start_worker(env=env).wait_ready()
    message = context_message({"user_id": "42"}, ensure_ascii=True)
    as_utf8(source, f"begin; {message}; insert into todo values (1, 'Walk'); commit")
    sync(source.url)
    flags = ("revert", "--context", "user_id=42", "--actor", actor, "--format", "json")
    planned = bemi(*flags, env=env)
    bemi(*flags, "--apply", json.loads(planned.stdout)["digest"], env=env)
    sync(source.url)
    with psycopg.connect(source.url, client_encoding="utf8") as connection:
        left = connection.execute("select count(*) from todo").fetchone()
        deleted = connection.execute(
            "select context ->> 'actor' from changes where operation = 'DELETE'"
        ).fetchall()
        parked = connection.execute("select count(*) from _bemi.parked").fetchone()
    assert (left, deleted, parked) == ((0,), [(stored,)], (0,))
