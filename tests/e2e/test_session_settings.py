"""Settings that a database's owner gives every session change no value, no order and no promise."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from e2e.oracle import sync
from e2e.test_revert_values import ROWS, TYPES
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

# By name: what is hostile, and what the application's own sessions of this test have.
SETTINGS = {
    "statement_timeout": ("1ms", "0"),
    "idle_in_transaction_session_timeout": ("1ms", "0"),
    "lock_timeout": ("1ms", "0"),
    "idle_session_timeout": ("500ms", "0"),
    "default_transaction_isolation": ("serializable", "read committed"),
    "default_transaction_deferrable": ("on", "off"),
    "synchronous_commit": ("off", "on"),
    "row_security": ("off", "on"),
    "search_path": ("nowhere", "public"),
    "datestyle": ("SQL, DMY", "ISO"),
    "intervalstyle": ("sql_standard", "postgres"),
    "bytea_output": ("escape", "hex"),
    "xmloption": ("document", "content"),
    "extra_float_digits": ("-15", "1"),
    "lc_monetary": ("C.UTF-8", "C"),
    "standard_conforming_strings": ("off", "on"),
    "escape_string_warning": ("on", "off"),
    "backslash_quote": ("off", "safe_encoding"),
    "array_nulls": ("off", "on"),
    "transform_null_equals": ("on", "off"),
    "timezone": ("Asia/Kolkata", "UTC"),
    "client_encoding": ("LATIN1", "UTF8"),
    "quote_all_identifiers": ("on", "off"),
    "check_function_bodies": ("off", "on"),
    "default_toast_compression": ("pglz", "pglz"),
    "enable_seqscan": ("off", "on"),
    "enable_indexscan": ("off", "on"),
    "enable_partition_pruning": ("off", "on"),
    "plan_cache_mode": ("force_generic_plan", "auto"),
    "exit_on_error": ("on", "off"),
}
NEWER = {"transaction_timeout": ("500ms", "0")}  # of 17

# What the application does, each transaction with its user.
MORE = (
    (42, "update val set v_texts = null, v_xml = null, v_float = 2, v_money = '1', v_interval = '1 day'"),
    (7, "insert into val (id, v_texts, v_xml) values (4, '{NULL,\"NULL\"}', 'a <b/> c')"),
    (42, "delete from val where id = 4"),
    (42, "update val set v_bytes = '\\x00', v_time = '2026-01-02 03:04:05Z' where id < 3"),
)


def settings_of(database: Database) -> dict[str, tuple[str, str]]:
    return SETTINGS | (NEWER if database.server.major >= 17 else {})


def make_hostile(database: Database) -> None:
    for name, (hostile, _) in settings_of(database).items():
        statement = sql.SQL("alter database {} set {} to {}").format(
            sql.Identifier(database.name),
            sql.Identifier(name),
            # Lists of names are no texts.
            sql.SQL(hostile) if name in ("datestyle", "search_path") else sql.Literal(hostile),
        )
        database.server.sql(statement.as_string(None), dbname="postgres")


class Application:
    """Its sessions have settings of their own."""

    def __init__(self, database: Database) -> None:
        own = {name: calm for name, (_, calm) in settings_of(database).items()}
        self.options = " ".join(
            f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in own.items()
        )
        self.url = database.url

    def sql(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, options=self.options) as connection:
            cursor = connection.execute(statement.encode(), params or None)
            return cursor.fetchall() if cursor.description else []

    def rows(self, query: str = "val") -> list[str]:
        return sorted(text for (text,) in self.sql(f"select to_jsonb(v)::text || v::text from {query} v"))


def stored(url: str, options: str) -> list[Any]:
    """What must be the same whoever the database's owner is."""
    columns = (
        'operation, "table", primary_key, before::text, after::text, exact::text, fidelity::text,'
        "context ->> 'user_id'"
    )
    with psycopg.connect(url, options=options) as connection:
        return connection.execute(
            f"select {columns} from changes where operation <> 'SCHEMA' order by epoch, commit_position, sequence"
        ).fetchall()


def story(source: Database, destination: Database, start_worker: StartWorker) -> tuple[Any, ...]:
    application, reader = Application(source), Application(destination)
    env = {"BEMI_SOURCE_URL": source.url, "BEMI_DESTINATION_URL": destination.url}
    application.sql(TYPES)
    application.sql(f"insert into val values {ROWS[0]}, {ROWS[1]}; insert into val (id) values {ROWS[2]}")
    worker = start_worker(env=env).wait_ready()
    reader.sql(
        "create table durable (said text);"
        "create function say() returns trigger language plpgsql set search_path = public as $$ begin"
        "  insert into durable values (current_setting('synchronous_commit')); return null; end $$;"
        "create trigger say after insert on changes for each row execute function say()"
    )
    before = application.rows()
    [(moment,)] = application.sql("select clock_timestamp()::text")
    for user, statement in MORE:
        application.sql(
            f"select pg_logical_emit_message(true, '_bemi', '{{\"user_id\": {user}}}'); {statement}"
        )
    sync(source.url, destination.url)
    past = bemi("as-of", moment, "val", "--format", "json", env=env).stdout
    walked = bemi("as-of", moment, "val", "--format", "csv", env=env).stdout
    flags = ("--context", "user_id=42", "--format", "json")
    planned = bemi("revert", *flags, env=env, check=False)
    plan = planned.stdout
    assert plan, planned.stderr
    digest = plan.split('"digest"')[1].split('"')[1]
    bemi("revert", *flags, "--apply", digest, env=env)
    sync(source.url, destination.url)
    after = [row for row in application.rows() if '"id": 4' not in row]
    assert after == before, "what was undone is what was"
    assert "4" in str(application.sql("select id from val where id = 4")), "user 7's row came back"
    worker.kill9()
    assert {said for (said,) in reader.sql("select distinct said from durable")} == {"on"}
    return before, past, walked, stored(destination.url, reader.options)


@oldest_and_newest
def test_they_change_nothing(database: Database, start_worker: StartWorker) -> None:
    names = [f"{database.name}_{role}" for role in ("calm", "calm_history", "hostile", "hostile_history")]
    server = database.server
    made = [Database(server, name, server.create_database(name)) for name in names]
    try:
        for one in made[2:]:
            make_hostile(one)
        calm = story(made[0], made[1], start_worker)
        hostile = story(made[2], made[3], start_worker)
        assert hostile == calm
    finally:
        for one in made:
            server.drop_database(one.name)
