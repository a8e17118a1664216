"""What of a statement's text travels: no password, and no constant where none is wanted."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from conftest import Door, Tracked
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Connection, create_engine, text

import bemi
from bemi._masking import masked

SECRETS = [
    "ALTER ROLE bob PASSWORD 'hunter2'",
    "create user bob with encrypted password $$hunter2$$ login",
    "ALTER USER bob WITH PASSWORD E'a\\'hunter2'",
    "INSERT INTO t VALUES (1); ALTER ROLE bob PASSWORD 'hunter2'",
    "INSERT INTO t VALUES (1); ALTER ROLE bob PASSWORD /* new */ 'hunter2'",
    "DO $$ BEGIN EXECUTE 'alter role bob password ''hunter2'''; END $$",
    "CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password 'hunter2')",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter2' PUBLICATION p",
    "-- why\nALTER ROLE bob PASSWORD U&'hunter2'",
    "ALTER ROLE bob PASSWORD 'hunter2",
]


@pytest.mark.parametrize("statement", SECRETS)
def test_passwords_never_travel(statement: str) -> None:
    for literals in (False, True):
        assert "hunter2" not in masked(statement, literals)
        assert masked(statement, literals).split()[0] == statement.split()[0]


def test_other_texts_are_as_they_are_where_constants_are_wanted() -> None:
    for statement in (
        "UPDATE users SET password = :p WHERE name = 'joe'",
        "SELECT \"password\" FROM t WHERE a = 'x'",
        "INSERT INTO t VALUES ('it''s', $1, 5)",
    ):
        assert masked(statement, literals=True) == statement


def test_texts_without_constants_are_as_they_are() -> None:
    for statement in (
        "UPDATE todo SET task=%(task)s::VARCHAR WHERE todo.id = %(todo_id_1)s::INTEGER",
        "UPDATE todo SET task=$1::VARCHAR WHERE todo.id = $2::INTEGER",
        "INSERT INTO t1 (a2) VALUES (:a2_1) ON CONFLICT (a2) DO NOTHING",
        "UPDATE \"it's 5\" SET a = b -- don't, 5 times",
    ):
        assert masked(statement) == statement


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "INSERT INTO t1 VALUES ('a''b', 5, -1.5e3, $1, :x2)",
            "INSERT INTO t1 VALUES ('***', ?, -?, $1, :x2)",
        ),
        ("UPDATE t SET a = E'\\'x', b = $q$ it's $q$", "UPDATE t SET a = '***', b = '***'"),
        ("SELECT \"a'b\" /* it's */ FROM t -- don't", "SELECT \"a'b\" /* it's */ FROM t -- don't"),
        ("SELECT %(a_1)s::text, B'01', 'open", "SELECT %(a_1)s::text, '***', '***'"),
        ("SELECT /* a /* b */ ' */ 'secret' -- '", "SELECT /* a /* b */ ' */ '***' -- '"),
        ("SELECT 0xDEAD, 1_000.5, .5, a.b5, x-5", "SELECT ?, ?, ?, a.b5, x-?"),
        ('SELECT U&"d\\0061t\'a", $$a$$ || $b$c$$d$b$', "SELECT U&\"d\\0061t'a\", '***' || '***'"),
    ],
)
def test_constants_are_left_out_where_none_are_wanted(statement: str, expected: str) -> None:
    assert masked(statement) == expected


@given(some.text(alphabet="abc '\"$;\\\nE-/*"), some.booleans())
def test_any_text_is_masked_without_failing(noise: str, literals: bool) -> None:
    masked(noise, literals)
    assert "secret" not in masked(f"ALTER ROLE b PASSWORD 'secret' {noise}", literals)


WRITES = ("INSERT INTO item VALUES (1, 'constant')", "DELETE FROM item WHERE name = 'constant'")


def write(connection: Connection) -> None:
    with connection.begin():
        for statement in WRITES:
            connection.execute(text(statement))
        connection.execute(text("SELECT set_config('my.password', 'hunter2', true)"))


def _hashed(statement: str) -> str:
    return "sha256:" + hashlib.sha256(statement.encode()).hexdigest()


ARRIVING: list[tuple[dict[str, Any], list[str | None]]] = [
    ({}, ["INSERT INTO item VALUES (?, '***')", "DELETE FROM item WHERE name = '***'"]),
    ({"literals": True}, list(WRITES)),
    ({"sql": "text", "literals": True}, list(WRITES)),
    ({"sql": "hash"}, [_hashed(statement) for statement in WRITES]),
    ({"sql": False}, [None, None]),
    ({"sql_filter": lambda sql: sql.split()[0]}, ["INSERT", "DELETE"]),
    (
        {"sql_filter": lambda sql: None if "DELETE" in sql else sql},
        ["INSERT INTO item VALUES (?, '***')", None],
    ),
    ({"sql_filter": lambda sql: sql[10**6]}, [None, None]),
]


@pytest.mark.parametrize(("options", "expected"), ARRIVING, ids=[str(n) for n in range(len(ARRIVING))])
def test_each_option_sends_the_expected_text(
    door: Door, tracked: Tracked, options: dict[str, Any], expected: list[str | None]
) -> None:
    bemi.set_context(user_id=1)
    door.run(write, options=options)
    seen = [(c["user_id"], c.get("SQL")) for _, _, c in tracked.changes()]
    assert seen == [(1, sql) for sql in expected]


def test_an_unknown_choice_is_refused(newest: Tracked) -> None:
    engine = create_engine(newest.url.replace("postgresql:", "postgresql+psycopg:"))
    with pytest.raises(ValueError, match="'text', 'hash' or False"):
        bemi.install(engine, sql="hashed")  # type: ignore[arg-type]
