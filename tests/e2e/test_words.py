"""What a person writes and reads: unknown names are errors with a suggestion, times are read as people write
them, and 80 columns show when, what and who."""

from __future__ import annotations

import re

import psycopg
import pytest

from e2e.api import problem_of, write
from e2e.oracle import sync
from support.bemi import bemi
from support.dashboard import Dashboard
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.terminal import in_terminal

UNKNOWN = [
    (["changes", "--table", "prodct"], "there is no history of public.prodct", "did you mean product?"),
    (["revert", "--table", "public.produt"], "there is no history", "did you mean product?"),
    (["as-of", "now", "produkt", "--allow-stale"], "there is no history", "did you mean product?"),
    (["changes", "--operation", "UPSERT"], "there is no operation UPSERT", "CREATE, UPDATE"),
    (["changes", "--operation", "insert"], "there is no operation insert", "did you mean CREATE?"),
    (["changes", "--context", "usr_id=42"], "no change has the key usr_id", "did you mean user_id?"),
    (["transactions", "--context", "usr_id=42"], "no change has the key usr_id", "did you mean user_id?"),
    (["revert", "--context", "usr_id=42"], "no change has the key usr_id", "did you mean user_id?"),
    (["trends", "--by", "enpoint"], "no change has the key enpoint", "did you mean endpoint?"),
    (["trends", "--source-name", "nowhere"], "there is no source nowhere", "the sources here are: "),
    (["transactions", "--source-name", "nowhere"], "there is no source nowhere", "the sources here are: "),
    (
        ["history", "product", "1", "--source-name", "nowhere"],
        "there is no source nowhere",
        "the sources here",
    ),
]


@pytest.fixture
def shop(database: Database, start_worker: StartWorker) -> Database:
    database.sql("create table product (id int primary key, sku text, price numeric, title text)")
    start_worker().wait_ready()
    database.sql("insert into product values (530, 'SKU-00529', 0.08, 'A chair')")
    context = {"user_id": 42, "method": "PATCH", "endpoint": "/products/{id}/price"}
    write(database, context, "update product set price = 7.86 where id = 530")
    sync(database.url)
    return database


def test_an_unknown_name_is_an_error_that_suggests_one(shop: Database) -> None:
    for arguments, message, hint in UNKNOWN:
        done = bemi(*arguments, env={"BEMI_SOURCE_URL": shop.url}, check=False)
        assert done.returncode in (1, 2) and done.stdout == "", done
        assert message in done.stderr and hint in done.stderr, done.stderr
    # A key that is there, with a value that nobody passed, is a question with an empty answer.
    done = bemi("changes", "--context", "user_id=43", env={"BEMI_SOURCE_URL": shop.url})
    assert "no change matches" in done.stderr


# A key of several columns: as people write it, as JSON in any spacing, and as it is stored.
KEYS = ["2756, WAW-1", "2756,WAW-1", '["2756","WAW-1"]', '["2756", "WAW-1"]', '[2756, "WAW-1"]']


