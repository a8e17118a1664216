"""Who set each present value of a record: `bemi blame` and `bemi.blame`, against a walk over `changes`."""

from __future__ import annotations

import json
import random
from typing import Any

from e2e.api import write
from e2e.oracle import history, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.terminal import in_terminal


def walked(database: Database, key: str) -> dict[str, tuple[Any, str]]:
    """Each column's value and the id of the change that set it, from the changes alone."""
    found: dict[str, tuple[Any, str]] = {}
    for change in history(database.url, f"\"table\" = 'item' and primary_key = '{key}'"):
        if change["operation"] == "DELETE":
            found = {}
            continue
        for column, value in change["after"].items():
            if column not in found or found[column][0] != value:
                found[column] = (value, str(change["id"]))
    return found


@oldest_and_newest
def test_each_value_has_the_change_that_set_it(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, a int, b text, c numeric)")
    database.sql("insert into item values (1, 0, 'x', 1.5), (2, 0, null, null)")
    start_worker().wait_ready()
    chance = random.Random(11)
    for step in range(60):
        number = chance.randint(1, 4)
        if chance.random() < 0.15:
            write(database, {"user_id": step}, f"delete from item where id = {number}")
            continue
        column = chance.choice(["a = 3", "a = 4", "b = 'y'", "b = null", "c = 2.5", "c = 7"])
        write(
            database,
            {"user_id": step},
            f"insert into item values ({number}, 9, 'new', null) on conflict (id) do update set {column}",
        )
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    for key in "1234":
        done = bemi("blame", "item", key, "--format", "json", env=env, check=False)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert {one["column"]: (one["value"], one["id"]) for one in told} == walked(database, key), key
    assert any(walked(database, key) for key in "1234")


@oldest_and_newest
def test_a_value_that_no_change_set_is_shown(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, a int)")
    start_worker().wait_ready()
    database.sql("insert into item values (1, 1)")
    database.sql("alter table item add column extra text default 'standard'")
    write(database, {"user_id": 7}, "update item set a = 2")
    sync(database.url)
    told = database.sql(
        "select \"column\", value, context ->> 'user_id', id is null from bemi.blame('item', '1')"
    )
    assert told == [("a", 2, "7", False), ("id", 1, None, False), ("extra", "standard", None, True)]
    said = bemi("blame", "item", "1", env={"BEMI_SOURCE_URL": database.url}).stdout.splitlines()
    assert said[-1].split("│")[0].strip() == "extra" and said[-1].endswith("no change on record")


def test_blame_is_read_in_80_columns(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, price numeric)")
    start_worker().wait_ready()
    database.sql("insert into item values (1, 2)")
    context = {"user_id": 42, "method": "PATCH", "endpoint": "/price"}
    write(database, context, "update item set price = 7.86")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    lines = in_terminal(80, "blame", "item", "1", env=env).splitlines()
    assert lines[0].split() == ["column", "│", "value", "│", "since", "│", "who"]
    assert lines[2].startswith(" price  │ 7.86  │ 20") and lines[2].endswith("│ 42 PATCH /price")
    assert lines[3].endswith("│ no context")
    write(database, context, "delete from item")
    sync(database.url)
    gone = bemi("blame", "item", "1", env=env, check=False)
    assert gone.returncode == 2 and "there is no item 1 now" in gone.stderr and "bemi history" in gone.stderr
