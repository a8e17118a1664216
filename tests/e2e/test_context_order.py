"""A change has the context that stood nearest before it in the WAL, in whatever order the server hands out what
shares a position: savepoints, messages and writes at random, compared with a model."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from e2e.oracle import sync
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.seeds import printed_seed

TRANSACTIONS = int(os.environ.get("BEMI_ORDER_TRANSACTIONS", "150"))


@dataclass
class Message:
    number: int
    scope: str


@dataclass
class Model:
    """One transaction: what survived of it, in order."""

    chance: random.Random
    scoped: bool
    steps: list[Message | int] = field(default_factory=list)

    def contexts(self) -> dict[int, int | None]:
        """The rule of DESIGN 7, by row. Written anew from its words, not from the worker's code."""
        found: dict[int, int | None] = {}
        whole = [m.number for m in self.steps if isinstance(m, Message) and m.scope == "transaction"]
        plain = [
            (at, m) for at, m in enumerate(self.steps) if isinstance(m, Message) and m.scope != "transaction"
        ]
        for at, row in enumerate(self.steps):
            if isinstance(row, Message):
                continue
            before = [m for place, m in plain if place < at]
            after = [m for place, m in plain if place > at]
            # Said to reach back to the message before it.
            if after and after[0].scope == "previous":
                found[row] = after[0].number
                continue
            # `previous` says nothing of what comes after it; `next` ends at the next message of any kind.
            reach: Message | None = None
            for message in before:
                if message.scope == "plain" or message.scope == "next":
                    reach = message
                elif reach is not None and reach.scope == "next":
                    reach = None
            if reach is not None:
                found[row] = reach.number
            elif whole:
                found[row] = whole[-1]
            elif after and after[0].scope == "plain":
                found[row] = after[0].number
            else:
                found[row] = None
        return found


class Writer:
    def __init__(self, chance: random.Random, connection: psycopg.Connection[Any]) -> None:
        self.chance, self.connection = chance, connection
        self.rows = 0
        self.messages = 0
        self.expected: dict[int, int | None] = {}

    def transaction(self, scoped: bool, wide: bool) -> None:
        model = Model(self.chance, scoped)
        with self.connection.transaction():
            self.block(model, 0, wide)
        self.expected |= model.contexts()

    def block(self, model: Model, depth: int, wide: bool) -> None:
        for _ in range(self.chance.randint(1, 5)):
            step = self.chance.random()
            if step < 0.35:
                self.message(model)
            elif step < 0.6 and depth < 3:
                self.savepoint(model, depth, wide)
            else:
                self.insert(model, wide)

    def savepoint(self, model: Model, depth: int, wide: bool) -> None:
        # Half of them begin right behind a message, with a write: that is where the order of equal positions shows.
        if self.chance.random() < 0.5:
            self.message(model)
        if (
            self.chance.random() < 0.25
        ):  # rolled back, with writes alone: of a message nobody tells its savepoint
            self.connection.execute("savepoint s")
            for _ in range(self.chance.randint(1, 3)):
                self.insert(Model(self.chance, False), wide)
            self.connection.execute("rollback to s; release s")
            self.insert(model, wide)  # a message whose whole run is rolled back goes with it (docs/adr/0002)
            return
        self.connection.execute("savepoint s")
        self.insert(model, wide)
        self.block(model, depth + 1, wide)
        self.connection.execute("release s")

    def message(self, model: Model) -> None:
        self.messages += 1
        scope = self.chance.choice(["plain", "previous", "next", "transaction"]) if model.scoped else "plain"
        content: dict[str, Any] = {"mark": self.messages}
        if scope != "plain":
            content["_bemi"] = {"v": 1, "scope": scope}
        self.connection.execute(
            "select pg_logical_emit_message(true, '_bemi', %s::text)", (json.dumps(content),)
        )
        model.steps.append(Message(self.messages, scope))

    def insert(self, model: Model, wide: bool) -> None:
        self.rows += 1
        text = self.chance.randbytes(20_000).hex() if wide and self.chance.random() < 0.3 else "x"
        self.connection.execute("insert into t values (%s, %s)", (self.rows, text))
        model.steps.append(self.rows)


