"""Any role that may log in can write a context, and can say again what an application said. Only what has the
application's key is shown as verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from e2e.oracle import sync
from e2e.test_setup_first_start import encoded_database

from attack.conftest import NewRole
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.signing import EMIT, Signer, write

TABLE = "create table todo (id int primary key, task text)"
INSERT = "insert into todo values (%s, 'a')"


def verdicts(database: Database) -> dict[str, bool | None]:
    sync(database.url)
    rows = database.sql(
        "select primary_key, context_verified from changes where operation <> 'SCHEMA'"
        " order by commit_position, sequence"
    )
    return dict(rows)


def contexts(database: Database) -> dict[str, Any]:
    return dict(database.sql("select primary_key, context from changes where operation <> 'SCHEMA'"))


def findings(database: Database) -> dict[str, int]:
    return dict(database.sql("select reason, sum(messages)::int from _bemi.context_finding group by 1"))


@pytest.fixture
def app(database: Database) -> Signer:
    database.sql(TABLE)
    return Signer(database.name)


@oldest_and_newest
def test_who_has_no_key_is_not_believed(
    database: Database, start_worker: StartWorker, new_role: NewRole, app: Signer
) -> None:
    start_worker(env={"BEMI_CONTEXT_KEY": app.setting}).wait_ready()
    dba = new_role("dba")
    database.sql(f'grant insert on todo to "{dba.name}"')
    forger = Signer(database.name, session=app.session, number=100)  # all but the secret
    stranger = Signer(database.name, key="other")
    elsewhere = Signer("blog", secret=app.secret)
    right = app.message({"user_id": 42})
    mac = right[-47:-3]
    head = right[:-55]
    attempts: dict[str, tuple[str, str | None]] = {
        "unsigned": ('{"user_id":42}', None),
        "with a scope": ('{"user_id":42,"_bemi":{"v":1,"scope":"next"}}', None),
        "another secret": (forger.message({"user_id": 42}), "wrong mac"),
        "another key": (stranger.message({"user_id": 42}), "unknown key"),
        "another database": (elsewhere.message({"user_id": 42}), "other database"),
        "another value": (right.replace("42", "43"), "wrong mac"),
        "no mac": (head + "}}", "malformed"),
        "half a mac": (f'{head},"mac":"{mac[:20]}"}}}}', "malformed"),
        "a huge mac": (f'{head},"mac":"{mac * 10_000}"}}}}', "malformed"),
        "two reserved keys": (right[:-1] + ',"_bemi":{"v":1,"scope":"next"}}', None),
        "a deep envelope": (head + ',"x":' + "[" * 400 + "]" * 400 + f',"mac":"{mac}"}}}}', "malformed"),
    }
    with dba.connect() as connection:
        for number, (message, _) in enumerate(attempts.values()):
            write(connection, message, INSERT, number)
    assert verdicts(database) == {
        str(number): None if reason is None else False for number, (_, reason) in enumerate(attempts.values())
    }
    # What was said is stored all the same: it is what was said, by somebody.
    assert {context.get("user_id") for context in contexts(database).values()} == {42, 43}
    counted = findings(database)
    assert counted == {reason: [r for _, r in attempts.values()].count(reason) for reason in counted}
    assert set(counted) == {reason for _, reason in attempts.values() if reason}
    # The true one is none the worse for it.
    with database.server.connect(dbname=database.name) as connection:
        write(connection, right, INSERT, 1000)
    assert verdicts(database)["1000"] is True


@oldest_and_newest
def test_what_was_said_cannot_be_said_again(
    database: Database, start_worker: StartWorker, new_role: NewRole, app: Signer
) -> None:
    env = {"BEMI_CONTEXT_KEY": app.setting}
    worker = start_worker(env=env).wait_ready()
    dba = new_role("dba")
    database.sql(f'grant insert on todo to "{dba.name}"')
    seen = app.message({"user_id": 42})
    with database.server.connect(dbname=database.name) as connection, dba.connect() as theirs:
        write(connection, seen, INSERT, 1)
        write(theirs, seen, INSERT, 2)
        assert verdicts(database) == {"1": True, "2": False}
        # Not after a restart either, of which the worker remembers nothing by itself.
        worker.terminate()
        write(theirs, seen, INSERT, 3)
        start_worker(env=env).wait_ready()
        write(theirs, seen, INSERT, 4)
        write(connection, app.message({"user_id": 42}), INSERT, 5)
    assert verdicts(database) == {"1": True, "2": False, "3": False, "4": False, "5": True}
    [(messages, other)] = database.sql(
        "select messages, other_transaction_id from _bemi.context_finding where reason = 'replayed'"
    )
    assert messages == 3 and other is None  # after a restart, who used it is not known any more


@oldest_and_newest
def test_a_number_is_used_up_where_nothing_is_stored(
    database: Database, start_worker: StartWorker, app: Signer
) -> None:
    env = {"BEMI_CONTEXT_KEY": app.setting}
    worker = start_worker(env=env).wait_ready()
    seen = app.message({"user_id": 42})
    with database.server.connect(dbname=database.name) as connection:
        write(connection, seen, "create temp table untracked (id int)")
        sync(database.url)
        worker.kill9()
        start_worker(env=env).wait_ready()
        write(connection, seen, INSERT, 1)
    assert verdicts(database) == {"1": False}


@oldest_and_newest
def test_who_says_it_first_is_named_by_who_says_it_next(
    database: Database, start_worker: StartWorker, new_role: NewRole, app: Signer
) -> None:
    start_worker(env={"BEMI_CONTEXT_KEY": app.setting}).wait_ready()
    dba = new_role("dba")
    database.sql(f'grant insert on todo to "{dba.name}"')
    seen = app.message({"user_id": 42})
    with database.server.connect(dbname=database.name) as connection:
        connection.execute("begin")
        connection.execute(EMIT, [seen])
        connection.execute("insert into todo values (1, 'a')")
        with dba.connect() as theirs:
            write(theirs, seen, INSERT, 2)
        sync(database.url)
        connection.execute("commit")
    assert verdicts(database) == {"2": True, "1": False}
    [(first, second)] = database.sql(
        "select f.other_transaction_id = forged.transaction_id, f.transaction_id = own.transaction_id"
        " from _bemi.context_finding f, changes forged, changes own"
        " where forged.primary_key = '2' and own.primary_key = '1'"
    )
    assert first and second


@oldest_and_newest
def test_keys_are_replaced_without_a_gap(database: Database, start_worker: StartWorker, app: Signer) -> None:
    fresh = Signer(database.name, key="web-2")
    old = Signer(database.name, key="old")
    keys = f"{app.setting},{fresh.setting},{old.setting}:2020-01-01/2021-01-01"
    start_worker(env={"BEMI_CONTEXT_KEY": keys}).wait_ready()
    with database.server.connect(dbname=database.name) as connection:
        for number, signer in enumerate((app, fresh, app, old)):
            write(connection, signer.message({"user_id": 42}), INSERT, number)
    assert verdicts(database) == {"0": True, "1": True, "2": True, "3": False}
    assert findings(database) == {"expired key": 1}


@oldest_and_newest
def test_without_a_key_a_worker_judges_nothing(
    database: Database, start_worker: StartWorker, app: Signer
) -> None:
    start_worker().wait_ready()
    with database.server.connect(dbname=database.name) as connection:
        write(connection, app.message({"user_id": 42}), INSERT, 1)
    assert verdicts(database) == {"1": None}
    assert contexts(database) == {"1": {"user_id": 42}}
    assert database.sql("select * from _bemi.context_session") == []


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@oldest_and_newest
def test_savepoints_keep_their_own_verdicts(
    database: Database, start_worker: StartWorker, app: Signer, streamed: bool
) -> None:
    start_worker(env={"BEMI_CONTEXT_KEY": app.setting}).wait_ready()
    forger = Signer(database.name, session=app.session, number=100)
    if streamed:
        database.sql("alter system set logical_decoding_work_mem = '64kB'")
        database.sql("select pg_reload_conf()")
    try:
        with database.server.connect(dbname=database.name) as connection, connection.transaction():

            def say(signer: Signer, number: int) -> None:
                connection.execute(EMIT, [signer.message({"number": number})])
                connection.execute(
                    "insert into todo select %s + i, repeat('x', 500) from generate_series(0, 299) i",
                    [number * 1000],
                )

            say(app, 1)
            with connection.transaction(force_rollback=True):
                say(app, 2)
            with connection.transaction():
                say(forger, 3)
            with connection.transaction(force_rollback=True):
                say(forger, 4)
            say(app, 5)
        sync(database.url)
    finally:
        database.sql("alter system reset logical_decoding_work_mem")
        database.sql("select pg_reload_conf()")
    told = database.sql(
        "select primary_key::int / 1000, context ->> 'number', context_verified, count(*) from changes"
        " where operation = 'CREATE' group by 1, 2, 3 order by 1"
    )
    assert told == [(1, "1", True, 300), (3, "3", False, 300), (5, "5", True, 300)]


@oldest_and_newest
@pytest.mark.parametrize("encoding", ["WIN1252", "EUC_JP", "SQL_ASCII"])
def test_a_signature_is_of_the_text_and_not_of_how_it_is_stored(
    database: Database, start_worker: StartWorker, encoding: str
) -> None:
    source = encoded_database(database, encoding)
    source.sql(TABLE)
    app = Signer(source.name)
    word = "日本語" if encoding == "EUC_JP" else "José ñ"
    env = {
        "BEMI_SOURCE_URL": source.url,
        "BEMI_DESTINATION_URL": database.url,
        "BEMI_CONTEXT_KEY": app.setting,
    }
    worker = start_worker(env=env).wait_ready()
    # In SQL_ASCII, the server takes and keeps the client's bytes.
    spoken = "sql_ascii" if encoding == "SQL_ASCII" else "utf8"
    with psycopg.connect(source.url, autocommit=True, client_encoding=spoken) as connection:
        for number in (1, 2):
            message = app.message({"user": word}).encode()
            if number == 2:
                message = message.replace(b'{"user"', b'{"User"')
            connection.execute("begin")
            sql = b"select pg_logical_emit_message(true, '_bemi', '" + message + b"')"
            result = connection.pgconn.exec_(sql)
            assert not result.error_message
            connection.execute(INSERT.encode(), [number])
            connection.execute("commit")
    sync(source.url, database.url)
    told = database.sql(
        "select primary_key, context, context_verified from changes where operation = 'CREATE'"
    )
    assert sorted(told) == [("1", {"user": word}, True), ("2", {"User": word}, False)]
    worker.terminate()
    source.server.drop_database(source.name)


@oldest_and_newest
def test_a_flood_of_bad_signatures_is_counted_and_stays_small(
    database: Database, start_worker: StartWorker, new_role: NewRole, app: Signer
) -> None:
    worker = start_worker(env={"BEMI_CONTEXT_KEY": app.setting}).wait_ready()
    nobody = new_role("nobody")
    message = Signer(database.name, key="KEY").message({"user_id": 42})
    nobody.sql(
        "do $$ begin for i in 1 .. 500 loop"
        f" perform pg_logical_emit_message(true, '_bemi', replace('{message}', 'KEY', 'key' || i)); commit;"
        " end loop; end $$"
    )
    sync(database.url)
    assert database.sql("select reason, key, messages from _bemi.context_finding") == [
        ("unknown key", "", 500)
    ]
    assert worker.is_running


@oldest_and_newest
def test_a_message_may_be_bound_to_its_transaction(
    database: Database, start_worker: StartWorker, app: Signer
) -> None:
    start_worker(env={"BEMI_CONTEXT_KEY": app.setting}).wait_ready()
    with database.server.connect(dbname=database.name) as connection:
        for number, shift in enumerate((0, 1)):
            with connection.transaction():
                asked = connection.execute("select pg_current_xact_id()::text::bigint").fetchone()
                assert asked
                message = app.message({"user_id": 42}, x=str(asked[0] + shift))
                connection.execute(EMIT, [message])
                connection.execute(INSERT.encode(), [number])
    assert verdicts(database) == {"0": True, "1": False}
    assert findings(database) == {"other transaction": 1}


@pytest.mark.parametrize(
    "spoil", [lambda key: key[:-9], lambda _key: "web", lambda key: key + ":2021-01-01/2020-01-01"]
)
def test_a_key_that_is_none_is_refused_and_never_shown(
    start_worker: StartWorker, app: Signer, spoil: Callable[[str], str]
) -> None:
    worker = start_worker(env={"BEMI_CONTEXT_KEY": spoil(app.setting)})
    assert worker.wait() == 2
    told = "\n".join(worker.lines())
    assert "context key" in told and "openssl rand" in told and app.secret[:20] not in told


def test_the_golden_examples_are_what_another_implementation_signs() -> None:
    examples = json.loads(
        (Path(__file__).parents[2] / "contracts/examples/context/signing.json").read_text("utf-8")
    )
    for example in examples["signing"][:1]:
        own = json.loads(example["message"])
        reserved = own.pop("_bemi")
        signer = Signer(examples["database"], example["key"], examples["keys"][example["key"]])
        del reserved["mac"]
        assert signer.message(own, **reserved) == example["message"]
