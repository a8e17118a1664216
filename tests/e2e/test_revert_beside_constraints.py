"""Undoing beside what keeps rows from being there at once, and beside rules: done where PostgreSQL allows it."""

from __future__ import annotations

import pytest

from e2e.undo import Undo, conflicts
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

USER = ("--context", "user_id=42")


@pytest.fixture
def undo(database: Database, start_worker: StartWorker) -> Undo:
    start_worker().wait_ready()
    return Undo(database)


def swapped(undo: Undo, table: str, *statements: str, user: int = 42) -> None:
    """Undone, the table is what it was; redone, what it was made."""
    before = undo.rows(table)
    undo.as_user(user, *statements)
    after = undo.rows(table)
    assert after != before
    undo.apply("--context", f"user_id={user}")
    assert undo.rows(table) == before
    assert undo.run("redo", "--apply").returncode == 0
    assert undo.rows(table) == after


@oldest_and_newest
@pytest.mark.parametrize("deferrable", ["", "deferrable initially deferred"])
def test_rows_that_exclude_each_other_change_places(undo: Undo, deferrable: str) -> None:
    undo.database.sql(
        "create table booking (id int primary key, during int4range,"
        f" exclude using gist (during with &&) {deferrable});"
        "insert into booking values (1, '[1,5)'), (2, '[5,9)'), (3, '[9,12)')"
    )
    swapped(
        undo,
        "booking",
        "update booking set during = '[100,101)' where id = 1",
        "update booking set during = '[1,5)' where id = 2",
        "update booking set during = '[5,9)' where id = 1",
    )
    swapped(
        undo,
        "booking",
        "delete from booking where id = 3",
        "update booking set during = '[9,12)' where id = 1",
        "insert into booking values (4, '[5,7)')",
        user=43,
    )


@oldest_and_newest
@pytest.mark.parametrize(
    "index",
    [
        "create unique index on seat (lower(place))",
        "create unique index on seat (place) where place is not null",
    ],
)
def test_unique_indexes_of_expressions_and_parts_change_hands(undo: Undo, index: str) -> None:
    undo.database.sql(
        f"create table seat (id int primary key, place text); {index};"
        "insert into seat values (1, 'a'), (2, 'b'), (3, null)"
    )
    swapped(
        undo,
        "seat",
        "update seat set place = 'x' where id = 1",
        "update seat set place = 'a' where id = 2",
        "update seat set place = 'b' where id = 1",
    )


@pytest.mark.parametrize("server", [18], indirect=True)
def test_nulls_that_are_not_distinct_change_hands(undo: Undo) -> None:
    undo.database.sql(
        "create table seat (id int primary key, place text, unique nulls not distinct (place));"
        "insert into seat values (1, 'a'), (2, null)"
    )
    swapped(
        undo,
        "seat",
        "update seat set place = 'x' where id = 1",
        "update seat set place = 'a' where id = 2",
        "update seat set place = null where id = 1",
    )


@pytest.mark.parametrize("server", [18], indirect=True)
def test_periods_without_overlaps_shift_back(undo: Undo) -> None:
    undo.database.sql(
        "create table price (item int4range, during int4range, price int, primary key (item, during without overlaps));"
        "alter table price replica identity full;"
        "insert into price values ('[1,2)', '[1,5)', 10), ('[1,2)', '[5,9)', 20), ('[1,2)', '[9,20)', 30)"
    )
    swapped(
        undo,
        "price",
        "update price set during = '[9,25)' where price = 30",
        "update price set during = '[9,9)' where false",
        "update price set during = '[12,25)' where price = 30",
        "update price set during = '[7,12)' where price = 20",
        "update price set during = '[1,7)' where price = 10",
    )


@pytest.mark.parametrize("server", [18], indirect=True)
def test_a_foreign_key_that_is_not_enforced_keeps_nothing_back(undo: Undo) -> None:
    undo.database.sql(
        "create table p (id int primary key);"
        "create table c (id int primary key, p int references p not enforced);"
        "insert into c values (1, 99)"
    )
    before = undo.rows("c")
    undo.as_user(42, "update c set p = 100")
    undo.apply(*USER)
    assert undo.rows("c") == before


