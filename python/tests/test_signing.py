"""Signed contexts: what the key's holder has said is told from what anybody else could have said."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import create_engine

import bemi
from bemi import _message, _signing
from bemi._signing import Signer, Signing, parse_key

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
