"""Undoing under constraints, triggers and rights: all or nothing, and what stands in the way by name."""

from __future__ import annotations

import psycopg
import pytest

from e2e.undo import Undo, conflicts
from support.bemi import bemi
from support.fixtures import Database, StartWorker

oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])
USER = ("--context", "user_id=42")


@pytest.fixture
def undo(database: Database, start_worker: StartWorker) -> Undo:
    start_worker().wait_ready()
    return Undo(database)


FAMILY = """
create table parent (id int primary key, name text unique, next int references parent deferrable);
create table child (id int primary key, parent_id int not null references parent on delete cascade, n int);
create table toy (id int primary key, child_id int references child on delete set null, n int);
"""


@oldest_and_newest
def test_parents_and_children_go_and_come_back_in_the_right_order(undo: Undo) -> None:
    undo.database.sql(FAMILY)
    tables = ("parent", "child", "toy")
    undo.as_user(1, "insert into parent values (1, 'a', null), (2, 'b', 1)")
    undo.as_user(
        1, "insert into child values (1, 1), (2, 1), (3, 2)", "insert into toy values (1, 1), (2, 3)"
    )
    before = [undo.rows(t) for t in tables]
    undo.as_user(42, "insert into parent values (9, 'z', 9)", "insert into child values (9, 9)")
    undo.as_user(42, "delete from parent where id = 2", "update toy set child_id = 9 where id = 1")
    undo.as_user(42, "delete from child where id = 1")
    undo.apply(*USER)
    assert [undo.rows(t) for t in tables] == before


def test_rows_that_others_attached_are_a_conflict_never_a_silent_cascade(undo: Undo) -> None:
    undo.database.sql(FAMILY)
    undo.as_user(42, "insert into parent values (1, 'mine')", "insert into child values (1, 1)")
    undo.as_user(7, "insert into child values (2, 1), (3, 1)", "insert into toy values (1, 2)")
    undo.as_user(8, "update child set n = 5 where id = 3")
    plan = undo.plan(*USER)
    [conflict] = plan["conflicts"]
    assert (conflict["kind"], conflict["primary_key"]) == ("referenced", "1")
    assert conflict["constraint"] == "child_parent_id_fkey" and "2 rows" in conflict["detail"]
    undo.apply(*USER, "--on-conflict", "skip", expect=1)
    assert undo.rows("child") == ["(2,1,)", "(3,1,5)"] and len(undo.rows("parent")) == 1
    undo.run("redo", "--apply")
    undo.apply(*USER, "--cascade")
    assert undo.rows("parent") == undo.rows("child") == undo.rows("toy") == []


@oldest_and_newest
@pytest.mark.parametrize("action", ["", "on delete cascade", "on delete set null", "on delete restrict"])
def test_references_to_a_key_hold_when_its_row_comes_back(undo: Undo, action: str) -> None:
    undo.database.sql(
        "create table parent (id int primary key, name text);"
        f"create table child (id int primary key, parent_id int references parent {action})"
    )
    undo.as_user(1, "insert into parent values (5, 'old')")
    undo.as_user(42, "update parent set id = 1005", "delete from parent")
    undo.as_user(42, "insert into parent values (5, 'new')")
    undo.as_user(7, "insert into child values (1, 5)")
    undo.apply(*USER)
    assert undo.rows("parent") == ["(5,old)"] and undo.rows("child") == ["(1,5)"]
    undo.run("redo", "--apply")
    assert undo.rows("parent") == ["(5,new)"] and undo.rows("child") == ["(1,5)"]


def test_a_row_whose_parent_is_gone_is_a_conflict(undo: Undo) -> None:
    undo.database.sql(FAMILY)
    undo.as_user(1, "insert into parent values (1, 'a'), (2, 'b')", "insert into child values (1, 1), (2, 2)")
    undo.as_user(42, "delete from child where id in (1, 2)")
    undo.as_user(7, "delete from parent where id = 1")
    assert conflicts(undo.plan(*USER)) == [("orphan", "1")]
    undo.apply(*USER, "--on-conflict", "skip", expect=1)
    assert undo.rows("child") == ["(2,2,)"]


