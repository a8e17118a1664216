"""What of a statement's text travels: no password, and no constant where none is wanted."""

from __future__ import annotations

import pytest
from conftest import Door, Tracked
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Connection, text

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
    assert "hunter2" not in masked(statement)
    assert masked(statement).split()[0] == statement.split()[0]


def test_other_texts_are_as_they_are() -> None:
    for statement in (
        "UPDATE users SET password = :p WHERE name = 'joe'",
        "SELECT \"password\" FROM t WHERE a = 'x'",
        "INSERT INTO t VALUES ('it''s', $1)",
    ):
        assert masked(statement) == statement


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "INSERT INTO t1 VALUES ('a''b', 5, -1.5e3, $1, :x2)",
            "INSERT INTO t1 VALUES ('***', 0, -0, $1, :x2)",
        ),
        ("UPDATE t SET a = E'\\'x', b = $q$ it's $q$", "UPDATE t SET a = '***', b = '***'"),
        ("SELECT \"a'b\" /* it's */ FROM t -- don't", "SELECT \"a'b\" /* it's */ FROM t -- don't"),
        ("SELECT %(a_1)s::text, B'01', 'open", "SELECT %(a_1)s::text, '***', '***'"),
    ],
)
def test_constants_are_left_out_where_none_are_wanted(statement: str, expected: str) -> None:
    assert masked(statement, literals=False) == expected


@given(some.text(alphabet="abc '\"$;\\\nE-/*"), some.booleans())
def test_any_text_is_masked_without_failing(noise: str, literals: bool) -> None:
    masked(noise, literals)
    assert "secret" not in masked(f"ALTER ROLE b PASSWORD 'secret' {noise}", literals)


def test_what_arrives(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(text("INSERT INTO item VALUES (1, 'constant')"))
            connection.execute(text("SELECT set_config('my.password', 'hunter2', true)"))

    def delete(connection: Connection) -> None:
        connection.execute(text("DELETE FROM item WHERE name = 'constant'"))
        connection.commit()

    door.run(write)
    door.run(delete, options={"literals": False})
    seen = [c["SQL"] for _, _, c in tracked.changes()]
    assert seen[0] == "INSERT INTO item VALUES (1, 'constant')"
    assert seen[1] == "DELETE FROM item WHERE name = '***'"