@pytest.mark.parametrize("server", [18], indirect=True)
def test_a_copy_has_foreign_keys_that_are_not_enforced(database: Database, start_worker: StartWorker) -> None:
    database.sql(
        "create table p (id int primary key);"
        "create table c (id int primary key, p int references p not enforced); insert into c values (1, 99)"
    )
    start_worker().wait_ready()
    env = {"BEMI_SOURCE_URL": database.url}
    bemi("mark", "create", "m", env=env)
    said = bemi("checkout", "--at", "m", "--into", "copied", env=env)
    assert "is not made" not in said.stderr
    assert database.sql("select id, p from copied.c") == [(1, 99)]
    enforced = database.sql(
        "select conenforced from pg_constraint where conrelid = 'copied.c'::regclass and contype = 'f'"
    )
    assert enforced == [(False,)]


RULES = """
create table docs (id int primary key, v text, del bool default false);
create rule soft as on delete to docs do instead update docs set del = true where id = old.id;
create table log (what text);
create rule noted as on update to docs do also insert into log values ('updated');
"""


@oldest_and_newest
def test_beside_rules_what_was_written_is_undone(undo: Undo) -> None:
    undo.database.sql(RULES)
    undo.as_user(1, "insert into docs values (1, 'x')")
    before = undo.rows("docs")
    undo.as_user(42, "insert into docs values (2, 'n')", "delete from docs where id = 1")
    plan = undo.plan("--table", "docs", *USER)
    assert "its rules are switched off during the undo: noted, soft" in str(plan["tables"])
    undo.apply("--table", "docs", *USER)
    assert undo.rows("docs") == before
    enabled = undo.database.sql(
        "select rulename, ev_enabled from pg_rewrite where ev_class = 'docs'::regclass order by 1"
    )
    assert [(name, state) for name, state in enabled] == [("noted", "O"), ("soft", "O")]
    undo.database.sql("delete from docs")
    assert undo.rows("docs") == ["(1,x,t)"]


@oldest_and_newest
def test_a_mark_goes_back_beside_rules(undo: Undo) -> None:
    undo.database.sql(RULES + "create table a (id int primary key, v text); insert into a values (1, 'x')")
    env = {"BEMI_SOURCE_URL": undo.database.url}
    bemi("mark", "create", "m", env=env)
    undo.database.sql("update a set v = 'y'; insert into docs values (2, 'n')")
    said = bemi("mark", "rollback", "m", env=env)
    assert undo.rows("a") == ["(1,x)"] and undo.rows("docs") == []
    assert "docs" in said.stdout + said.stderr


@oldest_and_newest
def test_rules_of_another_are_a_conflict_in_words(undo: Undo) -> None:
    server = undo.database.server
    undo.database.sql(RULES + "insert into docs values (1, 'x')")
    role = f"undoer_{undo.database.name}"
    undo.database.sql(
        f"create role {role} login; grant select, insert, update, delete on docs, log to {role};"
        f"grant usage on schema bemi, _bemi to {role}; grant select on all tables in schema _bemi to {role};"
        f"grant select on changes to {role}; grant execute on all functions in schema bemi, _bemi to {role}"
    )
    try:
        undo.as_user(42, "update docs set v = 'y'")
        url = undo.database.url.replace("://postgres@", f"://{role}@").replace(
            "user=postgres", f"user={role}"
        )
        env = {"BEMI_SOURCE_URL": undo.database.url, "BEMI_REVERT_URL": url}
        done = bemi("revert", "--table", "docs", *USER, "--format", "json", env=env, check=False)
        assert done.returncode == 1, done.stdout
        assert "its rules (noted, soft) would write something else" in done.stdout + done.stderr
    finally:
        undo.database.sql(f"drop owned by {role}; drop role {role}")
    assert server.is_running


@oldest_and_newest
def test_generated_and_identity_columns_swap(undo: Undo) -> None:
    undo.database.sql(
        "create table item (id int generated always as identity primary key, place int unique,"
        " twice int generated always as (place * 2) stored unique);"
        "insert into item (place) values (1), (2), (3)"
    )
    swapped(
        undo,
        "item",
        "update item set place = 100 where id = 1",
        "update item set place = 1 where id = 2",
        "update item set place = 2 where id = 1",
    )


@oldest_and_newest
def test_a_change_that_cannot_be_undone_is_named(undo: Undo) -> None:
    undo.database.sql(
        "create table booking (id int primary key, during int4range, exclude using gist (during with &&));"
        "insert into booking values (1, '[1,5)')"
    )
    undo.as_user(42, "update booking set during = '[5,9)'")
    undo.as_user(1, "insert into booking values (2, '[2,3)')")
    plan = undo.plan(*USER)
    assert conflicts(plan) == [("rejected", "1")] and not plan["applicable"]
    assert "booking_during_excl" in str(plan["conflicts"])
