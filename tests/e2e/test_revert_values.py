"""Undoing values: exactly as they were, whatever their type, and through changes of the schema since."""

from __future__ import annotations

import pytest

from e2e.oracle import sync
from e2e.undo import Undo, conflicts
from support.fixtures import Database, StartWorker

oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])
USER = ("--context", "user_id=42")

TYPES = """
create extension hstore; create extension citext;
create type mood as enum ('sad', 'o''k'); create type pair as (x int, "Y y" text[]);
create domain small as int check (value < 1000); create domain tag as citext;
create table val (id int primary key, v_json json, v_jsonb jsonb, v_ints int[], v_texts text[], v_num numeric,
  v_big bigint, v_float float8, v_real real, v_bytes bytea, v_interval interval, v_time timestamptz,
  v_date date,
  v_range int4range, v_multi nummultirange, v_mood mood, v_pair pair, v_pairs pair[], v_xml xml, v_bit bit(5),
  v_varbit varbit, v_hstore hstore, v_inet inet, v_char char(5), v_money money, v_citext citext,
  v_small small,
  v_tag tag, v_uuid uuid, v_vector tsvector, v_point point, v_text text);
"""
ROWS = [
    """(1, 'null', 'null', '[5:6]={1,2}', '{NULL,"NULL","a,b","c\\"d\\\\\\\\"}', 'NaN',
     9223372036854775807, '-0', '1e-45', '\\xdeadbeef00', '-1 year 2 days 03:00:00.000001',
     'infinity', '-infinity', '[1,5)', '{[1.50,2.0],(3,)}', 'o''k', '(1,"{a,NULL}")',
     '{"(1,{x})","(,)"}', '<a>&amp;</a>', '10101', '1', 'a=>NULL,"b c"=>"NULL"', '::1/128', 'ab',
     '12.34', 'CaSe', 999, 'TaG', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a:1 b:2A', '(1e-5,-0)',
     E'tab\\t\\\\ line\\n''')""",
    """(2, '{"a": 1.50, "a": 2, "b":   null}', '{"a": 1.500, "z": [1e2]}', '{}', '{}', '1e400', -1,
     'NaN', '-Infinity', '', '0', '0044-03-15 BC', '4714-11-24 BC', 'empty', '{}', 'sad', '(,)',
     '{}', '', '00000', '', '', '10.0.0.0/8', '', '-0.01', '', -5, '', null, '', '(0,0)', '')""",
    "(3)",
]


@pytest.fixture
def undo(database: Database, start_worker: StartWorker) -> Undo:
    start_worker().wait_ready()
    return Undo(database)


def insert_values(undo: Undo, user: int) -> None:
    undo.as_user(
        user,
        f"insert into val values {ROWS[0]}",
        f"insert into val values {ROWS[1]}",
        f"insert into val (id) values {ROWS[2]}",
    )


@oldest_and_newest
def test_every_type_comes_back_to_the_last_letter(undo: Undo) -> None:
    undo.database.sql(TYPES)
    insert_values(undo, 1)
    before = undo.rows("val")
    [(columns,)] = undo.database.sql(
        "select string_agg(format('%I = null', attname), ', ') from pg_attribute"
        " where attrelid = 'val'::regclass and attnum > 1"
    )
    undo.as_user(42, f"update val set {columns} where id = 1", "delete from val where id = 2")
    undo.as_user(42, "update val set v_json = '1', v_hstore = 'x=>y', v_ints = '{1}' where id = 3")
    undo.apply(*USER)
    assert undo.rows("val") == before
    undo.run("redo", "--apply")
    assert len(undo.rows("val")) == 2
    undo.apply(*USER)
    assert undo.rows("val") == before, "and again, after a redo"


def test_a_json_null_and_an_sql_null_are_not_the_same(undo: Undo) -> None:
    undo.database.sql("create table doc (id int primary key, j json, b jsonb)")
    undo.as_user(1, "insert into doc values (1, 'null', null), (2, null, 'null')")
    before = undo.rows("doc")
    undo.as_user(42, "update doc set j = '1', b = '1'")
    undo.apply(*USER)
    assert undo.rows("doc") == before
    assert undo.database.sql("select id from doc where j is null or b is null order by 1") == [(1,), (2,)]


@oldest_and_newest
def test_a_large_value_that_was_not_touched_stays(undo: Undo) -> None:
    undo.database.sql(
        "create table doc (id int primary key, body text, n int); alter table doc alter body set "
        "storage external"
    )
    undo.as_user(1, "insert into doc values (1, repeat('x', 100000), 1), (2, repeat('y', 100000), 1)")
    before = undo.rows("doc")
    undo.as_user(42, "update doc set n = 2", "delete from doc where id = 2")
    undo.apply(*USER)
    assert undo.rows("doc") == before


def test_old_values_that_the_source_did_not_send_are_never_guessed(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key, a text, b text)")
    database.sql("insert into item values (1, 'a', 'b'), (2, 'a', 'b')")
    start_worker("--replica-identity", "keep", "--snapshot", "none").wait_ready()
    undo = Undo(database)
    undo.as_user(42, "update item set a = 'x' where id = 1", "delete from item where id = 2")
    assert conflicts(undo.plan(*USER)) == [("unknown", "1"), ("unknown", "2")]
    assert undo.run("revert", *USER, "--apply").returncode == 1
    undo.as_user(7, "insert into item values (3, 'a', 'b')")
    undo.as_user(42, "update item set a = 'x' where id = 3")
    undo.apply(*USER, "--primary-key", "3")
    assert "(3,a,b)" in undo.rows("item"), "what the history knows is enough"


