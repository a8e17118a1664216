"""Undoing: what goes back, what is in the way, and nothing else."""

from __future__ import annotations

import pytest

from e2e.undo import Undo, conflicts
from support.fixtures import Database, StartWorker

oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])
USER = ("--context", "user_id=42")


@pytest.fixture
def undo(database: Database, start_worker: StartWorker) -> Undo:
    database.sql("create extension if not exists hstore")
    start_worker().wait_ready()
    return Undo(database)


@oldest_and_newest
def test_inserts_updates_and_deletes_of_a_user_are_undone(undo: Undo) -> None:
    undo.database.sql("create table todo (id int primary key, task text, done bool default false)")
    undo.as_user(1, "insert into todo values (1, 'Walk'), (2, 'Sleep'), (3, 'Eat')")
    before = undo.rows("todo")
    undo.as_user(42, "update todo set task = 'Run' where id = 1", "delete from todo where id = 2")
    undo.as_user(42, "insert into todo values (4, 'Fly')")
    plan = undo.plan(*USER)
    assert plan["applicable"] and plan["conflicts"] == []
    [table] = plan["tables"]
    assert (table["inserts"], table["updates"], table["deletes"]) == (1, 1, 1)
    assert undo.rows("todo") != before
    done = undo.apply(*USER)
    assert undo.rows("todo") == before
    [(context,)] = undo.database.sql(
        f"select distinct context from changes where transaction_id = {done['transaction_id']}"
    ) if undo.run("status") and not undo.plan("--transaction", str(done["transaction_id"])) is None else [(None,)]
    assert context["revert_of"] == plan["transactions"]
