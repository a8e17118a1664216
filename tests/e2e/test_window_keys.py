"""Closed partitions list their keys: a question about one record opens those that may have its changes, and no others,
and its answer is the same as without the lists."""

from __future__ import annotations

import psycopg
import pytest

from e2e.many_partitions import opened as opened_by
from e2e.test_long_past import NOW, ids_of, paged, past
from support.fixtures import Database, oldest_and_newest

__all__ = ["past"]
RECORDS = ("7", "10", "25", "33", "49", "1")
CLOSED = "select name from _bemi.window where closed order by from_time"
LATE = """
insert into changes (id, source, database, schema, "table", primary_key, operation, before, after, context,
                     committed_at, effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence)
select gen_random_uuid(), source, database, schema, "table", '33', 'UPDATE', '{}', '{"id": 33, "task": "late"}', '{}',
       t, t, t, 5, 40, 1, commit_position, 5
from (select *, effective_at + interval '1 minute' as t from changes where commit_position = 40) c
"""
EMPTIED = """
insert into changes (id, source, database, schema, "table", operation, before, after, context, committed_at,
                     effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence)
select gen_random_uuid(), source, database, schema, "table", 'TRUNCATE', '{}', '{}', '{}', t, t, t, 5, 80, 1,
       commit_position, 5
from (select *, effective_at + interval '1 minute' as t from changes where commit_position = 80) c
"""


def list_all(database: Database) -> list[str]:
    closed = [str(name) for (name,) in database.sql(CLOSED)]
    for name in closed:
        database.sql("select _bemi.list_keys(%s)", name)
    return closed


def answers(database: Database) -> list[object]:
    found: list[object] = []
    with psycopg.connect(database.url) as connection:
        for key in RECORDS:
            query = "select * from bemi.history('todo', %s) order by version"
            found.append(connection.execute(query, (key,)).fetchall())
            for days in (0, 1, 5, 40, 100, 299, 301, 700, 985):
                query = f"select * from bemi.row_as_of('todo', %s, {NOW} - interval '1 day' * %s)"
                found.append(connection.execute(query.encode(), (key, days)).fetchall())
        found.append(
            connection.execute(f"select * from bemi.rows_as_of('todo', {NOW}) order by 1".encode()).fetchall()
        )
    return found


def opened(database: Database, query: str, *values: object) -> set[str]:
    """The partitions that a question opens in a new session."""
    with psycopg.connect(database.url) as connection:
        return opened_by(connection, query, *values)


def windows_of(database: Database, key: str) -> set[str]:
    return {
        str(name)
        for (name,) in database.sql(
            "select distinct tableoid::regclass::text from changes where primary_key = %s", key
        )
    }


@oldest_and_newest
def test_lists_change_no_answer(past: Database) -> None:
    before = answers(past)
    closed = list_all(past)
    assert len(closed) > 30
    assert answers(past) == before
    # Late ones, into partitions that are listed: of a record, and one that empties the table.
    for late in (LATE, EMPTIED):
        past.sql(late)
        assert past.sql("select count(*) from _bemi.listed_window") == [(len(closed) - 1,)]
        said = answers(past)
        assert said != before
        past.sql("delete from _bemi.listed_window")
        assert answers(past) == said
        before = said
        list_all(past)


@oldest_and_newest
@pytest.mark.parametrize("key", ["7", "33"])
def test_one_record_opens_only_the_partitions_that_have_it(past: Database, key: str) -> None:
    everywhere = opened(past, "select * from bemi.history('todo', %s)", key)
    closed = set(list_all(past))
    assert everywhere > closed
    not_listed = {str(name) for (name,) in past.sql("select name from _bemi.window where not closed")}
    mine = windows_of(past, key)
    assert len(mine) < 5
    assert opened(past, "select * from bemi.history('todo', %s)", key) <= mine | not_listed
    assert opened(past, f"select * from bemi.row_as_of('todo', %s, {NOW})", key) <= mine | not_listed


@oldest_and_newest
def test_pages_of_one_record_miss_nothing(past: Database) -> None:
    list_all(past)
    for key in ("7", "33", "no such key"):
        expected = ids_of(past, f"primary_key = '{key}'")
        for limit in (1, 2, 50):
            assert paged(past, limit, "--table", "todo", "--primary-key", key) == expected


@oldest_and_newest
def test_a_list_goes_with_its_partition(past: Database) -> None:
    closed = list_all(past)
    where = sorted(windows_of(past, "33"))[0]
    before = len(past.sql("select 1 from bemi.history('todo', '33')"))
    # As when an archive is brought back under the same name: the rows come before the partition is attached.
    past.sql(f"alter table changes detach partition {where}")
    past.sql("select _bemi.forget_keys(%s)", where)
    assert len(past.sql("select 1 from bemi.history('todo', '33')")) < before
    assert past.sql('select 1 from _bemi.window_keys where "window" = %s', where) == []
    assert past.sql("select count(*) from _bemi.listed_window") == [(len(closed) - 1,)]


@oldest_and_newest
def test_a_list_counts_only_while_its_guard_watches_the_partition(past: Database) -> None:
    """The owner may put another table in its place, or load rows with the triggers off, as pg_restore does."""
    list_all(past)
    [(name,)] = past.sql("select tableoid::regclass::text from changes where commit_position = 40")
    [(since, until)] = past.sql("select from_time, to_time from _bemi.window where name = %s", name)
    past.sql(
        f"create table other (like {name} including defaults including constraints);"
        f"insert into other select * from {name};"
        f"alter table changes detach partition {name}; drop table {name}; alter table other rename to {name};"
        f"alter table changes attach partition {name} for values from ('{since}') to ('{until}')"
    )
    past.sql(LATE)
    assert "late" in str(answers(past))
    past.sql("select _bemi.list_keys(%s)", name)
    past.sql(f"alter table {name} disable trigger all; {EMPTIED.replace('= 80', '= 40')}")
    past.sql(f"alter table {name} enable trigger all")
    said = answers(past)
    past.sql("delete from _bemi.listed_window")
    assert answers(past) == said
