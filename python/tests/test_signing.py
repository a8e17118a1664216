"""Signed contexts: what the key's holder has said is told from what anybody else could have said."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import CONTEXT_KEY, Door, Tracked
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import Connection, create_engine, text

import bemi
from bemi import _message, _signing
from bemi._signing import Signer, Signing, parse_key

INSERT = text("INSERT INTO item VALUES (:id, 'a')")

EXAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "contracts/examples/context/signing.json").read_text("utf-8")
)
KEY = "web-1:" + EXAMPLES["keys"]["web-1"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    _signing.key_of_environment.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    _signing.key_of_environment.cache_clear()


def signing(key: str = KEY, database: str = "shop") -> Signing:
    return Signing(Signer(*parse_key(key), database))


@pytest.mark.parametrize("example", EXAMPLES["signing"], ids=lambda example: example["title"])
def test_signs_as_the_golden_examples_say(example: dict[str, str]) -> None:
    signer = Signer(example["key"], base64.b64decode(EXAMPLES["keys"][example["key"]]), "shop")
    assert signer.signed(example["head"]) == example["message"]


def test_a_message_is_bound_to_its_database_session_number_and_time() -> None:
    connection = signing(database='a "strange" 100% näme')
    first, second = (
        json.loads(_message.joined('"user_id": 42', "", "previous", connection))["_bemi"] for _ in range(2)
    )
    assert first["aud"] == 'a "strange" 100% näme'
    assert (first["kid"], first["scope"], first["v"]) == ("web-1", "previous", 1)
    assert (first["n"], second["n"]) == (1, 2)
    assert first["s"] == second["s"] and first["t"] <= second["t"]
    other = json.loads(_message.joined("", "", "previous", signing()))["_bemi"]
    assert other["s"] != first["s"] and other["n"] == 1


@settings(deadline=None)  # of the clock, not of the code
@given(
    some.dictionaries(some.text(some.characters()), some.none() | some.integers() | some.text()),
    some.sampled_from(["", '"SQL": "update todo set a = \'100%\'"']),
)
def test_a_signed_message_says_the_same(context: dict[str, Any], sql: str) -> None:
    members = _message.members(context, bool(sql))
    plain = _message.joined(members, sql, "previous")
    signed = _message.joined(members, sql, "previous", signing())
    assert (
        signed.isascii() and "%" not in signed
    )  # drivers interpret a percent sign, which would break the mac
    said, said_signed = json.loads(plain), json.loads(signed)
    assert said.pop("_bemi").items() < said_signed.pop("_bemi").items()
    assert said == said_signed


def test_a_signed_message_stays_below_the_limit() -> None:
    context = '"a": "' + "x" * (_message.BYTES_MAX - 100) + '"'
    before = bemi.failures.total()
    text = _message.joined(context, "", "previous", signing(database="d" * 63))
    assert len(text) < 1000 and bemi.failures.total() == before + 1
    fits = '"a": "' + "x" * (_message.BYTES_MAX - _message.END_BYTES_MAX - 10) + '"'
    assert fits in (text := _message.joined(fits, "", "previous", signing(database="☃" * 63)))
    assert len(text) <= _message.BYTES_MAX


def test_a_failure_to_sign_sends_the_message_unsigned() -> None:
    connection = signing()
    connection._number = "no number"  # type: ignore[assignment]
    before = bemi.failures.total()
    message = _message.joined('"user_id": 42', "", "previous", connection)
    assert json.loads(message) == {"user_id": 42, "_bemi": {"v": 1, "scope": "previous"}}
    assert bemi.failures.total() == before + 1


def test_the_first_of_several_keys_signs() -> None:
    both = f"{KEY}:2026-01-01/2027-01-01,web-2:{EXAMPLES['keys']['web-2']}"
    assert parse_key(both) == parse_key(KEY) == ("web-1", base64.b64decode(EXAMPLES["keys"]["web-1"]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "web-1",
        ":" + "A" * 44,
        "a b:" + "A" * 44,
        "web-1:***not it***",
        "web-1:c2hvcnQ=",
        "x" * 65 + ":AA==",
    ],
)
def test_what_is_no_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_key(text)
    secret = text.partition(":")[2]
    assert not secret or secret not in str(refused.value)
    if text:
        engine = create_engine("postgresql+psycopg://")
        with pytest.raises(ValueError):
            bemi.install(engine, context_key=text)


def test_a_bad_key_in_the_environment_ends_nothing(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BEMI_CONTEXT_KEY", "web-1:c2hvcnQ=")
    before = bemi.failures.total()
    bemi.install(create_engine("postgresql+psycopg://"))
    bemi.install(create_engine("postgresql+psycopg://"))
    assert bemi.failures.total() == before + 1


def test_every_driver_and_way_is_verified(door: Door, tracked: Tracked) -> None:
    """The message with the next statement, with COMMIT, prepared or not, in savepoints and of a batch."""

    def write(connection: Connection) -> None:
        for id in range(12):
            with connection.begin():
                connection.execute(INSERT, {"id": id})
        with connection.begin():
            connection.execute(text("UPDATE item SET name = '100%' WHERE id = 1 AND name LIKE 'a%'"))
            with connection.begin_nested() as nested:
                connection.execute(INSERT, {"id": 50})
                nested.rollback()
            connection.execute(INSERT, [{"id": id} for id in range(100, 120)])
            connection.execute(INSERT, {"id": 51})

    def write_alone(connection: Connection) -> None:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(INSERT, {"id": 60})
        connection.execute(text("UPDATE item SET name = 'b' WHERE id = 60"))

    bemi.set_context({"user_id": 42, "note": "50% \u2603 'quoted' \\"})
    door.run(write, write_alone, options={"context_key": CONTEXT_KEY})
    assert {c["note"] for _, _, c in tracked.changes()} == {"50% \u2603 'quoted' \\"}
    assert tracked.verdicts() == [True] * (12 + 1 + 20 + 1 + 2)


def test_what_a_deferred_trigger_writes_is_verified(door: Door, tracked: Tracked) -> None:
    tracked.sql("""
        create or replace function at_the_end() returns trigger language plpgsql as
          $$ begin insert into item values (new.id + 1000, 'late'); return null; end $$;
        drop trigger if exists at_the_end on item;
        create constraint trigger at_the_end after insert on item deferrable initially deferred
          for each row when (new.id < 1000) execute function at_the_end()""")
    try:

        def write(connection: Connection) -> None:
            with connection.begin():
                connection.execute(INSERT, {"id": 1})

        bemi.set_context({"user_id": 42})
        door.run(write, options={"context_key": CONTEXT_KEY})
        assert [(key, c["user_id"]) for _, key, c in tracked.changes()] == [("1", 42), ("1001", 42)]
        assert tracked.verdicts() == [True, True]
    finally:
        tracked.sql("drop trigger at_the_end on item")


def test_a_key_of_another_application_is_not_believed(newest: Tracked) -> None:
    other = "tests:" + base64.b64encode(b"x" * 32).decode()

    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(INSERT, {"id": 1})

    bemi.set_context({"user_id": 42})
    Door("psycopg", newest.url).run(write, options={"context_key": other})
    assert newest.verdicts() == [False]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_what_is_prepared_may_be_committed_after_later_transactions(newest: Tracked, driver: str) -> None:
    if newest.sql("show max_prepared_transactions") == [("0",)]:
        newest.database.server.sql("alter system set max_prepared_transactions = 5")
        newest.database.server.restart()

    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(INSERT, {"id": 1})
            connection.exec_driver_sql("PREPARE TRANSACTION 'signed'")
        with connection.begin():
            connection.execute(INSERT, {"id": 2})

    bemi.set_context({"user_id": 42})
    Door(driver, newest.url).run(write, options={"context_key": CONTEXT_KEY})
    newest.sql("commit prepared 'signed'")
    assert [key for _, key, _ in newest.changes()] == ["2", "1"]
    assert newest.verdicts() == [True, True]