def test_redacted_values_are_refused_and_the_others_go_back(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key, secret text, n int)")
    start_worker("--redact-column", "item.secret").wait_ready()
    undo = Undo(database)
    undo.as_user(1, "insert into item values (1, 'a', 1), (2, 'b', 1)")
    undo.as_user(42, "update item set secret = 'x', n = 2 where id = 1", "delete from item where id = 2")
    assert conflicts(undo.plan(*USER)) == [("unknown", "2")]
    plan = undo.plan(*USER, "--primary-key", "1")
    assert plan["conflicts"] == [] and "secret" in plan["tables"][0]["notes"][0]
    undo.apply(*USER, "--on-conflict", "skip", expect=1)
    assert undo.rows("item") == ["(1,x,1)"]


@oldest_and_newest
def test_columns_added_dropped_renamed_and_of_another_type_since(undo: Undo) -> None:
    undo.database.sql("create table item (id int primary key, name text, gone int, n int, old_name text)")
    undo.as_user(1, "insert into item select i, 'a', 7, i, 'o' from generate_series(1, 4) i")
    undo.as_user(42, "update item set name = 'b', gone = 8, n = 100, old_name = 'p' where id = 1")
    undo.as_user(42, "delete from item where id = 2", "insert into item values (9, 'mine', 1, 1, 'x')")
    undo.as_user(42, "update item set gone = 9 where id = 3")
    undo.database.sql("alter table item rename old_name to new_name; alter table item drop column gone")
    undo.database.sql("alter table item alter n type text; alter table item add extra int not null default 5")
    undo.database.sql("alter table item rename to thing")
    undo.as_user(7, "update thing set extra = 6 where id = 1")
    plan = undo.plan(*USER)
    assert plan["conflicts"] == []
    [table] = plan["tables"]
    assert table["table"] == "thing" and "gone" in table["notes"][0]
    undo.apply(*USER)
    assert undo.database.sql("select id, name, n, new_name, extra from thing order by id") == [
        (1, "a", "1", "o", 6),
        (2, "a", "2", "o", 5),
        (3, "a", "3", "o", 5),
        (4, "a", "4", "o", 5),
    ]


def test_a_column_that_is_too_narrow_now_says_so(undo: Undo) -> None:
    undo.database.sql("create table item (id int primary key, n text)")
    undo.as_user(1, "insert into item values (1, 'not a number')")
    undo.as_user(42, "update item set n = '5'")
    undo.database.sql("alter table item alter n type int using n::int")
    done = undo.run("revert", *USER)
    assert done.returncode == 1 and "do not fit its columns as they are now" in done.stderr


def test_a_table_moved_to_another_schema_is_the_same_one(undo: Undo) -> None:
    undo.database.sql("create schema other; create table item (id int primary key, n int)")
    undo.as_user(1, "insert into item values (1, 1)")
    undo.as_user(42, "update item set n = 2")
    undo.database.sql("alter table item set schema other")
    undo.apply(*USER)
    assert undo.rows("other.item") == ["(1,1)"]


def test_a_table_dropped_or_made_anew_is_not_written_to(undo: Undo) -> None:
    undo.database.sql("create table item (id int primary key, n int); create table kept (id int primary key)")
    undo.as_user(1, "insert into item values (1, 1)")
    undo.as_user(42, "update item set n = 2", "insert into kept values (1)")
    undo.database.sql("drop table item; create table item (id int primary key, n int)")
    undo.as_user(7, "insert into item values (1, 2)")
    plan = undo.plan(*USER)
    assert [c["kind"] for c in plan["conflicts"]] == ["table_gone"] and not plan["applicable"]
    undo.apply(*USER, "--on-conflict", "skip", expect=1)
    assert undo.rows("item") == ["(1,2)"] and undo.rows("kept") == []


def test_names_that_look_like_ours_do_not_collide(database: Database, start_worker: StartWorker) -> None:
    database.sql(
        'create schema "S ""x"; create table "S ""x"."select" ("n" int primary key, "s" int, "t" '
        'int, "r" text, "at" int,'
        ' "rel" int, "shape" int, "e0" int, "p" json, "l" int unique, "key" int, "Ünï" text, "columns" int)'
    )
    start_worker().wait_ready()
    undo = Undo(database)
    table = '"S ""x"."select"'
    undo.as_user(
        1,
        f"insert into {table} values (1, 1, 1, 'a', 1, 1, 1, 1, '1', 1, 1, 'ü', 1)",
        f"insert into {table} values (2)",
    )
    before = undo.rows(table)
    undo.as_user(
        42,
        f"update {table} set s = 2, t = 3, r = null, at = 9, rel = 9, shape = 9, e0 = 9, p = "
        f'null, l = 7, key = 5, "Ünï" = null, columns = 4 where n = 1',
    )
    undo.as_user(42, f"delete from {table} where n = 2", f"insert into {table} values (3)")
    undo.apply(*USER)
    assert undo.rows(table) == before


@pytest.mark.parametrize("table", ["changes", "_bemi.source"])
def test_an_untracked_table_has_nothing_to_undo(undo: Undo, table: str) -> None:
    sync(undo.database.url)
    refused = undo.run("revert", "--table", table)
    assert refused.returncode == 1 and refused.stdout == "", refused
    assert "there is no history of" in refused.stderr