@oldest_and_newest
def test_a_key_of_several_columns_is_found_as_people_write_it(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(
        "create table stock (product_id int, warehouse text, n int, primary key (product_id, warehouse))"
    )
    start_worker().wait_ready()
    database.sql("insert into stock values (2756, 'WAW-1', 1), (2756, 'a, b', 2)")
    database.sql("update stock set n = n + 10")
    sync(database.url)

    def asked(*arguments: str) -> tuple[int, str, str]:
        done = bemi(*arguments, env={"BEMI_SOURCE_URL": database.url}, check=False)
        return done.returncode, done.stdout, done.stderr

    for key in KEYS:
        assert asked("history", "stock", key, "--format", "csv")[1].count("\n") == 3, key
        assert '"n": 11' in asked("as-of", "now", "stock", key, "--allow-stale", "--format", "json")[1]
        assert asked("blame", "stock", key)[0] == 0
        assert (
            asked("changes", "--table", "stock", "--primary-key", key, "--format", "csv")[1].count("\n") == 3
        )
        assert "2 changes" in asked("revert", "--table", "stock", "--primary-key", key)[1]
    assert '"n": 12' in asked("history", "stock", '["2756", "a, b"]', "--format", "json")[1]
    for wrong in ("2756", "2756,WAW-1,x", "2756, a, b"):
        for command in (("history", "stock", wrong), ("as-of", "now", "stock", wrong),
                        ("changes", "--table", "stock", "--primary-key", wrong),
                        ("revert", "--table", "stock", "--primary-key", wrong)):  # fmt: skip
            code, out, error = asked(*command)
            assert code in (1, 2) and out == ""
            assert "the key of stock has 2 columns: product_id, warehouse" in error


def test_a_key_is_no_mistake_before_anybody_passed_a_context(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table t (id int primary key)")
    start_worker().wait_ready()
    database.sql("insert into t values (1)")
    sync(database.url)
    done = bemi("changes", "--context", "user_id=42", env={"BEMI_SOURCE_URL": database.url})
    assert "no change matches" in done.stderr


def test_the_api_suggests_names(story: Dashboard) -> None:
    for parameters, message, hint in [
        ({"context": "usr_id=42"}, "no change has the key usr_id in its context", "did you mean user_id?"),
        ({"table": "tood"}, "there is no history of public.tood", "did you mean todo?"),
        ({"source": "nowhere"}, "there is no source nowhere", "the sources here are"),
    ]:
        problem = problem_of(story.client.get("/api/changes", params=parameters), 404)
        assert problem["detail"] == message and hint in problem["hint"]
    problem_of(story.client.get("/api/groups", params={"by": "usr_id"}), 404)
    assert story.client.get("/api/stream", params={"source": "nowhere"}).status_code == 404


@oldest_and_newest
def test_times_are_read_as_people_write_them(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table t (id int primary key)")
    start_worker().wait_ready()
    sync(database.url)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("begin")
        for said, meant in [
            ("2 hours ago", "now() - interval '2 hours'"),
            ("2h", "now() - interval '2 hours'"),
            ("-30m", "now() - interval '30 minutes'"),
            ("1 Day ago", "now() - interval '1 day'"),
            ("3 weeks ago", "now() - interval '21 days'"),
            ("2 months ago", "now() - interval '2 months'"),
            ("@1764300000", "timestamptz '2025-11-28 03:20:00+00'"),
            ("@1764300000.25", "timestamptz '2025-11-28 03:20:00.25+00'"),
            ("yesterday 14:00", "timestamptz 'yesterday 14:00'"),
            ("2026-11-27 14:00+01", "timestamptz '2026-11-27 13:00+00'"),
        ]:
            query = f"select _bemi.bound_of(%s) = {meant}, _bemi.said_time(%s) = {meant}"
            assert connection.execute(query.encode(), (said, said)).fetchone() == (True, True), said
        connection.execute("rollback")
    env = {"BEMI_SOURCE_URL": database.url}
    for command in (["changes"], ["trends"], ["transactions"], ["revert", "--table", "t"]):
        bemi(*command, "--since", "2 hours ago", env=env)
        done = bemi(*command, "--since", "27/11/2026", env=env, check=False)
        assert (
            done.returncode == 1 and "27/11/2026 is no time" in done.stderr and "2 hours ago" in done.stderr
        )
    done = bemi("as-of", "half past", "t", env=env, check=False)
    assert "there is no mark half past" in done.stderr and "@1764300000" in done.stderr


def test_a_terminal_of_80_columns_shows_when_what_and_who(shop: Database) -> None:
    env = {"BEMI_SOURCE_URL": shop.url}
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    lines = in_terminal(80, "changes", env=env).splitlines()
    assert re.fullmatch(time + "  create product 530  no context", lines[0])
    assert lines[1] == "    id: 530, price: 0.08, sku: SKU-00529, title: A chair"
    assert re.fullmatch(time + r"  update product 530  42 PATCH /products/\{id\}/price", lines[2])
    assert lines[3] == "    price: 0.08 → 7.86"
    lines = in_terminal(80, "history", "product", "530", env=env).splitlines()
    assert re.fullmatch(time + r"  version 2 UPDATE  42 PATCH /products/\{id\}/price", lines[2])
    [newest, _] = in_terminal(80, "transactions", env=env).splitlines()
    assert re.fullmatch(time + r"  transaction \d+: 1 product  42 PATCH /products/\{id\}/price", newest)
    for width in (40, 80, 200):
        for command in (["changes"], ["history", "product", "530"], ["transactions"], ["status"]):
            written = in_terminal(width, *command, env=env)
            assert all(len(line) <= width for line in written.splitlines()), (width, command)


def test_a_wide_table_is_shown_row_by_row_in_a_terminal(
    database: Database, start_worker: StartWorker
) -> None:
    columns = ", ".join(f"column_{i:02} text default 'value {i}'" for i in range(40))
    database.sql(f"create table wide (id int primary key, {columns})")
    start_worker().wait_ready()
    database.sql("insert into wide values (1)")
    sync(database.url)
    lines = in_terminal(
        80, "as-of", "now", "wide", "--allow-stale", env={"BEMI_SOURCE_URL": database.url}
    ).splitlines()
    assert len(lines) == 41 and " column_39 │ value 39" in lines


def test_misspelt_commands_and_flags_suggest_the_right_ones() -> None:
    for arguments, message, hint in [
        (["chnges"], "there is no command chnges", "did you mean changes?"),
        (["changes", "--tabel", "x"], "bemi changes has no flag --tabel", "did you mean --table?"),
        (["mark", "creat", "x"], "", "bemi mark --help"),
        (["changes", "--limit", "abc"], "'abc' is no whole number", "bemi changes --help"),
        (["changes", "--limit", "-5"], "'-5' is no whole number", "bemi changes --help"),
    ]:
        done = bemi(*arguments, check=False)
        assert done.returncode == 2 and message in done.stderr and hint in done.stderr, done.stderr
        assert len(done.stderr) < 200, done.stderr
    assert bemi("help", "changes").stdout == bemi("changes", "--help").stdout
    assert bemi("help").stdout == bemi("--help").stdout
    assert bemi("version").stdout == bemi("--version").stdout


def test_a_difference_that_is_none_is_said(shop: Database) -> None:
    [(now,)] = shop.sql("select effective_at::text from _bemi.source")
    done = bemi("diff", "product", now, now, "--allow-stale", env={"BEMI_SOURCE_URL": shop.url})
    assert done.stdout == "" and "no row of product differs between the two times" in done.stderr
