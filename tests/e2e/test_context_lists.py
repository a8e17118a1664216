"""Closed partitions list the values of their contexts: a page of changes and an undo that are asked for by context open
those that may have it, and find the same as without the lists."""

from __future__ import annotations

import itertools
import json
import random

import psycopg
import pytest

from e2e.many_partitions import cut, list_all_but, opened, partitions_with
from e2e.oracle import sync
from e2e.test_long_past import ids_of, paged, past
from e2e.test_window_keys import list_all
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.seeds import printed_seed

__all__ = ["past"]
VALUES = [
    *("7", "7.0", "7e0", "0.70e1", "-0.0", "0", "12345678901234567890123", "1e-7", "0.0000001"),
    *('"7"', '"7.0"', '"true"', "true", "false", "null", '"null"', '""', '"é✓"', '"a\\nb"', '"a\\"b"'),
    *("[7]", "[]", '{"b": 7}', "{}", '[{"b": 7}]'),
]
KEYS = ["user_id", "a", "a\nnumber", "", "é", "request"]
ADDED = """
insert into changes (id, source, database, schema, "table", primary_key, operation, before, after, context,
                     committed_at, effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence)
select gen_random_uuid(), source, database, schema, "table", primary_key, 'UPDATE', '{}', after, %s::jsonb, t, t, t,
       transaction_id, position, epoch, commit_position, %s
from (select *, effective_at + interval '1 second' * %s as t from changes where commit_position = %s and sequence = 0) c
"""
# Of what lists may leave out, nothing has the contexts. Each is an array of alternatives, and all must hold.
MISSED = """
select count(*) from changes c
where (select bool_and((select bool_or(c.context @> a) from jsonb_array_elements(g) a))
       from jsonb_array_elements(%(asked)s::jsonb) g)
  and not exists (select from _bemi.times_of_contexts(%(asked)s, '-infinity', 'infinity') t
                  where c.effective_at >= t.since and c.effective_at < t.until)
"""


def random_context(dice: random.Random) -> str:
    pairs = [f"{json.dumps(key)}: {dice.choice(VALUES)}" for key in dice.sample(KEYS, dice.randint(0, 4))]
    return "{" + ", ".join(pairs) + "}"


def random_question(dice: random.Random) -> str:
    def one() -> str:
        return "{" + f"{json.dumps(dice.choice(KEYS))}: {dice.choice(VALUES)}" + "}"

    groups = [
        "[" + ", ".join(one() for _ in range(dice.randint(1, 2))) + "]" for _ in range(dice.randint(1, 3))
    ]
    return "[" + ", ".join(groups) + "]"


@oldest_and_newest
def test_no_change_with_a_context_is_outside_its_times(past: Database) -> None:
    dice = random.Random(printed_seed())
    with psycopg.connect(past.url, autocommit=True) as connection:
        for number in range(200):
            place = (number + 1, dice.randint(1, 900), dice.randint(1, 100))
            connection.execute(ADDED.encode(), (random_context(dice), *place))
        list_all(past)
        for number in range(30):  # late ones: their partitions' lists are taken back
            place = (number + 1000, dice.randint(1, 900), dice.randint(1, 100))
            connection.execute(ADDED.encode(), (random_context(dice), *place))
        questions = [
            f'[[{{"{key}": {value}}}]]' for key, value in itertools.product(("a", "user_id"), VALUES)
        ]
        questions += [random_question(dice) for _ in range(150)]
        for asked in questions:
            assert connection.execute(MISSED.encode(), {"asked": asked}).fetchall() == [(0,)], asked
        narrowed = (
            "select count(*) > 0 from _bemi.listed_window w where w.contexts and not exists (select from"
        )
        narrowed += " _bemi.times_of_contexts('[[{\"a\": 7}]]', '-infinity', 'infinity') t"
        narrowed += " where t.since < w.to_time and t.until > w.from_time)"
        assert connection.execute(narrowed.encode()).fetchall() == [(True,)], "lists leave something out"


@oldest_and_newest
def test_pages_by_context_miss_nothing(past: Database) -> None:
    list_all(past)
    for flags, condition in (
        (("--context", "user_id=3"), "context @> '{\"user_id\": 3}'"),
        (("--context", "user_id=3.0"), "context @> '{\"user_id\": 3}'"),
        (("--context", "user_id=3", "--context", "user_id=4"), "false"),
        (
            ("--context", "user_id=3", "--operation", "DELETE"),
            "context @> '{\"user_id\": 3}' and operation = 'DELETE'",
        ),
        (("--context", "user_id=nobody"), "false"),
    ):
        expected = ids_of(past, condition)
        for limit in (1, 3, 50):
            assert paged(past, limit, *flags) == expected, flags


@oldest_and_newest
def test_a_list_without_contexts_leaves_nothing_out(past: Database) -> None:
    """As those from before contexts were listed; maintenance lists these partitions again."""
    closed = list_all(past)
    past.sql(
        "delete from _bemi.window_keys where bucket >= 1024; update _bemi.listed_window set contexts = false"
    )
    expected = ids_of(past, "context @> '{\"user_id\": 3}'")
    assert paged(past, 50, "--context", "user_id=3") == expected
    done = bemi("maintain", "--dry-run", env={"BEMI_SOURCE_URL": past.url, "BEMI_DESTINATION_URL": past.url})
    assert all(f"list     {name}" in " ".join(done.stdout.split("would ")) for name in closed[:3])


@oldest_and_newest
@pytest.mark.parametrize("asked", [("--context", "request=r7"), ("--context", "user=2", "--table", "item")])
def test_an_undo_by_context_plans_the_same(
    database: Database, start_worker: StartWorker, asked: tuple[str, ...]
) -> None:
    """And finds what it undoes in the partitions that may have it."""
    dice = random.Random(printed_seed())
    database.sql(
        "create table item (id int primary key, v int); create table other (id int primary key, v int);"
        "create table loose (v int); alter table loose replica identity full;"
        "insert into item select i, 0 from generate_series(1, 20) i; insert into other select i, 0 from"
        " generate_series(1, 20) i"
    )
    start_worker().wait_ready()
    for number in range(30):
        table, key = dice.choice(["item", "other"]), dice.randint(1, 22)
        context = json.dumps({"request": f"r{number % 15}", "user": number % 4})
        database.sql(
            f"select pg_logical_emit_message(true, '_bemi', '{context}');"
            f"insert into {table} values ({key}, 1) on conflict (id) do update set v = {table}.v + 1;"
            f"insert into loose values ({number % 3});"
            + (f"delete from {table} where id = {dice.randint(1, 22)}" if dice.random() < 0.3 else "")
        )
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    plan = ("revert", *asked, "--on-conflict", "skip", "--format", "json")

    def planned() -> dict[str, object]:
        done = bemi(*plan, env=env, check=False)
        assert done.stdout, done.stderr
        return {name: value for name, value in json.loads(done.stdout).items() if name != "seconds"}

    before = planned()
    assert before["tables"], before
    cut(database, 40)
    assert planned() == before
    list_all_but(database, 2)
    assert planned() == before
    contexts = {"request": "r7"} if "request=r7" in asked else {"user": 2}
    with psycopg.connect(database.url, autocommit=True) as connection:
        times = "select count(*) from _bemi.times_of_contexts(%s, '-infinity', 'infinity')"
        assert opened(connection, times, json.dumps([[contexts]])) == set()
        [(spans,)] = connection.execute(times.encode(), (json.dumps([[contexts]]),)).fetchall()
        assert spans <= len(partitions_with(database, "context @> %s", json.dumps(contexts))) + 4
