"""Whatever an application puts into its context: it arrives as it is, or the write goes on without."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import types
import uuid
from typing import Any

import pytest
from conftest import Door, Tracked
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Connection, text

import bemi
from bemi._message import BYTES_MAX, SQL_MAX, _dump, _flat, build


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int


class Lazy:
    def __str__(self) -> str:
        return "translated late"


FAITHFUL: dict[str, tuple[object, object]] = {
    "uuid": (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    "datetime": (
        datetime.datetime(2026, 11, 24, 1, 2, 3, 4, datetime.timezone.utc),
        "2026-11-24T01:02:03.000004+00:00",
    ),
    "date": (datetime.date(2026, 11, 24), "2026-11-24"),
    "decimal": (decimal.Decimal("1.50"), "1.50"),
    "enum": (Color.RED, "red"),
    "bytes": (b"\x00\xff", "\\x00ff"),
    "lazy": (Lazy(), "translated late"),
    "path": (pathlib.PurePosixPath("/a/b"), "/a/b"),
    "set": ({1}, [1]),
    "mapping": (types.MappingProxyType({"a": 1}), {"a": 1}),
    "keys": (
        {1: "a", uuid.UUID(int=1): "b"},
        {"1": "a", "00000000-0000-0000-0000-000000000001": "b"},
    ),
    "nan": ([float("nan"), float("inf")], ["nan", "inf"]),
    "nul": ("a\0b", "a\\u0000b"),
    "surrogate": ("a\ud800b", "a\\ud800b"),
    "pair": ("\ud83d\ude00", "😀"),
    "comment": ("*/; DROP TABLE item; --", "*/; DROP TABLE item; --"),
    "quotes": ("'\"\\$$", "'\"\\$$"),
    "percent": ("100%s %(x)s %%", "100%s %(x)s %%"),
    "colon": (":name", ":name"),
    "big": (10**400, 10**400),
    "none": (None, None),
}


def test_hostile_values_arrive_as_they_are(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(text("INSERT INTO item VALUES (1, :v)"), {"v": "x */; DELETE FROM item; --"})
            connection.execute(text("UPDATE item SET name = '100%' WHERE id = :id"), {"id": 1})

    bemi.set_context({name: value for name, (value, _) in FAITHFUL.items()})
    door.run(write)
    seen = tracked.changes()
    assert len(seen) == 2
    for _, _, context in seen:
        del context["SQL"]
        assert context == {name: arrived for name, (_, arrived) in FAITHFUL.items()}


@pytest.mark.parametrize("kind", ["big", "circle", "broken", "deep"])
def test_a_bad_context_never_touches_the_write(door: Door, tracked: Tracked, kind: str) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    circle: list[Any] = []
    circle.append(circle)
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    bad = {"big": "x" * (2 * BYTES_MAX), "circle": circle, "broken": Broken(), "deep": deep}[kind]

    def write(connection: Connection) -> None:
        with connection.begin():
            with bemi.context(bad=bad):
                connection.execute(text("INSERT INTO item VALUES (1, 'a')"))
            connection.execute(text("INSERT INTO item VALUES (2, 'a')"))

    before = bemi.failures.total()
    bemi.set_context(user_id=1)
    door.run(write)
    assert [(k, c.get("user_id")) for _, k, c in tracked.changes()] == [("1", None), ("2", 1)]
    assert bemi.failures.total() > before


def test_the_worker_parks_a_message_that_jsonb_cannot_hold(newest: Tracked) -> None:
    newest.sql("""insert into item values (1, 'a');
        select pg_logical_emit_message(true, '_bemi', '{"nul": "\\u0000"}')""")
    assert newest.changes() == [("CREATE", "1", {})]
    [(reason, content)] = newest.sql("select reason, convert_from(content, 'UTF8') from _bemi.parked")
    assert "jsonb" in reason and json.loads(content)["nul"] == "\0"


def test_endless_sql_is_cut() -> None:
    message = build({}, "x" * (2 * SQL_MAX), "previous")
    assert message is not None and json.loads(message)["SQL"] == "x" * SQL_MAX + " ..."


values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text(some.characters())
    | some.binary(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(some.characters()), inner),
)


@given(some.dictionaries(some.text(some.characters()), values))
def test_anything_becomes_ascii_json_that_jsonb_holds(context: dict[str, Any]) -> None:
    message = build(context, None, "previous")
    assert message is not None and message.isascii()
    parsed = json.loads(message)
    assert len(parsed) >= 1 and "\\u0000" not in json.dumps(parsed).replace("\\\\u0000", "")


@given(
    some.dictionaries(
        some.text(some.characters()), some.none() | some.integers() | some.text(some.characters())
    )
)
def test_the_quick_way_to_encode_says_the_same(context: dict[str, Any]) -> None:
    flat = _flat(context)
    assert flat is None or flat == _dump(context)[1:-1]
