"""The rules for SQL hold here, and each rule catches what it is for."""

from __future__ import annotations

from pathlib import Path

from sql import FUNCTION_LINES_MAX, check_file, check_strings, check_tree

ROOT = Path(__file__).resolve().parents[2]
HEAD = "create function bemi.f() returns int language sql set search_path = {} as $$\n{}\n$$;\n"


def messages(text: str) -> list[str]:
    return [finding.message for finding in check_file("contracts/x.sql", text)]


def test_this_repository_keeps_its_rules() -> None:
    assert "\n".join(map(str, check_tree(ROOT))) == ""


def test_a_short_function_with_a_fixed_path_passes() -> None:
    assert messages(HEAD.format("pg_catalog, pg_temp", "select 1")) == []


def test_text_that_postgresql_does_not_parse_fails() -> None:
    (message,) = messages("create tabel x ();")
    assert "does not parse" in message


def test_a_function_that_believes_the_callers_path_fails() -> None:
    for path in ("pg_catalog", "pg_catalog, public", "pg_temp, pg_catalog"):
        (message,) = messages(HEAD.format(path, "select 1"))
        assert "search_path" in message
    (message,) = messages("create function f() returns int language sql as 'select 1'")
    assert "search_path" in message


def test_a_body_that_is_parsed_when_it_is_made_needs_no_path() -> None:
    assert messages("create function bemi.f(a int) returns int language sql return a + 1;") == []


def test_a_long_function_and_a_long_line_fail() -> None:
    body = "\n".join(["select 1;"] * (FUNCTION_LINES_MAX + 1))
    (message,) = messages(HEAD.format("pg_catalog, pg_temp", body))
    assert "more than 60" in message
    assert messages("-- lint-ok: one question\n" + HEAD.format("pg_catalog, pg_temp", body)) == []
    (message,) = messages("select '" + "x" * 120 + "'")
    assert "columns" in message


def test_a_program_in_a_string_fails_and_a_question_passes() -> None:
    (found,) = check_strings("src/x.cpp", 'int x;\nconst char* sql = R"(do $$ begin end $$)";')
    assert found.line == 2 and "belongs into a .sql file" in found.message
    assert list(check_strings("src/x.cpp", 'const char* sql = R"(select 1)";')) == []


def test_a_character_that_not_every_database_has_fails() -> None:
    assert messages("select '…'") == ["not ASCII: a database need not have this character"]