@oldest_and_newest
@pytest.mark.parametrize("deferrable", ["", "deferrable initially deferred"])
def test_foreign_keys_in_a_cycle_and_to_themselves(undo: Undo, deferrable: str) -> None:
    undo.database.sql(
        f"create table a (id int primary key, b int); create table b (id int primary key, a int "
        f"references a {deferrable});"
        f"alter table a add foreign key (b) references b {deferrable};"
        f"create table tree (id int primary key, up int not null references tree {deferrable})"
    )
    undo.as_user(1, "insert into a values (1)", "insert into b values (1, 1)", "update a set b = 1")
    undo.as_user(1, "insert into tree values (1, 2), (2, 3), (3, 1)")
    before = [undo.rows(t) for t in ("a", "b", "tree")]
    undo.as_user(42, "update a set b = null", "delete from b", "delete from a", "delete from tree")
    undo.as_user(42, "insert into tree values (8, 9), (9, 8)")
    undo.apply(*USER)
    assert [undo.rows(t) for t in ("a", "b", "tree")] == before
    undo.run("redo", "--apply")
    assert [undo.rows(t) for t in ("a", "b", "tree")] == [[], [], ["(8,9)", "(9,8)"]]


@oldest_and_newest
@pytest.mark.parametrize("referred", [False, True])
def test_unique_values_that_changed_hands_change_back(undo: Undo, referred: bool) -> None:
    undo.database.sql("create table item (id int primary key, place int not null unique, slug text unique)")
    if referred:
        undo.database.sql(
            "create table note (id int primary key, item int references item on delete cascade)"
        )
    undo.as_user(1, "insert into item select i, i, 's' || i from generate_series(1, 5) i")
    if referred:
        undo.as_user(1, "insert into note select i, i from generate_series(1, 5) i")
    before = undo.rows("item")
    undo.as_user(
        42,
        "update item set place = -place, slug = null",
        "update item set place = 1 + (-place) % 5, slug = 's' || (1 + (-place) % 5)",
    )
    undo.apply(*USER)
    assert undo.rows("item") == before
    if referred:
        assert len(undo.rows("note")) == 5


def test_a_duplicate_under_a_deferred_unique_constraint_is_refused(undo: Undo) -> None:
    undo.database.sql(
        "create table item (id int primary key, place int unique deferrable initially deferred)"
    )
    undo.as_user(1, "insert into item values (1, 1)")
    undo.as_user(42, "delete from item")
    undo.as_user(7, "insert into item values (2, 1)")
    [conflict] = undo.plan(*USER)["conflicts"]
    assert (conflict["kind"], conflict["constraint"]) == ("taken", "item_place_key")


@oldest_and_newest
@pytest.mark.parametrize(
    ("ddl", "words"),
    [
        ("alter table item add constraint positive check (n > 0) not valid", "positive"),
        ("update item set n = 1 where n is null; alter table item alter n set not null", "not-null"),
        (
            "create extension btree_gist; alter table item add constraint apart exclude using "
            "gist (n with =)",
            "apart",
        ),
        ("alter domain small add constraint tiny check (value < 5) not valid", "tiny"),
    ],
)
def test_a_constraint_added_since_names_itself_and_the_row(undo: Undo, ddl: str, words: str) -> None:
    undo.database.sql("create domain small as int; create table item (id int primary key, n int, d small)")
    undo.as_user(1, "insert into item select i, i, 1 from generate_series(1, 8) i")
    undo.as_user(1, "insert into item values (10, null, 1), (11, -1, 1), (12, 3, 1), (13, 9, 7)")
    undo.as_user(42, "delete from item where id >= 10")
    undo.database.sql(ddl)
    bad = {"positive": "11", "not-null": "10", "apart": "12", "tiny": "13"}[words]
    plan = undo.plan(*USER)
    [conflict] = plan["conflicts"]
    assert (conflict["kind"], conflict["primary_key"]) == ("rejected", bad)
    assert ("null value" if words == "not-null" else words) in conflict["detail"]
    assert undo.run("revert", *USER, "--apply").returncode == 1 and len(undo.rows("item")) == 8
    undo.apply(*USER, "--on-conflict", "skip", expect=1)
    assert len(undo.rows("item")) == 11


@oldest_and_newest
def test_partitions_identity_generated_columns_and_composite_keys(undo: Undo) -> None:
    undo.database.sql(
        "create table p (k int, day date, v int generated always as (k * 2) stored, primary key "
        "(k, day)) partition by range (day);"
        "create table p1 partition of p for values from ('2026-01-01') to ('2026-02-01');"
        "create table p2 partition of p for values from ('2026-02-01') to ('2026-03-01');"
        "create table r (id int generated always as identity primary key, k int, day date, note text,"
        " foreign key (k, day) references p match full on update cascade)"
    )
    undo.as_user(1, "insert into p values (1, '2026-01-05'), (2, '2026-02-05'), (3, '2026-01-07')")
    undo.as_user(1, "insert into r (k, day) values (3, '2026-01-07'), (null, null)")
    before = [undo.rows(t) for t in ("p", "r")]
    undo.as_user(42, "update p set day = '2026-02-09' where k = 1", "delete from p where k = 2")
    undo.as_user(42, "delete from r where k is null", "insert into p values (9, '2026-01-01')")
    undo.as_user(42, "insert into r (note) values ('mine')")
    undo.apply(*USER)
    assert [undo.rows(t) for t in ("p", "r")] == before
    undo.as_user(1, "insert into r (note) values ('the sequence goes on')")
    assert undo.database.sql("select max(id) from r") == [(4,)]