@pytest.fixture
def streamed(database: Database) -> Iterator[None]:
    """What is larger than 64 kB is streamed while it is open."""
    database.sql("alter system set logical_decoding_work_mem = '64kB'")
    database.sql("select pg_reload_conf()")
    yield
    database.sql("alter system reset logical_decoding_work_mem")
    database.sql("select pg_reload_conf()")


def compare(database: Database, start_worker: StartWorker, wide: bool) -> None:
    seed = printed_seed()
    chance = random.Random(seed)
    database.sql("create table t (id int primary key, v text)")
    start_worker().wait_ready()
    with psycopg.connect(database.url, autocommit=True) as connection:
        writer = Writer(chance, connection)
        for number in range(TRANSACTIONS):
            writer.transaction(scoped=number % 2 == 1, wide=wide)
    sync(database.url)
    stored = database.sql(
        "select primary_key::int, (context ->> 'mark')::int from changes where operation = 'CREATE'"
    )
    wrong = {
        row: (mark, writer.expected.get(row)) for row, mark in stored if mark != writer.expected.get(row)
    }
    assert not wrong
    assert len(stored) == len(writer.expected)


@oldest_and_newest
def test_contexts_of_whole_transactions(database: Database, start_worker: StartWorker) -> None:
    compare(database, start_worker, wide=False)


@oldest_and_newest
@pytest.mark.usefixtures("streamed")
def test_contexts_of_streamed_transactions(database: Database, start_worker: StartWorker) -> None:
    compare(database, start_worker, wide=True)


@oldest_and_newest
def test_a_message_stands_before_the_savepoint_behind_it(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table t (id int primary key, v text)")
    start_worker().wait_ready()
    with psycopg.connect(database.url, autocommit=True) as connection:
        for first in range(1, 40, 3):
            connection.execute(
                f"begin; select pg_logical_emit_message(true, '_bemi', '{{\"mark\": {first}}}');"
                f"savepoint a; insert into t values ({first}, 'x'); release a;"
                f"select pg_logical_emit_message(true, '_bemi', '{{\"mark\": {first + 1}}}');"
                f"savepoint b; insert into t values ({first + 1}, 'x'); release b; commit".encode()
            )
    sync(database.url)
    stored = database.sql("select primary_key, context ->> 'mark' from changes where operation = 'CREATE'")
    assert stored == [(key, key) for key, _ in stored]
    assert len(stored) == 26


@oldest_and_newest
def test_a_table_is_as_the_ddl_before_the_savepoint_made_it(
    database: Database, start_worker: StartWorker
) -> None:
    """The message of the event trigger, and a row behind it in a savepoint."""
    database.sql("create table t (id int primary key, v text)")
    start_worker().wait_ready()
    with psycopg.connect(database.url, autocommit=True) as connection:
        for number in range(1, 30):
            connection.execute(
                f"begin; savepoint a; insert into t (id) values ({number}); release a;"
                f"alter table t add column c{number} int default {number};"
                f"savepoint b; insert into t (id) values ({-number}); release b; commit".encode()
            )
    sync(database.url)
    order = database.sql(
        "select operation, primary_key, after ->> 'sql' is not null from changes where operation <> 'SNAPSHOT' "
        "and \"table\" = 't' order by epoch, commit_position, sequence"
    )
    order = [row for row in order if row[0] in ("CREATE", "SCHEMA")]
    if order[0][0] == "SCHEMA":
        order = order[1:] if order[1][0] == "CREATE" else order
    assert [row[0] for row in order] == ["CREATE", "SCHEMA", "CREATE"] * 29
    rows = database.sql("select primary_key::int, after from changes where operation = 'CREATE'")
    for key, after in rows:
        if key < 0:
            assert after[f"c{-key}"] == -key
