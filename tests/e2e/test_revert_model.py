"""Random schemas, several users, random selections: after a revert the database is the world in which the
selected changes never happened, or the plan has named a conflict. A model in Python is the judge, which knows
of each transaction only what the tables were before and after it.

BEMI_TEST_SEED=N runs one seed again; BEMI_TEST_ROUNDS=N more of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
from collections import Counter
from typing import Any

import psycopg
import pytest

from e2e.undo import Undo
from support.fixtures import Database, StartWorker
from support.seeds import printed_seed

oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])
Row = dict[str, Any]
World = dict[str, dict[str, Row]]  # table -> uid -> row
ACTIONS = [
    "",
    "on delete cascade",
    "on delete set null",
    "on delete restrict",
    "on update cascade on delete cascade",
]
REFUSALS = (
    psycopg.errors.IntegrityError,
    psycopg.errors.RaiseException,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.ObjectInUse,
)


class Story:
    """A random schema, and what its users did to it."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.random = random.Random(seed)
        self.tables = [f"t{i}" for i in range(self.random.randint(2, 4))]
        self.effects: list[tuple[int, int, World, World]] = []  # user, batch, before, after
        self.loose: list[tuple[int, int, Counter[str], Counter[str]]] = []
        self.references: dict[str, list[tuple[str, str]]] = {}
        for statement in self.schema():
            database.sql(statement)

    def schema(self) -> list[str]:
        """Tables with a hidden identity `uid`, by which the model knows rows whatever their keys."""
        chance = self.random
        statements = ["create table loose (v int, w text)", "alter table loose replica identity full"]
        for table in self.tables:
            place = chance.choice(["unique", "unique deferrable initially deferred", "unique deferrable", ""])
            check = chance.choice(["", "check (a < 90)"])
            statements.append(
                f"create table {table} (id int primary key, uid uuid not null default gen_random_uuid(),"
                f" a int {check}, b text, place int {place}, note jsonb)"
            )
        for table in self.tables:
            for number in range(chance.randint(0, 2)):
                other, column = chance.choice(self.tables), f"r{number}"
                deferrable = chance.choice(["", "deferrable", "deferrable initially deferred"])
                statements.append(
                    f"alter table {table} add {column} int references {other} "
                    f"{chance.choice(ACTIONS)} {deferrable}"
                )
                self.references.setdefault(table, []).append((column, other))
        return statements

    def statement(self) -> str:
        chance = self.random
        table = chance.choice(self.tables)
        key, other, value = chance.randint(1, 8), chance.randint(1, 8), chance.randint(1, 100)
        column = chance.choice(["a", "b", "place", *[c for c, _ in self.references.get(table, [])]])
        new = {"a": value, "b": f"'x{value}'", "place": other}.get(column, chance.choice([other, "null"]))
        return chance.choice(
            [
                f"insert into {table} (id, a, b, place) values ({key}, {value}, 'b', {value})",
                f"insert into {table} (id, {column}) values ({key}, {new})",
                f"insert into {table} (id, {column}, note) values ({key}, {new}, 'null'), "
                f"({other}, {new}, '[1.0]')",
                f"update {table} set {column} = {new} where id = {key}",
                f"update {table} set {column} = {new}, note = '{value}' where id in ({key}, {other})",
                f"update {table} set id = {other} where id = {key}",
                f"update {table} set id = id + 20 where id = {key}",
                f"update {table} set id = id - 20 where id = {key + 20}",
                f"update {table} set place = case id when {key} then {other} else {key} end where "
                f"id in ({key}, {other})",
                f"delete from {table} where id = {key}",
                f"delete from {table} where id = {key}",
                f"insert into loose values ({key % 3}, 'w')",
                f"update loose set w = 'w{key % 2}' where ctid = (select ctid from loose where v "
                f"= {key % 3} limit 1)",
                f"delete from loose where ctid = (select ctid from loose where v = {key % 3} limit 1)",
                *([f"truncate {table} cascade"] if value == 1 else []),
            ]
        )

    def world(self) -> World:
        """Every table as it is, each value its exact text."""
        found: World = {}
        for table in self.tables:
            columns = [
                "id",
                "uid",
                "a",
                "b",
                "place",
                "note",
                *[c for c, _ in self.references.get(table, [])],
            ]
            texts = ", ".join(f"{column}::text" for column in columns)
            rows = [
                dict(zip(columns, row, strict=True))
                for row in self.database.sql(f"select {texts} from {table}")
            ]
            found[table] = {row["uid"]: row for row in rows}
        return found

    def loose_rows(self) -> Counter[str]:
        return Counter(text for (text,) in self.database.sql("select the_row::text from loose the_row"))

    def run(self, transactions: int) -> None:
        before, loose_before = self.world(), self.loose_rows()
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            for _ in range(transactions):
                user, batch = self.random.choice([1, 2, 42]), self.random.randint(1, 3)
                with contextlib.suppress(*REFUSALS), connection.transaction():
                    context = json.dumps({"user_id": user, "batch": batch})
                    connection.execute("select pg_logical_emit_message(true, '_bemi', %s)", [context])
                    for _ in range(self.random.randint(1, 4)):
                        with contextlib.suppress(*REFUSALS), connection.transaction():
                            connection.execute(self.statement().encode())
                after, loose_after = self.world(), self.loose_rows()
                self.effects.append((user, batch, before, after))
                self.loose.append((user, batch, loose_before, loose_after))
                before, loose_before = after, loose_after

    def world_without(self, user: int, batch: int | None) -> World:
        world: World = {table: {} for table in self.tables}
        for its_user, its_batch, before, after in self.effects:
            if its_user == user and batch in (None, its_batch):
                continue
            for table in self.tables:
                replay(world[table], before[table], after[table])
        return world

    def loose_without(self, user: int, batch: int | None, rows: Counter[str]) -> Counter[str]:
        for its_user, its_batch, before, after in self.loose:
            if its_user == user and batch in (None, its_batch):
                rows.update(before)
                rows.subtract(after)
        return +rows