def test_a_key_that_others_follow_by_cascade(undo: Undo) -> None:
    undo.database.sql(
        "create table country (code text primary key, name text);"
        "create table city (id int primary key, code text references country on update cascade on "
        "delete restrict)"
    )
    undo.as_user(1, "insert into country values ('de', 'x')", "insert into city values (1, 'de')")
    undo.as_user(42, "update country set code = 'DE'")
    undo.as_user(7, "insert into city values (2, 'DE')")
    plan = undo.plan(*USER)
    assert plan["conflicts"] == []
    assert plan["side_effects"] == [
        {"schema": "public", "table": "city", "inserted": 0, "updated": 1, "deleted": 0}
    ]
    undo.apply(*USER)
    assert undo.rows("city") == ["(1,de)", "(2,de)"]


def test_the_plan_says_what_triggers_do(undo: Undo) -> None:
    undo.database.sql(
        "create table item (id int primary key, n int, updated_at timestamptz default now()); "
        "create table log (n int);"
        "create function touch() returns trigger language plpgsql as $$ begin new.updated_at := "
        "clock_timestamp(); return new; end $$;"
        "create function note() returns trigger language plpgsql as $$ begin insert into log "
        "values (new.n); return null; end $$;"
        "create trigger touch before update on item for each row execute function touch();"
        "create trigger note after update on item for each row execute function note()"
    )
    undo.as_user(1, "insert into item values (1, 1)")
    before = undo.rows("item")
    undo.as_user(42, "update item set n = 2")
    plan = undo.plan(*USER, "--table", "item")
    table = next(t for t in plan["tables"] if t["table"] == "item")
    assert [t["name"] for t in table["triggers"]] == ["note", "touch"]
    assert table["not_restored"] == [{"column": "updated_at", "rows": 1}]
    assert [(e["table"], e["inserted"]) for e in plan["side_effects"]] == [("log", 1)]
    undo.apply(*USER, "--no-triggers")
    assert undo.rows("item") == before and undo.rows("log") == []
    assert undo.database.sql(
        "select distinct tgenabled from pg_trigger where tgname in ('touch', 'note')"
    ) == [("O",)]


def test_a_trigger_that_keeps_a_row_back_fails_the_whole(undo: Undo) -> None:
    undo.database.sql(
        "create table item (id int primary key);"
        "create function keep() returns trigger language plpgsql as $$ begin return null; end $$;"
        "create trigger keep before delete on item for each row when (old.id = 2) execute function keep()"
    )
    undo.as_user(42, "insert into item values (1), (2)")
    done = undo.run("revert", *USER)
    assert done.returncode == 1 and "1 of 2 rows" in done.stderr


def test_missing_rights_and_row_security_are_named_before_anything(undo: Undo) -> None:
    undo.database.sql("create table item (id int primary key, n int); create role reverter login")
    try:
        undo.as_user(42, "insert into item values (1, 1)")
        undo.database.sql("grant select on item to reverter")
        url = undo.database.server.url(undo.database.name, user="reverter")
        env = {"BEMI_SOURCE_URL": undo.database.url, "BEMI_REVERT_URL": url}
        done = bemi("revert", *USER, env=env, check=False)
        assert done.returncode == 1 and "may not INSERT, UPDATE, DELETE" in done.stderr
        undo.database.sql("grant all on item to reverter; alter table item enable row level security")
        done = bemi("revert", *USER, env=env, check=False)
        assert done.returncode == 1 and "row-level security" in done.stderr
        undo.database.sql("alter table item disable row level security")
        bemi("revert", *USER, "--apply", env=env)
        assert undo.rows("item") == []
    finally:
        undo.database.sql("drop owned by reverter; drop role reverter")


def test_children_of_inheritance_are_tables_of_their_own(undo: Undo) -> None:
    undo.database.sql(
        "create table base (id int primary key, n int); create table kid (primary key (id)) inherits (base)"
    )
    undo.as_user(1, "insert into base values (1, 1)", "insert into kid values (1, 1)")
    undo.as_user(42, "update only base set n = 2", "update kid set n = 3")
    undo.apply(*USER)
    assert undo.rows("base") == ["(1,1)", "(1,1)"]
    with pytest.raises(psycopg.errors.UniqueViolation):
        undo.database.sql("insert into kid values (1, 1)")
