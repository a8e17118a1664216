"""Pages and rows of a past of years in monthly partitions: found in steps backwards, and the same as by one query."""

from __future__ import annotations

import json

import psycopg
import pytest

from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

DAYS = 1000
# A change each ten days of one of 50 records, the newest an hour ago; record 7 was changed once, 990 days ago.
FILL = """
insert into changes (id, source, database, schema, "table", primary_key, operation, before, after, context,
                     committed_at, effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence)
select gen_random_uuid(), current_database(), current_database(), 'public', 'todo', k::text, o, '{}',
       case when o = 'DELETE' then '{}' else jsonb_build_object('id', k, 'task', 't' || i) end,
       jsonb_build_object('user_id', i % 5), t, t, t, 1000 + i, i, 1, i, 0
from (select i, case when i = 1 then 7 else 10 + i % 40 end as k, case when i % 17 = 16 then 'DELETE' else 'UPDATE' end
             as o, now() - interval '1 hour' - interval '10 days' * (100 - i) as t
      from generate_series(1, 100) i) s
"""
BEGINNING = f"""
update _bemi.epoch set began_at = began_at - interval '{DAYS} days';
update _bemi.coverage set since = since - interval '{DAYS} days', position = 0;
update _bemi.relation_version set effective_at = effective_at - interval '{DAYS} days', position = 0
"""
NOW = "(select effective_at - interval '1 ms' from _bemi.source)"
ORDER = "effective_at desc, epoch desc, commit_position desc, sequence desc, id desc"


@pytest.fixture
def past(database: Database, start_worker: StartWorker) -> Database:
    database.sql("create table todo (id int primary key, task text)")
    start_worker("--partition", "month").wait_ready().terminate()
    database.sql(BEGINNING)
    database.sql(
        f"select _bemi.make_partition(now() - interval '1 day' * n) from generate_series(0, {DAYS}, 15) n"
    )
    database.sql(FILL)
    return database


def ids_of(database: Database, condition: str) -> list[str]:
    return [str(row[0]) for row in database.sql(f"select id from changes where {condition} order by {ORDER}")]


def paged(database: Database, limit: int, *flags: str) -> list[str]:
    """All pages, the newest first, by the command line."""
    found: list[str] = []
    while True:
        before = ("--before", found[-1]) if found else ()
        words = ("changes", "--format", "json", "--limit", str(limit), *flags, *before)
        page = bemi(*words, env={"BEMI_DESTINATION_URL": database.url}).stdout.splitlines()
        found += [json.loads(line)["id"] for line in reversed(page)]
        if len(page) < limit:
            return found


@oldest_and_newest
@pytest.mark.parametrize("limit", [1, 3, 7, 100, 101])
def test_pages_over_years_miss_nothing(past: Database, limit: int) -> None:
    everything = ids_of(past, "true")
    assert len(everything) == 100
    assert paged(past, limit) == everything
    if limit > 3:
        rare = ids_of(past, "context @> '{\"user_id\": 3}'")
        assert 0 < len(rare) < 100
        assert paged(past, limit, "--context", "user_id=3") == rare
        assert paged(past, limit, "--table", "todo", "--primary-key", "7") == everything[-1:]
        assert paged(past, limit, "--context", "user_id=77") == []


@oldest_and_newest
def test_a_row_as_of_any_time_of_years(past: Database) -> None:
    with psycopg.connect(past.url) as connection:

        def ask(query: str, *values: object) -> list[tuple[object, ...]]:
            return connection.execute(query.encode(), values).fetchall()

        for days in (0, 1, 5, 40, 100, 299, 301, 700, 985):
            [(at,)] = ask(f"select {NOW} - interval '1 day' * %s", days)
            for key in ("7", "10", "25", "33", "49", "1"):
                expected = ask(
                    "select after from (select operation, after from changes where primary_key = %s"
                    " and effective_at <= %s order by effective_at desc limit 1) c where operation <> 'DELETE'",
                    key,
                    at,
                )
                assert ask("select \"row\" from bemi.row_as_of('todo', %s, %s)", key, at) == expected, (
                    days,
                    key,
                )
        # Emptied 200 days ago: what is older is not there any more, and what came since is.
        connection.execute(
            'insert into changes (id, source, database, schema, "table", operation, before, after, context,'
            " committed_at, effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence)"
            " select gen_random_uuid(), source, database, schema, \"table\", 'TRUNCATE', '{}', '{}', '{}', t, t, t, 5,"
            " 80, 1, commit_position, 5 from (select *, effective_at + interval '1 minute' as t from changes"
            " where commit_position = 80) c"
        )
        for key in ("7", "10", "25", "33", "49"):
            expected = ask(
                "select after from (select operation, after, commit_position from changes where primary_key = %s"
                " order by effective_at desc limit 1) c where operation <> 'DELETE' and commit_position > 80",
                key,
            )
            assert ask(f"select \"row\" from bemi.row_as_of('todo', %s, {NOW})", key) == expected, key
