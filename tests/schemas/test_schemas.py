"""The history, time travel, undo and marks hold on schemas as they are in use, whatever their shape.

BEMI_TEST_SEED=N runs one seed again.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from e2e.oracle import sync
from e2e.undo import Undo

from schemas.shapes import SHAPES
from schemas.workload import Moment, Work
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.seeds import printed_seed
from support.waiting import wait_until

pytestmark = [oldest_and_newest, pytest.mark.timeout(900)]


@pytest.fixture(params=SHAPES)
def work(request: pytest.FixtureRequest, database: Database) -> Iterator[Work]:
    seed = printed_seed()
    SHAPES[request.param](database)
    one = Work(database, seed)
    yield one
    one.close()


def fill(work: Work) -> None:
    """Rows from before there was Bemi, wherever constraints let one in."""
    for _ in range(2):
        for table in work.tables:
            work.insert(table)
    assert len(work.written) > 0.8 * len(work.tables), "the workload does not reach the tables"


def told(work: Work, moment: Moment, table: str) -> list[str] | None:
    """None: the history says that it does not know."""
    try:
        rows = work.database.sql('select "row"::text from bemi.rows_as_of(%s, %s)', table, moment.at)
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return None
    return sorted(text for (text,) in rows)


def differences(work: Work, moment: Moment) -> dict[str, tuple[list[str] | None, list[str]]]:
    """By table: what the history tells, what was there. Right after DDL that moves all rows without a word, it may
    not know yet."""
    answers = {table: told(work, moment, table) for table in moment.rows}
    return {
        table: (answers[table], rows)
        for table, rows in moment.rows.items()
        if answers[table] != rows and not (answers[table] is None and table in work.reshaped)
    }


def is_known(work: Work) -> bool:
    moment = work.note()
    sync(work.database.url)
    return all(told(work, moment, table) == rows for table, rows in moment.rows.items())


def test_time_travel_undo_and_marks_hold(work: Work, start_worker: StartWorker) -> None:
    database = work.database
    fill(work)
    start_worker().wait_ready(300)
    sync(database.url)
    for number in range(60):
        work.transaction(user=1, with_ddl=number % 4 == 3)
        if number % 15 == 7:
            work.note()
    assert work.reshaped
    sync(database.url)
    for moment in work.moments:
        assert differences(work, moment) == {}
    wait_until(lambda: is_known(work), "every table is known again")

    env = {"BEMI_SOURCE_URL": database.url}
    bemi("mark", "create", "before", env=env, timeout=300)
    marked = work.note()
    for _ in range(15):
        work.transaction(user=7)
    worked = work.note()
    assert worked.rows != marked.rows

    plan = Undo(database).plan("--context", "user_id=7")
    assert plan["conflicts"] == []
    Undo(database).apply("--context", "user_id=7")
    assert work.note().rows == marked.rows

    for _ in range(5):
        work.transaction(user=8)
    bemi("mark", "rollback", "before", env=env, timeout=300)
    assert work.note().rows == marked.rows