def replay(rows: dict[str, Row], before: dict[str, Row], after: dict[str, Row]) -> None:
    """What a transaction did to a table, done to the same table of another world."""
    for uid in before.keys() - after.keys():
        rows.pop(uid, None)
    for uid, row in after.items():
        if uid not in before:
            rows[uid] = dict(row)
        elif uid in rows:
            rows[uid].update({c: v for c, v in row.items() if before[uid][c] != v})


def check(undo: Undo, story: Story, user: int, batch: int | None) -> str:
    """One selection: tells how it ended."""
    flags = ["--context", f"user_id={user}", *([] if batch is None else ["--context", f"batch={batch}"])]
    real, real_loose = story.world(), story.loose_rows()
    plan = undo.plan(*flags)
    assert story.world() == real, "a plan changes nothing"
    if plan["conflicts"]:
        assert undo.run("revert", *flags, "--apply").returncode == 1
        assert story.world() == real, "nothing is undone with a conflict"
        return check_skipping(undo, story, flags, (user, batch), real)
    done = undo.apply(*flags)
    for table, rows in story.world_without(user, batch).items():
        assert story.world()[table] == rows, (table, plan)
    assert story.loose_rows() == story.loose_without(user, batch, real_loose.copy())
    if done["applied"]:
        undo.apply("--transaction", str(done["transaction_id"]))
    assert (story.world(), story.loose_rows()) == (real, real_loose), "the revert of a revert restores"
    return "undone" if done["applied"] else "nothing"


def check_skipping(
    undo: Undo, story: Story, flags: list[str], selection: tuple[int, int | None], real: World
) -> str:
    """Rows in conflict are left as they are; all others are as in the other world."""
    done = undo.run("revert", *flags, "--on-conflict", "skip", "--apply")
    if not done.stdout:  # what is left has no way to be done
        assert story.world() == real, done.stderr
        return "conflict"
    applied = json.loads(done.stdout)
    without = story.world_without(*selection)
    for table, rows in story.world().items():
        for uid, row in rows.items():
            assert row in (real[table].get(uid), without[table].get(uid)), (table, row, applied)
        for uid in (real[table].keys() & without[table].keys()) - rows.keys():
            raise AssertionError(f"{table} {uid} is gone: {applied}")
    if applied["applied"]:
        undo.apply("--transaction", str(applied["transaction_id"]))
    assert story.world() == real
    return "skipped"


@oldest_and_newest
@pytest.mark.parametrize("round_", range(int(os.environ.get("BEMI_TEST_ROUNDS", "4"))))
def test_a_revert_gives_the_world_without_the_changes_or_names_a_conflict(
    database: Database, start_worker: StartWorker, round_: int
) -> None:
    seed = printed_seed() + round_
    story = Story(database, seed)
    start_worker().wait_ready()
    undo = Undo(database)
    ended: Counter[str] = Counter()
    for _ in range(3):
        story.run(12)
        for batch in (1, 2, 3, None):
            ended[check(undo, story, 42, batch)] += 1
    print(ended)
